/** What a database driver does in a transaction: all or nothing, one statement after the other, and who must try again. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { first, one, sql } from "../../../../shared/db/port.ts";
import { raw, type UnderTest } from "./under-test.ts";

export function describeTransactions(at: UnderTest): void {
  describe("in a transaction", () => {
    const countOf = async (n: number): Promise<unknown> =>
      at.valueFrom(sql`SELECT count(*)::int AS value FROM t WHERE n = ${n}`);

    it("commits what was done, and gives its result", async () => {
      const result = await at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (100)`);
        return first(tx, sql`SELECT n AS value FROM t WHERE n = 100`, raw);
      });

      expect(result).toEqual({ value: 100 });
      expect(await countOf(100)).toBe(1);
    });

    it("shows nothing outside before the end", async () => {
      await at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (101)`);

        expect(await countOf(101)).toBe(0);
      });
    });

    it("undoes everything when a statement fails, or the caller does", async () => {
      const failing = at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (102)`);
        await tx.execute(sql`INSERT INTO t (n) VALUES (102)`);
      });
      await expect(failing).rejects.toMatchObject({ code: "db-conflict" });
      const throwing = at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (103)`);
        throw new Error("changed my mind");
      });
      await expect(throwing).rejects.toThrow("changed my mind");

      expect([await countOf(102), await countOf(103)]).toEqual([0, 0]);
    });

    it("does not commit when a failure was passed over", async () => {
      const careless = at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (104)`);
        await tx.execute(sql`SELECT 1 / 0`).catch(() => undefined);
      });

      await expect(careless).rejects.toMatchObject({ code: "db-error" });
      expect(await countOf(104)).toBe(0);
    });

    it("runs statements that are asked for at once one after the other", async () => {
      const sums = await at.db.transaction((tx) =>
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
      const failing = at.db.transaction(async (tx) => {
        slow = tx.execute(sql`INSERT INTO t (n) SELECT 105 FROM pg_sleep(0.1)`);
        throw new Error("changed my mind");
      });

      await expect(failing).rejects.toThrow("changed my mind");
      await slow;
      expect(await countOf(105)).toBe(0);
      expect(
        await at.valueFrom(sql`SELECT count(*)::int AS value FROM pg_stat_activity
          WHERE datname = current_database() AND state LIKE 'idle in transaction%'`),
      ).toBe(0);
    });

    it("does not nest", async () => {
      await expect(at.db.transaction((tx) => tx.transaction(async () => 1))).rejects.toMatchObject({
        code: "db-error",
      });
    });

    it("says db-away to one of two that wait for each other", async () => {
      const crossing = (mine: number, other: number, wait: Promise<void>, ready: () => void): Promise<void> =>
        at.db.transaction(async (tx) => {
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
      const late = at.db.transaction(async (tx) => {
        await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`);
        await tx.query(sql`SELECT count FROM pairs`, v.unknown());
        await at.db.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = 1`);
        await tx.execute(sql`UPDATE pairs SET count = count + 1 WHERE n = 1`);
      });

      await expect(late).rejects.toMatchObject({ code: "db-away", data: { sqlstate: "40001" } });
    });
  });
}
