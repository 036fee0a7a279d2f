import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { encodeEntry, entryCost, entryHash } from "../../../shared/factom/entry.ts";
import {
  type ChainRoot,
  fittingRoots,
  readRootEntry,
  rootChainOf,
  signRootEntry,
} from "../../../shared/proofs/root-entry.ts";
import { OTHER_KEYS, POOL_KEYS } from "../../support/proofs.ts";

const block = (height: number): ChainRoot => ({
  ...{ height, root: "ab".repeat(32), books: "cd".repeat(32) },
  ...{
    carried: 855_000_000_000n,
    reward: 900_000_000_000n,
    carriedIn: 855_000_000_007n,
    fee: 45_000_000_000n,
    paid: 855_000_000_007n,
  },
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = POOL_KEYS.publicKey;

describe("an entry with roots", () => {
  it("has the same bytes whenever it is made, and is read back", () => {
    const blocks = [block(1001), block(1002), block(1005)];
    const entry = signRootEntry(blocks, POOL_KEYS);

    expect(toHex(encodeEntry(entry))).toBe(toHex(encodeEntry(signRootEntry(blocks, POOL_KEYS))));
    expect(readRootEntry(entry, key)).toEqual(blocks);
    // Docs/proofs.md names them: another verifier must find the same.
    expect(rootChainOf(key).chainId).toMatchInlineSnapshot(
      `"095face0be278161ccc5811bd0192f9b081b6355aced464193bea8a52cff34e2"`,
    );
    expect(entryHash(encodeEntry(entry))).toMatchInlineSnapshot(
      `"6dbed4238cdae6d939ae604b86ac9f42003c4c1f3ce08c579d40448492e46a6c"`,
    );
    expect(new TextDecoder().decode(entry.content).split("\n")[0]).toMatchInlineSnapshot(
      `"1001 abababababababababababababababababababababababababababababababab 900000000000 855000000007 45000000000 855000000007 855000000000 cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"`,
    );
  });

  it("does not count when another key has signed it, for another chain, or nobody", () => {
    const entry = signRootEntry([block(1001)], POOL_KEYS);
    const foreign = signRootEntry([block(1001)], OTHER_KEYS);
    const [tag = key, , signature = key] = entry.extIds;
    const refused = {
      "another pool's": foreign,
      "another pool's, on this chain": { ...foreign, chainId: entry.chainId },
      "this pool's name on another's signature": {
        ...entry,
        extIds: [tag, key, foreign.extIds[2] ?? new Uint8Array()],
      },
      unsigned: { ...entry, extIds: [tag, key] },
      "the first entry": rootChainOf(key).first,
      "moved to another chain": { ...entry, chainId: "00".repeat(32) },
      "with more behind the signature": { ...entry, extIds: [tag, key, signature, bytes("x")] },
      changed: { ...entry, content: bytes(new TextDecoder().decode(entry.content).replace("1001", "1002")) },
    };

    for (const [name, one] of Object.entries(refused)) expect(readRootEntry(one, key), name).toBeUndefined();
    expect(readRootEntry(entry, key)).toHaveLength(1);
  });

  it("does not count where it names a height twice, out of order, or in another spelling", () => {
    const wrong = [
      [block(1002), block(1001)],
      [block(1001), block(1001)],
      [{ ...block(1001), height: 2 ** 31 }],
      [{ ...block(1001), fee: -1n }],
      [{ ...block(1001), root: "AB".repeat(32) }],
      [],
    ];
    for (const blocks of wrong)
      expect(readRootEntry(signRootEntry(blocks, POOL_KEYS), key), `${blocks.length}`).toBeUndefined();
  });

  it("costs one credit for up to four blocks, and holds some forty", () => {
    const many = Array.from({ length: 60 }, (_, i) => block(500_000 + i));
    const cost = (count: number): number =>
      entryCost(encodeEntry(signRootEntry(many.slice(0, count), POOL_KEYS)).length);

    expect([cost(1), cost(4), cost(5)]).toEqual([1, 1, 2]);
    const fitting = fittingRoots(many);
    expect(fitting.length).toBeGreaterThanOrEqual(40);
    expect(cost(fitting.length)).toBe(10);
    expect(() => cost(fitting.length + 1)).toThrow("10240");
  });
});
