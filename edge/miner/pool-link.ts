/** A miner's way to one pool: a connection that is made again when it ends, what the pool wants searched, and the shares that are its own. */

import type { Duplex } from "node:stream";
import { type Clock, type Random, sleep, type Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { agentWithCode } from "../../shared/messages/connect-code.ts";
import { formatTarget } from "../../shared/messages/stratum.ts";
import { backoffMs } from "./backoff.ts";
import { type Dial, dialPool, type PoolAddress } from "./dial.ts";
import { Liveness, Patience } from "./liveness.ts";
import { PoolConnection, type PoolConnectionHooks } from "./pool-connection.ts";
import { newSession, type PoolSession } from "./pool-session.ts";
import { MiningJob, type Work } from "./search-work.ts";
import { ShareOutbox } from "./share-outbox.ts";
import type { ShareRecord } from "./share-record.ts";

/** A pool, and who mines there. */
export interface MinerPool extends Omit<PoolAddress, "tls"> {
  readonly tls?: boolean;
  readonly user: string;
  readonly worker: string;
  /** Needed to register only: with an invite and a payout address. Sent until the first login succeeds. */
  readonly password?: string;
  readonly invite?: string;
  readonly payoutAddress?: string;
  /** From the pool's page: it shows there what becomes of this miner (shared/messages/connect-code.ts). */
  readonly connectCode?: string | undefined;
}

export interface PoolLinkOptions extends MinerPool {
  readonly agent: string;
  /** Bits of the table that is made whatever the pool tells. */
  readonly bits: number | undefined;
}

export interface PoolLinkModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial?: Dial;
  readonly onMessage?: (text: string) => void;
  readonly record: ShareRecord;
}

export interface PoolLinkHooks {
  /** It has logged in, lost its connection, or wants other work. Called once for all lines of one read. */
  onChange(): void;
  /** The pool has taken the login; the bits are those that it tells. */
  onLogin(tableBits: number | undefined): void;
  /** The pool would refuse this login again: it is tried no more. */
  onRefused(reason: string): void;
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
/** How long an end waits for the answers to shares on their way. */
const LAST_VERDICTS_MS = 2_000;
/** So long a pool that is left is still sent what the threads found for it last. */
const LAST_HITS_MS = 300;

export class PoolLink {
  readonly pool: MinerPool;
  readonly outbox: ShareOutbox;
  readonly #options: PoolLinkOptions;
  readonly #modules: PoolLinkModules;
  readonly #hooks: PoolLinkHooks;
  readonly #patience = new Patience();
  readonly #jobs = new WeakSet<MiningJob>();
  #session: PoolSession | undefined;
  #isRunning: boolean = false;
  #isRefused: boolean = false;
  #registered: boolean = false;
  /** The last job that any connection told of. */
  #job: MiningJob | undefined;
  /** What is to be searched. Until a new session has told everything, this is the work of the session before. */
  #work: Work | undefined;
  #deciding: boolean = false;
  #toldPercent = -1;
  #attempt = 0;
  #failures = 0;
  #reconnects = 0;
  #port: number;
  #again: Timer | undefined;
  #coast: Timer | undefined;

  constructor(options: PoolLinkOptions, modules: PoolLinkModules, hooks: PoolLinkHooks) {
    this.pool = options;
    this.#options = options;
    this.#modules = modules;
    this.#hooks = hooks;
    this.#port = options.port;
    this.outbox = new ShareOutbox(options.user, modules);
  }

  /** What the threads are to search for this pool. */
  get work(): Work | undefined {
    return this.#work;
  }

