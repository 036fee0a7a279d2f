/**
 * The way from a record to the queue: the journal, the epoch that its shares belong to, the cuts and close markers that are made of them, and their
 * sending (docs/design.md, "Journal, deltas, edges").
 */

import { sleep } from "../../shared/clock.ts";
import type { SlotGrant, TallyKey } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { appendUntilRoom, journalFailed } from "../journal/append-until-room.ts";
import { type HistoryOptions, JournalHistory } from "../journal/history.ts";
import { Journal } from "../journal/journal.ts";
import type { JournalEnd } from "../journal/read-journal.ts";
import type { JobRecord } from "../journal/records.ts";
import { SlotLease } from "../lease/slots.ts";
import { Cutter } from "./cutter.ts";
import { journalKnowledge, recordsPastJournal } from "./database-behind.ts";
import type { ShareDeskModules, ShareDeskOptions } from "./interface.ts";
import type { OpenJob, OpenJobs } from "./open-jobs.ts";
import type { Recovery } from "./recover.ts";
import { SummaryOutbox } from "./summary-outbox.ts";
import type { Tallies } from "./tallies.ts";

const RESEND_AFTER_MS = 5 * 60_000;
const OUTBOX_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 1_000;
/** How often the books are asked whether they have what a retired edge left. */
const RETIRE_EVERY_MS = 250;

export interface LedgerOptions
  extends Pick<ShareDeskOptions, "edgeId" | "blockMs" | "resendAfterMs" | "outboxBytes" | "journal"> {
  readonly history?: HistoryOptions;
  /** The journal's own. */
  readonly folder: string;
}

export interface LedgerModules
  extends Pick<ShareDeskModules, "disk" | "records" | "queue" | "clock" | "random" | "logger" | "onFatal"> {
  readonly jobs: OpenJobs;
  /** No more shares of this job or an earlier one are taken, not even after a restart. */
  readonly overThrough: () => number;
  /** A new epoch is on record; the jobs that are open go on in it. */
  readonly onEpoch: () => void;
}

export class ShareLedger {
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly outbox: SummaryOutbox;
  readonly lease: SlotLease;
  readonly #cutter: Cutter;
  readonly #options: LedgerOptions;
  readonly #modules: LedgerModules;
  /** Whether we have already looked for the markers that earlier epochs owe. */
  #owedFound = false;

  /** Continues after the records that `recovery` read, which end at `end`. */
  constructor(options: LedgerOptions, modules: LedgerModules, recovery: Recovery, end: JournalEnd) {
    this.#options = options;
    this.#modules = modules;
    const { edgeId, blockMs, folder, outboxBytes, resendAfterMs } = options;
    const { records, logger, onFatal } = modules;
    const { tallies } = recovery;
    this.tallies = tallies;
    const history = options.history && new JournalHistory(options.history, modules);
    this.journal = new Journal({ ...options.journal, folder }, end, {
      ...modules,
      state: () => tallies.state(),
      onFailure: onFatal,
      ...(history && {
        free: (path, bytes) => history.take(path, bytes),
        onFull: () => void history.clear(),
      }),
    });
    this.outbox = new SummaryOutbox(
      { limitBytes: outboxBytes ?? OUTBOX_BYTES, resendAfterMs: resendAfterMs ?? RESEND_AFTER_MS },
      modules,
    );
    for (const message of recovery.messages) {
      if (message.kind === "delta") this.outbox.addDelta(message.key, message.seq, message.body);
      else this.outbox.addMarker(message.key, message.lastSeq);
    }
    this.#cutter = new Cutter({ ...modules, tallies, journal: this.journal, outbox: this.outbox });
    this.lease = new SlotLease(
      { edgeId, blockMs },
      {
        ...modules,
        records: recordsPastJournal(records, { journal: journalKnowledge(recovery), logger }),
        begin: (grant) => this.#beginEpoch(grant),
        onFenced: onFatal,
      },
    );
  }

  /**
   * Cuts and marks what an earlier run acknowledged, under that run's own epoch, before a new epoch begins. Rejects with `journal-failed`, and with
   * `slot-wait-aborted` when `signal` aborts while the disk is full.
   */
  async retireEarlierEpochs(signal: AbortSignal): Promise<void> {
    for (const tally of this.tallies.all()) if (tally.state === "open") tally.state = "closing";
    while (!(await this.cut())) {
      if (this.journal.failed()) throw journalFailed();
      if (signal.aborted)
        throw new CodedError("slot-wait-aborted", "stopped while waiting for room on the journal's disk");
      await sleep(this.#modules.clock, RETRY_MS, signal);
    }
  }

  /** Of an edge that is not started again: marks `owed` and all that is open, and resolves when the books have everything. Rejects with what stops it. */
  async retire(owed: readonly TallyKey[], signal: AbortSignal): Promise<void> {
    for (const key of owed) this.tallies.tally(key);
    await this.retireEarlierEpochs(signal);
    // The epochs are over, so that nothing more is owed.
    this.#owedFound = true;
    this.outbox.start();
    for (;;) {
      await this.confirm();
      if (this.outbox.stats().unconfirmed === 0) return;
      await sleep(this.#modules.clock, RETIRE_EVERY_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Makes messages of what can be cut or closed. False: the journal had no room for some of it. */
  cut(): Promise<boolean> {
    return this.#cutter.run();
  }

  /** Asks the database what it has, and lets go of that. Rejects with `db-away`, `disk-failed`. */
  async confirm(): Promise<void> {
    if (!this.#owedFound) {
      const present = this.tallies.epoch();
      for (const key of await this.#modules.records.unmarkedJobs(this.#options.edgeId)) {
        // Even when the database has ended this epoch, it takes shares until this edge learns of it. Its tallies are closed when the next epoch
        // begins.
        if (key.slot === present?.slot && key.epoch >= present.epoch) continue;
        const tally = this.tallies.tally(key);
        if (tally.state === "open") tally.state = "closing";
      }
      this.#owedFound = true;
      await this.cut();
    }
    await this.#cutter.confirm();
  }

  /** Sends nothing more, lets the slot go and closes the journal. */
  async close(): Promise<void> {
    await this.outbox.stop();
    await this.lease.release();
    await this.journal.close();
  }

  /** Puts an epoch on record. When it follows another in this process, the jobs that are open go on in it. */
  async #beginEpoch(grant: SlotGrant): Promise<void> {
    const { tallies, journal } = this;
    const { jobs, clock, records, onEpoch } = this.#modules;
    const epoch = { slot: grant.slot, epoch: grant.epoch, firstJob: grant.firstJob ?? null };
    const current = jobs.current();
    await appendUntilRoom(journal, { kind: "epoch", epoch }, clock, () => {
      // Tallies of this epoch itself stay open: its record is written again when a later step has failed.
      for (const tally of tallies.all())
        if (tally.state === "open" && tally.epoch !== grant.epoch) tally.state = "closing";
      tallies.beginEpoch(epoch);
      // Late shares, and those in hashing, are credited in this epoch too.
      for (const job of jobs.live()) if (tallies.covers(job)) tallies.open(job);
      onEpoch();
      this.#owedFound = false;
    });
    if (current === undefined) return;
    await appendUntilRoom(journal, { kind: "job", job: jobRecord(current) }, clock, ({ segment }) => {
      tallies.open(current);
      tallies.noteNewest(segment);
    });
    await records.coverJob(this.#options.edgeId, grant, current.height);
  }
}

function jobRecord({ height, oprHash, credit, threshold }: OpenJob): JobRecord {
  return { height, oprHash, credit, ...(threshold !== undefined && { threshold }) };
}
