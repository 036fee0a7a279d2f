/**
 * The whole way of two miners, on a real pool with ten-second blocks: a visitor at a desk who registers on the page, and one with a phone who
 * registers by the copied line. Each step builds on the one before. Both walk at once: a pool has one payday for all.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import * as v from "valibot";
import { expect, it } from "vitest";
import { watchWorkers } from "../../../functions/janitor/worker-watch.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf } from "../../support/accounts.ts";
import {
  type HttpCatcher,
  type MailCatcher,
  startHttpCatcher,
  startMailCatcher,
} from "../../support/alert-catchers.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type BareMiner, runBare } from "../../support/processes/bare-machine.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { Pool } from "../../support/processes/pool.ts";
import { prosper } from "../../support/processes/prosper.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look, Visitor } from "./visitor.ts";
import { PASSWORD } from "./web.ts";

const BLOCK_SECONDS = 10;
const RIG = "rig1";
const FIRST_LINE = "First start: register and mine";
const OTHER_LINE = "Every other start";
/** Each miner takes a part of one core, so that both, the pool and the browser have room. */
const GENTLE = "--threads 1 --duty 0.3";
const BLOCK_MS = BLOCK_SECONDS * 1000;

interface Walker {
  readonly name: string;
  readonly look: Look;
  readonly registersBy: "page" | "line";
  readonly hook: HttpCatcher;
  readonly visitor: Visitor;
  readonly page: Page;
  miner: BareMiner | undefined;
}

const dataDir = temporaryFolder();
let database: TestDatabase;
let env: Record<string, string>;
let mail: MailCatcher;
const walkers: Walker[] = [];

const scene = setScene(async () => {
  mail = await startMailCatcher();
  // The test moves a rig's record back in time, where a silence would have to be waited for.
  database = await createTestDatabase();
  env = { DATABASE_URL: database.url, PROSPER_SMTP: mail.url };
  const settings = join(temporaryFolder(), "prosper-pool.toml");
  writeFileSync(settings, '[alerts]\nfrom = "pool@example.com"\n');
  const flags = ["--config", settings];
  const pool = await Pool.start({ dataDir, blockSeconds: BLOCK_SECONDS, flags }, { env });
  const stop = async (): Promise<void> => {
    await pool.kill("SIGINT");
    await Promise.all([mail.stop(), database.drop(), ...walkers.map(({ hook }) => hook.stop())]);
  };
  return { ready: pool.ready, url: pool.ready.web, stop };
}, openWalkers);

async function openWalkers(): Promise<void> {
  for (const one of [
    { name: "desk", registersBy: "page", look: { width: 1280, height: 900, colorScheme: "light" } },
    { name: "phone", registersBy: "line", look: { width: 390, height: 844, colorScheme: "dark", scale: 3 } },
  ] as const) {
    const visitor = await scene.open(one.look);
    const { page } = visitor;
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    // Both, a pool and two miners share this machine.
    page.context().setDefaultTimeout(120_000);
    walkers.push({ ...one, visitor, page, hook: await startHttpCatcher(), miner: undefined });
  }
}

/** The same step of both, at once. */
const both = (step: (walker: Walker) => Promise<void>) => () => Promise.all(walkers.map(step));

async function look(walker: Walker, photo: string): Promise<void> {
  const { visitor, name } = walker;
  await visitor.photograph(`walk-${name}-${photo}`);
  expect(await visitor.violations(), photo).toEqual([]);
  expect(await visitor.overflow(), photo).toBeLessThanOrEqual(0);
  expect(visitor.complaints, photo).toEqual([]);
}

async function inviteCode(): Promise<string> {
  const { stdout } = await prosper(["db", "code", "--json", "--data-dir", dataDir], { env });
  return v.parse(v.object({ code: v.string() }), JSON.parse(stdout)).code;
}

/** The clipboard is the machine's: one after the other, or a walker would run the other's line. */
let clipboard: Promise<unknown> = Promise.resolve();

