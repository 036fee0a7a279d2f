/** What each role of the database may do, as one who has logged in by its password, and what it is refused (docs/design.md, "Storage"). */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { createJanitorHandler } from "../../../functions/janitor/handler.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { proveBooks } from "../../../shared/audit/prove.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertMiner, registerWithInvite } from "../../../shared/db/accounts.ts";
import { noteProbe, probeSummary } from "../../../shared/db/canary.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { insertInvite } from "../../../shared/db/invites.ts";
import { beginGuess, rememberPlace, takeBackGuess } from "../../../shared/db/login-places.ts";
import { adjust } from "../../../shared/db/payments.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { insertPrices, prunePrices } from "../../../shared/db/prices.ts";
import {
  ACCOUNTS,
  ALERTS,
  CONNECTING,
  ensureRoles,
  OWNERS,
  READABLE,
  ROLES,
  type Role,
  roleName,
} from "../../../shared/db/roles.ts";
import { countWithholding } from "../../../shared/db/withholding.ts";
import { SILENT } from "../../../shared/logger.ts";
import { startHttpCatcher } from "../../support/alert-catchers.ts";
import { deliverer, destinationOf, rigsBecame } from "../../support/alerts.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

const PASSWORDS = Object.fromEntries(ROLES.map((role) => [role, `it's a password of ${role}`]));
const NO_RIGHT = "42501";
/** Raised by the triggers that keep the books. */
const FIXED = "BK001";

let database: TestDatabase;
const as = new Map<Role, Db>();
beforeAll(async () => {
  database = await createTestDatabase({ driver: "pg" });
  await ensureRoles(database.db, PASSWORDS);
  for (const role of ROLES) {
    const url = new URL(database.url);
    url.username = roleName(role);
    url.password = encodeURIComponent(PASSWORDS[role] ?? "");
    as.set(role, openPg({ url: url.href, size: 2 }));
  }
  await bookEverything(database.db, open("accounting"));
});
afterAll(async () => {
  await Promise.all([...as.values()].map((db) => db.close()));
  await database.drop();
});

function open(role: Role): Db {
  const db = as.get(role);
  if (db === undefined) throw new Error(`no ${role}`);
  return db;
}

async function refusal(role: Role, text: string): Promise<unknown> {
  const outcome = await open(role)
    .execute({ text, values: [] })
    .then(
      () => "done",
      (error: { data?: { sqlstate?: string } }) => error.data?.sqlstate,
    );
  return outcome;
}

