/** `prosper payout pay` on a list of `prosper db payout` that was cut down by hand, or lay for long. Every case of the reference: pay.test.ts. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { parsePayoutLines } from "../../../../shared/factom/payout.ts";
import { addressOf } from "../../../support/accounts.ts";
import { owe, text } from "../../../support/books.ts";
import { PayoutDesk } from "./payout-desk.ts";

let desk: PayoutDesk;
let db: Db;
beforeEach(async () => {
  desk = await PayoutDesk.open();
  db = desk.db;
});
afterEach(() => desk.close());

describe("payout pay", () => {
  it("takes a list that was cut down by hand when told so, but no user twice, nothing that is not owed, and no other address", async () => {
    await owe(db, "ann", 5n);
    await owe(db, "bob", 7n);
    await desk.run("list");
    const [ann, bob] = parsePayoutLines(readFileSync(desk.file("list.json"), "utf8"));
    const write = (...chosen: object[]): void => {
      const fields = (line: object): string =>
        JSON.stringify(line, (_, item) => (typeof item === "bigint" ? Number(item) : item));
      writeFileSync(
        desk.file("list.json"),
        `[${chosen
          .map((line) =>
            fields(line)
              .replace(
                /"(\w)(\w+)":/g,
                (_, first: string, rest: string) => `"${first.toUpperCase()}${rest}":`,
              )
              .replace("UserId", "UserID"),
          )
          .join()}]`,
      );
    };

    write({ ...bob, paymentAmount: 8n });
    await expect(desk.run("pay", { byHand: true })).rejects.toMatchObject({ code: "payout-refused" });
    write({ ...ann }, { ...ann });
    await expect(desk.run("pay", { byHand: true })).rejects.toMatchObject({ code: "payout-invalid" });
    write({ ...bob, payoutAddress: addressOf("thief") });
    await expect(desk.run("pay", { byHand: true })).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("the account's address is"),
    });
    write({ ...bob });
    await expect(desk.run("pay")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("needs --by-hand"),
    });
    await desk.run("pay", { byHand: true });
    await desk.run("record");

    expect(await text(db, sql`SELECT string_agg(user_name || amount, ',') FROM payments`)).toBe("bob7");
    expect(
      await text(db, sql`SELECT string_agg(state || by_hand, ',' ORDER BY state) FROM payout_batches`),
    ).toBe("donetrue,replacedfalse");
  });

  it("signs anew a list that lay too long, as long as nothing of it was sent", async () => {
    await owe(db, "ann", 5n);
    await desk.run("list");
    desk.clock.advance(30 * 3_600_000);

    await desk.run("pay");

    expect(desk.node.entries.size).toBe(1);
    expect(await text(db, sql`SELECT salt_seconds FROM payout_batches`)).toBe(
      String(Math.floor(desk.clock.wallMs() / 1000)),
    );
  });
});
