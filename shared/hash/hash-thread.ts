/** The place where the pool's batches are hashed: a worker thread over the shared table, or the calling thread itself. */

import { Worker } from "node:worker_threads";
import { concat } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { DIGEST_BYTES } from "./kernel/layout.ts";
import { LxrKernel } from "./kernel.ts";
import { claimRegion, releaseRegion, type SharedTable } from "./shared-table.ts";
import type { HashBatch, HashTask } from "./worker.ts";

/** Hashes one batch at a time. */
export interface HashThread {
  /** Hashes in the order of the inputs. Rejects with CodedError "hash-thread-died"; the thread is then gone for good. */
  run(inputs: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
  /** True once the thread has ended, by itself or by `stop`. */
  isGone(): boolean;
  stop(): Promise<void>;
}

/** Hashes in the calling thread and blocks it: for tests, and for tables so small that a thread costs more than it saves. */
export function startInline(table: SharedTable): HashThread {
  const region = claimRegion(table);
  const kernel = new LxrKernel(table, region);
  let gone = false;
  return {
    run: async (inputs) => kernel.hashBatch(inputs),
    isGone: () => gone,
    stop: async () => {
      if (!gone) releaseRegion(table, region);
      gone = true;
    },
  };
}

interface Waiting {
  resolve(hashes: readonly Uint8Array[]): void;
  reject(error: CodedError): void;
}

/** `script` is the thread's program: worker.ts, or another that speaks the same. */
export function startThread(table: SharedTable, script: URL): HashThread {
  const task: HashTask = { table, region: claimRegion(table) };
  const worker = new Worker(script, { workerData: task });
  let waiting: Waiting | undefined;
  let gone = false;
  let fault: unknown;

  worker.on("message", (hashes: Uint8Array) => {
    waiting?.resolve(splitHashes(hashes));
    waiting = undefined;
  });
  worker.on("error", (error) => {
    fault = error;
  });
  // The dead thread no longer uses the region: only now may another thread have it.
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", (exitCode) => {
      gone = true;
      releaseRegion(table, task.region);
      waiting?.reject(died(exitCode, fault));
      waiting = undefined;
      resolve();
    });
  });

  return {
    run: (inputs) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(died(undefined, fault));
        waiting = { resolve, reject };
        const batch: HashBatch = { lengths: inputs.map((input) => input.length), bytes: concat(...inputs) };
        worker.postMessage(batch);
      }),
    isGone: () => gone,
    stop: async () => {
      await worker.terminate();
      await ended;
    },
  };
}

function died(exitCode: number | undefined, cause: unknown): CodedError {
  return new CodedError(
    "hash-thread-died",
    `a hashing thread ended with code ${exitCode ?? "unknown"} in a batch`,
    {
      cause,
      data: { exitCode },
    },
  );
}

function splitHashes(hashes: Uint8Array): Uint8Array[] {
  return Array.from({ length: hashes.length / DIGEST_BYTES }, (_, i) =>
    hashes.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  );
}
