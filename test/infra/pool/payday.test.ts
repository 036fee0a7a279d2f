/** Payday in the pool's process: what it takes and refuses, over a real database and a node that answers as told. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setAdmin } from "../../../shared/db/accounts.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { approvePayout } from "../../../shared/db/payout-approvals.ts";
import { preparedBatch, sendingBatches } from "../../../shared/db/payout-batches.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";
import { owe, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { ended, openPayday, signedPieces, takeAll } from "../../support/payout/page.ts";
import { newFolder, runStep } from "../../support/payout/payout-steps.ts";
import { standInNode } from "../../support/payout/stand-in-node.ts";

let database: TestDatabase;
let db: Db;
const clock = manualClock();
const node = standInNode();
const pegnetd: Pegnetd = {
  transaction: async () => ({ kind: "executed", height: 7 }),
  roughPegBalance: async () => 1e18,
};
const modules = () => ({ db, clock, pegnetd, factomd: node.factomd });

beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  node.reset();
});
afterEach(() => database.drop());

/** Administrators by these names, and a payout that the first prepares. */
async function prepared(payday: ReturnType<typeof openPayday>, ...admins: string[]): Promise<string> {
  await owe(db, "ann", 500n);
  for (const name of admins) {
    await db.execute(sql`INSERT INTO users (name) VALUES (${name}) ON CONFLICT DO NOTHING`);
    await setAdmin(db, name);
  }
  expect(payday.prepare(admins[0] ?? "boss")).toBe(true);
  expect(await ended(payday)).toBeUndefined();
  return (await preparedBatch(db))?.id ?? "";
}

describe("payday", () => {
  it("prepares, sends what was signed elsewhere, and books what the chain has, by name", async () => {
    const payday = openPayday(modules());
    const id = await prepared(payday, "boss");
    expect(payday.work().said).toEqual([`Payout ${id}: 0.000005 PEG to 1 user`]);
    expect(await takeAll(payday, await signedPieces(db))).toEqual({ kind: "sending" });
    expect(await ended(payday)).toBeUndefined();
    expect(node.revealed).toHaveLength(1);
    node.makeBlock();
    payday.confirm();
    await ended(payday);

    expect(await text(db, sql`SELECT amount FROM payments`)).toBe("500");
    const [sent] = await listAdminLog(db, 1);
    expect(sent).toMatchObject({
      actor: "boss",
      action: "send-payout",
      subject: id,
      details: { agreed: "boss" },
    });
  });

  it("takes entries in their order only, whole, of the right list and salt", async () => {
    const payday = openPayday(modules());
    await prepared(payday, "boss");
    const [piece] = (await signedPieces(db)) ?? [];
    if (piece === undefined) throw new Error("nothing was signed");
    const take = (change: object) => payday.take({ ...piece, ...change }, "boss");

    expect(await take({ no: 1 })).toMatchObject({ kind: "refused", why: "expected entry 0, got 1" });
    expect(await take({ id: "0".repeat(16) })).toMatchObject({ kind: "refused" });
    expect(await take({ source: "FA-other" })).toMatchObject({ why: expect.stringContaining("pays from") });
    const raw = `${piece.entry.raw.slice(0, -2)}00`;
    expect(await take({ entry: { ...piece.entry, raw } })).toMatchObject({
      why: expect.stringContaining("is damaged"),
    });
    await db.execute(sql`UPDATE payout_batches SET salt_seconds = salt_seconds + 1`);
    expect(await take({})).toMatchObject({ kind: "refused", why: expect.stringContaining("another salt") });
    expect(node.revealed).toEqual([]);
  });

  it("sends nothing that two people must agree to before both have, and nobody agrees to their own", async () => {
    const payday = openPayday(modules(), { approvalsNeeded: 2 });
    const id = await prepared(payday, "boss", "second");
    const pieces = await signedPieces(db);
    expect(await takeAll(payday, pieces)).toMatchObject({
      ...{ kind: "refused", why: expect.stringContaining("so far boss") },
    });
    expect(await approvePayout(db, id, "boss")).toBe("again");
    // Nor by the command line of a machine whose settings know nothing of it.
    const folder = newFolder();
    const commands = { ...modules(), byHand: false };
    await runStep("prepare", folder, commands);
    await runStep("sign", folder, commands);
    await expect(runStep("send", folder, commands)).rejects.toMatchObject({ code: "payout-refused" });

    expect(await approvePayout(db, id, "second")).toBe("approved");
    await db.execute(sql`UPDATE users SET is_admin = false WHERE name = 'second'`);
    // Who is no administrator any more has not agreed.
    expect(await takeAll(payday, pieces)).toMatchObject({ kind: "refused" });
    expect(node.revealed).toEqual([]);
    await setAdmin(db, "second");
    expect(await takeAll(payday, pieces)).toEqual({ kind: "sending" });
    expect(await ended(payday)).toBeUndefined();
    expect(node.revealed).toHaveLength(1);
    const details = (await listAdminLog(db, 1))[0]?.details;
    expect(details?.["agreed"]).toMatch(/boss/);
    expect(details?.["agreed"]).toMatch(/second/);
  });

  it("goes on with what was sent from the pages by itself, and leaves the command line's alone", async () => {
    const payday = openPayday(modules());
    await prepared(payday, "boss");
    await takeAll(payday, await signedPieces(db));
    await ended(payday);
    await owe(db, "bob", 5n);
    const folder = newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await runStep(step, folder, modules());
    node.makeBlock();
    const stopping = new AbortController();
    const running = openPayday(modules()).run(stopping.signal);
    for (let i = 0; i < 100 && (await sendingBatches(db)).length > 1; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    stopping.abort();
    await running;

    expect(await text(db, sql`SELECT string_agg(user_name, ',') FROM payments`)).toBe("ann");
    expect((await sendingBatches(db)).map(({ sentBy }) => sentBy)).toEqual([""]);
  });

  it("prepares by the schedule, once, and waits: that is nobody's word", async () => {
    await owe(db, "ann", 500n);
    const payday = openPayday(modules(), { prepareEveryMs: 3_600_000, approvalsNeeded: 2 });
    const stopping = new AbortController();
    const running = payday.run(stopping.signal);
    for (let i = 0; i < 100 && (await preparedBatch(db)) === undefined; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await ended(payday);
    stopping.abort();
    await running;

    expect(await text(db, sql`SELECT count(*) FROM payout_batches`)).toBe("1");
    expect(await text(db, sql`SELECT count(*) FROM payout_approvals`)).toBe("0");
    expect(node.revealed).toEqual([]);
  });

  it("says what is missing where the pool has no key that pays for entries", async () => {
    const payday = openPayday(modules(), { es: "" });
    await prepared(payday, "boss");
    expect(await payday.credits()).toBeUndefined();
    expect(await takeAll(payday, await signedPieces(db))).toMatchObject({
      why: expect.stringContaining("set pool.esaddress"),
    });
  });
});
