/** Appends records that the edge cannot go on without: waits until the disk has room. */

import { type Clock, sleep } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Journal, RecordPlace } from "./journal.ts";
import { type EdgeRecord, encodeRecord } from "./records.ts";

const RETRY_MS = 1_000;

/** Resolves when the record is durable; rejects with CodedError `journal-failed`. */
export async function appendUntilRoom(
  journal: Journal,
  record: EdgeRecord,
  clock: Clock,
  onDurable: (place: RecordPlace) => void,
): Promise<void> {
  for (;;) {
    const outcome = await journal.append(encodeRecord(record), onDurable);
    if (outcome.kind === "durable") return;
    if (outcome.kind === "failed") throw journalFailed();
    await sleep(clock, RETRY_MS);
  }
}

export function journalFailed(): CodedError {
  return new CodedError("journal-failed", "the journal takes nothing more: check the disk, then start again");
}
