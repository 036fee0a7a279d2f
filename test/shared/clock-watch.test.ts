import { describe, expect, it } from "vitest";
import { createClockWatch, watchClocks } from "../../shared/clock-watch.ts";
import { SILENT } from "../../shared/logger.ts";
import { createTestDatabase } from "../support/database.ts";

describe("the watch over clocks", () => {
  it("alarms on a jump of the wall clock, either way, once each, and on nothing else", async () => {
    const database = await createTestDatabase();
    let wallJumpMs = 0;
    const said: unknown[] = [];
    const clock = {
      wallMs: () => Date.now() + wallJumpMs,
      monotonicMs: () => performance.now(),
      after: () => ({ stop: () => undefined }),
    };
    const logger = { ...SILENT, error: (...line: unknown[]) => void said.push(line) };
    const watch = createClockWatch({ db: database.db, clock, logger });

    const calm = [await watch.look(), await watch.look()];
    wallJumpMs = 7_200_000;
    const ahead = await watch.look();
    const after = await watch.look();
    wallJumpMs = -7_200_000;
    const back = await watch.look();
    await database.drop();

    expect(calm).toEqual([[], []]);
    expect(ahead.map(({ clock: which, byMs }) => [which, Math.round(byMs / 60_000)])).toEqual([
      ["process", 120],
    ]);
    expect(after).toEqual([]);
    expect(back.map(({ clock: which, byMs }) => [which, Math.round(byMs / 60_000)])).toEqual([
      ["process", -240],
    ]);
    expect(said).toHaveLength(2);
  });

  it("goes on by itself until it is stopped, also while the database is away", async () => {
    const database = await createTestDatabase();
    const waiting: (() => void)[] = [];
    let wallJumpMs = 0;
    let isAway = false;
    const said: unknown[] = [];
    const stop = new AbortController();
    const done = watchClocks({
      db: {
        ...database.db,
        query: (...args) => (isAway ? Promise.reject(new Error("away")) : database.db.query(...args)),
      },
      clock: {
        wallMs: () => Date.now() + wallJumpMs,
        monotonicMs: () => performance.now(),
        after: (_, fn) => {
          waiting.push(fn);
          return { stop: () => undefined };
        },
      },
      logger: { ...SILENT, error: (...line: unknown[]) => void said.push(line) },
      signal: stop.signal,
    });
    const look = async (): Promise<void> => {
      await expect.poll(() => waiting).toHaveLength(1);
      waiting.pop()?.();
      await expect.poll(() => waiting).toHaveLength(1);
    };

    await look();
    isAway = true;
    await look();
    isAway = false;
    wallJumpMs = 7_200_000;
    await look();
    stop.abort();
    await done;
    await database.drop();

    expect(said).toHaveLength(1);
  });

  it("knows a jump of the database's clock from one of its own", async () => {
    const database = await createTestDatabase();
    // Both clocks of this process run two hours ahead at once: against them the database's went back.
    let suspendedMs = 0;
    const clock = {
      wallMs: () => Date.now() + suspendedMs,
      monotonicMs: () => performance.now() + suspendedMs,
      after: () => ({ stop: () => undefined }),
    };
    const watch = createClockWatch({ db: database.db, clock, logger: SILENT });
    await watch.look();
    suspendedMs = 7_200_000;
    const jumps = await watch.look();
    await database.drop();

    expect(jumps.map(({ clock: which, byMs }) => [which, Math.round(byMs / 60_000)])).toEqual([
      ["database", -120],
    ]);
  });
});
