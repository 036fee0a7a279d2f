/** One miner's connection: who it is, and what it was told. */

import type { Duplex } from "node:stream";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { encodeRequest } from "../../shared/messages/stratum.ts";
import type { Job, StratumBackend } from "./backend.ts";
import { Connection } from "./connection.ts";
import type { Turns } from "./fair-reading.ts";
import { farewellTo } from "./goodbye-messages.ts";
import type { EndReason, StratumMetrics } from "./metrics.ts";
import type { PrefixQuota } from "./prefix-quota.ts";
import { ReplyQueue } from "./replies.ts";
import { Conduct } from "./session-limits.ts";
import { SessionPrefix } from "./session-prefix.ts";
import { afterSubscribe, hearsJobs, type Login, loginOf, type SessionState } from "./session-state.ts";
import type { StratumSettings } from "./settings.ts";
import type { UserConduct } from "./user-limits.ts";
/** What every session shares. */
export interface SessionModules {
  readonly backend: StratumBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: StratumMetrics;
  readonly settings: StratumSettings;
  readonly users: UserConduct;
  readonly quota: PrefixQuota;
  readonly turns: Turns;
}

export interface SessionHooks {
  onLine(session: Session, line: string, readAtMs: number): Promise<void> | undefined;
  onEnd(session: Session, reason: EndReason): void;
}

export class Session {
  readonly id: string;
  readonly remoteAddress: string;
  readonly connectedMs: number;
  readonly replies: ReplyQueue;
  readonly conduct: Conduct;
  readonly modules: SessionModules;
  /** What the client called itself. */
  agent = "";
  state: SessionState = { kind: "connected" };
  /** The one user this connection may log in as, once it has. */
  boundUser: string | undefined;
  /** What the login's shares are counted under (userKey). */
  userKey = "";
  /** Since when the answer to a login is awaited. */
  loginPendingSinceMs: number | undefined;
  readonly #connection: Connection;
  readonly #prefix: SessionPrefix;
  #lastHeight = -1;
  /** `freshFrom` of the job announced last: the same job comes again only with a later one. */
  #lastFresh = -1;
  #isRenewing: boolean = false;
  #stopped: boolean = false;
  /** Until when there was no job: the times below begin anew with the next one. */
  #joblessMs = 0;
  #lastLineMs: number;
  /** Of the last valid share, or of the connection. */
  #lastShareMs: number;
  #endsAfterAnswers: boolean = false;

