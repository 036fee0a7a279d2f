/** One edge: stratum server, share desk and chain follower put together in the order in which a share flows (DESIGN.md, "Shape"). */

import type { GuessLimit } from "../shared/accounts/guesses.ts";
import { type Clock, type Random, sleep } from "../shared/clock.ts";
import type { BlockRow } from "../shared/db/blocks.ts";
import { edgeRecords } from "../shared/db/edges.ts";
import type { JobRow } from "../shared/db/jobs.ts";
import type { Db } from "../shared/db/port.ts";
import type { WorkerLimits } from "../shared/db/workers.ts";
import type { CodedError } from "../shared/errors.ts";
import type { Factomd } from "../shared/factom/client.ts";
import type { Hasher } from "../shared/hash/hasher.ts";
import type { Logger } from "../shared/logger.ts";
import type { Auth } from "../shared/messages/login.ts";
import type { QueueSender } from "../shared/queue.ts";
import { createFollower, type Follower, type FollowerOptions } from "./chain/follower.ts";
import { type GradeOptions, gradeChainBlock } from "./chain/grade.ts";
import { createMinuteKeeper, type MinuteKeeper } from "./chain/minutes.ts";
import { makeNextJob, type NewestPrices, type NextJobOptions } from "./chain/next-job.ts";
import { type BlockReader, createBlockReader } from "./chain/reader.ts";
import { createStallWatch, type StallWatch } from "./chain/stall.ts";
import { Submitter, type SubmitterOptions } from "./chain/submitter.ts";
import type { Disk } from "./journal/disk.ts";
import { edgeIdentity } from "./lease/identity.ts";
import { chainLeaseMs, createNamedLease, type NamedLease } from "./lease/named.ts";
import { createAccounts } from "./logins/logins.ts";
import { createLoginThrottle } from "./logins/throttle.ts";
import { MiningSwitch } from "./mining-switch.ts";
import type { AcceptedShare } from "./shares/pipeline.ts";
import type { Prefixes } from "./shares/prefixes.ts";
import { ShareDesk } from "./shares/share-desk.ts";
import type { Job, StratumBackend } from "./stratum/backend.ts";
import { type Listening, type ListenOptions, listenStratum } from "./stratum/listener.ts";
import type { StratumMetrics } from "./stratum/metrics.ts";
import { StratumServer } from "./stratum/server.ts";
import { STRATUM_DEFAULTS, type StratumSettings } from "./stratum/settings.ts";

export interface EdgeOptions {
  /** Locked by the caller (edge/lease/folder-lock.ts). */
  readonly folder: string;
  readonly listen: ListenOptions;
  /** A second listener for TLS beside it. */
  readonly listenTls?: ListenOptions;
  readonly stratum: Partial<StratumSettings>;
  /** How failed logins are slowed down. */
  readonly guesses?: GuessLimit;
  /** False: every name may mine, known or not. Only a name with an account can be paid. */
  readonly requireAuth: boolean;
  /** Without it the usual ones. */
  readonly workerLimits?: WorkerLimits;
  readonly blockMs: number;
  readonly cutEveryMs: number;
  readonly follow: FollowerOptions;
  readonly grade: GradeOptions;
  readonly nextJob: NextJobOptions;
  readonly submit: SubmitterOptions;
}

export interface EdgeModules {
  readonly db: Db;
  readonly factomd: Factomd;
  readonly newestPrices: () => Promise<NewestPrices | undefined>;
  readonly queue: QueueSender;
  readonly auth: Auth;
  readonly hasher: Hasher;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: StratumMetrics;
  /** See ShareDeskModules. */
  readonly prefixes?: Prefixes;
  /** This edge has booked a block. */
  readonly onBlock: (row: BlockRow) => void;
  /** Nothing more can be acknowledged: end the process, the next start recovers. */
  readonly onFatal: (error: CodedError) => void;
}

const RETRY_MS = 1_000;
const WATCH_MS = 250;

/** How long no reason to stop may apply before miners go on: a fortieth of a block, 0.5 to 5 s. */
function calmMs(blockMs: number): number {
  return Math.min(5_000, Math.max(500, blockMs / 40));
}
/** Jobs whose oprHash a miner may still ask for. */
const ANNOUNCED_JOBS = 16;

