/** The share desk: all that happens to a share inside the edge, from its verdict to its delta in the queue (DESIGN.md, "The path of a share"). */

import { join } from "node:path";
import { sleep } from "../../shared/clock.ts";
import type { SlotGrant } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { appendUntilRoom, journalFailed } from "../journal/append-until-room.ts";
import { Journal } from "../journal/journal.ts";
import { type JournalEnd, readJournal } from "../journal/read-journal.ts";
import type { JobRecord } from "../journal/records.ts";
import { lateMsOf, SlotLease } from "../lease/slots.ts";
import type {
  Grant,
  GrantRequest,
  Holder,
  Measured,
  ShareVerdict,
  SubmittedShare,
} from "../stratum/backend.ts";
import { journalKnowledge, recordsPastJournal } from "./ahead.ts";
import { Cutter } from "./cutter.ts";
import { DurablePrefixes } from "./durable-prefixes.ts";
import type { RecoverySummary, ShareDeskModules, ShareDeskOptions, ShareDeskStats } from "./interface.ts";
import { JobTurns } from "./job-turns.ts";
import { type OpenJob, OpenJobs } from "./open-jobs.ts";
import { type PeriodicTask, startPeriodicTask } from "./periodic-task.ts";
import { type AcceptedShare, Pipeline } from "./pipeline.ts";
import { keyedOrder } from "./prefix-order.ts";
import { prefixSecret } from "./prefix-secret.ts";
import { Prefixes } from "./prefixes.ts";
import { Recovery } from "./recover.ts";
import { SummaryOutbox } from "./summary-outbox.ts";
import type { Tallies } from "./tallies.ts";

const CONFIRM_EVERY_MS = 5_000;
const RESEND_AFTER_MS = 5 * 60_000;
const OUTBOX_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 1_000;

/** What exists once the journal has been read. */
interface Running {
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly outbox: SummaryOutbox;
  readonly cutter: Cutter;
  readonly lease: SlotLease;
  readonly pipeline: Pipeline;
  readonly prefixes: DurablePrefixes;
  readonly turns: JobTurns;
  cutting?: PeriodicTask;
  confirming?: PeriodicTask;
}

export class ShareDesk {
  readonly #options: ShareDeskOptions;
  readonly #modules: ShareDeskModules;
  readonly #jobs: OpenJobs;
  readonly #prefixes: Prefixes;
  #running: Running | undefined;
  #taking = false;
  /** Markers that earlier epochs owe have been looked for. */
  #owedFound = false;

  constructor(options: ShareDeskOptions, modules: ShareDeskModules) {
    this.#options = options;
    this.#modules = modules;
    this.#prefixes = modules.prefixes ?? new Prefixes({ order: (n) => n });
    this.#jobs = new OpenJobs(lateMsOf(options.blockMs));
  }

