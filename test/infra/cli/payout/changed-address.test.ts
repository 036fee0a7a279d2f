/** A user changes the payout address while a list that pays the former one is on its way (docs/decisions/payout-address.md). */

import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setPayoutAddress } from "../../../../shared/db/accounts.ts";
import { takeBackAddress } from "../../../../shared/db/address-holds.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { addressOf } from "../../../support/accounts.ts";
import { endHolds, owe, text } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { newFolder, runStep, type Step } from "../../../support/payout/payout-steps.ts";
import { standInNode } from "../../../support/payout/stand-in-node.ts";

const clock = manualClock();
const node = standInNode();
let database: TestDatabase;
let db: Db;
let first = "";
let anew = "";
let lines: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.drop());
beforeEach(async () => {
  first = newFolder();
  anew = newFolder();
  lines = [];
  node.reset();
});
afterEach(() => {
  for (const folder of [first, anew]) rmSync(folder, { recursive: true });
});

const run = (step: Step, folder = first): Promise<void> =>
  runStep(step, folder, { db, factomd: node.factomd, clock }, lines);
const changeAddress = async (user: string, address: string): Promise<void> =>
  setPayoutAddress(
    db,
    BigInt((await text(db, sql`SELECT id FROM users WHERE name = ${user}`)) ?? 0),
    address,
  );
/** Where the newest list that is sent pays a user. */
const paidTo = (user: string): Promise<string | null> =>
  text(
    db,
    sql`SELECT l.address FROM payout_lines l JOIN payout_entries e ON e.batch = l.batch AND e.no = l.entry WHERE l.user_name = ${user}
      ORDER BY e.changed_at DESC LIMIT 1`,
  );

describe("a payout that was prepared before a change of address", () => {
  it("pays the former address, since nobody can tell whose the new one is", async () => {
    await owe(db, "ann", 500n);
    await owe(db, "bob", 700n);
    await run("prepare");
    await changeAddress("ann", addressOf("a thief"));
    await run("sign");
    await run("send");

    expect(await paidTo("ann")).toBe(addressOf("ann"));
    expect(await paidTo("bob")).toBe(addressOf("bob"));
  });

  it("is refused once the operator has prepared anew, which leaves the user out: what has no key any more is not paid", async () => {
    await owe(db, "carl", 500n);
    await owe(db, "dora", 700n);
    await run("prepare");
    await run("sign");
    await changeAddress("carl", addressOf("carl's new wallet"));
    await run("prepare", anew);

    expect(lines.join("\n")).toContain("carl is owed");
    await expect(run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("carl is to get"),
    });
    await run("sign", anew);
    await run("send", anew);
    expect(await paidTo("dora")).toBe(addressOf("dora"));
    // Carried, and paid to the new one when the day is over.
    await endHolds(db);
    const later = newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, later);
    rmSync(later, { recursive: true });
    expect(await paidTo("carl")).toBe(addressOf("carl's new wallet"));
  });

  it("can be sent again where the former address is taken back", async () => {
    await owe(db, "erin", 500n);
    await owe(db, "fred", 700n);
    await run("prepare");
    await run("sign");
    await changeAddress("erin", addressOf("a thief"));
    await run("prepare", anew);
    await takeBackAddress(db, "erin");
    await run("send");

    expect(await paidTo("erin")).toBe(addressOf("erin"));
  });
});
