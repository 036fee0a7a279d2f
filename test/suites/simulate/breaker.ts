/** The hand that breaks the world: one drawn fault after the other, and what mends each. */

import type { ModelServer } from "../../support/model/server.ts";
import type { Fault, Plan } from "../../support/mutations/faults.ts";
import type { Chance } from "../../support/random.ts";
import type { SimChain } from "./chain.ts";
import type { SimEdge } from "./edge.ts";
import type { FunctionHosts } from "./function-hosts.ts";
import type { Miners } from "./miners.ts";
import type { DatabaseNetwork } from "./network.ts";
import type { Paymaster } from "./paymaster.ts";
import type { SimProcess } from "./process.ts";
import type { Seats } from "./seats.ts";
import type { SimTime } from "./time.ts";
import type { Trace } from "./trace.ts";
import type { Transport } from "./transport.ts";

const HOUR_MS = 3_600_000;
/** Edges and those that took their places. */
const MOST_SEATS = 5;
/** Operations of a disk that may fail once. */
const FAILING = ["append", "create", "rename", "remove", "syncFolder", "close", "truncate"] as const;

export interface BreakerModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly seats: Seats;
  readonly functions: FunctionHosts;
  readonly miners: Miners;
  readonly paymaster: Paymaster;
  readonly chain: SimChain;
  readonly network: DatabaseNetwork;
  readonly server: ModelServer;
  readonly transport: Transport;
  readonly trace: Trace;
  /** All that were ever started. */
  readonly processes: readonly SimProcess[];
  readonly jumpDatabaseClock: (byMs: number) => void;
}

export class Breaker {
  readonly #plan: Plan;
  readonly #modules: BreakerModules;
  #isOver = false;

  constructor(plan: Plan, modules: BreakerModules) {
    this.#plan = plan;
    this.#modules = modules;
  }

  /** From now on something breaks now and then. */
  begin(): void {
    const { time, chance } = this.#modules;
    const { faults, faultEveryMs } = this.#plan;
    if (faults.length === 0) return;
    time.after(chance.between(0.1, 2) * faultEveryMs, () => {
      if (this.#isOver) return;
      this.#break(chance.pick(faults));
      this.begin();
    });
  }

  /** Mends all that is broken outside the edges' disks; from here on nothing more goes wrong. */
  mend(): void {
    this.#isOver = true;
    const { chain, network, transport, seats, processes } = this.#modules;
    network.isAway = false;
    // Those that were replaced want to end their work too.
    network.slots = seats.all.length;
    network.lostReplies = 0;
    transport.isAway = false;
    transport.lostAnswers = 0;
    transport.delayMs = 20;
    chain.isHeld = false;
    chain.nodeAway = false;
    chain.pricesAway = false;
    chain.isSaving = false;
    chain.gradeMs = 0;
    for (const process of processes) if (process.paused) process.resume();
  }

  #break(fault: Fault): void {
    const { time, chance, seats, functions, miners, paymaster, chain, network, server, transport } =
      this.#modules;
    const seat = chance.pick(seats.all);
    const { edge } = seat;
    const { inner } = edge.disk;
    const forMs = chance.pick([500, 3_000, 12_000, 45_000]);
    this.#modules.trace.note(`fault ${fault} ${edge.process.name} ${forMs}`);
    const later = (mend: () => void): void => {
      time.after(chance.between(0.5, 1) * forMs, mend);
    };
    const breaks: Record<Fault, () => unknown> = {
      "kill-edge": () => seats.kill(seat, "kill", "now"),
      "kill-edge-at-operation": () => {
        edge.disk.killAt = chance.whole(1, 40);
      },
      "power-cut": () => seats.kill(seat, "power", "now"),
      "disk-full": () => {
        const used = [...inner.files().values()].reduce((sum, { length }) => sum + length, 0);
        inner.capacity = used + chance.whole(0, 400);
        later(() => {
          inner.capacity = Number.POSITIVE_INFINITY;
        });
      },
      "failing-sync": () => inner.failNext("sync"),
      "failing-disk": () => inner.failNext(chance.pick(FAILING)),
      "pause-edge": () => pause(edge.process, later),
      "stop-edge": () => {
        if (edge.isUp && edge.process.alive) void edge.stop(chance.between(0, 5_000));
      },
      "kill-functions": () => {
        const place = chance.whole(0, functions.all.length - 1);
        functions.all[place]?.process.kill();
        time.after(chance.between(10, 3_000), () => functions.start(place));
      },
      "pause-functions": () => pause(chance.pick(functions.all).process, later),
      "database-away": () => {
        network.isAway = true;
        later(() => {
          network.isAway = false;
        });
      },
      "database-crash": () => {
        network.isAway = true;
        server.crash();
        time.after(chance.between(100, 3_000), () => {
          network.isAway = false;
        });
      },
      "queue-away": () => {
        transport.isAway = true;
        later(() => {
          transport.isAway = false;
        });
      },
      "slow-queue": () => {
        transport.delayMs = chance.pick([500, 5_000, 40_000]);
        later(() => {
          transport.delayMs = 20;
        });
      },
      "wall-clock-jump": () => {
        const process = chance.pick([edge.process, chance.pick(functions.all).process]);
        process.wallOffsetMs = chance.between(-2 * HOUR_MS, 2 * HOUR_MS);
      },
      "database-clock-jump": () => this.#modules.jumpDatabaseClock(chance.between(-2 * HOUR_MS, 2 * HOUR_MS)),
      "stalled-chain": () => {
        chain.isHeld = true;
        later(() => {
          chain.isHeld = false;
        });
      },
      "quick-blocks": () => chain.advance(),
      "node-away": () => {
        chain.nodeAway = true;
        later(() => {
          chain.nodeAway = false;
        });
      },
      "replace-edge": () => this.#replace(edge),
      "tampered-payout-file": () => paymaster.tamper(),
      "restored-database": () => paymaster.restore(),
      "cut-lines": () => edge.cutLines(),
      "stuck-miner": () => miners.stickOne(later),
      "slow-grading": () => {
        chain.gradeMs = forMs / 2;
        later(() => {
          chain.gradeMs = 0;
        });
      },
      "false-saving": () => {
        chain.isSaving = true;
        later(() => {
          chain.isSaving = false;
        });
      },
      "no-prices": () => {
        chain.pricesAway = true;
        later(() => {
          chain.pricesAway = false;
        });
      },
    };
    breaks[fault]();
  }

  /** A host that nobody hears of any more: another edge takes its place, and its slot as soon as that is free; then it comes back. */
  #replace({ process }: SimEdge): void {
    const { time, chance, seats } = this.#modules;
    const { twins, faults } = this.#plan;
    // A lease is as good as the database's clock: where that jumps, two edges may hold one slot for a while, as twins do.
    if (twins || faults.includes("database-clock-jump") || seats.all.length >= MOST_SEATS) return;
    pause(process, (resume) => time.after(chance.between(30_000, 60_000), resume));
    seats.take(seats.all.length);
  }
}

function pause(process: SimProcess, later: (mend: () => void) => void): void {
  if (process.paused) return;
  process.pause();
  later(() => process.resume());
}
