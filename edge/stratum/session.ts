/** One miner's connection: who it is, what it was told, which target and nonce prefixes it has. */

import type { Duplex } from "node:stream";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { encodeRequest, formatTarget } from "../../shared/messages/stratum.ts";
import type { Holder, Job, StratumBackend } from "./backend.ts";
import { Conduct } from "./conduct.ts";
import { Connection } from "./connection.ts";
import { farewellTo } from "./farewells.ts";
import type { EndReason, StratumMetrics } from "./metrics.ts";
import { ReplyQueue } from "./replies.ts";
import { afterSubscribe, hearsJobs, loginOf, type SessionState } from "./session-state.ts";
import type { StratumSettings } from "./settings.ts";
import type { Turns } from "./turns.ts";
import type { UserConduct } from "./user-conduct.ts";
import {
  type Assignment,
  assign,
  assignedAt,
  firstAssignment,
  retarget,
  withoutEvidence,
  withShare,
  withWish,
} from "./vardiff.ts";

/** What every session shares. */
export interface SessionModules {
  readonly backend: StratumBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: StratumMetrics;
  readonly settings: StratumSettings;
  readonly users: UserConduct;
  readonly turns: Turns;
}

export interface SessionHooks {
  onLine(session: Session, line: string, readAtMs: number): Promise<void> | undefined;
  onEnd(session: Session, reason: EndReason): void;
}

/** Prefixes kept for shares still on their way; the oldest is released beyond. */
const MAX_PREFIXES = 8;

