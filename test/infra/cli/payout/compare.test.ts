/** Books that do not know what the pool's address paid on the chain: nothing is prepared or sent before they do. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bookCommand, compareCommand, disregardCommand } from "../../../../infra/cli/payout/book.ts";
import { listAdminLog } from "../../../../shared/db/admin-log.ts";
import { sql } from "../../../../shared/db/port.ts";
import type { Factomd } from "../../../../shared/factom/client.ts";
import { encodeEntry } from "../../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch } from "../../../../shared/factom/fat2.ts";
import { addressOf } from "../../../support/accounts.ts";
import { text } from "../../../support/books.ts";
import {
  newFolder,
  pool,
  runStep,
  type Step,
  type StepModules,
} from "../../../support/payout/payout-steps.ts";
import { createPayoutWorld, type PayoutWorld } from "../../../support/payout/payout-world.ts";

let world: PayoutWorld;
let lines: string[] = [];
const folders: string[] = [];
const SOURCE = faAddressOf(pool);
const options = { sources: [SOURCE], mayForget: true };

beforeEach(async () => {
  world = await createPayoutWorld();
  lines = [];
  await world.block();
});
afterEach(async () => {
  await world.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = newFolder();
  folders.push(made);
  return made;
}
const print = (line: string): void => void lines.push(line);
const run = (step: Step, where: string, modules: Partial<StepModules> = {}): Promise<void> =>
  runStep(step, where, { ...world.modules, ...modules }, lines);
const comparing = () => ({ ...world.modules, print });
const paid = (): Promise<string | null> =>
  text(world.db, sql`SELECT string_agg(user_name || amount, ',' ORDER BY user_name) FROM payments`);
const unbooked = (hash: string) => ({
  code: "payout-unbooked",
  message: expect.stringContaining(hash),
});

/** Pays everybody; the folder, and the one entry's hash. */
async function payAll(): Promise<{ where: string; hash: string }> {
  const where = folder();
  for (const step of ["prepare", "sign", "send"] as const) await run(step, where);
  await world.block();
  await run("confirm", where);
  return { where, hash: (await text(world.db, sql`SELECT max(entry_hash) FROM payout_entries`)) ?? "" };
}

