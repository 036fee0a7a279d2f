/** The share desk: all that happens to a share inside the edge, from its verdict to its delta in the queue (DESIGN.md, "The path of a share"). */

import { join } from "node:path";
import { fromHex } from "../../shared/bytes.ts";
import { sleep } from "../../shared/clock.ts";
import type { SlotGrant } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { Journal, type RecordPlace } from "../journal/journal.ts";
import { type EdgeRecord, encodeRecord, type JobRecord } from "../journal/records.ts";
import { type JournalEnd, replayJournal } from "../journal/replay.ts";
import { lateMsOf, SlotLease } from "../lease/slots.ts";
import type { Holder, ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { Bookkeeper } from "./bookkeeper.ts";
import type { Books } from "./books.ts";
import type { RecoverySummary, ShareDeskModules, ShareDeskOptions, ShareDeskStats } from "./interface.ts";
import { type OpenJob, OpenJobs } from "./open-jobs.ts";
import { Outbox } from "./outbox.ts";
import { type Periodic, startPeriodic } from "./periodic.ts";
import { type AcceptedShare, acceptedShare, Pipeline } from "./pipeline.ts";
import { Prefixes } from "./prefixes.ts";
import { type RecoveredJob, Recovery } from "./recover.ts";
import { SeenNonces } from "./seen.ts";
import { SessionRecord } from "./session-record.ts";

const CONFIRM_EVERY_MS = 5_000;
const RESEND_AFTER_MS = 5 * 60_000;
const OUTBOX_BYTES = 64 * 1024 * 1024;
/** A line read in time may reach `submit` a little later. */
const LATE_SLACK_MS = 250;
const RETRY_MS = 1_000;
/** Close markers sent for jobs that this edge passed over, at most. */
const MAX_GAP = 4_096;

/** What exists once the journal has been read. */
interface Running {
  readonly books: Books;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly bookkeeper: Bookkeeper;
  readonly lease: SlotLease;
  readonly pipeline: Pipeline;
  cutting?: Periodic;
  confirming?: Periodic;
}

export class ShareDesk {
  readonly #options: ShareDeskOptions;
  readonly #modules: ShareDeskModules;
  readonly #jobs: OpenJobs;
  readonly #prefixes: Prefixes;
  #running: Running | undefined;
  #taking = false;
  #recovered: readonly RecoveredJob[] = [];
  #overThrough = -1;
  /** The lowest job for which the present epoch has neither a book nor a marker. */
  #nextOwed = 0;
  /** Markers that earlier epochs owe have been looked for. */
  #owedFound = false;
  #sessions: SessionRecord | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ShareDeskOptions, modules: ShareDeskModules) {
    this.#options = options;
    this.#modules = modules;
    this.#prefixes = modules.prefixes ?? new Prefixes();
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
    const end = await replayJournal(folder, recovery, { disk, logger });
    const uncutShares = recovery.uncutShares();
    recovery.finish();
    this.#recovered = recovery.recent;
    const running = this.#compose(recovery, folder, end);
    this.#running = running;
    await this.#retireEarlierEpochs(running, signal);
    const grant = await running.lease.acquire(signal);
    this.#prefixes.useSlot(grant.slot);
    this.#sessions = new SessionRecord(running, grant.slot);
    if (recovery.sessions?.slot === grant.slot) this.#prefixes.continueFrom(recovery.sessions.next);
    await this.#confirm(running).catch(() => undefined);
    const unsent = running.outbox.stats().waiting;
    running.outbox.start();
    const periodic = { clock: this.#modules.clock, logger };
    running.cutting = startPeriodic("cut", this.#options.cutEveryMs, () => this.#tick(running), periodic);
    const confirmEveryMs = this.#options.confirmEveryMs ?? CONFIRM_EVERY_MS;
    running.confirming = startPeriodic("confirm", confirmEveryMs, () => this.#confirm(running), periodic);
    this.#taking = true;
    const summary = { slot: grant.slot, epoch: grant.epoch, shares: recovery.shares, uncutShares, unsent };
    logger.info("the share journal is recovered", summary);
    return summary;
  }

  /**
   * Takes shares of this job from now on and resolves to those that an earlier run took of it and may not have submitted, best first; the one before it ends as seen at `seenAtMs` (monotonic). The same job again changes nothing.
   * Rejects with `db-away`, `lease-lost`, `journal-full` (call again later; shares are refused meanwhile), `job-differs`, `job-went-back`.
   */
  openJob(
    job: JobRecord,
    seenAtMs: number = this.#modules.clock.monotonicMs(),
  ): Promise<readonly AcceptedShare[]> {
    const turn = this.#turn.then(() => this.#openJob(job, seenAtMs));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The current job's height is over and there is no next job yet: only late shares are taken. */
  endCurrentJob(seenAtMs: number = this.#modules.clock.monotonicMs()): void {
    if (this.#jobs.current() === undefined) return;
    this.#jobs.endCurrent(seenAtMs);
    const leftMs =
      seenAtMs + lateMsOf(this.#options.blockMs) + LATE_SLACK_MS - this.#modules.clock.monotonicMs();
    this.#modules.clock.after(Math.max(0, leftMs) + 1, () => this.#running?.cutting?.kick());
  }

  submit(share: SubmittedShare): Promise<ShareVerdict> {
    if (!this.#taking || this.#running === undefined) return Promise.resolve({ kind: "unavailable" });
    return this.#running.pipeline.submit(share);
  }

  /** See StratumBackend. */
  leasePrefix(): number | undefined {
    if (!this.#taking) return undefined;
    const prefix = this.#prefixes.lease();
    this.#sessions?.advance(this.#prefixes.nextSession());
    return prefix;
  }

  /** See StratumBackend. */
  releasePrefix(prefix: number, holder: Holder | undefined): void {
    this.#prefixes.release(prefix, holder, this.#jobs.newest()?.height);
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
      for (const job of this.#jobs.takeAll()) this.#closing(running, job.height);
      whole = (await running.bookkeeper.run()) && this.#jobs.inFlight() === 0;
      if (!whole) await sleep(this.#modules.clock, RETRY_MS / 20, signal);
    }
    for (const job of this.#jobs.takeAll()) this.#closing(running, job.height);
    await running.bookkeeper.run();
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
    const { books } = recovery;
    const journal = new Journal({ ...this.#options.journal, folder }, end, {
      disk,
      clock,
      random,
      logger,
      state: () => books.state(),
      onFailure: onFatal,
    });
    const outbox = new Outbox(
      { limitBytes: outboxBytes ?? OUTBOX_BYTES, resendAfterMs: resendAfterMs ?? RESEND_AFTER_MS },
      { queue, records, clock, random, logger },
    );
    for (const message of recovery.messages) {
      if (message.kind === "delta") outbox.addDelta(message.key, message.seq, message.body);
      else outbox.addMarker(message.key, message.lastSeq);
    }
    const overThrough = (): number => this.#overThrough;
    const bookkeeper = new Bookkeeper({ books, journal, outbox, records, clock, overThrough });
    const lease = new SlotLease(
      { edgeId, blockMs },
      { records, clock, logger, begin: (grant) => this.#beginEpoch(grant), onFenced: onFatal },
    );
    const pipeline = new Pipeline({
      ...this.#modules,
      jobs: this.#jobs,
      prefixes: this.#prefixes,
      books,
      journal,
      leaseHeld: () => lease.held(),
      kick: () => this.#running?.cutting?.kick(),
    });
    return { books, journal, outbox, bookkeeper, lease, pipeline };
  }

  /** What an earlier run acknowledged is cut and marked under its own epoch before a new one begins. */
  async #retireEarlierEpochs(running: Running, signal: AbortSignal): Promise<void> {
    for (const book of running.books.all()) if (book.state === "open") book.state = "closing";
    while (!(await running.bookkeeper.run())) {
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
    await this.#record(running, { kind: "epoch", epoch }, () => {
      // Not those of this very epoch: it is put on record again when something after it failed.
      for (const book of running.books.all())
        if (book.state === "open" && book.epoch !== grant.epoch) book.state = "closing";
      running.books.beginEpoch(epoch);
      // Late shares, and those in hashing, are credited in this epoch too.
      for (const job of this.#jobs.live()) if (running.books.covers(job)) running.books.open(job);
      this.#nextOwed = current === undefined ? 0 : current.height + 1;
      this.#owedFound = false;
    });
    if (current !== undefined) {
      await this.#record(running, { kind: "job", job: jobRecord(current) }, ({ segment }) => {
        running.books.open(current);
        running.books.noteNewest(segment);
      });
      await this.#modules.records.coverJob(this.#options.edgeId, grant, current.height);
    }
  }

  async #openJob(job: JobRecord, seenAtMs: number): Promise<readonly AcceptedShare[]> {
    const running = this.#needRunning();
    const newest = this.#jobs.newest();
    if (newest !== undefined && newest.height === job.height && newest.oprHash !== job.oprHash)
      throw new CodedError(
        "job-differs",
        `job ${job.height} has oprHash ${newest.oprHash}, got ${job.oprHash}`,
      );
    if (newest === this.#jobs.current() && newest?.height === job.height) return [];
    if (newest !== undefined && newest.height >= job.height)
      throw new CodedError(
        "job-went-back",
        `job ${newest.height} was open, cannot open job ${job.height} after it`,
      );
    this.endCurrentJob(seenAtMs);
    const owedFrom = await running.lease.cover(job.height);
    this.#markGap(running, Math.max(owedFrom, this.#nextOwed), job.height);
    running.journal.rotate();
    const outcome = await running.journal.append(encodeRecord({ kind: "job", job }), ({ segment }) => {
      running.books.open(job);
      running.books.noteNewest(segment);
    });
    if (outcome.kind !== "durable")
      throw new CodedError(
        "journal-full",
        `job ${job.height} cannot be opened: the journal takes nothing now; free some disk space`,
      );
    this.#sessions?.write(this.#prefixes.nextSession());
    this.#nextOwed = job.height + 1;
    if (this.#jobs.newest() === undefined) this.#over(job.height - 1);
    const recovered = this.#recovered.find(
      (earlier) => earlier.job.height === job.height && earlier.job.oprHash === job.oprHash,
    );
    this.#recovered = [];
    this.#jobs.open({
      ...job,
      oprHashBytes: fromHex(job.oprHash, "oprHash"),
      seen: recovered?.seen ?? new SeenNonces(this.#modules.random(16)),
      lateUntilMs: Number.POSITIVE_INFINITY,
      inFlight: 0,
    });
    running.cutting?.kick();
    return recovered === undefined ? [] : this.#goOn(recovered);
  }

  /** A job of an earlier run goes on: its prefixes stay with their holders. */
  #goOn({ job, holders, best }: RecoveredJob): AcceptedShare[] {
    for (const [prefix, holder] of holders) this.#prefixes.restore(prefix, holder, job.height);
    return best.map((share) => ({ ...acceptedShare(share), late: false, replayed: true }));
  }

  /** Jobs that passed while this edge held its slot but did not mine: the sealer waits for their markers too. */
  #markGap(running: Running, from: number, to: number): void {
    const epoch = running.books.epoch();
    if (epoch === undefined) return;
    if (to - from > MAX_GAP)
      this.#modules.logger.warn("too many jobs were passed over to send a close marker for each", {
        from,
        to,
      });
    const live = new Set(this.#jobs.live().map(({ height }) => height));
    for (let job = Math.max(from, to - MAX_GAP); job < to; job++) {
      // Its marker follows when its last share has a verdict.
      if (live.has(job)) continue;
      const book = running.books.book({ job, slot: epoch.slot, epoch: epoch.epoch });
      if (book.state === "open") book.state = "closing";
    }
  }

  async #tick(running: Running): Promise<void> {
    const over = this.#jobs.takeOver(this.#modules.clock.monotonicMs() - LATE_SLACK_MS);
    for (const job of over) {
      this.#closing(running, job.height);
      this.#over(job.height);
    }
    await running.bookkeeper.run();
  }

  #closing(running: Running, job: number): void {
    for (const book of running.books.all())
      if (book.job === job && book.state === "open") book.state = "closing";
  }

  #over(job: number): void {
    this.#overThrough = Math.max(this.#overThrough, job);
    this.#prefixes.jobOver(job);
  }

  async #confirm(running: Running): Promise<void> {
    if (!this.#owedFound) {
      const present = running.books.epoch();
      for (const key of await this.#modules.records.unmarkedJobs(this.#options.edgeId)) {
        // An epoch that the database has ended takes shares until this edge learns of it; the next one's beginning closes its books.
        if (key.slot === present?.slot && key.epoch >= present.epoch) continue;
        const book = running.books.book(key);
        if (book.state === "open") book.state = "closing";
      }
      this.#owedFound = true;
      await running.bookkeeper.run();
    }
    await running.bookkeeper.confirm();
  }

  /** Appends until there is room; rejects with `journal-failed`. */
  async #record(
    running: Running,
    record: EdgeRecord,
    onDurable: (place: RecordPlace) => void,
  ): Promise<void> {
    for (;;) {
      const outcome = await running.journal.append(encodeRecord(record), onDurable);
      if (outcome.kind === "durable") return;
      if (outcome.kind === "failed") throw journalFailed();
      await sleep(this.#modules.clock, RETRY_MS);
    }
  }

  #needRunning(): Running {
    if (this.#running === undefined) throw new CodedError("desk-not-ready", "recover() the share desk first");
    return this.#running;
  }
}

function journalFailed(): CodedError {
  return new CodedError("journal-failed", "the journal takes nothing more: check the disk, then start again");
}

function jobRecord({ height, oprHash, credit, threshold }: OpenJob): JobRecord {
  return { height, oprHash, credit, ...(threshold !== undefined && { threshold }) };
}
