/** What an edge writes for pages elsewhere: of pages that are open, once a second, and nothing of what nobody waits for. */

import { describe, expect, it } from "vitest";
import { MOST_ROWS, PageSightings } from "../../edge/page-sightings.ts";
import { Sightings } from "../../edge/stratum/sightings.ts";
import type { SightingsRow } from "../../shared/db/connect-watches.ts";
import { SILENT } from "../../shared/logger.ts";
import type { SightedBy } from "../../shared/messages/sighted.ts";
import { manualClock } from "../support/manual-clock.ts";

const CODE = "ABCDEFGHIJKLMNOP";
const PLACE = "192.0.2.7";

function scene() {
  const clock = manualClock(1_000_000);
  const sightings = new Sightings(clock);
  const written: (readonly SightingsRow[])[] = [];
  const warned: string[] = [];
  const world = { open: [] as SightedBy[], reads: 0, isAway: false };
  const pages = new PageSightings({
    clock,
    logger: { ...SILENT, warn: (message) => warned.push(message) },
    open: async () => {
      world.reads += 1;
      if (world.isAway) throw new Error("away");
      return world.open;
    },
    look: (by) => sightings.look(by),
    write: async (rows) => {
      if (world.isAway) throw new Error("away");
      written.push(rows);
    },
  });
  const second = async (): Promise<void> => {
    await pages.tick();
    clock.advance(1_000);
  };
  return { clock, sightings, written, warned, world, pages, second };
}

describe("an edge whose pages are elsewhere", () => {
  it("writes nothing for pages that are not open, whatever comes in", async () => {
    const { sightings, written, world, second } = scene();
    world.open = [{ code: CODE, place: PLACE }];
    for (let s = 0; s < 5; s++) {
      for (let i = 0; i < 2_000; i++) {
        const one = sightings.opened(`10.${s}.${i >> 8}.${i & 255}`);
        one.subscribed(`CODE${i}`);
        one.failed("login-refused", "wrong password");
        one.ended("closed", undefined);
      }
      await second();
    }
    expect(written).toEqual([]);
    // And it asks no more often for all that.
    expect(world.reads).toBe(3);
  });

  it("tells an open page within three seconds, each step in a batch of at most one a second", async () => {
    const { sightings, written, world, second } = scene();
    await second();
    world.open = [{ code: CODE, place: PLACE }];
    const miner = sightings.opened("198.51.100.1");
    miner.subscribed(CODE);
    for (let s = 0; s < 2; s++) await second();
    expect(written).toMatchObject([[{ code: CODE, seen: [{ code: CODE, loggedInMs: null }] }]]);
    for (let percent = 0; percent < 100; percent++) miner.table(percent);
    miner.loggedIn("ann", "rig");
    await second();
    await second();
    expect(written).toHaveLength(2);
    expect(written[1]).toMatchObject([{ seen: [{ user: "ann", tablePercent: 99 }] }]);
    miner.shared();
    await second();
    expect(written[2]?.[0]?.seen[0]?.sharedMs).toBeGreaterThan(0);
  });

  it("tells of the newest that brought the code, and without one of the newest four from the place", async () => {
    const { sightings, written, world, second } = scene();
    world.open = [{ code: CODE, place: PLACE }];
    for (let i = 0; i < 6; i++) sightings.turnedAway(PLACE, "full", `full ${i}`);
    await second();
    expect(written.at(-1)?.[0]?.seen.map(({ problem }) => problem?.words)).toEqual(
      [2, 3, 4, 5].map((i) => `full ${i}`),
    );
    for (const words of ["first", "second"]) {
      const one = sightings.opened("198.51.100.1");
      one.subscribed(CODE);
      one.failed("login-refused", words);
    }
    await second();
    expect(written.at(-1)?.[0]?.seen.map(({ problem }) => problem?.words)).toEqual(["second"]);
  });

  it("bounds a statement however many pages are open, and leaves nobody out", async () => {
    const { sightings, written, world, second } = scene();
    const pages = 3 * MOST_ROWS;
    world.open = Array.from({ length: pages }, (_, i) => ({ code: `CODE${i}`, place: `10.0.0.${i}` }));
    const miners = world.open.map(({ code, place }) => {
      const one = sightings.opened(place);
      one.subscribed(code);
      return one;
    });
    for (let s = 0; s < 6; s++) {
      for (const miner of miners) miner.table(s);
      await second();
    }
    expect(written.map((rows) => rows.length)).toEqual([1, 1, 1, 1, 1, 1].map(() => MOST_ROWS));
    const times = new Map<string, number>();
    for (const { code } of written.flat()) times.set(code, (times.get(code) ?? 0) + 1);
    expect([...times.values()]).toEqual(world.open.map(() => 2));
  });

  it("tells a page that was closed and opened again everything anew", async () => {
    const { sightings, written, world, second } = scene();
    const page = { code: CODE, place: PLACE };
    world.open = [page];
    sightings.opened(PLACE);
    for (let s = 0; s < 4; s++) await second();
    expect(written).toHaveLength(1);
    world.open = [];
    for (let s = 0; s < 2; s++) await second();
    world.open = [page];
    for (let s = 0; s < 2; s++) await second();
    expect(written).toHaveLength(2);
    expect(written[1]).toEqual(written[0]);
  });

  it("says once that the database is away, and goes on where it stopped", async () => {
    const { sightings, written, warned, world, second } = scene();
    world.open = [{ code: CODE, place: PLACE }];
    await second();
    world.isAway = true;
    const miner = sightings.opened(PLACE);
    for (let s = 0; s < 4; s++) await second();
    expect([written, warned.length]).toEqual([[], 1]);
    world.isAway = false;
    miner.failed("tls-hello", `${"x".repeat(299)}🐢`);
    await second();
    expect(written).toHaveLength(1);
    // No half of a pair, which PostgreSQL would refuse with everything beside it.
    expect(written[0]?.[0]?.seen[0]?.problem?.words.isWellFormed()).toBe(true);
  });
});
