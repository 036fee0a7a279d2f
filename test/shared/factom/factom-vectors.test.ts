/** Every case of `factom.json` against our addresses, entries, commits, blocks. (Its request bodies: client.test.ts.) */

import { readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { base58 } from "@scure/base";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import {
  type AddressKind,
  decodeBase58,
  encodeAddress,
  isValidFaAddress,
  parseAddress,
  parseFaAddressLeniently,
  rcd1,
  rcdHash,
} from "../../../shared/factom/address.ts";
import {
  encodeDirectoryBlock,
  encodeEntryBlock,
  parseDirectoryBlock,
  parseEntryBlock,
} from "../../../shared/factom/block.ts";
import { parseCommit, signEntry } from "../../../shared/factom/commit.ts";
import { keyPairFromSeed, verifySignature } from "../../../shared/factom/ed25519.ts";
import {
  chainIdOf,
  type Entry,
  encodeEntry,
  entryCost,
  entryHash,
  OPR_CHAIN,
  parseEntry,
  TRANSACTION_CHAIN,
} from "../../../shared/factom/entry.ts";

const hex = v.string();
const nullable = v.nullable(v.string());
const CASES = v.array(
  v.variant("kind", [
    v.object({
      kind: v.literal("address"),
      FA: hex,
      Fs: hex,
      EC: hex,
      Es: hex,
      checksum: hex,
      secretSeed: hex,
      ecSeed: hex,
      publicKey: hex,
      ecPublicKey: hex,
      rcd: hex,
      rcdHash: hex,
    }),
    v.object({
      kind: v.literal("addressValidity"),
      note: v.string(),
      address: v.string(),
      valid: v.boolean(),
      error: nullable,
      factomLibValid: v.boolean(),
    }),
    v.object({ kind: v.literal("base58"), text: v.string(), decoded: hex, bytes: v.optional(hex) }),
    v.object({
      kind: v.literal("chainid"),
      chainid: hex,
      extids: v.array(hex),
      isPoolOPRChain: v.boolean(),
      isPoolTxChain: v.boolean(),
    }),
    v.object({
      kind: v.literal("entry"),
      note: v.string(),
      chainid: hex,
      extids: v.array(hex),
      content: v.optional(hex),
      contentRepeat: v.optional(v.object({ byte: hex, count: v.number() })),
      error: nullable,
      entryhash: v.optional(hex),
      raw: v.optional(hex),
      rawLen: v.optional(v.number()),
      rawSha256: v.optional(hex),
      cost: v.optional(v.number()),
      newChainCost: v.optional(v.number()),
    }),
    v.object({
      kind: v.literal("entryUnmarshal"),
      note: v.string(),
      raw: hex,
      error: nullable,
      chainid: v.optional(hex),
      extids: v.optional(v.array(hex)),
      content: v.optional(hex),
      entryhash: v.optional(hex),
    }),
    v.object({
      kind: v.literal("commit"),
      Es: hex,
      EC: hex,
      esSeed: hex,
      commit: hex,
      entryhash: hex,
      newChain: v.boolean(),
      raw: hex,
      timestampMs: v.string(),
      txid: hex,
      rpc: v.array(v.object({ method: v.string(), params: v.record(v.string(), v.string()) })),
    }),
    v.object({
      kind: v.literal("eblock"),
      note: v.optional(v.string()),
      error: v.optional(nullable),
      raw: hex,
      chainid: v.optional(hex),
      keyMR: v.optional(hex),
      fullHash: v.optional(hex),
      bodyMR: v.optional(hex),
      headerHash: v.optional(hex),
      prevKeyMR: v.optional(hex),
      prevFullHash: v.optional(hex),
      height: v.optional(v.number()),
      sequence: v.optional(v.number()),
      entryHashes: v.optional(v.array(hex)),
      entryMinutes: v.optional(v.array(v.number())),
      objects: v.optional(v.array(hex)),
    }),
    v.object({
      kind: v.literal("dblock"),
      raw: hex,
      keyMR: hex,
      fullHash: hex,
      bodyMR: hex,
      headerHash: hex,
      prevKeyMR: hex,
      prevFullHash: hex,
      height: v.number(),
      networkID: hex,
      timestampMinutes: v.number(),
      eblocks: v.array(v.object({ chainid: hex, keyMR: hex })),
      oprEBlockKeyMR: nullable,
    }),
    v.object({ kind: v.literal("factomdRPC") }),
  ]),
);
const cases = v.parse(CASES, JSON.parse(readFileSync("test/support/vectors/factom.json", "utf8")).cases);

type Case = (typeof cases)[number];
function ofKind<K extends Case["kind"]>(kind: K, count: number): Extract<Case, { kind: K }>[] {
  const found = cases.filter((one): one is Extract<Case, { kind: K }> => one.kind === kind);
  expect(found).toHaveLength(count);
  return found;
}

describe("factom.json", () => {
  it("derives the four addresses, the RCD and its hash from the seeds", () => {
    for (const one of ofKind("address", 12)) {
      const factoid = keyPairFromSeed(fromHex(one.secretSeed));
      const credits = keyPairFromSeed(fromHex(one.ecSeed));
      const rcd = rcd1(factoid.publicKey);

      expect(toHex(factoid.publicKey)).toBe(one.publicKey);
      expect(toHex(credits.publicKey)).toBe(one.ecPublicKey);
      expect(toHex(rcd)).toBe(one.rcd);
      expect(toHex(rcdHash(rcd))).toBe(one.rcdHash);
      const payloads: [AddressKind, string, string][] = [
        ["FA", one.FA, one.rcdHash],
        ["Fs", one.Fs, one.secretSeed],
        ["EC", one.EC, one.ecPublicKey],
        ["Es", one.Es, one.ecSeed],
      ];
      for (const [kind, text, payload] of payloads) {
        expect(encodeAddress(kind, fromHex(payload))).toBe(text);
        expect(parseAddress(kind, text)).toEqual({ ok: true, bytes: fromHex(payload) });
      }
      expect(toHex(base58.decode(one.FA)).slice(-8)).toBe(one.checksum);
    }
  });

  it("accepts and refuses address texts as factoidaddress.Valid and the factom library do", () => {
    const REASONS: Record<string, string[]> = {
      "checksum is not correct": ["checksum"],
      "address has wrong prefix": ["prefix"],
      "address is of wrong length": ["length"],
      "address must be in base58": ["characters"],
    };
    for (const one of ofKind("addressValidity", 15)) {
      const parsed = parseAddress("FA", one.address);

      expect(isValidFaAddress(one.address), one.note).toBe(one.valid);
      expect(parseFaAddressLeniently(one.address) !== undefined, one.note).toBe(one.factomLibValid);
      if (!parsed.ok) expect(REASONS[one.error ?? ""], one.note).toContain(parsed.reason);
    }
  });

  it("decodes base58 as the reference does, and says undefined where it answers nothing", () => {
    for (const one of ofKind("base58", 37)) {
      const decoded = decodeBase58(one.text);

      expect(toHex(decoded ?? new Uint8Array()), JSON.stringify(one.text)).toBe(one.decoded);
      if (one.bytes !== undefined) expect(base58.encode(fromHex(one.bytes))).toBe(one.text);
      if (/[^1-9A-HJ-NP-Za-km-z]/.test(one.text)) expect(decoded).toBeUndefined();
    }
  });

  it("computes chain ids, among them the two that the pool uses", () => {
    for (const one of ofKind("chainid", 13)) {
      const chainId = chainIdOf(one.extids.map((extId) => fromHex(extId)));

      expect(chainId).toBe(one.chainid);
      expect(chainId === OPR_CHAIN).toBe(one.isPoolOPRChain);
      expect(chainId === TRANSACTION_CHAIN).toBe(one.isPoolTxChain);
    }
  });

  it("encodes entries, hashes and prices them, and refuses more than 10 KiB", () => {
    for (const one of ofKind("entry", 25)) {
      const repeat = one.contentRepeat;
      const content = repeat
        ? new Uint8Array(repeat.count).fill(Number.parseInt(repeat.byte, 16))
        : fromHex(one.content ?? "");
      const entry: Entry = {
        chainId: one.chainid,
        extIds: one.extids.map((extId) => fromHex(extId)),
        content,
      };

      if (one.error !== null) {
        expect(() => encodeEntry(entry), one.note).toThrowError(
          expect.objectContaining({ code: "entry-too-large" }),
        );
        continue;
      }
      const raw = encodeEntry(entry);

      if (one.raw !== undefined) expect(toHex(raw)).toBe(one.raw);
      expect(raw.length).toBe(one.rawLen);
      expect(entryHash(raw)).toBe(one.entryhash);
      expect(entryCost(raw.length)).toBe(one.cost);
      expect(entryCost(raw.length, true)).toBe(one.newChainCost);
      expect(parseEntry(raw)).toEqual({ ok: true, entry });
    }
  });

  it("reads raw entries and names what is wrong with a bad one", () => {
    const REASONS: Record<string, string> = {
      "invalid length": "length",
      "invalid version byte": "version",
      "invalid ExtIDs length": "ext-ids-length",
      "error parsing ExtIDs": "ext-ids",
    };
    for (const one of ofKind("entryUnmarshal", 9)) {
      const raw = fromHex(one.raw);
      const parsed = parseEntry(raw);

      if (one.error !== null) {
        expect(parsed, one.note).toEqual({ ok: false, reason: REASONS[one.error] });
        continue;
      }
      const entry = {
        chainId: one.chainid,
        extIds: one.extids?.map((extId) => fromHex(extId)),
        content: fromHex(one.content ?? ""),
      };
      expect(parsed, one.note).toEqual({ ok: true, entry });
      expect(entryHash(raw)).toBe(one.entryhash);
    }
  });

  it("signs commits byte for byte and reads them back", () => {
    for (const one of ofKind("commit", 12)) {
      const parsed = parseEntry(fromHex(one.raw));
      if (!parsed.ok) throw new Error("the vector's entry does not parse");
      const seed = parseAddress("Es", one.Es);
      if (!seed.ok) throw new Error("the vector's key does not parse");
      const payer = keyPairFromSeed(seed.bytes);
      const timestampMs = Number(one.timestampMs);

      const signed = signEntry({ entry: parsed.entry, payer, timestampMs, newChain: one.newChain });

      expect(toHex(signed.commit)).toBe(one.commit);
      expect(toHex(signed.reveal)).toBe(one.raw);
      expect(signed.entryHash).toBe(one.entryhash);
      expect(signed.txId).toBe(one.txid);
      expect(encodeAddress("EC", payer.publicKey)).toBe(one.EC);
      expect(one.rpc.map((call) => Object.values(call.params))).toEqual([[one.commit], [one.raw]]);
      const credits = entryCost(signed.reveal.length, one.newChain);
      const commit = {
        timestampMs,
        entryHash: one.entryhash,
        credits,
        publicKey: payer.publicKey,
        txId: one.txid,
      };
      expect(parseCommit(signed.commit)).toEqual(
        one.newChain ? { ok: false, reason: "length" } : { ok: true, commit },
      );
    }
  });

  it("reads and writes entry blocks, and refuses a changed body", () => {
    for (const one of ofKind("eblock", 12)) {
      const parsed = parseEntryBlock(fromHex(one.raw));

      if (one.error) {
        expect(one.error).toBe("invalid BodyMR");
        expect(parsed, one.note).toEqual({ ok: false, reason: "body-root" });
        continue;
      }
      const entries = one.entryHashes?.map((hash, i) => ({ hash, minute: one.entryMinutes?.[i] }));
      const hashes = {
        keyMr: one.keyMR,
        fullHash: one.fullHash,
        bodyMr: one.bodyMR,
        headerHash: one.headerHash,
      };
      const block = {
        chainId: one.chainid,
        prevKeyMr: one.prevKeyMR,
        prevFullHash: one.prevFullHash,
        sequence: one.sequence,
        height: one.height,
        entries,
      };
      expect(parsed).toEqual({ ok: true, block, hashes });
      if (parsed.ok) expect(encodeEntryBlock(parsed.block)).toEqual({ raw: fromHex(one.raw), hashes });
    }
  });

  it("reads and writes directory blocks and finds the OPR chain in them", () => {
    for (const one of ofKind("dblock", 5)) {
      const parsed = parseDirectoryBlock(fromHex(one.raw));

      const hashes = {
        keyMr: one.keyMR,
        fullHash: one.fullHash,
        bodyMr: one.bodyMR,
        headerHash: one.headerHash,
      };
      const entryBlocks = one.eblocks.map((eblock) => ({ chainId: eblock.chainid, keyMr: eblock.keyMR }));
      const block = {
        networkId: one.networkID,
        prevKeyMr: one.prevKeyMR,
        prevFullHash: one.prevFullHash,
        timestampMinutes: one.timestampMinutes,
        height: one.height,
        entryBlocks,
      };
      expect(parsed).toEqual({ ok: true, block, hashes });
      if (!parsed.ok) continue;
      expect(encodeDirectoryBlock(parsed.block)).toEqual({ raw: fromHex(one.raw), hashes });
      const opr = parsed.block.entryBlocks.find((eblock) => eblock.chainId === OPR_CHAIN);
      expect(opr?.keyMr ?? null).toBe(one.oprEBlockKeyMR);
    }
  });

  it("has no case of another kind but the request bodies", () => {
    expect(cases).toHaveLength(12 + 15 + 37 + 13 + 25 + 9 + 12 + 12 + 5 + 8);
  });
});

describe("ed25519 by node:crypto", () => {
  it("signs and verifies exactly as an independent implementation", () => {
    for (let i = 0; i < 8; i++) {
      const seed = new Uint8Array(32).fill(i);
      const message = new Uint8Array(i * 37).fill(i);
      const pair = keyPairFromSeed(seed);

      const signature = pair.sign(message);

      expect(pair.publicKey).toEqual(ed25519.getPublicKey(seed));
      expect(signature).toEqual(ed25519.sign(message, seed));
      expect(verifySignature(pair.publicKey, message, signature)).toBe(true);
      expect(verifySignature(pair.publicKey, Uint8Array.of(1, ...message), signature)).toBe(false);
      expect(verifySignature(pair.publicKey, message, signature.subarray(1))).toBe(false);
      expect(verifySignature(signature.subarray(0, 31), message, signature)).toBe(false);
    }
  });
});
