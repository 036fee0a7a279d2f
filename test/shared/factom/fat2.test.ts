/** Every case of `factom_fat2.json`: payout batches byte for byte, and pegnetd's verdicts. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { requireAddress } from "../../../shared/factom/address.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import {
  ENTRY_DATA_BYTES_MAX,
  ENTRY_HEADER_BYTES,
  encodeEntry,
  entryCost,
  entryHash,
  rawEntryLength,
  TRANSACTION_CHAIN,
} from "../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch, splitPegPayments } from "../../../shared/factom/fat2.ts";
import { parseFat2Batch, TICKERS } from "../../../shared/factom/fat2-parse.ts";

const BATCH = v.object({
  kind: v.literal("payoutBatch"),
  chainid: v.string(),
  content: v.string(),
  cost: v.optional(v.number()),
  entryError: v.nullable(v.string()),
  entryRaw: v.optional(v.string()),
  entryhash: v.optional(v.string()),
  extids: v.array(v.string()),
  payments: v.array(v.object({ address: v.string(), amount: v.string() })),
  pool: v.object({ FA: v.string(), Fs: v.string() }),
  timestampSalt: v.string(),
  validates: v.boolean(),
});
const VERDICT = v.object({
  kind: v.literal("validity"),
  note: v.string(),
  content: v.string(),
  entryTimestamp: v.number(),
  error: v.nullable(v.string()),
  extids: v.array(v.string()),
  valid: v.boolean(),
});
const file = JSON.parse(readFileSync("test/support/vectors/factom_fat2.json", "utf8"));
const cases = v.parse(v.array(v.variant("kind", [BATCH, VERDICT])), file.cases);
const batches = cases.filter((one) => one.kind === "payoutBatch");
const verdicts = cases.filter((one) => one.kind === "validity");

/** How the reference words each of our reasons; the first that matches decides. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^invalid version/, "version"],
  [/Version: json: cannot unmarshal/, "version"],
  [/at least one output required/, "no-transactions"],
  [/unexpected JSON length/, "fields"],
  [/unexpected end of JSON input/, "fields"],
  [/Amount: json: cannot unmarshal/, "amount"],
  [/exceeded int64/, "amount"],
  [/burn address/, "burn-address"],
  [/invalid format: version and.or checksum|checksum error|invalid length|invalid prefix/, "address"],
  [/invalid token type/, "ticker"],
  [/at least one transfer or/, "no-output"],
  [/insufficient input|must equal sum/, "sum"],
  [/cannot to be the same type/, "same-ticker"],
  [/only one input address/, "inputs"],
  [/invalid number of ExtIDs/, "ext-ids"],
  [/salt: expired/, "expired"],
  [/timestamp salt: strconv/, "salt"],
  [/RCD size|unsupported RCD/, "rcd"],
  [/unexpected or duplicate RCD Hash/, "signer"],
  [/invalid signature/, "signature"],
];

describe("factom_fat2.json", () => {
  it("holds 14 batches and 44 verdicts and our tickers", () => {
    expect([batches.length, verdicts.length, cases.length]).toEqual([14, 44, 58]);
    expect(TICKERS).toEqual(file.tickers);
  });

  it("builds and signs payout batches byte for byte", () => {
    for (const one of batches) {
      const signer = keyPairFromSeed(requireAddress("Fs", one.pool.Fs));
      const payments = one.payments.map(({ address, amount }) => ({ address, amount: BigInt(amount) }));
      const salt = Number(one.timestampSalt);

      const entry = signPegBatch(signer, payments, salt);

      expect(faAddressOf(signer)).toBe(one.pool.FA);
      expect(new TextDecoder().decode(entry.content)).toBe(one.content);
      expect(entry.chainId).toBe(one.chainid);
      expect(entry.extIds.map(toHex)).toEqual(one.extids);
      expect(parseFat2Batch(entry, salt).ok).toBe(one.validates);
      if (one.entryError !== null) {
        expect(() => encodeEntry(entry)).toThrowError(expect.objectContaining({ code: "entry-too-large" }));
        // Differs from prosper-pool: what the reference refuses as too large is split into batches that fit.
        const split = splitPegPayments(one.pool.FA, payments, salt);
        expect(split.flat()).toEqual(payments);
        expect(split.length).toBe(2);
        for (const part of split) encodeEntry(signPegBatch(signer, part, salt));
        continue;
      }
      const raw = encodeEntry(entry);
      expect(toHex(raw)).toBe(one.entryRaw);
      expect(entryHash(raw)).toBe(one.entryhash);
      expect(entryCost(raw.length)).toBe(one.cost);
      expect(splitPegPayments(one.pool.FA, payments, salt)).toEqual([payments]);
    }
  });

  it.each(verdicts)("gives pegnetd's verdict: $note", (one) => {
    // The file recorded this case's content before it was changed (the case equals "good", with the opposite verdict), so
    // the change is made here: a space, which JSON ignores and the signature covers.
    const content = one.note === "content changed after signing" ? `${one.content} ` : one.content;
    const entry = {
      chainId: TRANSACTION_CHAIN,
      extIds: one.extids.map((extId) => fromHex(extId)),
      content: new TextEncoder().encode(content),
    };

    const parsed = parseFat2Batch(entry, one.entryTimestamp);

    expect(parsed.ok).toBe(one.valid);
    if (!parsed.ok) expect(parsed.reason).toBe(REASONS.find(([text]) => text.test(one.error ?? ""))?.[1]);
  });

  it("has one case whose input was not recorded: it is that of the good case", () => {
    const inputs = (note: string) =>
      verdicts.filter((one) => one.note === note).map((one) => [one.content, one.extids]);

    expect(inputs("content changed after signing")).toEqual(inputs("good"));
  });
});

describe("splitPegPayments", () => {
  it("keeps every payment once, in order, in batches that fit and could not take the next payment", () => {
    const signer = keyPairFromSeed(new Uint8Array(32).fill(7));
    const source = faAddressOf(signer);
    const amounts = fc.array(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 2_000_000_000 }), (values, salt) => {
        const payments = values.map((amount) => ({ address: source, amount }));

        const split = splitPegPayments(source, payments, salt);

        expect(split.flat()).toEqual(payments);
        split.forEach((part, i) => {
          const next = split[i + 1]?.[0];
          const limit = ENTRY_HEADER_BYTES + ENTRY_DATA_BYTES_MAX;
          expect(rawEntryLength(signPegBatch(signer, part, salt))).toBeLessThanOrEqual(limit);
          if (next)
            expect(rawEntryLength(signPegBatch(signer, [...part, next], salt))).toBeGreaterThan(limit);
        });
      }),
      { numRuns: 30 },
    );
  });
});
