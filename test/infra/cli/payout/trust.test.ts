/** Payout files that were changed on their way: none is signed, sent or booked, and what was really prepared stays. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dbPayoutCommand } from "../../../../infra/cli/payout/db.ts";
import { readKeyFile } from "../../../../infra/cli/payout/private-keys.ts";
import { reviewLines } from "../../../../infra/cli/payout/review.ts";
import { signCommand, signEntries } from "../../../../infra/cli/payout/sign.ts";
import { type BatchLine, linesDigest } from "../../../../shared/accounting/payout-batch.ts";
import { signPayout } from "../../../../shared/accounting/payout-signature.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { findBatch } from "../../../../shared/db/payout-batches.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { encodeAddress } from "../../../../shared/factom/address.ts";
import { keyPairFromSeed } from "../../../../shared/factom/ed25519.ts";
import { faAddressOf } from "../../../../shared/factom/fat2.ts";
import { addressOf } from "../../../support/accounts.ts";
import { endHolds, owe, text } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import {
  newFolder,
  POOL_KEY,
  POOL_SEED,
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
const { factomd, revealed } = node;

beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  folder = newFolder();
  lines = [];
  node.reset();
  await owe(db, "ann", 500n);
  await owe(db, "bob", 700n);
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

const neverAsked = (): never => {
  throw new Error("a list that is refused is compared with nothing");
};
const modules = (): StepModules => ({ db, factomd, clock });
const run = (step: Step, more: Partial<StepModules> = {}): Promise<void> =>
  runStep(step, folder, { ...modules(), ...more }, lines);
const file = (name: string): string => join(folder, name);
const read = (name: string) => JSON.parse(readFileSync(file(name), "utf8"));

interface PreparedJson {
  id: string;
  saltSeconds: number;
  signature: string;
  lines: { user: string; address: string; amount: string; totalOwed: string; totalPaid: string }[];
}

function batchLines(prepared: PreparedJson): BatchLine[] {
  return prepared.lines.map(({ amount, totalOwed, totalPaid, ...line }) => ({
    ...line,
    ...{ amount: BigInt(amount), totalOwed: BigInt(totalOwed), totalPaid: BigInt(totalPaid) },
  }));
}

/** The prepared file with bob's payment going elsewhere, and everything without a key made to fit. */
function tamper(): PreparedJson {
  const prepared: PreparedJson = read("pay.json");
  for (const line of prepared.lines) if (line.user === "bob") line.address = addressOf("thief");
  prepared.id = linesDigest(batchLines(prepared)).slice(0, 16);
  writeFileSync(file("pay.json"), JSON.stringify(prepared));
  return prepared;
}
const states = (): Promise<string | null> => text(db, sql`SELECT string_agg(state, ',') FROM payout_batches`);

