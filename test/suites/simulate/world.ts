/** Everything of one schedule: edges, functions, database, queue, chain and miners, and the hand that breaks them. */

import type { Logger } from "../../../shared/logger.ts";
import { ModelServer } from "../../support/model/server.ts";
import type { Plan } from "../../support/mutations/faults.ts";
import type { Chance } from "../../support/random.ts";
import { Breaker } from "./breaker.ts";
import { SimChain } from "./chain.ts";
import { Cheats } from "./cheats.ts";
import { BLOCK_MS, LATE_MS, RESEND_MS } from "./edge.ts";
import { FunctionHosts } from "./function-hosts.ts";
import { DEADLINE_MS } from "./functions.ts";
import { judgedLogger } from "./logs.ts";
import { Miners } from "./miners.ts";
import { DatabaseNetwork } from "./network.ts";
import { Office } from "./office.ts";
import { Oracle } from "./oracle.ts";
import { Paymaster } from "./paymaster.ts";
import { SimProcess, WALL_START_MS } from "./process.ts";
import { Seats } from "./seats.ts";
import { SimTime } from "./time.ts";
import { ToldLedger } from "./told.ts";
import { Trace } from "./trace.ts";
import { Transport } from "./transport.ts";
import { Violation } from "./violation.ts";

const USERS = ["ann", "bob", "cid"];
const CHEAT = "eve";
/** What is owed is found, sent, and sent again, within this time. */
const WHOLE_MS = 2 * RESEND_MS;

export class World {
  readonly time = new SimTime();
  readonly trace = new Trace();
  readonly server: ModelServer;
  readonly oracle: Oracle;
  readonly chain: SimChain;
  readonly #plan: Plan;
  readonly #chance: Chance;
  readonly #network: DatabaseNetwork;
  readonly #transport: Transport;
  readonly #miners: Miners;
  readonly #cheats: Cheats;
  readonly #office: Office;
  readonly #paymaster: Paymaster;
  readonly #seats: Seats;
  readonly #functions: FunctionHosts;
  readonly #breaker: Breaker;
  readonly #processes: SimProcess[] = [];
  #databaseOffsetMs = 0;
  #wholeSinceMs = Number.POSITIVE_INFINITY;
  #isHealing = false;
  violation: Violation | undefined;

