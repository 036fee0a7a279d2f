/**
 * The share desk: all that happens to a share inside the edge, from its verdict to its delta in the queue (docs/design.md, "The path of a share").
 * This file has its life and what others ask of it. Shares are judged in pipeline.ts, jobs begin and end in job-lifecycle.ts, and ledger.ts leads from
 * the journal to the queue.
 */

import { join } from "node:path";
import { sleep } from "../../shared/clock.ts";
import type { SlotGrant } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { historyFolder } from "../journal/history.ts";
import { type JournalEnd, readJournal } from "../journal/read-journal.ts";
import type { JobRecord } from "../journal/records.ts";
import { lateMsOf } from "../lease/slots.ts";
import type {
  Grant,
  GrantRequest,
  Holder,
  Measured,
  ShareVerdict,
  SubmittedShare,
} from "../stratum/backend.ts";
import type { AcceptedShare } from "./accepted-share.ts";
import { DurablePrefixes } from "./durable-prefixes.ts";
import type { RecoverySummary, ShareDeskModules, ShareDeskOptions, ShareDeskStats } from "./interface.ts";
import { JobLifecycle } from "./job-lifecycle.ts";
import { ShareLedger } from "./ledger.ts";
import { OpenJobs } from "./open-jobs.ts";
import { type PeriodicTask, startPeriodicTask } from "./periodic-task.ts";
import { Pipeline } from "./pipeline.ts";
import { keyedOrder } from "./prefix-order.ts";
import { prefixSecret } from "./prefix-secret.ts";
import { Prefixes } from "./prefixes.ts";
import { Recovery } from "./recover.ts";

const CONFIRM_EVERY_MS = 5_000;
/** Pause between two tries to cut what is left, when the desk is drained. */
const DRAIN_EVERY_MS = 50;

/** What exists once the journal has been read. */
interface Parts {
  readonly jobs: OpenJobs;
  readonly prefixes: DurablePrefixes;
  readonly ledger: ShareLedger;
  readonly lifecycle: JobLifecycle;
  readonly pipeline: Pipeline;
}

interface Tasks {
  readonly cutting: PeriodicTask;
  readonly confirming: PeriodicTask;
}

/**
 * `new`: the journal has not been read. `recovering`: it has been read, and the desk waits for a slot. `open`: shares are taken. `draining`: no more
 * are taken, and what is there goes to the queue. A failed disk or a lost slot is no state of the desk: the journal and the lease know it, and the
 * process ends.
 */
type Life =
  | { readonly kind: "new" }
  | { readonly kind: "recovering"; readonly parts: Parts }
  | { readonly kind: "open"; readonly parts: Parts; readonly tasks: Tasks }
  | { readonly kind: "draining"; readonly parts: Parts; readonly tasks: Tasks | undefined }
  | { readonly kind: "closed"; readonly parts: Parts };

export class ShareDesk {
  readonly #options: ShareDeskOptions;
  readonly #modules: ShareDeskModules;
  #life: Life = { kind: "new" };

