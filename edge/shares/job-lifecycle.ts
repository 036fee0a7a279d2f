/**
 * How jobs follow one another at the share desk: a job is opened, stopped, resumed and ended, and it is over when its late time is (docs/design.md,
 * "What is told and what is paid end together").
 */

import type { Clock, Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { appendUntilRoom } from "../journal/append-until-room.ts";
import type { Journal } from "../journal/journal.ts";
import { encodeRecord, type JobRecord } from "../journal/records.ts";
import type { SlotLease } from "../lease/slots.ts";
import { type AcceptedShare, acceptedShare } from "./accepted-share.ts";
import type { DurablePrefixes } from "./durable-prefixes.ts";
import { endsAtMs, type OpenJobs } from "./open-jobs.ts";
import type { Prefixes } from "./prefixes.ts";
import type { RecoveredJob } from "./recover.ts";
import { openedJob } from "./recovered-jobs.ts";
import type { Tallies } from "./tallies.ts";

/** A line read in time may reach the checks a little later. */
const LATE_SLACK_MS = 250;
/** The most close markers that are sent for jobs that this edge passed over. */
const MAX_GAP = 4_096;

export interface JobLifecycleModules {
  readonly jobs: OpenJobs;
  readonly prefixes: Prefixes;
  readonly durable: DurablePrefixes;
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly lease: SlotLease;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Something can be cut or closed now rather than at the next period. */
  readonly kick: () => void;
}

export class JobLifecycle {
  readonly #lateMs: number;
  readonly #modules: JobLifecycleModules;
  #recovered: readonly RecoveredJob[];
  #overThrough = -1;
  /** The lowest job for which the present epoch has neither a tally nor a marker. */
  #nextOwed = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** `recovered`: the jobs of an earlier run, oldest first. */
  constructor(
    options: { readonly lateMs: number; readonly recovered: readonly RecoveredJob[] },
    modules: JobLifecycleModules,
  ) {
    this.#lateMs = options.lateMs;
    this.#recovered = options.recovered;
    this.#modules = modules;
  }

  /** No more shares of this job or an earlier one are taken, not even after a restart. */
  get overThrough(): number {
    return this.#overThrough;
  }

  /** A new epoch begins; the jobs that are open go on in it. */
  epochBegins(): void {
    const current = this.#modules.jobs.current();
    this.#nextOwed = current === undefined ? 0 : current.height + 1;
  }

  /** See ShareDesk. */
  openJob(job: JobRecord, seenAtMs: number): Promise<readonly AcceptedShare[]> {
    const turn = this.#turn.then(() => this.#openJob(job, seenAtMs));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** See ShareDesk. */
  end(seenAtMs: number): void {
    const { jobs, prefixes } = this.#modules;
    const job = jobs.current();
    if (job === undefined) return;
    this.stop(seenAtMs);
    jobs.end(seenAtMs, prefixes.lastSerial());
    this.#kickAt(endsAtMs(job));
  }

  /** See ShareDesk. */
  stop(atMs: number): void {
    const { jobs, prefixes } = this.#modules;
    const job = jobs.current();
    if (job === undefined || !jobs.stop(atMs, prefixes.lastSerial())) return;
    void this.#recordRun(job.height, false);
  }

  /** See ShareDesk. */
  async resume(): Promise<boolean> {
    const { jobs, prefixes, clock } = this.#modules;
    const job = jobs.current();
    if (job === undefined || jobs.isRunning()) return job !== undefined;
    const firstSerial = prefixes.lastSerial() + 1;
    if (!(await this.#recordRun(job.height, true)) || jobs.current() !== job) return false;
    jobs.resume(clock.monotonicMs(), firstSerial);
    return true;
  }

  /**
   * After a restart: opens the newest job of the earlier run if its miners were stopped so short a time ago that its late time still runs. A job that
   * was never stopped is not opened here: if its block is over, nobody knows since when.
   */
  async reopenLate(): Promise<void> {
    const { tallies, journal, jobs, clock } = this.#modules;
    const recovered = this.#recovered.at(-1);
    if (recovered === undefined || recovered.runs.at(-1)?.stoppedAtMs === undefined) return;
    const job = openedJob(recovered.job, recovered, this.#lateMs, this.#modules);
    if (endsAtMs(job) < clock.monotonicMs() || !tallies.covers(job)) return;
    await appendUntilRoom(journal, { kind: "job", job: recovered.job }, clock, ({ segment }) => {
      tallies.open(job);
      tallies.noteNewest(segment);
    });
    // Opened and not ended: it is not known yet whether its block is closed.
    jobs.open(job);
  }

  /** Closes the jobs whose late time is over and whose last share has its verdict. */
  closeOver(): void {
    const { jobs, prefixes, clock } = this.#modules;
    for (const { height } of jobs.takeOver(clock.monotonicMs() - LATE_SLACK_MS)) {
      this.#closing(height);
      this.#overThrough = Math.max(this.#overThrough, height);
      prefixes.jobOver(height);
    }
  }

  /** The edge stops: no new shares are taken. */
  closeAll(): void {
    for (const { height } of this.#modules.jobs.takeAll()) this.#closing(height);
  }

  async #openJob(job: JobRecord, seenAtMs: number): Promise<readonly AcceptedShare[]> {
    const { jobs, tallies, journal, lease, durable, prefixes, kick } = this.#modules;
    const newest = jobs.newest();
    if (newest !== undefined) refuseContradiction(newest, job);
    const isOpen = newest !== undefined && newest === jobs.current() && newest.height === job.height;
    // Since a restart it takes late shares only, and is opened in full now.
    const goesOn = isOpen && this.#recovered.length > 0;
    if (isOpen && !goesOn) return [];
    if (!goesOn) this.end(seenAtMs);
    const owedFrom = await lease.cover(job.height);
    this.#markGap(Math.max(owedFrom, this.#nextOwed), job.height);
    journal.rotate();
    const outcome = await journal.append(encodeRecord({ kind: "job", job }), ({ segment }) => {
      tallies.open(job);
      tallies.noteNewest(segment);
    });
    if (outcome.kind !== "durable" || !(await durable.repeat())) throw noRoomFor(job);
    this.#nextOwed = job.height + 1;
    prefixes.jobOpens(job.height);
    if (newest === undefined) {
      this.#overThrough = Math.max(this.#overThrough, job.height - 1);
      prefixes.jobOver(job.height - 1);
    }
    const recovered = this.#recovered.find(
      (earlier) => earlier.job.height === job.height && earlier.job.oprHash === job.oprHash,
    );
    this.#recovered = [];
    if (!goesOn) jobs.open(openedJob(job, recovered, this.#lateMs, this.#modules));
    kick();
    const best = recovered?.best ?? [];
    return best.map((share) => acceptedShare(share, { late: false, recovered: true }));
  }

  /** Jobs that passed while this edge held its slot but did not mine: the sealer waits for their markers too. */
  #markGap(from: number, to: number): void {
    const { tallies, jobs, logger } = this.#modules;
    const epoch = tallies.epoch();
    if (epoch === undefined) return;
    if (to - from > MAX_GAP)
      logger.warn("too many jobs were passed over to send a close marker for each", { from, to });
    const live = new Set(jobs.live().map(({ height }) => height));
    for (let job = Math.max(from, to - MAX_GAP); job < to; job++) {
      // Its marker follows when its last share has a verdict.
      if (live.has(job)) continue;
      const tally = tallies.tally({ job, slot: epoch.slot, epoch: epoch.epoch });
      if (tally.state === "open") tally.state = "closing";
    }
  }

  #closing(job: number): void {
    for (const tally of this.#modules.tallies.all())
      if (tally.job === job && tally.state === "open") tally.state = "closing";
  }

  /** Cuts and closes what is over at this monotonic time. */
  #kickAt(atMs: number): void {
    const { clock, kick } = this.#modules;
    clock.after(Math.max(0, atMs + LATE_SLACK_MS - clock.monotonicMs()) + 1, kick);
  }

  async #recordRun(job: number, running: boolean): Promise<boolean> {
    const { journal, tallies, clock } = this.#modules;
    const record = encodeRecord({ kind: "run", run: { job, running, atMs: clock.wallMs() } });
    const { kind } = await journal.append(record, ({ segment }) => tallies.noteNewest(segment));
    return kind === "durable";
  }
}

function refuseContradiction(newest: JobRecord, job: JobRecord): void {
  if (newest.height === job.height && newest.oprHash !== job.oprHash)
    throw new CodedError(
      "job-differs",
      `job ${job.height} has oprHash ${newest.oprHash}, got ${job.oprHash}`,
    );
  if (newest.height > job.height)
    throw new CodedError(
      "job-went-back",
      `job ${newest.height} was open, cannot open job ${job.height} after it`,
    );
}

function noRoomFor({ height }: JobRecord): CodedError {
  const message = `job ${height} cannot be opened: the journal takes nothing now; free some disk space`;
  return new CodedError("journal-full", message);
}
