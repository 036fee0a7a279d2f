/** The seats where edges run again and again: who ends is followed by the next on what it left, and of two edges with one identity one is retired at last. */

import type { Logger } from "../../../shared/logger.ts";
import { type MemoryDisk, memoryDisk } from "../../support/memory-disk.ts";
import type { ModelServer } from "../../support/model/server.ts";
import type { Plan } from "../../support/mutations/faults.ts";
import type { Chance } from "../../support/random.ts";
import type { SimChain } from "./chain.ts";
import { SimDisk } from "./disk.ts";
import { RESEND_MS, SimEdge, STOPPED } from "./edge.ts";
import type { DatabaseNetwork } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { judgePrices } from "./prices.ts";
import type { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";
import type { Trace } from "./trace.ts";
import type { Transport } from "./transport.ts";
import type { Violation } from "./violation.ts";

export interface Seat {
  readonly id: string;
  readonly place: number;
  edge: SimEdge;
  restarts: number;
}

export interface SeatsModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly chain: SimChain;
  readonly network: DatabaseNetwork;
  readonly server: ModelServer;
  readonly transport: Transport;
  readonly oracle: Oracle;
  readonly trace: Trace;
  readonly process: (name: string) => SimProcess;
  readonly logger: (process: SimProcess) => Logger;
  readonly guard: (work: () => void) => void;
  readonly fail: (violation: Violation) => void;
  /** A block was booked. */
  readonly onBlock: () => void;
}

export class Seats {
  readonly #plan: Plan;
  readonly #modules: SeatsModules;
  readonly #seats: Seat[] = [];
  #isHealing = false;
  /** Of two edges with one identity, the one that is stopped for good when all is mended. */
  #retired: Seat | undefined;

  constructor(plan: Plan, modules: SeatsModules) {
    this.#plan = plan;
    this.#modules = modules;
  }

  get all(): readonly Seat[] {
    return this.#seats;
  }

  /** Those that run. */
  edges(): SimEdge[] {
    return this.#seats.map(({ edge }) => edge).filter(({ process }) => process.alive);
  }

