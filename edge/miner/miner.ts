/** A miner: threads that search, and a connection to a pool that is made again when it ends. Runs as `prosper miner`, or inside another process. */

import type { Duplex } from "node:stream";
import { type Clock, type Random, sleep, type Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { agentWithCode } from "../../shared/messages/connect-code.ts";
import { formatTarget } from "../../shared/messages/stratum.ts";
import { backoffMs } from "./backoff.ts";
import { type Dial, dialPool } from "./dial.ts";
import { Liveness, Patience } from "./liveness.ts";
import type { MinerStats } from "./miner-stats.ts";
import { MinerThreads, type OpenTable } from "./miner-threads.ts";
import { PoolConnection, type PoolConnectionHooks } from "./pool-connection.ts";
import type { PoolSession } from "./pool-session.ts";
import { isSameWork, MiningJob, type Work } from "./search-work.ts";
import { ShareOutbox } from "./share-outbox.ts";

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
  /**
   * The part of the time in which each thread may compute. Below 1, the cores are partly free for others, such as a pool in the same process. Default
   * 1.
   */
  readonly dutyCycle?: number;
  /** The most hashes a second of all threads together. */
  readonly maxHashesPerSecond?: number;
  readonly agent?: string;
  /** From the pool's page: it shows there what becomes of this miner (shared/messages/connect-code.ts). */
  readonly connectCode?: string | undefined;
  /** Bits of the table that is made whatever the pool tells. */
  readonly bits?: number | undefined;
}

export interface MinerModules {
  /** Or how it is read or made, once the pool has taken the login. */
  readonly table: SharedTable | OpenTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial?: Dial;
  /** Called with a text that the pool wants a person to see. Default: the log. */
  readonly onMessage?: (text: string) => void;
}

/** How a miner ended: by stop(), because the pool refused the login and would refuse it again, or because there is no table. */
export type MinerEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "no-table"; readonly error: Error };

export interface Miner {
  stats(): MinerStats;
  /** Ends threads and connection; resolves when they are gone. */
  stop(): Promise<void>;
  readonly ended: Promise<MinerEnd>;
  /** Asks the pool for a job's oprHash; undefined where there is none or no connection. */
  getOprHash(jobId: string): Promise<string | undefined>;
  /** Asks the pool for another target (hex). */
  suggestTarget(target: string): void;
  /** The threads rest until resume(); the connection stays, and what was found is sent. */
  pause(): void;
  resume(): void;
}

const BACKOFF = { firstMs: 500, maxMs: 60_000 };
/** After a session shorter than this the waits go on growing, so that a pool that logs in and hangs up is not asked again and again. */
const STEADY_MS = 5_000;
/** Without a pool the threads go on with the last job for this long: its shares may still count. */
const COAST_MS = 60_000;
/** After a login without a job they go on for this long. */
const COAST_WITHOUT_JOB_MS = 2_000;
/** The longest wait that a client.reconnect may ask for. */
const MAX_RECONNECT_WAIT_S = 300;
/** How long a stop waits for the answers to shares on their way. */
const LAST_VERDICTS_MS = 2_000;
/** Shown until the pool has told a target. */
const NO_TARGET = 0xffff_ffff_ffff_ffffn;
const DEFAULT_AGENT = "prosper-ts/0.1";

/** Starts at once. Throws RangeError on bad options, CodedError "lxr-no-region" where it is given a table. The table stays the caller's. */
export function startMiner(options: MinerOptions, modules: MinerModules): Miner {
  return new RunningMiner(options, modules);
}

