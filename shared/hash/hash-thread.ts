/** The place where the pool's batches are hashed: a worker thread over the shared table, or the calling thread itself. */

import { Worker } from "node:worker_threads";
import { CodedError } from "../errors.ts";
import type { NonceRange } from "./hasher.ts";
import { LxrKernel } from "./kernel.ts";
import { Mailbox, type Question } from "./mailbox.ts";
import { claimRegion, releaseRegion, type SharedTable } from "./shared-table.ts";
import type { HashTask } from "./worker.ts";

/** Does one thing at a time. Its promises reject with CodedError "hash-thread-died"; the thread is then gone for good. */
export interface HashThread {
  /** Hashes in the order of the inputs, at most as many and as long as a mailbox holds. */
  hash(inputs: readonly Uint8Array[]): Promise<Uint8Array[]>;
  search(range: NonceRange): Promise<BigUint64Array>;
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
    hash: async (inputs) => kernel.hashBatch(inputs),
    search: async (range) => kernel.search(range),
    isGone: () => gone,
    stop: async () => {
      if (!gone) releaseRegion(table, region);
      gone = true;
    },
  };
}

/** `script` is the thread's program: worker.ts, or another that speaks the same. */
export function startThread(table: SharedTable, script: URL): HashThread {
  const mailbox = new Mailbox();
  const task: HashTask = { table, region: claimRegion(table), mailbox: mailbox.memory };
  const worker = new Worker(script, { workerData: task });
  let gone = false;
  let fault: unknown;
  let onDeath: ((error: CodedError) => void) | undefined;

  worker.on("error", (error) => {
    fault = error;
  });
  // The dead thread no longer uses the region: only now may another thread have it.
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", (exitCode) => {
      gone = true;
      releaseRegion(table, task.region);
      onDeath?.(died(exitCode, fault));
      resolve();
    });
  });

  const ask = <Answer>(question: Question, read: () => Answer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (gone) return reject(died(undefined, fault));
      onDeath = reject;
      mailbox.ask(question);
      const answered = mailbox.answered();
      if (answered === undefined) resolve(read());
      else void answered.then(() => resolve(read()));
    });

  return {
    hash: (inputs) => ask({ kind: "hash", inputs }, () => mailbox.digests()),
    search: (range) => ask({ kind: "search", range }, () => mailbox.difficulties()),
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
