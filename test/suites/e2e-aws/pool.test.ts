/** The whole pool on an emulator of AWS: PostgreSQL behind the Data API, Lambdas, SQS and schedules deployed by cdk, edges as processes. */

import { homedir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createInvite } from "../../../functions/auth/bootstrap.ts";
import { type Cloud, startCloud } from "../../../infra/emulator/cloud.ts";
import { type EdgeProcess, startEdgeProcess } from "../../../infra/emulator/edge-process.ts";
import { type Front, startFront } from "../../../infra/emulator/front.ts";
import { type Audit, auditBooks } from "../../../shared/audit/audit.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { bigintText, type Db, one, sql } from "../../../shared/db/port.ts";
import { lastSealedHeight, sealedSince } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { LedgerMiner, openKernel } from "../../support/processes/ledger-miner.ts";
import { until } from "../../support/until.ts";
import { WebClient } from "./web-client.ts";

const BLOCK_SECONDS = 10;
const BITS = 16;
const MINERS = 20;
const BLOCKS = 5;
const ORIGIN_SECRET = "between-cloudfront-and-the-api";
const PASSWORD = "correct horse battery";
const PATHS = { path: process.env["PATH"] ?? "", home: homedir() };

const dataDir = temporaryFolder();
const edges: (EdgeProcess | undefined)[] = [];
const miners: LedgerMiner[] = [];
const edgeLog: string[] = [];
let cloud: Cloud;
let db: Db;
let sqs: SQSClient;
let front: Front;
let web: WebClient;
let lastStepMs = performance.now();

/** What happened since the last one, on the run's output. */
function step(what: string): void {
  const nowMs = performance.now();
  process.stdout.write(`   ${((nowMs - lastStepMs) / 1000).toFixed(1).padStart(6)} s  ${what}\n`);
  lastStepMs = nowMs;
}

async function startEdge(index: number): Promise<EdgeProcess> {
  const edge = await startEdgeProcess({
    ...{ ...PATHS, cloud, port: 0, blockSeconds: BLOCK_SECONDS, lxrBits: BITS },
    dataDir: join(dataDir, `edge-${index}`),
    onLine: (line) => edgeLog.push(`edge ${index}: ${line}`),
  });
  edges[index] = edge;
  return edge;
}

/** The environment as seen by AWS clients in this process. */
function sqsClient(): SQSClient {
  return new SQSClient({
    region: "us-east-1",
    endpoint: cloud.emulator.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    useQueueUrlAsEndpoint: false,
  });
}

