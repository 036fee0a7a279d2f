/** Everything of one schedule: edges, functions, database, queue, chain and miners, and the hand that breaks them. */

import type { NewestPrices } from "../../../edge/chain/next-job.ts";
import type { Logger } from "../../../shared/logger.ts";
import { type MemoryDisk, memoryDisk } from "../../support/memory-disk.ts";
import { ModelServer } from "../../support/model/server.ts";
import type { Fault, Plan } from "../../support/mutations/faults.ts";
import type { Chance } from "../../support/random.ts";
import { SimChain } from "./chain.ts";
import { Cheats } from "./cheats.ts";
import { SimDisk } from "./disk.ts";
import { BLOCK_MS, LATE_MS, RESEND_MS, SimEdge, STOPPED } from "./edge.ts";
import { DEADLINE_MS, SimFunctions } from "./functions.ts";
import { Miners } from "./miners.ts";
import { DatabaseNetwork } from "./network.ts";
import { Office } from "./office.ts";
import { Oracle } from "./oracle.ts";
import { Paymaster } from "./paymaster.ts";
import { SimProcess } from "./process.ts";
import { SimTime } from "./time.ts";
import { ToldLedger } from "./told.ts";
import { Transport } from "./transport.ts";
import { Violation } from "./violation.ts";

const USERS = ["ann", "bob", "cid"];
const CHEAT = "eve";
const WALL_START_MS = 1_600_000_000_000;
const HOUR_MS = 3_600_000;
/** What is owed is found, sent, and sent again, within this time. */
const WHOLE_MS = 2 * RESEND_MS;
/** Edges and those that took their places. */
const MOST_SEATS = 5;
/** Operations of a disk that may fail once. */
const FAILING = ["append", "create", "rename", "remove", "syncFolder", "close", "truncate"] as const;
/** Log lines that tell of a fault of ours, not of the world. */
const ALARMS = [
  "A delta lies above its edge's close marker; it is credited",
  "A message failed too often and is now a dead letter",
  "A share could not be judged",
  "A request failed",
];

/** A place where an edge runs again and again. */
interface Seat {
  readonly id: string;
  readonly place: number;
  edge: SimEdge;
  restarts: number;
}

export class World {
  readonly time = new SimTime();
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
  readonly #seats: Seat[] = [];
  readonly #functions: SimFunctions[] = [];
  readonly #processes: SimProcess[] = [];
  #databaseOffsetMs = 0;
  #wholeSinceMs = Number.POSITIVE_INFINITY;
  #isHealing = false;
  #chainHeld = false;
  violation: Violation | undefined;

