/** A searching thread: takes stretches of nonces, reports those that reach its target, and keeps to its share of the machine. */

import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../shared/clock.ts";
import { MAX_LANES } from "../../shared/hash/kernel/layout.ts";
import { LxrKernel } from "../../shared/hash/kernel.ts";
import { type SearchReport, type SearchSetup, type SearchTask, viewGeneration } from "./search-task.ts";
import { Slices } from "./slices.ts";

const setup: SearchSetup = workerData;
const kernel = new LxrKernel(setup.table, setup.region);
const current = viewGeneration(setup.control);
const slices = new Slices();
const throttled = setup.dutyCycle < 1 || Number.isFinite(setup.maxHashesPerSecond);

parentPort?.on("message", (task: SearchTask) => {
  const startedMs = systemClock.monotonicMs();
  const hashes = search(task);
  report({ kind: "done", hashes, ms: systemClock.monotonicMs() - startedMs });
});

/** Searches until the task or its generation ends; returns the hashes made. */
function search(task: SearchTask): number {
  let done = 0;
  while (done < task.count && Atomics.load(current, 0) === task.generation) {
    const startedMs = systemClock.monotonicMs();
    const count = Math.min(slices.next(), throttled ? MAX_LANES : Infinity, task.count - done);
    const start = task.start + done;
    const found = kernel.search({ prefix: task.prefix, start, suffixBytes: task.suffixBytes, count });
    const tookMs = systemClock.monotonicMs() - startedMs;
    slices.note(count, tookMs);
    reportHits(task, start, found);
    done += count;
    if (throttled) rest(task.generation, count, tookMs);
  }
  return done;
}

function reportHits(task: SearchTask, start: number, difficulties: BigUint64Array): void {
  const { target } = task;
  // Most nonces are settled by comparing the high words, without a bigint. WebAssembly memory is little endian everywhere.
  const words = new Uint32Array(difficulties.buffer, difficulties.byteOffset, 2 * difficulties.length);
  const high = Number(target >> 32n);
  for (let i = 0; i < difficulties.length; i++) {
    if ((words[2 * i + 1] ?? 0) < high) continue;
    const difficulty = difficulties[i] ?? 0n;
    if (difficulty >= target)
      report({
        kind: "hit",
        counter: start + i,
        suffixBytes: task.suffixBytes,
        difficulty,
      });
  }
}

/** Sleeps as long as the duty cycle and the cap ask for; wakes at once when the generation changes. */
function rest(generation: number, hashes: number, busyMs: number): void {
  const forDuty = busyMs / setup.dutyCycle - busyMs;
  const forCap = (1_000 * hashes) / setup.maxHashesPerSecond - busyMs;
  const ms = Math.max(forDuty, forCap);
  if (ms > 0) Atomics.wait(current, 0, generation, ms);
}

function report(message: SearchReport): void {
  parentPort?.postMessage(message);
}