  /** Whether the pool announced this job here: its shares belong to no other. */
  announced(job: MiningJob): boolean {
    return this.#jobs.has(job);
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Logged in, and told what to mine. */
  get isReady(): boolean {
    return this.#isRunning && this.#told() !== undefined;
  }

  /** How long the login stands; undefined without one. */
  get loggedInMs(): number | undefined {
    const { authorizedMs } = this.#session ?? {};
    return authorizedMs === undefined ? undefined : this.#modules.clock.monotonicMs() - authorizedMs;
  }

  get port(): number {
    return this.#port;
  }

  get height(): number | undefined {
    return this.#job?.isEnded() === false ? this.#job.height : undefined;
  }

  get target(): bigint | undefined {
    return this.#session?.target ?? this.#work?.target;
  }

  get reconnects(): number {
    return this.#reconnects;
  }

  start(): void {
    if (this.#isRunning || this.#isRefused) return;
    this.#isRunning = true;
    // It may be leaving still: that connection is as good as a new one.
    if (this.#session === undefined) void this.#connect();
  }

  /** Leaves the pool for another, once it has judged what the threads found for it. It can be started again. */
  rest(): Promise<void> {
    return this.#quit(LAST_HITS_MS);
  }

  /** Waits for the pool's last verdicts, so that the numbers shown at the end are those that the pool has counted. */
  stop(): Promise<void> {
    return this.#quit(0);
  }

  /** A pool that tells its table's size is told how far this miner's is, and of which size. */
  tellTable(percent: number): void {
    const { connection, tableBits } = this.#session ?? {};
    if (tableBits === undefined || percent === this.#toldPercent) return;
    this.#toldPercent = percent;
    connection?.tell("mining.table", [String(percent), String(this.#options.bits ?? tableBits)]);
  }

  async getOprHash(jobId: string): Promise<string | undefined> {
    const answer = await this.#session?.connection.request("mining.get_oprhash", [jobId]);
    return typeof answer?.result === "string" ? answer.result : undefined;
  }

  suggestTarget(target: string): void {
    this.#session?.connection.tell("mining.suggest_target", [target]);
  }

  /** `hitsMs`: so long there may be more hits. */
  async #quit(hitsMs: number): Promise<void> {
    this.#isRunning = false;
    this.#again?.stop();
    this.#coast?.stop();
    const { clock } = this.#modules;
    const startedMs = clock.monotonicMs();
    const waitedMs = (): number => clock.monotonicMs() - startedMs;
    const isWaiting = (): boolean =>
      this.#session?.authorizedMs !== undefined &&
      waitedMs() < LAST_VERDICTS_MS &&
      (this.outbox.open() > 0 || waitedMs() < hitsMs);
    while (!this.#isRunning && isWaiting()) await sleep(clock, 10);
    // It may have been started again meanwhile.
    if (!this.#isRunning) this.#end();
  }

  #end(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#work = undefined;
    session?.liveness?.stop();
    this.outbox.close();
    session?.connection.end("stopped");
  }

  async #connect(): Promise<void> {
    const { dial = dialPool, logger } = this.#modules;
    const address = { host: this.pool.host, port: this.#port, tls: this.pool.tls ?? false };
    this.#attempt += 1;
    const attempt = this.#attempt;
    const isWanted = (): boolean => this.#isRunning && attempt === this.#attempt;
    try {
      const stream = await dial(address);
      if (isWanted()) this.#greet(stream);
      else stream.destroy();
    } catch (thrown) {
      if (!isWanted()) return;
      logger.warn("The pool cannot be reached", { ...address, error: coerceError(thrown).message });
      this.#retry();
    }
  }

  #greet(stream: Duplex): void {
    const {
      agent,
      connectCode,
      user,
      worker,
      password = "",
      invite = "",
      payoutAddress = "",
    } = this.#options;
    const connection = new PoolConnection(
      stream,
      agentWithCode(agent, connectCode),
      this.#modules,
      this.#hear(() => session),
    );
    const session = newSession(connection);
    this.#session = session;
    connection.greet(
      this.#registered
        ? { user, worker, password: "", invite: "", payoutAddress: "" }
        : { user, worker, password, invite, payoutAddress },
    );
  }

  #hear(session: () => PoolSession): PoolConnectionHooks {
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
      onRefused: (reason) => {
        this.#isRefused = true;
        this.#isRunning = false;
        this.#end();
        this.#hooks.onRefused(reason);
      },
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
      onEnd: (reason) => this.#onLost(session(), reason),
    };
  }

  #onAuthorized(session: PoolSession): void {
    const { clock, logger } = this.#modules;
    logger.info("Logged in", { user: this.pool.user, worker: this.pool.worker });
    session.authorizedMs = clock.monotonicMs();
    this.#registered = true;
    const liveness = new Liveness(session.connection, clock, this.#patience);
    session.liveness = liveness;
    this.outbox.connect((params) => liveness.submit(params));
    this.#coastFor(COAST_WITHOUT_JOB_MS);
    this.#decide();
    this.#hooks.onLogin(session.tableBits);
  }

  #onJob(session: PoolSession, height: number, oprHash: string): void {
    if (height < session.heardHeight) return;
    session.heardHeight = height;
    session.stopped = false;
    if (this.#job?.isEnded() !== false || !this.#job.announces(height, oprHash)) {
      this.#job?.end(this.#modules.clock.monotonicMs(), height);
      this.#job = new MiningJob(height, oprHash);
      this.#jobs.add(this.#job);
    }
    session.job = this.#job;
    this.#decide();
  }

  /** Once all lines of one read are handled, so that no work begins on half a change. */
  #decide(): void {
    if (this.#deciding) return;
    this.#deciding = true;
    queueMicrotask(() => {
      this.#deciding = false;
      if (this.#session?.stopped === true) this.#work = undefined;
      else if (this.#told() !== undefined) {
        this.#coast?.stop();
        this.#work = this.#told();
      }
      this.#hooks.onChange();
    });
  }

  /** The session's job, prefix and target once the pool has told all three. */
  #told(): Work | undefined {
    const { authorizedMs, job, prefix, target, stopped } = this.#session ?? {};
    const isComplete = authorizedMs !== undefined && stopped === false;
    if (!isComplete || job === undefined || prefix === undefined || target === undefined) return undefined;
    return { job, prefix, target };
  }

  #onReconnect(host: string, port: string, seconds: string): void {
    const { logger } = this.#modules;
    const elsewhere = host !== "" && host !== this.pool.host;
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
    this.#connectAfter(wait * 1_000);
  }

  #onLost(session: PoolSession, reason: string): void {
    if (this.#session !== session) return;
    if (this.#isRunning) this.#modules.logger.warn("The connection to the pool ended", { reason });
    this.#leave();
    this.#retry();
  }

  /** The session is over; the last job is searched for a while. */
  #leave(): void {
    const loggedInMs = this.loggedInMs ?? 0;
    if (loggedInMs >= STEADY_MS) this.#failures = 0;
    this.#session?.liveness?.stop();
    this.#session = undefined;
    this.outbox.connect(undefined);
    if (this.#isRunning) this.#coastFor(COAST_MS);
    this.#hooks.onChange();
  }

  #coastFor(ms: number): void {
    this.#coast?.stop();
    this.#coast = this.#modules.clock.after(ms, () => {
      this.#work = undefined;
      this.#hooks.onChange();
    });
  }

  #retry(): void {
    if (!this.#isRunning) return;
    this.#failures += 1;
    this.#reconnects += 1;
    const { random, logger } = this.#modules;
    const waitMs = backoffMs(BACKOFF, this.#failures, random);
    logger.info("Connecting again", { inSeconds: Math.round(waitMs / 100) / 10 });
    this.#connectAfter(waitMs);
  }

  #connectAfter(ms: number): void {
    if (!this.#isRunning) return;
    this.#again?.stop();
    this.#again = this.#modules.clock.after(ms, () => void this.#connect());
  }
}
