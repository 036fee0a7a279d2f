/** Whether an edge lives, takes miners and works (shared/health.ts). */

import { type Clock, sleep } from "../shared/clock.ts";
import type { Checks, Health } from "../shared/health.ts";
import type { Edge } from "./edge.ts";

/** What is looked at. */
export type WatchedEdge = Pick<Edge, "isListening" | "isStopping" | "withoutJobMs"> & {
  readonly stall: Pick<Edge["stall"], "stalledMs">;
  readonly follower: Pick<Edge["follower"], "topHeight" | "sinceRoundMs">;
  readonly minutes: Pick<Edge["minutes"], "minute">;
  readonly desk: {
    stats(): Pick<NonNullable<ReturnType<Edge["desk"]["stats"]>>, "leaseHeld" | "journalStuckMs"> | undefined;
  };
};

export interface EdgeHealthModules {
  readonly clock: Clock;
  /** Rejects where the database does not answer this edge, or takes no writes. */
  readonly askDatabase: () => Promise<void>;
}

const LOOK_MS = 15_000;
/** What a restart would mend has to be broken for so long. The lease is tried every 5 s, the node every 2 s. */
const PATIENCE_MS = 5 * 60_000;
/** A write to a disk takes milliseconds; one that takes so long never ends. */
const STUCK_WRITE_MS = 60_000;
/** Grading a block and making the next job take a second or a few. A gap this long has another cause. */
const SHORTEST_GAP_MS = 10_000;
const GAP_PART_OF_BLOCK = 10;

export class EdgeHealth implements Health {
  readonly #options: { readonly blockMs: number };
  readonly #edge: WatchedEdge;
  readonly #modules: EdgeHealthModules;
  /** Since when each has been so at every look; undefined while it is not. */
  #databaseSinceMs: number | undefined;
  #nodeSinceMs: number | undefined;
  #lostSinceMs: number | undefined;

  constructor(options: { readonly blockMs: number }, edge: WatchedEdge, modules: EdgeHealthModules) {
    this.#options = options;
    this.#edge = edge;
    this.#modules = modules;
  }

  /** Looks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      await sleep(this.#modules.clock, LOOK_MS, signal);
    }
  }

  live(): Checks {
    const { desk } = this.#edge;
    const stuckMs = desk.stats()?.journalStuckMs ?? 0;
    return {
      listener: this.#isClosed() ? "the port for miners is not open any more" : "ok",
      journal: stuckMs < STUCK_WRITE_MS ? "ok" : `a write has not ended for ${seconds(stuckMs)} s`,
      lease: this.#isLeaseDead() ? "lost, and not taken again though the database answers" : "ok",
      follower: this.#isFollowerDead() ? "it stands still though database and factomd answer" : "ok",
    };
  }

  ready(): Checks {
    const { isListening, isStopping } = this.#edge;
    return { ...this.live(), miners: isStopping ? "stopping" : isListening ? "ok" : "starting" };
  }

  works(): Checks {
    const { stall, follower, desk } = this.#edge;
    const idleMs = this.#edge.withoutJobMs() ?? Number.POSITIVE_INFINITY;
    const gapMs = Math.max(SHORTEST_GAP_MS, this.#options.blockMs / GAP_PART_OF_BLOCK);
    return {
      ...this.ready(),
      database: this.#databaseSinceMs === undefined ? "it does not answer this edge" : "ok",
      lease: desk.stats()?.leaseHeld ? "ok" : "this edge may not acknowledge shares: is the database away?",
      chain: chainHealth(follower.topHeight(), stall.stalledMs()),
      job: idleMs <= gapMs ? "ok" : "there is no job to mine",
    };
  }

  async #look(): Promise<void> {
    const { minutes, desk } = this.#edge;
    const answers = await this.#modules.askDatabase().then(
      () => true,
      () => false,
    );
    const nowMs = this.#modules.clock.monotonicMs();
    const since = (holds: boolean, sinceMs: number | undefined) => (holds ? (sinceMs ?? nowMs) : undefined);
    this.#databaseSinceMs = since(answers, this.#databaseSinceMs);
    // The minute keeper's question goes to the same node, and its answer is forgotten after a minute.
    this.#nodeSinceMs = since(minutes.minute() !== undefined, this.#nodeSinceMs);
    this.#lostSinceMs = since(desk.stats()?.leaseHeld === false, this.#lostSinceMs);
  }

  /** Before the start nobody misses it, and while the edge stops it is closed on purpose. */
  #isClosed(): boolean {
    const { isListening, isStopping } = this.#edge;
    return isListening === false && !isStopping;
  }

  #isLeaseDead(): boolean {
    return !this.#edge.isStopping && this.#lasts(this.#lostSinceMs) && this.#lasts(this.#databaseSinceMs);
  }

  /** A round that takes long because the database or the node does not answer is none of its faults. */
  #isFollowerDead(): boolean {
    const stands = this.#edge.follower.sinceRoundMs() >= Math.max(PATIENCE_MS, this.#options.blockMs);
    return (
      !this.#edge.isStopping && stands && this.#lasts(this.#databaseSinceMs) && this.#lasts(this.#nodeSinceMs)
    );
  }

  #lasts(sinceMs: number | undefined): boolean {
    return sinceMs !== undefined && this.#modules.clock.monotonicMs() - sinceMs >= PATIENCE_MS;
  }
}

function chainHealth(height: number | undefined, stalledMs: number | undefined): string {
  if (height === undefined) return "factomd was not reached yet";
  if (stalledMs === undefined) return "ok";
  return `no block after ${height} for ${seconds(stalledMs)} s: see whether factomd follows its network`;
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
