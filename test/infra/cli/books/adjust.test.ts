/** `prosper db adjust`, and adjustments in the books: once per request, logged, in the chain of money. */

import { createHash } from "node:crypto";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dbAdjustCommand } from "../../../../infra/cli/books/adjust.ts";
import { auditCommand } from "../../../../infra/cli/books/audit.ts";
import { listAdminLog } from "../../../../shared/db/admin-log.ts";
import { adjust, recordReceipt } from "../../../../shared/db/payments.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { text } from "../../../support/books.ts";
import { address, SealedBooks } from "./sealed-books.ts";

const HASH_1 = "1".repeat(64);

let books: SealedBooks;
let db: Db;
beforeEach(async () => {
  books = await SealedBooks.open();
  db = books.db;
});
afterEach(() => books.close());

describe("prosper db adjust", () => {
  it("books an amount in PEG with its reason, logs it, and the audit shows it", async () => {
    await dbAdjustCommand("ann", "-0.00000007", { reason: "paid twice" }, books.modules());
    await dbAdjustCommand("ann", "12.5", { reason: "a gift", by: "boss" }, books.modules());
    books.out.push("audit:");
    await auditCommand({}, books.modules());

    expect(books.out.slice(0, 3)).toEqual([
      "Adjustment 1: ann -0.00000007 PEG, paid twice",
      "Adjustment 2: ann +12.50000000 PEG, a gift",
      "audit:",
    ]);
    const shown = books.out.filter((line) => line.includes("paid twice") || line.includes("a gift")).slice(2);
    expect(shown[0]).toMatch(/^\d{4}-.* ann {2}\+12\.50000000 PEG, by boss: a gift$/);
    expect(shown[1]).toMatch(/^\d{4}-.* ann {2}-0\.00000007 PEG, by command line: paid twice$/);
    const [entry] = await listAdminLog(db, 1);
    expect(entry).toMatchObject({ actor: "boss", action: "adjust", subject: "ann" });
    expect(entry?.details).toEqual({ id: "2", amount: "1250000000", reason: "a gift" });
    expect((await books.auditJson()).audit).toMatchObject({ adjusted: "1249999993", conserved: true });
  });

  it.each([
    ["of nothing", "ann", "0", "r", "adjust-amount"],
    ["of no number", "ann", "1,5", "r", "adjust-amount"],
    ["of parts of a unit", "ann", "0.000000001", "r", "adjust-amount"],
    ["larger than the books can hold", "ann", "99999999999999", "r", "adjust-amount"],
    ["without a reason", "ann", "1", " ", "adjust-reason"],
    ["for a stranger", "zoe", "1", "r", "adjust-user"],
  ])("refuses one %s and books nothing", async (_, user, amount, reason, code) => {
    await expect(dbAdjustCommand(user, amount, { reason }, books.modules())).rejects.toMatchObject({ code });

    expect(
      await text(db, sql`SELECT (SELECT count(*) FROM adjustments) + (SELECT count(*) FROM admin_log)`),
    ).toBe("0");
  });
});

describe("an adjustment", () => {
  const gift = { user: "ann", amount: 5n, reason: "gift", madeBy: "boss", requestId: "r1" };

  it("of an unknown user is not made", async () => {
    expect(await adjust(db, { ...gift, user: "zoe" })).toEqual({ outcome: "unknown-user" });
  });

  it("is booked once per request, whoever races, and another one under the same request is refused", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => adjust(db, gift)));

    expect(outcomes.filter(({ outcome }) => outcome === "added")).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === "known")).toHaveLength(7);
    expect(await adjust(db, { ...gift, amount: 6n })).toEqual({ outcome: "conflict" });
    expect(await text(db, sql`SELECT count(*) || '/' || sum(amount) FROM adjustments`)).toBe("1/5");
    expect(await text(db, sql`SELECT count(*) FROM admin_log`)).toBe("1");
  });

  it("and every payment stand in one chain of hashes without gaps, however many are booked at once", async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        adjust(db, { ...gift, amount: BigInt(i + 1), requestId: `r${i}` }),
      ),
    );
    await recordReceipt(db, [
      { entryHash: HASH_1, user: "ann", address: address(1), amount: 7n },
      { entryHash: HASH_1, user: "bob", address: address(2), amount: 8n },
    ]);

    const chain = await db.query(
      sql`SELECT id::int AS id, kind, key, body, sha256 FROM money_log ORDER BY money_log.id`,
      v.object({ id: v.number(), kind: v.string(), key: v.string(), body: v.string(), sha256: v.string() }),
    );
    expect(chain.map(({ id }) => id)).toEqual(Array.from({ length: 14 }, (_, i) => i + 1));
    expect(chain.slice(12).map(({ key }) => key)).toEqual([`${HASH_1} ann`, `${HASH_1} bob`]);
    let before = "";
    for (const { body, sha256 } of chain) {
      before = createHash("sha256").update(`${before}\n${body}`).digest("hex");
      expect(sha256).toBe(before);
    }
  });
});
