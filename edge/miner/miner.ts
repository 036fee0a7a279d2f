/** A miner: searching threads, a pool, and the way back to it. Runs as `prosper miner`, or inside another process. */

import { type Clock, type Random, sleep, type Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { formatTarget } from "../../shared/messages/stratum.ts";
import { backoffMs } from "./backoff.ts";
import { Crew } from "./crew.ts";
import { type Dial, dialPool } from "./dial.ts";
import { Outbox } from "./outbox.ts";
import { PoolConnection } from "./pool-connection.ts";
import { type MinerStats, RateMeter } from "./stats.ts";

export interface MinerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
  readonly user: string;
  readonly worker: string;
  /** Needed to register only: with an invite and a payout address. Sent until the first login succeeds. */
  readonly password?: string;
  readonly invite?: string;
  readonly payoutAddress?: string;
  readonly threads: number;
  /** Share of the time each thread may compute: below 1 it leaves the cores to others, such as a pool in the same process. Default 1. */
  readonly dutyCycle?: number;
  /** A cap for all threads together. */
  readonly maxHashesPerSecond?: number;
  readonly agent?: string;
}

export interface MinerModules {
  readonly table: SharedTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial?: Dial;
  /** What the pool asks to be shown to a person. Default: the log. */
  readonly onMessage?: (text: string) => void;
}

/** How a miner ended: by stop(), or because the pool refused the login, which no new attempt would change. */
export type MinerEnd = { readonly kind: "stopped" } | { readonly kind: "refused"; readonly reason: string };

export interface Miner {
  stats(): MinerStats;
  /** Ends threads and connection; resolves when they are gone. */
  stop(): Promise<void>;
  readonly ended: Promise<MinerEnd>;
  /** Asks the pool for a job's oprHash; undefined where there is none or no connection. */
  getOprHash(jobId: string): Promise<string | undefined>;
  /** Asks the pool for another target (hex). */
  suggestTarget(target: string): void;
}

/** Quick at first: shares found meanwhile wait to be sent, and their job may end. */
const BACKOFF = { firstMs: 250, maxMs: 60_000 };
/** Without a pool the threads go on with the last job for so long: its shares may still count. */
const COAST_MS = 60_000;
/** A client.reconnect may ask for this much patience. */
const MAX_RECONNECT_WAIT_S = 300;
/** How long a stop waits for the answers to shares on their way. */
const LAST_VERDICTS_MS = 2_000;
const DEFAULT_AGENT = "prosper-ts/0.1";

/** Starts at once. Throws RangeError on bad options, CodedError "lxr-no-region". The table stays the caller's. */
export function startMiner(options: MinerOptions, modules: MinerModules): Miner {
  return new RunningMiner(options, modules);
}