describe("a prepared file in which an address was changed and the id made again", () => {
  it("is not signed, whoever else signed it as a pool", async () => {
    await run("prepare");
    const prepared = tamper();

    await expect(run("sign")).rejects.toMatchObject({
      code: "payout-invalid",
      message: expect.stringContaining("somebody changed it on its way"),
    });
    const thief = keyPairFromSeed(new Uint8Array(32).fill(66));
    prepared.signature = signPayout(
      { saltSeconds: prepared.saltSeconds, lines: batchLines(prepared) },
      thief,
    );
    writeFileSync(file("pay.json"), JSON.stringify(prepared));
    await expect(run("sign")).rejects.toMatchObject({ code: "payout-invalid" });

    expect(existsSync(file("signed.json"))).toBe(false);
    // Refused before anybody is shown anything to say yes to.
    expect(lines.filter((line) => line.includes("thief") || line.includes("PEG  FA"))).toEqual([]);
  });

  it("is not sent when something else has signed it, and the list that was prepared stands", async () => {
    await run("prepare");
    const before = await text(db, sql`SELECT id || state FROM payout_batches`);
    const prepared = tamper();
    const { saltSeconds } = prepared;
    const entries = signEntries({ saltSeconds, lines: batchLines(prepared) }, pool);
    const signed = { ...prepared, prosper: "signed-payout", source: faAddressOf(pool), entries };
    writeFileSync(file("signed.json"), JSON.stringify(signed));

    await expect(run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("the pool has prepared no list of just these"),
    });
    await expect(run("send", { byHand: true })).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining(`bob is to be paid at ${addressOf("thief")}`),
    });

    expect(revealed).toEqual([]);
    expect(await text(db, sql`SELECT id || state FROM payout_batches`)).toBe(before);
    expect(await text(db, sql`SELECT string_agg(address, ',' ORDER BY user_name) FROM payout_lines`)).toBe(
      `${addressOf("ann")},${addressOf("bob")}`,
    );
  });

  it.each(["salt", "amount", "user"] as const)("nor one whose %s was changed", async (what) => {
    await run("prepare");
    const prepared: PreparedJson = read("pay.json");
    const [first] = prepared.lines;
    if (what === "salt") prepared.saltSeconds += 1;
    if (first !== undefined && what === "amount") first.amount = "501";
    if (first !== undefined && what === "user") first.user = "bob";
    prepared.id = linesDigest(batchLines(prepared)).slice(0, 16);
    writeFileSync(file("pay.json"), JSON.stringify(prepared));

    await expect(run("sign")).rejects.toMatchObject({ code: "payout-invalid" });
  });
});

describe("a list of the reference's form that was changed", () => {
  const changeList = (): void =>
    writeFileSync(
      file("list.json"),
      readFileSync(file("list.json"), "utf8").replace(addressOf("bob"), addressOf("thief")),
    );

  it("is not paid, and the list that was prepared stands", async () => {
    await run("list");
    changeList();

    await expect(run("pay")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("somebody else did"),
    });
    await expect(run("pay", { byHand: true })).rejects.toMatchObject({ code: "payout-refused" });

    expect(revealed).toEqual([]);
    expect(await states()).toBe("prepared");
  });

  it("is not paid where there is no database either: the pool's signature lies beside it", async () => {
    await run("list");
    const { payCommand } = await import("../../../../infra/cli/payout/pay.ts");
    const pay = (poolKey: string | undefined = POOL_KEY): Promise<void> =>
      payCommand(
        {
          ...{ payFile: file("list.json"), receiptFile: file("receipt.json"), folder: file("memory") },
          ...{ sourceSecret: encodeAddress("Fs", POOL_SEED), poolKey },
          creditSecret: encodeAddress("Es", new Uint8Array(32).fill(1)),
        },
        { factomd, clock, print: () => undefined, ask: async () => true, compare: neverAsked },
      );
    const honest = readFileSync(file("list.json"), "utf8");
    changeList();
    await expect(pay()).rejects.toMatchObject({ code: "payout-refused" });
    rmSync(file("list.json.signature"));
    await expect(pay()).rejects.toMatchObject({ code: "payout-refused" });
    expect(revealed).toEqual([]);

    rmSync(file("list.json"));
    await run("list");
    expect(readFileSync(file("list.json"), "utf8")).toBe(honest);
    await pay();
    expect(revealed).toHaveLength(1);
    await run("record");
    expect(await text(db, sql`SELECT string_agg(user_name || amount, ',') FROM payments`)).toBe(
      "ann500,bob700",
    );
  });

  it("is not booked from a receipt that says what the pool never prepared, or another entry than was sent", async () => {
    await run("list");
    await run("pay");
    const honest = readFileSync(file("receipt.json"), "utf8");
    for (const forged of [
      honest.replace(addressOf("bob"), addressOf("thief")),
      honest.replace('"PaymentAmount":700', '"PaymentAmount":70'),
      honest.replace(/"EntryHash":"[0-9a-f]{64}"/, `"EntryHash":"${"ab".repeat(32)}"`),
    ]) {
      writeFileSync(file("receipt.json"), forged);
      await expect(run("record"), forged).rejects.toMatchObject({ code: "receipt-refused" });
    }
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("0");

    writeFileSync(file("receipt.json"), honest);
    await run("record");
    expect(await text(db, sql`SELECT count(*) FROM payments`)).toBe("2");
  });
});

