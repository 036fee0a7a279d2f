import * as v from "valibot";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  packed,
  packedBigints,
  packedNullableNumbers,
  packedNumbers,
  packedOneOf,
  packedTexts,
  unpacked,
} from "../../../shared/db/packed.ts";
import { one, sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const columns = v.object({
  no: packedNumbers,
  rate: packedNullableNumbers,
  work: packedBigints,
  name: packedTexts,
  kind: packedOneOf(["new", "own"]),
});

const read = (from: number) =>
  one(
    database.db,
    sql`SELECT ${packed(sql`n.no`, sql`n.no`)} AS no, ${packed(sql`n.rate`, sql`n.no`)} AS rate, ${packed(sql`n.work`, sql`n.no`)} AS work,
        ${packed(sql`n.name`, sql`n.no`)} AS name, ${packed(sql`n.kind`, sql`n.no`)} AS kind
      FROM (VALUES (3, NULL::float8, 340282366920938463463374607431768211456::numeric, '', 'own'), (1, 0.1::float8 + 0.2::float8, -1, 'a b', 'new')) n(no, rate, work, name, kind)
      WHERE n.no > ${from}::int`,
    columns,
  );

it("gives many rows as one and the rows again, in their order, with every digit", async () => {
  expect(unpacked(await read(0))).toEqual([
    { no: 1, rate: 0.1 + 0.2, work: -1n, name: "a b", kind: "new" },
    { no: 3, rate: null, work: 2n ** 128n, name: "", kind: "own" },
  ]);
  expect(unpacked(await read(2))).toHaveLength(1);
  expect(unpacked(await read(3))).toEqual([]);
});

it("takes no value that is not what its column is of", () => {
  for (const schema of [packedNumbers, packedBigints]) {
    expect(v.is(schema, "1,2")).toBe(true);
    expect(v.is(schema, "1,,2")).toBe(false);
    expect(v.is(schema, "1,x")).toBe(false);
  }
  expect(v.is(packedOneOf([1, 2]), "1,2,1")).toBe(true);
  expect(v.is(packedOneOf([1, 2]), "1,3")).toBe(false);
  expect(v.is(packedNullableNumbers, "1,,2")).toBe(true);
  expect(() => unpacked({ no: [1, 2], name: ["a, b", "c", "d"] })).toThrow(
    "expected 2 values in each column",
  );
});
