/** `prosper payout confirm` and `payout list`: what becomes of payouts that were sent, and their records that stand. */

import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listCommand } from "../../../../infra/cli/payout/list.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { owe, text } from "../../../support/books.ts";
import { PayoutDesk } from "./payout-desk.ts";

let desk: PayoutDesk;
let db: Db;
beforeEach(async () => {
  desk = await PayoutDesk.open();
  db = desk.db;
});
afterEach(() => desk.close());

describe("payout confirm", () => {
  beforeEach(async () => {
    await owe(db, "ann", 5n);
    for (const step of ["prepare", "sign", "send"] as const) await desk.run(step);
    desk.lines.splice(0);
  });

  it("books what was executed, and nothing before that", async () => {
    await desk.run("confirm");
    desk.node.makeBlock();
    desk.fate = { kind: "pending" };
    await desk.run("confirm");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");

    desk.fate = { kind: "executed", height: 7 };
    await desk.run("confirm");
    await desk.run("confirm");

    expect(desk.lines.filter((line) => line.includes("booked"))).toHaveLength(1);
    expect(desk.lines.at(-1)).toBe("No payout is on its way");
    expect(await text(db, sql`SELECT owed FROM balances`)).toBe("0");
  });

  it("gives up an entry that pegnetd refused: its payment is owed again, and its receipt is not booked", async () => {
    desk.node.makeBlock();
    desk.fate = { kind: "rejected", code: -2 };
    await desk.run("confirm");

    expect(desk.lines[0]).toContain("pegnetd refused it with -2: is the source funded?");
    const [hash = ""] = desk.node.entries.keys();
    writeFileSync(
      desk.file("receipt.json"),
      `[{"EntryHash":"${hash}","UserID":"ann","PayoutAddress":"","PaymentAmount":5}]`,
    );
    await expect(desk.run("record")).rejects.toMatchObject({
      code: "receipt-refused",
      message: expect.stringContaining("paid nothing"),
    });
    desk.fate = { kind: "executed", height: 9 };
    desk.clock.advance(1_000);
    const next = desk.newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await desk.run(step, { folder: next });
    desk.node.makeBlock();
    await desk.run("confirm");
    expect(await text(db, sql`SELECT owed FROM balances`)).toBe("0");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("1");
  });

  it("lists every payout and how far it has come", async () => {
    await listCommand({}, { db, print: (line) => desk.lines.push(line) });
    desk.node.makeBlock();
    await desk.run("confirm");
    await listCommand({ json: true }, { db, print: (line) => desk.lines.push(line) });

    expect(desk.lines[0]).toMatch(
      /^[0-9a-f]{16} {2}\S+Z {2}sent {2}0\.00000005 PEG to 1 user, 0 of 1 entry booked$/,
    );
    expect(JSON.parse(desk.lines.at(-1) ?? "")).toMatchObject([
      {
        state: "done",
        total: "5",
        users: 1,
        booked: 1,
        entries: [{ state: "booked", txId: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      },
    ]);
  });
});

describe("records of payouts", () => {
  it("stand: the database refuses to change or remove what was sent", async () => {
    await owe(db, "ann", 5n);
    for (const step of ["prepare", "sign", "send"] as const) await desk.run(step);
    desk.node.makeBlock();
    await desk.run("confirm");

    for (const statement of [
      sql`UPDATE payout_entries SET raw = '00'`,
      sql`UPDATE payout_entries SET state = 'intended'`,
      sql`DELETE FROM payout_entries`,
      sql`UPDATE payout_lines SET amount = 1`,
      sql`UPDATE payout_batches SET state = 'prepared'`,
      sql`DELETE FROM payout_batches`,
    ])
      await expect(db.execute(statement), statement.text).rejects.toMatchObject({
        data: { sqlstate: "BK001" },
      });
  });
});