export class Edge {
  readonly stratum: StratumServer;
  readonly desk: ShareDesk;
  readonly minutes: MinuteKeeper;
  readonly follower: Follower;
  readonly stall: StallWatch;
  readonly submitter: Submitter;
  readonly #options: EdgeOptions;
  readonly #modules: EdgeModules;
  readonly #chainLease: NamedLease;
  readonly #reader: BlockReader;
  readonly #stop = new AbortController();
  readonly #mining: MiningSwitch;
  #job: JobRow | undefined;
  /** The oprHash of each job announced lately, by height. */
  readonly #announced = new Map<number, string>();
  #heightSeenMs = 0;
  /** When there was last a job; undefined before the first one. */
  #jobEndedMs: number | undefined;
  #listening: Listening | undefined;
  #listeningTls: Listening | undefined;
  #running: Promise<void>[] = [];

  /** Reads or makes the edge's identity; everything else starts with `start`. */
  static async create(options: EdgeOptions, modules: EdgeModules): Promise<Edge> {
    return new Edge(options, modules, await edgeIdentity(options.folder, modules));
  }

  private constructor(options: EdgeOptions, modules: EdgeModules, edgeId: string) {
    const { db, factomd, clock, logger } = modules;
    const { blockMs } = options;
    this.#options = options;
    this.#modules = modules;
    this.minutes = createMinuteKeeper(
      { blockMs },
      { ...modules, currentMinute: () => factomd.currentMinute() },
      {
        onSaving: (saving) => this.#mining.set("saving", saving),
        onHeight: (height) => this.follower.learn(height),
      },
    );
    this.#reader = createBlockReader(modules);
    this.submitter = new Submitter(options.submit, {
      ...modules,
      commit: async (message) => void (await factomd.commitEntry(message)),
      reveal: async (message) => {
        this.#reader.know(message);
        await factomd.revealEntry(message);
      },
      slot: () => this.desk.grant()?.slot ?? 0,
    });
    this.desk = new ShareDesk(
      { folder: options.folder, edgeId, blockMs, cutEveryMs: options.cutEveryMs },
      {
        ...modules,
        records: edgeRecords(db),
        onAccepted: (share) => this.#onAccepted(share),
      },
    );
    this.#mining = new MiningSwitch({ calmMs: calmMs(blockMs) }, modules, (isOn) => this.#onSwitch(isOn));
    this.#chainLease = createNamedLease(
      { name: "chain", holder: edgeId, leaseMs: chainLeaseMs(blockMs) },
      { db, clock },
    );
    this.stall = createStallWatch({ blockMs }, modules, () => this.#mining.set("stalled", true));
    this.stratum = new StratumServer(
      { ...options.stratum, blockPeriodMs: blockMs },
      { ...modules, backend: this.#backend() },
    );
    this.follower = createFollower(
      options.follow,
      {
        db,
        topHeight: async () => (await factomd.heights()).directoryBlock,
        readBlock: (height, stopping) => this.#reader.read(height, stopping),
        grade: (block, previous) => gradeChainBlock(block, previous, options.grade, modules.hasher),
        lease: this.#chainLease,
        makeJob: (block) => makeNextJob(block, options.nextJob, modules),
        clock,
        logger,
      },
      {
        onHeight: (height) => this.#onHeight(height),
        onJob: (job) => this.#onJob(job),
        onNoJob: () => this.stratum.jobChanged(),
        onBlock: modules.onBlock,
      },
    );
  }

  /** Recovers the journal, then listens and follows the chain. Rejects where the journal, the slot or the port cannot be had. */
  async start(signal: AbortSignal): ReturnType<ShareDesk["recover"]> {
    const recovered = await this.desk.recover(signal);
    const { listen, listenTls } = this.#options;
    this.#listening = await listenStratum(listen, this.stratum);
    if (listenTls !== undefined) this.#listeningTls = await listenStratum(listenTls, this.stratum);
    const { signal: stop } = this.#stop;
    this.#running = [
      this.minutes.run(stop),
      this.follower.run(stop),
      this.stall.run(stop),
      this.#watchKeeping(stop),
    ];
    return recovered;
  }

  /** Where miners connect; undefined before `start`. */
  get listening(): Listening | undefined {
    return this.#listening;
  }

  /** Where miners connect by TLS; undefined where it is not configured. */
  get listeningTls(): Listening | undefined {
    return this.#listeningTls;
  }

  get job(): JobRow | undefined {
    return this.#job;
  }

