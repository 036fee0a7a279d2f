/** An operator's work on the pages: somebody is barred, something announced, miners stopped, a balance corrected; and all of it is in the log. */

import { expect, it } from "vitest";
import { insertUser } from "../../../shared/db/accounts.ts";
import { standingNotices } from "../../../shared/db/notices.ts";
import { owedTo } from "../../../shared/db/payments.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look, Visitor } from "./visitor.ts";
import { PASSWORD, startPages } from "./web.ts";

const DESKTOP: Look = { width: 1280, height: 900, colorScheme: "light" };
const PHONE: Look = { width: 390, height: 844, colorScheme: "dark", scale: 2 };

let boss: Visitor;
const scene = setScene(startPages, async () => {
  boss = await scene.openAs("boss", DESKTOP);
});

/** The operator's fields, by their whole labels. */
async function fill(fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields))
    await boss.page.getByLabel(label, { exact: true }).fill(value);
}

/** The page on a phone in the dark: nothing sticks out, nothing is in anybody's way. */
async function onPhone(path: string): Promise<void> {
  const phone = await scene.openAs("boss", PHONE);
  await phone.visit(path);
  await phone.photograph(`phone${path}`);
  expect(await phone.overflow()).toBeLessThanOrEqual(0);
  expect(await phone.violations()).toEqual([]);
  await phone.close();
}

