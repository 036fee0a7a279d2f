/** `prosper audit`: the books as JSON and as a table, what was tampered with, and the books made again by --replay. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { auditCommand } from "../../../../infra/cli/books/audit.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { SealedBooks } from "./sealed-books.ts";

let books: SealedBooks;
let db: Db;
beforeEach(async () => {
  books = await SealedBooks.open();
  db = books.db;
});
afterEach(() => books.close());

describe("prosper audit", () => {
  it("prints the books as one JSON object, with money and work as strings", async () => {
    await adjust(db, { user: "bob", amount: -7n, reason: "test", madeBy: "admin" });

    const { code, audit } = await books.auditJson();

    expect(code).toBe(0);
    const none = { accepted: 0, work: "0", booked: "0", adjusted: "0", paidOut: "0", owed: "0" };
    expect(audit).toEqual({
      blocks: 1,
      reward: "9000000000000000000",
      fee: "450000000000000000",
      paid: "8550000000000000000",
      carried: "0",
      conserved: true,
      adjusted: "-7",
      users: {
        ann: {
          ...none,
          accepted: 8,
          work: "524288",
          booked: "3664285714285714286",
          owed: "3664285714285714286",
        },
        bob: {
          ...none,
          accepted: 2,
          work: "131072",
          booked: "2442857142857142857",
          adjusted: "-7",
          owed: "2442857142857142850",
        },
        cid: {
          ...none,
          accepted: 1,
          work: "65536",
          booked: "1221428571428571429",
          owed: "1221428571428571429",
        },
        dan: {
          ...none,
          accepted: 1,
          work: "65536",
          booked: "1221428571428571428",
          owed: "1221428571428571428",
        },
        eve: none,
      },
    });
  });

  it("prints a table for people", async () => {
    expect(await auditCommand({}, books.modules())).toBe(0);

    expect(books.out[0]).toContain(
      "1 block sealed (PEG): reward 90000000000.00000000, fee 4500000000.00000000",
    );
    expect(books.out.find((line) => line.startsWith("ann"))).toMatch(/^ann +8 +36642857142\.85714286 /);
    expect(books.out.at(-1)).toContain("Conserved");
  });

  it.each([
    [
      "a payout",
      sql`UPDATE payouts SET amount = amount + 1 WHERE user_name = 'ann'`,
      "paid is 8550000000000000000, its payouts are",
    ],
    [
      "payouts swapped between users",
      sql`UPDATE payouts SET amount = amount + CASE user_name WHEN 'ann' THEN 5 WHEN 'bob' THEN -5 ELSE 0 END`,
      "ann is booked",
    ],
    ["a sum of work", sql`UPDATE work SET work = work + 1 WHERE job = 10 AND user_name = 'ann'`, "root is"],
    ["a worker's name", sql`UPDATE work SET worker = 'x' WHERE job = 10 AND user_name = 'ann'`, "root is"],
    ["the fee", sql`UPDATE jobs SET fee = fee + 1, paid = paid - 1 WHERE height = 10`, "fee is"],
    [
      "the carry",
      sql`UPDATE jobs SET carried_in = 5, carried = 5 WHERE height = 10`,
      "carried in is 5, expected 0",
    ],
    ["the reward", sql`UPDATE blocks SET reward = reward - 1`, "the chain paid 8999999999999999999"],
  ])("finds %s changed behind the triggers' back", async (_, tampering, problem) => {
    await db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(tampering);
    });

    const { code, audit } = await books.auditJson();

    expect(code).toBe(1);
    expect(audit["conserved"]).toBe(false);
    expect(books.warnings.join("\n")).toContain(problem);
  });
});

describe("prosper audit --replay", () => {
  it("prints the same books, made from the deltas, and one hash to compare", async () => {
    const { audit } = await books.auditJson();
    await auditCommand({ json: true, replay: true }, books.modules());
    const replayed = JSON.parse(books.out.pop() ?? "");
    expect(await auditCommand({ replay: true }, books.modules())).toBe(0);

    const { replay, ...rest } = replayed;
    expect(rest).toEqual(audit);
    expect(replay).toEqual({
      ...{ deltas: 2, archiveFiles: 0, through: 10, differences: 0, first: [] },
      booksSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(books.out.slice(-2)).toEqual([
      "Identical: every stored row is what the deltas and recorded decisions make.",
      `2 deltas replayed, sealed through block 10. Books sha256: ${replay.booksSha256}`,
    ]);
  });

  it("names what differs and exits with 1", async () => {
    await db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE work SET shares = shares + 1 WHERE user_name = 'cid'`);
    });
    const bar = { update: vi.fn(), end: vi.fn() };

    expect(await auditCommand({ replay: true }, { ...books.modules(), progress: bar })).toBe(1);

    expect(books.warnings).toEqual(["job 10, work of cid/c: shares is 2, the records make 1"]);
    expect(books.out.join("\n")).toContain("NOT IDENTICAL: 1 differences.");
    expect(bar.update.mock.lastCall).toEqual(["Replaying the books", 2, 2, " blocks"]);
    expect(bar.end).toHaveBeenCalled();
  });
});