/** As the page's button puts it into the clipboard. */
async function copyLine({ name, page }: Walker, title: string): Promise<string> {
  const item = page.locator(".commands li", { hasText: title });
  const copied = clipboard.then(async () => {
    await item.getByRole("button", { name: "Copy" }).click();
    await item.getByRole("button", { name: "Copied" }).waitFor();
    return page.evaluate<string>("navigator.clipboard.readText()");
  });
  clipboard = copied.catch(() => undefined);
  const line = await copied;
  expect(line).toMatch(
    /^npx --yes http:\/\/\S+\.tgz --host \S+ --user \S+ --worker \S+ .*--connect [A-Z2-7]{16}$/,
  );
  expect(line).toContain(`--user ${name} --worker ${RIG} `);
  return line;
}

/** The janitor's minute, by its own code. */
const judge = (): Promise<number> => watchWorkers(database.db, systemClock, BLOCK_MS);

const alertKinds = ({ hook }: Walker): string[] =>
  hook.requests.flatMap(({ body }) => {
    const sent = v.parse(
      v.object({ data: v.object({ alerts: v.array(v.object({ kind: v.string() })) }) }),
      JSON.parse(body),
    );
    return sent.data.alerts.map(({ kind }) => kind);
  });

const mailsTo = (walker: Walker): string =>
  mail.mails
    .filter(({ to }) => to.includes(`${walker.name}@example.com`))
    .map(({ text }) => text)
    .join("\n");

async function toldOf(walker: Walker, kind: string, words: RegExp): Promise<void> {
  await expect.poll(() => alertKinds(walker), { timeout: 180_000 }).toContain(kind);
  await expect.poll(() => mailsTo(walker), { timeout: 90_000 }).toMatch(words);
}

/** Until the page says so; else what the page and the miner say instead. */
async function credited({ page, miner }: Walker): Promise<void> {
  const panel = page.getByRole("region", { name: "Your miner" });
  await panel
    .getByText("We see you: your first share is credited.")
    .waitFor({ timeout: 180_000 })
    .catch(async (cause: unknown) => {
      const said = `the page: ${await panel.textContent()}\nthe miner: ${miner?.said().slice(-3000)}`;
      throw new Error(`no first credit was seen\n${said}`, { cause });
    });
}

