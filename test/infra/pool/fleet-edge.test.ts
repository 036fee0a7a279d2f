/** `prosper edge` as one of many, as a process: a real database, devnet and miner, and stand-ins for SQS and Lambda that call the real functions. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Miner, startMiner } from "../../../edge/miner/miner.ts";
import { createAccountingHandler } from "../../../functions/accounting/handler.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { createAuthHandler } from "../../../functions/auth/handler.ts";
import { createLockout } from "../../../functions/auth/lockout.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { createPollHandler } from "../../../functions/poll/handler.ts";
import { createSourceCache } from "../../../functions/poll/source-cache.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { type Devnet, startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { withPassword } from "../../../infra/pool/database-password.ts";
import { functionsElsewhere } from "../../../infra/pool/fleet-edge.ts";
import { pollOptions } from "../../../infra/pool/pool-settings.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertInvite } from "../../../shared/db/invites.ts";
import { sql } from "../../../shared/db/port.ts";
import { roleName } from "../../../shared/db/roles.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addressOf, cheapPasswords } from "../../support/accounts.ts";
import { type AwsStub, startAwsStub } from "../../support/aws/aws-stub.ts";
import { text } from "../../support/books.ts";
import { asRole, createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { smallTable } from "../../support/hash/small-table.ts";

const BLOCK_MS = 1_500;
const BITS = 8;
const EASY = 0xfff0_0000_0000_0000n;
const ES_SEED = new Uint8Array(32).fill(7);
const CONFIG = {
  app: { loglevel: "error" },
  pegnet: { activation: 0, startheight: 1000, blockperiod: `${BLOCK_MS}ms`, lxrbits: BITS },
  pool: { oprcoinbase: addressOf("pool"), esaddress: encodeAddress("Es", ES_SEED) },
  stratum: { host: "127.0.0.1", stratumport: 0 },
  oracledatasources: { fixedusd: 0, devnet: 1 },
  aws: { drain: "100ms", databasesecret: "prosper/test/database-edge" },
  web: { host: "127.0.0.1", port: 0 },
};
const system = { clock: systemClock, random: systemRandom, logger: SILENT };
const ready = v.object({
  event: v.literal("ready"),
  stratum: v.string(),
  web: v.string(),
  factomd: v.string(),
});

describe("one edge of many", () => {
  let database: TestDatabase;
  let folder: string;
  let devnet: Devnet;
  let aws: AwsStub;
  let edge: ChildProcess;
  let miner: Miner | undefined;
  beforeEach(async () => {
    database = await createTestDatabase({ driver: "pg" });
    folder = mkdtempSync(join(tmpdir(), "prosper-fleet-"));
    const credits = [{ address: encodeAddress("EC", keyPairFromSeed(ES_SEED).publicKey), balance: 1000 }];
    devnet = await startDevnet(
      { ...DEVNET_DEFAULTS, blockMs: BLOCK_MS, rivalHashes: 200, credits },
      { ...system, hasher: smallHasher(BITS) },
    );
    // Each part by the role that it has on AWS.
    const login = await database.as("auth");
    const modules = { ...system, db: await database.as("accounting") };
    const sealer = createSealer({ deadlineMs: 60_000 }, modules);
    aws = await startAwsStub({
      accounting: createAccountingHandler({ ...modules, sealer }),
      auth: createAuthHandler(
        { openRegistration: false },
        {
          ...{ ...modules, db: login, passwords: cheapPasswords() },
          lockout: createLockout({}, { ...modules, db: login }),
        },
      ),
    });
    await insertInvite(database.db, "code");
    await pollOnce();
  });
  afterEach(async () => {
    await miner?.stop();
    edge.kill("SIGKILL");
    await devnet.stop();
    await aws.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  async function pollOnce(): Promise<void> {
    const file = join(folder, "pool.toml");
    writeFileSync(file, stringify({ ...CONFIG, factom: { factomdlocation: devnet.factomdUrl } }));
    const poll = createPollHandler(
      pollOptions(loadConfig(file, { required: true }), { devnet: devnet.feedUrl }),
      {
        ...{ ...system, db: await database.as("poll"), fetch, cache: createSourceCache() },
      },
    );
    expect(await poll({}, LOCAL_CONTEXT)).toMatchObject({ kind: "priced" });
  }

  /** Resolves to where miners connect, and where it tells of itself. */
  function start(
    processes: number,
    databaseUrl = asRole(database.url, "edge"),
  ): Promise<v.InferOutput<typeof ready>> {
    const main = join(import.meta.dirname, "../../../infra/cli/main.ts");
    const args = [
      main,
      "edge",
      "--json",
      ...["--data-dir", join(folder, "edge")],
      ...["--config", join(folder, "pool.toml")],
      ...["--processes", `${processes}`],
    ];
    edge = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...{ PATH: process.env["PATH"], HOME: folder, DATABASE_URL: databaseUrl },
        ...{
          PROSPER_QUEUE_URL: "http://elsewhere.invalid/000000000000/summaries",
          PROSPER_AUTH_FUNCTION: "prosper-auth",
        },
        ...{
          AWS_ENDPOINT_URL: aws.url,
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: "a",
          AWS_SECRET_ACCESS_KEY: "b",
        },
      },
    });
    return new Promise((resolve, reject) => {
      edge.once("exit", (code) => reject(new Error(`the edge ended with ${code}`)));
      edge.stdout?.once("data", (line: Buffer) => resolve(v.parse(ready, JSON.parse(line.toString()))));
    });
  }

  function mine(stratum: string): Miner {
    const [host = "", port = ""] = stratum.split(":");
    return startMiner(
      {
        ...{ host, port: Number(port), user: "ann", worker: "rig", threads: 1, dutyCycle: 0.3 },
        ...{ password: "a long password", invite: "code", payoutAddress: addressOf("ann") },
      },
      { ...system, table: smallTable(BITS) },
    );
  }

  it.each([1, 2])(
    "registers by Lambda, sends every share by SQS, also those of an outage, and hands over when it stops: in %d processes",
    async (processes) => {
      const { stratum, web } = await start(processes);
      for (const path of ["/livez", "/readyz"]) expect((await fetch(`${web}${path}`)).status, path).toBe(200);
      expect((await fetch(`${web}/`)).status).toBe(404);
      miner = mine(stratum);
      const accepted = (): number => {
        // 4,096 hashes a share, as soon as it is logged in.
        const { authorized = false, target = 0n, accepted = 0 } = miner?.stats() ?? {};
        if (authorized && target > EASY) miner?.suggestTarget(EASY.toString(16));
        return accepted;
      };
      await expect.poll(accepted, { timeout: 20_000 }).toBeGreaterThan(2);
      await expect.poll(() => aws.sent.length, { timeout: 20_000 }).toBeGreaterThan(0);

      expect(await (await fetch(`${web}/metrics`)).text()).toMatch(/^prosper_shares_accepted_total [1-9]/m);
      await expect.poll(async () => (await fetch(`${web}/healthz`)).status, { timeout: 20_000 }).toBe(200);

      aws.setAway(true);
      const before = accepted();
      await expect.poll(accepted, { timeout: 20_000 }).toBeGreaterThan(before + 2);
      aws.setAway(false);
      const exit = new Promise((resolve) => edge.once("exit", resolve));
      edge.kill("SIGTERM");

      expect(await exit).toBe(0);
      const { users, problems } = await auditBooks(database.db);
      expect(problems).toEqual([]);
      expect(users.get("ann")?.accepted).toBeGreaterThanOrEqual(BigInt(accepted()));
      expect(
        await database.db.execute(sql`SELECT 1 FROM users WHERE name = 'ann' AND password IS NOT NULL`),
      ).toBe(1);
    },
  );

  it.each([1, 2])(
    "waits where the database refuses its password, and goes on by the one that the secret holds then: in %d processes",
    async (processes) => {
      const { db, url } = database;
      const user = `edge_${processes}_of_${new URL(url).pathname.slice(1)}`;
      const run = (statement: string): Promise<number> => db.execute({ text: statement, values: [] });
      await run(`CREATE ROLE ${user} LOGIN PASSWORD 'first' IN ROLE ${roleName("edge")}`);
      const { web } = await start(processes, withPassword(url.replace(/\/\/[^:]+/, `//${user}`), "first"));
      const status = async (path: string): Promise<number> => (await fetch(`${web}${path}`)).status;
      const jobs = async (): Promise<number> => Number(await text(db, sql`SELECT count(*) FROM jobs`));
      await expect.poll(() => status("/healthz"), { timeout: 20_000 }).toBe(200);

      // As the runbook rotates it: first the role's password, then the secret's.
      await run(`ALTER ROLE ${user} PASSWORD 'second'`);
      await run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`);
      await expect.poll(() => status("/healthz"), { timeout: 20_000 }).toBe(503);
      expect(await status("/livez")).toBe(200);
      const before = await jobs();
      aws.secrets.set(CONFIG.aws.databasesecret, JSON.stringify({ username: user, password: "second" }));

      await expect.poll(() => status("/healthz"), { timeout: 20_000 }).toBe(200);
      await expect.poll(jobs, { timeout: 20_000 }).toBeGreaterThan(before);
      expect(edge.exitCode).toBeNull();
    },
  );
});

describe("one edge of many on a database that lacks migrations", () => {
  it("says so and ends, and leaves the schema to the deployment", async () => {
    const database = await createTestDatabase({ migrated: false, driver: "pg" });
    const folder = mkdtempSync(join(tmpdir(), "prosper-fleet-"));
    const file = join(folder, "pool.toml");
    writeFileSync(file, stringify(CONFIG));
    const main = join(import.meta.dirname, "../../../infra/cli/main.ts");
    const env = {
      ...{ PATH: process.env["PATH"], HOME: folder, DATABASE_URL: database.url },
      PROSPER_QUEUE_URL: "http://elsewhere.invalid/q",
      PROSPER_AUTH_FUNCTION: "f",
    };
    const args = [main, "edge", "--data-dir", join(folder, "edge"), "--config", file];

    await expect(promisify(execFile)(process.execPath, args, { env })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /older than this version, it lacks \d+ migrations from 0001_pool\.sql on/,
      ),
    });
    expect(await text(database.db, sql`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`)).toBe(
      "0",
    );
    await database.drop();
    rmSync(folder, { recursive: true });
  });
});

describe("the functions of an edge", () => {
  const config = (aws: Record<string, string>) => {
    const overrides = Object.entries(aws).map(([key, value]) => ({
      section: "aws",
      key,
      value,
      from: "--test",
    }));
    return loadConfig("none.toml", { required: false, overrides });
  };

  it("run in its process where nothing else is said", () => {
    expect(functionsElsewhere(config({}))).toBeUndefined();
  });

  it("run elsewhere where both queue and function are named", () => {
    expect(functionsElsewhere(config({ queueurl: "https://q", authfunction: "f" }))).toEqual({
      queueUrl: "https://q",
      authFunction: "f",
    });
  });

  it.each([
    [{ queueurl: "https://q" }, "aws.authfunction (PROSPER_AUTH_FUNCTION) is not set"],
    [{ authfunction: "f" }, "aws.queueurl (PROSPER_QUEUE_URL) is not set"],
  ])("are not half elsewhere: %j", (aws, message) => {
    expect(() => functionsElsewhere(config(aws))).toThrow(message);
  });
});