interface HeldPrefix {
  readonly prefix: number;
  /** The last job it was used for, once the session has moved to another. */
  retiredAtHeight: number | undefined;
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
  /** The last successful login: who may have used the prefixes. */
  lastLogin: Holder | undefined;
  /** What the login's shares are counted under (userKey). */
  userKey = "";
  /** Since when the answer to a login is awaited. */
  loginPendingSinceMs: number | undefined;
  readonly #connection: Connection;
  #assignment: Assignment | undefined;
  /** Newest first. */
  #prefixes: HeldPrefix[] = [];
  #lastHeight = -1;
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
    this.#connection = new Connection(stream, modules, {
      onLine: (line, readAtMs) => (this.#endsAfterAnswers ? undefined : hooks.onLine(this, line, readAtMs)),
      onOversized: () => this.endAfterAnswers("oversized-line"),
      lastWords: (reason) => this.#lastWords(reason),
      onEnd: (reason) => {
        this.#releaseAll();
        hooks.onEnd(this, reason);
      },
    });
  }

  get ended(): boolean {
    return this.#connection.ended;
  }

  /** The target in force for new shares; undefined before subscribe. */
  get target(): bigint | undefined {
    return this.#assignment?.target;
  }

  /** Prefixes held now, newest first. */
  get prefixes(): number[] {
    return this.#prefixes.map((held) => held.prefix);
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

  /** Leases a prefix and a first target, once; the prefix, or undefined when there is none to have. */
  subscribe(agent: string): number | undefined {
    const held = this.#prefixes[0] ?? this.#lease();
    if (held === undefined) return undefined;
    this.agent = agent;
    this.#assignment ??= firstAssignment(
      this.modules.settings,
      this.modules.backend.currentJob()?.threshold ?? 0n,
      this.modules.clock.monotonicMs(),
    );
    this.state = afterSubscribe(this.state);
    return held.prefix;
  }

  /** The line that tells the current target; "" before subscribe. */
  targetLine(): string {
    if (this.#assignment === undefined) return "";
    return encodeRequest(this.nextId(), "mining.set_target", [formatTarget(this.#assignment.target)]);
  }

  /**
   * The lines that announce a job to this session and note that they did; "" where it has had it, or a later one (N2).
   * Differs from prosper-pool: there every connection hears every announcement, and a miner that hears a job again repeats its nonces.
   */
  jobLines(job: Job, notifyLine?: string): string {
    if (!hearsJobs(this.state)) return "";
    let lines = "";
    if (job.height === this.#lastHeight && this.#stopped) {
      // A miner that is told the same job again counts its nonces from zero: only a prefix of its own keeps them apart.
      if (this.#lease() === undefined) return "";
      lines += encodeRequest(this.nextId(), "mining.set_nonce", [String(this.#prefixes[0]?.prefix)]);
    } else if (job.height <= this.#lastHeight) return "";
    this.#lastHeight = job.height;
    this.#stopped = false;
    this.#releaseRetired(job.height);
    if (this.#updateTarget(job.threshold)) lines += this.targetLine();
    return lines + (notifyLine ?? encodeNotify(this.nextId(), job.height, job.oprHash));
  }

  /** Announces a job unless the session has had it; true when it was sent. */
  notify(job: Job, notifyLine?: string): boolean {
    const lines = this.jobLines(job, notifyLine);
    this.#connection.send(lines);
    return lines !== "";
  }

  stopMining(): void {
    if (!hearsJobs(this.state) || this.#stopped) return;
    this.#stopped = true;
    this.push("mining.stop_mining", null);
  }

  /** What a share read at `readAtMs` must reach. Only for sessions that have subscribed. */
  assignedAt(readAtMs: number): bigint {
    return this.#assignment === undefined ? 0n : assignedAt(this.#assignment, readAtMs);
  }

  /** Counts an accepted share and retargets when it shows that the pace is wrong. */
  accepted(assigned: bigint): void {
    this.#lastShareMs = this.modules.clock.monotonicMs();
    if (this.#assignment === undefined) return;
    this.#assignment = withShare(this.#assignment, assigned);
    this.review();
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
    if (this.#assignment === undefined) return;
    this.#assignment = withWish(this.#assignment, target);
    this.review();
  }

  /** Retargets if it is time, and tells the miner. */
  review(): void {
    if (this.#updateTarget(this.modules.backend.currentJob()?.threshold ?? 0n))
      this.#connection.send(this.targetLine());
  }

  /** Sets a target by hand; the grace still covers shares of the former one. False before subscribe. */
  setTarget(target: bigint): boolean {
    if (this.#assignment === undefined) return false;
    const now = this.modules.clock.monotonicMs();
    this.#assignment = assign(this.#assignment, target, this.modules.settings, now);
    this.#connection.send(this.targetLine());
    return true;
  }

  /** Moves the session to a new prefix; the former one stays good for the shares on their way. Undefined when there is none. */
  moveToNewPrefix(): number | undefined {
    const held = hearsJobs(this.state) ? this.#lease() : undefined;
    if (held !== undefined) this.push("mining.set_nonce", [String(held.prefix)]);
    return held?.prefix;
  }

  /** Deadlines, heartbeat and slow retargets. Called about once a second. */
  tick(nowMs: number): void {
    const reason = this.#connection.overdue(nowMs) ?? this.#overdue(nowMs);
    if (reason !== undefined) {
      this.end(reason);
      return;
    }
    if (!hearsJobs(this.state)) return;
    if (this.modules.backend.currentJob() !== undefined) this.review();
    else if (this.#assignment !== undefined) this.#assignment = withoutEvidence(this.#assignment, nowMs);
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

  #updateTarget(threshold: bigint): boolean {
    const before = this.#assignment;
    if (before === undefined) return false;
    const now = this.modules.clock.monotonicMs();
    this.#assignment = retarget(before, this.modules.settings, threshold, now);
    if (this.#assignment.target === before.target) return false;
    this.modules.metrics.retargeted();
    return true;
  }

  #lease(): HeldPrefix | undefined {
    const prefix = this.modules.backend.leasePrefix(this.id);
    if (prefix === undefined) return undefined;
    for (const held of this.#prefixes) held.retiredAtHeight ??= this.#lastHeight;
    const leased: HeldPrefix = { prefix, retiredAtHeight: undefined };
    this.#prefixes = [leased, ...this.#prefixes];
    for (const old of this.#prefixes.splice(MAX_PREFIXES)) this.#release(old);
    return leased;
  }

  #releaseRetired(height: number): void {
    const over = (held: HeldPrefix): boolean =>
      held.retiredAtHeight !== undefined && held.retiredAtHeight + 1 < height;
    for (const held of this.#prefixes) if (over(held)) this.#release(held);
    this.#prefixes = this.#prefixes.filter((held) => !over(held));
  }

  #releaseAll(): void {
    for (const held of this.#prefixes) this.#release(held);
    this.#prefixes = [];
  }

  #release(held: HeldPrefix): void {
    this.modules.backend.releasePrefix(held.prefix, this.lastLogin);
  }
}

/** A notify line; every session may get the same. */
export function encodeNotify(id: number, height: number, oprHash: string): string {
  return encodeRequest(id, "mining.notify", [String(height), oprHash, ""]);
}
