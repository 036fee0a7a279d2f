/** What every driver behind the database port must do alike: `pg` and the RDS Data API. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bigintText,
  bytes,
  type Db,
  first,
  json,
  jsonText,
  one,
  type Sql,
  sql,
} from "../../../shared/db/port.ts";
import type { TestDatabase } from "../database.ts";

/** A database with nothing in it, over the driver under test. */
export type OpenDatabase = () => Promise<TestDatabase>;

/** Any value a driver may give. */
const raw = v.object({ value: v.any() });

export function describeDbContract(name: string, openDatabase: OpenDatabase): void {
  describe(name, () => {
    let database: TestDatabase;
    let db: Db;
    const valueFrom = async (statement: Sql): Promise<unknown> => (await one(db, statement, raw)).value;
    beforeAll(async () => {
      database = await openDatabase();
      db = database.db;
      await db.execute(sql`CREATE TABLE t (n integer PRIMARY KEY, word text, big bigint, amount numeric(40), small smallint,
        part double precision, data bytea, doc jsonb, flag boolean, at timestamptz)`);
      await db.execute(sql`CREATE TABLE pairs (n integer PRIMARY KEY, count integer NOT NULL)`);
      await db.execute(sql`INSERT INTO pairs VALUES (1, 0), (2, 0)`);
    });
    afterAll(() => database.drop());

    describe("gives back", () => {
      it.each<[string, Sql, unknown]>([
        ["an integer", sql`SELECT 2147483647 AS value`, 2147483647],
        ["a negative integer", sql`SELECT -5 AS value`, -5],
        ["a smallint", sql`SELECT 7::smallint AS value`, 7],
        ["a float", sql`SELECT 0.1::float8 AS value`, 0.1],
        ["a short float", sql`SELECT 0.5::float4 AS value`, 0.5],
        ["a boolean", sql`SELECT 1 = 1 AS value`, true],
        ["null", sql`SELECT NULL::text AS value`, null],
        ["a null integer", sql`SELECT NULL::integer AS value`, null],
        ["a bigint as text", sql`SELECT 9007199254740991::bigint AS value`, "9007199254740991"],
        [
          "any bigint selected as text",
          sql`SELECT 9223372036854775807::bigint::text AS value`,
          "9223372036854775807",
        ],
        [
          "a numeric as text",
          sql`SELECT 12345678901234567890123456789012345678.5::numeric AS value`,
          "12345678901234567890123456789012345678.5",
        ],
        ["jsonb as text", sql`SELECT '{"b": 1, "a": [2]}'::jsonb AS value`, '{"a": [2], "b": 1}'],
        [
          "a time as text",
          sql`SELECT ('2026-11-22 01:02:03.456+00'::timestamptz AT TIME ZONE 'UTC')::text AS value`,
          "2026-11-22 01:02:03.456",
        ],
        ["an empty text", sql`SELECT '' AS value`, ""],
        ["any character", sql`SELECT 'é𝄞"\\,:x $1 <&>' || chr(10) AS value`, 'é𝄞"\\,:x $1 <&>\n'],
      ])("%s", async (_, statement, value) => {
        expect(await valueFrom(statement)).toBe(value);
      });

      it("bytes as bytes", async () => {
        const value = await valueFrom(sql`SELECT '\\x00ff0a'::bytea AS value`);

        expect(v.parse(bytes, value)).toEqual(Buffer.from([0, 255, 10]));
      });

      it("no rows, several columns of a row, and quoted names", async () => {
        const rows = await db.query(sql`SELECT 1 AS a, 'x' AS "b C" WHERE false`, v.unknown());
        const row = await one(
          db,
          sql`SELECT 1 AS a, 'x' AS "b C"`,
          v.object({ a: v.number(), "b C": v.string() }),
        );

        expect(rows).toEqual([]);
        expect(row).toEqual({ a: 1, "b C": "x" });
      });

      it("a row of 60 KB, and an answer of 900 KB", async () => {
        const wide = await valueFrom(sql`SELECT repeat('x', 60000) AS value`);
        const long = await db.query(sql`SELECT repeat('y', 9000) AS value FROM generate_series(1, 100)`, raw);

        expect(wide).toBe("x".repeat(60_000));
        expect(long).toHaveLength(100);
      });
    });

    describe("binds", () => {
      it.each<[string, Sql, unknown]>([
        ["text", sql`SELECT ${"a'b:c::d $1"}::text AS value`, "a'b:c::d $1"],
        ["a whole number", sql`SELECT ${5}::int AS value`, 5],
        [
          "the largest safe whole number",
          sql`SELECT ${Number.MAX_SAFE_INTEGER}::bigint::text AS value`,
          "9007199254740991",
        ],
        ["a float", sql`SELECT ${1.5}::float8 AS value`, 1.5],
        ["a whole number as a float", sql`SELECT ${1_600_000_000_000}::float8 AS value`, 1_600_000_000_000],
        ["a boolean", sql`SELECT ${false}::boolean AS value`, false],
        ["null", sql`SELECT ${null}::numeric AS value`, null],
        [
          "a bigint beyond floats",
          sql`SELECT ${9_223_372_036_854_775_807n}::bigint::text AS value`,
          "9223372036854775807",
        ],
        [
          "a bigint as numeric",
          sql`SELECT (${18_446_744_073_709_551_615n}::numeric + 1)::text AS value`,
          "18446744073709551616",
        ],
        ["one value used twice", { text: "SELECT $1::text || $1::text AS value", values: ["ab"] }, "abab"],
        [
          "more than nine values",
          sql`SELECT ${1}::int + ${2}::int + ${3}::int + ${4}::int + ${5}::int + ${6}::int + ${7}::int + ${8}::int + ${9}::int + ${10}::int AS value`,
          55,
        ],
      ])("%s", async (_, statement, value) => {
        expect(await valueFrom(statement)).toBe(value);
      });

      it("beside quoted text, comments and casts that look like parameters", async () => {
        const value = await valueFrom({
          text: `SELECT $1::int /* $2 :p2 */ + length(' $2 :p1 ''$1') + length($q$ $1; :p1 $q$) AS value -- $9 :p9`,
          values: [1],
        });

        expect(value).toBe(1 + " $2 :p1 '$1".length + " $1; :p1 ".length);
      });

      it("bytes", async () => {
        const value = new Uint8Array([9, 0, 255, 7]).subarray(1, 3);

        expect(await valueFrom(sql`SELECT encode(${value}, 'hex') AS value`)).toBe("00ff");
      });

      it("a whole row of columns, and lists as one JSON text", async () => {
        const doc = { list: [1n, 2n] };
        await db.execute(sql`INSERT INTO t (n, word, big, amount, small, part, data, doc, flag, at)
          VALUES (${1}, ${"w"}, ${-3n}::bigint, ${2n ** 90n}::numeric, ${4}, ${2.5}, ${new Uint8Array([1])}, ${json(doc)}::jsonb, ${true},
            to_timestamp(${1_600_000_000_123}::float8 / 1000))`);
        const row = await one(
          db,
          sql`SELECT word, big::text AS big, amount::text AS amount, small, part, data, doc::text AS doc, flag,
            extract(epoch FROM at)::float8 * 1000 AS at FROM t WHERE n = ${1}`,
          v.object({
            word: v.string(),
            big: bigintText,
            amount: bigintText,
            small: v.number(),
            part: v.number(),
            data: bytes,
            doc: jsonText,
            flag: v.boolean(),
            at: v.number(),
          }),
        );
        const listed = await db.query(
          sql`SELECT r.n AS value FROM jsonb_to_recordset(${json([{ n: 2 }, { n: 1 }])}::jsonb) AS r(n integer) ORDER BY r.n`,
          raw,
        );

        expect(row).toEqual({
          ...{
            word: "w",
            big: -3n,
            amount: 2n ** 90n,
            small: 4,
            part: 2.5,
            flag: true,
            at: 1_600_000_000_123,
          },
          ...{ data: Buffer.from([1]), doc: { list: ["1", "2"] } },
        });
        expect(listed).toEqual([{ value: 1 }, { value: 2 }]);
      });

      it("nulls of every type", async () => {
        await db.execute(
          sql`INSERT INTO t VALUES (${2}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null})`,
        );

        expect(
          await valueFrom(
            sql`SELECT num_nulls(word, big, amount, small, part, data, doc, flag, at) AS value FROM t WHERE n = 2`,
          ),
        ).toBe(9);
      });

      it("a request of 1 MB", async () => {
        expect(await valueFrom(sql`SELECT length(${"z".repeat(1_000_000)}) AS value`)).toBe(1_000_000);
      });
    });

    it("counts the rows that a statement changed, or gave back", async () => {
      await db.execute(sql`CREATE TABLE counted (n integer PRIMARY KEY)`);
      const insert = sql`INSERT INTO counted SELECT generate_series(1, 3) ON CONFLICT DO NOTHING`;

      const counts = [
        await db.execute(insert),
        await db.execute(insert),
        await db.execute(sql`UPDATE counted SET n = n + 10 WHERE n > ${1}`),
        await db.execute(
          sql`WITH gone AS (DELETE FROM counted RETURNING n) INSERT INTO counted SELECT n + 100 FROM gone WHERE n < 10`,
        ),
        await db.execute(sql`INSERT INTO counted VALUES (7), (8) RETURNING n`),
        await db.execute(sql`SELECT n FROM counted`),
        await db.execute(sql`DELETE FROM counted`),
      ];

      expect(counts).toEqual([3, 0, 2, 1, 2, 3, 3]);
    });

    it("tells a broken unique key from other errors, with PostgreSQL's code", async () => {
      await db.execute(sql`INSERT INTO t (n) VALUES (50)`);

      await expect(db.execute(sql`INSERT INTO t (n) VALUES (50)`)).rejects.toMatchObject({
        code: "db-conflict",
        data: { sqlstate: "23505" },
      });
      await expect(db.execute(sql`SELECT 1 / 0`)).rejects.toMatchObject({
        code: "db-error",
        data: { sqlstate: "22012" },
      });
      await expect(db.execute(sql`SELEC`)).rejects.toMatchObject({
        code: "db-error",
        data: { sqlstate: "42601" },
      });
      await expect(
        db.execute({
          text: "DO $$ BEGIN RAISE EXCEPTION 'no: %', 'never' USING ERRCODE = 'BK001'; END $$",
          values: [],
        }),
      ).rejects.toMatchObject({
        code: "db-error",
        data: { sqlstate: "BK001" },
        message: expect.stringContaining("no: never"),
      });
    });

    it("names the column that is not as the caller expects", async () => {
      await expect(
        db.query(sql`SELECT 'x' AS height`, v.object({ height: v.number() })),
      ).rejects.toMatchObject({
        code: "db-error",
        message: expect.stringContaining("height"),
      });
    });

    it("takes one statement a call", async () => {
      await expect(db.execute(sql`INSERT INTO t (n) VALUES (${60}); DELETE FROM t`)).rejects.toMatchObject({
        code: "db-error",
      });
    });

    describe("in a transaction", () => {
      const countOf = async (n: number): Promise<unknown> =>
        valueFrom(sql`SELECT count(*)::int AS value FROM t WHERE n = ${n}`);

      it("commits what was done, and gives its result", async () => {
        const result = await db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (100)`);
          return first(tx, sql`SELECT n AS value FROM t WHERE n = 100`, raw);
        });

        expect(result).toEqual({ value: 100 });
        expect(await countOf(100)).toBe(1);
      });

      it("shows nothing outside before the end", async () => {
        await db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (101)`);

          expect(await countOf(101)).toBe(0);
        });
      });

      it("undoes everything when a statement fails, or the caller does", async () => {
        const failing = db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (102)`);
          await tx.execute(sql`INSERT INTO t (n) VALUES (102)`);
        });
        await expect(failing).rejects.toMatchObject({ code: "db-conflict" });
        const throwing = db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (103)`);
          throw new Error("changed my mind");
        });
        await expect(throwing).rejects.toThrow("changed my mind");

        expect([await countOf(102), await countOf(103)]).toEqual([0, 0]);
      });

      it("does not commit when a failure was passed over", async () => {
        const careless = db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (104)`);
          await tx.execute(sql`SELECT 1 / 0`).catch(() => undefined);
        });

        await expect(careless).rejects.toMatchObject({ code: "db-error" });
        expect(await countOf(104)).toBe(0);
      });

      it("runs statements that are asked for at once one after the other", async () => {
        const sums = await db.transaction((tx) =>
          Promise.all(
            [1, 2, 3].map((n) =>
              one(tx, sql`UPDATE pairs SET count = count + ${n} WHERE n = 1 RETURNING count AS value`, raw),
            ),
          ),
        );

        expect(sums.map(({ value }) => value)).toEqual([1, 3, 6]);
      });

      it("undoes what was still under way when the caller failed", async () => {
        let slow: Promise<unknown> = Promise.resolve();
        const failing = db.transaction(async (tx) => {
          slow = tx.execute(sql`INSERT INTO t (n) SELECT 105 FROM pg_sleep(0.1)`);
          throw new Error("changed my mind");
        });

        await expect(failing).rejects.toThrow("changed my mind");
        await slow;
        expect(await countOf(105)).toBe(0);
        expect(
          await valueFrom(sql`SELECT count(*)::int AS value FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'`),
        ).toBe(0);
      });

      it("does not nest", async () => {
        await expect(db.transaction((tx) => tx.transaction(async () => 1))).rejects.toMatchObject({
          code: "db-error",
        });
      });

      it("says db-away to one of two that wait for each other", async () => {
        const crossing = (
          mine: number,
          other: number,
          wait: Promise<void>,
          ready: () => void,
        ): Promise<void> =>
          db.transaction(async (tx) => {
            await tx.execute(sql`SET LOCAL deadlock_timeout = '20ms'`);
            await tx.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = ${mine}`);
            ready();
            await wait;
            await tx.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = ${other}`);
          });
        const first = Promise.withResolvers<void>();
        const second = Promise.withResolvers<void>();

        const outcomes = await Promise.allSettled([
          crossing(1, 2, second.promise, first.resolve),
          crossing(2, 1, first.promise, second.resolve),
        ]);

        const lost = outcomes.filter((outcome) => outcome.status === "rejected");
        expect(lost.map(({ reason }) => reason)).toMatchObject([
          { code: "db-away", data: { sqlstate: "40P01" } },
        ]);
      });

      it("says db-away where serializing fails", async () => {
        const late = db.transaction(async (tx) => {
          await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`);
          await tx.query(sql`SELECT count FROM pairs`, v.unknown());
          await db.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = 1`);
          await tx.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = 1`);
        });

        await expect(late).rejects.toMatchObject({ code: "db-away", data: { sqlstate: "40001" } });
      });
    });

    describe("when its connection is cut", () => {
      it("says db-away to what was under way, and works again", async () => {
        const sleeping = db.execute(sql`SELECT pg_sleep(20) IS NULL`);
        const cut = async (): Promise<unknown> =>
          valueFrom(sql`SELECT count(pg_terminate_backend(pid))::int AS value FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(20)%' AND state = 'active'`);
        const outcome = expect(sleeping).rejects.toMatchObject({ code: "db-away" });

        await expect.poll(cut).toBe(1);

        await outcome;
        expect(await valueFrom(sql`SELECT 1 AS value`)).toBe(1);
      });

      it("undoes a transaction that was between two statements", async () => {
        const cutOff = db.transaction(async (tx) => {
          await tx.execute(sql`INSERT INTO t (n) VALUES (200)`);
          await db.execute(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle in transaction'`);
          await tx.execute(sql`INSERT INTO t (n) VALUES (201)`);
        });

        await expect(cutOff).rejects.toMatchObject({ code: "db-away" });
        expect(await valueFrom(sql`SELECT count(*)::int AS value FROM t WHERE n >= 200`)).toBe(0);
      });
    });
  });
}
