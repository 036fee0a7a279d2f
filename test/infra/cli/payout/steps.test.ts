/** What each payout command takes and refuses: over a real database and a node that answers as told. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listCommand } from "../../../../infra/cli/payout/list.ts";
import { prepareCommand } from "../../../../infra/cli/payout/prepare.ts";
import { signCommand } from "../../../../infra/cli/payout/sign.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { listAdminLog } from "../../../../shared/db/admin-log.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import type { Factomd } from "../../../../shared/factom/client.ts";
import { keyPairFromSeed } from "../../../../shared/factom/ed25519.ts";
import { encodeEntry, entryHash } from "../../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch } from "../../../../shared/factom/fat2.ts";
import { parsePayoutLines } from "../../../../shared/factom/payout.ts";
import type { Pegnetd, TransactionStatus } from "../../../../shared/factom/pegnetd.ts";
import { addressOf } from "../../../support/accounts.ts";
import { owe, text } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import {
  newFolder,
  POOL_KEY,
  pool,
  poolKeys,
  runStep,
  type Step,
  type StepModules,
} from "../../../support/payout/payout-steps.ts";
import { standInNode } from "../../../support/payout/stand-in-node.ts";

let database: TestDatabase;
let db: Db;
let folder = "";
let lines: string[] = [];
const clock = manualClock();
const node = standInNode();
const { factomd, entries: chain, makeBlock: inBlock } = node;
let fate: TransactionStatus = { kind: "executed", height: 7 };
let funds = 1e18;

beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  folder = newFolder();
  lines = [];
  node.reset();
  fate = { kind: "executed", height: 7 };
  funds = 1e18;
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

const pegnetd: Pegnetd = { transaction: async () => fate, roughPegBalance: async () => funds };

const modules = (): StepModules => ({ db, factomd, pegnetd, clock });
const run = (step: Step, where = folder): Promise<void> => runStep(step, where, modules(), lines);
const file = (name: string): string => join(folder, name);
const signing = {
  get folder() {
    return file("memory");
  },
  poolKey: POOL_KEY,
};
const quiet = { print: () => undefined, ask: async () => true };

const signed = () => JSON.parse(readFileSync(file("signed.json"), "utf8"));

describe("payout prepare", () => {
  it("lists who can be paid and is owed the minimum, and says of everybody else why not", async () => {
    await owe(db, "ann", 500n);
    await owe(db, "bob", 499n);
    await owe(db, "cid", 500n, null);
    await owe(db, "dan", 500n, "FA-nonsense");
    await owe(db, "eve", -1n);

    await prepareCommand(
      { file: file("pay.json"), minimum: 500n, poolKeys },
      {
        ...{ ...modules(), compare: async () => undefined },
        print: (line) => lines.push(line),
        warn: (line) => lines.push(line),
      },
    );

    expect(lines.slice(0, 4)).toEqual([
      "Left out: bob is owed 0.00000499 PEG, less than the minimum of 0.00000500",
      "Left out: cid is owed 0.00000500 PEG but has no payout address",
      'Left out: dan is owed 0.00000500 PEG but has no valid payout address: "FA-nonsense"',
      "Left out: eve has had 0.00000001 PEG more than was owed",
    ]);
    expect(JSON.parse(readFileSync(file("pay.json"), "utf8"))).toEqual({
      prosper: "payout",
      version: 2,
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      saltSeconds: clock.wallMs() / 1000,
      lines: [{ user: "ann", address: addressOf("ann"), amount: "500", totalOwed: "500", totalPaid: "0" }],
      signature: expect.stringMatching(/^[0-9a-f]{128}$/),
    });
  });

  it("gives the same list the same name and bytes, and another list takes its place", async () => {
    await owe(db, "ann", 5n);
    await run("prepare");
    const again = newFolder();
    await run("prepare", again);
    await owe(db, "ann", 1n);
    const later = newFolder();
    await run("prepare", later);

    const read = (where: string): string => readFileSync(join(where, "pay.json"), "utf8");
    expect(read(again)).toBe(read(folder));
    expect(JSON.parse(read(later)).id).not.toBe(JSON.parse(read(folder)).id);
    expect(await text(db, sql`SELECT string_agg(state, ',' ORDER BY state) FROM payout_batches`)).toBe(
      "prepared,replaced",
    );
    for (const where of [again, later]) rmSync(where, { recursive: true });
  });

  it("leaves out what is on its way, and pays the rest", async () => {
    await owe(db, "ann", 5n);
    for (const step of ["prepare", "sign", "send"] as const) await run(step);
    await owe(db, "ann", 2n);
    const next = newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, next);
    inBlock();
    await run("confirm");

    expect(JSON.parse(readFileSync(join(next, "pay.json"), "utf8")).lines).toMatchObject([
      { amount: "2", totalOwed: "7", totalPaid: "5" },
    ]);
    expect(await text(db, sql`SELECT string_agg(amount::text, ',' ORDER BY amount) FROM payments`)).toBe(
      "2,5",
    );
    rmSync(next, { recursive: true });
  });

  it("says so where nothing is to be paid, and writes no file", async () => {
    await run("prepare");

    expect(lines).toEqual(["Nothing is to be paid"]);
  });
});

describe("payout sign", () => {
  it("makes the same bytes each time, in entries below 10 KiB, and needs nothing but the file and the key", async () => {
    for (let i = 0; i < 120; i++) await owe(db, `user-${i}`, BigInt(1_000_000 + i));
    await run("prepare");

    await run("sign");
    await signCommand(
      { ...signing, file: file("pay.json"), signedFile: file("again.json"), signer: pool },
      quiet,
    );

    expect(readFileSync(file("again.json"), "utf8")).toBe(readFileSync(file("signed.json"), "utf8"));
    const { entries, source } = signed();
    expect(source).toBe(faAddressOf(pool));
    expect(entries.length).toBeGreaterThanOrEqual(3);
    for (const { raw } of entries) expect(raw.length / 2).toBeLessThanOrEqual(35 + 10_240);
    expect(entries.reduce((sum: number, entry: { count: number }) => sum + entry.count, 0)).toBe(120);
  });

  it("refuses a file that was edited since, or is none", async () => {
    await owe(db, "ann", 5n);
    await run("prepare");
    writeFileSync(
      file("pay.json"),
      readFileSync(file("pay.json"), "utf8").replace('"amount":"5"', '"amount":"6"'),
    );

    await expect(run("sign")).rejects.toMatchObject({
      code: "payout-invalid",
      message: expect.stringContaining("not what the pool"),
    });
    writeFileSync(file("pay.json"), "[]");
    await expect(run("sign")).rejects.toMatchObject({ code: "payout-invalid" });
  });
});

describe("payout send", () => {
  beforeEach(async () => {
    await owe(db, "ann", 5n);
    await owe(db, "bob", 7n);
    await run("prepare");
    await run("sign");
  });

  /** The signed file with something else in it. */
  const forge = (change: (file: ReturnType<typeof signed>) => void): void => {
    const forged = signed();
    change(forged);
    writeFileSync(file("signed.json"), JSON.stringify(forged));
  };
  /** An entry signed by a key, paying an address. */
  const entryTo = (address: string, signer = pool) => {
    const raw = encodeEntry(
      signPegBatch(
        signer,
        [
          { address, amount: 5n },
          { address: addressOf("bob"), amount: 7n },
        ],
        clock.wallMs() / 1000,
      ),
    );
    return { entryHash: entryHash(raw), raw: toHex(raw), count: 2 };
  };

  it("puts everything on record before the first byte leaves", async () => {
    const recorded: (string | null)[] = [];
    const watched: Factomd = {
      ...factomd,
      async commitEntry(message) {
        recorded.push(
          await text(
            db,
            sql`SELECT state || ' ' || (SELECT count(*) FROM payout_entries WHERE state = 'intended') FROM payout_batches`,
          ),
        );
        return factomd.commitEntry(message);
      },
    };

    await runStep("send", folder, { ...modules(), factomd: watched }, lines);

    expect(recorded).toEqual(["sending 1"]);
    expect((await listAdminLog(db, 1))[0]).toMatchObject({
      action: "send-payout",
      details: { total: "12", source: faAddressOf(pool) },
    });
  });

  it.each<[string, (file: ReturnType<typeof signed>) => void, RegExp]>([
    [
      "pays somebody else",
      (forged) => Object.assign(forged, { entries: [entryTo(addressOf("thief"))] }),
      /do not pay what its lines list/,
    ],
    [
      "was signed by another key than it says",
      (forged) =>
        Object.assign(forged, {
          entries: [entryTo(addressOf("ann"), keyPairFromSeed(new Uint8Array(32).fill(9)))],
        }),
      /pays from FA/,
    ],
    [
      "has a byte flipped",
      (forged) => Object.assign(forged.entries[0], { raw: `${forged.entries[0].raw.slice(0, -2)}00` }),
      /is damaged/,
    ],
    [
      "has another salt",
      (forged) => Object.assign(forged, { saltSeconds: forged.saltSeconds + 1 }),
      /another salt/,
    ],
    [
      "lists more than its entries pay",
      (forged) => void forged.lines.push(forged.lines[0]),
      /do not pay what its lines list/,
    ],
    [
      "leaves an entry out",
      (forged) => Object.assign(forged, { entries: [] }),
      /do not pay what its lines list/,
    ],
    [
      "is a prepared one",
      (forged) => Object.assign(forged, { prosper: "payout" }),
      /expected a file of `prosper payout sign`/,
    ],
  ])("refuses a file that %s, and records nothing", async (_what, change, message) => {
    forge(change);

    await expect(run("send")).rejects.toMatchObject({
      code: "payout-invalid",
      message: expect.stringMatching(message),
    });
    expect(chain.size).toBe(0);
    expect(await text(db, sql`SELECT state FROM payout_batches`)).toBe("prepared");
  });

  it("refuses what is not owed any more, what another signature is on record for, and a source or payer without means", async () => {
    node.credits = 0;
    await expect(run("send")).rejects.toMatchObject({ code: "payout-credits" });
    node.credits = 1_000;
    funds = 11;
    await expect(run("send")).rejects.toMatchObject({ code: "payout-funds" });
    funds = 12;
    await adjust(db, { user: "ann", amount: -1n, reason: "mistake", madeBy: "test" });
    await expect(run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("ann is to get 0.00000005 PEG, but 0.00000004"),
    });
    await adjust(db, { user: "ann", amount: 1n, reason: "none", madeBy: "test" });
    expect(chain.size).toBe(0);

    await run("send");
    const other = keyPairFromSeed(new Uint8Array(32).fill(9));
    await signCommand(
      { ...signing, file: file("pay.json"), signedFile: file("other.json"), signer: other },
      quiet,
    );
    writeFileSync(file("signed.json"), readFileSync(file("other.json")));
    await expect(run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("by other entries"),
    });
    expect(chain.size).toBe(1);
  });

  it("sends an entry anew that the node has lost, and nothing that it has", async () => {
    let commits = 0;
    const counting: Factomd = {
      ...factomd,
      commitEntry(message) {
        commits += 1;
        return factomd.commitEntry(message);
      },
    };
    const send = (): Promise<void> => runStep("send", folder, { ...modules(), factomd: counting }, lines);
    await send();
    await send();
    expect(commits).toBe(1);

    const [hash = ""] = chain.keys();
    chain.clear();
    await send();

    expect(commits).toBe(2);
    expect([...chain.keys()]).toEqual([hash]);
  });
});

