/** Statements of minutes over the local Data API. AWS's 45 s a call and 3 idle minutes a transaction, and our own times, are divided by FACTOR. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AWS_LIMITS,
  type DataApiServer,
  startDataApiServer,
} from "../../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { parseLong } from "../../../shared/db/long-migration.ts";
import { loadMigrations, MIGRATE_LIMITS, type Migration, migrate } from "../../../shared/db/migrate.ts";
import { type Db, one, type Sql, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import { text } from "../../support/books.ts";
import { createTestDatabase, openLocalDataApi, type TestDatabase } from "../../support/database.ts";

const FACTOR = 30;
const SECOND = 1_000 / FACTOR;
const LIMITS = { callMs: MIGRATE_LIMITS.callMs / FACTOR, pollMs: 100 };
const NAME = "9000_slow_index.sql";
const INDEX = file(
  NAME,
  "-- long: index slow_index\nCREATE INDEX CONCURRENTLY IF NOT EXISTS slow_index ON t (slow(n));\n",
);
const ROWS = 30;

function file(name: string, content: string): Migration {
  return { version: Number(name.slice(0, 4)), name, text: content, sha256: sha256Hex(content) };
}

let database: TestDatabase;
let server: DataApiServer;
let db: Db;
/** Statements that were started, as far as they are the migration's own. */
let started: string[];
beforeEach(async () => {
  database = await createTestDatabase({ driver: "pg" });
  const { statementMs, idleTransactionMs } = AWS_LIMITS;
  server = await startDataApiServer(
    {
      databaseUrl: database.url,
      limits: { statementMs: statementMs / FACTOR, idleTransactionMs: idleTransactionMs / FACTOR },
    },
    { clock: systemClock, random: systemRandom, logger: SILENT },
  );
  started = [];
  db = watched(openLocalDataApi({ endpoint: server.url, database: database.url.replace(/.*\//, "") }));
  await database.db.execute(sql`CREATE TABLE t (n integer)`);
  await database.db.execute(sql`INSERT INTO t SELECT generate_series(1, ${ROWS}::int)`);
});
afterEach(async () => {
  await db.close();
  await server.close();
  await database.drop();
});

function watched(real: Db): Db {
  const note = ({ text: statement }: Sql): void => {
    const what = /^\/\* prosper migration \S+ \*\/ (\w+)/.exec(statement)?.[1];
    if (what !== undefined) started.push(what);
  };
  return {
    ...real,
    execute(statement, options) {
      note(statement);
      return real.execute(statement, options);
    },
  };
}

/** The index over `t` takes `seconds` of AWS's time; `failing`: and then fails. */
async function slow(seconds: number, { failing = false } = {}): Promise<void> {
  const rowSeconds = (seconds * SECOND) / 1_000 / ROWS;
  await database.db.execute({
    text: `CREATE OR REPLACE FUNCTION slow(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
      PERFORM pg_sleep(${rowSeconds});
      IF ${failing} AND n = ${ROWS} THEN RAISE EXCEPTION 'row % is odd', n; END IF;
      RETURN n; END $$`,
    values: [],
  });
}

async function indexState(): Promise<string> {
  const { state } = await one(
    database.db,
    sql`SELECT COALESCE((SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index
      WHERE indexrelid = to_regclass('slow_index')), 'none') AS state`,
    v.object({ state: v.string() }),
  );
  return state;
}

function isRecorded(name: string): Promise<string | null> {
  return text(database.db, sql`SELECT count(*) FROM migrations WHERE name = ${name}`);
}

const run = (...more: Migration[]): Promise<string[]> => migrate(db, [...loadMigrations(), ...more], LIMITS);

describe("a long migration over the Data API", () => {
  it("is tried against AWS's own limits, and waits for a call longer than those", () => {
    expect([AWS_LIMITS.statementMs, AWS_LIMITS.idleTransactionMs]).toEqual([45_000, 180_000]);
    expect(MIGRATE_LIMITS.callMs).toBeGreaterThanOrEqual(60_000);
  });

  it.each(["pg", "data-api"])("by %s does not wait for its own runner, nor that for it", async (driver) => {
    await slow(0);
    const startMs = systemClock.monotonicMs();
    const over = driver === "pg" ? watched(database.db) : db;
    await migrate(over, [...loadMigrations(), INDEX], { ...LIMITS, callMs: 40_000 });

    expect(await indexState()).toBe("valid");
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(20_000);
    expect(started).toEqual(["DROP", "CREATE"]);
  });

  it("of 90 s is started once, waited for after its call has ended, and recorded when the index is valid", async () => {
    await slow(90);
    let early = "";
    const done = run(INDEX);
    await expect.poll(indexState).toBe("invalid");
    early = (await isRecorded(NAME)) ?? "";

    expect(await done).toEqual([NAME]);
    expect(early).toBe("0");
    expect([await indexState(), await isRecorded(NAME)]).toEqual(["valid", "1"]);
    expect(started).toEqual(["DROP", "CREATE"]);
    expect(await run(INDEX)).toEqual([]);
  });

  it("that fails at 60 s is not recorded; the next try drops what it left and makes the index", async () => {
    await slow(60, { failing: true });

    await expect(run(INDEX)).rejects.toMatchObject({
      code: "db-migration",
      message: expect.stringMatching(
        /^9000_slow_index\.sql has ended \(.*Request timed out.*\) and what it was/,
      ),
    });
    expect([await indexState(), await isRecorded(NAME)]).toEqual(["invalid", "0"]);
    expect(started).toEqual(["DROP", "CREATE"]);

    await slow(3);
    expect(await run(INDEX)).toEqual([NAME]);
    expect([await indexState(), await isRecorded(NAME)]).toEqual(["valid", "1"]);
  });

  it("that fails within its call says what PostgreSQL said", async () => {
    await slow(6, { failing: true });

    await expect(run(INDEX)).rejects.toMatchObject({
      code: "db-error",
      message: expect.stringContaining("row 30 is odd"),
    });
    expect(await isRecorded(NAME)).toBe("0");
  });

  it("goes on when its runner is killed; the next one waits for it instead of starting it again", async () => {
    await slow(120);
    const name = database.url.replace(/.*\//, "");
    const args = [
      join(import.meta.dirname, "runner.ts"),
      server.url,
      name,
      NAME,
      INDEX.text,
      `${LIMITS.callMs}`,
    ];
    const runner = spawn(process.execPath, args, { stdio: "inherit" });
    await expect.poll(indexState).toBe("invalid");
    runner.kill("SIGKILL");

    expect(await run(INDEX)).toEqual([NAME]);
    expect(started).toEqual([]);
    expect([await indexState(), await isRecorded(NAME)]).toEqual(["valid", "1"]);
  });

  it("is started by one of two runners", async () => {
    await slow(60);

    const ran = await Promise.all([run(INDEX), run(INDEX)]);

    expect(ran.flat()).toEqual([NAME]);
    expect(started).toEqual(["DROP", "CREATE"]);
  });

  it("that outlasts the runner's patience goes on, and the next run finds it done", async () => {
    await slow(90);

    await expect(
      migrate(db, [...loadMigrations(), INDEX], { ...LIMITS, patienceMs: 50 * SECOND }),
    ).rejects.toMatchObject({
      code: "db-migration",
      message: expect.stringMatching(/still runs after .* goes on by itself/),
    });

    expect(await run(INDEX)).toEqual([NAME]);
    expect(started).toEqual(["DROP", "CREATE"]);
  });

  it("of another kind says by a question of its own when it is done", async () => {
    const until = "-- long: until SELECT count(*) = 3 FROM filled\n";
    const fill = file(
      "9002_fill.sql",
      `${until}INSERT INTO filled SELECT n FROM generate_series(1, 3) n, pg_sleep(${(90 * SECOND) / 1_000}) ON CONFLICT DO NOTHING;\n`,
    );
    const table = file("9001_filled.sql", "CREATE TABLE filled (n integer PRIMARY KEY);\n");

    expect(await run(table, fill)).toEqual(["9001_filled.sql", "9002_fill.sql"]);
    expect(await text(database.db, sql`SELECT count(*) FROM filled`)).toBe("3");
    expect(started).toEqual(["INSERT"]);
  });
});

describe("a long migration over pg", () => {
  it("is the same: its call ends early, and the catalog says when the index is valid", async () => {
    await slow(90);
    const ran = await migrate(database.db, [...loadMigrations(), INDEX], LIMITS);

    expect([ran, await indexState()]).toEqual([[NAME], "valid"]);
  });
});

describe("a file that claims to be long", () => {
  it.each([
    ["two statements", "-- long: until SELECT true\nDELETE FROM a; DELETE FROM b;\n", "one statement"],
    ["an index that locks", "-- long: index i\nCREATE INDEX IF NOT EXISTS i ON t (n);\n", "CONCURRENTLY"],
    [
      "one that fails the second time",
      "-- long: index i\nCREATE INDEX CONCURRENTLY i ON t (n);\n",
      "IF NOT EXISTS",
    ],
    [
      "another index",
      "-- long: index i\nCREATE INDEX CONCURRENTLY IF NOT EXISTS j ON t (n);\n",
      "IF NOT EXISTS i",
    ],
  ])("is refused with %s, before anything runs", async (_, content, expected) => {
    const bad = file("9003_bad.sql", content);

    await expect(run(file("9002_first.sql", "CREATE TABLE first (n integer)"), bad)).rejects.toMatchObject({
      code: "db-migration",
      message: expect.stringContaining(expected),
    });
    expect(await isRecorded("9002_first.sql")).toBe("0");
  });

  it("is none of those there are, or one that is fit to run", () => {
    expect(() => loadMigrations().map(parseLong)).not.toThrow();
    expect(parseLong(INDEX)).toMatchObject({ index: "slow_index" });
  });
});
