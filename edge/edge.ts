/** One edge: stratum server, share desk and chain follower put together in the order in which a share flows (DESIGN.md, "Shape"). */

import { LOGIN_BACKOFF, type LoginBackoff } from "../shared/accounts/backoff.ts";
import type { Clock, Random } from "../shared/clock.ts";
import { insertUser, userExists } from "../shared/db/accounts.ts";
import type { BlockRow } from "../shared/db/chain.ts";
import { edgeRecords } from "../shared/db/edges.ts";
import { type JobRow, oprHashOf } from "../shared/db/jobs.ts";
import type { Db } from "../shared/db/port.ts";
import type { WorkerLimits } from "../shared/db/workers.ts";
import type { CodedError } from "../shared/errors.ts";
import type { Factomd } from "../shared/factom/client.ts";
import type { Hasher } from "../shared/hash/hasher.ts";
import type { Logger } from "../shared/logger.ts";
import type { Auth } from "../shared/messages/accounts.ts";
import type { QueueSender } from "../shared/queue.ts";
import { createAccounts } from "./accounts.ts";
import { createFollower, type Follower, type FollowerOptions } from "./chain/follower.ts";
import { type GradeOptions, gradeChainBlock } from "./chain/grade.ts";
import { createMinuteKeeper, type MinuteKeeper } from "./chain/minutes.ts";
import { readChainBlock } from "./chain/reader.ts";
import { type PriceRow, type SettleOptions, settleNextJob } from "./chain/settle.ts";
import { Submitter, type SubmitterOptions } from "./chain/submitter.ts";
import type { Disk } from "./journal/disk.ts";
import { edgeIdentity } from "./lease/identity.ts";
import { chainLeaseMs, createNamedLease, type NamedLease } from "./lease/named.ts";
import { createLoginThrottle } from "./login-throttle.ts";
import { ShareDesk } from "./shares/desk.ts";
import type { AcceptedShare } from "./shares/pipeline.ts";
import type { Prefixes } from "./shares/prefixes.ts";
import type { AuthorizeVerdict, Job, StratumBackend } from "./stratum/backend.ts";
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
  readonly loginBackoff?: LoginBackoff;
  /** False lets every known or unknown name mine: only a name that has an account can be paid. */
  readonly requireAuth: boolean;
  /** Without it the usual ones. */
  readonly workerLimits?: WorkerLimits;
  readonly blockMs: number;
  readonly cutEveryMs: number;
  readonly follow: FollowerOptions;
  readonly grade: GradeOptions;
  readonly settle: SettleOptions;
  readonly submit: SubmitterOptions;
}

export interface EdgeModules {
  readonly db: Db;
  readonly factomd: Factomd;
  readonly newestPrices: () => Promise<PriceRow | undefined>;
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

export class Edge {
  readonly stratum: StratumServer;
  readonly desk: ShareDesk;
  readonly minutes: MinuteKeeper;
  readonly follower: Follower;
  readonly submitter: Submitter;
  readonly #options: EdgeOptions;
  readonly #modules: EdgeModules;
  readonly #chainLease: NamedLease;
  readonly #stop = new AbortController();
  #job: JobRow | undefined;
  #heightSeenMs = 0;
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
    );
    this.submitter = new Submitter(options.submit, {
      ...modules,
      commit: async (message) => void (await factomd.commitEntry(message)),
      reveal: async (message) => void (await factomd.revealEntry(message)),
      slot: () => this.desk.grant()?.slot ?? 0,
    });
    this.desk = new ShareDesk(
      { folder: options.folder, edgeId, blockMs, cutEveryMs: options.cutEveryMs },
      {
        ...modules,
        records: edgeRecords(db),
        gateOpen: () => this.minutes.isOpen(),
        onAccepted: (share) => this.#onAccepted(share),
      },
    );
    this.#chainLease = createNamedLease(
      { name: "chain", holder: edgeId, leaseMs: chainLeaseMs(blockMs) },
      { db, clock },
    );
    this.stratum = new StratumServer(
      { ...options.stratum, blockPeriodMs: blockMs },
      { ...modules, backend: this.#backend() },
    );
    this.follower = createFollower(
      options.follow,
      {
        db,
        topHeight: async () => (await factomd.heights()).directoryBlock,
        readBlock: (height) => readChainBlock(factomd, height),
        grade: (block, previous) => gradeChainBlock(block, previous, options.grade, modules.hasher),
        lease: this.#chainLease,
        settleJob: (block) => settleNextJob(block, options.settle, modules),
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
    this.#running = [this.minutes.run(this.#stop.signal), this.follower.run(this.#stop.signal)];
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
    const { db, clock } = this.#modules;
    const { loginBackoff = LOGIN_BACKOFF, stratum } = this.#options;
    const { exemptAddresses = STRATUM_DEFAULTS.exemptAddresses } = stratum;
    const throttle = createLoginThrottle({ ...loginBackoff, exemptAddresses }, { clock });
    const { workerLimits } = this.#options;
    const accounts = createAccounts(
      { ...(workerLimits && { workerLimits }) },
      { ...this.#modules, throttle },
    );
    return {
      currentJob: () => this.#currentJob(),
      oprHashOf: (height) => oprHashOf(db, height),
      authorize: (request) =>
        this.#options.requireAuth ? accounts.authorize(request) : this.#welcome(request.user),
      leasePrefix: () => this.desk.leasePrefix(),
      releasePrefix: (prefix, holder) => this.desk.releasePrefix(prefix, holder),
      submit: (share) => this.desk.submit(share),
    };
  }

  /** Without required logins a new name gets an account that can be credited; an address is needed before it can be paid. */
  async #welcome(name: string): Promise<AuthorizeVerdict> {
    const { db } = this.#modules;
    if (await userExists(db, name)) return { kind: "ok", registered: false };
    const registered = await insertUser(db, { name, password: null, payoutAddress: null });
    return { kind: "ok", registered };
  }

  #currentJob(): Job | undefined {
    const job = this.#job;
    return job === undefined
      ? undefined
      : { height: job.height, oprHash: job.oprHash, threshold: job.threshold };
  }

  /** The block at `height` is saved: its job is over, and nothing is announced until the next one is settled. */
  #onHeight(height: number): void {
    this.#heightSeenMs = this.#modules.clock.monotonicMs();
    if (this.#job === undefined || this.#job.height > height) return;
    this.#job = undefined;
    this.desk.endCurrentJob(this.#heightSeenMs);
  }

  /** Shares of the job are taken before miners hear of it. */
  async #onJob(job: JobRow): Promise<void> {
    // The submitter first: shares may come as soon as the desk takes them.
    await this.submitter.openJob(job);
    const replayed = await this.desk.openJob(
      { height: job.height, oprHash: job.oprHash, credit: job.credit, threshold: `${job.threshold}` },
      this.#heightSeenMs,
    );
    for (const share of replayed) this.submitter.offer(share);
    this.#job = job;
    this.stratum.jobChanged();
  }

  #onAccepted(share: AcceptedShare): void {
    if (share.late) return;
    this.submitter.offer(share);
  }
}
