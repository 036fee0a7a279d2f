import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { checkSchema } from "../../../shared/db/schema-check.ts";
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

  it("accept a database that is newer than the code, as long as the files that both know are the same", async () => {
    const older = loadMigrations().slice(0, -1);
    const edited = older.map((migration) => ({ ...migration, sha256: "0".repeat(64) }));

    expect(await migrate(database.db, older)).toEqual([]);
    await checkSchema(database.db, older);
    await expect(migrate(database.db, edited)).rejects.toMatchObject({ code: "db-migration" });
  });

  it("refuse a database that has what this code does not know and lacks what it has: no release made it", async () => {
    const [first, ...others] = loadMigrations().slice(0, -1);
    const own = { ...first, version: 9998, name: "9998_own.sql", text: "SELECT 1", sha256: "1" };

    await expect(migrate(database.db, [...(first ? [first] : []), ...others, own])).rejects.toMatchObject({
      code: "db-migration",
      message: expect.stringMatching(/lacks 9998_own\.sql.*another branch/),
    });
  });

  it("that take something away name the release that older code must be replaced by", async () => {
    const known = loadMigrations();
    const newest = known.at(-1)?.version ?? 0;
    const contracting = {
      version: newest + 1,
      name: `${newest + 1}_less.sql`,
      text: `CREATE TABLE gone (n integer); DROP TABLE gone;
        UPDATE schema_minimum SET version = ${newest}, release = '7.8.9'`,
      sha256: "2",
    };
    const other = await createTestDatabase();
    try {
      expect(await migrate(other.db, [...known, contracting])).toEqual([contracting.name]);

      expect(await migrate(other.db, known)).toEqual([]);
      await expect(migrate(other.db, known.slice(0, -1))).rejects.toMatchObject({
        code: "db-migration",
        message: expect.stringMatching(
          `needs prosper 7\\.8\\.9 or newer \\(migration ${newest}\\), this version knows migrations up to \\d+`,
        ),
      });
    } finally {
      await other.drop();
    }
  });

  it("are named, and not run, by who only uses the schema", async () => {
    const next = { version: 9999, name: "9999_next.sql", text: "CREATE TABLE next (n integer)", sha256: "" };
    const empty = await createTestDatabase({ migrated: false });
    try {
      await checkSchema(database.db, loadMigrations());
      await expect(checkSchema(database.db, [...loadMigrations(), next])).rejects.toMatchObject({
        code: "db-migration",
        message: expect.stringMatching(/lacks 1 migration from 9999_next\.sql on: run `prosper db migrate`/),
      });
      await expect(checkSchema(empty.db, loadMigrations())).rejects.toMatchObject({ code: "db-migration" });
      expect(await tablesOf(empty.db)).toBe(0);
    } finally {
      await empty.drop();
    }
  });

  it("need no right to make tables where nothing is missing", async () => {
    const role = `reader_${Date.now()}`;
    await database.db.execute({ text: `CREATE ROLE ${role}`, values: [] });
    await database.db.execute({ text: `GRANT SELECT ON migrations, schema_minimum TO ${role}`, values: [] });
    try {
      const ran = await database.db.transaction(async (tx) => {
        await tx.execute({ text: `SET LOCAL ROLE ${role}`, values: [] });
        return migrate(tx);
      });

      expect(ran).toEqual([]);
    } finally {
      await database.db.execute({ text: `DROP OWNED BY ${role}`, values: [] });
      await database.db.execute({ text: `DROP ROLE ${role}`, values: [] });
    }
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

  async function tablesOf(db: Db): Promise<number> {
    const { tables } = await one(
      db,
      sql`SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'public'`,
      v.object({ tables: v.number() }),
    );
    return tables;
  }

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
