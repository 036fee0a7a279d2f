import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

describe("migrations", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
  });
  afterAll(() => database.drop());

  it("run once when several starters race", async () => {
    const starters = Array.from({ length: 4 }, () => openPg({ url: database.url }));

    const ran = await Promise.all(starters.map((db) => migrate(db)));
    await Promise.all(starters.map((db) => db.close()));

    expect(ran.flat().toSorted()).toEqual(loadMigrations().map((migration) => migration.name));
  });

  it("refuse a database whose released file was edited", async () => {
    const edited = loadMigrations().map((migration) => ({ ...migration, sha256: "0".repeat(64) }));

    await expect(migrate(database.db, edited)).rejects.toMatchObject({ code: "db-migration" });
  });

  it("refuse a database that is newer than the code", async () => {
    await expect(migrate(database.db, [])).rejects.toMatchObject({ code: "db-migration" });
  });

  it("change nothing in a database that they refuse", async () => {
    const edited = loadMigrations().map((migration) => ({ ...migration, sha256: "0".repeat(64) }));
    const next = { version: 9999, name: "9999_next.sql", text: "CREATE TABLE next (n integer)", sha256: "" };

    await expect(migrate(database.db, [...edited, next])).rejects.toMatchObject({ code: "db-migration" });

    const { found } = await one(
      database.db,
      sql`SELECT to_regclass('next') IS NOT NULL AS found`,
      v.object({ found: v.boolean() }),
    );
    expect(found).toBe(false);
  });

  it("ask a migrated database three things, however many they are", async () => {
    let asked = 0;
    const counting: Db = {
      ...database.db,
      query: (...args) => {
        asked += 1;
        return database.db.query(...args);
      },
      execute: (statement) => {
        asked += 1;
        return database.db.execute(statement);
      },
      transaction: (work) => {
        asked += 1;
        return database.db.transaction(work);
      },
    };

    expect(await migrate(counting)).toEqual([]);

    expect(asked).toBe(3);
  });
});

describe("the pg driver", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
  });
  afterAll(() => database.drop());

  it("splices nested statements and renumbers what they bind", async () => {
    const condition = sql`b = ${2}`;

    const statement = sql`SELECT * FROM t WHERE a = ${1} AND ${condition} AND c = ${3}`;

    expect(statement).toEqual({
      text: "SELECT * FROM t WHERE a = $1 AND b = $2 AND c = $3",
      values: [1, 2, 3],
    });
  });

  it("rolls a failed transaction back", async () => {
    await database.db.execute(sql`CREATE TABLE t (n integer PRIMARY KEY)`);

    const failed = database.db.transaction(async (tx) => {
      await tx.execute(sql`INSERT INTO t VALUES (1)`);
      await tx.execute(sql`INSERT INTO t VALUES (1)`);
    });

    await expect(failed).rejects.toMatchObject({ code: "db-conflict" });
    const { n } = await one(database.db, sql`SELECT count(*)::int AS n FROM t`, v.object({ n: v.number() }));
    expect(n).toBe(0);
  });

  it("says db-away when no server listens", async () => {
    const db = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 2000 });

    await expect(db.execute(sql`SELECT 1`)).rejects.toMatchObject({ code: "db-away" });
    await db.close();
  });
});