describeInBrowser("an operator", () => {
  it("bars a user, who is told why and until when, and lets it in again", async () => {
    await boss.visit("/admin/bars");
    await boss.page.getByLabel("May not").selectOption("all");
    await fill({ "User or address": "bob", Reason: "keeps hits back", For: "2 days" });
    await boss.page.getByRole("button", { name: "Bar", exact: true }).click();
    await boss.page.getByRole("row", { name: /bob.*mine or log in.*keeps hits back/ }).waitFor();
    await boss.photograph("desktop/admin/bars");
    expect(await boss.violations()).toEqual([]);
    await onPhone("/admin/bars");

    const bob = await scene.open(PHONE);
    await bob.visit("/login");
    await bob.submit({ "User name": "bob", Password: PASSWORD }, "Log in");
    await bob.page.getByText(/barred you, until 20.*: keeps hits back/i).waitFor();
    await bob.close();

    await boss.page.getByRole("button", { name: "Lift" }).click();
    await boss.page.getByText("Nobody is barred").waitFor();
    const again = await scene.openAs("bob", PHONE);
    await again.close();
  });

  it("announces something, which every visitor reads, and ends it", async () => {
    await boss.visit("/admin/notices");
    const card = boss.page.locator("section", { hasText: "Announce something" });
    await card.getByLabel("Words").fill("A new fee from Monday on");
    await card.getByRole("button", { name: "Announce" }).click();
    await boss.page.locator("aside", { hasText: "A new fee from Monday on" }).waitFor();

    const visitor = await scene.open(PHONE);
    await visitor.visit("/");
    await visitor.page.locator("aside", { hasText: "A new fee from Monday on" }).waitFor();
    await visitor.photograph("phone-told");
    expect(await visitor.violations()).toEqual([]);
    await boss.page.getByRole("button", { name: "End", exact: true }).click();
    await boss.page.locator("aside").waitFor({ state: "detached" });
    await visitor.visit("/");
    expect(await visitor.page.locator("aside").count()).toBe(0);
    await visitor.close();
  });

  it("stops the miners for maintenance, and says from when until when", async () => {
    await boss.visit("/admin/notices");
    const card = boss.page
      .locator("section")
      .filter({ has: boss.page.getByRole("heading", { name: "Maintenance" }) });
    await card.getByLabel("Words").fill("A new disk");
    await card.getByLabel("Begins in").fill("30 min");
    await card.getByLabel("Lasts").fill("1 h");
    await card.getByRole("button", { name: "Stop the miners" }).click();
    await boss.page.locator("aside", { hasText: /Maintenance from .* until .*A new disk/ }).waitFor();
    await boss.photograph("desktop/admin/notices");
    await onPhone("/admin/notices");

    const [standing] = await standingNotices(scene.pool.db);
    expect(standing).toMatchObject({ kind: "maintenance", words: "A new disk", madeBy: "boss" });
    expect(Math.round(((standing?.untilMs ?? 0) - (standing?.beginsAtMs ?? 0)) / 60_000)).toBe(60);
    await boss.page.getByRole("button", { name: "End", exact: true }).click();
    await boss.page.getByText("Nothing is told now").waitFor();
  });

  it("sees the new balance before an adjustment is booked, and can go back", async () => {
    const owed = (await owedTo(scene.pool.db, "ann")) ?? 0n;
    await boss.visit("/admin/adjustments");
    await fill({ User: "ann", Amount: "-1000000", Reason: "a test of debts" });
    await boss.page.getByRole("button", { name: "Preview" }).click();
    await boss.page.getByText("Less than nothing").waitFor();
    await boss.page.getByRole("button", { name: "Back" }).click();
    await fill({ User: "ann", Amount: "12.5", Reason: "shares of 3 May" });
    await boss.page.getByRole("button", { name: "Preview" }).click();
    await boss.page.getByRole("row", { name: /Owed after it/ }).waitFor();
    await boss.photograph("desktop/admin/adjustments");
    expect(await owedTo(scene.pool.db, "ann")).toBe(owed);

    await boss.page.getByRole("button", { name: "Book it" }).click();
    await boss.page.getByText("Booked for ann").waitFor();
    expect(await owedTo(scene.pool.db, "ann")).toBe(owed + 1_250_000_000n);
  });

  it("finds users by a part of their names, page by page", async () => {
    for (let i = 0; i < 120; i++)
      await insertUser(scene.pool.db, { name: `farm-${i}`, password: null, payoutAddress: null });
    await boss.visit("/admin/users");
    await boss.page.getByRole("rowheader", { name: "farm-119", exact: true }).waitFor();
    expect(await boss.page.getByRole("rowheader").count()).toBe(100);
    await boss.page.getByRole("button", { name: "Show more" }).click();
    await boss.page.getByRole("rowheader", { name: "ann", exact: true }).waitFor();
    expect(await boss.page.getByRole("rowheader").count()).toBe(123);

    await boss.page.getByRole("searchbox").fill("FARM-11");
    await boss.page.getByRole("button", { name: "Find" }).click();
    await boss.page.getByRole("rowheader", { name: "ann", exact: true }).waitFor({ state: "detached" });
    expect(await boss.page.getByRole("rowheader").count()).toBe(11);
    await boss.photograph("desktop/admin/users");
    await onPhone("/admin/users");
  });

  it("makes codes for somebody, good for a while, and ends one", async () => {
    await boss.visit("/admin/invites");
    await fill({ For: "the club", "How many": "2", "Good for": "7 days" });
    await boss.page.getByRole("button", { name: "New code" }).click();
    await boss.page.getByText("2 codes made:").waitFor();
    const rows = boss.page.getByRole("row", { name: /the club.*free/ });
    await rows.nth(1).waitFor();
    await boss.photograph("desktop/admin/invites");
    expect(await boss.violations()).toEqual([]);
    await onPhone("/admin/invites");
    await rows.first().getByRole("button", { name: "End" }).click();
    await boss.page.getByRole("row", { name: /the club.*over/ }).waitFor();
    expect(await rows.count()).toBe(1);
  });

  it("finds rigs by a part of their names", async () => {
    await boss.visit("/admin/miners");
    await boss.page.getByRole("row", { name: /^bob/ }).waitFor();
    await boss.page.getByRole("searchbox").fill("RI");
    await boss.page.getByRole("button", { name: "Find" }).click();
    await boss.page.getByRole("row", { name: /^bob/ }).waitFor({ state: "detached" });
    await boss.page.getByRole("row", { name: /^ann rig/ }).waitFor();
    await boss.photograph("desktop/admin/miners");
    await onPhone("/admin/miners");
  });

  it("reads all of it in the log: who, what, before and after", async () => {
    await boss.visit("/admin/adjustments");
    const log = boss.page.getByRole("table", { name: "what administrators did" });
    await log.getByRole("row", { name: /boss ban bob not barred → may neither mine nor log in/ }).waitFor();
    const text = (await log.textContent()) ?? "";
    for (const action of [
      "ban",
      "unban",
      "announce",
      "end-announcement",
      "begin-maintenance",
      "end-maintenance",
      "adjust",
      "make-invite",
      "end-invite",
    ])
      expect(text).toContain(action);
    expect(boss.complaints).toEqual([]);
  });
});