describe("payout confirm", () => {
  beforeEach(async () => {
    await owe(db, "ann", 5n);
    for (const step of ["prepare", "sign", "send"] as const) await run(step);
    lines = [];
  });

  it("books what was executed, and nothing before that", async () => {
    await run("confirm");
    inBlock();
    fate = { kind: "pending" };
    await run("confirm");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");

    fate = { kind: "executed", height: 7 };
    await run("confirm");
    await run("confirm");

    expect(lines.filter((line) => line.includes("booked"))).toHaveLength(1);
    expect(lines.at(-1)).toBe("No payout is on its way");
    expect(await text(db, sql`SELECT owed FROM balances`)).toBe("0");
  });

  it("gives up an entry that pegnetd refused: its payment is owed again, and its receipt is not booked", async () => {
    inBlock();
    fate = { kind: "rejected", code: -2 };
    await run("confirm");

    expect(lines[0]).toContain("pegnetd refused it with -2: is the source funded?");
    const [hash = ""] = chain.keys();
    writeFileSync(
      file("receipt.json"),
      `[{"EntryHash":"${hash}","UserID":"ann","PayoutAddress":"","PaymentAmount":5}]`,
    );
    await expect(run("record")).rejects.toMatchObject({
      code: "receipt-refused",
      message: expect.stringContaining("paid nothing"),
    });
    fate = { kind: "executed", height: 9 };
    clock.advance(1_000);
    const next = newFolder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, next);
    inBlock();
    await run("confirm");
    expect(await text(db, sql`SELECT owed FROM balances`)).toBe("0");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("1");
    rmSync(next, { recursive: true });
  });

  it("lists every payout and how far it has come", async () => {
    await listCommand({}, { db, print: (line) => lines.push(line) });
    inBlock();
    await run("confirm");
    await listCommand({ json: true }, { db, print: (line) => lines.push(line) });

    expect(lines[0]).toMatch(
      /^[0-9a-f]{16} {2}\S+Z {2}sent {2}0\.00000005 PEG to 1 user, 0 of 1 entry booked$/,
    );
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject([
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
    for (const step of ["prepare", "sign", "send"] as const) await run(step);
    inBlock();
    await run("confirm");

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

describe("payout pay", () => {
  it("takes a list that was cut down by hand when told so, but no user twice, nothing that is not owed, and no other address", async () => {
    await owe(db, "ann", 5n);
    await owe(db, "bob", 7n);
    await run("list");
    const [ann, bob] = parsePayoutLines(readFileSync(file("list.json"), "utf8"));
    const write = (...chosen: object[]): void => {
      const fields = (line: object): string =>
        JSON.stringify(line, (_, item) => (typeof item === "bigint" ? Number(item) : item));
      writeFileSync(
        file("list.json"),
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

    const byHand = { ...modules(), byHand: true };
    write({ ...bob, paymentAmount: 8n });
    await expect(runStep("pay", folder, byHand)).rejects.toMatchObject({ code: "payout-refused" });
    write({ ...ann }, { ...ann });
    await expect(runStep("pay", folder, byHand)).rejects.toMatchObject({ code: "payout-invalid" });
    write({ ...bob, payoutAddress: addressOf("thief") });
    await expect(runStep("pay", folder, byHand)).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("the account's address is"),
    });
    write({ ...bob });
    await expect(run("pay")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("needs --by-hand"),
    });
    await runStep("pay", folder, byHand);
    await run("record");

    expect(await text(db, sql`SELECT string_agg(user_name || amount, ',') FROM payments`)).toBe("bob7");
    expect(
      await text(db, sql`SELECT string_agg(state || by_hand, ',' ORDER BY state) FROM payout_batches`),
    ).toBe("donetrue,replacedfalse");
  });

  it("signs anew a list that lay too long, as long as nothing of it was sent", async () => {
    await owe(db, "ann", 5n);
    await run("list");
    clock.advance(30 * 3_600_000);

    await run("pay");

    expect(chain.size).toBe(1);
    expect(await text(db, sql`SELECT salt_seconds FROM payout_batches`)).toBe(
      String(Math.floor(clock.wallMs() / 1000)),
    );
  });
});
