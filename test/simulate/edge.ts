/** One edge of the simulation: the real stratum server, share desk, journal, leases and follower, put together as edge/edge.ts does. */

import { createFollower, type Follower } from "../../edge/chain/follower.ts";
import { freshPrices, type NewestPrices } from "../../edge/chain/next-job.ts";
import { createStallWatch, type StallWatch } from "../../edge/chain/stall.ts";
import { edgeIdentity } from "../../edge/lease/identity.ts";
import { chainLeaseMs, createNamedLease } from "../../edge/lease/named.ts";
import { lateMsOf } from "../../edge/lease/slots.ts";
import { createAccounts } from "../../edge/logins/logins.ts";
import { MiningSwitch } from "../../edge/mining-switch.ts";
import type { AcceptedShare } from "../../edge/shares/pipeline.ts";
import { SESSIONS } from "../../edge/shares/prefix-order.ts";
import { Prefixes } from "../../edge/shares/prefixes.ts";
import { ShareDesk } from "../../edge/shares/share-desk.ts";
import type { Job, StratumBackend } from "../../edge/stratum/backend.ts";
import { NO_METRICS } from "../../edge/stratum/metrics.ts";
import { StratumServer } from "../../edge/stratum/server.ts";
import { sleep } from "../../shared/clock.ts";
import type { BlockRow } from "../../shared/db/blocks.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import { type CreditMode, targetOfWork } from "../../shared/difficulty/work.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";
import { FIRST_HEIGHT, recordHash, type SimChain } from "./chain.ts";
import { holderOf } from "./client.ts";
import type { SimDisk } from "./disk.ts";
import { THRESHOLD } from "./hits.ts";
import type { ModelServer } from "./model/server.ts";
import { insertModelJob } from "./model/statements.ts";
import type { DatabaseNetwork } from "./network.ts";
import { CANARY } from "./oracle.ts";
import type { SimProcess } from "./process.ts";
import type { Chance } from "./random.ts";
import { simHasher } from "./shares.ts";
import type { SimLine } from "./sockets.ts";
import type { SimTime } from "./time.ts";
import type { ToldLedger } from "./told.ts";
import { Violation } from "./violation.ts";

export const BLOCK_MS = 10_000;
export const LATE_MS = lateMsOf(BLOCK_MS);
/** Why an edge ended that had handed over what it could. */
export const STOPPED = "stopped";
const CUT_MS = 1_000;
/** Older prices make no job. */
const STALE_MS = 8_000;
export const RESEND_MS = 15_000;
/** All miners here are honest ones and thieves in one: nobody is sent away for it. */
const UNLIMITED = { invalidWindow: 1_000_000, userSharesPerSecond: 1_000_000 };
/** Where the credit shows each find, all are taken; elsewhere vardiff has its way between 16 hashes and what it finds. */
const TARGETS = {
  achieved: { firstTarget: 0n, easiestTarget: 0n, sharesPerBlock: 1_000_000 },
  assigned: { firstTarget: targetOfWork(64n), easiestTarget: targetOfWork(16n) },
};
/** As edge/edge.ts. */
const CALM_MS = 500;
const RETRY_MS = 1_000;
const WATCH_MS = 250;
const FOLDER = "/data";
const FEE_RATE = 5_000_000n;
/** For what the world does an edge may refuse to start; damage to its journal would be our own doing here. */
const WORLDLY = new Set(["disk-failed", "disk-full", "journal-failed", "slot-wait-aborted"]);

export interface SimEdgeModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly process: SimProcess;
  readonly disk: SimDisk;
  readonly network: DatabaseNetwork;
  readonly server: ModelServer;
  readonly chain: SimChain;
  readonly queue: QueueSender;
  readonly logger: Logger;
  /** The process ends; what it wrote stays. */
  readonly onEnd: (why: string) => void;
  /** A block was booked. */
  readonly onBlock: () => void;
  /** Asks for the newest prices through what notes which row it should be, and judges the one that came. */
  readonly judgePrices: (ask: () => Promise<NewestPrices>) => Promise<NewestPrices>;
  /** A session was given this prefix. */
  readonly onGranted: (prefix: number) => void;
  readonly guard: (work: () => void) => void;
  /** The edge takes a share: whose slot is it, at this moment? */
  readonly onAccept: (edge: SimEdge) => void;
  /** A share is durable, told to its miner or not. */
  readonly onTaken: (share: AcceptedShare) => void;
  readonly fail: (violation: Violation) => void;
}