  constructor(plan: Plan, chance: Chance) {
    this.#plan = plan;
    this.#chance = chance;
    const { time, trace } = this;
    const pauses = chance.fork();
    const server = new ModelServer({
      nowMs: () => WALL_START_MS + time.nowMs + this.#databaseOffsetMs,
      pause: () =>
        pauses.hit(0.3)
          ? new Promise((resolve) => time.after(pauses.between(0, plan.pauseMs), resolve))
          : Promise.resolve(),
    });
    this.server = server;
    for (const user of [...USERS, CHEAT]) server.tables.users.add(user);
    const told = new ToldLedger({ nowMs: () => time.nowMs, lateMs: LATE_MS, isStrict: !plan.twins });
    const oracle = new Oracle(
      {
        twins: plan.twins,
        credit: plan.credit,
        deadlineMs: DEADLINE_MS,
        trueMs: () => time.nowMs,
        databaseClockJumps: plan.faults.includes("database-clock-jump"),
      },
      { server, told, trace },
    );
    this.oracle = oracle;
    const chain = new SimChain(chance.fork(), plan.noReward);
    this.chain = chain;
    const network = new DatabaseNetwork(server, plan.slots, { time, chance: chance.fork() });
    this.#network = network;
    this.#transport = new Transport({
      ...{ time, chance: chance.fork() },
      consumers: () =>
        this.#functions.all
          .filter(({ process }) => process.alive && !process.paused)
          .map(({ queue }) => queue),
    });
    const guard = (work: () => void): void => this.#guard(work);
    const fail = (violation: Violation): void => this.fail(violation);
    const miners = {
      ...{ time, chance: chance.fork(), oracle, guard, process: this.#process("miners") },
      edges: () => this.#seats.edges(),
    };
    this.#miners = new Miners(plan.credit, miners);
    this.#cheats = new Cheats(this.#miners, { ...miners, chance: chance.fork() });
    this.#office = new Office({ time, chance: chance.fork(), network, server });
    this.#paymaster = new Paymaster({
      ...{ time, chance: chance.fork(), network, server, chain, fail },
      trace: (line) => trace.add(line),
    });
    this.#processes.push(this.#office.process, this.#paymaster.process);
    const hosting = {
      ...{ chance, chain, network, fail },
      process: (name: string) => this.#process(name),
      logger: (process: SimProcess): Logger =>
        judgedLogger(process, { mayAlarm: plan.twins }, { trace, guard }),
    };
    this.#functions = new FunctionHosts({
      ...hosting,
      onForced: (height) => guard(() => this.#forced(height)),
      mayConflict: plan.twins,
    });
    this.#seats = new Seats(plan, {
      ...{ ...hosting, time, server, oracle, trace, guard, transport: this.#transport },
      onBlock: () => this.#functions.seal(),
    });
    this.#breaker = new Breaker(plan, {
      ...{ time, chance, chain, network, server, trace, transport: this.#transport },
      ...{ seats: this.#seats, functions: this.#functions, miners: this.#miners, paymaster: this.#paymaster },
      processes: this.#processes,
      jumpDatabaseClock: (byMs) => {
        this.#databaseOffsetMs += byMs;
        oracle.deadlines.databaseClockJumped();
      },
    });
  }

  /** Starts all parts. */
  begin(): void {
    const { edges, functions, miners, cheats, everyMs, duplicates, lostAnswers, twins } = this.#plan;
    this.#transport.duplicates = duplicates;
    this.#transport.lostAnswers = lostAnswers;
    this.#network.lostReplies = lostAnswers / 3;
    for (let n = 0; n < functions; n++) this.#functions.start(n);
    for (let n = 0; n < edges; n++) this.#seats.take(twins ? Math.max(0, n - 1) : n);
    for (let n = 0; n < miners; n++) this.#miners.start(USERS[n % USERS.length] ?? "ann", `rig${n}`, everyMs);
    for (let n = 0; n < cheats; n++) this.#cheats.start(CHEAT, `rig${n}`, everyMs);
    this.#office.open();
    this.#paymaster.open();
    this.chain.advance();
    this.#advanceChain();
    this.#breaker.begin();
  }

  /** Mends all that is broken; from here on nothing more goes wrong, and nobody mines. */
  heal(): void {
    this.#isHealing = true;
    this.#miners.stop();
    this.#breaker.mend();
    this.#seats.heal();
  }

  /** Whether the books have all that edges have, and every job below the running one is sealed. */
  isDrained(): boolean {
    const { jobs, deltas } = this.server.tables;
    const top = Math.max(-1, ...jobs.keys());
    return (
      this.#seats.areDrained() &&
      this.oracle.credits.missing() === 0 &&
      [...jobs.values()].every(({ height, state }) => state === "sealed" || height >= top) &&
      ![...deltas.values()].some(({ into }) => into === null)
    );
  }

  /** What keeps it from being drained. */
  obstacle(): string {
    const jobs = this.server.tables.jobsInOrder().map(({ height, state }) => `${height} ${state}`);
    const missing = this.oracle.credits.missingShares().map((share) => `missing: ${share}`);
    return [...missing, ...this.#seats.states(), ...jobs, `top ${this.chain.top}`].join("; ");
  }

  /** I10: nothing grows without bound. */
  checkBounds(): void {
    this.#noteWhole();
    for (const edge of this.#seats.edges()) {
      const stats = edge.desk.stats();
      if (stats === undefined) continue;
      const { outbox, inFlight, journalBytes } = stats;
      if (outbox.bytes > 2_000_000 || inFlight > 2_000 || journalBytes > 5_000_000)
        throw new Violation(`I10: ${JSON.stringify({ outbox, inFlight, journalBytes })}`);
    }
  }

  fail(violation: Violation): void {
    this.violation ??= violation;
  }

  dispose(): void {
    for (const process of this.#processes) process.dispose();
  }

  /** Whether all edges are up, and have been for so long that the books have what these owe them. */
  #noteWhole(): void {
    const isWhole = this.#isHealing && this.#seats.areServing();
    this.#wholeSinceMs = isWhole ? Math.min(this.#wholeSinceMs, this.time.nowMs) : Number.POSITIVE_INFINITY;
  }

  /** Nobody needs the deadline then. */
  #forced(height: number): void {
    this.oracle.deadlines.forced(height);
    if (!this.#plan.twins && this.time.nowMs - this.#wholeSinceMs > WHOLE_MS)
      throw new Violation(
        `job ${height} was sealed by the deadline, though every edge is up: a marker is missing`,
      );
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.fail(error);
    }
  }

  #advanceChain(): void {
    const factor = this.#plan.faults.includes("quick-blocks") && this.#chance.hit(0.3) ? 0.2 : 1;
    this.time.after(BLOCK_MS * factor * this.#chance.between(0.8, 1.2), () => {
      if (!this.chain.isHeld) this.chain.advance();
      this.#advanceChain();
    });
  }

  #process(name: string): SimProcess {
    const process = new SimProcess(name, this.time);
    this.#processes.push(process);
    return process;
  }
}
