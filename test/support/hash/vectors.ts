/** One body of tests for every implementation of LXRHash: each must give the reference's hashes. */

import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { difficultyOf, LxrKernel } from "../../../shared/hash/kernel.ts";
import { lxrHash } from "../../../shared/hash/lxr.ts";
import { LxrPool } from "../../../shared/hash/pool.ts";
import { claimRegion, type SharedTable, tableBytes } from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { nativeLibrary } from "./native.ts";
import { VECTORS } from "./tables.ts";

const direct = (bits: number, hash: (inputs: readonly Uint8Array[]) => Uint8Array[]): Hasher => ({
  bits,
  hash: async (inputs) => hash(inputs),
  canAcceptWork: () => true,
  close: async () => undefined,
});

type Start = (table: SharedTable) => Hasher;

/** Every way to hash with one kernel: the native one where a library is given. */
const withKernel = (name: string, library?: string): Record<string, Start> => ({
  [`the ${name} kernel, one by one`]: (table) => {
    const kernel = new LxrKernel({ ...table, library }, claimRegion(table));
    return direct(table.bits, (inputs) => inputs.flatMap((input) => kernel.hashBatch([input])));
  },
  [`the ${name} kernel, in batches`]: (table) => {
    const kernel = new LxrKernel({ ...table, library }, claimRegion(table));
    return direct(table.bits, (inputs) => kernel.hashBatch(inputs));
  },
  [`two threads of the ${name} kernel`]: (table) =>
    new LxrPool({ table: { ...table, library }, threads: 2 }, { logger: SILENT }),
  [`the ${name} kernel in the calling thread`]: (table) =>
    new LxrPool({ table: { ...table, library }, threads: 0 }, { logger: SILENT }),
});

/** Every way to hash that the project has on this machine. */
export const IMPLEMENTATIONS: Record<string, Start> = {
  "the oracle": (table) =>
    direct(table.bits, (inputs) => inputs.map((input) => lxrHash(tableBytes(table), input))),
  ...withKernel("WebAssembly"),
  ...(nativeLibrary === undefined ? {} : withKernel("native", nativeLibrary)),
};

/** Declares the tests of one size of table. */
export function describeVectors(bits: number, openTable: () => Promise<SharedTable>): void {
  const vectors = VECTORS.cases.find((one) => one.bits === bits);
  if (!vectors) throw new Error(`no vectors of ${bits} bits`);

  describe(`LXRHash over the table of ${bits} bits`, () => {
    it.each(Object.entries(IMPLEMENTATIONS))("gives the reference's hashes with %s", async (_, start) => {
      const hasher = start(await openTable());

      const hashes = await hasher.hash(vectors.inputs.map(({ input }) => input));
      await hasher.close();

      expect(hashes.map(toHex)).toEqual(vectors.inputs.map(({ hash }) => hash));
      expect(hashes.map((hash) => difficultyOf(hash).toString())).toEqual(
        vectors.inputs.map(({ difficulty }) => difficulty),
      );
      expect(hashes).toHaveLength(30);
    });
  });
}
