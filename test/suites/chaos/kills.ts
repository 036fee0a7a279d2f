/** The kills of a run, drawn at random: which process, when, and how long it took to be ready again. */

import { sleep, systemClock } from "../../../shared/clock.ts";
import type { Chance } from "../../support/random.ts";
import type { Database } from "./database.ts";
import type { Findings } from "./findings.ts";
import { Part } from "./part.ts";
import type { Pool } from "./pool.ts";

type Kind = "edge" | "database" | "queue" | "functions";

export class Kills {
  /** Of edges; of each other part a sixth. */
  readonly #count: number;
  readonly #pool: Pool;
  readonly #chance: Chance;
  readonly #findings: Findings;
  /** Processes that were running and were killed. */
  readonly #killed = new Map<Kind, number>();
  readonly #recovered = new Map<Kind, number[]>();
  /** Kills of one part come one after the other. */
  readonly #turns = new Map<Part | Database, Promise<void>>();

  constructor(count: number, modules: { pool: Pool; chance: Chance; findings: Findings }) {
    this.#count = count;
    this.#pool = modules.pool;
    this.#chance = modules.chance;
    this.#findings = modules.findings;
  }

  /** Kills all, and waits until each is ready again. */
  async run(): Promise<void> {
    const chance = this.#chance;
    const kinds = this.#draw();
    const busy = new Set<Promise<void>>();
    for (const [index, kind] of kinds.entries()) {
      await sleep(systemClock, chance.between(50, 1_200));
      const work = this.#killOne(kind).catch(
        (error: unknown) => void this.#findings.problems.push(`${kind}: ${error}`),
      );
      busy.add(work);
      void work.then(() => busy.delete(work));
      // Most wait until the part is back; some fall into the recovery of another.
      if (kind === "edge" || chance.hit(0.6)) await work;
      if ((index + 1) % 25 === 0)
        console.log(
          `${index + 1} of ${kinds.length} kills; ${JSON.stringify(this.#findings.minersTell["totals"])}`,
        );
    }
    await Promise.all(busy);
  }

  /** A run that killed too little has shown nothing. */
  check(): void {
    const others = othersOf(this.#count);
    for (const [kind, asked] of [
      ["edge", this.#count],
      ...(["database", "queue", "functions"] as const).map((kind) => [kind, others] as const),
    ] as const)
      if ((this.#killed.get(kind) ?? 0) < asked)
        this.#findings.problems.push(`${kind} was killed ${this.#killed.get(kind) ?? 0} times, not ${asked}`);
  }

  printTable(): void {
    console.log("\nkilled       kills   came back   ready again in ms: median    p99     max");
    for (const [kind, times] of this.#recovered) {
      const sorted = [...times].sort((a, b) => a - b);
      const at = (part: number): string =>
        Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)
          .toString()
          .padStart(7);
      console.log(
        `${kind.padEnd(12)} ${String(this.#killed.get(kind) ?? 0).padStart(5)}   ${String(times.length).padStart(9)}   ${" ".repeat(17)}${at(0.5)} ${at(0.99)} ${at(1)}`,
      );
    }
  }

  /** Kinds in a random order. */
  #draw(): Kind[] {
    const others = othersOf(this.#count);
    const kinds: Kind[] = [
      ...Array<Kind>(this.#count).fill("edge"),
      ...(["database", "queue", "functions"] as const).flatMap((kind) => Array<Kind>(others).fill(kind)),
    ];
    return kinds
      .map((kind) => ({ kind, key: this.#chance.unit() }))
      .sort((a, b) => a.key - b.key)
      .map(({ kind }) => kind);
  }

  #killOne(kind: Kind): Promise<void> {
    const target = kind === "edge" ? this.#chance.pick(this.#pool.edges) : this.#pool[kind];
    const work = async (): Promise<void> =>
      target instanceof Part ? this.#killPart(kind, target) : this.#killDatabase(target);
    const turn = (this.#turns.get(target) ?? Promise.resolve()).then(work);
    this.#turns.set(
      target,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #killDatabase(database: Database): Promise<void> {
    const startMs = performance.now();
    await database.kill();
    this.#noteKill("database");
    await database.start();
    this.#noteRecovery("database", performance.now() - startMs);
  }

  async #killPart(kind: Kind, part: Part): Promise<void> {
    const chance = this.#chance;
    // It may have ended by itself: that is a problem of its own.
    if (!part.isRunning()) await part.start();
    if (await part.kill()) this.#noteKill(kind);
    await sleep(systemClock, chance.between(0, 400));
    if (chance.hit(0.2)) {
      const starting = part.start();
      await sleep(systemClock, chance.between(0, 900));
      // In the middle of its recovery, most times.
      if (await part.kill()) this.#noteKill(kind);
      await starting;
    }
    const started = await part.start();
    if (started !== undefined) this.#noteRecovery(kind, started.ms);
  }

  #noteKill(kind: Kind): void {
    this.#killed.set(kind, (this.#killed.get(kind) ?? 0) + 1);
  }

  #noteRecovery(kind: Kind, ms: number): void {
    this.#recovered.set(kind, [...(this.#recovered.get(kind) ?? []), ms]);
  }
}

/** A sixth as many of each other part as of edges. */
function othersOf(kills: number): number {
  return Math.max(1, Math.round(kills / 6));
}
