/** One edge of the simulation: the real stratum server, share desk, journal, leases and follower, put together as edge/edge.ts does. */

import { createAccounts } from "../../edge/accounts.ts";
import { createFollower } from "../../edge/chain/follower.ts";
import { freshPrices, type PriceRow } from "../../edge/chain/settle.ts";
import { edgeIdentity } from "../../edge/lease/identity.ts";
import { chainLeaseMs, createNamedLease } from "../../edge/lease/named.ts";
import { ShareDesk } from "../../edge/shares/desk.ts";
import { Prefixes } from "../../edge/shares/prefixes.ts";
import type { StratumBackend, SubmittedShare } from "../../edge/stratum/backend.ts";
import { NO_METRICS } from "../../edge/stratum/metrics.ts";
import { StratumServer } from "../../edge/stratum/server.ts";
import type { BlockRow } from "../../shared/db/chain.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";
import { FIRST_HEIGHT, recordHash, type SimChain } from "./chain.ts";
import type { SimDisk } from "./disk.ts";
import type { ModelServer } from "./model/server.ts";
import { settleModelJob } from "./model/statements.ts";
import type { DatabaseNetwork } from "./network.ts";
import { CANARY, Violation } from "./oracle.ts";
import type { SimProcess } from "./process.ts";
import type { Chance } from "./random.ts";
import { simHasher } from "./shares.ts";
import type { SimLine } from "./sockets.ts";
import type { SimTime } from "./time.ts";

export const BLOCK_MS = 10_000;
/** Why an edge ended that had handed over what it could. */
export const STOPPED = "stopped";
const CUT_MS = 1_000;
/** Older prices make no job. */
const STALE_MS = 8_000;
export const RESEND_MS = 15_000;
/** All miners here are honest ones and thieves in one: nobody is sent away for it. */
const UNLIMITED = { invalidWindow: 1_000_000, userSharesPerSecond: 1_000_000 };
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
  readonly judgePrices: (ask: () => Promise<PriceRow>) => Promise<PriceRow>;
  /** A session was given this prefix. */
  readonly onLeased: (prefix: number) => void;
  /** What a share is to reach, so that its credit can be told from others': as the miner that sent it says. */
  readonly assign: (share: SubmittedShare) => bigint;
  /** The edge takes a share: whose slot is it, at this moment? */
  readonly onAccept: (edge: SimEdge) => void;
  readonly fail: (violation: Violation) => void;
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
  /** The lives of this edge before this one. */
  readonly restarts: number;
  readonly #modules: SimEdgeModules;
  readonly #stop = new AbortController();
  #heightSeenMs = 0;

  /** `sessions`: how many prefixes its slot has; few, so that they come round. */
  constructor(id: string, options: { sessions: number; restarts: number }, modules: SimEdgeModules) {
    this.#modules = modules;
    this.restarts = options.restarts;
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
        prefixes: new Prefixes(options.sessions),
        gateOpen: () => true,
        onAccepted: () => undefined,
        onFatal: (error) => modules.onEnd(error.code),
      },
    );
    this.#accounts = createAccounts(
      { timeoutMs: 2_000 },
      { db: network.db(process), auth: this.#auth(), clock: process.clock, random, logger: modules.logger },
    );
    this.stratum = new StratumServer(
      { blockPeriodMs: BLOCK_MS, ...UNLIMITED },
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
    await this.#follower().run(this.#stop.signal);
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

  #follower(): ReturnType<typeof createFollower> {
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
        readBlock: (height) => this.#ask(() => chain.block(height)),
        grade: async (block) => ({ row: this.#grade(block.height, block.keyMr), places: [] }),
        lease: createNamedLease(
          { name: "chain", holder: this.id, leaseMs: chainLeaseMs(BLOCK_MS) },
          { db, clock: process.clock },
        ),
        settleJob: (block) => this.#settle(block),
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

  async #settle(block: BlockRow): Promise<JobRow> {
    const { process, network, server, chance, judgePrices } = this.#modules;
    const height = block.height + 1;
    const known = await network.call(process, async () => server.tables.jobs.get(height));
    if (known === undefined)
      await judgePrices(() => freshPrices(STALE_MS, () => newestPrices(network.db(process))));
    const row = await network.call(process, () =>
      server.run(async (tx) => {
        return settleModelJob(tx, {
          ...{ height, oprHash: recordHash(height, `${this.id} ${chance.unit()}`), rate: FEE_RATE },
          ...{ createdAtMs: tx.nowMs(), split: "largest-remainder", credit: "assigned", state: "open" },
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
      ...{ height, version: 5, oprHash: row.oprHash, opr: new Uint8Array(), prices: {}, threshold: 0n },
      ...{ feeRate: "0.05", split: "largest-remainder", credit: "assigned" },
    };
  }

  /** As edge/edge.ts. */
  #onHeight(height: number): void {
    this.#heightSeenMs = this.process.clock.monotonicMs();
    if (this.job === undefined || this.job.height > height) return;
    this.job = undefined;
    this.desk.endCurrentJob(this.#heightSeenMs);
  }

  async #onJob(job: JobRow): Promise<void> {
    await this.desk.openJob(
      { height: job.height, oprHash: job.oprHash, credit: job.credit },
      this.#heightSeenMs,
    );
    this.job = job;
    this.stratum.jobChanged();
  }

  #backend(): StratumBackend {
    const { onLeased, assign, onAccept } = this.#modules;
    return {
      currentJob: () =>
        this.job === undefined
          ? undefined
          : { height: this.job.height, oprHash: this.job.oprHash, threshold: 0n },
      oprHashOf: async () => undefined,
      authorize: (request) => this.#accounts.authorize(request),
      leasePrefix: () => {
        const prefix = this.desk.leasePrefix();
        if (prefix === undefined) return undefined;
        onLeased(prefix);
        this.prefixes.add(prefix);
        return prefix;
      },
      releasePrefix: (prefix, holder) => {
        this.prefixes.delete(prefix);
        this.desk.releasePrefix(prefix, holder);
      },
      submit: async (share) => {
        const verdict = await this.desk.submit({ ...share, assigned: assign(share) });
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

  #ask<T>(answer: () => T): Promise<T> {
    const { time, chance } = this.#modules;
    return this.process.wait((resolve, reject) => {
      time.after(chance.between(0.5, 20), () => {
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
