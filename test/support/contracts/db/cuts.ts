/** What a database driver does when its connection is cut. */

import { describe, expect, it } from "vitest";
import { sql } from "../../../../shared/db/port.ts";
import type { UnderTest } from "./under-test.ts";

export function describeCuts(at: UnderTest): void {
  describe("when its connection is cut", () => {
    it("says db-away to what was under way, and works again", async () => {
      const sleeping = at.db.execute(sql`SELECT pg_sleep(20) IS NULL`);
      const cut = async (): Promise<unknown> =>
        at.valueFrom(sql`SELECT count(pg_terminate_backend(pid))::int AS value FROM pg_stat_activity
          WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(20)%' AND state = 'active'`);
      const outcome = expect(sleeping).rejects.toMatchObject({ code: "db-away" });

      await expect.poll(cut).toBe(1);

      await outcome;
      expect(await at.valueFrom(sql`SELECT 1 AS value`)).toBe(1);
    });

    it("undoes a transaction that was between two statements", async () => {
      const cutOff = at.db.transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO t (n) VALUES (200)`);
        await at.db.execute(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'`);
        await tx.execute(sql`INSERT INTO t (n) VALUES (201)`);
      });

      await expect(cutOff).rejects.toMatchObject({ code: "db-away" });
      expect(await at.valueFrom(sql`SELECT count(*)::int AS value FROM t WHERE n >= 200`)).toBe(0);
    });
  });
}