export interface SimEdgeOptions {
  /** How many prefixes its slot has; few, so that they come round. */
  readonly sessions: number;
  /** Of its seat: two edges of one identity give out different ones, or work would go to the other's miner. */
  readonly place: number;
  readonly credit: CreditMode;
  /** What the edge tells its miners is noted there. */
  readonly told: ToldLedger;
}

export class SimEdge {
  readonly process: SimProcess;
  readonly disk: SimDisk;
  readonly desk: ShareDesk;
  readonly stratum: StratumServer;
  /** Prefixes that sessions hold. */
  readonly prefixes = new Set<number>();
  readonly #lines = new Set<SimLine>();
  readonly #accounts: ReturnType<typeof createAccounts>;
  id = "";
  /** Recovered, and takes miners. */
  isUp = false;
  job: JobRow | undefined;
  readonly #options: SimEdgeOptions;
  readonly #modules: SimEdgeModules;
  readonly #mining: MiningSwitch;
  readonly #stall: StallWatch;
  readonly #stop = new AbortController();
  #heightSeenMs = 0;
  #follower: Follower | undefined;

  constructor(id: string, options: SimEdgeOptions, modules: SimEdgeModules) {
    this.#options = options;
    this.#modules = modules;
    this.id = id;
    this.process = modules.process;
    this.disk = modules.disk;
    const { process, network, chance } = modules;
    const random = chance.bytes();
    this.desk = new ShareDesk(
      {
        folder: FOLDER,
        edgeId: id,
        blockMs: BLOCK_MS,
        cutEveryMs: CUT_MS,
        resendAfterMs: RESEND_MS,
        outboxBytes: 200_000,
        journal: { segmentBytes: 4_000 },
      },
      {
        disk: modules.disk.disk,
        records: network.records(process),
        queue: modules.queue,
        hasher: { ...simHasher, hash: (inputs) => this.#hash(inputs) },
        clock: process.clock,
        random,
        logger: modules.logger,
        ...prefixesOf(options),
        onAccepted: modules.onTaken,
        onFatal: (error) => modules.onEnd(error.code),
      },
    );
    this.#mining = new MiningSwitch({ calmMs: CALM_MS }, process, (isOn) => this.#onSwitch(isOn));
    this.#stall = createStallWatch(
      { blockMs: BLOCK_MS },
      { clock: process.clock, logger: modules.logger },
      () => this.#mining.set("stalled", true),
    );
    this.#accounts = createAccounts(
      { timeoutMs: 2_000 },
      { db: network.db(process), auth: this.#auth(), clock: process.clock, random, logger: modules.logger },
    );
    this.stratum = new StratumServer(
      { blockPeriodMs: BLOCK_MS, ...UNLIMITED, ...TARGETS[options.credit] },
      {
        backend: this.#backend(),
        ...{ clock: process.clock, random, logger: modules.logger, metrics: NO_METRICS },
      },
    );
  }

