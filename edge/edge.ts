/** One edge in its world: disk, database, node and listeners around the parts that jobs and shares pass (docs/design.md, "Shape"). */

import type { GuessLimit } from "../shared/accounts/guesses.ts";
import type { Clock, Random } from "../shared/clock.ts";
import { standingBars } from "../shared/db/bars.ts";
import type { BlockRow } from "../shared/db/blocks.ts";
import { openWatches, writeSightings } from "../shared/db/connect-watches.ts";
import { edgeRecords } from "../shared/db/edges.ts";
import { standingNotices } from "../shared/db/notices.ts";
import type { Db } from "../shared/db/port.ts";
import { addRefused } from "../shared/db/refused.ts";
import type { WorkerLimits } from "../shared/db/workers.ts";
import type { CodedError } from "../shared/errors.ts";
import type { Factomd } from "../shared/factom/client.ts";
import type { KeyPair } from "../shared/factom/ed25519.ts";
import type { Hasher } from "../shared/hash/hasher.ts";
import type { Logger } from "../shared/logger.ts";
import type { Auth } from "../shared/messages/login.ts";
import type { QueueSender } from "../shared/queue.ts";
import type { Follower, FollowerOptions } from "./chain/follower.ts";
import { type ChainGradeOptions, gradeChainBlock } from "./chain/grade.ts";
import { createMinuteKeeper, type MinuteKeeper } from "./chain/minutes.ts";
import { makeNextJob, type NewestPrices, type NextJobOptions } from "./chain/next-job.ts";
import { createBlockReader } from "./chain/reader.ts";
import { RootWriter } from "./chain/root-writer.ts";
import type { StallWatch } from "./chain/stall.ts";
import { Submitter, type SubmitterOptions } from "./chain/submitter.ts";
import { composeEdge, type EdgeParts } from "./compose.ts";
import type { Disk } from "./journal/disk.ts";
import { edgeIdentity } from "./lease/identity.ts";
import type { NamedLease } from "./lease/named.ts";
import { type Accounts, createAccounts } from "./logins/logins.ts";
import { createLoginThrottle } from "./logins/throttle.ts";
import { Orders } from "./orders.ts";
import { PageSightings } from "./page-sightings.ts";
import type { ShareDeskOptions } from "./shares/interface.ts";
import type { Prefixes } from "./shares/prefixes.ts";
import { RefusedShares } from "./shares/refused-shares.ts";
import { ShareDesk } from "./shares/share-desk.ts";
import type { AnnouncedJob } from "./stratum/announced-jobs.ts";
import type { Siblings } from "./stratum/edge-backend.ts";
import { type Listening, type ListenOptions, listenStratum } from "./stratum/listener.ts";
import type { StratumMetrics } from "./stratum/metrics.ts";
import type { StratumServer } from "./stratum/server.ts";
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
  /** See ShareDeskOptions. */
  readonly history?: ShareDeskOptions["history"];
  /** The usual limits if it is missing. */
  readonly workerLimits?: WorkerLimits;
  readonly blockMs: number;
  readonly cutEveryMs: number;
  readonly follow: FollowerOptions;
  readonly grade: ChainGradeOptions;
  readonly nextJob: NextJobOptions;
  readonly submit: SubmitterOptions;
  /** Pages run elsewhere, and are told through the database what becomes of new miners. */
  readonly tellsPages?: boolean;
  /** How roots are written to the chain; without it they are not. */
  readonly roots?: { readonly batch: number };
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
  /** Other edge processes of this machine, if there are any. */
  readonly siblings?: Siblings;
  /** See ShareDeskModules. */
  readonly prefixes?: Prefixes;
  /** Signs roots that are written to the chain; an edge without it sends those that were signed elsewhere. */
  readonly receiptKey?: KeyPair;
  /** This edge has booked a block. */
  readonly onBlock: (row: BlockRow) => void;
  /** Nothing more can be acknowledged: the process must end, and the next start recovers. */
  readonly onFatal: (error: CodedError) => void;
}

export class Edge {
  readonly desk: ShareDesk;
  readonly minutes: MinuteKeeper;
  readonly submitter: Submitter;
  readonly stratum: StratumServer;
  readonly follower: Follower;
  readonly stall: StallWatch;
  readonly refused: RefusedShares;
  readonly #options: EdgeOptions;
  readonly #parts: EdgeParts;
  readonly #orders: Orders;
  readonly #roots: RootWriter | undefined;
  readonly #pages: PageSightings | undefined;
  readonly #stop = new AbortController();
  #listening: Listening | undefined;
  #listeningTls: Listening | undefined;
  #running: Promise<unknown> = Promise.resolve();

  /** Reads or makes the edge's identity; everything else starts with `start`. */
  static async create(options: EdgeOptions, modules: EdgeModules): Promise<Edge> {
    return new Edge(options, modules, await edgeIdentity(options.folder, modules));
  }