/** What the Data API answers to a role's secret; `message` where it refuses. */
async function askDataApi(role: string, statement: string): Promise<{ message?: string | undefined }> {
  const reply = await fetch(`${cloud.dataApiUrl}/Execute`, {
    method: "POST",
    body: JSON.stringify({
      resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:prosper-local",
      secretArn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:prosper-local-${role}`,
      database: new URL(cloud.databaseUrl).pathname.slice(1),
      sql: statement,
    }),
  });
  return v.parse(v.object({ message: v.optional(v.string()) }), await reply.json());
}

beforeAll(async () => {
  cloud = await startCloud(
    {
      ...PATHS,
      dataDir,
      installDir: join(homedir(), ".prosper"),
      pipEnv: {},
      blockSeconds: BLOCK_SECONDS,
      lxrBits: BITS,
      stratumPort: 3333,
      originSecret: ORIGIN_SECRET,
      unsafeFast: true,
    },
    { clock: systemClock, random: systemRandom, logger: SILENT, onStep: step },
  );
  step("deployed");
  db = openPg({ url: cloud.databaseUrl });
  sqs = sqsClient();
  front = await startFront({
    ...{ host: "127.0.0.1", port: 0, secret: ORIGIN_SECRET },
    endpoint: cloud.emulator.endpoint,
    functionUrl: cloud.outputs.FunctionUrl,
  });
  web = new WebClient(front.url);
  await Promise.all([startEdge(0), startEdge(1)]);
  step("two edges take miners");
});

afterAll(async () => {
  for (const miner of miners) void miner.stop();
  await Promise.all(edges.map((edge) => edge?.program.stop()));
  await front?.stop();
  await db?.close();
  await cloud?.stop();
});

describe("a pool deployed on an emulator", () => {
  it("has its schema from the deployment itself", async () => {
    const row = await one(
      db,
      sql`SELECT count(*)::int AS migrations FROM migrations`,
      v.object({ migrations: v.number() }),
    );
    expect(row.migrations).toBeGreaterThan(2);
  });

  it("gives each function a role of the database: what is not its work is refused", async () => {
    const refused = (role: string, statement: string): Promise<unknown> =>
      askDataApi(role, statement).then(({ message }) => message);

    expect(await refused("poll", "SELECT count(*) FROM prices")).toBeUndefined();
    for (const [role, statement] of [
      ["poll", "SELECT password FROM users"],
      ["accounting", "SELECT password FROM users"],
      ["accounting", "ALTER TABLE jobs DISABLE TRIGGER ALL"],
      ["api", "UPDATE payouts SET amount = amount + 1"],
      ["auth", "INSERT INTO users (name, is_admin) VALUES ('eve', true)"],
      ["edge", "UPDATE work SET work = work + 1"],
    ] as const)
      expect(await refused(role, statement), `${role}: ${statement}`).toMatch(/SQLState: 42501$/);
  });

  it("registers a user over the api function", async () => {
    const invite = await createInvite({ db, random: systemRandom });
    const body = { name: "web-user", password: PASSWORD, invite, address: PAYOUT_ADDRESS };
    expect(await web.send("POST", "/api/register", body)).toMatchObject({ status: 200 });
    const again = await web.send("POST", "/api/register", { ...body, name: "web-user-2" });
    expect(again.status).toBe(422);
    step("a user registered by the api function");
  });

  it("registers miners over stratum by the auth function, and refuses a wrong password", async () => {
    const kernel = await openKernel(BITS);
    for (let i = 0; i < MINERS; i++) {
      const address = edges[i % 2]?.stratum ?? "";
      // The first mines for the user of the web, without a password.
      const registration = {
        password: PASSWORD,
        invite: await createInvite({ db, random: systemRandom }),
        address: PAYOUT_ADDRESS,
      };
      miners.push(
        i === 0
          ? new LedgerMiner("web-user", address, kernel)
          : new LedgerMiner(`miner-${i}`, address, kernel, registration),
      );
    }
    const stranger = new LedgerMiner("web-user", edges[1]?.stratum ?? "", kernel, {
      password: "wrong",
      invite: "",
      address: "",
    });
    await expect(stranger.start()).rejects.toThrow("cannot log in");
    for (const miner of miners) await miner.start();
    expect(miners.every((miner) => miner.registered)).toBe(true);
    step(`${MINERS} miners logged in, ${MINERS - 1} of them registered by the auth function`);
  });

  it("has prices by the scheduled function, and so a job", async () => {
    const rows = () => one(db, sql`SELECT count(*)::int AS n FROM prices`, v.object({ n: v.number() }));
    await until("a price row", async () => (await rows()).n > 0, { withinMs: 120_000, everyMs: 100 });
    step("prices by the scheduled function");
    await until("shares of every miner", () => miners.every((miner) => miner.acknowledged > 0), {
      withinMs: 60_000,
    });
    step("every miner has an acknowledged share");
  });

  it("sets a poison message aside and holds nothing else up", async () => {
    const { QueueUrl, DeadLettersUrl } = cloud.outputs;
    const body = JSON.stringify({ v: 1, kind: "delta", poison: true });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    const sentMs = Date.now();
    const dead = await until(
      "the poison among the dead letters",
      async () => {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: DeadLettersUrl, WaitTimeSeconds: 1, VisibilityTimeout: 0 }),
        );
        return Messages.find((message) => message.Body === body);
      },
      { withinMs: 90_000, everyMs: 200 },
    );
    expect(dead.Body).toBe(body);
    // The poison is put aside at once: what comes beside and after it is looked at for as long as it takes to be something.
    const others = sql`SELECT count(*)::int AS applied, coalesce(max(extract(epoch FROM applied_at) * 1000 - (body::jsonb ->> 'toMs')::float8), 0)::float8 AS longest
      FROM deltas WHERE applied_at > to_timestamp(${sentMs}::float8 / 1000)`;
    const row = v.object({ applied: v.number(), longest: v.number() });
    await until("other summaries", async () => (await one(db, others, row)).applied > 5, {
      withinMs: 60_000,
    });
    const { applied, longest } = await one(db, others, row);
    expect(longest).toBeLessThan(5_000);
    step(
      `the poison is a dead letter; meanwhile ${applied} summaries were applied, the slowest after ${Math.round(longest)} ms`,
    );
  });

  it("loses nothing where an edge is killed with -9 and started again", async () => {
    const victim = edges[1];
    expect(victim).toBeDefined();
    victim?.program.child.kill("SIGKILL");
    await victim?.program.ended;
    const edge = await startEdge(1);
    for (const [i, miner] of miners.entries()) if (i % 2 === 1) miner.address = edge.stratum;
    const before = miners.map((miner) => miner.acknowledged);
    await until(
      "shares of every miner after the kill",
      () => miners.every((miner, i) => miner.acknowledged > (before[i] ?? 0)),
      { withinMs: 60_000 },
    );
    step("edge 1 was killed with -9, is back, and all its miners mine again");
  });

  it(`seals ${BLOCKS} blocks that paid miners`, async () => {
    const paying = async (): Promise<number> =>
      (await sealedSince(db, -1)).filter(({ shares, reward }) => shares > 0n && reward > 0n).length;
    await until("blocks", async () => (await paying()) >= BLOCKS, { withinMs: 170_000, everyMs: 500 });
    step(`${BLOCKS} blocks with shares and rewards are sealed`);
  });

  it("credits every acknowledged share once, and gives out every reward to the last unit", async () => {
    await Promise.all(miners.map((miner) => miner.stop()));
    const { height } = await one(
      db,
      sql`SELECT max(height)::int AS height FROM jobs`,
      v.object({ height: v.number() }),
    );
    await until("the last mined block's seal", async () => (await lastSealedHeight(db)) >= height, {
      withinMs: 120_000,
      everyMs: 200,
    });
    const audit = await auditBooks(db);
    expect(audit.problems).toEqual([]);
    expect(audit.fee + audit.paid + audit.carried).toBe(audit.reward);
    for (const sealed of await sealedSince(db, -1))
      expect(sealed.fee + sealed.paid + sealed.carried).toBe(sealed.reward + sealed.carriedIn);
    let total = 0;
    for (const miner of miners) {
      expect(miner.open, miner.user).toBe(0);
      const accepted = Number(audit.users.get(miner.user)?.accepted ?? 0n);
      expect(accepted, miner.user).toBeGreaterThanOrEqual(miner.acknowledged);
      expect(accepted, miner.user).toBeLessThanOrEqual(miner.acknowledged + miner.unknown);
      total += miner.acknowledged;
    }
    expect(total).toBeGreaterThan(100);
    await expectStoredOnce(audit);
    const unknown = miners.reduce((sum, miner) => sum + miner.unknown, 0);
    step(
      `${total} acknowledged shares are credited once each (${unknown} more were never answered); ${audit.blocks} blocks, ${audit.problems.length} problems`,
    );
  });

  it("shows a user its money by the api function", async () => {
    const login = await web.send("POST", "/api/session", { name: "web-user", password: PASSWORD });
    expect(login.status).toBe(200);
    const me = await web.send("GET", "/api/me");
    expect(me.status).toBe(200);
    const { owed } = v.parse(v.object({ owed: v.string() }), JSON.parse(me.body));
    const audit = await auditBooks(db);
    expect(BigInt(owed)).toBe(audit.users.get("web-user")?.owed);
    expect(BigInt(owed)).toBeGreaterThan(0n);
    const page = await web.send("GET", "/");
    expect(page.status).toBe(200);
    // Around the one that stands before it, nobody gets in.
    const around = await startFront({
      ...{ host: "127.0.0.1", port: 0, secret: "a guess" },
      endpoint: cloud.emulator.endpoint,
      functionUrl: cloud.outputs.FunctionUrl,
    });
    expect(await new WebClient(around.url).send("GET", "/api/pool")).toMatchObject({ status: 403 });
    await around.stop();
    step(`web-user is owed ${owed} (1e-8 PEG), says the api function`);
  });

  it("brings a summary from its cut to its row in a second or two", async () => {
    const { p50, p99, messages } = await one(
      db,
      sql`SELECT count(*)::int AS messages, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::float8 AS p99
        FROM (SELECT extract(epoch FROM applied_at) * 1000 - (body::jsonb ->> 'toMs')::float8 AS ms FROM deltas) AS latencies`,
      v.object({ messages: v.number(), p50: v.number(), p99: v.number() }),
    );
    process.stdout.write(
      `   SQS to row: p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms (${messages} summaries)\n`,
    );
    expect(messages).toBeGreaterThan(20);
    expect(p50).toBeLessThan(5_000);
  });
});

/** The stored bodies, each under a key of its own, add up to what the users are credited. */
async function expectStoredOnce(audit: Audit): Promise<void> {
  const { shares } = await one(
    db,
    sql`SELECT coalesce(sum((row ->> 'shares')::numeric), 0)::text AS shares FROM deltas, jsonb_array_elements(body::jsonb -> 'rows') AS row`,
    v.object({ shares: bigintText }),
  );
  let credited = 0n;
  for (const user of audit.users.values()) credited += user.accepted;
  expect(shares).toBe(credited);
}
