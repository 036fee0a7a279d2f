/** Pools to play against, in memory: the real stratum server on the real share desk, or on the open backend; clock, disk and blocks in the game's hands. */

import { type Duplex, duplexPair } from "node:stream";
import { lateMsOf } from "../../../edge/lease/slots.ts";
import { SESSIONS } from "../../../edge/shares/prefix-order.ts";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import { AnnouncedJobs } from "../../../edge/stratum/announced-jobs.ts";
import type { ShareVerdict, SubmittedShare } from "../../../edge/stratum/backend.ts";
import { EdgeBackend } from "../../../edge/stratum/edge-backend.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { OpenBackend, type OpenBackendModules } from "../../../edge/stratum/open-backend.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import type { Random } from "../../../shared/clock.ts";
import { assignedWork, targetOfWork } from "../../../shared/difficulty/work.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import type { MemoryBooks } from "../../support/memory-books.ts";
import { type MemoryDisk, memoryDisk } from "../../support/memory-disk.ts";
import { passUntil } from "../../support/turns.ts";
import type { Job } from "./session.ts";

export const BLOCK_MS = 10_000;
export const LATE_MS = lateMsOf(BLOCK_MS);
/** The easiest target, in hashes a share. */
export const EASIEST = 16n;
const FIRST = 64n;

/** Vardiff aims at so many shares a block that a million hashes make an estimate good to a percent. Nobody is sent away. */
const STRATUM = {
  ...{ blockPeriodMs: BLOCK_MS, sharesPerBlock: 600, firstTarget: targetOfWork(FIRST) },
  ...{ easiestTarget: targetOfWork(EASIEST), invalidWindow: 1e6, userSharesPerSecond: 1e6 },
  ...{ linesPerSecond: 1e6, lineBurst: 1e6, malformedLimit: 1e6 },
};

export interface PoolModules {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly books: MemoryBooks;
  /** What a share was credited with. */
  readonly onCredit: (work: bigint) => void;
}

export interface PoolOptions {
  readonly name: string;
  /** Prefixes in the plain order of their numbers: the fault that makes them predictable. */
  readonly isPredictable?: boolean;
}

/** A pool's edge: what its miners reach, and what happens to its blocks. */
export interface Pool {
  connect(stream: Duplex, address: string): void;
  begin(job: Job): Promise<void>;
  /** Miners are told to stop. */
  stop(): void;
  /** The job that was stopped goes on. */
  resume(): Promise<void>;
  /** The block is saved. */
  end(): void;
  /** Killed, and started again on what it left. */
  restart(): Promise<void>;
}

export function socketPair(): [Duplex, Duplex] {
  return duplexPair();
}

export class DeskPool implements Pool {
  readonly #options: PoolOptions;
  readonly #modules: PoolModules;
  #disk: MemoryDisk = memoryDisk();
  #desk: ShareDesk;
  #server: StratumServer;
  #streams: Duplex[] = [];
  readonly #announced = new AnnouncedJobs();
  #job: Job | undefined;

  private constructor(options: PoolOptions, modules: PoolModules) {
    this.#options = options;
    this.#modules = modules;
    this.#desk = this.#newDesk();
    this.#server = this.#newServer();
  }

  static async start(options: PoolOptions, modules: PoolModules): Promise<DeskPool> {
    const pool = new DeskPool(options, modules);
    await pool.#recover();
    return pool;
  }

  connect(stream: Duplex, address: string): void {
    this.#streams.push(stream);
    this.#server.accept(stream, address);
  }

  async begin(job: Job): Promise<void> {
    const { books, clock } = this.#modules;
    const { height, oprHash } = job;
    books.addJob(height);
    this.#job = job;
    this.#announced.announce({ height, oprHash, threshold: 0n });
    await passUntil(clock, this.#desk.openJob({ height, oprHash, credit: "assigned" }));
    this.#server.jobChanged();
  }

  stop(): void {
    this.#desk.stopJob();
    this.#server.jobChanged();
  }

  async resume(): Promise<void> {
    await passUntil(this.#modules.clock, this.#desk.resumeJob());
    this.#server.jobChanged();
  }

  end(): void {
    this.#job = undefined;
    this.#announced.end();
    this.#desk.endCurrentJob();
    this.#server.jobChanged();
  }

  async restart(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    this.#streams = [];
    const job = this.#job;
    void this.#desk.close().catch(() => undefined);
    this.#disk = this.#disk.afterCrash("kill");
    this.#desk = this.#newDesk();
    this.#server = this.#newServer();
    await this.#recover();
    if (job !== undefined) await this.begin(job);
  }

  async #recover(): Promise<void> {
    await passUntil(this.#modules.clock, this.#desk.recover(new AbortController().signal));
  }

  #newDesk(): ShareDesk {
    const { name, isPredictable = false } = this.#options;
    const { clock, random, hasher, books, onCredit } = this.#modules;
    return new ShareDesk(
      { folder: "/data", edgeId: name, blockMs: BLOCK_MS, cutEveryMs: 1_000 },
      {
        ...{ disk: this.#disk, records: books, queue: books, hasher, clock, random, logger: SILENT },
        ...(isPredictable ? { prefixes: new Prefixes({ order: (n) => n % SESSIONS }) } : {}),
        onAccepted: ({ assigned }) => onCredit(assignedWork(assigned)),
        onFatal: (error) => {
          throw error;
        },
      },
    );
  }

  #newServer(): StratumServer {
    const { clock, random } = this.#modules;
    const backend = new EdgeBackend({
      announced: this.#announced,
      desk: this.#desk,
      logins: { authorize: async () => ({ kind: "ok", registered: false }) },
    });
    return new StratumServer(STRATUM, { backend, clock, random, logger: SILENT, metrics: NO_METRICS });
  }
}

class PayingBackend extends OpenBackend {
  readonly #onCredit: (work: bigint) => void;

  constructor(modules: OpenBackendModules, onCredit: (work: bigint) => void) {
    super({ lateMs: LATE_MS }, modules);
    this.#onCredit = onCredit;
  }

  override async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const verdict = await super.submit(share);
    if (verdict.kind === "accepted") this.#onCredit(assignedWork(verdict.target));
    return verdict;
  }
}

/** `prosper stratum` alone. */
export class OpenPool implements Pool {
  readonly #backend: OpenBackend;
  readonly #server: StratumServer;

  constructor({ clock, random, hasher, onCredit }: Omit<PoolModules, "books">) {
    this.#backend = new PayingBackend({ hasher, clock, random, logger: SILENT }, onCredit);
    this.#server = new StratumServer(STRATUM, {
      ...{ backend: this.#backend, clock, random, logger: SILENT, metrics: NO_METRICS },
    });
  }

  connect(stream: Duplex, address: string): void {
    this.#server.accept(stream, address);
  }

  async begin(job: Job): Promise<void> {
    this.#backend.setJob(job.height, job.oprHash);
    this.#server.jobChanged();
  }

  stop(): void {
    this.#backend.stop();
    this.#server.jobChanged();
  }

  async resume(): Promise<void> {
    this.#backend.resume();
    this.#server.jobChanged();
  }

  /** It knows no saved block: only that there is nothing to mine. */
  end(): void {
    this.stop();
  }

  /** It keeps nothing. */
  async restart(): Promise<void> {}
}
