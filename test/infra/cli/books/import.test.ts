/**
 * `prosper import` from tables that gorm 1.9.11 made of the Go pool's own structs (test/support/fixtures/go-pool.sql), in a PostgreSQL of the test: it shows
 * what it would change, changes it once however often it is run, and compares.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importCommand } from "../../../../infra/cli/books/import.ts";
import { insertUser } from "../../../../shared/db/accounts.ts";
import { adjust, owedTo } from "../../../../shared/db/payments.ts";
import { readPayable } from "../../../../shared/db/payout-batches.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { addressOf } from "../../../support/accounts.ts";
import { owe, text } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { newFolder, runStep } from "../../../support/payout/payout-steps.ts";
import { standInNode } from "../../../support/payout/stand-in-node.ts";

const TABLES = readFileSync(join(import.meta.dirname, "../../../support/fixtures/go-pool.sql"), "utf8");
const ENTRY = { first: "aa".repeat(32), second: "bb".repeat(32) };

let ours: TestDatabase;
let theirs: TestDatabase;
let db: Db;
let said: string[];
let asked: string[];
beforeEach(async () => {
  [ours, theirs] = await Promise.all([
    createTestDatabase(),
    createTestDatabase({ driver: "pg", migrated: false }),
  ]);
  db = ours.db;
  await theirs.db.execute({ text: TABLES, values: [] });
});
afterEach(async () => {
  await Promise.all([ours.drop(), theirs.drop()]);
});

const goUser = (uid: string, address: string, role = "") =>
  theirs.db.execute(sql`INSERT INTO users (created_at, updated_at, uid, role, payout_address)
    VALUES (now(), now(), ${uid}, ${role}, ${address})`);
const goEarned = (job: number, user: string, payout: bigint) =>
  theirs.db.execute(sql`INSERT INTO user_owed_payouts (job_id, user_id, user_difficuty, total_submissions, proportion, payout)
    VALUES (${job}::int, ${user}, 1.5, 10, 0.5, ${payout}::bigint)`);
const goPaid = (entry: string, user: string, amount: bigint) =>
  theirs.db.execute(sql`INSERT INTO paids (created_at, updated_at, entry_hash, user_id, payout_address, payment_amount)
    VALUES (now(), now(), ${entry}, ${user}, ${addressOf(user)}, ${amount}::bigint)`);

async function run(options: { dryRun?: boolean; answer?: boolean } = {}): Promise<boolean> {
  said = [];
  asked = [];
  const print = (line: string): void => void said.push(line);
  return importCommand(options, {
    ...{ db, from: theirs.db, print, warn: print },
    confirm: async (question) => {
      asked.push(question);
      if (options.answer === false) throw new Error("declined");
    },
  });
}

/** All that an import may change. */
const books = () =>
  text(
    db,
    sql`SELECT concat((SELECT string_agg(name || coalesce(payout_address, '-'), ',' ORDER BY name) FROM users),
      (SELECT string_agg(user_name || amount, ',' ORDER BY id) FROM adjustments),
      (SELECT string_agg(entry_hash || user_name || amount, ',' ORDER BY entry_hash, user_name) FROM payments))`,
  );

/** Two users who earned and were paid, one who never gave an address, a name that never registered. */
async function usualPool(): Promise<void> {
  await goUser("ann@example.org", addressOf("ann@example.org"), "admin");
  await goUser("bob@example.org", addressOf("bob@example.org"));
  await goUser("cid@example.org", "");
  await goEarned(210_000, "ann@example.org", 700n);
  await goEarned(210_001, "ann@example.org", 300n);
  await goEarned(210_001, "bob@example.org", 50n);
  await goEarned(210_001, "cid@example.org", 7n);
  await goEarned(210_001, "nobody", 3n);
  await goPaid(ENTRY.first, "ann@example.org", 600n);
  await goPaid(ENTRY.first, "bob@example.org", 50n);
}

