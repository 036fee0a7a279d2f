/** The dashboard's own code, run by a real browser against the real web of a pool. */

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { PAGES } from "../../../functions/dashboard/pages.ts";
import { addressOf } from "../../support/accounts.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { BLOCKS, EVIL, FIRST_HEIGHT, PASSWORD, startPages } from "./web.ts";

const LOOKS: Readonly<Record<string, Look>> = {
  "a desktop in light colours": { width: 1280, height: 900, colorScheme: "light" },
  "a desktop in dark colours": { width: 1280, height: 900, colorScheme: "dark" },
  "a phone in light colours": { width: 390, height: 844, colorScheme: "light", scale: 3 },
  "a phone in dark colours": { width: 390, height: 844, colorScheme: "dark", scale: 3 },
};
const scene = setScene(startPages);

describeInBrowser.each(Object.entries(LOOKS))("on %s", (_name, look) => {
  it("a visitor reads the pool's figures, an operator gives out a code, and who registers by it has a page of its own", async () => {
    const boss = await scene.openAs("boss", look);
    await boss.visit("/admin/invites");
    await boss.page.getByRole("button", { name: "New code" }).click();
    const code = await boss.page.locator("tr", { hasText: "free" }).first().locator("code").textContent();

    const visitor = await scene.open(look);
    await visitor.visit("/");
    await visitor.page
      .getByText((FIRST_HEIGHT + BLOCKS - 1).toLocaleString("en-US"))
      .first()
      .waitFor();
    expect(await visitor.page.locator("main canvas").count()).toBeGreaterThanOrEqual(5);
    await visitor.page
      .getByRole("navigation", { name: "Account" })
      .getByRole("link", { name: "Register" })
      .click();
    const name = `new-${look.width}-${look.colorScheme}`;
    await visitor.submit(
      { "User name": name, Password: PASSWORD, "Invite code": code ?? "", "Payout address": addressOf(name) },
      "Register",
    );
    await visitor.page.waitForURL("**/me");
    await visitor.page.getByText("No worker yet").waitFor();
    await visitor.page.getByRole("link", { name, exact: true }).waitFor();

    await boss.visit("/admin/users");
    await boss.page.getByRole("rowheader", { name, exact: true }).waitFor();
    expect([...boss.complaints, ...visitor.complaints]).toEqual([]);
    await boss.close();
    await visitor.close();
  });

  it("a miner finds its money, its workers by the names they gave, and its blocks", async () => {
    const ann = await scene.openAs("ann", look);
    await ann.page.getByText(EVIL).first().waitFor();
    await ann.page.locator("main th[scope=row]", { hasText: "rig" }).first().waitFor();
    await ann.page
      .getByText((FIRST_HEIGHT + BLOCKS - 1).toLocaleString("en-US"))
      .first()
      .waitFor();

    const text = await ann.text();
    for (const part of ["Owed", "Pending", "Earned", "Paid out", "Workers"]) expect(text).toContain(part);
    expect(text).toContain((FIRST_HEIGHT + BLOCKS - 1).toLocaleString("en-US"));
    expect(await ann.page.locator("main img").count()).toBe(0);
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  it("a miner saves its figures as a table whose text no spreadsheet runs", async () => {
    const ann = await scene.openAs("ann", look);
    const saved = ann.page.waitForEvent("download");
    await ann.page.getByRole("link", { name: "Shares by block as CSV" }).click();
    const file = await saved;
    const table = readFileSync(await file.path(), "utf8")
      .trimEnd()
      .split("\r\n");

    expect(file.suggestedFilename()).toBe("prosper-blocks.csv");
    expect(table[0]).toMatch(/^Block,.*,Reward \(PEG\)$/);
    expect(table[1]?.split(",")[0]).toBe(String(FIRST_HEIGHT + BLOCKS));
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  it("a file that comes in parts is saved as one", async () => {
    const ann = await scene.openAs("ann", look);
    for (const format of ["csv", "json"])
      await ann.page.route(`**/api/me/export/blocks?format=${format}`, async (route) => {
        const response = await route.fetch();
        const link = `</api/me/export/blocks?format=${format}&from=${FIRST_HEIGHT + 2}>; rel="next"`;
        await route.fulfill({ response, headers: { ...response.headers(), link } });
      });
    const textOf = async (format: string): Promise<string> => {
      const saved = ann.page.waitForEvent("download");
      await ann.page.getByRole("link", { name: `Shares by block as ${format}` }).click();
      return readFileSync(await (await saved).path(), "utf8");
    };
    const first = Array.from({ length: BLOCKS + 1 }, (_, i) => FIRST_HEIGHT + BLOCKS - i);
    const heights = [...first, FIRST_HEIGHT + 1, FIRST_HEIGHT].map(String);

    const [titles, ...lines] = (await textOf("CSV")).trimEnd().split("\r\n");
    expect(titles).toMatch(/^Block,/);
    expect(lines.map((line) => line.split(",")[0])).toEqual(heights);
    const { rows, next } = v.parse(VIEWS.BlocksExport, JSON.parse(await textOf("JSON")));
    expect(rows.map(({ block }) => String(block))).toEqual(heights);
    expect(next).toBeNull();
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  it("an operator sees who kept back hits: what was due, what came, and the alarms", async () => {
    const boss = await scene.openAs("boss", look);
    await boss.visit("/admin/miners");
    await boss.page.getByRole("link", { name: "Withheld hits" }).click();
    const row = (name: string) =>
      boss.page.locator("tr", { has: boss.page.getByRole("rowheader", { name, exact: true }) }).locator("td");
    await row("bob").first().waitFor();

    expect((await row("bob").allInnerTexts()).slice(0, 4)).toEqual(["1", "30.0", "0", "−5.48 σ"]);
    expect((await row("ann").allInnerTexts()).slice(0, 4)).toEqual(["0", "30.0", "31", "0.18 σ"]);
    expect(boss.complaints).toEqual([]);
    await boss.close();
  });

  it("every page is drawn without a complaint, fits the window, has this look's colours and nothing in anybody's way", async () => {
    const boss = await scene.openAs("boss", look);
    for (const { path } of PAGES) {
      // An operator has no worker: workers.test.ts looks at this one.
      if (path === "/me/worker") continue;
      const at = path.replace("{height}", String(FIRST_HEIGHT)).replace("{id}", String(FIRST_HEIGHT));
      await boss.visit(at);
      await boss.page.waitForLoadState("networkidle");
      await boss.photograph(`${look.width}-${look.colorScheme}${at}`);
      const { ground, text } = await boss.brightness();

      expect(await boss.overflow(), at).toBeLessThanOrEqual(0);
      expect(await boss.page.locator("#trouble").count(), at).toBe(0);
      expect(await boss.page.locator("h1").count(), at).toBe(1);
      expect(await boss.violations(), at).toEqual([]);
      if (look.colorScheme === "dark") expect(text - ground, at).toBeGreaterThan(100);
      else expect(ground - text, at).toBeGreaterThan(100);
    }
    expect(boss.complaints).toEqual([]);
    await boss.close();
  });
});

describeInBrowser("a form", () => {
  it("says why it was refused, beside its button, and keeps what was typed", async () => {
    const visitor = await scene.open({ width: 390, height: 844, colorScheme: "light" });
    await visitor.visit("/login");
    await visitor.submit({ "User name": "ann", Password: "a wrong password" }, "Log in");

    await visitor.page.getByRole("status").filter({ hasText: "password" }).waitFor();
    expect(await visitor.page.getByLabel("User name").inputValue()).toBe("ann");
    expect(new URL(visitor.page.url()).pathname).toBe("/login");
    await visitor.close();
  });

  it("of another's page sends who is not logged in to the login", async () => {
    const visitor = await scene.open({ width: 390, height: 844, colorScheme: "light" });
    await visitor.page.goto("/me");

    await visitor.page.waitForURL("**/login?next=%2Fme");
    await visitor.close();
  });
});
