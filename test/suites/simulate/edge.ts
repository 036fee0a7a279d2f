/** One edge of the simulation: the real stratum server, share desk, journal, leases and follower, put together by edge/compose.ts, in a simulated world. */

import type { FollowerOptions } from "../../../edge/chain/follower.ts";
import { freshPrices, type NewestPrices } from "../../../edge/chain/next-job.ts";
import { composeEdge, type EdgeParts, type EdgePartsModules } from "../../../edge/compose.ts";
import { edgeIdentity } from "../../../edge/lease/identity.ts";
import { lateMsOf } from "../../../edge/lease/slots.ts";
import { createAccounts } from "../../../edge/logins/logins.ts";
import type { AcceptedShare } from "../../../edge/shares/accepted-share.ts";
import { SESSIONS } from "../../../edge/shares/prefix-order.ts";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import type { StratumServer } from "../../../edge/stratum/server.ts";
import { sleep } from "../../../shared/clock.ts";
import type { BlockRow } from "../../../shared/db/blocks.ts";
import type { JobRow } from "../../../shared/db/jobs.ts";
import { newestPrices } from "../../../shared/db/prices.ts";
import { type CreditMode, targetOfWork } from "../../../shared/difficulty/work.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { QueueSender } from "../../../shared/queue.ts";
import type { ModelServer } from "../../support/model/server.ts";
import { insertModelJob } from "../../support/model/statements.ts";
import type { Chance } from "../../support/random.ts";
import { CANARY } from "./canary.ts";
import { FIRST_HEIGHT, recordHash, type SimChain } from "./chain.ts";
import type { SimDisk } from "./disk.ts";
import type { DatabaseNetwork } from "./network.ts";
import type { SimProcess } from "./process.ts";
import { simHasher } from "./shares.ts";
import type { SimLine } from "./sockets.ts";
import type { SimTime } from "./time.ts";
import type { ToldLedger } from "./told.ts";
import { ToldDesk } from "./told-desk.ts";
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
const WATCH_MS = 250;
const FOLLOW: FollowerOptions = {
  startHeight: FIRST_HEIGHT,
  pollMs: BLOCK_MS / 50,
  retryMs: BLOCK_MS / 20,
  patienceMs: BLOCK_MS,
  joblessMs: BLOCK_MS,
};
/** Nothing goes to the chain. */
const NO_SUBMITTER = { openJob: async () => undefined, offer: () => undefined };
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
  readonly id: string;
  readonly process: SimProcess;
  readonly disk: SimDisk;
  readonly desk: ToldDesk;
  readonly stratum: StratumServer;
  /** Recovered, and takes miners. */
  isUp = false;
  readonly #lines = new Set<SimLine>();
  readonly #options: SimEdgeOptions;
  readonly #modules: SimEdgeModules;
  readonly #parts: EdgeParts;
  readonly #stop = new AbortController();

  constructor(id: string, options: SimEdgeOptions, modules: SimEdgeModules) {
    this.#options = options;
    this.#modules = modules;
    this.id = id;
    this.process = modules.process;
    this.disk = modules.disk;
    const { process, network, chance, logger } = modules;
    const random = chance.bytes();
    const { clock } = process;
    const db = network.db(process);
    this.desk = new ToldDesk(
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
        ...{ clock, random, logger },
        ...prefixesOf(options),
        onAccepted: modules.onTaken,
        onFatal: (error) => modules.onEnd(error.code),
      },
      {
        ...modules,
        told: options.told,
        announced: () => this.#parts.announced.current()?.height,
        onAccept: () => modules.onAccept(this),
      },
    );
    const logins = createAccounts({ timeoutMs: 2_000 }, { db, auth: this.#auth(), clock, random, logger });
    this.#parts = composeEdge(
      {
        edgeId: id,
        blockMs: BLOCK_MS,
        stratum: { ...UNLIMITED, ...TARGETS[options.credit] },
        follow: FOLLOW,
      },
      {
        ...{ db, clock, random, logger, metrics: NO_METRICS, desk: this.desk, logins },
        ...{ submitter: NO_SUBMITTER, stopping: this.#stop.signal },
        ...this.#chain(),
      },
    );
    this.stratum = this.#parts.stratum;
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
    void this.#watchSaving();
    await this.#parts.run();
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

  /** The simulated node and books, as the follower asks them. */
  #chain(): Pick<EdgePartsModules, "topHeight" | "readBlock" | "grade" | "makeJob" | "onHeight" | "onBlock"> {
    const { chain, onBlock } = this.#modules;
    return {
      topHeight: () => this.#ask(() => chain.topHeight()),
      readBlock: (height) => this.#ask(() => chain.block(height), chain.gradeMs),
      grade: async (block) => ({ row: this.#grade(block.height, block.keyMr), places: [] }),
      makeJob: (block) => this.#makeJob(block),
      onHeight: () => undefined,
      onBlock,
    };
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
      // See ToldDesk.
      threshold: 0n,
      ...{ feeRate: "0.05", split: "largest-remainder", credit: row.credit },
    };
  }

  /** Miners stop while a block is being saved. */
  async #watchSaving(): Promise<void> {
    const { chain } = this.#modules;
    while (!this.#stop.signal.aborted) {
      this.#parts.mined.stopFor("saving", chain.isSaving);
      await sleep(this.process.clock, WATCH_MS, this.#stop.signal);
    }
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