  /** Milliseconds without a job since the last one ended; 0 while there is one, undefined before the first. */
  withoutJobMs(): number | undefined {
    if (this.#job !== undefined) return 0;
    return this.#jobEndedMs === undefined ? undefined : this.#modules.clock.monotonicMs() - this.#jobEndedMs;
  }

  /** Takes no more connections, closes the open ones over `overMs`, and hands everything to the queue until `signal` aborts. */
  async stop(options: { overMs: number; signal: AbortSignal }): Promise<void> {
    this.#listening?.stop();
    this.#listeningTls?.stop();
    this.#stop.abort();
    await this.stratum.close(options.overMs);
    await Promise.all(this.#running);
    await this.submitter.close();
    await this.desk.drain(options.signal);
    await this.desk.close();
    await this.#chainLease.release().catch(() => undefined);
  }

  #backend(): StratumBackend {
    const { clock } = this.#modules;
    const { guesses: limit, requireAuth, stratum } = this.#options;
    const { exemptAddresses = STRATUM_DEFAULTS.exemptAddresses } = stratum;
    const throttle = createLoginThrottle({ limit, exemptAddresses }, { clock });
    const { workerLimits } = this.#options;
    const accounts = createAccounts(
      { requireAuth, exemptAddresses, ...(workerLimits && { workerLimits }) },
      { ...this.#modules, throttle },
    );
    return {
      currentJob: () => this.#currentJob(),
      grantPrefix: (request) => this.desk.grantPrefix(request),
      claimPrefix: (prefix, holder) => this.desk.claimPrefix(prefix, holder),
      releasePrefix: (prefix) => this.desk.releasePrefix(prefix),
      measuredPrefix: (prefix, measured) => this.desk.measuredPrefix(prefix, measured),
      lastTarget: (holder, where) => this.desk.lastTarget(holder, where),
      prefixesAreScarce: () => this.desk.prefixesAreScarce(),
      oprHashOf: (height) => this.#announced.get(height),
      authorize: (request) => accounts.authorize(request),
      submit: (share) => this.desk.submit(share),
    };
  }

  #currentJob(): Job | undefined {
    const job = this.#job;
    const freshFrom = this.desk.freshFrom();
    if (job === undefined || freshFrom === undefined) return undefined;
    return { height: job.height, oprHash: job.oprHash, threshold: job.threshold, freshFrom };
  }

  /** The block at `height` is saved: its job is over, and miners stop until the next job is made. */
  #onHeight(height: number): void {
    this.#heightSeenMs = this.#modules.clock.monotonicMs();
    this.minutes.saved(height);
    this.stall.rose(height);
    if (this.#job === undefined || this.#job.height > height) return;
    this.#job = undefined;
    this.#jobEndedMs = this.#heightSeenMs;
    this.desk.endCurrentJob(this.#heightSeenMs);
    this.stratum.jobChanged();
  }

  /** Shares of the job are taken before miners hear of it. */
  async #onJob(job: JobRow): Promise<void> {
    // The submitter first: shares may come as soon as the desk takes them.
    await this.submitter.openJob(job);
    const recovered = await this.desk.openJob(
      { height: job.height, oprHash: job.oprHash, credit: job.credit, threshold: `${job.threshold}` },
      this.#heightSeenMs,
    );
    for (const share of recovered) this.submitter.offer(share);
    // Its block may have been saved while it was opened.
    if ((this.follower.topHeight() ?? 0) >= job.height) return this.desk.endCurrentJob(this.#heightSeenMs);
    this.#job = job;
    this.#mining.jobIs();
    if (this.#mining.isOn) await this.#goOn();
    else this.desk.stopJob();
    this.#announced.set(job.height, job.oprHash);
    for (const height of this.#announced.keys())
      if (height <= job.height - ANNOUNCED_JOBS) this.#announced.delete(height);
    this.stratum.jobChanged();
  }

  #onSwitch(isOn: boolean): void {
    if (isOn) void this.#goOn().then(() => this.stratum.jobChanged());
    else {
      this.desk.stopJob();
      this.stratum.jobChanged();
    }
  }

  /** The current job is mined, again where it was stopped. */
  async #goOn(): Promise<void> {
    if ((await this.desk.resumeJob()) || this.#job === undefined) return;
    this.#modules.clock.after(RETRY_MS, () => {
      if (this.#mining.isOn && !this.#stop.signal.aborted) this.#onSwitch(true);
    });
  }

  /** While shares cannot be kept, miners are told to stop. */
  async #watchKeeping(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#mining.set("unkept", !this.desk.canKeep());
      await sleep(this.#modules.clock, WATCH_MS, signal);
    }
  }

  #onAccepted(share: AcceptedShare): void {
    if (share.late) return;
    this.submitter.offer(share);
  }
}
