/** `prosper payout sign`: the same bytes each time, of the very list that was prepared. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "../../../../shared/db/port.ts";
import { faAddressOf } from "../../../../shared/factom/fat2.ts";
import { owe } from "../../../support/books.ts";
import { pool } from "../../../support/payout/payout-steps.ts";
import { PayoutDesk } from "./payout-desk.ts";

let desk: PayoutDesk;
let db: Db;
beforeEach(async () => {
  desk = await PayoutDesk.open();
  db = desk.db;
});
afterEach(() => desk.close());

describe("payout sign", () => {
  it("makes the same bytes each time, in entries below 10 KiB, and needs nothing but the file and the key", async () => {
    for (let i = 0; i < 120; i++) await owe(db, `user-${i}`, BigInt(1_000_000 + i));
    await desk.run("prepare");

    await desk.run("sign");
    await desk.signInto("again.json");

    expect(readFileSync(desk.file("again.json"), "utf8")).toBe(
      readFileSync(desk.file("signed.json"), "utf8"),
    );
    const { entries, source } = desk.signed();
    expect(source).toBe(faAddressOf(pool));
    expect(entries.length).toBeGreaterThanOrEqual(3);
    for (const { raw } of entries) expect(raw.length / 2).toBeLessThanOrEqual(35 + 10_240);
    expect(entries.reduce((sum: number, entry: { count: number }) => sum + entry.count, 0)).toBe(120);
  });

  it("refuses a file that was edited since, or is none", async () => {
    await owe(db, "ann", 5n);
    await desk.run("prepare");
    writeFileSync(
      desk.file("pay.json"),
      readFileSync(desk.file("pay.json"), "utf8").replace('"amount":"5"', '"amount":"6"'),
    );

    await expect(desk.run("sign")).rejects.toMatchObject({
      code: "payout-invalid",
      message: expect.stringContaining("not what the pool"),
    });
    writeFileSync(desk.file("pay.json"), "[]");
    await expect(desk.run("sign")).rejects.toMatchObject({ code: "payout-invalid" });
  });
});
