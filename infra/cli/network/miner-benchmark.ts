/** `--benchmark`: what each kernel makes on this machine, on small and on huge pages, with one thread and with all; and how to get more. */

import { randomFillSync } from "node:crypto";
import { cpus, totalmem } from "node:os";
import { SearchThreads } from "../../../edge/miner/search-threads.ts";
import { MiningJob } from "../../../edge/miner/search-work.ts";
import { type Clock, sleep } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import { lostHugePages, readPageFacts, WORTH_BYTES } from "../../../shared/hash/huge-pages.ts";
import type { Native } from "../../../shared/hash/native-kernel.ts";
import { allocateTable, type SharedTable, tableBytes } from "../../../shared/hash/shared-table.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { Print } from "../output.ts";
import { hashrateText } from "./miner-view.ts";

export interface BenchmarkOptions {
  readonly bits: number;
  /** The most threads that are tried. */
  readonly threads: number;
  /** So long each is measured. */
  readonly seconds: number;
}

export interface BenchmarkModules {
  /** Finds the native kernel, whatever the table's size. */
  readonly findNative: () => Promise<Native>;
  readonly print: Print;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

interface Run {
  readonly kernel: "WebAssembly" | "native";
  readonly pages: "small" | "huge";
  readonly threads: number;
  /** Hashes a second of all threads. */
  readonly rate: number;
}

const WARM_MS = 1_000;
/** Of random bytes that are put into the table at a time. */
const CHUNK_BYTES = 2 ** 20;
/** No hash reaches it: nothing is to be reported. */
const NO_TARGET = 0xffff_ffff_ffff_ffffn;

/** Ends early on the signal. Throws CodedError "lxr-no-memory". */
export async function benchmarkCommand(
  { bits, threads, seconds }: BenchmarkOptions,
  { findNative, print, clock, logger, signal }: BenchmarkModules,
): Promise<void> {
  const [native, cores] = [await findNative(), cpus()];
  const processor = cores[0]?.model.trim() ?? "unknown";
  print(
    `${processor}, ${cores.length} logical processors, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    {
      ...{ event: "machine", processor, processors: cores.length, memory: totalmem() },
    },
  );
  print(
    `A table of ${bits} bits with random bytes, which hashes as fast as the real one; ${seconds} s each. Nothing is mined.`,
  );
  print(
    `${"kernel".padEnd(13)}${"pages".padEnd(8)}${"threads".padStart(7)}${"rate".padStart(14)}${"a thread".padStart(14)}`,
  );
  const runs: Run[] = [];
  const kernels = native.kind === "found" ? (["WebAssembly", "native"] as const) : (["WebAssembly"] as const);
  let lost: string | undefined;
  // A table that fits the processor's caches gains nothing.
  for (const pages of 2 ** bits < WORTH_BYTES ? (["small"] as const) : (["small", "huge"] as const)) {
    const table = randomTable(bits, pages === "huge");
    lost = 2 ** bits < WORTH_BYTES ? undefined : lostHugePages(2 ** bits, readPageFacts());
    const isHuge = 2 ** bits >= WORTH_BYTES && lost === undefined;
    // Where the system gives none, or gives them unasked, both tables are alike.
    if ((pages === "huge") !== isHuge) continue;
    for (const kernel of kernels)
      for (const count of new Set([1, threads])) {
        if (signal.aborted) return;
        const library = kernel === "native" && native.kind === "found" ? native.library : undefined;
        const rate = await measure({ ...table, library }, count, seconds, { clock, logger, signal });
        const run: Run = { kernel, pages, threads: count, rate };
        runs.push(run);
        print(
          `${kernel.padEnd(13)}${pages.padEnd(8)}${String(count).padStart(7)}${hashrateText(rate).padStart(14)}${hashrateText(rate / count).padStart(14)}`,
          { event: "rate", bits, ...run },
        );
      }
  }
  for (const advice of adviceFrom(runs, { native, lost, threads })) print(advice);
}

/** What the figures say, and how to get more. */
export function adviceFrom(
  runs: readonly Run[],
  {
    native,
    lost,
    threads,
  }: { readonly native: Native; readonly lost: string | undefined; readonly threads: number },
): string[] {
  const rateOf = (kernel: Run["kernel"], pages: Run["pages"], count = threads): number | undefined =>
    runs.find((run) => run.kernel === kernel && run.pages === pages && run.threads === count)?.rate;
  const best = runs.reduce<Run | undefined>(
    (top, run) => (top === undefined || run.rate > top.rate ? run : top),
    undefined,
  );
  if (best === undefined) return [];
  const lines = [
    `Best: ${hashrateText(best.rate)}, the ${best.kernel} kernel on ${best.pages} pages with ${counted(best.threads, "thread")}.`,
  ];
  const [small, huge] = [rateOf(best.kernel, "small"), rateOf(best.kernel, "huge")];
  if (small !== undefined && huge !== undefined) lines.push(`Huge pages give ${times(huge, small)}.`);
  if (lost !== undefined) lines.push(`No huge pages: ${lost}.`);
  const [wasm, made] = [rateOf("WebAssembly", best.pages), rateOf("native", best.pages)];
  if (wasm !== undefined && made !== undefined) lines.push(`The native kernel gives ${times(made, wasm)}.`);
  if (native.kind === "none") lines.push(`No native kernel: ${native.reason}.`);
  const alone = rateOf(best.kernel, best.pages, 1);
  if (threads > 1 && alone !== undefined && best.threads > 1)
    lines.push(
      `${threads} threads give ${times(best.rate, alone)}. The table is read at random, so memory bounds the rate: more channels and faster modules give more, more threads than the processor has give nothing.`,
    );
  return lines;
}

function times(more: number, less: number): string {
  return `${(more / less).toFixed(2)} times the rate (${hashrateText(less)} → ${hashrateText(more)})`;
}

function randomTable(bits: number, huge: boolean): SharedTable {
  const table = allocateTable(bits, { huge });
  const bytes = tableBytes(table);
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes.length));
  for (let at = 0; at < bytes.length; at += chunk.length) bytes.set(randomFillSync(chunk), at);
  return table;
}

/** From a thread's report to a later one of it, so that no stretch is counted in part. */
async function measure(
  table: SharedTable,
  threads: number,
  seconds: number,
  modules: Pick<BenchmarkModules, "clock" | "logger" | "signal">,
): Promise<number> {
  const { clock, signal } = modules;
  const startedMs = clock.monotonicMs();
  const counts = new Map<number, { readonly fromMs: number; hashes: number; toMs: number }>();
  const searching = new SearchThreads(
    { table, threads, dutyCycle: 1, maxHashesPerSecond: undefined },
    modules,
    {
      onHit: () => undefined,
      onHashes(hashes, thread) {
        const now = clock.monotonicMs();
        const count = counts.get(thread);
        if (count !== undefined) Object.assign(count, { hashes: count.hashes + hashes, toMs: now });
        else if (now - startedMs >= WARM_MS) counts.set(thread, { fromMs: now, hashes: 0, toMs: now });
      },
    },
  );
  try {
    searching.setWork({ job: new MiningJob(1, "00".repeat(32)), prefix: 0, target: NO_TARGET });
    await sleep(clock, WARM_MS + 1_000 * seconds, signal);
  } finally {
    await searching.stop();
  }
  return [...counts.values()].reduce(
    (sum, { hashes, fromMs, toMs }) => sum + (toMs > fromMs ? (1_000 * hashes) / (toMs - fromMs) : 0),
    0,
  );
}