describe("a role", () => {
  it("is decided on for every table and view: a new one is in one list", async () => {
    const rows = await database.db.query(
      sql`SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY relname`,
      v.object({ name: v.string() }),
    );

    const named: string[] = [...READABLE, ...ACCOUNTS, ...ALERTS, ...CONNECTING, ...OWNERS];
    const there = new Set(rows.map(({ name }) => name));

    expect(rows.filter(({ name }) => !named.includes(name))).toEqual([]);
    expect(named.filter((name) => !there.has(name))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
  });

  const everybody = [
    ["change what was sealed", "UPDATE payouts SET amount = amount + 1"],
    ["change a block's reward", "UPDATE blocks SET reward = reward + 1"],
    ["change a job's record", "UPDATE jobs SET opr_hash = 'x', fee_rate = 0"],
    ["delete what was applied", "DELETE FROM deltas"],
    ["empty a table, which no trigger sees", "TRUNCATE work"],
    ["take the triggers off", "ALTER TABLE jobs DISABLE TRIGGER ALL"],
    ["go past the triggers", "SET session_replication_role = replica"],
    [
      "change a trigger's function",
      "CREATE OR REPLACE FUNCTION books_refuse() RETURNS trigger LANGUAGE sql AS ''",
    ],
    [
      "book a payment",
      "INSERT INTO payments (entry_hash, user_name, address, amount) VALUES ('e', 'ann', 'FA', 1)",
    ],
    ["put something on the list of what is to be paid", "UPDATE payout_lines SET amount = amount + 1"],
    ["say that a payout is to be sent", "UPDATE payout_batches SET state = 'sending'"],
    ["ask for fewer who agree", "UPDATE payout_batches SET approvals_needed = 0"],
    ["take back who agreed", "DELETE FROM payout_approvals"],
    ["make itself an administrator", "UPDATE users SET is_admin = true"],
    ["make a table", "CREATE TABLE own (n integer)"],
    ["make a role", "CREATE ROLE other"],
    ["be another role", "SET ROLE prosper_api"],
    ["read a file of the server", "SELECT pg_read_file('postgresql.conf')"],
    ["raise what older code is refused by", "UPDATE schema_minimum SET version = 9999"],
  ] as const;
  it.each(everybody)("cannot %s", async (_, text) => {
    const roles = text.endsWith("prosper_api") ? ROLES.filter((role) => role !== "api") : ROLES;

    expect(await Promise.all(roles.map((role) => refusal(role, text)))).toEqual(roles.map(() => NO_RIGHT));
  });

  it.each<[Role, string, string]>([
    ["accounting", "read hashes of passwords", "SELECT password FROM users"],
    ["poll", "read hashes of passwords", "SELECT password FROM users"],
    ["edge", "read hashes of passwords", "SELECT password FROM users"],
    ["edge", "read sessions", "SELECT * FROM sessions"],
    ["edge", "read invites", "SELECT * FROM invites"],
    ["edge", "read what is about to be paid", "SELECT * FROM payout_lines"],
    ["accounting", "read what is about to be paid", "SELECT * FROM payout_lines"],
    ["auth", "agree to a payout", "INSERT INTO payout_approvals (batch, who) VALUES ('x', 'y')"],
    ["accounting", "read second factors", "SELECT * FROM second_factors"],
    [
      "edge",
      "book work",
      "INSERT INTO work (job, user_name, worker, shares, work, best) VALUES (16, 'ann', 'a', 1, 1, 1)",
    ],
    ["edge", "add a user with a password", "INSERT INTO users (name, password) VALUES ('eve', 'x')"],
    ["edge", "add an administrator", "INSERT INTO users (name, is_admin) VALUES ('eve', true)"],
    ["edge", "say that a job is sealed", "UPDATE jobs SET state = 'sealed'"],
    ["edge", "make prices", "INSERT INTO prices (at, version, prices) VALUES (now(), 5, '{}')"],
    [
      "auth",
      "credit somebody",
      "INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('ann', 1, 'x', 'y')",
    ],
    ["auth", "add an administrator", "INSERT INTO users (name, is_admin) VALUES ('eve', true)"],
    ["api", "add an administrator", "INSERT INTO users (name, is_admin) VALUES ('eve', true)"],
    ["api", "book work", "UPDATE work SET work = work + 1"],
    ["api", "write over the money's log", "UPDATE money_log SET body = '{}'"],
    ["api", "delete a line of the administrators' log", "DELETE FROM admin_log"],
    ["alerts", "read hashes of passwords", "SELECT password FROM users"],
    ["alerts", "read codes for new passwords", "SELECT * FROM password_resets"],
    [
      "alerts",
      "turn messages to somebody else",
      "UPDATE alert_destinations SET target = 'https://evil.example'",
    ],
    ["alerts", "say that an address was confirmed", "UPDATE alert_destinations SET code = NULL"],
    ["alerts", "make something up", "UPDATE alerts SET kind = 'payment'"],
    ["poll", "change a price that was made", "UPDATE prices SET prices = '{}'"],
    ["poll", "read who waits for a miner", "SELECT * FROM connect_watches"],
    ["accounting", "read what edges saw", "SELECT * FROM connect_sightings"],
    ["edge", "open a page", "INSERT INTO connect_watches (code, place, until) VALUES ('c', 'p', now())"],
    [
      "api",
      "say what an edge saw",
      "INSERT INTO connect_sightings (code, edge, seen) VALUES ('c', 'e', '[]')",
    ],
    ["canary", "read hashes of passwords", "SELECT password FROM users"],
    ["canary", "change what it saw", "UPDATE canary SET failed_at = NULL"],
    ["canary", "add a miner", "INSERT INTO users (name) VALUES ('eve')"],
    ["edge", "say what the canary saw", "DELETE FROM canary"],
    ["poll", "make a job", "INSERT INTO jobs (height, version, opr_hash) VALUES (99, 5, 'x')"],
  ])("%s cannot %s", async (role, _, text) => {
    expect(await refusal(role, text)).toBe(NO_RIGHT);
  });

  it("accounting, which seals, is stopped by the triggers where it may write", async () => {
    expect(
      await refusal("accounting", "UPDATE jobs SET paid = paid - 1, fee = fee + 1 WHERE state = 'sealed'"),
    ).toBe(FIXED);
    expect(await refusal("accounting", "UPDATE work SET work = work + 1 WHERE job = 10")).toBe(FIXED);
    expect(await refusal("accounting", "UPDATE deltas SET into_job = 16 WHERE job = 10")).toBe(FIXED);
    expect(await refusal("accounting", "DELETE FROM payouts WHERE job = 10")).toBe(FIXED);
    expect(await refusal("accounting", "UPDATE deltas SET body = NULL WHERE job = 10")).toBe(FIXED);
    expect(await refusal("accounting", "UPDATE deltas SET body = '{}' WHERE job = 10")).toBe(FIXED);
    expect(
      await refusal(
        "accounting",
        "INSERT INTO archive_files (no, height, part, is_last, deltas, bytes, sha256, keys_sha256, chain) VALUES (1, 10, 0, true, 0, 0, '', '', '')",
      ),
    ).toBe(FIXED);
  });
});

describe("what a role is for", () => {
  it("accounting: applies, seals, prunes, proves, judges and archives", async () => {
    const db = open("accounting");
    const modules = { db, clock: systemClock, logger: SILENT };
    const folder = mkdtempSync(join(tmpdir(), "prosper-archive-"));
    const archive = createArchiver({ afterMs: 0, runMs: 60_000 }, { ...modules, store: folderStore(folder) });
    const janitor = createJanitorHandler(
      { epochGraceMs: 1_000, keepMinutesMs: 1_000 },
      {
        ...modules,
        ...{ sealer: createSealer({ deadlineMs: 0 }, modules), archive },
        judge: () => countWithholding(db),
      },
    );

    expect(await janitor({}, LOCAL_CONTEXT)).toMatchObject({ sealed: 0, archived: { files: 4 } });
    rmSync(folder, { recursive: true });
    expect(await proveBooks(db, new AbortController().signal)).toEqual({ problems: [], isComplete: true });
    expect((await auditBooks(db)).problems).toEqual([]);
  });

  it("auth: registers once an invite is there, and counts guesses", async () => {
    const db = open("auth");
    await insertInvite(database.db, "one");
    const user = { name: "eve", password: "hash", payoutAddress: null };

    expect(await registerWithInvite(db, user, "one")).toBe("registered");
    expect(await registerWithInvite(db, { ...user, name: "mal" }, "one")).toBe("bad-invite");
    const place = { kind: "address", hash: "h" } as const;
    await rememberPlace(db, "eve", place, 1_000);
    const { counter } = await beginGuess(
      db,
      { name: "eve", places: [place], stranger: true },
      { free: 3, everyMs: 1_000 },
      2_000,
    );
    expect(counter).toBe("h");
    await takeBackGuess(db, "eve", "h", { free: 3, everyMs: 1_000 });
  });

  it("api: corrects what an administrator decides, and makes invites", async () => {
    const db = open("api");

    expect(await adjust(db, { user: "bob", amount: 5n, reason: "a gift", madeBy: "boss" })).toMatchObject({
      outcome: "added",
    });
    expect(await insertInvite(db, "two")).toBe(true);
  });

  it("poll: makes prices and prunes old ones", async () => {
    const db = open("poll");
    await insertPrices(db, { atMs: Date.now(), version: 5, prices: new Map(), notes: new Map() });

    expect(await prunePrices(db, 0)).toBe(0);
  });

  it("alerts: delivers what is due, says what became of it, and forgets what is old", async () => {
    const catcher = await startHttpCatcher();
    const clock = manualClock();
    const target = `${catcher.url}/hook`;
    const id = await destinationOf(database.db, { user: "bob", target });
    await rigsBecame(database.db, "bob", ["shed"], "offline", clock.wallMs());
    const deliver = deliverer(open("alerts"), clock);

    expect(await deliver()).toEqual({ delivered: 1, failed: 0 });
    catcher.answer(() => ({ status: 500 }));
    await rigsBecame(database.db, "bob", ["attic"], "offline", clock.wallMs());
    expect(await deliver()).toEqual({ delivered: 0, failed: 1 });
    const row = await one(
      database.db,
      sql`SELECT failures FROM alert_destinations WHERE id = ${id}::bigint`,
      v.object({ failures: v.number() }),
    );
    expect(row.failures).toBe(1);
    await catcher.stop();
  });

  it("canary: notes what it saw, and throws away what is old", async () => {
    const db = open("canary");
    const look = { failedAt: null, words: "", height: 10, connectMs: 1, loginMs: 2, jobMs: 3 };
    for (const atMs of [0, Date.now()]) await noteProbe(db, { atMs, ...look, answerMs: null, rowMs: null });

    expect(await probeSummary(db, { fromMs: -1, nowMs: Date.now(), everyMs: 1 })).toMatchObject({
      probes: 1,
    });
  });

  it("edge: adds a miner's name, and reads what it needs of users", async () => {
    const db = open("edge");

    expect(await insertMiner(db, "newcomer")).toBe(true);
    const row = await one(
      db,
      sql`SELECT is_admin AS admin FROM users WHERE name = 'newcomer'`,
      v.object({ admin: v.boolean() }),
    );
    expect(row.admin).toBe(false);
  });
});

describe("roles", () => {
  it("are made as often as one likes, also by two at a time, and lose what they were given beside", async () => {
    await database.db.execute(sql`GRANT SELECT ON payout_lines TO prosper_poll`);

    await Promise.all([ensureRoles(database.db), ensureRoles(database.db)]);

    expect(await refusal("poll", "SELECT * FROM payout_lines")).toBe(NO_RIGHT);
    expect(await refusal("poll", "SELECT 1 FROM prices")).toBe("done");
  });
});
