/** The doctor's check of the database: its settings, its migrations, its backups; and one that is away. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { sql } from "../../../shared/db/port.ts";
import { createTestDatabase } from "../../support/database.ts";
import { TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("database: away, without its migrations, with unsafe settings, with a statement that hangs", async () => {
    const away = await pool.reds({ db: undefined, dbProblem: "database: connect ECONNREFUSED" });
    expect(away).toEqual([expect.stringMatching(/^database: .*ECONNREFUSED → Start the database server/)]);

    const fresh = await createTestDatabase({ migrated: false, driver: "pg" });
    const unmigrated = (await pool.reds({ db: fresh.db })).filter((line) => /database|relation/.test(line));
    await fresh.drop();
    // Said once, not by each check that finds no table.
    expect(unmigrated).toEqual([
      expect.stringMatching(
        /^database: \d+ migrations missing, from 0001_pool\.sql on → npx prosper db migrate$/,
      ),
    ]);

    const client = new pg.Client({ connectionString: pool.database.url });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("BEGIN; SELECT pg_sleep(0)");
    const hanging = client.query("SELECT pg_sleep(30)").catch(() => undefined);
    await new Promise((done) => setTimeout(done, 5_500));
    const found = await pool.reds({ db: pool.database.db });
    await client.end().catch(() => undefined);
    await pool.database.db.execute({
      text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
      values: [],
    });
    await hanging;
    expect(found).toEqual([
      ...["fsync", "full_page_writes", "synchronous_commit"].map(
        (name) =>
          `database: ${name} is off: a crash of the machine loses what is booked → ALTER SYSTEM SET ${name} = on; then SELECT pg_reload_conf();`,
      ),
      expect.stringMatching(
        /^database: a statement is active for \d+ s: SELECT pg_sleep\(30\) → .*SELECT pg_terminate_backend\(\d+\); ends it$/,
      ),
    ]);
  });

  it("database: a backup that is old", async () => {
    await logAdminAction(pool.database.db, { actor: "test", action: "backup", subject: "/backup" });
    expect((await pool.look()).find(({ said }) => said.startsWith("the last backup"))).toMatchObject({
      level: "ok",
    });

    await pool.forced(sql`UPDATE admin_log SET at = now() - interval '20 days' WHERE action = 'backup'`);
    expect(await pool.reds()).toEqual([
      "database: the last backup is 20 days old → npx prosper backup FOLDER, each night (cron, a systemd timer)",
    ]);
  });

  it("a database that went away is named once, not by each check that asks it", async () => {
    const db = openPg({ url: "postgres://nobody@127.0.0.1:1/none" });
    pool.undo.push(() => db.close());

    expect(await pool.reds({ db })).toEqual([
      expect.stringMatching(/^database: could not be looked at: [^→]* → Start the database server/),
    ]);
  });
});
