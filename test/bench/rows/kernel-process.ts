/**
 * A process that hashes, or makes a table, on one core: told `{bits, spoils}`, it prints the names of what it can do as a JSON line, then
 * answers each line `NAME COUNT` with the CPU microseconds that so many took, and `hash HEX` with the hash of every kernel, which must be one.
 */

import { createInterface } from "node:readline";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { REGION_BYTES, STATE } from "../../../shared/hash/kernel/layout.ts";
import { loadNative } from "../../../shared/hash/kernel/native.ts";
import { instantiateKernel } from "../../../shared/hash/kernel/wasm.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { loadKoffi } from "../../../shared/hash/koffi.ts";
import { findNativeFor } from "../../../shared/hash/native-kernel.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import {
  allocateTable,
  claimRegion,
  type SharedTable,
  tableBytes,
} from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";

/** oprHash, 4 bytes of pool nonce, thread byte; then a 4-byte counter: what a miner hashes. */
const PREFIX = new Uint8Array(37).map((_, i) => 7 * i);
const SIDE_BY_SIDE = 128;
const MADV_NOHUGEPAGE = 15;

/** Makes so many hashes, or steps of a table. */
type Work = (count: number) => void;

const { bits, spoils } = JSON.parse(process.argv[2] ?? "{}") as { bits: number; spoils: boolean };
const opened = await openTable({ bits, native: { setting: "off" }, logger: SILENT });
/** Where the product uses it: for large tables. */
const native = (await findNativeFor(bits)) ?? { kind: "none" as const };
const small = spoils ? undefined : copyToSmallPages(opened);
/** By the end of their rows' names: the best that there is has none. */
const tables = new Map<string, SharedTable>([
  ...(native.kind === "found" ? [["", { ...opened, library: native.library }] as const] : []),
  [native.kind === "found" ? "-wasm" : "", opened],
  ...(small && native.kind === "found"
    ? [["-small-pages", { ...small, library: native.library }] as const]
    : []),
  ...(small ? [[native.kind === "found" ? "-wasm-small-pages" : "-small-pages", small] as const] : []),
]);
const works = new Map(
  [...tables].flatMap(([end, table]): [string, Work][] =>
    spoils
      ? [[`table${end}`, drawing(table)]]
      : [
          [`kernel${end}`, hashing(table, 1)],
          [`kernel-batch${end}`, hashing(table, SIDE_BY_SIDE)],
        ],
  ),
);
console.log(JSON.stringify([...works.keys()]));
for await (const line of createInterface({ input: process.stdin })) {
  const [name = "", given = ""] = line.split(" ");
  if (name === "hash") console.log(hashes(fromHex(given)).join(" "));
  else console.log(cpuUsOf(() => works.get(name)?.(Number(given))));
}

function cpuUsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The different hashes of all kernels. */
function hashes(input: Uint8Array): string[] {
  const all = [...tables.values()].map((table) =>
    toHex(new LxrKernel(table, claimRegion(table)).hashBatch([input])[0] ?? input),
  );
  return [...new Set(all)];
}

/** The same table on pages of 4 KiB; undefined without koffi, which could not have asked for larger ones either. */
function copyToSmallPages(table: SharedTable): SharedTable | undefined {
  const advise = loadKoffi()?.load(null).func("int madvise(void *address, size_t length, int advice)");
  if (advise === undefined) return undefined;
  const copy = allocateTable(table.bits);
  const memory = new Uint8Array(copy.memory.buffer);
  if (advise(memory, memory.length, MADV_NOHUGEPAGE) !== 0) return undefined;
  tableBytes(copy).set(tableBytes(table));
  return copy;
}

function hashing(table: SharedTable, lanes: number): Work {
  const kernel = new LxrKernel(table, claimRegion(table));
  let start = 0;
  return (count) => {
    for (let done = 0; done < count; done += lanes) {
      kernel.search({ prefix: PREFIX, start, suffixBytes: 4, count: lanes });
      start += lanes;
    }
  };
}

/** Steps of the table's making, over a table that is made: it is spoilt. */
function drawing({ bits: size, library, memory, ...rest }: SharedTable): Work {
  const functions = library === undefined ? instantiateKernel(memory) : loadNative(library, memory);
  const state = claimRegion({ bits: size, library, memory, ...rest }) * REGION_BYTES + STATE;
  let from = 0;
  return (count) => {
    functions.shuffle(state, (1n << BigInt(size)) - 1n, from, count);
    from = (from + count) % 2 ** (size - 1);
  };
}
