/**
 * A journal that knows more than the database, because the database was restored from a backup. The edge raises an alarm, takes no epoch a second time,
 * and goes on. What is still in the journal is sent as after any restart (docs/runbook.md, "Restoring the database").
 */

import type { EdgeRecords, SlotGrant } from "../../shared/db/edges.ts";
import type { Logger } from "../../shared/logger.ts";
import type { RecoveredMessage } from "./recover.ts";

/** The last things that a recovered journal names. */
export interface JournalKnowledge {
  readonly epoch: { readonly slot: number; readonly epoch: number } | undefined;
  readonly newestJob: number | undefined;
  /** Jobs with messages in the journal that may not be in the books, ascending. */
  readonly jobs: readonly number[];
}

export const BEHIND_ALARM = "the journal knows of more than the database: was it restored from a backup?";

/** A restored database is behind by a few starts only. If a slot never gets past the journal's epoch, the edge must not ask for ever. */
const MAX_EPOCHS = 10_000;

export function journalKnowledge(recovery: {
  readonly tallies: {
    epoch(): { slot: number; epoch: number } | undefined;
    all(): readonly { job: number }[];
  };
  readonly messages: readonly RecoveredMessage[];
}): JournalKnowledge {
  const epoch = recovery.tallies.epoch();
  const open = recovery.tallies.all().map(({ job }) => job);
  const jobs = [...new Set(recovery.messages.map(({ key }) => key.job))].sort((a, b) => a - b);
  const newestJob = open.length === 0 ? undefined : Math.max(...open);
  return { epoch: epoch && { slot: epoch.slot, epoch: epoch.epoch }, newestJob, jobs };
}

/**
 * The same records, but each slot that they give has an epoch above the journal's. Under an epoch that the journal has used, other deltas have
 * already been sent.
 */
export function recordsPastJournal(
  records: EdgeRecords,
  { journal, logger }: { readonly journal: JournalKnowledge; readonly logger: Logger },
): EdgeRecords {
  const { epoch, newestJob, jobs } = journal;
  const isUsed = (grant: SlotGrant): boolean =>
    epoch !== undefined && grant.slot === epoch.slot && grant.epoch <= epoch.epoch;
  const isAhead = (grant: SlotGrant): boolean =>
    isUsed(grant) || (newestJob !== undefined && newestJob > (grant.firstJob ?? -1));
  let isFirst = true;
  return {
    ...records,
    async acquireSlot(edge) {
      let grant = await records.acquireSlot(edge);
      if (grant === undefined || !isFirst) return grant;
      isFirst = false;
      if (isAhead(grant))
        logger.error(BEHIND_ALARM, {
          journal: { ...epoch, newestJob },
          database: { slot: grant.slot, epoch: grant.epoch, newestJob: grant.firstJob },
          sentAgain:
            jobs.length === 0
              ? "nothing is left to send"
              : `what is left of jobs ${jobs[0]} to ${jobs.at(-1)}`,
        });
      for (let n = 0; grant !== undefined && isUsed(grant) && n < MAX_EPOCHS; n++)
        grant = await records.acquireSlot(edge);
      return grant;
    },
  };
}