describe("prosper import", () => {
  it("shows what it would change, changes nothing on a dry run or a no, then all of it, and compares", async () => {
    await usualPool();
    const before = await books();

    expect(await run({ dryRun: true })).toBe(true);
    expect(said).toEqual([
      "The Go pool has 3 users: 0.00001060 PEG earned, 0.00000650 PEG paid in 2 payments, 0.00000410 PEG owed",
      "Administrators there, who are none here by this: ann@example.org (`prosper db admin`)",
      `New user ann@example.org, ${addressOf("ann@example.org")}`,
      `New user bob@example.org, ${addressOf("bob@example.org")}`,
      "New user cid@example.org, without an address that can be paid",
      "New user nobody, without an address that can be paid",
      "ann@example.org is credited +0.00001000 PEG",
      "bob@example.org is credited +0.00000050 PEG",
      "cid@example.org is credited +0.00000007 PEG",
      "nobody is credited +0.00000003 PEG",
      `Entry ${ENTRY.first} has paid 0.00000650 PEG to 2 of them`,
    ]);
    await expect(run({ answer: false })).rejects.toThrow("declined");
    expect(await books()).toBe(before);

    expect(await run()).toBe(true);
    expect(asked).toEqual(["Import this? It stays in the books."]);
    expect(said.at(-1)).toBe(
      "Compared: 0.00001060 PEG earned and 0.00000650 PEG paid there are in these books, 0.00000410 PEG owed; no difference",
    );
    expect(await readPayable(db)).toEqual([
      {
        ...{ user: "ann@example.org", address: addressOf("ann@example.org"), amount: 400n },
        ...{ totalOwed: 1000n, totalPaid: 600n, isHeld: false },
      },
      { user: "cid@example.org", address: "", amount: 7n, totalOwed: 7n, totalPaid: 0n, isHeld: false },
      { user: "nobody", address: "", amount: 3n, totalOwed: 3n, totalPaid: 0n, isHeld: false },
    ]);
    // Nobody can log in by a password from there, and nobody is an administrator.
    expect(await text(db, sql`SELECT count(*) FROM users WHERE password IS NOT NULL OR is_admin`)).toBe("0");
    expect(await text(db, sql`SELECT reason FROM adjustments WHERE user_name = 'ann@example.org'`)).toBe(
      "earned in the pool before this one, until block 210001",
    );
  });

  it("changes nothing when it is run again, and only what is new when the Go pool went on", async () => {
    await usualPool();
    await run();
    const once = await books();
    expect(await run()).toBe(true);
    expect(asked).toEqual([]);
    expect(said).toContain("Nothing is to be changed: all of it is here");
    expect(await books()).toBe(once);

    await goEarned(210_002, "ann@example.org", 25n);
    await goPaid(ENTRY.second, "ann@example.org", 400n);
    expect(await run()).toBe(true);
    expect(said).toContain("ann@example.org is credited +0.00000025 PEG");
    expect(await owedTo(db, "ann@example.org")).toBe(25n);
  });

  it("takes over more users than one answer of a database may hold", async () => {
    await theirs.db.execute(sql`INSERT INTO users (created_at, updated_at, uid, role, payout_address)
      SELECT now(), now(), 'farm-' || n || '@example.org', '', '' FROM generate_series(1, 600) n`);
    await theirs.db.execute(sql`INSERT INTO user_owed_payouts (job_id, user_id, user_difficuty, total_submissions, proportion, payout)
      SELECT 1, 'farm-' || n || '@example.org', 1.5, 10, 0.5, 10 FROM generate_series(1, 600) n`);
    expect(await run()).toBe(true);
    expect(await text(db, sql`SELECT count(*) || ' ' || sum(amount) FROM adjustments`)).toBe("600 6000");
    expect(await run()).toBe(true);
    expect(said).toContain("Nothing is to be changed: all of it is here");
  });

  it("books each thing once when two run at the same time", async () => {
    await usualPool();
    const ended = await Promise.allSettled([run(), run()]);
    expect(ended.some(({ status }) => status === "fulfilled")).toBe(true);
    for (const one of ended)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "import-changed" });
    expect(await owedTo(db, "ann@example.org")).toBe(400n);
    expect(await owedTo(db, "bob@example.org")).toBe(0n);
  });

  it("pays nobody twice: what the Go pool paid meanwhile cannot be paid from a list prepared before", async () => {
    await goUser("ann", addressOf("ann"));
    await goEarned(1, "ann", 100n);
    await run();
    const folder = newFolder();
    const modules = { db, factomd: standInNode().factomd, clock: manualClock() };
    for (const step of ["prepare", "sign"] as const) await runStep(step, folder, modules);
    await goPaid(ENTRY.first, "ann", 100n);
    expect(await run()).toBe(true);
    await expect(runStep("send", folder, modules)).rejects.toThrow();

    // And while one of ours is on its way, nothing is imported.
    await goEarned(2, "ann", 60n);
    await run();
    const next = newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await runStep(step, next, modules);
    await goPaid(ENTRY.second, "ann", 60n);
    await expect(run()).rejects.toMatchObject({ code: "import-payout" });
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("1");
  });

  it("leaves out whom a person must decide about, whole, and says what each is owed there", async () => {
    await goUser("ann", addressOf("ann"));
    await goUser("taken", addressOf("old taken"));
    await goUser("with space", addressOf("x"));
    await goUser("twice", addressOf("one"));
    await goUser("twice", addressOf("two"));
    await goUser("boss", addressOf("boss"));
    await goUser("over", addressOf("over"));
    for (const user of ["ann", "taken", "with space", "twice", "boss", "over"]) await goEarned(1, user, 10n);
    await goPaid(ENTRY.first, "ann", 4n);
    await goPaid(ENTRY.first, "taken", 4n);
    await goPaid(ENTRY.second, "over", 11n);
    // Whoever registers a name of the old pool's first must not be paid its money.
    await insertUser(db, { name: "taken", password: "x", payoutAddress: addressOf("thief") });
    await insertUser(db, { name: "boss", password: "x", payoutAddress: null, isAdmin: true });

    expect(await run()).toBe(false);
    expect(said.flatMap((line) => /^Left out: (.*?) there:/.exec(line)?.[1] ?? [])).toEqual([
      '"boss", who is owed 0.00000010 PEG',
      '"over", who is owed -0.00000001 PEG',
      '"taken", who is owed 0.00000006 PEG',
      '"twice", who is owed 0.00000010 PEG',
      '"with space", who is owed 0.00000010 PEG',
    ]);
    expect(said.at(-1)).toContain("different: the 5 left out, with 0.00000035 PEG owed");
    expect(await owedTo(db, "ann")).toBe(6n);
    expect(await owedTo(db, "taken")).toBe(0n);
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("1");
    expect(await run()).toBe(false);
    expect(await owedTo(db, "ann")).toBe(6n);
  });

  it("credits who is here at the same address, or mines here without one, and who changed the address later", async () => {
    await insertUser(db, { name: "ann", password: "x", payoutAddress: addressOf("ann") });
    await owe(db, "bob", 5n, null);
    for (const user of ["ann", "bob"]) {
      await goUser(user, addressOf(user));
      await goEarned(1, user, 10n);
    }
    expect(await run()).toBe(true);
    expect(said).toContain(`Address of bob: ${addressOf("bob")}`);
    expect([await owedTo(db, "ann"), await owedTo(db, "bob")]).toEqual([10n, 15n]);

    await db.execute(sql`UPDATE users SET payout_address = ${addressOf("new")} WHERE name = 'ann'`);
    await adjust(db, { user: "ann", amount: 1n, reason: "ours", madeBy: "test" });
    await goEarned(2, "ann", 10n);
    expect(await run()).toBe(true);
    expect(await owedTo(db, "ann")).toBe(21n);
    expect(await text(db, sql`SELECT payout_address FROM users WHERE name = 'ann'`)).toBe(addressOf("new"));
  });

  it("says that it cannot read what is no Go pool", async () => {
    await theirs.db.execute(sql`DROP TABLE paids`);
    await expect(run()).rejects.toMatchObject({ code: "go-pool" });
    expect(await text(db, sql`SELECT count(*) FROM users`)).toBe("0");
  });
});