  /** Runs until the process is killed; a start that fails ends the process. */
  run(): void {
    this.#start().catch((thrown: unknown) => {
      if (!this.process.alive) return;
      const error = coerceError(thrown);
      const code = error instanceof CodedError ? error.code : "a bug";
      if (WORLDLY.has(code)) this.#modules.onEnd(code);
      else this.#modules.fail(new Violation(`an edge cannot start: ${code}: ${error.message}`));
    });
  }

  async #start(): Promise<void> {
    const { disk, chance } = this.#modules;
    // It has one already; this reads and checks it as a real start does.
    await edgeIdentity(FOLDER, { disk: disk.disk, random: chance.bytes() });
    await this.desk.recover(this.#stop.signal);
    this.isUp = true;
    void this.#watch();
    void this.#stall.run(this.#stop.signal);
    this.#follower = this.#createFollower();
    await this.#follower.run(this.#stop.signal);
  }

  /** A new connection of a miner's; refused while nothing listens. */
  connect(line: SimLine, address: string): void {
    if (!this.isUp) {
      line.cut();
      return;
    }
    this.#lines.add(line);
    line.edgeEnd.on("close", () => this.#lines.delete(line));
    this.process.deliver(() => void this.stratum.accept(line.edgeEnd, address));
  }

  /** The network around this edge, or its process, is gone. */
  cutLines(): void {
    for (const line of this.#lines) line.cut();
    this.#lines.clear();
  }

  /** A clean stop: closes its miners over a part of `forMs`, hands over what it can within the rest, then ends. */
  async stop(forMs: number): Promise<void> {
    const { time, onEnd } = this.#modules;
    this.isUp = false;
    this.#stop.abort();
    const late = new AbortController();
    time.after(forMs, () => this.process.deliver(() => late.abort()));
    await this.stratum.close(forMs / 4);
    await this.desk.drain(late.signal);
    await this.desk.close();
    onEnd(STOPPED);
  }

  #createFollower(): Follower {
    const { process, network, chain, logger, onBlock } = this.#modules;
    const db = network.db(process);
    return createFollower(
      {
        startHeight: FIRST_HEIGHT,
        pollMs: BLOCK_MS / 50,
        retryMs: BLOCK_MS / 20,
        patienceMs: BLOCK_MS,
      },
      {
        db,
        topHeight: () => this.#ask(() => chain.topHeight()),
        readBlock: (height) => this.#ask(() => chain.block(height), chain.gradeMs),
        grade: async (block) => ({ row: this.#grade(block.height, block.keyMr), places: [] }),
        lease: createNamedLease(
          { name: "chain", holder: this.id, leaseMs: chainLeaseMs(BLOCK_MS) },
          { db, clock: process.clock },
        ),
        makeJob: (block) => this.#makeJob(block),
        clock: process.clock,
        logger,
      },
      {
        onHeight: (height) => this.#onHeight(height),
        onJob: (job) => this.#onJob(job),
        onNoJob: () => this.stratum.jobChanged(),
        onBlock,
      },
    );
  }

  #grade(height: number, keyMr: string): BlockRow {
    const reward = this.#modules.chain.reward(height);
    return {
      ...{ height, version: 5, keyMr, at: 0, entries: 30, graded: true, winners: [], prices: null },
      ...{ minTarget: null, ema: null, networkHashrate: null, winning: reward > 0n ? 3 : 0, reward },
    };
  }

  async #makeJob(block: BlockRow): Promise<JobRow> {
    const { process, network, server, chance, judgePrices } = this.#modules;
    const height = block.height + 1;
    const known = await network.call(process, async () => server.tables.jobs.get(height));
    if (known === undefined)
      await judgePrices(() => freshPrices(STALE_MS, () => newestPrices(network.db(process))));
    const row = await network.call(process, () =>
      server.run(async (tx) => {
        return insertModelJob(tx, {
          ...{ height, oprHash: recordHash(height, `${this.id} ${chance.unit()}`), rate: FEE_RATE },
          ...{
            createdAtMs: tx.nowMs(),
            split: "largest-remainder",
            credit: this.#options.credit,
            state: "open",
          },
          ...{
            closedSeen: false,
            lookedAtMs: null,
            watchedMs: 0,
            closedMs: 0,
            forced: false,
            sealed: undefined,
          },
        });
      }),
    );
    return {
      ...{ height, version: 5, oprHash: row.oprHash, opr: new Uint8Array(), prices: {} },
      threshold: THRESHOLD,
      ...{ feeRate: "0.05", split: "largest-remainder", credit: row.credit },
    };
  }

  /** As edge/edge.ts, and so on to #goOn. */
  #onHeight(height: number): void {
    this.#heightSeenMs = this.process.clock.monotonicMs();
    this.#stall.rose(height);
    if (this.job === undefined || this.job.height > height) return;
    this.job = undefined;
    this.desk.endCurrentJob(this.#heightSeenMs);
    this.#options.told.stops(this.id);
    this.stratum.jobChanged();
  }

  async #onJob(job: JobRow): Promise<void> {
    await this.desk.openJob(
      { height: job.height, oprHash: job.oprHash, credit: job.credit, threshold: `${job.threshold}` },
      this.#heightSeenMs,
    );
    if ((this.#follower?.topHeight() ?? 0) >= job.height) return this.desk.endCurrentJob(this.#heightSeenMs);
    this.job = job;
    this.#mining.jobIs();
    if (this.desk.freshFrom() !== undefined) this.#options.told.mines(this.id, job.height);
    if (this.#mining.isOn) await this.#goOn();
    else this.#stopJob();
    this.stratum.jobChanged();
  }

  #onSwitch(isOn: boolean): void {
    if (isOn) void this.#goOn().then(() => this.stratum.jobChanged());
    else {
      this.#stopJob();
      this.stratum.jobChanged();
    }
  }

  #stopJob(): void {
    this.desk.stopJob();
    this.#options.told.stops(this.id);
  }

  async #goOn(): Promise<void> {
    const { told } = this.#options;
    const resumption = told.resumption();
    const wasStopped = this.desk.freshFrom() === undefined;
    if (await this.desk.resumeJob()) {
      if (wasStopped && this.job !== undefined) told.mines(this.id, this.job.height, resumption);
      return;
    }
    if (this.job === undefined) return;
    this.process.clock.after(RETRY_MS, () => {
      if (this.#mining.isOn && !this.#stop.signal.aborted) this.#onSwitch(true);
    });
  }

  /** Work that cannot be kept, or comes too late for the block, is not asked for. */
  async #watch(): Promise<void> {
    const { chain } = this.#modules;
    while (!this.#stop.signal.aborted) {
      this.#mining.set("unkept", !this.desk.canKeep());
      this.#mining.set("saving", chain.isSaving);
      await sleep(this.process.clock, WATCH_MS, this.#stop.signal);
    }
  }

  #currentJob(): Job | undefined {
    const freshFrom = this.desk.freshFrom();
    if (this.job === undefined || freshFrom === undefined) return undefined;
    return { height: this.job.height, oprHash: this.job.oprHash, threshold: 0n, freshFrom };
  }

  #backend(): StratumBackend {
    const { onGranted, onAccept, guard } = this.#modules;
    const { told } = this.#options;
    return {
      currentJob: () => this.#currentJob(),
      oprHashOf: () => undefined,
      authorize: (request) => this.#accounts.authorize(request),
      grantPrefix: async (request) => {
        const serial = told.asked();
        const granted = await this.desk.grantPrefix(request);
        if (granted === undefined || !this.process.alive) return granted;
        const { prefix, target } = granted;
        const holder = request.holder === undefined ? undefined : holderOf(request.holder);
        guard(() => {
          told.granted(this.id, prefix, { target, holder, serial });
          onGranted(prefix);
        });
        this.prefixes.add(prefix);
        return granted;
      },
      claimPrefix: async (prefix, holder) => {
        const isClaimed = await this.desk.claimPrefix(prefix, holder);
        if (isClaimed) told.claimed(this.id, prefix, holderOf(holder));
        return isClaimed;
      },
      releasePrefix: (prefix) => {
        this.prefixes.delete(prefix);
        told.released(this.id, prefix, this.desk.stats()?.currentJob);
        this.desk.releasePrefix(prefix);
      },
      measuredPrefix: (prefix, measured) => this.desk.measuredPrefix(prefix, measured),
      lastTarget: (holder, where) => this.desk.lastTarget(holder, where),
      prefixesAreScarce: () => this.desk.prefixesAreScarce(),
      submit: async (share) => {
        const verdict = await this.desk.submit(share);
        if (verdict.kind === "accepted" && this.process.alive) onAccept(this);
        return verdict;
      },
    };
  }

  async #hash(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const { time, chance } = this.#modules;
    const takesMs = chance.between(0.1, chance.hit(0.03) ? 2_000 : 10);
    return this.process.wait((resolve) => {
      time.after(takesMs, () => void simHasher.hash(inputs).then(resolve));
    });
  }

  #ask<T>(answer: () => T, slowerByMs = 0): Promise<T> {
    const { time, chance } = this.#modules;
    return this.process.wait((resolve, reject) => {
      time.after(slowerByMs + chance.between(0.5, 20), () => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #auth(): Parameters<typeof createAccounts>[1]["auth"] {
    const { time, chance } = this.#modules;
    return {
      authorize: ({ password }) =>
        this.process.wait((resolve, reject) => {
          time.after(chance.between(1, 200), () => {
            if (chance.hit(0.2)) reject(new CodedError("auth-away", "the simulated auth is away"));
            else if (password === CANARY) resolve({ kind: "ok", registered: false });
            else resolve({ kind: "refused", reason: "wrong password" });
          });
        }),
    };
  }
}

/** All of a slot's in the order of the edge's own secret, or few that come round. */
function prefixesOf({ sessions, place }: SimEdgeOptions): { prefixes?: Prefixes } {
  if (sessions === SESSIONS) return {};
  return { prefixes: new Prefixes({ sessions, order: (n) => place * sessions + (n % sessions) }) };
}