class RunningMiner implements Miner {
  readonly ended: Promise<MinerEnd>;
  readonly #options: MinerOptions;
  readonly #modules: MinerModules;
  readonly #crew: Crew;
  readonly #outbox: Outbox;
  readonly #rate = new RateMeter();
  #resolveEnded: (end: MinerEnd) => void = () => undefined;
  #connection: PoolConnection | undefined;
  #authorized: boolean = false;
  #registered: boolean = false;
  #job: { readonly height: number; readonly oprHash: string } | undefined;
  #heardHeight = -1;
  #prefix: number | undefined;
  #target = 0xffff_ffff_ffff_ffffn;
  #failures = 0;
  #reconnects = 0;
  #port: number;
  #timers = new Set<Timer>();
  #coast: Timer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MinerOptions, modules: MinerModules) {
    this.#options = options;
    this.#modules = modules;
    this.#port = options.port;
    this.#outbox = new Outbox(options.user, modules.clock);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { dutyCycle = 1, maxHashesPerSecond, threads } = options;
    this.#crew = new Crew({ table: modules.table, threads, dutyCycle, maxHashesPerSecond }, modules, {
      onHit: (hit) => this.#outbox.add(hit),
      onHashes: (hashes) => this.#rate.add(hashes, modules.clock.monotonicMs()),
    });
    void this.#connect();
  }

  stats(): MinerStats {
    const { submitted, accepted, rejected, lost } = this.#outbox.counts;
    return {
      connected: this.#connection !== undefined,
      authorized: this.#authorized,
      hashrate: this.#rate.perSecond(this.#modules.clock.monotonicMs()),
      hashes: this.#rate.total,
      submitted,
      accepted,
      rejected: { ...rejected },
      lost,
      height: this.#job?.height,
      target: this.#target,
      reconnects: this.#reconnects,
    };
  }

  stop(): Promise<void> {
    return this.#finish({ kind: "stopped" });
  }

  async getOprHash(jobId: string): Promise<string | undefined> {
    const answer = await this.#connection?.request("mining.get_oprhash", [jobId]);
    return typeof answer?.result === "string" ? answer.result : undefined;
  }

  suggestTarget(target: string): void {
    this.#connection?.tell("mining.suggest_target", [target]);
  }

  async #connect(): Promise<void> {
    const { dial = dialPool, logger } = this.#modules;
    const address = { host: this.#options.host, port: this.#port, tls: this.#options.tls ?? false };
    try {
      const stream = await dial(address);
      if (this.#stopping !== undefined) {
        stream.destroy();
        return;
      }
      this.#greet(
        new PoolConnection(stream, this.#options.agent ?? DEFAULT_AGENT, this.#modules, this.#hooks()),
      );
    } catch (thrown) {
      logger.warn("The pool cannot be reached", { ...address, error: coerceError(thrown).message });
      this.#retry();
    }
  }

  #greet(connection: PoolConnection): void {
    const { user, worker, password = "", invite = "", payoutAddress = "" } = this.#options;
    this.#connection = connection;
    this.#heardHeight = -1;
    connection.greet(
      this.#registered
        ? { user, worker, password: "", invite: "", payoutAddress: "" }
        : { user, worker, password, invite, payoutAddress },
    );
  }

  #hooks(): ConstructorParameters<typeof PoolConnection>[3] {
    const { logger, onMessage } = this.#modules;
    return {
      onPrefix: (prefix) => {
        this.#prefix = prefix;
        this.#mine();
      },
      onAuthorized: () => this.#onAuthorized(),
      onRefused: (reason) => void this.#finish({ kind: "refused", reason }),
      onJob: (height, oprHash) => this.#onJob(height, oprHash),
      onTarget: (target) => {
        this.#target = target;
        this.#mine();
        logger.debug("New target", { target: formatTarget(target) });
      },
      onStop: () => {
        logger.info("The pool asks to stop until the next job");
        this.#job = undefined;
        this.#crew.setWork(undefined);
      },
      onMessage: (text) => (onMessage ?? ((shown) => logger.info("The pool says", { text: shown })))(text),
      onReconnect: (host, port, seconds) => this.#onReconnect(host, port, seconds),
      onEnd: (reason) => this.#onLost(reason),
    };
  }

  #onAuthorized(): void {
    this.#modules.logger.info("Logged in", { user: this.#options.user, worker: this.#options.worker });
    this.#authorized = true;
    this.#registered = true;
    this.#failures = 0;
    this.#coast?.stop();
    const connection = this.#connection;
    this.#outbox.connect(
      (params) => connection?.request("mining.submit", params) ?? Promise.resolve(undefined),
    );
    this.#mine();
  }

  #onJob(height: number, oprHash: string): void {
    if (height < this.#heardHeight) return;
    this.#heardHeight = height;
    this.#job = { height, oprHash };
    this.#outbox.jobIs(height);
    this.#mine();
  }

  /** Sets the threads to what is known. Until a login succeeds they go on with what they had: what they find may still count. */
  #mine(): void {
    if (this.#stopping !== undefined || !this.#authorized) return;
    const job = this.#job;
    const prefix = this.#prefix;
    const work =
      job === undefined || prefix === undefined ? undefined : { ...job, prefix, target: this.#target };
    this.#crew.setWork(work);
  }

  #onReconnect(host: string, port: string, seconds: string): void {
    const { logger } = this.#modules;
    const elsewhere = host !== "" && host !== this.#options.host;
    const newPort = Number(port);
    // Differs from prosper-pool: another host is not followed, or whoever breaks into a plain connection takes the miner with it.
    if (elsewhere || (port !== "" && !(Number.isInteger(newPort) && newPort > 0 && newPort < 65_536))) {
      logger.warn("The pool sends to another host: not followed", { host, port });
      return;
    }
    if (port !== "") this.#port = newPort;
    const wait = Math.min(MAX_RECONNECT_WAIT_S, Math.max(0, Number(seconds) || 0));
    logger.info("The pool asks to connect again", { port: this.#port, seconds: wait });
    const former = this.#connection;
    this.#leave();
    former?.end("asked to connect again");
    this.#after(wait * 1_000, () => void this.#connect());
  }

  #onLost(reason: string): void {
    if (this.#connection === undefined || this.#stopping !== undefined) return;
    this.#modules.logger.warn("The connection to the pool ended", { reason });
    this.#leave();
    this.#retry();
  }

  /** The session is over; the threads coast. */
  #leave(): void {
    this.#connection = undefined;
    this.#authorized = false;
    this.#outbox.connect(undefined);
    this.#coast?.stop();
    this.#coast = this.#modules.clock.after(COAST_MS, () => this.#crew.setWork(undefined));
  }

  #retry(): void {
    this.#failures += 1;
    this.#reconnects += 1;
    const { clock: _, random, logger } = this.#modules;
    const waitMs = backoffMs(BACKOFF, this.#failures, random);
    logger.info("Connecting again", { inSeconds: Math.round(waitMs / 100) / 10 });
    this.#after(waitMs, () => void this.#connect());
  }

  #after(delayMs: number, run: () => void): void {
    if (this.#stopping !== undefined) return;
    const timer = this.#modules.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #finish(end: MinerEnd): Promise<void> {
    this.#stopping ??= this.#shutDown().then(() => this.#resolveEnded(end));
    return this.#stopping;
  }

  async #shutDown(): Promise<void> {
    for (const timer of this.#timers) timer.stop();
    this.#coast?.stop();
    const connection = this.#connection;
    this.#leave();
    this.#coast?.stop();
    await this.#crew.stop();
    // The pool's last verdicts: what is shown at the end is then what it has counted.
    const { clock } = this.#modules;
    const giveUpMs = clock.monotonicMs() + LAST_VERDICTS_MS;
    while (this.#outbox.inFlight() > 0 && clock.monotonicMs() < giveUpMs) await sleep(clock, 10);
    connection?.end("stopped");
  }
}
