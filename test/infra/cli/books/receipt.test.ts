/** `prosper db payout` and `prosper db record`: what is owed in the reference's form, and receipts of what was paid, booked once. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dbPayoutCommand, dbRecordCommand } from "../../../../infra/cli/payout/db.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { text } from "../../../support/books.ts";
import { address, SealedBooks } from "./sealed-books.ts";

const HASH_1 = "1".repeat(64);
const HASH_2 = "2".repeat(64);

let books: SealedBooks;
let db: Db;
beforeEach(async () => {
  books = await SealedBooks.open();
  db = books.db;
});
afterEach(() => books.close());

describe("prosper db payout", () => {
  it("writes what is owed in the reference's form, exact beyond 2^53, without those who cannot be paid", async () => {
    await adjust(db, { user: "eve", amount: -5n, reason: "test", madeBy: "admin" });

    await dbPayoutCommand(books.file("pay.json"), books.modules());

    const line = (user: string, to: string, amount: string): string =>
      `{"EntryHash":"","UserID":"${user}","PayoutAddress":"${to}","PaymentAmount":${amount},"TotalOwed":${amount},"TotalPaid":0}`;
    expect(readFileSync(books.file("pay.json"), "utf8")).toBe(
      `[${line("ann", address(1), "3664285714285714286")},${line("bob", address(2), "2442857142857142857")}]`,
    );
    expect(books.out).toEqual([
      `Payment data of 2 users written to ${books.file("pay.json")}`,
      "61071428571.42857143 PEG needed for the payout",
    ]);
    expect(books.warnings).toEqual([
      "Left out: cid is owed 12214285714.28571429 PEG but has no payout address",
      'Left out: dan is owed 12214285714.28571428 PEG but has no valid payout address: "FA-nonsense"',
      "Left out: eve has had 0.00000005 PEG more than was owed",
    ]);
  });

  it("refuses a file that exists, and prints to stdout without one", async () => {
    writeFileSync(books.file("pay.json"), "mine");

    await expect(dbPayoutCommand(books.file("pay.json"), books.modules())).rejects.toMatchObject({
      code: "payout-file",
    });
    await dbPayoutCommand(undefined, books.modules());

    expect(readFileSync(books.file("pay.json"), "utf8")).toBe("mine");
    expect(JSON.parse(books.out.join("\n"))).toHaveLength(2);
  });
});

describe("prosper db record", () => {
  async function receipt(name: string, hashes: [string, string]): Promise<string> {
    await dbPayoutCommand(books.file(`${name}.pay`), books.modules());
    const [ann, bob] = hashes;
    const pay = readFileSync(books.file(`${name}.pay`), "utf8");
    const paid = pay
      .replace('"EntryHash":""', `"EntryHash":"${ann}"`)
      .replace('"EntryHash":""', `"EntryHash":"${bob}"`);
    writeFileSync(books.file(name), paid);
    books.out.splice(0);
    return books.file(name);
  }

  it("books each entry of a receipt once, and says so the second time", async () => {
    const paid = await receipt("receipt.json", [HASH_1, HASH_2]);

    await dbRecordCommand(paid, books.modules());
    await dbRecordCommand(paid, books.modules());

    expect(books.out).toEqual([
      "Payment data recorded: 61071428571.42857143 PEG in 2 entries",
      "This receipt is recorded already; nothing was changed",
    ]);
    const { audit } = await books.auditJson();
    expect(audit).toMatchObject({
      users: { ann: { paidOut: "3664285714285714286", owed: "0" }, bob: { owed: "0" } },
    });
  });

  it("books a receipt once when eight record it at the same time, and two receipts for the same money only once [G16] [P9]", async () => {
    const same = await receipt("a.json", [HASH_1, HASH_1]);
    const other = await receipt("b.json", [HASH_2, HASH_2]);

    const runs = await Promise.allSettled(
      [same, other, same, other, same, other, same, other].map((path) =>
        dbRecordCommand(path, books.modules()),
      ),
    );

    expect(runs.filter((run) => run.status === "rejected")).toHaveLength(4);
    expect(books.out.filter((line) => line.startsWith("Payment data recorded"))).toHaveLength(1);
    expect(await text(db, sql`SELECT count(*) || '/' || count(DISTINCT entry_hash) FROM payments`)).toBe(
      "2/1",
    );
  });

  it("books the rest of a receipt that is partly booked", async () => {
    const whole = await receipt("whole.json", [HASH_1, HASH_2]);
    const [ann] = JSON.parse(readFileSync(whole, "utf8").replace(/:(\d{16,})/g, ':"$1"'));
    writeFileSync(
      books.file("part.json"),
      JSON.stringify([ann]).replace(/:"(\d{16,})"/g, (_, digits) =>
        digits === HASH_1 ? `:"${digits}"` : `:${digits}`,
      ),
    );

    await expect(dbRecordCommand(books.file("part.json"), books.modules())).rejects.toThrow(
      "needs --by-hand",
    );
    await dbRecordCommand(books.file("part.json"), { ...books.modules(), byHand: true });
    await dbRecordCommand(whole, books.modules());

    expect(books.out.at(-1)).toBe("1 of them were recorded before");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("2");
  });

  it.each([
    ["of nothing", "[]", "receipt-invalid"],
    ["that is the payout file", '[{"EntryHash":"","UserID":"ann","PaymentAmount":5}]', "receipt-invalid"],
    [
      "of a negative payment",
      `[{"EntryHash":"${HASH_1}","UserID":"ann","PaymentAmount":-5}]`,
      "receipt-invalid",
    ],
    [
      "that pays a user twice by one entry",
      `[{"EntryHash":"${HASH_1}","UserID":"ann","PaymentAmount":5},{"EntryHash":"${HASH_1}","UserID":"ann","PaymentAmount":5}]`,
      "receipt-invalid",
    ],
    ["that is no JSON", "receipt", "payout-invalid"],
    ["to a stranger", `[{"EntryHash":"${HASH_1}","UserID":"zoe","PaymentAmount":5}]`, "receipt-refused"],
    [
      "of more than is owed, though each entry alone is not",
      `[{"EntryHash":"${HASH_1}","UserID":"cid","PaymentAmount":1221428571428571429},{"EntryHash":"${HASH_2}","UserID":"cid","PaymentAmount":1}]`,
      "receipt-refused",
    ],
  ])("refuses a receipt %s and books nothing of it", async (_, receiptText, code) => {
    writeFileSync(books.file("bad.json"), receiptText);

    await expect(
      dbRecordCommand(books.file("bad.json"), { ...books.modules(), byHand: true }),
    ).rejects.toMatchObject({
      code,
    });

    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");
  });

  it("refuses other payments under an entry that is booked", async () => {
    await dbRecordCommand(await receipt("receipt.json", [HASH_1, HASH_1]), books.modules());
    writeFileSync(
      books.file("other.json"),
      `[{"EntryHash":"${HASH_1}","UserID":"cid","PayoutAddress":"FA","PaymentAmount":5}]`,
    );

    await expect(
      dbRecordCommand(books.file("other.json"), { ...books.modules(), byHand: true }),
    ).rejects.toThrow("with other payments");
  });

  it("books only what moved: a payment of 0 leaves no row", async () => {
    writeFileSync(
      books.file("zero.json"),
      `[{"EntryHash":"${HASH_1}","UserID":"ann","PayoutAddress":"FA","PaymentAmount":0}]`,
    );

    await dbRecordCommand(books.file("zero.json"), books.modules());

    expect(books.out).toEqual(["Every payment of this receipt is 0; nothing was changed"]);
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");
  });
});
