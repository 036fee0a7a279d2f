/** All sessions of one edge: takes connections, announces jobs, watches deadlines. Sockets come from outside (listener.ts, or a simulator). */

import type { Duplex } from "node:stream";
import { toHex } from "../../shared/bytes.ts";
import type { Clock, Random, Timer } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { encodeRequest } from "../../shared/messages/stratum.ts";
import { barWords } from "../../shared/operator/orders.ts";
import { Admission } from "./admission.ts";
import type { Job, StratumBackend } from "./backend.ts";
import { requestId } from "./conversation.ts";
import { dispatch } from "./dispatch.ts";
import { FairReading } from "./fair-reading.ts";
import { goodbyeMessage, pageWords } from "./goodbye-messages.ts";
import type { EndReason, StratumMetrics } from "./metrics.ts";
import { NO_ORDERS, type StratumOrders } from "./orders.ts";
import { PrefixQuota } from "./prefix-quota.ts";
import { type SessionModules, StratumSession } from "./session.ts";
import { encodeNotify } from "./session-jobs.ts";
import { STRATUM_DEFAULTS, type StratumSettings } from "./settings.ts";
import { Sightings } from "./sightings.ts";
import { UserLimits } from "./user-limits.ts";

const TICK_MS = 1_000;
/** Sessions that are looked at in one turn of the loop: thousands at once would keep shares waiting. */
const SLICE = 200;

export interface StratumModules {
  readonly backend: StratumBackend;
  /** Without them nobody is barred. */
  readonly orders?: StratumOrders;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: StratumMetrics;
}

/** What a page or a gauge shows. */
export interface StratumStats {
  readonly connections: number;
  /** Sessions that mine: logged in and subscribed. */
  readonly miners: number;
  /** Different (user, worker) pairs among them. */
  readonly workers: number;
}

export class StratumServer {
  readonly #modules: SessionModules;
  readonly #admission: Admission;
  readonly #sessions = new Map<string, StratumSession>();
  #tick: Timer;
  #closing: boolean = false;
  #emptied: (() => void) | undefined;

