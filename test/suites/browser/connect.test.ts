/** "We see you": the page tells what becomes of the miner whose line was copied from it, on a real pool. */

import * as v from "valibot";
import { expect, it } from "vitest";
import { addressOf } from "../../support/accounts.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { Pool } from "../../support/processes/pool.ts";
import { prosper, type Running, start } from "../../support/processes/prosper.ts";
import { RawClient } from "../../support/raw-client.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { PASSWORD } from "./web.ts";

const DESKTOP: Look = { width: 1280, height: 900, colorScheme: "dark" };
const PHONE: Look = { width: 390, height: 844, colorScheme: "light", scale: 3 };
const TABLE_BITS = 16;

const dataDir = temporaryFolder();
const scene = setScene(async () => {
  const pool = await Pool.start({ dataDir, blockSeconds: 20 });
  return { ready: pool.ready, url: pool.ready.web, stop: () => pool.kill("SIGINT") };
});

/** A page whose line of this title was copied: it watches. */
async function watching(title: string, look: Look, name: string) {
  const visitor = await scene.open(look);
  await visitor.visit("/");
  const { page } = visitor;
  await page.getByLabel("Your name").fill(name);
  await page.locator("summary", { hasText: "From a clone" }).click();
  const item = page.locator(".commands li", { hasText: title });
  await item.getByRole("button").click();
  await page.getByText("Waiting for your miner").waitFor();
  const line = (await item.locator("code").textContent()) ?? "";
  const code = / --connect ([A-Z2-7]{16})$/.exec(line)?.[1] ?? "";
  expect(line).toMatch(/^npx prosper miner /);
  return { visitor, page, code, args: line.split(" ").slice(2) };
}

/** As the line says, at a third of one core. */
function runLine(args: readonly string[], env: Record<string, string> = {}): Running {
  return start([...args, "--threads", "1", "--duty", "0.3"], { env });
}

async function inviteCode(): Promise<string> {
  const { stdout } = await prosper(["db", "code", "--json", "--data-dir", dataDir]);
  return v.parse(v.object({ code: v.string() }), JSON.parse(stdout)).code;
}

const registration = (invite: string, name: string): Record<string, string> => ({
  PROSPER_PASSWORD: PASSWORD,
  PROSPER_INVITE: invite,
  PROSPER_ADDRESS: addressOf(name),
});

const REGISTER = "From a clone of the project: register and mine";
const MINE = "From a clone: every other start";

describeInBrowser("the page that a line was copied from", () => {
  it.each([
    ["a desktop", DESKTOP],
    ["a phone", PHONE],
  ])(
    "on %s sees the miner connect, subscribe, log in, find its first share and be credited",
    async (_, look) => {
      const name = `seen-${look.width}`;
      const invite = look === DESKTOP ? scene.pool.ready.inviteCode : await inviteCode();
      const { visitor, page, args } = await watching(REGISTER, look, name);
      const miner = runLine(args, registration(invite, name));
      const panel = page.getByRole("region", { name: "Your miner" });
      await panel.getByText("We see your miner").waitFor();
      await panel.getByText("We see you: your first share is credited.").waitFor();
      const steps = await panel.locator("li").allInnerTexts();
      expect(steps.map((step) => step.split("\n")[0])).toEqual([
        "Connected",
        "Subscribed",
        "Logged in",
        "First share",
        "First credit",
      ]);
      expect(steps.join()).not.toContain("not yet");
      expect(await panel.locator(".bad").count()).toBe(0);
      await visitor.photograph(`connect-${look.width}`);
      expect(await visitor.overflow()).toBeLessThanOrEqual(0);
      expect(await visitor.violations()).toEqual([]);
      expect(visitor.complaints).toEqual([]);
      miner.process.kill("SIGINT");
      await miner.ended;
      await visitor.close();
    },
  );

  it("tells within a second what has come, how far its table is, and that a share was stale", async () => {
    const { visitor, page, code } = await watching(MINE, DESKTOP, "seen-1280");
    const client = await RawClient.connect(Number(scene.pool.ready.stratum.split(":")[1]));
    const panel = page.getByRole("region", { name: "Your miner" });
    const call = (id: number, method: string, ...params: string[]): void =>
      client.send(`${JSON.stringify({ id, method, params })}\n`);
    const sentMs = performance.now();
    call(1, "mining.subscribe", `prosper-ts/0.1 connect/${code}`);
    call(2, "mining.authorize", "seen-1280,rig2", "", "", "");
    await panel.getByText("We see your miner").waitFor();
    const tookMs = performance.now() - sentMs;
    process.stdout.write(`seen after ${Math.round(tookMs)} ms\n`);
    // A second, and what a machine with other work on it takes.
    expect(tookMs).toBeLessThan(5_000);
    call(3, "mining.table", "40", String(TABLE_BITS));
    await panel.getByText("40 %").waitFor();
    call(4, "mining.submit", "seen-1280", "1", "00000000aa", "ab".repeat(32), "ffffffffffffffff");
    await panel.locator(".bad").waitFor();
    expect(await panel.locator(".bad").textContent()).toMatch(/\bjob\b/i);
    await client.close();
    await panel.getByText("its connection has ended").waitFor();
    await visitor.close();
  });

  it.each<
    [what: string, title: string, name: string, run: (args: string[]) => Promise<unknown>, words: RegExp]
  >([
    [
      "that the name is taken",
      REGISTER,
      "seen-1280",
      async (args) =>
        runLine(args, { ...registration(await inviteCode(), "x"), PROSPER_PASSWORD: "another one" }).ended,
      /that user name is taken/i,
    ],
    [
      "that the invite code was used",
      REGISTER,
      "not-yet-there",
      (args) => runLine(args, registration(scene.pool.ready.inviteCode, "y")).ended,
      /the invite code is unknown or used already/i,
    ],
    [
      "that the password is wrong",
      MINE,
      "seen-1280",
      (args) => runLine(args, { PROSPER_PASSWORD: "not the one" }).ended,
      /wrong user name or password/i,
    ],
    [
      "that its table is another one",
      MINE,
      "seen-1280",
      async (args) => {
        const miner = runLine([...args, "--bits", "9"]);
        setTimeout(() => miner.process.kill("SIGINT"), 8_000);
      },
      new RegExp(`this pool's table has ${TABLE_BITS} bits`, "i"),
    ],
    [
      "that TLS was spoken to the port without it, by its address",
      MINE,
      "seen-1280",
      (args) => {
        const miner = runLine([...args, "--tls"]);
        setTimeout(() => miner.process.kill("SIGINT"), 8_000);
        return Promise.resolve();
      },
      /this port does not speak TLS/i,
    ],
  ])("names %s", async (_, title, name, run, words) => {
    const { visitor, page, args } = await watching(title, PHONE, name);
    const running = run(args);
    const problem = page.getByRole("region", { name: "Your miner" }).locator(".bad");
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(words);
    await running;
    await visitor.close();
  });
});
