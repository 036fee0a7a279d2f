/** `prosper payout prepare`: who is on the list and who is left out; the file and its name. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prepareCommand } from "../../../../infra/cli/payout/prepare.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { addressOf } from "../../../support/accounts.ts";
import { owe, text } from "../../../support/books.ts";
import { poolKeys } from "../../../support/payout/payout-steps.ts";
import { PayoutDesk } from "./payout-desk.ts";

let desk: PayoutDesk;
let db: Db;
beforeEach(async () => {
  desk = await PayoutDesk.open();
  db = desk.db;
});
afterEach(() => desk.close());

describe("payout prepare", () => {
  it("lists who can be paid and is owed the minimum, and says of everybody else why not", async () => {
    await owe(db, "ann", 500n);
    await owe(db, "bob", 499n);
    await owe(db, "cid", 500n, null);
    await owe(db, "dan", 500n, "FA-nonsense");
    await owe(db, "eve", -1n);

    await prepareCommand(
      { file: desk.file("pay.json"), minimum: 500n, poolKeys },
      {
        ...{ ...desk.modules(), compare: async () => undefined },
        print: (line) => desk.lines.push(line),
        warn: (line) => desk.lines.push(line),
      },
    );

    expect(desk.lines.slice(0, 4)).toEqual([
      "Left out: bob is owed 0.00000499 PEG, less than the minimum of 0.00000500",
      "Left out: cid is owed 0.00000500 PEG but has no payout address",
      'Left out: dan is owed 0.00000500 PEG but has no valid payout address: "FA-nonsense"',
      "Left out: eve has had 0.00000001 PEG more than was owed",
    ]);
    expect(JSON.parse(readFileSync(desk.file("pay.json"), "utf8"))).toEqual({
      prosper: "payout",
      version: 2,
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      saltSeconds: desk.clock.wallMs() / 1000,
      lines: [{ user: "ann", address: addressOf("ann"), amount: "500", totalOwed: "500", totalPaid: "0" }],
      signature: expect.stringMatching(/^[0-9a-f]{128}$/),
    });
  });

  it("gives the same list the same name and bytes, and another list takes its place", async () => {
    await owe(db, "ann", 5n);
    await desk.run("prepare");
    const again = desk.newFolder();
    await desk.run("prepare", { folder: again });
    await owe(db, "ann", 1n);
    const later = desk.newFolder();
    await desk.run("prepare", { folder: later });

    const read = (where: string): string => readFileSync(join(where, "pay.json"), "utf8");
    expect(read(again)).toBe(read(desk.folder));
    expect(JSON.parse(read(later)).id).not.toBe(JSON.parse(read(desk.folder)).id);
    expect(await text(db, sql`SELECT string_agg(state, ',' ORDER BY state) FROM payout_batches`)).toBe(
      "prepared,replaced",
    );
  });

  it("leaves out what is on its way, and pays the rest", async () => {
    await owe(db, "ann", 5n);
    for (const step of ["prepare", "sign", "send"] as const) await desk.run(step);
    await owe(db, "ann", 2n);
    const next = desk.newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await desk.run(step, { folder: next });
    desk.node.makeBlock();
    await desk.run("confirm");

    expect(JSON.parse(readFileSync(join(next, "pay.json"), "utf8")).lines).toMatchObject([
      { amount: "2", totalOwed: "7", totalPaid: "5" },
    ]);
    expect(await text(db, sql`SELECT string_agg(amount::text, ',' ORDER BY amount) FROM payments`)).toBe(
      "2,5",
    );
  });

  it("says so where nothing is to be paid, and writes no file", async () => {
    await desk.run("prepare");

    expect(desk.lines).toEqual(["Nothing is to be paid"]);
  });
});