  /** Settings not given are STRATUM_DEFAULTS. */
  constructor(options: Partial<StratumSettings>, modules: StratumModules) {
    const settings = { ...STRATUM_DEFAULTS, ...options };
    this.#modules = {
      ...modules,
      orders: modules.orders ?? NO_ORDERS,
      settings,
      users: new UserLimits(settings),
      quota: new PrefixQuota(settings),
      fairReading: new FairReading(modules.clock),
      sightings: new Sightings(modules.clock),
    };
    this.#admission = new Admission(settings);
    this.#tick = modules.clock.after(TICK_MS, () => this.#onTick());
  }

  /** Takes a connected stream as a new session. Sends it away at once, with the reason, if a cap, a ban or the closing of the server forbids it. */
  accept(stream: Duplex, remoteAddress: string): StratumSession | undefined {
    const refusal = this.admit(remoteAddress);
    if (refusal === undefined) return this.acceptAdmitted(stream, remoteAddress);
    const { settings, orders } = this.#modules;
    const bar = refusal === "barred" ? orders.barOf(undefined, remoteAddress) : undefined;
    sendAway(stream, bar === undefined ? goodbyeMessage(refusal, settings) : barWords(bar, false));
    return undefined;
  }

  /**
   * Takes a place for a connection that is not a session yet (its handshake is still to be made), or says why there is none.
   * Follow with `acceptAdmitted` or `abandon`.
   */
  admit(remoteAddress: string): EndReason | undefined {
    const { metrics, orders, settings } = this.#modules;
    const refusal = this.#refusal(remoteAddress);
    if (refusal === undefined) return undefined;
    metrics.connectionEnded(refusal);
    const bar = refusal === "barred" ? orders.barOf(undefined, remoteAddress) : undefined;
    const words = bar === undefined ? pageWords(refusal, settings) : barWords(bar, false);
    this.sightings.turnedAway(remoteAddress, refusal, words);
    return refusal;
  }

  /** Gives back the place of a connection that never became a session. */
  abandon(remoteAddress: string, reason: EndReason): void {
    this.#admission.leave(remoteAddress, reason, this.#modules.clock.monotonicMs());
    this.#modules.metrics.connectionEnded(reason);
    this.sightings.turnedAway(remoteAddress, reason, pageWords(reason, this.#modules.settings));
  }

  /** Counts a connection that was closed before it had an address to take a place for. */
  turnedAway(reason: EndReason): void {
    this.#modules.metrics.connectionEnded(reason);
  }

  /** Makes a session of a stream that already has a place. */
  acceptAdmitted(stream: Duplex, remoteAddress: string): StratumSession {
    const { metrics, random } = this.#modules;
    metrics.connectionOpened();
    const session = new StratumSession(toHex(random(16)), stream, remoteAddress, this.#modules, {
      onLine: dispatch,
      onEnd: (ended, reason) => this.#onEnd(ended, reason),
    });
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Call after the backend's current job changed: announces it to every subscribed session, or tells them all to stop. */
  jobChanged(): void {
    const job = this.#modules.backend.currentJob();
    if (job === undefined) {
      for (const session of this.#sessions.values()) session.jobs.stop();
      return;
    }
    this.#announce(job);
  }

  /** Call after the operator's orders changed: who is barred goes. */
  barsChanged(): void {
    this.#inSlices((session) => session.endIfBarred());
  }

  /** Tells everybody who has logged in. */
  tell(words: string): void {
    this.#inSlices(({ login, conversation }) => {
      if (login.current !== undefined) conversation.push("client.show_message", [words]);
    });
  }

  /** What became of new connections. */
  get sightings(): Sightings {
    return this.#modules.sightings;
  }

  /** The most connections the server takes. */
  get maxConnections(): number {
    return this.#modules.settings.maxConnections;
  }

  /** A live session by its id. */
  session(id: string): StratumSession | undefined {
    return this.#sessions.get(id);
  }

  sessions(): IterableIterator<StratumSession> {
    return this.#sessions.values();
  }

  stats(): StratumStats {
    const workers = new Set<string>();
    let miners = 0;
    for (const { login, jobs } of this.#sessions.values()) {
      if (login.current === undefined || !jobs.areHeard) continue;
      miners += 1;
      workers.add(`${login.current.user},${login.current.worker}`);
    }
    return { connections: this.#sessions.size, miners, workers: workers.size };
  }

  /** Takes no more connections, and closes the open ones at random times spread evenly over `overMs`. Resolves when all are gone. */
  async close(overMs = 0): Promise<void> {
    this.#closing = true;
    const { clock, random } = this.#modules;
    for (const session of this.#sessions.values()) {
      const [high = 0, low = 0] = random(2);
      const delay = Math.floor((overMs * (high * 256 + low)) / 65_536);
      if (delay === 0) session.end("shutdown");
      else clock.after(delay, () => session.end("shutdown"));
    }
    if (this.#sessions.size > 0)
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    this.#tick.stop();
  }

  /** Why there is no place for the address; else it has taken one. */
  #refusal(remoteAddress: string): EndReason | undefined {
    const { clock, orders } = this.#modules;
    if (this.#closing) return "shutdown";
    if (orders.barOf(undefined, remoteAddress) !== undefined) return "barred";
    return this.#admission.enter(remoteAddress, clock.monotonicMs());
  }

  #announce(job: Job): void {
    const { metrics, quota, random, logger } = this.#modules;
    quota.jobIs(job.height);
    // One id for all, so that the line is written once.
    const line = encodeNotify(requestId(random), job.height, job.oprHash);
    let told = 0;
    for (const { jobs } of this.#sessions.values()) if (jobs.announce(job, line)) told += 1;
    metrics.notified(told);
    logger.debug("Announced a job", { height: job.height, sessions: told });
    // The job may ask for other targets, but nobody is to hear of it later for their sake.
    this.#inSlices(({ pairs }) => pairs.review());
  }

  /** The first ones now, the others in later turns of the loop. */
  #inSlices(look: (session: StratumSession) => void): void {
    const sessions = [...this.#sessions.values()];
    const slice = (from: number): void => {
      const to = from + SLICE;
      for (const session of sessions.slice(from, to)) if (!session.ended) look(session);
      if (to < sessions.length) this.#modules.fairReading.next(() => slice(to));
    };
    slice(0);
  }

  #onEnd(session: StratumSession, reason: EndReason): void {
    const { clock, metrics } = this.#modules;
    this.#sessions.delete(session.id);
    this.#admission.leave(session.remoteAddress, reason, clock.monotonicMs());
    metrics.connectionEnded(reason);
    if (this.#closing && this.#sessions.size === 0) this.#emptied?.();
  }

  #onTick(): void {
    const now = this.#modules.clock.monotonicMs();
    this.#inSlices((session) => {
      session.tick(now);
      // The oldest connections are closed first, and only until places are free again.
      if (session.isShareless(now) && this.#admission.isShort(session.remoteAddress))
        session.end("shareless");
    });
    if (!this.#closing || this.#sessions.size > 0)
      this.#tick = this.#modules.clock.after(TICK_MS, () => this.#onTick());
  }
}

/** One line fits into the buffer of any fresh socket, so that we need not wait for the client. */
function sendAway(stream: Duplex, words: string | undefined): void {
  stream.on("error", () => undefined);
  stream.resume();
  const line = words === undefined ? "" : encodeRequest(0, "client.show_message", [words]);
  stream.end(line, () => stream.destroy());
}
