/** What a database driver says of a statement: the rows it changed, and why it failed. */

import * as v from "valibot";
import { expect, it } from "vitest";
import { sql } from "../../../../shared/db/port.ts";
import type { UnderTest } from "./under-test.ts";

export function describeStatements(at: UnderTest): void {
  it("counts the rows that a statement changed, or gave back", async () => {
    await at.db.execute(sql`CREATE TABLE counted (n integer PRIMARY KEY)`);
    const insert = sql`INSERT INTO counted SELECT generate_series(1, 3) ON CONFLICT DO NOTHING`;

    const counts = [
      await at.db.execute(insert),
      await at.db.execute(insert),
      await at.db.execute(sql`UPDATE counted SET n = n + 10 WHERE n > ${1}`),
      await at.db.execute(
        sql`WITH gone AS (DELETE FROM counted RETURNING n) INSERT INTO counted SELECT n + 100 FROM gone WHERE n < 10`,
      ),
      await at.db.execute(sql`INSERT INTO counted VALUES (7), (8) RETURNING n`),
      await at.db.execute(sql`SELECT n FROM counted`),
      await at.db.execute(sql`DELETE FROM counted`),
    ];

    expect(counts).toEqual([3, 0, 2, 1, 2, 3, 3]);
  });

  it("tells a broken unique key from other errors, with PostgreSQL's code", async () => {
    await at.db.execute(sql`INSERT INTO t (n) VALUES (50)`);

    await expect(at.db.execute(sql`INSERT INTO t (n) VALUES (50)`)).rejects.toMatchObject({
      code: "db-conflict",
      data: { sqlstate: "23505" },
    });
    await expect(at.db.execute(sql`SELECT 1 / 0`)).rejects.toMatchObject({
      code: "db-error",
      data: { sqlstate: "22012" },
    });
    await expect(at.db.execute(sql`SELEC`)).rejects.toMatchObject({
      code: "db-error",
      data: { sqlstate: "42601" },
    });
    await expect(
      at.db.execute({
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
      at.db.query(sql`SELECT 'x' AS height`, v.object({ height: v.number() })),
    ).rejects.toMatchObject({
      code: "db-error",
      message: expect.stringContaining("height"),
    });
  });

  it("takes one statement a call", async () => {
    await expect(at.db.execute(sql`INSERT INTO t (n) VALUES (${60}); DELETE FROM t`)).rejects.toMatchObject({
      code: "db-error",
    });
  });
}
