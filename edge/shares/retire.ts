/**
 * Ends an edge that is not started again: what its journal holds goes to the books, and its epochs end with all they owe (docs/design.md, "Several
 * processes").
 */

import { join } from "node:path";
import type { Clock, Random } from "../../shared/clock.ts";
import type { EdgeRecords } from "../../shared/db/edges.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";
import type { Disk } from "../journal/disk.ts";
import { readJournal } from "../journal/read-journal.ts";
import { lateMsOf } from "../lease/slots.ts";
import { ShareLedger } from "./ledger.ts";
import { OpenJobs } from "./open-jobs.ts";
import { Recovery } from "./recover.ts";

export interface RetireOptions {
  /** Locked by the caller; the journal is in its folder `journal`. */
  readonly folder: string;
  readonly edgeId: string;
  readonly blockMs: number;
}

export interface RetireModules {
  readonly disk: Disk;
  readonly records: EdgeRecords;
  /** Ends every epoch of this edge that has not ended (shared/db/edges.ts). */
  readonly endEpochs: (edgeId: string) => Promise<unknown>;
  readonly queue: QueueSender;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Resolves when the books have everything; the folder may be removed then. Takes no slot and no epoch: all is sent under the epochs that the journal
 * knows. Rejects with `db-away`, `journal-damaged`, `journal-version`, `disk-failed`, `disk-full`, or with the signal's reason: what is on record
 * stays, and the next call goes on.
 */
export async function retireEdge(
  options: RetireOptions,
  modules: RetireModules,
): Promise<{ shares: number }> {
  const { edgeId, blockMs } = options;
  const { random, records, signal } = modules;
  const folder = join(options.folder, "journal");
  const recovery = new Recovery(random);
  const end = await readJournal(folder, recovery, modules);
  const shares = recovery.uncutShares();
  recovery.finish();
  const failed = new AbortController();
  const ledger = new ShareLedger(
    { edgeId, blockMs, folder },
    {
      ...modules,
      jobs: new OpenJobs(lateMsOf(blockMs)),
      // No job of this edge takes shares again.
      overThrough: () => Number.POSITIVE_INFINITY,
      onEpoch: () => undefined,
      onFatal: (error: CodedError) => failed.abort(error),
    },
    recovery,
    end,
  );
  try {
    await modules.endEpochs(edgeId);
    await ledger.retire(await records.unmarkedJobs(edgeId), AbortSignal.any([signal, failed.signal]));
  } finally {
    await ledger.close();
  }
  return { shares };
}
