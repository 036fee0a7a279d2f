/**
 * `node test/bench/kernel.ts [--bits N] [--rounds N] [--go DIR]`: hashes a second on one core by each kernel, on small and on huge pages, one
 * input at a time and 128 side by side, and the time of one draw of the table's making; with a checkout of github.com/pegnet/LXRHash at DIR
 * and a Go toolchain, the reference's FlatHash and HashParallel(16) in the same run. All are measured in turns, by CPU time, and compared
 * within each round, so that other load on the machine spoils little. Needs two tables' memory.
 */

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { toHex } from "../../shared/bytes.ts";
import { readPageFacts } from "../../shared/hash/huge-pages.ts";
import { REGION_BYTES, STATE } from "../../shared/hash/kernel/layout.ts";
import { loadNative } from "../../shared/hash/kernel/native.ts";
import { instantiateKernel } from "../../shared/hash/kernel/wasm.ts";
import { LxrKernel } from "../../shared/hash/kernel.ts";
import { loadKoffi } from "../../shared/hash/koffi.ts";
import { findNative } from "../../shared/hash/native-kernel.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { allocateTable, claimRegion, type SharedTable, tableBytes } from "../../shared/hash/shared-table.ts";
import { type Logger, SILENT } from "../../shared/logger.ts";
import { type Contender, startReference } from "./reference.ts";

/** oprHash, 4 bytes of pool nonce, thread byte; then a 4-byte counter: what a miner hashes. */
const PREFIX = new Uint8Array(37).map((_, i) => 7 * i);
const SAMPLE_MS = 400;
const MADV_NOHUGEPAGE = 15;

/** CPU microseconds of this process. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
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

function hashing(name: string, table: SharedTable, lanes: number): Contender {
  const kernel = new LxrKernel(table, claimRegion(table));
  let start = 0;
  return {
    name: `${name}, ${lanes === 1 ? "one at a time" : `${lanes} side by side`}`,
    run: async (hashes) => {
      const before = cpuUs();
      for (let done = 0; done < hashes; done += lanes) {
        kernel.search({ prefix: PREFIX, start, suffixBytes: 4, count: lanes });
        start += lanes;
      }
      return cpuUs() - before;
    },
  };
}

/** Spoils the table: to be run last. */
function drawing(name: string, { bits, library, memory }: SharedTable, region: number): Contender {
  const functions = library === undefined ? instantiateKernel(memory) : loadNative(library, memory);
  const state = region * REGION_BYTES + STATE;
  let from = 0;
  return {
    name: `${name}, a draw`,
    run: async (draws) => {
      const before = cpuUs();
      functions.shuffle(state, (1n << BigInt(bits)) - 1n, from, draws);
      from = (from + draws) % 2 ** (bits - 1);
      return cpuUs() - before;
    },
  };
}

/** How many (a multiple of 128) take about SAMPLE_MS. */
async function calibrate(contender: Contender, most: number): Promise<number> {
  for (let count = 128; ; count *= 4) {
    const us = await contender.run(count);
    if (us > 100_000 || 4 * count > most)
      return Math.min(most, Math.max(128, Math.round((count * SAMPLE_MS * 1000) / us / 128) * 128));
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Medians, and how many times as fast as each of `against` (a median of the rounds' ratios). */
async function compare(contenders: readonly Contender[], rounds: number, most: number, against: number[]) {
  const sizes: number[] = [];
  for (const contender of contenders) sizes.push(await calibrate(contender, most));
  const samples: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    const row: number[] = [];
    for (const [i, contender] of contenders.entries())
      row.push((await contender.run(sizes[i] ?? 128)) / (sizes[i] ?? 128));
    samples.push(row);
  }
  for (const [i, { name }] of contenders.entries()) {
    const own = samples.map((row) => row[i] ?? Number.NaN);
    const us = median(own);
    const range = `${Math.min(...own).toFixed(3)}–${Math.max(...own).toFixed(3)}`;
    const ratios = against.map(
      (k) =>
        `${median(samples.map((row) => (row[k] ?? 0) / (row[i] ?? 1))).toFixed(2)} x ${contenders[k]?.name}`,
    );
    console.log(
      [
        name.padEnd(46),
        `${Math.round(1e6 / us)}/s`.padStart(11),
        `${us.toFixed(3)} us (${range})`,
        ...ratios,
      ].join("  "),
    );
  }
}

const { values } = parseArgs({
  options: {
    bits: { type: "string", default: "20" },
    rounds: { type: "string", default: "9" },
    go: { type: "string" },
  },
});
const bits = Number(values.bits);
const rounds = Number(values.rounds);
const logger: Logger = { ...SILENT, warn: console.error, error: console.error };
const opened = await openTable({ bits, native: { setting: "off" }, logger });
const huge = `${Math.round(readPageFacts().hugeBytes / 2 ** 20)} MiB of huge pages`;
const native = await findNative();
if (native.kind === "none") console.log(`no native kernel: ${native.reason}`);
const small = copyToSmallPages(opened);
const tables: [string, SharedTable][] = [
  ...(small ? [["small pages", small] as const] : []),
  ["huge pages", opened] as const,
].flatMap(([pages, table]): [string, SharedTable][] => [
  [`WebAssembly, ${pages}`, table],
  ...(native.kind === "found"
    ? [[`native, ${pages}`, { ...table, library: native.library }] satisfies [string, SharedTable]]
    : []),
]);
const reference = values.go === undefined ? undefined : await startReference(values.go, bits);
try {
  const input = new Uint8Array([...PREFIX, 1, 2, 3, 4]);
  const theirs = (await reference?.hash(input)) ?? undefined;
  for (const [name, table] of tables) {
    const ours = toHex(new LxrKernel(table, claimRegion(table)).hashBatch([input])[0] ?? input);
    if (ours !== (theirs ?? ours))
      throw new Error(`the hashes differ: ${name} ${ours}, the reference ${theirs}`);
  }
  const contenders = [
    ...(reference?.contenders ?? []),
    ...tables.flatMap(([name, table]) => [1, 128].map((lanes) => hashing(name, table, lanes))),
  ];
  const load = (): string =>
    loadavg()
      .map((one) => one.toFixed(1))
      .join(" ");
  console.log(
    `${bits} bits, inputs of ${input.length} bytes, one core, medians (ranges) of ${rounds} rounds; ${huge}; load ${load()}`,
  );
  await compare(contenders, rounds, 2 ** 30, reference ? [0, 1] : [0]);
  const regions = new Map(tables.map(([, table]) => [table.memory, claimRegion(table)]));
  console.log(`making the table: load ${load()}`);
  await compare(
    tables.map(([name, table]) => drawing(name, table, regions.get(table.memory) ?? 1)),
    rounds,
    2 ** (bits - 1),
    [0],
  );
  console.log(`load ${load()}`);
} finally {
  await reference?.close();
}