describe("the machine that signs", () => {
  const sign = (options: { poolKey?: string; own?: typeof poolKeys; out?: string }, answer = true) =>
    signCommand(
      {
        ...{ file: file("pay.json"), signedFile: file(options.out ?? "signed.json"), signer: pool },
        ...{ folder: file("memory"), poolKey: options.poolKey, own: options.own },
      },
      { print: (line) => lines.push(line), ask: async () => answer },
    );

  it("is given the pool's key once, and then takes no other", async () => {
    await run("prepare");
    expect(lines).toContain(`The first time with --pool-key ${POOL_KEY}`);
    await expect(sign({})).rejects.toMatchObject({
      code: "payout-key",
      message: expect.stringContaining("give it once with --pool-key"),
    });
    await expect(sign({ poolKey: "ABC" })).rejects.toMatchObject({ code: "payout-key" });

    await sign({ poolKey: POOL_KEY });
    await sign({ out: "again.json" });
    const other = toHex(keyPairFromSeed(new Uint8Array(32).fill(66)).publicKey);
    await expect(sign({ poolKey: other, out: "other.json" })).rejects.toMatchObject({
      code: "payout-key",
      message: expect.stringContaining("this machine signs the payouts of the pool with the key"),
    });
    expect(readFileSync(file("again.json"), "utf8")).toBe(readFileSync(file("signed.json"), "utf8"));
  });

  it("knows the pool on the same machine by its own key", async () => {
    await run("prepare");

    await sign({ own: poolKeys });

    expect(existsSync(file("signed.json"))).toBe(true);
  });

  it("shows every line, with what is new and what has changed since the payout that was signed last, and asks", async () => {
    await run("prepare");
    await sign({ poolKey: POOL_KEY });
    expect(lines).toContain(`            0.00000500 PEG  ${addressOf("ann")}  ann  new`);
    await run("send");
    await db.execute(sql`UPDATE users SET payout_address = ${addressOf("ann's new")} WHERE name = 'ann'`);
    await endHolds(db);
    for (const user of ["ann", "bob", "cid"]) await owe(db, user, 3n);
    rmSync(file("pay.json"));
    await run("prepare");
    lines = [];

    await expect(sign({ out: "next.json" }, false)).rejects.toMatchObject({ code: "payout-declined" });

    expect(existsSync(file("next.json"))).toBe(false);
    const gap = " ".repeat(12);
    expect(lines[1]).toMatch(/^Digest, the same wherever this list is:( [0-9a-f]{8}){8}$/);
    expect(lines.slice(2)).toEqual([
      `${gap}0.00000003 PEG  ${addressOf("ann's new")}  ann  CHANGED, last paid at ${addressOf("ann")}`,
      `${gap}0.00000003 PEG  ${addressOf("bob")}  bob`,
      `${gap}0.00000003 PEG  ${addressOf("cid")}  cid  new`,
      "0.00000009 PEG to 3 users; 1 new, 1 at a changed address",
    ]);
  });

  it("shows of a long list the largest payments and every address that is not last time's", () => {
    const long = Array.from({ length: 5_000 }, (_, i) => {
      return { user: `user-${i}`, address: `FA${i}`, amount: BigInt(i) };
    });
    const before = Object.fromEntries(long.map(({ user, address }) => [user, address]));
    delete before["user-7"];
    before["user-9"] = "FA-other";

    const shown = reviewLines(long, before);

    expect(shown).toHaveLength(1 + 10 + 2 + 2 + 1);
    expect(shown[1]).toContain("user-4999");
    expect(shown.join("\n")).toMatch(
      /at a changed address:\n.*user-9 {2}CHANGED, last paid at FA-other\nnew:\n.*user-7 {2}new/,
    );
    expect(reviewLines(long, {})).toHaveLength(1 + 10 + 1 + 100 + 1 + 1);
  });

  it("lets no name in a file move the cursor", () => {
    const [line] = reviewLines([{ user: "a\u001b[2K\u202eb", address: "FA", amount: 1n }], {});

    expect(line).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe("the list that was prepared", () => {
  it("is never removed: another takes its place and says so, and it can still be sent while it is owed", async () => {
    await run("prepare");
    await run("sign");
    const id: string = read("pay.json").id;
    await owe(db, "cid", 1n);
    const next = newFolder();
    await runStep("prepare", next, modules(), lines);
    rmSync(next, { recursive: true });

    expect(lines).toContain(
      `This takes the place of payout ${id} (0.00001200 PEG), which was prepared and not sent`,
    );
    expect((await findBatch(db, id))?.state).toBe("replaced");
    for (const statement of [
      sql`DELETE FROM payout_batches`,
      sql`DELETE FROM payout_lines WHERE batch IN (SELECT id FROM payout_batches WHERE state = 'prepared')`,
    ])
      await expect(db.execute(statement)).rejects.toMatchObject({ data: { sqlstate: "BK001" } });
    await run("send");
    expect((await findBatch(db, id))?.state).toBe("sending");
    expect(revealed).toHaveLength(1);
  });

  it("keeps its lines as long as it can be sent, and is the same again when it is owed again", async () => {
    await run("prepare");
    const id: string = read("pay.json").id;
    const prepareNext = async (): Promise<void> => {
      const next = newFolder();
      await runStep("prepare", next, modules(), lines);
      rmSync(next, { recursive: true });
    };
    await owe(db, "cid", 1n);
    await prepareNext();
    await adjust(db, { user: "cid", amount: -1n, reason: "mistake", madeBy: "test" });
    await prepareNext();
    expect((await findBatch(db, id))?.state).toBe("prepared");

    await owe(db, "cid", 2n);
    await prepareNext();
    clock.advance(14 * 3_600_000);
    await owe(db, "cid", 3n);
    await prepareNext();
    expect(await text(db, sql`SELECT count(*) FROM payout_lines WHERE batch = ${id}`)).toBe("0");
    expect(await text(db, sql`SELECT state || total FROM payout_batches WHERE id = ${id}`)).toBe(
      "replaced1200",
    );
    await run("sign");
    await expect(run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("prepare again"),
    });
  });

  it("is none where its file cannot be written", async () => {
    mkdirSync(file("list.json.signature"));
    for (const path of [file("nowhere/pay.json"), folder, file("list.json")])
      await expect(
        dbPayoutCommand(path, {
          ...{ db, clock, poolKeys, compare: async () => undefined },
          ...{ print: () => undefined, warn: () => undefined },
        }),
        path,
      ).rejects.toMatchObject({ code: "payout-file" });

    expect(await text(db, sql`SELECT count(*) FROM payout_batches`)).toBe("0");
    expect(existsSync(file("list.json"))).toBe(false);
  });
});

describe("a key file", () => {
  it("has one key a line, and nothing of it is shown when it has none", async () => {
    const secret = encodeAddress("Fs", POOL_SEED);
    writeFileSync(file("keys"), `# paying\n${secret}\nEs123\n`);
    expect(await readKeyFile(file("keys"))).toEqual({ fs: secret, es: "Es123" });

    writeFileSync(file("keys"), `key=${secret}`);
    const refused = readKeyFile(file("keys"));
    await expect(refused).rejects.toMatchObject({ code: "payout-key" });
    await expect(refused).rejects.not.toThrow(secret.slice(3));
    await expect(readKeyFile(file("none"))).rejects.toMatchObject({ code: "payout-key" });
  });
});
