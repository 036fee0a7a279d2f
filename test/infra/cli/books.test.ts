import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { dbAdjustCommand } from "../../../infra/cli/books/adjust.ts";
import { auditCommand } from "../../../infra/cli/books/audit.ts";
import { dbMigrateCommand, dbPayoutCommand, dbRecordCommand } from "../../../infra/cli/payout/db.ts";
import { systemClock } from "../../../shared/clock.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { loadMigrations } from "../../../shared/db/migrate.ts";
import { adjust, recordReceipt } from "../../../shared/db/payments.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, deltaBody, endHolds, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const HASH_1 = "1".repeat(64);
const HASH_2 = "2".repeat(64);
const address = (n: number): string => encodeAddress("FA", new Uint8Array(32).fill(n));

let database: TestDatabase;
let db: Db;
let dir: string;
let out: string[];
let warnings: string[];
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  dir = mkdtempSync(join(tmpdir(), "prosper-books-"));
  out = [];
  warnings = [];
  await addUsers(db, "ann", "bob", "cid", "dan", "eve");
  await db.execute(sql`UPDATE users SET payout_address = CASE name WHEN 'ann' THEN ${address(1)} WHEN 'bob' THEN ${address(2)}
    WHEN 'dan' THEN 'FA-nonsense' END`);
  await endHolds(db);
  await addJob(db, 10, { feeRate: "0.05" });
  await addBlock(db, 10, 9_000_000_000_000_000_000n);
  const apply = (body: string): Promise<void> => applyMessage(body, { db, logger: SILENT });
  await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 3, "bob/b": 2, "cid/c": 1, "dan/d": 1 }));
  await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
  await addJob(db, 11);
  await apply(deltaBody({ job: 11, seq: 0 }, { "ann/a": 5 }));
});
afterEach(async () => {
  rmSync(dir, { recursive: true });
  await database.drop();
});

const modules = () => ({
  db,
  compare: async () => undefined,
  print: (line: string) => out.push(line),
  warn: (line: string) => warnings.push(line),
});
const file = (name: string): string => join(dir, name);

async function auditJson(): Promise<{ code: number; audit: Record<string, unknown> }> {
  const printed: string[] = [];
  const code = await auditCommand({ json: true }, { ...modules(), print: (line) => printed.push(line) });
  expect(printed).toHaveLength(1);
  return { code, audit: JSON.parse(printed[0] ?? "") };
}

describe("prosper audit", () => {
  it("prints the books as one JSON object, with money and work as strings", async () => {
    await adjust(db, { user: "bob", amount: -7n, reason: "test", madeBy: "admin" });

    const { code, audit } = await auditJson();

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
    expect(await auditCommand({}, modules())).toBe(0);

    expect(out[0]).toContain("1 block sealed (PEG): reward 90000000000.00000000, fee 4500000000.00000000");
    expect(out.find((line) => line.startsWith("ann"))).toMatch(/^ann +8 +36642857142\.85714286 /);
    expect(out.at(-1)).toContain("Conserved");
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

    const { code, audit } = await auditJson();

    expect(code).toBe(1);
    expect(audit["conserved"]).toBe(false);
    expect(warnings.join("\n")).toContain(problem);
  });
});

