/** A pool in two edge processes on a network of its own, and what its operator does to it while it runs: a canary, a bar, maintenance. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { creditAddress, factoidAddress } from "../../../infra/pool/key-addresses.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { audit } from "../../support/processes/audit.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { Pool } from "../../support/processes/pool.ts";
import { prosper, type Running, start } from "../../support/processes/prosper.ts";
import { StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";

const BLOCK_SECONDS = 6;
const ES = encodeAddress("Es", new Uint8Array(32).fill(2));
const FS = encodeAddress("Fs", new Uint8Array(32).fill(3));
const network = v.object({ factomd: v.string(), prices: v.string() });
/** An edge reads what is ordered every five seconds. */
const SOON = { withinMs: 15_000, everyMs: 100 };

const hasher = new Hasher();
let devnet: Running;
let pool: Pool;
let config: string;
const dataDir = temporaryFolder();
beforeAll(async () => {
  const size = ["--block-seconds", `${BLOCK_SECONDS}`, "--rivals", "5", "--rival-hashes", "3000"];
  devnet = start(["devnet", ...size, "--ec", creditAddress(ES) ?? "", "--json"]);
  const line = await until("the network", () => /^.*"ready".*$/m.exec(devnet.stdout())?.[0]);
  const { factomd, prices } = v.parse(network, JSON.parse(line));
  config = join(dataDir, "pool.toml");
  writeFileSync(
    config,
    `[factom]\nfactomdlocation = "${factomd}"
[pegnet]\nblockperiod = "${BLOCK_SECONDS}s"\nstartheight = 1000\nlxrbits = 16\nactivation = 0
[pool]\noprcoinbase = "${factoidAddress(FS)}"\nesaddress = "${ES}"\nopridentity = "Test"
[oracle]\ndevneturl = "${prices}"\n[oracledatasources]\nFixedUSD = 0\ndevnet = 1
[canary]\nuser = "ops"\nevery = "2s"\nshares = 100\n`,
  );
  pool = await Pool.start({ dataDir, config, processes: 2 });
});
afterAll(async () => {
  await pool?.kill("SIGINT");
  devnet?.process.kill("SIGINT");
  hasher.close();
});

/** The operator's command on this pool; what it prints. */
async function order(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await prosper([...args, "--config", config, "--data-dir", dataDir]);
  expect({ code, stderr }, args.join(" ")).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const status = async () => v.parse(VIEWS.Status, await (await fetch(`${pool.ready.web}/api/status`)).json());

async function connected(user: string, invite = ""): Promise<StratumClient> {
  const client = await StratumClient.connect(pool.ready.stratum);
  const registration = invite === "" ? [] : ["a-password", invite, PAYOUT_ADDRESS];
  const answer = await client.login(user, ...registration);
  expect(answer, `${pool.running.stderr()}${told(client)}`).toMatchObject({ result: true });
  return client;
}

/** The upper 12 bits of a prefix: a process of its own. */
const slotOf = ({ prefix }: StratumClient): string => prefix.slice(0, 3);

/** Miners in both processes. */
async function inBoth(user: string): Promise<StratumClient[]> {
  const clients: StratumClient[] = [];
  while (new Set(clients.map(slotOf)).size < 2) {
    if (clients.length > 20) throw new Error("of 20 miners one process took all");
    clients.push(await connected(user));
  }
  return clients;
}

const told = (client: StratumClient): string =>
  client.lines
    .filter(({ method }) => method === "client.show_message")
    .flatMap(({ params }) => params ?? [])
    .join("\n");

describe("a canary beside two edge processes", () => {
  it("finds a share, which is answered and booked to its account", async () => {
    (await connected("ops", pool.ready.inviteCode)).close();

    const seen = await until(
      "a share in the books",
      async () => {
        const { canary } = await status();
        return canary?.failedAt === null && canary.last.row !== null && canary;
      },
      { withinMs: 40_000, everyMs: 200 },
    );

    expect(seen.last.answer).toBeGreaterThan(0);
    expect((await audit(dataDir)).users["ops"]?.accepted).toBeGreaterThan(0);
  });
});

describe("an operator", () => {
  const dora = new Ledger("dora", hasher);

  it("stops the miners of both processes for maintenance, bars one meanwhile, and all of it ends", async () => {
    for (const user of ["dora", "erin"])
      (await connected(user, /: (\S+)\n/.exec(await order("db", "code"))?.[1])).close();
    const clients = await inBoth("dora");
    let isOver = false;
    const mining = clients.map((client) => dora.mine(client, () => isOver));
    await until("acknowledged shares", () => dora.acknowledged.length >= 20, { withinMs: 30_000 });

    const line = await order("maintenance", "a new disk", "--for", "1min", "--yes");
    const [, end = ""] = /until (20\S+ \S+ UTC): a new disk/.exec(line) ?? [];
    const isTold = new RegExp(`maintenance .*until ${end}: a new disk`, "i");
    await until("words in both", () => clients.every((client) => isTold.test(told(client))), SOON);
    await until("a stop in both", () => clients.every(({ job }) => job === undefined), SOON);
    // An answer may be kept for some seconds.
    await expect
      .poll(status, { timeout: 10_000 })
      .toMatchObject({ state: "maintenance", notices: [{ words: "a new disk" }] });
    // Drained: what was acknowledged is in the books before anybody touches the machine.
    await until(
      "all of it in the books",
      async () => (await audit(dataDir)).users["dora"]?.accepted === dora.acknowledged.length,
      { withinMs: 20_000, everyMs: 500 },
    );
    expect(clients.some(({ closed }) => closed)).toBe(false);

    // Meanwhile: whoever is barred goes, in both; others stay.
    const others = await inBoth("erin");
    await order("bar", "erin", "--reason", "a test", "--for", "1h", "--yes");
    await until("an end of both", () => others.every(({ closed }) => closed), SOON);
    const refused = await StratumClient.connect(pool.ready.stratum);
    expect(await refused.login("erin")).toMatchObject({ result: false });
    expect(clients.some(({ closed }) => closed)).toBe(false);
    await order("unbar", "erin");
    await until(
      "a login",
      async () => {
        const again = await StratumClient.connect(pool.ready.stratum);
        const answer = await again.login("erin");
        again.close();
        return answer?.result === true;
      },
      SOON,
    );

    const before = dora.acknowledged.length;
    await until("jobs by themselves", () => clients.every(({ job }) => job !== undefined), {
      ...{ withinMs: 80_000, everyMs: 100 },
    });
    await until("shares again", () => dora.acknowledged.length >= before + 20, { withinMs: 30_000 });
    await expect.poll(async () => (await status()).state, { timeout: 10_000 }).not.toBe("maintenance");
    isOver = true;
    await Promise.all(mining);
    await until(
      "all of it in the books",
      async () => (await audit(dataDir)).users["dora"]?.accepted === dora.acknowledged.length,
      { withinMs: 20_000, everyMs: 500 },
    );
    const log = await order("notices");
    expect(log).toContain("Nothing is told.");
  });
});
