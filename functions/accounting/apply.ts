/** One queue message to the books: parsed by its schema, applied by its key (docs/design.md, "Deltas and close markers"). */

import * as v from "valibot";
import { applyClose, applyDelta, type DeltaOutcome } from "../../shared/db/deltas.ts";
import type { Db } from "../../shared/db/port.ts";
import type { WorkerLimits } from "../../shared/db/workers.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { type CloseMarker, type Delta, MAX_SUMMARY_BYTES, summary } from "../../shared/messages/summary.ts";
import type { BooksListener } from "./events.ts";

export interface ApplyModules {
  readonly db: Db;
  readonly logger: Logger;
  readonly onEvent?: BooksListener;
  /** Without it, the default limits. */
  readonly workerLimits?: WorkerLimits;
}

const message = v.pipe(v.string(), v.parseJson(), summary);

/** A message that its schema has accepted; `body` is its text, byte for byte. */
export interface ParsedMessage {
  readonly body: string;
  readonly summary: Delta | CloseMarker;
}

/** Throws CodedError `summary-malformed`. */
export function parseMessage(body: string): ParsedMessage {
  const parsed = v.safeParse(message, body);
  const bytes = Buffer.byteLength(body);
  if (!parsed.success || bytes > MAX_SUMMARY_BYTES) {
    const why = parsed.success ? `${bytes} bytes, ${MAX_SUMMARY_BYTES} at most` : v.summarize(parsed.issues);
    throw new CodedError("summary-malformed", `a summary message that no edge of this version sends: ${why}`);
  }
  return { body, summary: parsed.output };
}

/**
 * Applies one message; resolves also when it was applied before. Rejects with CodedError `summary-malformed`,
 * `summary-conflict` (another body under its key), `summary-unknown-job`, `summary-unknown-user`, or with the database's error.
 * The queue then delivers the message again and, after its last try, keeps it in the dead-letter queue.
 */
export async function applyMessage(body: string, modules: ApplyModules): Promise<void> {
  await applyParsed(parseMessage(body), modules);
}

/** As `applyMessage`. */
export async function applyParsed({ body, summary }: ParsedMessage, modules: ApplyModules): Promise<void> {
  if (summary.kind === "close") return close(summary, modules);
  settleDelta(summary, await applyDelta(modules.db, body, modules.workerLimits), modules);
}

/** Tells what became of a delta; throws where it was not applied. */
export function settleDelta(parsed: Delta, result: DeltaOutcome, modules: ApplyModules): void {
  const { logger, onEvent } = modules;
  const key = keyOf(parsed);
  switch (result.outcome) {
    case "applied": {
      const late = result.intoJob !== parsed.job;
      if (late) logger.warn("Late work is booked into a later job", { ...key, intoJob: result.intoJob });
      if (result.beyondMarker)
        logger.error("A delta lies above its edge's close marker; it is credited", key);
      onEvent?.({ kind: "applied", message: "delta", late });
      return;
    }
    case "dup":
      onEvent?.({ kind: "dup" });
      return;
    case "conflict":
      throw conflict("delta", key);
    case "unknown-job":
      throw new CodedError(
        "summary-unknown-job",
        `job ${parsed.job} has no row: was the database restored?`,
        {
          data: key,
        },
      );
    case "unknown-user":
      throw new CodedError(
        "summary-unknown-user",
        `user ${result.user} has no account: make it, then deliver the dead letter again`,
        { data: { ...key, user: result.user } },
      );
  }
}

async function close(parsed: CloseMarker, modules: ApplyModules): Promise<void> {
  const outcome = await applyClose(modules.db, parsed);
  if (outcome === "conflict") throw conflict("close", { ...keyOf(parsed), lastSeq: parsed.lastSeq });
  modules.onEvent?.(
    outcome === "applied" ? { kind: "applied", message: "close", late: false } : { kind: "dup" },
  );
}

function keyOf(parsed: Delta | CloseMarker): Record<string, number> {
  const { job, slot, epoch } = parsed;
  return parsed.kind === "delta" ? { job, slot, epoch, seq: parsed.seq } : { job, slot, epoch };
}

function conflict(kind: string, key: Record<string, number>): CodedError {
  return new CodedError(
    "summary-conflict",
    `another ${kind} message is booked under the key ${JSON.stringify(key)}: an edge has reused it, nothing was changed`,
    { data: key },
  );
}