describe("prosper audit --replay", () => {
  it("prints the same books, made from the deltas, and one hash to compare", async () => {
    const { audit } = await auditJson();
    await auditCommand({ json: true, replay: true }, modules());
    const replayed = JSON.parse(out.pop() ?? "");
    expect(await auditCommand({ replay: true }, modules())).toBe(0);

    const { replay, ...books } = replayed;
    expect(books).toEqual(audit);
    expect(replay).toEqual({
      ...{ deltas: 2, archiveFiles: 0, through: 10, differences: 0, first: [] },
      booksSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(out.slice(-2)).toEqual([
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

    expect(await auditCommand({ replay: true }, { ...modules(), progress: bar })).toBe(1);

    expect(warnings).toEqual(["job 10, work of cid/c: shares is 2, the records make 1"]);
    expect(out.join("\n")).toContain("NOT IDENTICAL: 1 differences.");
    expect(bar.update.mock.lastCall).toEqual(["Replaying the books", 2, 2, " blocks"]);
    expect(bar.end).toHaveBeenCalled();
  });
});

describe("prosper db payout", () => {
  it("writes what is owed in the reference's form, exact beyond 2^53, without those who cannot be paid", async () => {
    await adjust(db, { user: "eve", amount: -5n, reason: "test", madeBy: "admin" });

    await dbPayoutCommand(file("pay.json"), modules());

    const line = (user: string, to: string, amount: string): string =>
      `{"EntryHash":"","UserID":"${user}","PayoutAddress":"${to}","PaymentAmount":${amount},"TotalOwed":${amount},"TotalPaid":0}`;
    expect(readFileSync(file("pay.json"), "utf8")).toBe(
      `[${line("ann", address(1), "3664285714285714286")},${line("bob", address(2), "2442857142857142857")}]`,
    );
    expect(out).toEqual([
      `Payment data of 2 users written to ${file("pay.json")}`,
      "61071428571.42857143 PEG needed for the payout",
    ]);
    expect(warnings).toEqual([
      "Left out: cid is owed 12214285714.28571429 PEG but has no payout address",
      'Left out: dan is owed 12214285714.28571428 PEG but has no valid payout address: "FA-nonsense"',
      "Left out: eve has had 0.00000005 PEG more than was owed",
    ]);
  });

  it("refuses a file that exists, and prints to stdout without one", async () => {
    writeFileSync(file("pay.json"), "mine");

    await expect(dbPayoutCommand(file("pay.json"), modules())).rejects.toMatchObject({ code: "payout-file" });
    await dbPayoutCommand(undefined, modules());

    expect(readFileSync(file("pay.json"), "utf8")).toBe("mine");
    expect(JSON.parse(out.join("\n"))).toHaveLength(2);
  });
});

describe("prosper db record", () => {
  async function receipt(name: string, hashes: [string, string]): Promise<string> {
    await dbPayoutCommand(file(`${name}.pay`), modules());
    const [ann, bob] = hashes;
    const pay = readFileSync(file(`${name}.pay`), "utf8");
    const paid = pay
      .replace('"EntryHash":""', `"EntryHash":"${ann}"`)
      .replace('"EntryHash":""', `"EntryHash":"${bob}"`);
    writeFileSync(file(name), paid);
    out = [];
    return file(name);
  }

  it("books each entry of a receipt once, and says so the second time", async () => {
    const paid = await receipt("receipt.json", [HASH_1, HASH_2]);

    await dbRecordCommand(paid, modules());
    await dbRecordCommand(paid, modules());

    expect(out).toEqual([
      "Payment data recorded: 61071428571.42857143 PEG in 2 entries",
      "This receipt is recorded already; nothing was changed",
    ]);
    const { audit } = await auditJson();
    expect(audit).toMatchObject({
      users: { ann: { paidOut: "3664285714285714286", owed: "0" }, bob: { owed: "0" } },
    });
  });

  it("books a receipt once when eight record it at the same time, and two receipts for the same money only once [G16] [P9]", async () => {
    const same = await receipt("a.json", [HASH_1, HASH_1]);
    const other = await receipt("b.json", [HASH_2, HASH_2]);

    const runs = await Promise.allSettled(
      [same, other, same, other, same, other, same, other].map((path) => dbRecordCommand(path, modules())),
    );

    expect(runs.filter((run) => run.status === "rejected")).toHaveLength(4);
    expect(out.filter((line) => line.startsWith("Payment data recorded"))).toHaveLength(1);
    expect(await text(db, sql`SELECT count(*) || '/' || count(DISTINCT entry_hash) FROM payments`)).toBe(
      "2/1",
    );
  });

  it("books the rest of a receipt that is partly booked", async () => {
    const whole = await receipt("whole.json", [HASH_1, HASH_2]);
    const [ann] = JSON.parse(readFileSync(whole, "utf8").replace(/:(\d{16,})/g, ':"$1"'));
    writeFileSync(
      file("part.json"),
      JSON.stringify([ann]).replace(/:"(\d{16,})"/g, (_, digits) =>
        digits === HASH_1 ? `:"${digits}"` : `:${digits}`,
      ),
    );

    await expect(dbRecordCommand(file("part.json"), modules())).rejects.toThrow("needs --by-hand");
    await dbRecordCommand(file("part.json"), { ...modules(), byHand: true });
    await dbRecordCommand(whole, modules());

    expect(out.at(-1)).toBe("1 of them were recorded before");
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
    writeFileSync(file("bad.json"), receiptText);

    await expect(dbRecordCommand(file("bad.json"), { ...modules(), byHand: true })).rejects.toMatchObject({
      code,
    });

    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");
  });

  it("refuses other payments under an entry that is booked", async () => {
    await dbRecordCommand(await receipt("receipt.json", [HASH_1, HASH_1]), modules());
    writeFileSync(
      file("other.json"),
      `[{"EntryHash":"${HASH_1}","UserID":"cid","PayoutAddress":"FA","PaymentAmount":5}]`,
    );

    await expect(dbRecordCommand(file("other.json"), { ...modules(), byHand: true })).rejects.toThrow(
      "with other payments",
    );
  });

  it("books only what moved: a payment of 0 leaves no row", async () => {
    writeFileSync(
      file("zero.json"),
      `[{"EntryHash":"${HASH_1}","UserID":"ann","PayoutAddress":"FA","PaymentAmount":0}]`,
    );

    await dbRecordCommand(file("zero.json"), modules());

    expect(out).toEqual(["Every payment of this receipt is 0; nothing was changed"]);
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");
  });
});

describe("prosper db migrate", () => {
  it("says when there is nothing to do", async () => {
    await dbMigrateCommand({ dryRun: false }, modules());
    await dbMigrateCommand({ dryRun: true }, modules());

    expect(out).toEqual(["The database is up to date", "The database is up to date"]);
  });

  it("names what is missing, changes nothing with --dry-run, then names what it ran", async () => {
    const empty = await createTestDatabase({ migrated: false });
    const names = loadMigrations().map(({ name }) => name);

    await dbMigrateCommand({ dryRun: true }, { ...modules(), db: empty.db });
    await dbMigrateCommand({ dryRun: false }, { ...modules(), db: empty.db });
    await empty.drop();

    expect(out).toEqual([...names.map((name) => `Missing ${name}`), ...names.map((name) => `Ran ${name}`)]);
  });
});

describe("prosper db migrate --roles", () => {
  it("makes the roles with their rights, and says so", async () => {
    await db.execute(sql`REVOKE SELECT ON blocks FROM prosper_poll`);
    await dbMigrateCommand({ dryRun: false, roles: true }, modules());

    expect(out.at(-1)).toMatch(
      /^Roles prosper_accounting, .*prosper_edge, .*prosper_canary have their rights/,
    );
    expect(await text(db, sql`SELECT has_table_privilege('prosper_poll', 'blocks', 'SELECT')`)).toBe("true");
  });
});

describe("prosper db adjust", () => {
  it("books an amount in PEG with its reason, logs it, and the audit shows it", async () => {
    await dbAdjustCommand("ann", "-0.00000007", { reason: "paid twice" }, modules());
    await dbAdjustCommand("ann", "12.5", { reason: "a gift", by: "boss" }, modules());
    out.push("audit:");
    await auditCommand({}, modules());

    expect(out.slice(0, 3)).toEqual([
      "Adjustment 1: ann -0.00000007 PEG, paid twice",
      "Adjustment 2: ann +12.50000000 PEG, a gift",
      "audit:",
    ]);
    const shown = out.filter((line) => line.includes("paid twice") || line.includes("a gift")).slice(2);
    expect(shown[0]).toMatch(/^\d{4}-.* ann {2}\+12\.50000000 PEG, by boss: a gift$/);
    expect(shown[1]).toMatch(/^\d{4}-.* ann {2}-0\.00000007 PEG, by command line: paid twice$/);
    const [entry] = await listAdminLog(db, 1);
    expect(entry).toMatchObject({ actor: "boss", action: "adjust", subject: "ann" });
    expect(entry?.details).toEqual({ id: "2", amount: "1250000000", reason: "a gift" });
    expect((await auditJson()).audit).toMatchObject({ adjusted: "1249999993", conserved: true });
  });

  it.each([
    ["of nothing", "ann", "0", "r", "adjust-amount"],
    ["of no number", "ann", "1,5", "r", "adjust-amount"],
    ["of parts of a unit", "ann", "0.000000001", "r", "adjust-amount"],
    ["larger than the books can hold", "ann", "99999999999999", "r", "adjust-amount"],
    ["without a reason", "ann", "1", " ", "adjust-reason"],
    ["for a stranger", "zoe", "1", "r", "adjust-user"],
  ])("refuses one %s and books nothing", async (_, user, amount, reason, code) => {
    await expect(dbAdjustCommand(user, amount, { reason }, modules())).rejects.toMatchObject({ code });

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