class RunningMiner implements Miner {
  readonly ended: Promise<MinerEnd>;
  readonly #options: MinerOptions;
  readonly #modules: MinerModules;
  readonly #threads: MinerThreads;
  readonly #outbox: ShareOutbox;
  #resolveEnded: (end: MinerEnd) => void = () => undefined;
  readonly #patience = new Patience();
  #session: PoolSession | undefined;
  #registered: boolean = false;
  /** The last job that any connection told of. */
  #job: MiningJob | undefined;
  /** What the threads search now. Until a new session has told everything, this is the work of the session before. */
  #work: Work | undefined;
  #deciding: boolean = false;
  #toldPercent = -1;
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
    this.#outbox = new ShareOutbox(options.user, modules.clock);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { dutyCycle = 1, maxHashesPerSecond, threads } = options;
    this.#threads = new MinerThreads({ threads, dutyCycle, maxHashesPerSecond }, modules, {
      onHit: (hit) => this.#outbox.add(hit),
      onTablePart: (part) => this.#tellTable(part),
      onNoTable: (error) => void this.#finish({ kind: "no-table", error }),
    });
    void this.#connect();
  }

  stats(): MinerStats {
    const now = this.#modules.clock.monotonicMs();
    const { hashes, total, threads } = this.#threads.rates(now);
    const authorizedMs = this.#session?.authorizedMs;
    return {
      connected: this.#session !== undefined,
      authorized: authorizedMs !== undefined,
      loggedInMs: authorizedMs === undefined ? undefined : now - authorizedMs,
      paused: this.#threads.isPaused,
      hashrate: total.tenSeconds,
      rates: total,
      threads,
      hashes,
      ...this.#outbox.stats(),
      height: this.#job?.isEnded() === false ? this.#job.height : undefined,
      tablePart: this.#threads.tablePart,
      target: this.#session?.target ?? this.#work?.target ?? NO_TARGET,
      reconnects: this.#reconnects,
    };
  }

  pause(): void {
    this.#threads.pause();
  }

  resume(): void {
    this.#threads.resume();
  }

  stop(): Promise<void> {
    return this.#finish({ kind: "stopped" });
  }

  async getOprHash(jobId: string): Promise<string | undefined> {
    const answer = await this.#session?.connection.request("mining.get_oprhash", [jobId]);
    return typeof answer?.result === "string" ? answer.result : undefined;
  }

  suggestTarget(target: string): void {
    this.#session?.connection.tell("mining.suggest_target", [target]);
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
      this.#greet(stream);
    } catch (thrown) {
      logger.warn("The pool cannot be reached", { ...address, error: coerceError(thrown).message });
      this.#retry();
    }
  }

  #greet(stream: Duplex): void {
    const { user, worker, password = "", invite = "", payoutAddress = "", agent } = this.#options;
    const connection = new PoolConnection(
      stream,
      agentWithCode(agent ?? DEFAULT_AGENT, this.#options.connectCode),
      this.#modules,
      this.#hooks(() => session),
    );
    const session: PoolSession = {
      connection,
      liveness: undefined,
      authorizedMs: undefined,
      heardHeight: -1,
      prefix: undefined,
      target: undefined,
      stopped: false,
      job: undefined,
      tableBits: undefined,
    };
    this.#session = session;
    connection.greet(
      this.#registered
        ? { user, worker, password: "", invite: "", payoutAddress: "" }
        : { user, worker, password, invite, payoutAddress },
    );
  }

  #hooks(session: () => PoolSession): PoolConnectionHooks {
    const { logger, onMessage } = this.#modules;
    return {
      onPrefix: (prefix) => {
        session().prefix = prefix;
        this.#decide();
      },
      onTableBits: (bits) => {
        session().tableBits = bits;
      },
      onAuthorized: () => this.#onAuthorized(session()),
      onRefused: (reason) => void this.#finish({ kind: "refused", reason }),
      onJob: (height, oprHash) => this.#onJob(session(), height, oprHash),
      onTarget: (target) => {
        session().target = target;
        this.#decide();
        logger.debug("New target", { target: formatTarget(target) });
      },
      onStop: () => {
        logger.info("The pool asks to stop until the next job");
        Object.assign(session(), { stopped: true, job: undefined });
        this.#job?.end(this.#modules.clock.monotonicMs());
        this.#decide();
      },
      onMessage: (text) => (onMessage ?? ((shown) => logger.info("The pool says", { text: shown })))(text),
      onReconnect: (host, port, seconds) => this.#onReconnect(host, port, seconds),
      onEnd: (reason) => this.#onLost(reason),
    };
  }

  #onAuthorized(session: PoolSession): void {
    const { clock, logger } = this.#modules;
    logger.info("Logged in", { user: this.#options.user, worker: this.#options.worker });
    session.authorizedMs = clock.monotonicMs();
    this.#registered = true;
    const liveness = new Liveness(session.connection, clock, this.#patience);
    session.liveness = liveness;
    this.#outbox.connect((params) => liveness.submit(params));
    this.#coastFor(COAST_WITHOUT_JOB_MS);
    this.#decide();
    this.#threads.poolHas(session.tableBits);
  }

  /** A pool that tells its table's size is told how far this miner's is, and of which size. */
  #tellTable(part: number): void {
    const percent = Math.floor(100 * part);
    const { connection, tableBits } = this.#session ?? {};
    if (tableBits === undefined || percent === this.#toldPercent) return;
    this.#toldPercent = percent;
    connection?.tell("mining.table", [String(percent), String(this.#options.bits ?? tableBits)]);
  }

  #onJob(session: PoolSession, height: number, oprHash: string): void {
    if (height < session.heardHeight) return;
    session.heardHeight = height;
    session.stopped = false;
    if (this.#job?.isEnded() !== false || !this.#job.announces(height, oprHash)) {
      this.#job?.end(this.#modules.clock.monotonicMs(), height);
      this.#job = new MiningJob(height, oprHash);
    }
    session.job = this.#job;
    this.#decide();
  }

  /** Gives the threads their work once all lines of one read are handled, so that no work begins on half a change. */
  #decide(): void {
    if (this.#deciding) return;
    this.#deciding = true;
    queueMicrotask(() => {
      this.#deciding = false;
      this.#search(this.#stopping === undefined ? this.#nextWork() : undefined);
    });
  }

  #search(work: Work | undefined): void {
    if (isSameWork(work, this.#work)) return;
    this.#work = work;
    this.#threads.setWork(work);
  }

  /** The session's job, prefix and target once the pool has told all three; until then the work of the session before. */
  #nextWork(): Work | undefined {
    const session = this.#session;
    if (session?.stopped === true) return undefined;
    if (session?.authorizedMs === undefined) return this.#work;
    const { job, prefix, target } = session;
    if (job === undefined || prefix === undefined || target === undefined) return this.#work;
    this.#coast?.stop();
    return { job, prefix, target };
  }

  #onReconnect(host: string, port: string, seconds: string): void {
    const { logger } = this.#modules;
    const elsewhere = host !== "" && host !== this.#options.host;
    const newPort = Number(port);
    // Differs from prosper-pool: a reconnect to another host is not followed. Otherwise an attacker on a plain connection could take the miner away.
    if (elsewhere || (port !== "" && !(Number.isInteger(newPort) && newPort > 0 && newPort < 65_536))) {
      logger.warn("The pool sends to another host: not followed", { host, port });
      return;
    }
    if (port !== "") this.#port = newPort;
    const wait = Math.min(MAX_RECONNECT_WAIT_S, Math.max(0, Number(seconds) || 0));
    logger.info("The pool asks to connect again", { port: this.#port, seconds: wait });
    const former = this.#session;
    this.#leave();
    former?.connection.end("asked to connect again");
    this.#after(wait * 1_000, () => void this.#connect());
  }

  #onLost(reason: string): void {
    if (this.#session === undefined || this.#stopping !== undefined) return;
    this.#modules.logger.warn("The connection to the pool ended", { reason });
    this.#leave();
    this.#retry();
  }

  /** The session is over; the threads go on with the last job for a while. */
  #leave(): void {
    const { authorizedMs, liveness } = this.#session ?? {};
    if (authorizedMs !== undefined && this.#modules.clock.monotonicMs() - authorizedMs >= STEADY_MS)
      this.#failures = 0;
    liveness?.stop();
    this.#session = undefined;
    this.#outbox.connect(undefined);
    this.#coastFor(COAST_MS);
  }

  #coastFor(ms: number): void {
    this.#coast?.stop();
    this.#coast = this.#modules.clock.after(ms, () => this.#search(undefined));
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
    await this.#threads.stop();
    this.#coast?.stop();
    // Waits for the pool's last verdicts, so that the numbers shown at the end are those that the pool has counted.
    const { clock } = this.#modules;
    const giveUpMs = clock.monotonicMs() + LAST_VERDICTS_MS;
    const answers = (): boolean => this.#session !== undefined && this.#outbox.open() > 0;
    while (answers() && clock.monotonicMs() < giveUpMs) await sleep(clock, 10);
    this.#session?.liveness?.stop();
    this.#outbox.close();
    this.#session?.connection.end("stopped");
    this.#session = undefined;
  }
}