  /** Starts an edge of this identity on an empty disk, in a seat of its own. */
  take(identity: number): void {
    const id = String(identity + 1).repeat(32);
    const disk = memoryDisk(new Map([["/data/edge-id", new TextEncoder().encode(`${id}\n`)]]));
    const place = this.#seats.length;
    const seat: Seat = { id, place, edge: this.#newEdge({ id, place }, disk, 0, () => seat), restarts: 0 };
    this.#seats.push(seat);
    seat.edge.run();
  }

  /** Ends an edge's process and starts the next one on what it left. */
  kill(seat: Seat, kind: "kill" | "power", why: string): void {
    const { time, chance, oracle, trace } = this.#modules;
    const { edge } = seat;
    if (!edge.process.alive) return;
    trace.note(`${kind} ${edge.process.name} ${why}`);
    edge.process.kill();
    oracle.told.died(seat.id);
    edge.isUp = false;
    edge.cutLines();
    void edge.disk.abandon();
    if (this.#isRetired(edge)) {
      if (why === STOPPED) return;
      // Its journal may hold what nobody else has: it must come back, and is retired then.
      this.#retired = undefined;
      time.after(300, () => this.#retireTwin());
    }
    time.after(this.#isHealing ? 200 : chance.between(20, chance.hit(0.1) ? 60_000 : 4_000), () => {
      seat.restarts += 1;
      const disk = edge.disk.inner.afterCrash(kind, () => chance.unit());
      seat.edge = this.#newEdge(seat, disk, seat.restarts, () => seat);
      seat.edge.run();
    });
  }

  /** From here on no disk fails, and who ends comes back at once; a twin is retired. */
  heal(): void {
    this.#isHealing = true;
    for (const { edge } of this.#seats) {
      edge.disk.inner.capacity = Number.POSITIVE_INFINITY;
      edge.disk.killAt = Number.POSITIVE_INFINITY;
    }
    if (this.#plan.twins) this.#retireTwin();
  }

  /** Whether all are up, and the queue has what they made. */
  areServing(): boolean {
    return this.#seats.every(({ edge }) => isServing(edge));
  }

  /** Whether the books have confirmed all that edges have. */
  areDrained(): boolean {
    return this.#seats.every(({ edge }) => {
      if (!edge.process.alive) return this.#isRetired(edge);
      const outbox = edge.desk.stats()?.outbox;
      // A marker that the other of two twins contradicts is never confirmed.
      return edge.isUp && (this.#plan.twins ? outbox?.waiting === 0 : outbox?.unconfirmed === 0);
    });
  }

  /** Each edge's state, for people. */
  states(): string[] {
    return this.#seats.map(({ id, edge }) => {
      const stats = edge.desk.stats();
      return `${id.slice(0, 4)} alive=${edge.process.alive} up=${edge.isUp} outbox=${JSON.stringify(stats?.outbox)} lease=${stats?.leaseHeld} job=${stats?.currentJob}`;
    });
  }

  #newEdge(
    { id, place }: Pick<Seat, "id" | "place">,
    inner: MemoryDisk,
    restarts: number,
    seat: () => Seat,
  ): SimEdge {
    const { time, chance, chain, network, server, transport, oracle, guard, fail } = this.#modules;
    const process = this.#modules.process(`edge-${id.slice(0, 1)}.${restarts}`);
    const disk = new SimDisk({
      ...{ time, chance: chance.fork(), process, inner, syncMs: this.#plan.syncMs },
      onKillPoint: () => this.kill(seat(), "kill", "at an operation"),
    });
    return new SimEdge(
      id,
      { sessions: this.#plan.sessions, place, credit: this.#plan.credit, told: oracle.told },
      {
        ...{ time, chain, process, disk, network, server, guard, fail },
        chance: chance.fork(),
        queue: transport.sender(process),
        logger: this.#modules.logger(process),
        onEnd: (why) => this.kill(seat(), "kill", why),
        judgePrices: (ask) => judgePrices(ask, { server, guard }),
        onGranted: (prefix) => oracle.granted(prefix, this.#livePrefixes(seat().edge)),
        onTaken: (share) => oracle.hits.taken(share),
        onAccept: ({ desk }) => guard(() => oracle.acknowledges(id, desk.grant()?.slot)),
        onBlock: this.#modules.onBlock,
      },
    );
  }

  /** Those that sessions hold at edges that may acknowledge; none where the asking edge may not. */
  #livePrefixes(asking: SimEdge): number[] {
    const mayAcknowledge = ({ desk }: SimEdge): boolean => desk.stats()?.leaseHeld === true;
    if (!mayAcknowledge(asking)) return [];
    return this.edges()
      .filter(mayAcknowledge)
      .flatMap(({ desk }) => [...desk.held]);
  }

  #isRetired(edge: SimEdge): boolean {
    return this.#retired?.edge === edge;
  }

  #retireTwin(): void {
    const { time } = this.#modules;
    const twin = this.#seats[1];
    // Functions that were killed took messages with them: it must have had the time to send those again.
    const notBeforeMs = time.nowMs + 2 * RESEND_MS;
    const stop = (): void => {
      // It must first be up: what it has must reach the books. Then it hands over and ends.
      if (twin === undefined) return;
      const stats = twin.edge.desk.stats();
      const isUp = twin.edge.process.alive && twin.edge.isUp && time.nowMs >= notBeforeMs;
      const isDone = isUp && stats?.outbox.waiting === 0;
      if (!isDone) {
        time.after(300, stop);
        return;
      }
      this.#retired = twin;
      void twin.edge.stop(20_000);
    };
    stop();
  }
}

/** It may acknowledge, and the queue has what it made. */
function isServing({ isUp, desk }: SimEdge): boolean {
  const stats = desk.stats();
  return isUp && stats?.leaseHeld === true && stats.outbox.waiting === 0;
}
