/** What a database driver binds: values of each type beside any text, nulls, large requests. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { bigintText, bytes, json, jsonText, one, type Sql, sql } from "../../../../shared/db/port.ts";
import { raw, type UnderTest } from "./under-test.ts";

export function describeParameters(at: UnderTest): void {
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
      expect(await at.valueFrom(statement)).toBe(value);
    });

    it("beside quoted text, comments and casts that look like parameters", async () => {
      const value = await at.valueFrom({
        text: `SELECT $1::int /* $2 :p2 */ + length(' $2 :p1 ''$1') + length($q$ $1; :p1 $q$) AS value -- $9 :p9`,
        values: [1],
      });

      expect(value).toBe(1 + " $2 :p1 '$1".length + " $1; :p1 ".length);
    });

    it("bytes", async () => {
      const value = new Uint8Array([9, 0, 255, 7]).subarray(1, 3);

      expect(await at.valueFrom(sql`SELECT encode(${value}, 'hex') AS value`)).toBe("00ff");
    });

    it("a whole row of columns, and lists as one JSON text", async () => {
      const doc = { list: [1n, 2n] };
      await at.db.execute(sql`INSERT INTO t (n, word, big, amount, small, part, data, doc, flag, at)
        VALUES (${1}, ${"w"}, ${-3n}::bigint, ${2n ** 90n}::numeric, ${4}, ${2.5}, ${new Uint8Array([1])}, ${json(doc)}::jsonb, ${true},
          to_timestamp(${1_600_000_000_123}::float8 / 1000))`);
      const row = await one(
        at.db,
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
      const listed = await at.db.query(
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
      await at.db.execute(
        sql`INSERT INTO t VALUES (${2}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null}, ${null})`,
      );

      expect(
        await at.valueFrom(
          sql`SELECT num_nulls(word, big, amount, small, part, data, doc, flag, at) AS value FROM t WHERE n = 2`,
        ),
      ).toBe(9);
    });

    it("a request of 1 MB", async () => {
      expect(await at.valueFrom(sql`SELECT length(${"z".repeat(1_000_000)}) AS value`)).toBe(1_000_000);
    });
  });
}