  constructor(options: ShareDeskOptions, modules: ShareDeskModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /**
   * Reads the journal, leases a slot (waiting while the database is away) and begins to send what an earlier run left. Rejects with
   * CodedError `journal-damaged`, `journal-version`, `disk-failed`, `disk-full`, or `slot-wait-aborted` when `signal` aborts or the desk is
   * drained or closed meanwhile.
   */
  async recover(signal: AbortSignal): Promise<RecoverySummary> {
    const { disk, logger, random } = this.#modules;
    const recovery = new Recovery(random);
    const end = await readJournal(this.#journalFolder(), recovery, { disk, logger });
    const uncutShares = recovery.uncutShares();
    recovery.finish();
    const given =
      this.#modules.prefixes ??
      new Prefixes({ order: keyedOrder(await prefixSecret(this.#options.folder, { disk, random })) });
    const parts = this.#compose(given, recovery, end);
    const { ledger, prefixes, lifecycle } = parts;
    this.#life = { kind: "recovering", parts };
    await ledger.retireEarlierEpochs(signal);
    const grant = await ledger.lease.acquire(signal);
    prefixes.useSlot(grant.slot, recovery);
    await lifecycle.reopenLate();
    await ledger.confirm().catch(() => undefined);
    const unsent = ledger.outbox.stats().waiting;
    this.#open(parts);
    const summary = { slot: grant.slot, epoch: grant.epoch, shares: recovery.shares, uncutShares, unsent };
    logger.info("the share journal is recovered", summary);
    return summary;
  }

  /**
   * Takes shares of this job from now on. The job before it ends; its height counts as over since `seenAtMs` (monotonic). Resolves to the shares of
   * this job that an earlier run took and may not have submitted, best first. A second call for the same job changes nothing. A job that an earlier
   * run had stopped is not mined before `resumeJob`. Rejects with `db-away`, `lease-lost`, `journal-full` (call again later), `job-differs`,
   * `job-went-back`.
   */
  async openJob(
    job: JobRecord,
    seenAtMs: number = this.#modules.clock.monotonicMs(),
  ): Promise<readonly AcceptedShare[]> {
    const parts = this.#parts();
    if (parts === undefined) throw new CodedError("desk-not-ready", "recover() the share desk first");
    return parts.lifecycle.openJob(job, seenAtMs);
  }

  /** The current job's height is over: only late shares are taken. */
  endCurrentJob(seenAtMs: number = this.#modules.clock.monotonicMs()): void {
    this.#parts()?.lifecycle.end(seenAtMs);
  }

  /** Miners are told to stop now: the late time of the current job's shares begins, unless it began before. */
  stopJob(atMs: number = this.#modules.clock.monotonicMs()): void {
    this.#parts()?.lifecycle.stop(atMs);
  }

  /** The current job may be mined again, with prefixes given out from here on. False: that cannot be put on record now, call again later. */
  async resumeJob(): Promise<boolean> {
    return (await this.#parts()?.lifecycle.resume()) === true;
  }

  /** The serial of the first prefix under which the current job may be mined; undefined while miners are to do nothing. */
  freshFrom(): number | undefined {
    return this.#parts()?.jobs.freshFrom();
  }

  /** True while shares that miners find can be kept. While it is false, miners are told to stop. */
  canKeep(): boolean {
    const ledger = this.#taking()?.ledger;
    return ledger?.lease.held() === true && !ledger.journal.isFull();
  }

  submit(share: SubmittedShare): Promise<ShareVerdict> {
    return this.#taking()?.pipeline.submit(share) ?? Promise.resolve({ kind: "unavailable" });
  }

  /** See StratumBackend. */
  async grantPrefix(request: GrantRequest): Promise<Grant | undefined> {
    return this.#taking()?.prefixes.grant(request);
  }

  /** See StratumBackend. */
  async claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    return (await this.#taking()?.prefixes.claim(prefix, holder)) === true;
  }

  /** See StratumBackend. */
  releasePrefix(prefix: number): void {
    this.#parts()?.prefixes.release(prefix);
  }

  /** See StratumBackend. */
  measuredPrefix(prefix: number, measured: Measured): void {
    this.#parts()?.prefixes.measured(prefix, measured);
  }

  /** See StratumBackend. */
  lastTarget(holder: Holder, where: Measured): bigint | undefined {
    return this.#parts()?.prefixes.lastTarget(holder, where);
  }

  /** See StratumBackend. */
  prefixesAreScarce(): boolean {
    return this.#parts()?.prefixes.areScarce() === true;
  }

  /** The slot and epoch held; undefined before `recover`. */
  grant(): SlotGrant | undefined {
    return this.#parts()?.ledger.lease.grant();
  }

  /** Undefined before `recover`. */
  stats(): ShareDeskStats | undefined {
    const parts = this.#parts();
    if (parts === undefined) return undefined;
    const { jobs, prefixes, ledger, pipeline } = parts;
    return {
      leaseHeld: ledger.lease.held(),
      currentJob: jobs.current()?.height,
      inFlight: jobs.inFlight(),
      prefixes: prefixes.stats(),
      verdicts: pipeline.stats(),
      journalBytes: ledger.journal.bytes(),
      journalStuckMs: ledger.journal.stuckMs(),
      journalRecords: ledger.journal.lastRecord(),
      outbox: ledger.outbox.stats(),
    };
  }

  /** Cuts what can be cut now instead of at the next period. */
  async cutNow(): Promise<void> {
    const parts = this.#parts();
    if (parts !== undefined) await cut(parts);
  }

  /**
   * Takes no more shares, waits for those that are being checked, cuts and marks everything and hands it to the queue. Stops waiting when
   * `signal` aborts; messages that are not sent by then are in the journal.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const life = this.#life;
    if (life.kind === "new" || life.kind === "closed") return;
    const { parts } = life;
    this.#life = { kind: "draining", parts, tasks: tasksOf(life) };
    const { jobs, ledger, lifecycle } = parts;
    let whole = false;
    while (!whole && !signal.aborted && !ledger.journal.failed()) {
      lifecycle.closeAll();
      whole = (await ledger.cut()) && jobs.inFlight() === 0;
      if (!whole) await sleep(this.#modules.clock, DRAIN_EVERY_MS, signal);
    }
    lifecycle.closeAll();
    await ledger.cut();
    await ledger.outbox.flushed(signal);
  }

  /** Stops all work and closes the journal. */
  async close(): Promise<void> {
    const life = this.#life;
    if (life.kind === "new") return;
    const { parts } = life;
    this.#life = { kind: "closed", parts };
    const tasks = tasksOf(life);
    await tasks?.cutting.stop();
    await tasks?.confirming.stop();
    await parts.ledger.close();
  }

  /** Undefined before the journal has been read. */
  #parts(): Parts | undefined {
    return this.#life.kind === "new" ? undefined : this.#life.parts;
  }

  /** Undefined while shares are not taken. */
  #taking(): Parts | undefined {
    return this.#life.kind === "open" ? this.#life.parts : undefined;
  }

  /** Sending begins, and shares are taken. */
  #open(parts: Parts): void {
    if (this.#life.kind !== "recovering")
      throw new CodedError("slot-wait-aborted", "the share desk was stopped while it recovered");
    const { ledger } = parts;
    const { confirmEveryMs = CONFIRM_EVERY_MS, cutEveryMs } = this.#options;
    ledger.outbox.start();
    const cutting = startPeriodicTask("cut", cutEveryMs, () => cut(parts), this.#modules);
    const confirming = startPeriodicTask("confirm", confirmEveryMs, () => ledger.confirm(), this.#modules);
    this.#life = { kind: "open", parts, tasks: { cutting, confirming } };
  }

  #compose(given: Prefixes, recovery: Recovery, end: JournalEnd): Parts {
    const lateMs = lateMsOf(this.#options.blockMs);
    const jobs = new OpenJobs(lateMs);
    const { history, ...options } = this.#options;
    const ledger = new ShareLedger(
      {
        ...options,
        folder: this.#journalFolder(),
        ...(history && { history: { ...history, folder: historyFolder(options.folder) } }),
      },
      {
        ...this.#modules,
        jobs,
        overThrough: () => lifecycle.overThrough,
        onEpoch: () => lifecycle.epochBegins(),
      },
      recovery,
      end,
    );
    const { tallies, journal, lease } = ledger;
    const shared = {
      ...this.#modules,
      ...{ jobs, prefixes: given, tallies, journal, lease },
      leaseHeld: () => lease.held(),
      kick: () => tasksOf(this.#life)?.cutting.kick(),
    };
    const prefixes = new DurablePrefixes(shared, recovery);
    const lifecycle = new JobLifecycle(
      { lateMs, recovered: recovery.recent },
      { ...shared, durable: prefixes },
    );
    return { jobs, prefixes, ledger, lifecycle, pipeline: new Pipeline(shared) };
  }

  #journalFolder(): string {
    return join(this.#options.folder, "journal");
  }
}

function tasksOf(life: Life): Tasks | undefined {
  return life.kind === "open" || life.kind === "draining" ? life.tasks : undefined;
}

async function cut({ prefixes, lifecycle, ledger }: Parts): Promise<void> {
  // While miners are stopped because the disk is full nothing else would find that it has room again.
  if (ledger.journal.isFull() && ledger.journal.canAppend()) prefixes.noteOrder();
  lifecycle.closeOver();
  await ledger.cut();
}
