/** `prosper payout show`: each payee's amount with where it comes from, of the prepared payout and of one that was paid. */

import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { showCommand } from "../../../../infra/cli/payout/show.ts";
import { listBatches } from "../../../../shared/db/payout-batches.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { addressOf } from "../../../support/accounts.ts";
import { endHolds, owe } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { newFolder, runStep, type Step } from "../../../support/payout/payout-steps.ts";
import { standInNode } from "../../../support/payout/stand-in-node.ts";

let database: TestDatabase;
let db: Db;
const clock = manualClock();
const node = standInNode();
const folders: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  await database.drop();
});

/** The commands before, in a folder of their own. */
async function run(...steps: Step[]): Promise<void> {
  const folder = newFolder();
  folders.push(folder);
  for (const step of steps) await runStep(step, folder, { db, factomd: node.factomd, clock });
}

async function show(options: { id?: string; json?: boolean } = {}): Promise<string[]> {
  const lines: string[] = [];
  await showCommand(options, { db, print: (line) => void lines.push(line) });
  return lines;
}

it("says that nothing was prepared, and which payouts there are none of", async () => {
  await expect(show()).rejects.toMatchObject({ code: "payout-unknown" });
  await expect(show({ id: "0123456789abcdef" })).rejects.toThrow(/no payout 0123456789abcdef/);
});

it("tells of each payee what was earned, adjusted and carried, what came last and whether the address changed", async () => {
  await owe(db, "ann", 100_000_000n);
  // Without an address nobody is paid: it is carried.
  await owe(db, "bob", 1n, null);
  await run("prepare", "sign", "send");
  node.makeBlock();
  await run("confirm");
  const [first] = await listBatches(db, 1);
  await db.execute(sql`UPDATE users SET payout_address = ${addressOf("bob")} WHERE name = 'bob'`);
  await db.execute(sql`UPDATE users SET payout_address = ${addressOf("new")} WHERE name = 'ann'`);
  await endHolds(db);
  await owe(db, "ann", 50_000_000n);
  await owe(db, "ann", -10_000_000n);
  await run("prepare");
  const [second] = await listBatches(db, 1);

  const [ann, annWhy, bob, bobWhy, last, ...more] = await show();
  expect(ann?.trim()).toBe(`0.40000000 PEG  ${addressOf("new")}  ann`);
  expect(annWhy?.trim()).toBe(
    `earned 0.00000000, adjusted +0.40000000, last time 1.00000000  CHANGED, last paid at ${addressOf("ann")}`,
  );
  expect(bob?.trim()).toBe(`0.00000001 PEG  ${addressOf("bob")}  bob`);
  expect(bobWhy?.trim()).toBe("earned 0.00000000, carried 0.00000001, never paid before");
  expect(last).toContain("prepared  0.40000001 PEG to 2 users; 1 new, 1 at a changed address");
  expect(more).toEqual([]);

  // As it was when the first one was prepared: its own payment is not the one before it.
  const [json = ""] = await show({ id: first?.id ?? "", json: true });
  expect(JSON.parse(json)).toMatchObject({
    ...{ id: first?.id, state: "done", total: "100000000", users: 1, agreed: ["command line"], needed: 0 },
    lines: [
      {
        ...{ user: "ann", address: addressOf("ann"), amount: "100000000", earned: "0" },
        ...{ adjusted: "100000000", carried: "0", lastAmount: null, lastAddress: null },
      },
    ],
  });
  const [prepared = ""] = await show({ json: true });
  expect(JSON.parse(prepared)).toMatchObject({ id: second?.id, state: "prepared" });
});
