/** Pages that wait for a miner, and what edges write for them: each by the rights of its own role. */

import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  lookForMiner,
  MOST_OF_PLACE,
  MOST_WATCHES,
  openWatches,
  pruneWatches,
  writeSightings,
} from "../../../shared/db/connect-watches.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import type { Sighted } from "../../../shared/messages/sighted.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const CODE = "ABCDEFGHIJKLMNOP";
const PLACE = "192.0.2.7";

let database: TestDatabase;
let page: Db;
let edge: Db;
let janitor: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  [page, edge, janitor] = await Promise.all([
    database.as("api"),
    database.as("edge"),
    database.as("accounting"),
  ]);
});
beforeEach(() => database.db.execute(sql`DELETE FROM connect_watches`));
afterAll(() => database.drop());

const seen = (part: Partial<Sighted> = {}): Sighted => ({
  ...{ connectedMs: 1000, subscribedMs: null, loggedInMs: null, tablePercent: null },
  ...{ sharedMs: null, endedMs: null, user: null, worker: null, code: null, problem: null },
  ...part,
});

/** As if that much time had passed. */
const later = (seconds: number): Promise<number> =>
  database.db.execute(
    sql`UPDATE connect_watches SET until = until - ${seconds}::float8 * interval '1 second'`,
  );
const open = async (): Promise<string[]> => (await openWatches(edge)).map(({ code }) => code);

async function count(table: "connect_watches" | "connect_sightings"): Promise<number> {
  const { n } = await one(
    database.db,
    { text: `SELECT count(*)::int AS n FROM ${table}`, values: [] },
    v.object({ n: v.number() }),
  );
  return n;
}

describe("a page that waits for a miner", () => {
  it("is open while it asks and for twenty seconds more, and written seldom", async () => {
    const until = () =>
      one(
        database.db,
        sql`SELECT until::text AS until FROM connect_watches`,
        v.object({ until: v.string() }),
      );

    expect(await lookForMiner(page, { code: CODE, place: PLACE })).toEqual([]);
    expect(await openWatches(edge)).toEqual([{ code: CODE, place: PLACE }]);
    const first = await until();
    expect(await lookForMiner(page, { code: CODE, place: PLACE })).toEqual([]);
    expect(await until()).toEqual(first);
    await later(11);
    expect(await lookForMiner(page, { code: CODE, place: PLACE })).toEqual([]);
    await later(15);
    expect(await open()).toEqual([CODE]);
    await later(6);
    expect(await open()).toEqual([]);
  });

  it("goes on from another address, as a telephone does", async () => {
    await lookForMiner(page, { code: CODE, place: PLACE });
    await lookForMiner(page, { code: CODE, place: "198.51.100.1" });
    expect(await openWatches(edge)).toEqual([{ code: CODE, place: "198.51.100.1" }]);
  });

  it("reads what every edge wrote last, the newest connection last, and nothing of another page", async () => {
    const look = (code: string) => lookForMiner(page, { code, place: PLACE });
    await look(CODE);
    await look("OTHER");
    const [old, fresh] = [seen({ connectedMs: 1 }), seen({ connectedMs: 5, code: CODE, tablePercent: 3 })];
    await writeSightings(edge, "a", [
      { code: CODE, seen: [fresh] },
      { code: "OTHER", seen: [seen({ connectedMs: 9 })] },
      { code: "NOBODY'S", seen: [old] },
    ]);
    await writeSightings(edge, "b", [{ code: CODE, seen: [old] }]);
    expect(await look(CODE)).toEqual([old, fresh]);
    const further = { ...fresh, tablePercent: null, problem: { code: "stale", words: "too late: “…” 🐢" } };
    await writeSightings(edge, "a", [{ code: CODE, seen: [further] }]);
    expect(await look(CODE)).toEqual([old, further]);
    expect(await count("connect_sightings")).toBe(3);
  });

  it("is refused where too many are open, of one place or of all, and no sooner than that", async () => {
    const look = (code: string, place: string) => lookForMiner(page, { code, place });
    for (let i = 0; i < MOST_OF_PLACE; i++) expect(await look(`OWN${i}`, PLACE)).toEqual([]);
    expect(await look("ONEMORE", PLACE)).toBeUndefined();
    // Those that are open stay so.
    expect(await look("OWN0", PLACE)).toEqual([]);
    await database.db.execute(
      sql`INSERT INTO connect_watches (code, place, until) SELECT 'FILL' || n, 'place ' || n, clock_timestamp() + interval '20 seconds'
        FROM generate_series(1, ${MOST_WATCHES - MOST_OF_PLACE}::int) AS n`,
    );
    expect(await look("ONEMORE", "198.51.100.1")).toBeUndefined();
    expect(await count("connect_watches")).toBe(MOST_WATCHES);
    expect(await openWatches(edge)).toHaveLength(MOST_WATCHES);
    await database.db.execute(sql`UPDATE connect_watches SET until = clock_timestamp() WHERE code = 'FILL1'`);
    expect(await look("ONEMORE", "198.51.100.1")).toEqual([]);
  });

  it("is forgotten with what was seen, a minute after it was closed", async () => {
    await lookForMiner(page, { code: CODE, place: PLACE });
    await writeSightings(edge, "a", [{ code: CODE, seen: [seen()] }]);
    await later(79);
    await pruneWatches(janitor);
    expect(await count("connect_sightings")).toBe(1);
    await later(2);
    await pruneWatches(janitor);
    expect([await count("connect_watches"), await count("connect_sightings")]).toEqual([0, 0]);
    // An edge that has not heard of it yet writes nothing, and nothing fails.
    await writeSightings(edge, "a", [{ code: CODE, seen: [seen()] }]);
    expect(await count("connect_sightings")).toBe(0);
  });
});
