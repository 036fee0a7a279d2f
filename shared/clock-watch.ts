/** Detects jumps of this process's wall clock and of the database's. No part may compute durations from these two (docs/decisions/clocks.md). */

import type { Clock } from "./clock.ts";
import { databaseMs } from "./db/database-clock.ts";
import type { Db } from "./db/port.ts";
import type { Logger } from "./logger.ts";
import { runEvery } from "./run-every.ts";

/** `process`: this process's wall clock; `database`: its server's clock. `byMs` > 0: it jumped forward. */
export interface ClockJump {
  readonly clock: "process" | "database";
  readonly byMs: number;
}

/** Time services slew smaller errors; larger ones are steps. */
const JUMP_MS = 10_000;
const LOOK_MS = 5_000;
const ADVICE =
  "check the time service of that host (or it was suspended); no money rests on this clock, see docs/decisions/clocks.md";

export interface ClockWatch {
  /** Reads all clocks and returns those that jumped since the last look; each one is an alarm. Rejects when the database does. */
  look(): Promise<ClockJump[]>;
}

/** Keep it as long as the process lives: the monotonic clock tells how much time should have passed. */
export function createClockWatch(modules: {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
}): ClockWatch {
  const { db, clock, logger } = modules;
  let last: Readings | undefined;
  return {
    async look() {
      const now = await read(db, clock);
      const before = last;
      last = now;
      if (before === undefined) return [];
      const jumps = jumpsBetween(before, now);
      for (const { clock: which, byMs } of jumps)
        logger.error("A clock has jumped", {
          clock: which,
          seconds: Math.round(byMs / 1000),
          advice: ADVICE,
        });
      return jumps;
    },
  };
}

/** Looks every 5 s until `signal` aborts. Another part reports a database that does not answer. */
export function watchClocks(modules: {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const watch = createClockWatch(modules);
  const run = (): Promise<unknown> => watch.look().catch(() => undefined);
  return runEvery({ name: "clocks", everyMs: LOOK_MS, run }, modules);
}

interface Readings {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly databaseMs: number;
  /** How long the database took to answer: its reading is from some moment of this time. */
  readonly tookMs: number;
}

async function read(db: Db, clock: Clock): Promise<Readings> {
  const startMs = clock.monotonicMs();
  const told = await databaseMs(db);
  const monotonicMs = clock.monotonicMs();
  return { monotonicMs, wallMs: clock.wallMs(), databaseMs: told, tookMs: monotonicMs - startMs };
}

function jumpsBetween(before: Readings, now: Readings): ClockJump[] {
  const passedMs = now.monotonicMs - before.monotonicMs;
  const uncertainMs = before.tookMs + now.tookMs;
  const jumps: ClockJump[] = [
    { clock: "process", byMs: now.wallMs - before.wallMs - passedMs },
    { clock: "database", byMs: now.databaseMs - before.databaseMs - passedMs },
  ];
  return jumps.filter(
    ({ clock, byMs }) => Math.abs(byMs) > JUMP_MS + (clock === "database" ? uncertainMs : 0),
  );
}
