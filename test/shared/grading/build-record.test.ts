import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { buildOpr, type OprDraft } from "../../../shared/grading/build-record.ts";
import { validateEntry } from "../../../shared/grading/validate.ts";
import { rulesOf } from "../../../shared/grading/versions.ts";
import { assetsOf, OPR_VERSIONS } from "../../../shared/opr/assets.ts";
import { oprExtIds } from "../../../shared/opr/opr-entry.ts";
import { parseOpr } from "../../../shared/opr/parse.ts";
import { floatPrices, oprHash } from "../../../shared/opr/record.ts";

const ADDRESS = "FA2yETQx7RwJ5rRFS7SqB9mcGFUL1Y1qDsa6hSdF3ccKPYTJaskX";

function draft(changes: Partial<OprDraft> = {}): OprDraft {
  const version = changes.version ?? 5;
  return {
    version,
    height: 300_000,
    address: ADDRESS,
    identity: "Prosper",
    prevWinners: Array.from({ length: rulesOf(version).winners }, (_, i) => i.toString(16).padStart(16, "0")),
    prices: new Map(assetsOf(version).map((name, i) => [name, BigInt(i + 1) * 123_456_789n])),
    ...changes,
  };
}

describe("the content of a new job", () => {
  it.each(OPR_VERSIONS)("is what a V%i grader takes", (version) => {
    const made = draft({ version });

    const built = buildOpr(made);

    if (!built.ok) throw new Error(built.reason);
    expect(toHex(built.oprHash)).toBe(toHex(oprHash(built.content)));
    const entry = {
      entryHash: new Uint8Array(32),
      extIds: oprExtIds(version, Uint8Array.of(1, 2, 3), 7n),
      content: built.content,
    };
    const verdict = validateEntry(entry, {
      version,
      height: made.height,
      prevWinners: made.prevWinners ?? [],
    });
    expect(verdict).toMatchObject({
      ok: true,
      entry: { opr: { address: ADDRESS, id: "Prosper", height: 300_000 } },
    });
  });

  it("holds the prices in the order of the version, the unpriced asset as 0", () => {
    for (const version of OPR_VERSIONS) {
      const built = buildOpr(draft({ version }));
      const parsed = parseOpr(built.ok ? built.content : new Uint8Array(0));
      const prices = parsed.ok ? [...floatPrices(parsed.value, assetsOf(version))] : [];
      const expected = assetsOf(version).map((_, i) => (i + 1) * 1.23456789);
      expect(prices[0], `V${version}`).toBe(version <= 2 ? 0 : expected[0]);
      for (const [i, price] of prices.slice(1).entries()) expect(price).toBeCloseTo(expected[i + 1] ?? 0, 8);
      expect(prices.length).toBe(assetsOf(version).length);
    }
  });

  it("names empty winners where no block was graded before", () => {
    const [first, also] = [buildOpr(draft({ prevWinners: null })), buildOpr(draft({ prevWinners: [] }))];

    expect(first).toEqual(also);
    const parsed = parseOpr(first.ok ? first.content : new Uint8Array(0));
    expect(parsed).toMatchObject({
      ok: true,
      value: { winners: Array.from({ length: 25 }, () => new Uint8Array(0)) },
    });
  });

  it("is the same bytes for the same draft, in whatever order the prices come", () => {
    const { prices } = draft();
    const reversed = new Map([...prices].reverse());
    expect(buildOpr(draft({ prices: reversed }))).toEqual(buildOpr(draft()));
  });

  const without = (name: string): Map<string, bigint> =>
    new Map([...draft().prices].filter(([asset]) => asset !== name));
  const priced = (name: string, price: bigint): Map<string, bigint> =>
    new Map(draft().prices).set(name, price);

  it.each([
    { name: "a missing price", changes: { prices: without("NGN") }, code: "asset-missing", named: "NGN" },
    { name: "a zero price", changes: { prices: priced("TRY", 0n) }, code: "asset-zero", named: "TRY" },
    {
      name: "a zero PEG from V3 on",
      changes: { prices: priced("PEG", 0n) },
      code: "asset-zero",
      named: "PEG",
    },
    { name: "a negative price", changes: { prices: priced("EUR", -1n) }, code: "asset-range", named: "EUR" },
    {
      name: "a price beyond 64 bits",
      changes: { prices: priced("EUR", 2n ** 64n) },
      code: "asset-range",
      named: "EUR",
    },
    {
      name: "an address that is none",
      changes: { address: `${ADDRESS.slice(0, -1)}Y` },
      code: "address",
      named: "checksum",
    },
    {
      name: "an identity with other characters",
      changes: { identity: "Prosper Pool" },
      code: "identity",
      named: "Prosper Pool",
    },
    {
      name: "the wrong number of winners",
      changes: { prevWinners: ["0011223344556677"] },
      code: "previous-winners",
      named: "25",
    },
    { name: "a height beyond 31 bits", changes: { height: 2 ** 31 }, code: "height", named: "2147483648" },
  ])("is refused with the reason for $name", ({ changes, code, named }) => {
    expect(buildOpr(draft(changes))).toMatchObject({
      ok: false,
      code,
      reason: expect.stringContaining(named),
    });
  });
});