  /**
   * Reads the journal, leases a slot (waiting while the database is away) and begins to send what an earlier run left. Rejects with
   * CodedError `journal-damaged`, `journal-version`, `disk-failed`, `disk-full`, or `slot-wait-aborted` when `signal` aborts.
   */
  async recover(signal: AbortSignal): Promise<RecoverySummary> {
    const { disk, logger, random } = this.#modules;
    const folder = join(this.#options.folder, "journal");
    const recovery = new Recovery(random);
    const end = await readJournal(folder, recovery, { disk, logger });
    const uncutShares = recovery.uncutShares();
    recovery.finish();
    if (this.#modules.prefixes === undefined)
      this.#prefixes.useOrder(keyedOrder(await prefixSecret(this.#options.folder, { disk, random })));
    const running = this.#compose(recovery, folder, end);
    this.#running = running;
    await this.#retireEarlierEpochs(running, signal);
    const grant = await running.lease.acquire(signal);
    running.prefixes.useSlot(grant.slot, recovery);
    await running.turns.reopenLate();
    await this.#confirm(running).catch(() => undefined);
    const unsent = running.outbox.stats().waiting;
    running.outbox.start();
    const periodic = { clock: this.#modules.clock, logger };
    running.cutting = startPeriodicTask("cut", this.#options.cutEveryMs, () => this.#tick(running), periodic);
    const confirmEveryMs = this.#options.confirmEveryMs ?? CONFIRM_EVERY_MS;
    running.confirming = startPeriodicTask("confirm", confirmEveryMs, () => this.#confirm(running), periodic);
    this.#taking = true;
    const summary = { slot: grant.slot, epoch: grant.epoch, shares: recovery.shares, uncutShares, unsent };
    logger.info("the share journal is recovered", summary);
    return summary;
  }

  /**
   * Takes shares of this job from now on and resolves to those that an earlier run took of it and may not have submitted, best first; the one before
   * it ends as seen at `seenAtMs` (monotonic). The same job again changes nothing. One that an earlier run had stopped is not mined before `resumeJob`.
   * Rejects with `db-away`, `lease-lost`, `journal-full` (call again later), `job-differs`, `job-went-back`.
   */
  async openJob(
    job: JobRecord,
    seenAtMs: number = this.#modules.clock.monotonicMs(),
  ): Promise<readonly AcceptedShare[]> {
    return this.#needRunning().turns.openJob(job, seenAtMs);
  }

  /** The current job's height is over: only late shares are taken. */
  endCurrentJob(seenAtMs: number = this.#modules.clock.monotonicMs()): void {
    this.#running?.turns.end(seenAtMs);
  }

  /** Miners are told to stop now: the late time of the current job's shares begins, unless it began before. */
  stopJob(atMs: number = this.#modules.clock.monotonicMs()): void {
    this.#running?.turns.stop(atMs);
  }

  /** The current job may be mined again, with prefixes given out from here on. False: that cannot be put on record now, call again later. */
  async resumeJob(): Promise<boolean> {
    return (await this.#running?.turns.resume()) === true;
  }

  /** The serial of the first prefix under which the current job may be mined; undefined while miners are to do nothing. */
  freshFrom(): number | undefined {
    return this.#jobs.isRunning() ? this.#jobs.current()?.runs.at(-1)?.from : undefined;
  }

  /** True while what miners find can be taken: they are told to stop otherwise. */
  canKeep(): boolean {
    return this.#taking && this.#running?.lease.held() === true && !this.#running.journal.isFull();
  }

  submit(share: SubmittedShare): Promise<ShareVerdict> {
    if (!this.#taking || this.#running === undefined) return Promise.resolve({ kind: "unavailable" });
    return this.#running.pipeline.submit(share);
  }

  /** See StratumBackend. */
  async grantPrefix(request: GrantRequest): Promise<Grant | undefined> {
    return this.#taking
      ? this.#running?.prefixes.grant(request, () => this.#jobs.newest()?.height)
      : undefined;
  }

  /** See StratumBackend. */
  async claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    return this.#taking && (await this.#running?.prefixes.claim(prefix, holder)) === true;
  }

  /** See StratumBackend. */
  releasePrefix(prefix: number): void {
    this.#prefixes.release(prefix, this.#jobs.newest()?.height);
  }

  /** See StratumBackend. */
  measuredPrefix(prefix: number, measured: Measured): void {
    this.#running?.prefixes.measured(prefix, measured);
  }

  /** See StratumBackend. */
  lastTarget(holder: Holder, where: Measured): bigint | undefined {
    return this.#running?.prefixes.lastTarget(holder, where);
  }

  /** See StratumBackend. */
  prefixesAreScarce(): boolean {
    return this.#prefixes.isScarce();
  }

  /** The slot and epoch held; undefined before `recover`. */
  grant(): SlotGrant | undefined {
    return this.#running?.lease.grant();
  }

  /** Undefined before `recover`. */
  stats(): ShareDeskStats | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    return {
      leaseHeld: running.lease.held(),
      currentJob: this.#jobs.current()?.height,
      inFlight: this.#jobs.inFlight(),
      prefixes: this.#prefixes.stats(),
      verdicts: running.pipeline.stats(),
      journalBytes: running.journal.bytes(),
      journalRecords: running.journal.lastRecord(),
      outbox: running.outbox.stats(),
    };
  }

  /** Cuts what can be cut now instead of at the next period. */
  async cutNow(): Promise<void> {
    if (this.#running !== undefined) await this.#tick(this.#running);
  }

  /**
   * Takes nothing more, waits for what is being checked, cuts and marks everything and hands it to the queue; stops waiting when
   * `signal` aborts. What is then not sent is in the journal.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#taking = false;
    const running = this.#running;
    if (running === undefined) return;
    let whole = false;
    while (!whole && !signal.aborted && !running.journal.failed()) {
      running.turns.closeAll();
      whole = (await running.cutter.run()) && this.#jobs.inFlight() === 0;
      if (!whole) await sleep(this.#modules.clock, RETRY_MS / 20, signal);
    }
    running.turns.closeAll();
    await running.cutter.run();
    await running.outbox.flushed(signal);
  }

  /** Stops all work and closes the journal. */
  async close(): Promise<void> {
    this.#taking = false;
    const running = this.#running;
    if (running === undefined) return;
    await running.cutting?.stop();
    await running.confirming?.stop();
    await running.outbox.stop();
    await running.lease.release();
    await running.journal.close();
  }

  #compose(recovery: Recovery, folder: string, end: JournalEnd): Running {
    const { disk, clock, random, logger, records, queue, onFatal } = this.#modules;
    const { edgeId, blockMs, outboxBytes, resendAfterMs } = this.#options;
    const { tallies } = recovery;
    const kick = (): void => this.#running?.cutting?.kick();
    const journal = new Journal({ ...this.#options.journal, folder }, end, {
      disk,
      clock,
      random,
      logger,
      state: () => tallies.state(),
      onFailure: onFatal,
    });
    const outbox = new SummaryOutbox(
      { limitBytes: outboxBytes ?? OUTBOX_BYTES, resendAfterMs: resendAfterMs ?? RESEND_AFTER_MS },
      { queue, records, clock, random, logger },
    );
    for (const message of recovery.messages) {
      if (message.kind === "delta") outbox.addDelta(message.key, message.seq, message.body);
      else outbox.addMarker(message.key, message.lastSeq);
    }
    const overThrough = (): number => turns.overThrough;
    const cutter = new Cutter({ tallies, journal, outbox, records, clock, overThrough });
    const lease = new SlotLease(
      { edgeId, blockMs },
      {
        records: recordsPastJournal(records, { journal: journalKnowledge(recovery), logger }),
        ...{ clock, logger, begin: (grant) => this.#beginEpoch(grant), onFenced: onFatal },
      },
    );
    const pipeline = new Pipeline({
      ...this.#modules,
      jobs: this.#jobs,
      prefixes: this.#prefixes,
      tallies,
      journal,
      leaseHeld: () => lease.held(),
      kick,
    });
    const prefixes = new DurablePrefixes({ prefixes: this.#prefixes, journal, tallies, logger }, recovery);
    const turns = new JobTurns(
      { lateMs: lateMsOf(blockMs), recovered: recovery.recent },
      {
        ...{ jobs: this.#jobs, prefixes: this.#prefixes, durable: prefixes, tallies, journal, lease },
        ...{ clock, random, logger, kick },
      },
    );
    return { tallies, journal, outbox, cutter, lease, pipeline, prefixes, turns };
  }

  /** What an earlier run acknowledged is cut and marked under its own epoch before a new one begins. */
  async #retireEarlierEpochs(running: Running, signal: AbortSignal): Promise<void> {
    for (const tally of running.tallies.all()) if (tally.state === "open") tally.state = "closing";
    while (!(await running.cutter.run())) {
      if (running.journal.failed()) throw journalFailed();
      if (signal.aborted)
        throw new CodedError("slot-wait-aborted", "stopped while waiting for room on the journal's disk");
      await sleep(this.#modules.clock, RETRY_MS, signal);
    }
  }

  /** Puts an epoch on record. When it follows another in this process, the jobs that are open go on in it. */
  async #beginEpoch(grant: SlotGrant): Promise<void> {
    const running = this.#needRunning();
    const epoch = { slot: grant.slot, epoch: grant.epoch, firstJob: grant.firstJob ?? null };
    const current = this.#jobs.current();
    const { clock } = this.#modules;
    await appendUntilRoom(running.journal, { kind: "epoch", epoch }, clock, () => {
      // Not those of this very epoch: it is put on record again when something after it failed.
      for (const tally of running.tallies.all())
        if (tally.state === "open" && tally.epoch !== grant.epoch) tally.state = "closing";
      running.tallies.beginEpoch(epoch);
      // Late shares, and those in hashing, are credited in this epoch too.
      for (const job of this.#jobs.live()) if (running.tallies.covers(job)) running.tallies.open(job);
      running.turns.epochBegins();
      this.#owedFound = false;
    });
    if (current !== undefined) {
      await appendUntilRoom(
        running.journal,
        { kind: "job", job: jobRecord(current) },
        clock,
        ({ segment }) => {
          running.tallies.open(current);
          running.tallies.noteNewest(segment);
        },
      );
      await this.#modules.records.coverJob(this.#options.edgeId, grant, current.height);
    }
  }

  async #tick({ journal, prefixes, turns, cutter }: Running): Promise<void> {
    // While miners are stopped because the disk is full nothing else would find that it has room again.
    if (journal.isFull() && journal.canAppend()) prefixes.noteOrder();
    turns.closeOver();
    await cutter.run();
  }

  async #confirm(running: Running): Promise<void> {
    if (!this.#owedFound) {
      const present = running.tallies.epoch();
      for (const key of await this.#modules.records.unmarkedJobs(this.#options.edgeId)) {
        // When the database has ended an epoch, this edge takes shares in it until it learns that; the next one's beginning closes its tallies.
        if (key.slot === present?.slot && key.epoch >= present.epoch) continue;
        const tally = running.tallies.tally(key);
        if (tally.state === "open") tally.state = "closing";
      }
      this.#owedFound = true;
      await running.cutter.run();
    }
    await running.cutter.confirm();
  }

  #needRunning(): Running {
    if (this.#running === undefined) throw new CodedError("desk-not-ready", "recover() the share desk first");
    return this.#running;
  }
}

function jobRecord({ height, oprHash, credit, threshold }: OpenJob): JobRecord {
  return { height, oprHash, credit, ...(threshold !== undefined && { threshold }) };
}
