/**
 * `node test/bench/kernel.ts [--bits N] [--rounds N] [--go DIR]`: hashes a second on one core, one input at a time and 128 side by side;
 * with a checkout of github.com/pegnet/LXRHash at DIR and a Go toolchain, the reference's FlatHash and HashParallel(16) in the same run.
 * All are measured in turns, by CPU time, and compared within each round, so that other load on the machine spoils little.
 */

import { parseArgs } from "node:util";
import { toHex } from "../../shared/bytes.ts";
import { LxrKernel } from "../../shared/hash/kernel.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { claimRegion, type SharedTable } from "../../shared/hash/shared-table.ts";
import { type Logger, SILENT } from "../../shared/logger.ts";
import { type Contender, startReference } from "./reference.ts";

/** oprHash, 4 bytes of pool nonce, thread byte; then a 4-byte counter: what a miner hashes. */
const PREFIX = new Uint8Array(37).map((_, i) => 7 * i);
const SAMPLE_MS = 400;

/** CPU microseconds of this process. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function kernelContenders(table: SharedTable): Contender[] {
  const kernel = new LxrKernel(table, claimRegion(table));
  let start = 0;
  return [1, 128].map((lanes) => ({
    name: lanes === 1 ? "this kernel, one at a time" : `this kernel, ${lanes} side by side`,
    run: async (hashes) => {
      const before = cpuUs();
      for (let done = 0; done < hashes; done += lanes) {
        kernel.search({ prefix: PREFIX, start, suffixBytes: 4, count: lanes });
        start += lanes;
      }
      return cpuUs() - before;
    },
  }));
}

/** How many hashes (a multiple of 128) take about SAMPLE_MS. */
async function calibrate(contender: Contender): Promise<number> {
  for (let hashes = 128; ; hashes *= 4) {
    const us = await contender.run(hashes);
    if (us > 100_000) return Math.max(128, Math.round((hashes * SAMPLE_MS * 1000) / us / 128) * 128);
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

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
const table = await openTable({ bits, logger });
const kernel = new LxrKernel(table, claimRegion(table));
const reference = values.go === undefined ? undefined : await startReference(values.go, bits);
try {
  const input = new Uint8Array([...PREFIX, 1, 2, 3, 4]);
  const ours = toHex(kernel.hashBatch([input])[0] ?? input);
  const theirs = (await reference?.hash(input)) ?? ours;
  if (theirs !== ours) throw new Error(`the hashes differ: this kernel ${ours}, the reference ${theirs}`);

  const contenders = [...kernelContenders(table), ...(reference?.contenders ?? [])];
  const sizes: number[] = [];
  for (const contender of contenders) sizes.push(await calibrate(contender));
  const samples: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    const row: number[] = [];
    for (const [i, contender] of contenders.entries())
      row.push((await contender.run(sizes[i] ?? 128)) / (sizes[i] ?? 128));
    samples.push(row);
  }

  console.log(`${bits} bits, inputs of ${input.length} bytes, one core, medians of ${rounds} rounds`);
  for (const [i, { name }] of contenders.entries()) {
    const us = median(samples.map((row) => row[i] ?? Number.NaN));
    const ratios = contenders
      .map((other, k) => ({ other, x: median(samples.map((row) => (row[k] ?? 0) / (row[i] ?? 1))) }))
      .slice(2)
      .map(({ other, x }) => `${x.toFixed(2)} x ${other.name}`);
    console.log(
      [
        name.padEnd(28),
        `${Math.round(1e6 / us)}/s`.padStart(9),
        `${us.toFixed(2)} us`.padStart(10),
        ...ratios,
      ].join("  "),
    );
  }
} finally {
  await reference?.close();
}
