/** Many messages at once: the deltas of one job go to the database together, so that it touches each row of the sums once. */

import { applyDeltas } from "../../shared/db/deltas.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Delta } from "../../shared/messages/summary.ts";
import { type ApplyModules, applyParsed, type ParsedMessage, parseMessage, settleDelta } from "./apply.ts";

/** Statements at the same time: as many as a small database connection pool serves without waiting. */
const LANES = 4;
/** Of bodies in one statement: with all escapes it stays below the Data API's requests of 4 MiB, and far below the statement's time limit. */
const MOST_BYTES = 1 << 20;

type Settled = PromiseSettledResult<void>;

interface DeltaMessage extends ParsedMessage {
  readonly summary: Delta;
  /** Its place among the messages. */
  readonly at: number;
}

/**
 * Applies messages; gives for each, in their order, what `applyMessage` would have come to. A message that cannot be applied does not
 * keep the others out: where the database fails at a batch, its messages are applied one by one.
 */
export async function applyMessages(bodies: readonly string[], modules: ApplyModules): Promise<Settled[]> {
  const results: Settled[] = bodies.map(() => ({ status: "fulfilled", value: undefined }));
  const settle = async (at: number, work: () => void | Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (reason) {
      results[at] = { status: "rejected", reason };
    }
  };
  const one = (at: number, message: ParsedMessage): Promise<void> =>
    settle(at, () => applyParsed(message, modules));
  const deltas: DeltaMessage[] = [];
  const tasks: (() => Promise<void>)[] = [];
  for (const [at, body] of bodies.entries()) {
    await settle(at, () => {
      const message = parseMessage(body);
      const { summary } = message;
      if (summary.kind === "delta") deltas.push({ body, summary, at });
      else tasks.push(() => one(at, message));
    });
  }
  const together = async (batch: readonly DeltaMessage[]): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) return one(first.at, first);
    try {
      const texts = batch.map(({ body }) => body);
      const outcomes = await applyDeltas(modules.db, first.summary.job, texts, modules.workerLimits);
      for (const [i, { at, summary }] of batch.entries()) {
        const outcome = outcomes[i];
        if (outcome !== undefined) await settle(at, () => settleDelta(summary, outcome, modules));
      }
    } catch (reason) {
      if (isAway(reason)) {
        for (const { at } of batch) results[at] = { status: "rejected", reason };
        return;
      }
      tellUnbatched(batch.length, first.summary.job, reason, modules);
      for (const delta of batch) await one(delta.at, delta);
    }
  };
  const all = [...inBatches(deltas).map((batch) => () => together(batch)), ...tasks];
  for (let from = 0; from < all.length; from += LANES)
    await Promise.all(all.slice(from, from + LANES).map((task) => task()));
  return results;
}

function tellUnbatched(messages: number, job: number, reason: unknown, modules: ApplyModules): void {
  const error = coerceError(reason);
  const code = error instanceof CodedError ? error.code : "unexpected";
  modules.logger.error("The database failed at a batch of messages; they are applied one by one", {
    job,
    messages,
    error,
  });
  modules.onEvent?.({ kind: "unbatched", job, messages, code });
}

/** By job, in the order that they came in, each of no more bytes than a statement takes. */
function inBatches(deltas: readonly DeltaMessage[]): DeltaMessage[][] {
  const batches: DeltaMessage[][] = [];
  const open = new Map<number, { batch: DeltaMessage[]; bytes: number }>();
  for (const delta of deltas) {
    const bytes = Buffer.byteLength(delta.body);
    let last = open.get(delta.summary.job);
    if (last === undefined || last.bytes + bytes > MOST_BYTES) {
      last = { batch: [], bytes: 0 };
      batches.push(last.batch);
      open.set(delta.summary.job, last);
    }
    last.batch.push(delta);
    last.bytes += bytes;
  }
  return batches;
}

/** The database was away: no message is at fault. */
export function isAway(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === "db-away";
}