  constructor(
    id: string,
    stream: Duplex,
    remoteAddress: string,
    modules: SessionModules,
    hooks: SessionHooks,
  ) {
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.modules = modules;
    this.connectedMs = modules.clock.monotonicMs();
    this.#lastLineMs = this.connectedMs;
    this.#lastShareMs = this.connectedMs;
    this.conduct = new Conduct(modules.settings, this.connectedMs);
    this.replies = new ReplyQueue((text) => this.#connection.send(text));
    this.#prefix = new SessionPrefix(modules, {
      remoteAddress,
      isEnded: () => this.ended,
      nextId: () => this.nextId(),
      send: (lines) => this.#connection.send(lines),
    });
    this.#connection = new Connection(stream, modules, {
      onLine: (line, readAtMs) => (this.#endsAfterAnswers ? undefined : hooks.onLine(this, line, readAtMs)),
      onOversized: () => this.endAfterAnswers("oversized-line"),
      lastWords: (reason) => this.#lastWords(reason),
      onEnd: (reason) => {
        this.#prefix.release();
        hooks.onEnd(this, reason);
      },
    });
  }

  get ended(): boolean {
    return this.#connection.ended;
  }

  /** The target that new shares are to reach; undefined before subscribe. */
  get target(): bigint | undefined {
    return this.#prefix.target;
  }

  /** The nonce prefix that it mines with; undefined before subscribe. */
  get prefix(): number | undefined {
    return this.#prefix.prefix;
  }

  /** The height last announced to this session; −1 = none. */
  get lastHeight(): number {
    return this.#lastHeight;
  }

  /** Closes after what is queued was sent. */
  end(reason: EndReason): void {
    this.#connection.end(reason);
  }

  /** Reads no further line and closes when every earlier request has its answer. */
  endAfterAnswers(reason: EndReason): void {
    if (this.#endsAfterAnswers) return;
    this.#endsAfterAnswers = true;
    void this.replies.below(1).then(() => this.end(reason));
  }

  /** Sends a request of the server's own, at once. */
  push(method: string, params: readonly string[] | null): void {
    this.#connection.send(encodeRequest(this.nextId(), method, params));
  }

  /** A request id: 31 random bits. */
  nextId(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.modules.random(4);
    return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
  }

  /** Takes a prefix and a first target, once; resolves to the prefix, or undefined where there is none to have. */
  async subscribe(agent: string): Promise<number | undefined> {
    if (!(await this.#prefix.subscribe())) return undefined;
    this.agent = agent;
    this.state = afterSubscribe(this.state);
    return this.#prefix.prefix;
  }

  /** The session mines for this login from now on. Resolves to the lines that follow the answer; undefined where it cannot be put on record now. */
  logIn(login: Login, trusted: boolean): Promise<string | undefined> {
    return this.#prefix.login(login, trusted);
  }

  /** The line that tells the current target; "" before subscribe. */
  targetLine(): string {
    return this.#prefix.targetLine();
  }

  /**
   * The lines that announce a job to this session and note that they did; "" where it has had it, or a later one (N2). A job that goes on after a
   * stop is announced when a new prefix is there.
   * Differs from prosper-pool: there every connection hears every announcement, and a miner that hears a job again repeats its nonces.
   */
  jobLines(job: Job, notifyLine?: string): string {
    const isNew =
      job.height > this.#lastHeight || (job.height === this.#lastHeight && job.freshFrom > this.#lastFresh);
    if (!hearsJobs(this.state) || !isNew) return "";
    if (!this.#prefix.isFreshFor(job)) {
      this.#renewPrefix();
      return "";
    }
    this.#lastHeight = job.height;
    this.#lastFresh = job.freshFrom;
    this.#stopped = false;
    this.#prefix.heard(job);
    return notifyLine ?? encodeNotify(this.nextId(), job.height, job.oprHash);
  }

  /** Announces a job unless the session has had it; true when it was sent. */
  notify(job: Job, notifyLine?: string): boolean {
    const lines = this.jobLines(job, notifyLine);
    if (lines === "") return false;
    this.#connection.send(lines);
    this.#prefix.review();
    return true;
  }

  stopMining(): void {
    if (!hearsJobs(this.state) || this.#stopped || this.#lastHeight < 0) return;
    this.#stopped = true;
    this.#prefix.stopped();
    this.push("mining.stop_mining", null);
  }

  /** A share that reached the target of its prefix; retargets when it shows that the pace is wrong. */
  share(target: bigint, isAccepted: boolean): void {
    if (isAccepted) this.#lastShareMs = this.modules.clock.monotonicMs();
    this.#prefix.share(target, isAccepted);
    this.#prefix.review();
  }

  /** A line that says something was read. */
  heard(readAtMs: number): void {
    this.#lastLineMs = readAtMs;
  }

  /** Logged in, and without a valid share for so long that others may have its place. */
  isShareless(nowMs: number): boolean {
    const sinceMs = nowMs - Math.max(this.#joblessMs, this.#lastShareMs);
    return loginOf(this.state) !== undefined && sinceMs >= this.modules.settings.sharelessMs;
  }

  /** Notes the target the miner asks for. */
  wish(target: bigint): void {
    if (loginOf(this.state) === undefined) return;
    this.#prefix.wish(target);
    this.#prefix.review();
  }

  /** Sets a target by hand: a new prefix with it. False before subscribe, or where no prefix can be had. */
  setTarget(target: bigint): Promise<boolean> {
    return this.#prefix.assign(target);
  }

  /** Moves the session to a new prefix with the same target; the former one stays good for the shares on their way. Undefined when there is none. */
  async moveToNewPrefix(): Promise<number | undefined> {
    const lines = hearsJobs(this.state) ? await this.#prefix.renew() : undefined;
    if (lines === undefined) return undefined;
    this.#connection.send(lines);
    return this.#prefix.prefix;
  }

  /** Deadlines, heartbeat and slow retargets. Called about once a second. */
  tick(nowMs: number): void {
    const reason = this.#connection.overdue(nowMs) ?? this.#overdue(nowMs);
    if (reason !== undefined) {
      this.end(reason);
      return;
    }
    if (!hearsJobs(this.state)) return;
    const job = this.modules.backend.currentJob();
    if (job === undefined) this.stopMining();
    // It has had it, but where no prefix could be had for it.
    else this.notify(job);
    this.#prefix.review();
    if (nowMs - this.#connection.lastWriteMs >= this.modules.settings.heartbeatMs)
      this.#connection.send(this.targetLine());
  }

  #lastWords(reason: EndReason): string {
    const words = farewellTo(reason, this.modules.settings);
    return words === undefined ? "" : encodeRequest(this.nextId(), "client.show_message", [words]);
  }

  #overdue(nowMs: number): EndReason | undefined {
    const { authorizeDeadlineMs, idleMs } = this.modules.settings;
    const pending = this.loginPendingSinceMs;
    if (pending !== undefined && nowMs - pending >= authorizeDeadlineMs) return "no-verdict";
    if (loginOf(this.state) === undefined && nowMs - this.connectedMs >= authorizeDeadlineMs)
      return "authorize-deadline";
    // Without a job a miner has nothing to say: its time begins again with the next one.
    if (this.modules.backend.currentJob() === undefined) this.#joblessMs = nowMs;
    return nowMs - Math.max(this.#joblessMs, this.#lastLineMs) >= idleMs ? "idle" : undefined;
  }

  /** The job goes on after a stop: only a prefix that nobody had meanwhile may mine it. Where none can be had, the next tick asks again. */
  #renewPrefix(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    void this.#prefix
      .renew()
      .then((lines) => {
        if (lines === undefined) return;
        const job = this.modules.backend.currentJob();
        this.#connection.send(job === undefined ? lines : lines + this.jobLines(job));
      })
      .finally(() => {
        this.#isRenewing = false;
      });
  }
}

/** A notify line; every session may get the same. */
export function encodeNotify(id: number, height: number, oprHash: string): string {
  return encodeRequest(id, "mining.notify", [String(height), oprHash, ""]);
}