describe("a database restored from a backup older than a payout", () => {
  beforeEach(async () => {
    await world.owe("ann", 500n);
    await world.owe("bob", 700n);
  });

  it("prepares nothing before the payout is booked again, which the chain is enough for", async () => {
    const { hash } = await payAll();
    await world.forgetPayouts();

    for (const step of ["prepare", "list"] as const)
      await expect(run(step, folder()), step).rejects.toMatchObject(unbooked(hash));
    expect(await text(world.db, sql`SELECT count(*) FROM payout_batches`)).toBe("0");
    await bookCommand({ ...options, entryHash: hash }, comparing());

    await run("prepare", folder());
    expect(lines.at(-1)).toBe("Nothing is to be paid");
    expect(await paid()).toBe("ann500,bob700");
    expect((await listAdminLog(world.db, 1))[0]).toMatchObject({ action: "book-entry", subject: hash });
    for (const [user, amount] of [
      ["ann", 500n],
      ["bob", 700n],
    ] as const)
      expect(world.devnet.chain.balance(addressOf(user))).toBe(amount);
  });

  it("sends nothing that it had prepared before, nor pays a list", async () => {
    const { hash } = await payAll();
    await world.forgetPayouts();
    const [signed, listed] = [folder(), folder()];
    const blind: Partial<StepModules> = { factomd: { ...world.factomd, heights: blindHeights } };
    world.clock.advance(1_000);
    for (const step of ["prepare", "sign"] as const) await run(step, signed, blind);
    await run("list", listed, blind);

    await expect(run("send", signed)).rejects.toMatchObject(unbooked(hash));
    await expect(run("pay", listed)).rejects.toMatchObject(unbooked(hash));
    await world.block();
    expect(world.devnet.chain.balance(addressOf("ann"))).toBe(500n);
  });

  it("is found out also while the payout is on its way into a block", async () => {
    const where = folder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, where);
    const hash = (await text(world.db, sql`SELECT entry_hash FROM payout_entries`)) ?? "";
    await world.forgetPayouts();

    await expect(run("prepare", folder())).rejects.toMatchObject({
      code: "payout-unbooked",
      message: expect.stringContaining(`${hash}  on its way: 0.00001200 PEG to ann, bob`),
    });
    await expect(bookCommand({ ...options, entryHash: hash }, comparing())).rejects.toThrow(
      "it is not in a block yet",
    );
  });

  it("waits before sending for what a node does not show before it is in a block", async () => {
    const where = folder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, where);
    const hash = (await text(world.db, sql`SELECT entry_hash FROM payout_entries`)) ?? "";
    await world.forgetPayouts();
    world.clock.advance(1_000);
    // As a real factomd: what is in no block cannot be read.
    const hiding: Factomd = {
      ...world.factomd,
      entry: async (asked) =>
        (await world.factomd.pendingEntries()).some(({ entryHash }) => entryHash === asked)
          ? undefined
          : world.factomd.entry(asked),
    };
    const next = folder();
    for (const step of ["prepare", "sign"] as const) await run(step, next, { factomd: hiding });
    const sending = run("send", next, { factomd: hiding });
    const outcome = sending.then(
      () => "sent",
      (error: unknown) => error,
    );
    while (!lines.some((line) => line.startsWith("Waiting for 1 entry on the way")))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await world.block();
    let over = false;
    void outcome.then(() => {
      over = true;
    });
    while (!over) {
      world.clock.advance(2_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }

    expect(await outcome).toMatchObject(unbooked(hash));
  });

  it("books no entry whose address is no account's, or several", async () => {
    const { hash } = await payAll();
    await world.forgetPayouts();
    const book = () => bookCommand({ ...options, entryHash: hash }, comparing());
    await world.db.execute(sql`UPDATE users SET payout_address = ${addressOf("bob")} WHERE name = 'ann'`);
    await expect(book()).rejects.toThrow(`no account has the address ${addressOf("ann")}`);
    await world.db.execute(
      sql`UPDATE users SET payout_address = ${addressOf("ann")} WHERE name IN ('ann', 'bob')`,
    );
    await expect(book()).rejects.toThrow("ann, bob all have the address");

    expect(await paid()).toBeNull();
  });

  it("books no more than is owed: work that is lost too needs an adjustment with the reason", async () => {
    const { hash } = await payAll();
    await world.forgetPayouts();
    await world.owe("ann", -1n);

    await expect(bookCommand({ ...options, entryHash: hash }, comparing())).rejects.toThrow(
      "paid ann 0.00000500 PEG, but 0.00000499 is owed",
    );
  });
});