  constructor(plan: Plan, chance: Chance) {
    this.#plan = plan;
    this.#chance = chance;
    const { time } = this;
    const pauses = chance.fork();
    this.server = new ModelServer({
      nowMs: () => WALL_START_MS + time.nowMs + this.#databaseOffsetMs,
      pause: () =>
        pauses.hit(0.3)
          ? new Promise((resolve) => time.after(pauses.between(0, plan.pauseMs), resolve))
          : Promise.resolve(),
    });
    for (const user of [...USERS, CHEAT]) this.server.tables.users.add(user);
    this.oracle = new Oracle(
      {
        twins: plan.twins,
        credit: plan.credit,
        deadlineMs: DEADLINE_MS,
        trueMs: () => time.nowMs,
        databaseClockJumps: plan.faults.includes("database-clock-jump"),
      },
      this.server,
      new ToldLedger({ nowMs: () => time.nowMs, lateMs: LATE_MS, isStrict: !plan.twins }),
    );
    this.chain = new SimChain(chance.fork(), plan.noReward);
    this.#network = new DatabaseNetwork(this.server, plan.slots, { time, chance: chance.fork() });
    this.#transport = new Transport({
      ...{ time, chance: chance.fork() },
      consumers: () =>
        this.#functions.filter(({ process }) => process.alive && !process.paused).map(({ queue }) => queue),
    });
    const miners = {
      ...{ time, chance: chance.fork(), oracle: this.oracle, process: this.#process("miners") },
      edges: () => this.#edges(),
      guard: (work: () => void) => this.#guard(work),
    };
    this.#miners = new Miners(plan.credit, miners);
    this.#cheats = new Cheats(this.#miners, { ...miners, chance: chance.fork() });
    this.#office = new Office({ time, chance: chance.fork(), network: this.#network, server: this.server });
    this.#paymaster = new Paymaster({
      ...{ time, chance: chance.fork(), network: this.#network, server: this.server, chain: this.chain },
      trace: (line) => this.oracle.trace(line),
      fail: (violation) => this.fail(violation),
    });
    this.#processes.push(this.#office.process, this.#paymaster.process);
  }

  /** Starts all parts. */
  begin(): void {
    const { edges, functions, miners, cheats, everyMs, duplicates, lostAnswers, faults, faultEveryMs } =
      this.#plan;
    this.#transport.duplicates = duplicates;
    this.#transport.lostAnswers = lostAnswers;
    this.#network.lostReplies = lostAnswers / 3;
    for (let n = 0; n < functions; n++) this.#startFunctions(n);
    for (let n = 0; n < edges; n++) this.#seat(this.#plan.twins ? Math.max(0, n - 1) : n);
    for (let n = 0; n < miners; n++) this.#miners.start(USERS[n % USERS.length] ?? "ann", `rig${n}`, everyMs);
    for (let n = 0; n < cheats; n++) this.#cheats.start(CHEAT, `rig${n}`, everyMs);
    this.#office.open();
    this.#paymaster.open();
    this.chain.advance();
    this.#advanceChain();
    if (faults.length > 0) this.#breakLater(faultEveryMs);
  }

  /** Mends all that is broken; from here on nothing more goes wrong, and nobody mines. */
  heal(): void {
    this.#isHealing = true;
    this.#chainHeld = false;
    this.#miners.stop();
    this.#mendDatabase();
    // Those that were replaced want to end their work too.
    this.#network.slots = this.#seats.length;
    this.#network.lostReplies = 0;
    this.#transport.isAway = false;
    this.#transport.lostAnswers = 0;
    this.#transport.delayMs = 20;
    this.chain.nodeAway = false;
    this.chain.pricesAway = false;
    this.chain.isSaving = false;
    this.chain.gradeMs = 0;
    for (const process of this.#processes) if (process.paused) process.resume();
    for (const { edge } of this.#seats) {
      edge.disk.inner.capacity = Number.POSITIVE_INFINITY;
      edge.disk.killAt = Number.POSITIVE_INFINITY;
    }
    if (this.#plan.twins) this.#retireTwin();
  }

  /** Whether the books have all that edges have, and every job below the running one is sealed. */
  isDrained(): boolean {
    const edges = this.#seats.map(({ edge }) => edge);
    const isQuiet = (edge: SimEdge): boolean => {
      if (!edge.process.alive) return this.#isRetired(edge);
      const outbox = edge.desk.stats()?.outbox;
      // A marker that the other of two twins contradicts is never confirmed.
      return edge.isUp && (this.#plan.twins ? outbox?.waiting === 0 : outbox?.unconfirmed === 0);
    };
    const { jobs, deltas } = this.server.tables;
    const top = Math.max(-1, ...jobs.keys());
    return (
      edges.every(isQuiet) &&
      this.oracle.missing() === 0 &&
      [...jobs.values()].every(({ height, state }) => state === "sealed" || height >= top) &&
      ![...deltas.values()].some(({ into }) => into === null)
    );
  }

  /** What keeps it from being drained. */
  obstacle(): string {
    const edges = this.#seats.map(({ id, edge }) => {
      const stats = edge.desk.stats();
      return `${id.slice(0, 4)} alive=${edge.process.alive} up=${edge.isUp} outbox=${JSON.stringify(stats?.outbox)} lease=${stats?.leaseHeld} job=${stats?.currentJob}`;
    });
    const jobs = this.server.tables.jobsInOrder().map(({ height, state }) => `${height} ${state}`);
    const missing = this.oracle.missingShares().map((share) => `missing: ${share}`);
    return [...missing, ...edges, ...jobs, `top ${this.chain.top}`].join("; ");
  }

  /** Whether all edges are up, and have been for so long that the books have what these owe them. */
  #noteWhole(): void {
    const isWhole = this.#isHealing && this.#seats.every(({ edge }) => isServing(edge));
    this.#wholeSinceMs = isWhole ? Math.min(this.#wholeSinceMs, this.time.nowMs) : Number.POSITIVE_INFINITY;
  }

  /** Nobody needs the deadline then. */
  #forced(height: number): void {
    this.oracle.forced(height);
    if (!this.#plan.twins && this.time.nowMs - this.#wholeSinceMs > WHOLE_MS)
      throw new Violation(
        `job ${height} was sealed by the deadline, though every edge is up: a marker is missing`,
      );
  }

  /** I10: nothing grows without bound. */
  checkBounds(): void {
    this.#noteWhole();
    for (const edge of this.#edges()) {
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

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.fail(error);
    }
  }

  #edges(): SimEdge[] {
    return this.#seats.map(({ edge }) => edge).filter(({ process }) => process.alive);
  }

  #advanceChain(): void {
    const factor = this.#plan.faults.includes("quick-blocks") && this.#chance.hit(0.3) ? 0.2 : 1;
    this.time.after(BLOCK_MS * factor * this.#chance.between(0.8, 1.2), () => {
      if (!this.#chainHeld) this.chain.advance();
      this.#advanceChain();
    });
  }

  // Processes -----------------------------------------------------------------

  #logger(process: SimProcess): Logger {
    const say =
      (level: string) =>
      (message: string, data?: Record<string, unknown>): void =>
        this.#guard(() => {
          const line = `${process.name} ${level} ${message} ${data === undefined ? "" : JSON.stringify(data, plainError)}`;
          this.oracle.trace(line);
          this.oracle.logged(line);
          if (ALARMS.includes(message) && !this.#plan.twins)
            throw new Violation(`an alarm: ${line.slice(0, 500)}`);
          if (line.includes("seal-mismatch"))
            throw new Violation(`a seal that does not agree: ${line.slice(0, 500)}`);
        });
    return { debug: () => undefined, info: say("info"), warn: say("warn"), error: say("error") };
  }

  #process(name: string): SimProcess {
    const process = new SimProcess(name, this.time);
    this.#processes.push(process);
    return process;
  }

  #startFunctions(place: number): void {
    const process = this.#process(`functions-${place}`);
    const functions = new SimFunctions({
      ...{ process, network: this.#network, chance: this.#chance.fork(), logger: this.#logger(process) },
      chain: this.chain,
      onForced: (height) => this.#guard(() => this.#forced(height)),
      mayConflict: this.#plan.twins,
      fail: (violation) => this.fail(violation),
    });
    this.#functions[place] = functions;
    functions.run();
  }

  #seat(identity: number): void {
    const id = String(identity + 1).repeat(32);
    const disk = memoryDisk(new Map([["/data/edge-id", new TextEncoder().encode(`${id}\n`)]]));
    const place = this.#seats.length;
    const seat: Seat = { id, place, edge: this.#newEdge({ id, place }, disk, 0, () => seat), restarts: 0 };
    this.#seats.push(seat);
    seat.edge.run();
  }

  #newEdge(
    { id, place }: Pick<Seat, "id" | "place">,
    inner: MemoryDisk,
    restarts: number,
    seat: () => Seat,
  ): SimEdge {
    const { time, chain } = this;
    const process = this.#process(`edge-${id.slice(0, 1)}.${restarts}`);
    const disk = new SimDisk({
      ...{ time, chance: this.#chance.fork(), process, inner, syncMs: this.#plan.syncMs },
      onKillPoint: () => this.#kill(seat(), "kill", "at an operation"),
    });
    return new SimEdge(
      id,
      { sessions: this.#plan.sessions, place, credit: this.#plan.credit, told: this.oracle.told },
      {
        ...{ time, chain, process, disk, network: this.#network, server: this.server },
        chance: this.#chance.fork(),
        queue: this.#transport.sender(process),
        logger: this.#logger(process),
        onEnd: (why) => this.#kill(seat(), "kill", why),
        fail: (violation) => this.fail(violation),
        judgePrices: (ask) => this.#judgePrices(ask),
        onGranted: (prefix) => this.oracle.granted(prefix, this.#livePrefixes(seat().edge)),
        guard: (work) => this.#guard(work),
        onTaken: (share) => this.oracle.hits.taken(share),
        onAccept: ({ desk }) => this.#guard(() => this.oracle.acknowledges(id, desk.grant()?.slot)),
        onBlock: () => {
          for (const functions of this.#functions) if (functions.process.alive) functions.seal();
        },
      },
    );
  }

  /** A job's prices are the newest by sequence, and not from the future. */
  async #judgePrices(ask: () => Promise<NewestPrices>): Promise<NewestPrices> {
    const newest = this.server.tables.prices.at(-1)?.id ?? 0n;
    const beforeMs = this.server.nowMs();
    const row = await ask();
    const madeAtMs = this.server.tables.prices.find(({ id }) => id === row.id)?.madeAtMs ?? 0;
    this.#guard(() => {
      if (row.id < newest)
        throw new Violation(`a job is made of price row ${row.id}, though ${newest} was there`);
      if (madeAtMs > Math.max(beforeMs, this.server.nowMs()) + 6_000)
        throw new Violation(`a job is made of price row ${row.id}, which is from the future`);
    });
    return row;
  }

  /** Those that sessions hold at edges that may acknowledge; none where the asking edge may not. */
  #livePrefixes(asking: SimEdge): number[] {
    const mayAcknowledge = ({ desk }: SimEdge): boolean => desk.stats()?.leaseHeld === true;
    if (!mayAcknowledge(asking)) return [];
    return this.#edges()
      .filter(mayAcknowledge)
      .flatMap(({ desk }) => [...desk.held]);
  }

  /** Ends an edge's process and starts the next one on what it left. */
  #kill(seat: Seat, kind: "kill" | "power", why: string): void {
    const { edge } = seat;
    if (!edge.process.alive) return;
    this.#note(`${kind} ${edge.process.name} ${why}`);
    edge.process.kill();
    this.oracle.told.died(seat.id);
    edge.isUp = false;
    edge.cutLines();
    void edge.disk.abandon();
    if (this.#isRetired(edge)) {
      if (why === STOPPED) return;
      // Its journal may hold what nobody else has: it must come back, and is retired then.
      this.#retired = undefined;
      this.time.after(300, () => this.#retireTwin());
    }
    this.time.after(
      this.#isHealing ? 200 : this.#chance.between(20, this.#chance.hit(0.1) ? 60_000 : 4_000),
      () => {
        seat.restarts += 1;
        const disk = edge.disk.inner.afterCrash(kind, () => this.#chance.unit());
        seat.edge = this.#newEdge(seat, disk, seat.restarts, () => seat);
        seat.edge.run();
      },
    );
  }

  /** Of two edges with one identity, the one that is stopped for good when all is mended. */
  #retired: Seat | undefined;

  #isRetired(edge: SimEdge): boolean {
    return this.#retired?.edge === edge;
  }

  #retireTwin(): void {
    const twin = this.#seats[1];
    // Functions that were killed took messages with them: it must have had the time to send those again.
    const notBeforeMs = this.time.nowMs + 2 * RESEND_MS;
    const stop = (): void => {
      // It must first be up: what it has must reach the books. Then it hands over and ends.
      if (twin === undefined) return;
      const stats = twin.edge.desk.stats();
      const isUp = twin.edge.process.alive && twin.edge.isUp && this.time.nowMs >= notBeforeMs;
      const isDone = isUp && stats?.outbox.waiting === 0;
      if (!isDone) {
        this.time.after(300, stop);
        return;
      }
      this.#retired = twin;
      void twin.edge.stop(20_000);
    };
    stop();
  }

  // Faults --------------------------------------------------------------------

  #note(text: string): void {
    this.oracle.trace(`* ${text}`);
  }

  #breakLater(everyMs: number): void {
    this.time.after(this.#chance.between(0.1, 2) * everyMs, () => {
      if (this.#isHealing) return;
      this.#break(this.#chance.pick(this.#plan.faults));
      this.#breakLater(everyMs);
    });
  }

  #break(fault: Fault): void {
    const chance = this.#chance;
    const seat = chance.pick(this.#seats);
    const { edge } = seat;
    const { inner } = edge.disk;
    const forMs = chance.pick([500, 3_000, 12_000, 45_000]);
    this.#note(`fault ${fault} ${edge.process.name} ${forMs}`);
    const later = (mend: () => void): void => {
      this.time.after(chance.between(0.5, 1) * forMs, mend);
    };
    const breaks: Record<Fault, () => unknown> = {
      "kill-edge": () => this.#kill(seat, "kill", "now"),
      "kill-edge-at-operation": () => {
        edge.disk.killAt = chance.whole(1, 40);
      },
      "power-cut": () => this.#kill(seat, "power", "now"),
      "disk-full": () => {
        const used = [...inner.files().values()].reduce((sum, { length }) => sum + length, 0);
        inner.capacity = used + chance.whole(0, 400);
        later(() => {
          inner.capacity = Number.POSITIVE_INFINITY;
        });
      },
      "failing-sync": () => inner.failNext("sync"),
      "failing-disk": () => inner.failNext(chance.pick(FAILING)),
      "pause-edge": () => this.#pause(edge.process, later),
      "stop-edge": () => {
        if (edge.isUp && edge.process.alive) void edge.stop(chance.between(0, 5_000));
      },
      "kill-functions": () => {
        const place = chance.whole(0, this.#functions.length - 1);
        this.#functions[place]?.process.kill();
        this.time.after(chance.between(10, 3_000), () => this.#startFunctions(place));
      },
      "pause-functions": () => this.#pause(chance.pick(this.#functions).process, later),
      "database-away": () => {
        this.#network.isAway = true;
        later(() => this.#mendDatabase());
      },
      "database-crash": () => {
        this.#network.isAway = true;
        this.server.crash();
        this.time.after(chance.between(100, 3_000), () => this.#mendDatabase());
      },
      "queue-away": () => {
        this.#transport.isAway = true;
        later(() => {
          this.#transport.isAway = false;
        });
      },
      "slow-queue": () => {
        this.#transport.delayMs = chance.pick([500, 5_000, 40_000]);
        later(() => {
          this.#transport.delayMs = 20;
        });
      },
      "wall-clock-jump": () => {
        const process = chance.pick([edge.process, chance.pick(this.#functions).process]);
        process.wallOffsetMs = chance.between(-2 * HOUR_MS, 2 * HOUR_MS);
      },
      "database-clock-jump": () => {
        this.#databaseOffsetMs += chance.between(-2 * HOUR_MS, 2 * HOUR_MS);
        this.oracle.databaseClockJumped();
      },
      "stalled-chain": () => {
        this.#chainHeld = true;
        later(() => {
          this.#chainHeld = false;
        });
      },
      "quick-blocks": () => this.chain.advance(),
      "node-away": () => {
        this.chain.nodeAway = true;
        later(() => {
          this.chain.nodeAway = false;
        });
      },
      "replace-edge": () => this.#replace(edge),
      "tampered-payout-file": () => this.#paymaster.tamper(),
      "restored-database": () => this.#paymaster.restore(),
      "cut-lines": () => edge.cutLines(),
      "stuck-miner": () => this.#miners.stickOne(later),
      "slow-grading": () => {
        this.chain.gradeMs = forMs / 2;
        later(() => {
          this.chain.gradeMs = 0;
        });
      },
      "false-saving": () => {
        this.chain.isSaving = true;
        later(() => {
          this.chain.isSaving = false;
        });
      },
      "no-prices": () => {
        this.chain.pricesAway = true;
        later(() => {
          this.chain.pricesAway = false;
        });
      },
    };
    breaks[fault]();
  }

  /** A host that nobody hears of any more: another edge takes its place, and its slot as soon as that is free; then it comes back. */
  #replace({ process }: SimEdge): void {
    const { twins, faults } = this.#plan;
    // A lease is as good as the database's clock: where that jumps, two edges may hold one slot for a while, as twins do.
    if (twins || faults.includes("database-clock-jump") || this.#seats.length >= MOST_SEATS) return;
    this.#pause(process, (resume) => this.time.after(this.#chance.between(30_000, 60_000), resume));
    this.#seat(this.#seats.length);
  }

  #pause(process: SimProcess, later: (mend: () => void) => void): void {
    if (process.paused) return;
    process.pause();
    later(() => process.resume());
  }

  #mendDatabase(): void {
    this.#network.isAway = false;
  }
}

/** It may acknowledge, and the queue has what it made. */
function isServing({ isUp, desk }: SimEdge): boolean {
  const stats = desk.stats();
  return isUp && stats?.leaseHeld === true && stats.outbox.waiting === 0;
}

function plainError(_key: string, value: unknown): unknown {
  if (value instanceof Error)
    return { message: value.message, code: "code" in value ? value.code : undefined };
  return typeof value === "bigint" ? value.toString() : value;
}