  private constructor(options: EdgeOptions, modules: EdgeModules, edgeId: string) {
    const { db, factomd } = modules;
    const { folder, blockMs, cutEveryMs, stratum, follow } = options;
    this.#options = options;
    const reader = createBlockReader(modules);
    this.refused = new RefusedShares({ ...modules, write: (counts) => addRefused(db, counts) });
    this.desk = new ShareDesk(
      { folder, edgeId, blockMs, cutEveryMs, ...(options.history && { history: options.history }) },
      {
        ...modules,
        records: edgeRecords(db),
        onAccepted: (share) => {
          if (!share.late) this.submitter.offer(share);
        },
        onRefused: (share, code, reason) => this.refused.add(share, code, reason),
      },
    );
    this.submitter = new Submitter(options.submit, {
      ...modules,
      commit: async (message) => void (await factomd.commitEntry(message)),
      reveal: async (message) => {
        reader.know(message);
        await factomd.revealEntry(message);
      },
      slot: () => this.desk.grant()?.slot ?? 0,
    });
    this.minutes = createMinuteKeeper(
      { blockMs },
      { ...modules, currentMinute: () => factomd.currentMinute() },
      {
        onSaving: (saving) => this.#parts.mined.stopFor("saving", saving),
        onHeight: (height) => this.#parts.follower.learn(height),
      },
    );
    this.#orders = new Orders({
      ...modules,
      read: async () => ({ bars: await standingBars(db), notices: await standingNotices(db) }),
      onBars: () => this.stratum.barsChanged(),
      onWords: (words) => this.stratum.tell(words),
      onMaintenance: (isOn) => this.#parts.mined.stopFor("maintenance", isOn),
    });
    this.#parts = composeEdge(
      { edgeId, blockMs, follow, stratum: { ...stratum, tableBits: modules.hasher.bits } },
      {
        ...modules,
        ...{ desk: this.desk, submitter: this.submitter, logins: loginsOf(options, modules) },
        orders: this.#orders,
        topHeight: async () => (await factomd.heights()).directoryBlock,
        readBlock: (height, stopping) => reader.read(height, stopping),
        grade: (block, previous) => gradeChainBlock(block, previous, options.grade, modules.hasher),
        makeJob: (block) => makeNextJob(block, options.nextJob, modules),
        onHeight: (height) => this.minutes.saved(height),
        stopping: this.#stop.signal,
      },
    );
    this.#roots = rootWriterOf(options, modules, this.#parts.chainLease);
    this.stratum = this.#parts.stratum;
    if (options.tellsPages === true)
      this.#pages = new PageSightings({
        ...modules,
        open: () => openWatches(db),
        look: (by) => this.stratum.sightings.look(by),
        write: (rows) => writeSightings(db, edgeId, rows),
      });
    this.follower = this.#parts.follower;
    this.stall = this.#parts.stall;
  }

  /** Recovers the journal, then listens and follows the chain. Rejects where the journal, the slot or the port cannot be had. */
  async start(signal: AbortSignal): ReturnType<ShareDesk["recover"]> {
    const recovered = await this.desk.recover(signal);
    await this.#orders.refresh();
    const { listen, listenTls } = this.#options;
    this.#listening = await listenStratum(listen, this.stratum);
    if (listenTls !== undefined) this.#listeningTls = await listenStratum(listenTls, this.stratum);
    this.#running = Promise.all([
      this.minutes.run(this.#stop.signal),
      this.#parts.run(),
      this.#orders.run(this.#stop.signal),
      this.#roots?.run(this.#stop.signal),
      this.#pages?.run(this.#stop.signal),
      this.refused.run(this.#stop.signal),
    ]);
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

  /** Miners can connect, to each of the ports; undefined before they could. */
  get isListening(): boolean | undefined {
    const { listenTls } = this.#options;
    if (this.#listening === undefined || (listenTls !== undefined && this.#listeningTls === undefined))
      return undefined;
    return this.#listening.isOpen && this.#listeningTls?.isOpen !== false;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  get job(): AnnouncedJob | undefined {
    return this.#parts.announced.current();
  }

  /** Milliseconds without a job since the last one ended; 0 while there is one, undefined before the first. */
  withoutJobMs(): number | undefined {
    return this.#parts.mined.withoutJobMs();
  }

  /**
   * Closes the open connections over `overMs`. New ones are taken and closed at once meanwhile: a balancer goes on sending some, and a refused one
   * would count as a fault. Hands everything to the queue, but stops waiting when `signal` aborts. */
  async stop(options: { overMs: number; signal: AbortSignal }): Promise<void> {
    this.#stop.abort();
    await this.stratum.close(options.overMs);
    this.#listening?.stop();
    this.#listeningTls?.stop();
    await this.#running;
    await this.submitter.close();
    await this.desk.drain(options.signal);
    await this.desk.close();
    await this.#parts.chainLease.release().catch(() => undefined);
  }
}

function rootWriterOf(
  { roots, submit, blockMs }: EdgeOptions,
  modules: EdgeModules,
  lease: NamedLease,
): RootWriter | undefined {
  const { receiptKey: signer } = modules;
  if (roots === undefined) return undefined;
  const options = { ...roots, ...(signer && { signer }), payer: submit.payer, blockMs };
  return new RootWriter(options, { ...modules, lease });
}

function loginsOf(options: EdgeOptions, modules: EdgeModules): Accounts {
  const { guesses: limit, requireAuth, workerLimits } = options;
  const { exemptAddresses = STRATUM_DEFAULTS.exemptAddresses } = options.stratum;
  const throttle = createLoginThrottle({ limit, exemptAddresses }, modules);
  return createAccounts(
    { requireAuth, exemptAddresses, ...(workerLimits && { workerLimits }) },
    { ...modules, throttle },
  );
}