describe("what the pool's address paid besides", () => {
  it("stops payouts until somebody says what it was for, and then no more", async () => {
    await world.owe("ann", 500n);
    const hash = await world.spend([{ address: addressOf("the owner"), amount: 9_000n }]);
    await world.block();

    await expect(run("prepare", folder())).rejects.toMatchObject({
      code: "payout-unbooked",
      message: expect.stringContaining(`0.00009000 PEG to ${addressOf("the owner")}`),
    });
    expect(await compareCommand(options, comparing())).toBe(false);
    await disregardCommand({ ...options, entryHash: hash, reason: "the fee of November" }, comparing());

    expect(await compareCommand(options, comparing())).toBe(true);
    await payAll();
    expect(await paid()).toBe("ann500");
    expect(
      await text(
        world.db,
        sql`SELECT string_agg(action || ' ' || subject, ',') FROM admin_log WHERE action LIKE 'disr%'`,
      ),
    ).toBe(`disregard-entry ${hash}`);
    await expect(world.db.execute(sql`DELETE FROM payout_disregarded`)).rejects.toMatchObject({
      data: { sqlstate: "BK001" },
    });
  });

  it("stops them too when it was a payout without the database, whose receipt is not booked", async () => {
    await world.owe("ann", 500n);
    const hash = await world.spend([{ address: addressOf("ann"), amount: 500n }]);
    await world.block();

    await expect(run("list", folder())).rejects.toMatchObject(unbooked(hash));
    await expect(bookCommand({ ...options, entryHash: "0".repeat(64) }, comparing())).rejects.toMatchObject({
      code: "payout-unknown",
    });
    await bookCommand({ ...options, entryHash: hash }, comparing());
    expect(await paid()).toBe("ann500");
  });

  it("is nothing where pegnetd refused it, where it was too old, and where somebody only says it was the pool", async () => {
    await world.owe("ann", 500n);
    await world.spend([{ address: addressOf("ann"), amount: 2n ** 60n }]);
    await world.spend([{ address: addressOf("ann"), amount: 5n }], 13 * 3600);
    // Revealed and never paid for: anybody can do it, so it must not hold anything up.
    await world.factomd.revealEntry(
      encodeEntry(
        signPegBatch(
          pool,
          [{ address: addressOf("ann"), amount: 6n }],
          Math.floor(world.clock.wallMs() / 1000),
        ),
      ),
    );
    await world.block();

    await payAll();
    expect(await paid()).toBe("ann500");
  });

  it("is nothing while it is what the books have sent and wait for", async () => {
    await world.owe("ann", 500n);
    for (const step of ["prepare", "sign", "send"] as const) await run(step, folders[0] ?? folder());
    await world.owe("ann", 30n);
    const next = folder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, next);
    await world.block();
    await run("confirm", next);
    expect(await text(world.db, sql`SELECT sum(amount) FROM payments`)).toBe("530");
  });

  it("is told when the books gave it up and it was executed all the same", async () => {
    await world.owe("ann", 500n);
    const where = folder();
    for (const step of ["prepare", "sign", "send"] as const) await run(step, where);
    await world.db.execute(sql`UPDATE payout_entries SET state = 'void', why = 'a node said so'`);
    await world.block();

    await expect(run("prepare", folder())).rejects.toThrow("the books gave it up, and owe it again");
  });
});

describe("the comparison", () => {
  it("reads each block once, and says so of a node that is behind or has not all of them", async () => {
    await world.owe("ann", 500n);
    const asked: number[] = [];
    const counting: Factomd = {
      ...world.factomd,
      dblockByHeight(height) {
        asked.push(height);
        return world.factomd.dblockByHeight(height);
      },
    };
    await compareCommand(options, { ...comparing(), factomd: counting });
    const first = asked.length;
    await compareCommand(options, { ...comparing(), factomd: counting });
    expect(asked.length).toBe(first);
    await world.block();
    await compareCommand(options, { ...comparing(), factomd: counting });
    expect(asked.slice(first)).toEqual([world.devnet.chain.tip?.height]);

    const behind: Factomd = { ...world.factomd, heights: blindHeights };
    await expect(compareCommand(options, { ...comparing(), factomd: behind })).rejects.toMatchObject({
      code: "payout-node",
    });
    await world.block();
    const holed: Factomd = { ...world.factomd, dblockByHeight: async () => undefined };
    await expect(
      compareCommand({ ...options, mayForget: false }, { ...comparing(), factomd: holed }),
    ).rejects.toMatchObject({ code: "payout-node" });
  });

  it("misses nothing that gets into a block while it is at work", async () => {
    const hash = await world.spend([{ address: addressOf("ann"), amount: 200n }]);
    const moving: Factomd = {
      ...world.factomd,
      async heights() {
        const before = await world.factomd.heights();
        await world.block();
        return before;
      },
    };
    const seen: string[] = [];
    const modules = { ...comparing(), factomd: moving, print: (line: string) => void seen.push(line) };

    expect(await compareCommand(options, modules)).toBe(false);
    expect(seen.join()).toContain(hash);
  });

  it("begins no later than what was compared: a payment booked by hand hides none before it", async () => {
    await world.owe("ann", 500n);
    await compareCommand(options, comparing());
    const first = await world.spend([{ address: addressOf("ann"), amount: 200n }]);
    await world.block();
    const second = await world.spend([{ address: addressOf("ann"), amount: 300n }]);
    await world.block();
    await bookCommand({ ...options, entryHash: second }, comparing());

    await expect(run("prepare", folder())).rejects.toMatchObject(unbooked(first));
  });
});

/** A node that has no block at all. */
async function blindHeights() {
  return { directoryBlock: 0, leader: 1, entry: 0 };
}
