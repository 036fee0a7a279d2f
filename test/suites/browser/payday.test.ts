/** Payday on the pages: one administrator prepares, another agrees, a key elsewhere signs, the first sends, the chain confirms, and each miner is told. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { signCommand } from "../../../infra/cli/payout/sign.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { adjust, owedTo } from "../../../shared/db/payments.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf } from "../../support/accounts.ts";
import { text } from "../../support/books.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { openPayday } from "../../support/payout/page.ts";
import { newFolder, POOL_KEY, pool as payingKey } from "../../support/payout/payout-steps.ts";
import { standInNode } from "../../support/payout/stand-in-node.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look, Visitor } from "./visitor.ts";
import { type PoolOfPages, startPages } from "./web.ts";

const DESKTOP: Look = { width: 1280, height: 900, colorScheme: "light" };
const DARK: Look = { width: 1280, height: 900, colorScheme: "dark" };
const PHONE: Look = { width: 390, height: 844, colorScheme: "dark", scale: 2 };
const PEG = 100_000_000n;

let boss: Visitor;
let second: Visitor;
const node = standInNode();
/** Of the machine with the key. */
const elsewhere = newFolder();
async function startPaying(): Promise<PoolOfPages> {
  const clock = { ...manualClock(), wallMs: systemClock.wallMs };
  const paid = {
    transaction: async () => ({ kind: "executed", height: 7 }) as const,
    roughPegBalance: async () => 1e18,
  };
  const pool = await startPages({
    paying: (db) =>
      openPayday({ db, clock, factomd: node.factomd, pegnetd: paid }, { minimum: PEG, approvalsNeeded: 2 }),
  });
  for (const [name, amount] of [
    ["dust", PEG / 2n],
    ["homeless", 3n * PEG],
  ] as const) {
    await insertUser(pool.db, {
      name,
      password: null,
      payoutAddress: name === "dust" ? addressOf(name) : null,
    });
    await adjust(pool.db, { user: name, amount, reason: "a test", madeBy: "boss" });
  }
  return pool;
}
const scene = setScene(startPaying, async () => {
  boss = await scene.openAs("boss", DESKTOP);
  second = await scene.openAs("second", DARK);
});
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

async function onPhone(path: string, name: string, photo: string): Promise<void> {
  const phone = await scene.openAs(name, PHONE);
  await phone.visit(path);
  await phone.photograph(photo);
  expect(await phone.overflow()).toBeLessThanOrEqual(0);
  expect(await phone.violations()).toEqual([]);
  await phone.close();
}

