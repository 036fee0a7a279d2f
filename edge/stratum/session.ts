/** One miner's connection: who it is, what is said on it, which jobs it was told of, and with which pairs it mines them. */

import type { Duplex } from "node:stream";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { splitAgent } from "../../shared/messages/connect-code.ts";
import { barWords } from "../../shared/operator/orders.ts";
import type { StratumBackend } from "./backend.ts";
import { Conversation } from "./conversation.ts";
import type { FairReading } from "./fair-reading.ts";
import { pageWords } from "./goodbye-messages.ts";
import type { EndReason, StratumMetrics } from "./metrics.ts";
import type { StratumOrders } from "./orders.ts";
import type { PrefixQuota } from "./prefix-quota.ts";
import { SessionDeadlines } from "./session-deadlines.ts";
import { SessionJobs } from "./session-jobs.ts";
import { SessionLogin } from "./session-login.ts";
import { SessionPairs } from "./session-pairs.ts";
import type { StratumSettings } from "./settings.ts";
import type { Sighting, Sightings } from "./sightings.ts";
import type { UserLimits } from "./user-limits.ts";

/** What every session shares. */
export interface SessionModules {
  readonly backend: StratumBackend;
  readonly orders: StratumOrders;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: StratumMetrics;
  readonly settings: StratumSettings;
  readonly users: UserLimits;
  readonly quota: PrefixQuota;
  readonly fairReading: FairReading;
  readonly sightings: Sightings;
}

export interface SessionHooks {
  onLine(session: StratumSession, line: string, readAtMs: number): Promise<void> | undefined;
  onEnd(session: StratumSession, reason: EndReason): void;
}

export class StratumSession {
  readonly id: string;
  readonly remoteAddress: string;
  readonly modules: SessionModules;
  readonly conversation: Conversation;
  readonly login: SessionLogin;
  readonly pairs: SessionPairs;
  readonly jobs: SessionJobs;
  /** What the client called itself. */
  agent = "";
  /** A share was accepted: its table is the pool's. */
  wasRight: boolean = false;
  /** The client was told that its table may be another one. */
  toldOfTable: boolean = false;
  /** What the page is told that its line was copied from; undefined from its first share on. */
  sighting: Sighting | undefined;
  /** How much of its table it has made, 0 to 100; undefined where it does not tell, or has it. */
  #tablePercent: number | undefined;
  readonly #deadlines: SessionDeadlines;

  constructor(
    id: string,
    stream: Duplex,
    remoteAddress: string,
    modules: SessionModules,
    hooks: SessionHooks,
  ) {
    const { backend, clock, settings } = modules;
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.modules = modules;
    this.#deadlines = new SessionDeadlines(settings, clock.monotonicMs());
    this.login = new SessionLogin(remoteAddress);
    this.sighting = modules.sightings.opened(remoteAddress);
    this.conversation = new Conversation(stream, modules, {
      onLine: (line, readAtMs) => hooks.onLine(this, line, readAtMs),
      onEnd: (reason) => {
        this.pairs.release();
        this.sighting?.ended(reason, pageWords(reason, settings));
        hooks.onEnd(this, reason);
      },
    });
    this.pairs = new SessionPairs(remoteAddress, modules, this.conversation);
    this.jobs = new SessionJobs({ backend, pairs: this.pairs, out: this.conversation });
  }

  get ended(): boolean {
    return this.conversation.ended;
  }

  /** The target that new shares are to reach; undefined before subscribe. */
  get target(): bigint | undefined {
    return this.pairs.target;
  }

  /** The nonce prefix that it mines with; undefined before subscribe. */
  get prefix(): number | undefined {
    return this.pairs.prefix;
  }

  /** Closes when the queued lines have been sent. */
  end(reason: EndReason): void {
    this.conversation.end(reason);
  }

  /** Closes where the operator has barred its user or address, in words of its own. */
  endIfBarred(): void {
    const { current } = this.login;
    const bar = this.modules.orders.barOf(current?.user, this.remoteAddress);
    if (bar === undefined) return;
    this.conversation.push("client.show_message", [barWords(bar, false)]);
    this.sighting?.failed("barred", barWords(bar, false));
    this.end("barred");
  }

  /** Takes a prefix and a first target, once; resolves to the prefix, or undefined where there is none to have. */
  async subscribe(text: string): Promise<number | undefined> {
    if (!(await this.pairs.subscribe())) return undefined;
    const { agent, code } = splitAgent(text);
    this.agent = agent;
    this.sighting?.subscribed(code);
    this.jobs.subscribed();
    return this.pairs.prefix;
  }

  /** A line with more than whitespace was read. */
  heard(readAtMs: number): void {
    this.#deadlines.heard(readAtMs);
  }

  get tablePercent(): number | undefined {
    return this.#tablePercent;
  }

  /** The miner tells how much of its table is made. What it does not mine meanwhile shows no pace. */
  tableMade(percent: number): void {
    if (this.wasRight) return;
    this.sighting?.table(percent);
    this.#tablePercent = percent < 100 ? percent : undefined;
    if (percent < 100) this.pairs.prepares();
    else this.pairs.prepared();
  }

  /** A share that reached the target of its prefix; retargets when it shows that the pace is wrong. */
  share(target: bigint, isAccepted: boolean): void {
    // Whoever finds shares has its table, whatever it says.
    if (this.#tablePercent !== undefined) this.tableMade(100);
    if (isAccepted) {
      this.wasRight = true;
      this.sighting?.shared();
      this.sighting = undefined;
      this.#deadlines.shareTaken(this.modules.clock.monotonicMs());
    }
    this.pairs.share(target, isAccepted);
  }

  /** True when it is logged in and has sent no valid share for `sharelessMs`: others may have its place. */
  isShareless(nowMs: number): boolean {
    return this.login.current !== undefined && this.#deadlines.isShareless(nowMs);
  }

  /** Deadlines, heartbeat and slow retargets. Called about once a second. */
  tick(nowMs: number): void {
    const reason = this.conversation.overdue(nowMs) ?? this.#overdue(nowMs);
    if (reason !== undefined) {
      this.end(reason);
      return;
    }
    if (!this.jobs.areHeard) return;
    this.jobs.review();
    this.pairs.review();
    if (nowMs - this.conversation.lastWriteMs >= this.modules.settings.heartbeatMs)
      this.conversation.send(this.pairs.targetLine());
  }

  #overdue(nowMs: number): EndReason | undefined {
    return this.#deadlines.overdue(nowMs, {
      isLoggedIn: this.login.current !== undefined,
      loginAskedMs: this.login.askedMs,
      hasJob: this.modules.backend.currentJob() !== undefined,
    });
  }
}
