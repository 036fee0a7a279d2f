/** The options, the modules and the reports of the share desk. */

import type { Clock, Random } from "../../shared/clock.ts";
import type { EdgeRecords } from "../../shared/db/edges.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import type { RefusalCode } from "../../shared/messages/refusals.ts";
import type { QueueSender } from "../../shared/queue.ts";
import type { Disk } from "../journal/disk.ts";
import type { HistoryOptions } from "../journal/history.ts";
import type { JournalOptions } from "../journal/journal.ts";
import type { SubmittedShare } from "../stratum/backend.ts";
import type { AcceptedShare } from "./accepted-share.ts";
import type { Prefixes } from "./prefixes.ts";
import type { SummaryOutboxStats } from "./summary-outbox.ts";
import type { VerdictStats } from "./verdict-counts.ts";

export interface ShareDeskOptions {
  /** The locked data folder; the journal is in its folder `journal`. */
  readonly folder: string;
  /** This edge's lasting identity (edge/lease/identity.ts). */
  readonly edgeId: string;
  readonly blockMs: number;
  /** 1,000 if the disk is lost together with its host, otherwise 5,000. */
  readonly cutEveryMs: number;
  /** How often the database is asked what it has. */
  readonly confirmEveryMs?: number;
  readonly resendAfterMs?: number;
  readonly outboxBytes?: number;
  readonly journal?: Omit<JournalOptions, "folder">;
  /** Freed journal files are kept for questions about shares; without it they are removed. */
  readonly history?: Omit<HistoryOptions, "folder">;
}

export interface ShareDeskModules {
  readonly disk: Disk;
  readonly records: EdgeRecords;
  readonly queue: QueueSender;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Gives out the nonce prefixes; if missing, the desk uses its own. A replay brings one with the prefixes that the recorded shares begin with. */
  readonly prefixes?: Prefixes;
  /** Every durable share with what it really reached; it must not throw. */
  readonly onAccepted: (share: AcceptedShare) => void;
  /** Every share that was refused, and why; it must not throw. */
  readonly onRefused?: (share: SubmittedShare, code: RefusalCode, reason: string) => void;
  /** Nothing more can be acknowledged (`journal-failed`, `edge-fenced`): end the process, the next start recovers. */
  readonly onFatal: (error: CodedError) => void;
}

/** What a restart found. */
export interface RecoverySummary {
  readonly slot: number;
  readonly epoch: number;
  /** Shares in the journal, and how many of them no delta held yet. */
  readonly shares: number;
  readonly uncutShares: number;
  /** Messages that the books did not have. */
  readonly unsent: number;
}

/** For `/metrics` and `/healthz`. */
export interface ShareDeskStats {
  readonly leaseHeld: boolean;
  readonly currentJob: number | undefined;
  /** Shares that passed the cheap checks and have no verdict yet. */
  readonly inFlight: number;
  readonly prefixes: { readonly live: number; readonly quarantined: number };
  readonly verdicts: VerdictStats;
  readonly journalBytes: number;
  /** How long the journal's write under way has taken so far. */
  readonly journalStuckMs: number;
  /** Records since the journal began. */
  readonly journalRecords: number;
  readonly outbox: SummaryOutboxStats;
}