describeInBrowser("a miner's way, at a desk in the light and by a phone in the dark", () => {
  it(
    "begins at a page that says what this is",
    both(async (walker) => {
      const { visitor, page } = walker;
      await visitor.visit("/");
      const welcome = page.getByRole("region", { name: "What this is" });
      for (const word of ["PegNet", "PEG", "FA address"]) await welcome.getByText(word).first().waitFor();
      await look(walker, "1-first-visit");
    }),
  );

  it(
    "registers, runs the copied line where there is only Node, and is seen until its first credit",
    both(async (walker) => {
      const { name, page, visitor, registersBy } = walker;
      const invite = await inviteCode();
      if (registersBy === "page") {
        await page.getByRole("link", { name: "Register" }).first().click();
        await visitor.drawn();
        await visitor.submit(
          { "User name": name, Password: PASSWORD, "Invite code": invite, "Payout address": addressOf(name) },
          "Register",
        );
        await page.waitForURL("**/me");
        await visitor.drawn();
        await page.getByRole("link", { name: "how to connect" }).click();
        await visitor.drawn();
      }
      if (registersBy === "line") await page.getByLabel("Your name").fill(name);
      const line = await copyLine(walker, registersBy === "page" ? OTHER_LINE : FIRST_LINE);
      const secrets: Record<string, string> = {
        PROSPER_PASSWORD: PASSWORD,
        PROSPER_INVITE: invite,
        PROSPER_ADDRESS: addressOf(name),
      };
      walker.miner = runBare(`${line} ${GENTLE}`, { env: registersBy === "page" ? {} : secrets });
      const panel = page.getByRole("region", { name: "Your miner" });
      await panel.getByText("We see your miner").waitFor();
      await credited(walker);
      await look(walker, "2-we-see-you");
      expect(await panel.locator(".bad").count()).toBe(0);
      if (registersBy === "line") await visitor.logIn(name, PASSWORD);
    }),
  );

  it(
    "finds its credit on its page, and its rig on a page of its own",
    both(async (walker) => {
      const { page, visitor } = walker;
      await visitor.visit("/me");
      const workers = page.getByRole("region", { name: "Workers" });
      await workers.getByRole("link", { name: RIG }).waitFor();
      await look(walker, "3-me");
      await workers.getByRole("link", { name: RIG }).click();
      await page.getByRole("heading", { name: RIG, level: 1 }).waitFor();
      await visitor.drawn();
      expect(await visitor.text()).toMatch(/Last share\d/);
      await look(walker, "4-rig");
    }),
  );

  it(
    "wants to be told, by a mailbox and a webhook",
    both(async (walker) => {
      const { name, page, visitor, hook } = walker;
      await visitor.visit("/me/alerts");
      const form = page.getByRole("region", { name: "Add a destination" });
      const add = async (kind: string, address: string): Promise<void> => {
        await form.getByLabel("Where").selectOption(kind);
        await form.getByLabel("Address").fill(address);
        await form.getByRole("button", { name: "Add" }).click();
      };
      await add("webhook", `${hook.url}/hook`);
      await page.getByText(/whsec_/).waitFor();
      await add("email", `${name}@example.com`);
      const mailbox = page.getByRole("region", { name: `E-mail: ${name}@example.com` });
      await mailbox.getByText("not confirmed").waitFor();
      await expect.poll(() => mailsTo(walker), { timeout: 90_000 }).toMatch(/code is \d{8}/);
      const [, code = ""] = /code is (\d{8})/.exec(mailsTo(walker)) ?? [];
      await mailbox.getByLabel("Code from the message").fill(code);
      await mailbox.getByRole("button", { name: "Confirm" }).click();
      await mailbox.getByText("not confirmed").waitFor({ state: "detached" });
      await look(walker, "5-alerts");
    }),
  );

  it(
    "is told when the rig has stopped, and the rig's page says so",
    both(async (walker) => {
      const { name, page, visitor, miner } = walker;
      await miner?.interrupt();
      expect(miner?.said()).toMatch(/accepted [1-9]/);
      // Its week is learned, and its last share is some minutes old: what a test cannot wait for.
      await expect
        .poll(
          async () => {
            await database.db.execute(sql`UPDATE worker_watch SET since = now() - interval '1 day'`);
            await database.db.execute(sql`UPDATE worker_status SET last_at = now() - interval '400 seconds', usual_rate = 6500, usual_shares = 0.1,
            learned_at = now(), since = now() - interval '3 days', up_since = now() - interval '3 days' WHERE user_name = ${name} AND state <> 'offline'`);
            await judge();
            return alertKinds(walker);
          },
          { timeout: 90_000, interval: 1000 },
        )
        .toContain("offline");
      await toldOf(walker, "offline", new RegExp(`rig ${RIG} offline`));
      await visitor.visit(`/me/worker?name=${RIG}`);
      await page.getByRole("table", { name: "changes" }).getByText("Offline").first().waitFor();
      await look(walker, "6-stopped");
    }),
  );

  it(
    "is told when it is back",
    both(async (walker) => {
      const { visitor, page } = walker;
      await visitor.visit("/");
      walker.miner = runBare(`${await copyLine(walker, OTHER_LINE)} ${GENTLE}`);
      await credited(walker);
      await expect
        .poll(
          async () => {
            await judge();
            return alertKinds(walker);
          },
          { timeout: 90_000, interval: 1000 },
        )
        .toContain("recovered");
      await toldOf(walker, "recovered", new RegExp(`rig ${RIG} recovered`));
      await visitor.visit(`/me/worker?name=${RIG}`);
      await page.getByRole("table", { name: "changes" }).getByText("Recovered").first().waitFor();
      await look(walker, "7-back");
    }),
  );

  it(
    "has its part of a block that was won, and is told; it is owed",
    both(async (walker) => {
      const { visitor, page } = walker;
      await toldOf(walker, "block", /block/);
      await visitor.visit("/me");
      const won = page
        .getByRole("table", { name: "your blocks" })
        .getByRole("row")
        .filter({ hasText: "Download" });
      await won.first().waitFor({ timeout: 180_000 });
      const owed = page.locator(".tile", { hasText: "Owed" }).locator("dd").first();
      await expect.poll(() => owed.textContent(), { timeout: 180_000 }).toMatch(/[1-9]/);
      await look(walker, "8-owed");
    }),
  );

  it("is paid on payday: prepared on the page, signed elsewhere, sent, and paid with its entry", async () => {
    const { name, password } = v.parse(
      v.object({ name: v.string(), password: v.string() }),
      scene.pool.ready.adminUser,
    );
    const boss = await scene.open({ width: 1280, height: 900, colorScheme: "light" });
    await boss.logIn(name, password);
    await boss.visit("/admin/payday");
    await boss.page.getByRole("button", { name: "Prepare a payout" }).click();
    const list = boss.page.getByRole("table", { name: "who gets what" });
    for (const walker of walkers)
      await list.getByRole("row", { name: new RegExp(`^${walker.name} `) }).waitFor();
    const folder = temporaryFolder();
    const [download] = await Promise.all([
      boss.page.waitForEvent("download"),
      boss.page.getByRole("link", { name: "Save the file" }).click(),
    ]);
    const file = join(folder, "pay.json");
    await download.saveAs(file);
    const signed = join(folder, "pay.signed.json");
    const sign = ["payout", "sign", file, "--yes", "--out", signed, "--data-dir", dataDir];
    expect(await prosper(sign, { env })).toMatchObject({ code: 0 });
    await boss.page.getByLabel("Choose the signed file").setInputFiles(signed);
    await boss.page.getByText(/On its way: \d of \d entr/).waitFor();
    await boss.page.getByRole("row", { name: /1 of 1.*done/ }).waitFor({ timeout: 180_000 });
    expect(boss.complaints).toEqual([]);

    await both(async (walker) => {
      const { visitor, page } = walker;
      await toldOf(walker, "payment", /paid|payment/i);
      await visitor.visit("/me");
      const row = page
        .getByRole("table", { name: "payments and adjustments" })
        .getByRole("row")
        .filter({ hasText: "paid out" });
      await row.getByRole("link").waitFor();
      await look(walker, "9-paid");
      await row.getByRole("link").click();
      await page.waitForURL("**/story/*");
      await visitor.drawn();
      await look(walker, "10-entry");
    })();
  });

  it(
    "takes its figures along as CSV",
    both(async ({ visitor, page, name }) => {
      await visitor.visit("/me");
      const textOf = async (title: string): Promise<string> => {
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("link", { name: `${title} as CSV` }).click(),
        ]);
        return readFileSync(await download.path(), "utf8");
      };
      expect(await textOf("Workers")).toContain(RIG);
      const [header = "", ...payments] = (await textOf("Payments and adjustments")).trim().split(/\r?\n/);
      expect(header).toContain("Entry");
      expect(payments).toHaveLength(1);
      expect(payments[0]).toMatch(/[0-9a-f]{64}/);
      expect((await textOf("Shares by block")).trim().split(/\r?\n/).length, name).toBeGreaterThan(2);
    }),
  );

  it(
    "verifies all its blocks in its browser, against a Factom node too",
    both(async (walker) => {
      const { visitor, page } = walker;
      await visitor.visit("/me/verify");
      await page.getByLabel("Address of a Factom node").fill(scene.pool.ready.factomd);
      await page.getByRole("button", { name: "Check all my blocks" }).click();
      await page.getByText("done; each as on the chain").waitFor({ timeout: 180_000 });
      const figure = async (name: string): Promise<number> =>
        Number(await page.locator(".tile", { hasText: name }).locator("dd").first().textContent());
      expect(await figure("Right")).toBeGreaterThanOrEqual(2);
      expect([await figure("Wrong"), await figure("Not asked for")]).toEqual([0, 0]);
      // The newest blocks' roots are written some blocks later.
      expect(await figure("Not on the chain")).toBeLessThan(8);
      await look(walker, "11-verified");
      await walker.miner?.interrupt();
    }),
  );
});