/** The file in the boss's hands, from the page. */
async function save(): Promise<string> {
  const [download] = await Promise.all([
    boss.page.waitForEvent("download"),
    boss.page.getByRole("link", { name: "Save the file" }).click(),
  ]);
  const path = join(elsewhere, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

describeInBrowser("an adjustment", () => {
  it("is asked for by one after the preview, and booked when another confirms it", async () => {
    await boss.visit("/admin/adjustments");
    for (const [label, value] of Object.entries({ User: "bob", Amount: "2.5", Reason: "shares of 3 May" }))
      await boss.page.getByLabel(label, { exact: true }).fill(value);
    await boss.page.getByRole("button", { name: "Preview" }).click();
    await boss.page.getByRole("row", { name: /Owed after it/ }).waitFor();
    const before = (await owedTo(scene.pool.db, "bob")) ?? 0n;
    await boss.page.getByRole("button", { name: "Ask for it" }).click();
    await boss.page.getByText("Another administrator must confirm it").waitFor();
    const waiting = (who: Visitor) => who.page.getByRole("table", { name: "waiting" });
    await waiting(boss)
      .getByRole("row", { name: /boss bob 2\.5000 shares of 3 May/ })
      .waitFor();
    expect(await boss.page.getByRole("button", { name: "Confirm" }).count()).toBe(0);
    expect(await owedTo(scene.pool.db, "bob")).toBe(before);

    await second.visit("/admin/adjustments");
    await second.photograph("desktop-dark/admin/adjustments-waiting");
    expect(await second.violations()).toEqual([]);
    await onPhone("/admin/adjustments", "second", "phone/admin/adjustments-waiting");
    await second.page.getByRole("button", { name: "Confirm" }).click();
    await waiting(second).waitFor({ state: "detached" });
    expect(await owedTo(scene.pool.db, "bob")).toBe(before + (5n * PEG) / 2n);
  });
});

describeInBrowser("payday", () => {
  it("says what is due, and who is not paid and why", async () => {
    await boss.visit("/admin/payday");
    await boss.page.getByText(/to 2 users/).waitFor();
    await boss.page.getByRole("row", { name: /below the minimum.*1.*0\.5000.*dust/ }).waitFor();
    await boss.page.getByRole("row", { name: /without a payout address.*3\.0000.*homeless/ }).waitFor();
    await boss.photograph("desktop/admin/payday-due");
  });

  it("prepares: who gets what and why, and the digest to compare; another administrator must agree", async () => {
    await boss.page.getByRole("button", { name: "Prepare a payout" }).click();
    const list = boss.page.getByRole("table", { name: "who gets what" });
    await list.getByRole("row", { name: /^ann/ }).waitFor();
    expect(await list.getByRole("row", { name: /^bob .*new/ }).count()).toBe(1);
    await boss.page.getByText("1 of 2 agree").waitFor();
    expect(await boss.page.getByRole("button", { name: "I agree" }).count()).toBe(0);
    await boss.page.getByText("Another administrator must agree").waitFor();
    await boss.photograph("desktop/admin/payday-prepared");
    expect(await boss.violations()).toEqual([]);
    await onPhone("/admin/payday", "boss", "phone/admin/payday-prepared");
  });

  it("sends nothing before the other has agreed, nor a file of something else", async () => {
    const file = await save();
    const lines: string[] = [];
    const signedFile = join(elsewhere, "signed.json");
    await signCommand(
      { file, signedFile, signer: payingKey, folder: join(elsewhere, "memory"), poolKey: POOL_KEY },
      { print: (line) => lines.push(line), ask: async () => true },
    );
    const digest = (await boss.page.locator("code.digest").textContent()) ?? "";
    expect(lines).toContain(`Digest, the same wherever this list is: ${digest}`);

    const input = boss.page.getByLabel("Choose the signed file");
    await input.setInputFiles(file);
    await boss.page.getByText("This file is no signed payout").waitFor();
    await input.setInputFiles(signedFile);
    await boss.page.getByText(/2 people must agree to a payout here.*so far boss/i).waitFor();
    expect(node.revealed).toEqual([]);
    // What the browser complains of is that refusal.
    expect(boss.complaints.filter((line) => !line.includes("409"))).toEqual([]);
    boss.complaints.length = 0;
  });

  it("is agreed to by the second, sent by the first, and told entry by entry until the chain has it", async () => {
    await second.visit("/admin/payday");
    await second.photograph("desktop-dark/admin/payday-agree");
    expect(await second.violations()).toEqual([]);
    await second.page.getByRole("button", { name: "I agree" }).click();
    await second.page.getByText("2 of 2 agree").waitFor();
    await boss.page.getByText("2 of 2 agree").waitFor();

    await boss.page.getByLabel("Choose the signed file").setInputFiles(join(elsewhere, "signed.json"));
    await boss.page.getByText("On its way: 0 of 1 entries paid").waitFor();
    await boss.page.getByRole("table", { name: "entries on their way" }).getByText("sent").waitFor();
    await boss.photograph("desktop/admin/payday-sending");
    const ann = await scene.openAs("ann", PHONE);
    await ann.page.getByText("on its way").first().waitFor();
    await ann.photograph("phone/me-on-its-way");

    node.makeBlock();
    await boss.page.getByRole("button", { name: "Look now" }).click();
    await boss.page.getByRole("row", { name: /1 of 1.*done/ }).waitFor();
    await boss.photograph("desktop/admin/payday-done");
    await ann.visit("/me");
    await ann.page.getByText("paid out").first().waitFor();
    await ann.close();
    // One of them is of the seeded books.
    for (const name of ["ann", "bob"]) expect(await owedTo(scene.pool.db, name)).toBe(0n);
    expect(await owedTo(scene.pool.db, "dust")).toBe(PEG / 2n);
    expect(await text(scene.pool.db, sql`SELECT count(*) FROM payments`)).toBe("3");
    expect(node.revealed).toHaveLength(1);
  });

  it("is public, and in the log with both names", async () => {
    const visitor = await scene.open(PHONE);
    await visitor.visit("/pool/payments");
    await visitor.page.getByRole("table", { name: "payments" }).waitFor();
    expect(await visitor.page.getByRole("rowheader").count()).toBe(2);
    await visitor.photograph("phone/pool/payments");
    expect(await visitor.overflow()).toBeLessThanOrEqual(0);
    expect(await visitor.violations()).toEqual([]);
    await visitor.close();
    await boss.visit("/pool/payments");
    await boss.photograph("desktop/pool/payments");

    await boss.visit("/admin/adjustments");
    const log = boss.page.getByRole("table", { name: "what administrators did" });
    await log.getByRole("row", { name: /second approve-payout/ }).waitFor();
    await log.getByRole("row", { name: /boss send-payout.*agreed boss, second/ }).waitFor();
    expect(boss.complaints).toEqual([]);
    const signed = JSON.parse(readFileSync(join(elsewhere, "signed.json"), "utf8"));
    await log
      .getByRole("row", { name: new RegExp(signed.id) })
      .first()
      .waitFor();
  });
});
