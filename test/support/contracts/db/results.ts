/** What a database driver gives back: values of each type, rows, long answers. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { bytes, one, type Sql, sql } from "../../../../shared/db/port.ts";
import { raw, type UnderTest } from "./under-test.ts";

export function describeResults(at: UnderTest): void {
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
      expect(await at.valueFrom(statement)).toBe(value);
    });

    it("bytes as bytes", async () => {
      const value = await at.valueFrom(sql`SELECT '\\x00ff0a'::bytea AS value`);

      expect(v.parse(bytes, value)).toEqual(Buffer.from([0, 255, 10]));
    });

    it("no rows, several columns of a row, and quoted names", async () => {
      const rows = await at.db.query(sql`SELECT 1 AS a, 'x' AS "b C" WHERE false`, v.unknown());
      const row = await one(
        at.db,
        sql`SELECT 1 AS a, 'x' AS "b C"`,
        v.object({ a: v.number(), "b C": v.string() }),
      );

      expect(rows).toEqual([]);
      expect(row).toEqual({ a: 1, "b C": "x" });
    });

    it("a row of 60 KB, and an answer of 900 KB", async () => {
      const wide = await at.valueFrom(sql`SELECT repeat('x', 60000) AS value`);
      const long = await at.db.query(
        sql`SELECT repeat('y', 9000) AS value FROM generate_series(1, 100)`,
        raw,
      );

      expect(wide).toBe("x".repeat(60_000));
      expect(long).toHaveLength(100);
    });
  });
}
