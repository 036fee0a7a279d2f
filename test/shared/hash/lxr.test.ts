import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex } from "../../../shared/bytes.ts";
import { MAX_INPUT_BYTES } from "../../../shared/hash/kernel/layout.ts";
import { difficultyOf, LxrKernel } from "../../../shared/hash/kernel.ts";
import { generateTable, LXR_PASSES, LXR_SEED, lxrHash } from "../../../shared/hash/lxr.ts";
import { allocateTable, claimRegion, tableBytes } from "../../../shared/hash/shared-table.ts";
import { tableSum } from "../../../shared/hash/table-sums.ts";
import { nativeLibrary } from "../../support/hash/native.ts";
import { makeTable, VECTORS } from "../../support/hash/tables.ts";
import { describeVectors } from "../../support/hash/vectors.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const small = VECTORS.cases.filter(({ bits }) => bits <= 20);
const tables = new Map(small.map(({ bits }) => [bits, makeTable(bits)]));
for (const { bits } of small) describeVectors(bits, async () => tables.get(bits) ?? makeTable(bits));

describe("the table", () => {
  it("is the reference's, made by the kernel, at every size of the vectors up to 20 bits", () => {
    expect(small.map(({ bits }) => bits)).toEqual([8, 10, 16, 20]);
    for (const { bits, tableSha256, tableFirst64, tableLast64 } of small) {
      const bytes = tableBytes(makeTable(bits));

      expect({ bits, sum: sha256(bytes) }).toEqual({ bits, sum: tableSha256 });
      expect(toHex(bytes.slice(0, 64))).toBe(tableFirst64);
      expect(toHex(bytes.slice(-64))).toBe(tableLast64);
    }
  });

  it.each([8, 10, 16])("is the reference's, made by the oracle, at %i bits", (bits) => {
    const table = generateTable(LXR_SEED, LXR_PASSES, bits);

    expect(sha256(table)).toBe(VECTORS.cases.find((one) => one.bits === bits)?.tableSha256);
  });

  it("is the reference's for other seeds and passes, by kernel and oracle", () => {
    for (const { bits, seed, passes, sha256: sum, table } of VECTORS.smallTables) {
      const made = [
        generateTable(BigInt(`0x${seed}`), passes, bits),
        tableBytes(makeTable(bits, BigInt(`0x${seed}`), passes)).slice(),
      ];

      for (const bytes of made) {
        expect({ bits, seed, passes, sum: sha256(bytes) }).toEqual({ bits, seed, passes, sum });
        if (table !== undefined) expect(toHex(bytes)).toBe(table);
      }
    }
    expect(VECTORS.smallTables).toHaveLength(5);
  });

  it("has the sum that the list of sums names, at every size up to 20 bits", () => {
    for (let bits = 8; bits <= 20; bits++)
      expect({ bits, sum: sha256(tableBytes(makeTable(bits))) }).toEqual({ bits, sum: tableSum(bits) });
  });

  it("has a known sum at every size of the vectors", () => {
    for (const { bits, tableSha256 } of VECTORS.cases) expect(tableSum(bits)).toBe(tableSha256);
  });
});

const LIBRARIES: [string, string | undefined][] = [["WebAssembly", undefined]];
if (nativeLibrary !== undefined) LIBRARIES.push(["native", nativeLibrary]);

describe.each(LIBRARIES)("LxrKernel, %s", (_, library) => {
  const table = { ...makeTable(10), library };
  const kernel = new LxrKernel(table, claimRegion(table));
  const inputs = fc.uint8Array({ maxLength: 80 });

  it("hashes a batch of mixed lengths as it hashes each input alone, and as the oracle does", () => {
    const bytes = tableBytes(table);
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 40 }), (batch) => {
        const together = kernel.hashBatch(batch).map(toHex);

        expect(together).toEqual(batch.map((input) => kernel.hashBatch([input]).map(toHex).join()));
        expect(together[0]).toBe(batch[0] && toHex(lxrHash(bytes, batch[0])));
      }),
      { numRuns: 50 },
    );
  });

  it.each([1, 2, 3, 127, 128, 129, 300])("hashes %i inputs of one length, each by itself", (count) => {
    const batch = Array.from({ length: count }, (_, i) => Uint8Array.of(i, i >> 8, 7));

    const hashes = kernel.hashBatch(batch).map(toHex);

    expect(hashes).toEqual(batch.map((input) => kernel.hashBatch([input]).map(toHex).join()));
  });

  it("hashes inputs so long that only a few fit side by side", () => {
    const batch = [1, 2, 3, 4].map((fill) => new Uint8Array(MAX_INPUT_BYTES).fill(fill));

    const hashes = kernel.hashBatch(batch).map(toHex);

    expect(hashes).toEqual(batch.map((input) => kernel.hashBatch([input]).map(toHex).join()));
    expect(new Set(hashes).size).toBe(4);
  });

  it.each([8, 12])("makes the reference's table of %i bits", (bits) => {
    const made = { ...allocateTable(bits), library };
    new LxrKernel(made, claimRegion(made)).generateTable(LXR_SEED, LXR_PASSES, () => undefined);

    expect(sha256(tableBytes(made))).toBe(tableSum(bits));
  });

  it("refuses an input longer than 64 KiB", () => {
    expect(() => kernel.hashBatch([new Uint8Array(MAX_INPUT_BYTES + 1)])).toThrow(/65536, got 65537/);
  });

  it("finds by search the difficulties that hashing each nonce gives", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 41 }),
        fc.nat(2 ** 32 - 1),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 1, max: 300 }),
        (prefix, start, suffixBytes, count) => {
          const found = kernel.search({ prefix, start, suffixBytes, count });

          const nonces = Array.from({ length: count }, (_, i) => bigEndian(start + i, suffixBytes));
          const hashes = kernel.hashBatch(nonces.map((nonce) => concat(prefix, nonce)));
          expect([...found]).toEqual(hashes.map(difficultyOf));
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([
    [{ count: 0 }, /count.*got 0/],
    [{ count: 1025 }, /count.*got 1025/],
    [{ suffixBytes: 9 }, /suffixBytes.*got 9/],
    [{ start: -1 }, /start.*got -1/],
    [{ prefix: new Uint8Array(4000) }, /prefix's length.*got 4000/],
  ])("refuses to search a range out of bounds: %j", (wrong, message) => {
    const range = { prefix: new Uint8Array(37), start: 0, suffixBytes: 4, count: 128, ...wrong };

    expect(() => kernel.search(range)).toThrow(message);
  });
});

function bigEndian(value: number, length: number): Uint8Array {
  const wide = new Uint8Array(16);
  new DataView(wide.buffer).setBigUint64(8, BigInt(value));
  return wide.slice(16 - length);
}
