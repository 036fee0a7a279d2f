/** Payouts on a real database and a real devnet, ended at every call they make, run again in any order: everybody is paid once. */

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listBatches, sendingBatches } from "../../../shared/db/payout-batches.ts";
import { sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { addressOf } from "../../support/accounts.ts";
import { text } from "../../support/books.ts";
import { type KillPoint, killer } from "../../support/payout/kill.ts";
import { newFolder, runStep, STEPS, type Step, THIN_STEPS } from "../../support/payout/payout-steps.ts";
import { createPayoutWorld, type PayoutWorld } from "../../support/payout/payout-world.ts";

let world: PayoutWorld;
const folders: string[] = [];
/** What each user is owed in all. */
const owed = new Map<string, bigint>();

beforeAll(async () => {
  world = await createPayoutWorld();
});
afterAll(async () => {
  await world.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Owes a new user some PEG. */
async function oweSomebody(amount = 1_000_007n): Promise<void> {
  const name = `user-${String(owed.size).padStart(4, "0")}`;
  await world.owe(name, amount);
  owed.set(name, amount);
}

function folder(): string {
  const made = newFolder();
  folders.push(made);
  return made;
}

class Killed extends Error {}

/** Runs a command that is killed at the point; true where it was. A refusal is an end like any other. */
async function run(
  step: Step,
  where: string,
  point?: KillPoint,
): Promise<{ killed: boolean; refusal?: string }> {
  const deadly = killer(point, () => {
    throw new Killed();
  });
  const { db, factomd, modules: alive } = world;
  const modules = { ...alive, db: deadly.db(db), factomd: deadly.factomd(factomd) };
  try {
    await runStep(step, where, modules);
    return { killed: false };
  } catch (thrown) {
    if (thrown instanceof Killed) return { killed: true };
    if (thrown instanceof CodedError) return { killed: false, refusal: thrown.code };
    throw thrown;
  }
}

/** Every user has on the chain what it was owed, to the unit, and the books say the same. */
async function expectPaidOnce(): Promise<void> {
  for (const [name, amount] of owed) expect(world.devnet.chain.balance(addressOf(name)), name).toBe(amount);
  const off = sql`SELECT count(*) FROM balances WHERE owed <> 0 OR paid_out <> adjusted`;
  expect(await text(world.db, off)).toBe("0");
  expect(await text(world.db, sql`SELECT count(*) FROM payments`)).toBe(String(owed.size));
  expect(await sendingBatches(world.db)).toEqual([]);
}

/** Goes through the steps until each has ended by itself. */
async function finish(steps: readonly Step[], where: string): Promise<void> {
  for (const step of steps) await run(step, where);
}

/** Kills each step at each of its calls, on either side of it, until one gets through; every time with a new debt. */
async function killEverywhere(
  steps: readonly Step[],
  onKilled: (where: string) => Promise<void>,
): Promise<number> {
  let kills = 0;
  for (const [i, step] of steps.entries()) {
    for (const side of ["before", "after"] as const) {
      for (let call = 1; ; call++) {
        await oweSomebody();
        const where = folder();
        await finish(steps.slice(0, i), where);
        const { killed } = await run(step, where, { call, side });
        await onKilled(where);
        if (!killed) break;
        kills += 1;
      }
    }
  }
  return kills;
}

describe("prepare, sign, send and confirm", () => {
  it("pay everybody once when each is killed at every call and run again", async () => {
    const kills = await killEverywhere(STEPS, (where) => finish(STEPS, where));
    expect(kills).toBeGreaterThan(40);
    await world.block();
    for (const side of ["before", "after"] as const)
      for (let call = 1; (await run("confirm", "", { call, side })).killed; call += 3);
    await run("confirm", "");

    await expectPaidOnce();
  });

  it("pay everybody once when nobody runs them again before blocks have passed, and then twice each, the newest first", async () => {
    const begun: string[] = [];
    await killEverywhere(["prepare", "sign", "send"], async (where) => {
      begun.push(where);
      if (begun.length % 8 === 0) await world.block();
    });
    for (const where of begun.toReversed()) {
      await run("send", where);
      await run("send", where);
    }
    await world.block();
    await run("confirm", "");
    // What no list that was begun has paid is still owed; the next one pays it.
    await finish(STEPS, folder());
    await world.block();
    await run("confirm", "");

    await expectPaidOnce();
  });
});

describe("db payout, payout pay and db record", () => {
  it("pay everybody once when each is killed at every call and run again", async () => {
    const kills = await killEverywhere(THIN_STEPS, async (where) => {
      await finish(THIN_STEPS, where);
      await run("record", where);
    });
    expect(kills).toBeGreaterThan(40);
    await world.block();
    await run("confirm", "");

    await expectPaidOnce();
  });

  it("pay a list once, however often it is made, whatever the file is called, in whichever order it is paid", async () => {
    await oweSomebody();
    const [a, b] = [folder(), folder()];
    await run("list", a);
    await run("list", b);
    await oweSomebody();
    const c = folder();
    await run("list", c);

    const outcomes = [];
    for (const where of [c, a, b]) outcomes.push((await run("pay", where)).refusal);
    await world.block();
    for (const where of [c, a, b]) await run("record", where);
    await run("confirm", "");

    expect(outcomes).toEqual([undefined, "payout-refused", "payout-refused"]);
    await expectPaidOnce();
  });

  it("pay once from eight processes at a time", async () => {
    await oweSomebody();
    const where = folder();
    await run("list", where);

    await Promise.all(Array.from({ length: 8 }, () => run("pay", where)));
    await run("pay", where);
    await world.block();
    await run("record", where);

    await expectPaidOnce();
  });
});

describe("processes that are really killed", () => {
  /** Runs the command as a process; the signal that ended it, or null. */
  function child(step: Step, where: string, kill?: KillPoint): Promise<string | null> {
    const told = {
      ...{ database: world.database.url, factomd: world.devnet.factomdUrl, pegnetd: world.devnet.pegnetdUrl },
      ...{ folder: where, step, wallMs: world.clock.wallMs(), kill },
    };
    const program = join(import.meta.dirname, "../../support/payout/payout-child.ts");
    const started = spawn(process.execPath, [program, JSON.stringify(told)], {
      stdio: ["ignore", "inherit", "pipe"],
    });
    let stderr = "";
    started.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    return new Promise((resolve, reject) => {
      started.once("exit", (code, signal) => {
        if (signal === null && code !== 0) reject(new Error(stderr));
        else resolve(signal);
      });
    });
  }

  it("pay everybody once: SIGKILL between any two calls is what the runs above took it for", async () => {
    const points: [Step, KillPoint][] = [
      ["list", { call: 6, side: "before" }],
      ["pay", { call: 7, side: "after" }],
      ["pay", { call: 14, side: "before" }],
      ["pay", { call: 18, side: "after" }],
      ["record", { call: 2, side: "after" }],
    ];
    for (const [step, point] of points) {
      await oweSomebody();
      const where = folder();
      await finish(THIN_STEPS.slice(0, THIN_STEPS.indexOf(step)), where);
      expect(await child(step, where, point), `${step} ${point.side} ${point.call}`).toBe("SIGKILL");
      await finish(THIN_STEPS, where);
    }
    expect(await child("confirm", "")).toBeNull();
    await world.block();
    await run("confirm", "");

    await expectPaidOnce();
  });
});

describe("an entry that can never be executed", () => {
  it("is given up when the chain's own time has passed it, and what it was to pay is owed and paid again", async () => {
    await oweSomebody();
    const where = folder();
    await finish(["prepare", "sign"], where);
    // On record, and killed before anything of it left.
    let call = 1;
    while (!(await sendingBatches(world.db)).some(({ state }) => state === "sending")) {
      await run("send", where, { call, side: "after" });
      call += 1;
    }
    const lines: string[] = [];
    const confirm = () => runStep("confirm", "", world.modules, lines);
    await confirm();
    expect(lines.join()).toContain("not on the chain: run `prosper payout send`");

    world.clock.advance(14 * 3_600_000);
    // A block's time is that of its beginning.
    await world.block();
    await world.block();
    expect(await run("send", where)).toEqual({ killed: false, refusal: "payout-expired" });
    await confirm();
    expect(lines.join()).toContain("given up, what it was to pay is owed again");
    expect(await run("send", where)).toMatchObject({ killed: false });
    await finish(STEPS, folder());
    await world.block();
    await confirm();

    await expectPaidOnce();
    expect((await listBatches(world.db, 1))[0]?.id).toMatch(/^[0-9a-f]{16}-1$/);
  });
});
