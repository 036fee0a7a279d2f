/** The whole pool on an emulator of AWS: PostgreSQL behind the Data API, Lambdas, SQS and schedules deployed by cdk, edges as processes. */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createInvite, ensureUser } from "../../../functions/auth/bootstrap.ts";
import { type Cloud, startCloud } from "../../../infra/emulator/cloud.ts";
import { type EdgeProcess, startEdgeProcess } from "../../../infra/emulator/edge-process.ts";
import { type Front, startFront } from "../../../infra/emulator/front.ts";
import { invoke } from "../../../infra/emulator/invoke.ts";
import { firstLine, jsonLine } from "../../../infra/emulator/process.ts";
import { freePort } from "../../../infra/free-port.ts";
import { type Audit, auditBooks } from "../../../shared/audit/audit.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { bigintText, type Db, one, sql } from "../../../shared/db/port.ts";
import { roleName } from "../../../shared/db/roles.ts";
import { rootStand } from "../../../shared/db/root-entries.ts";
import { lastSealedHeight, sealedSince } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import {
  type HttpCatcher,
  type MailCatcher,
  startHttpCatcher,
  startMailCatcher,
} from "../../support/alert-catchers.ts";
import { resourcesOf, synthesise } from "../../support/aws/stage-templates.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { LedgerMiner, openKernel } from "../../support/processes/ledger-miner.ts";
import { RawClient } from "../../support/raw-client.ts";
import { NEW_CERT, NEW_KEY, TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";
import { until } from "../../support/until.ts";
import { Deployments } from "./deployments.ts";
import { EmulatorClient } from "./emulator-client.ts";
import { askToBeTold, comeBackBy, silenceRigs, type ToldUser } from "./told-users.ts";
import { WebClient } from "./web-client.ts";

/** Outage, visibility, alarm, deadline and block times are those of stage prod divided by this: an hour is a minute. */
const FACTOR = 60;
const OUTAGE_MS = 3_600_000 / FACTOR;
const BLOCK_SECONDS = 600 / FACTOR;
const BITS = 16;
const MINERS = 20;
const BLOCKS = 5;
const ORIGIN_SECRET = "between-cloudfront-and-the-api";
const PASSWORD = "correct horse battery";
const CANARY = "canary";
/** Where edge 0 finds the certificate. */
const EDGE_SECRET = "prosper/local/edge";
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
let emulator: EmulatorClient;
let deployments: Deployments;
let hooks: HttpCatcher;
let mail: MailCatcher;
let tlsPort: number;
/** Of edge 0, which the pages and the canary know. */
let stratumPort: number;
let lastStepMs = performance.now();

/** What happened since the last one, on the run's output. */
function step(what: string): void {
  const nowMs = performance.now();
  process.stdout.write(`   ${((nowMs - lastStepMs) / 1000).toFixed(1).padStart(6)} s  ${what}\n`);
  lastStepMs = nowMs;
}

async function startEdge(index: number): Promise<EdgeProcess> {
  const edge = await startEdgeProcess({
    ...{ ...PATHS, cloud, port: index === 0 ? stratumPort : 0, blockSeconds: BLOCK_SECONDS, lxrBits: BITS },
    dataDir: join(dataDir, `edge-${index}`),
    onLine: (line) => edgeLog.push(`edge ${index}: ${line}`),
    ...(index === 0
      ? { tls: { port: tlsPort, cert: TEST_CERT, key: TEST_KEY, secret: EDGE_SECRET, every: "1s" } }
      : {}),
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

const dataApiAnswer = v.object({ message: v.optional(v.string()) });

/** What the Data API answers to who has this secret: where it refuses, why. */
async function askDataApi(secretArn: string, statement: string): Promise<string | undefined> {
  const reply = await fetch(`${cloud.dataApiUrl}/Execute`, {
    method: "POST",
    body: JSON.stringify({
      resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:prosper-local",
      secretArn,
      database: new URL(cloud.databaseUrl).pathname.slice(1),
      sql: statement,
    }),
  });
  return v.parse(dataApiAnswer, await reply.json()).message;
}

/** Miners of edge `from` go to edge `to` when they lose their connection, as a balancer would send them. */
function sendMiners(from: number, to: number): void {
  for (const [i, miner] of miners.entries()) if (i % 2 === from) miner.address = edges[to]?.stratum ?? "";
}

/** Resolves when every miner has one more acknowledged share. */
async function untilAllMine(): Promise<void> {
  const before = miners.map((miner) => miner.acknowledged);
  const mined = (): boolean => miners.every((miner, i) => miner.acknowledged > (before[i] ?? 0));
  await until("a share of every miner", mined, { withinMs: 90_000 });
}

/** Messages of the queue, those that are hidden too. */
async function messagesIn(QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Object.values(Attributes).reduce((sum, text) => sum + Number(text), 0);
}

/** Sends what can never be applied. Resolves when it is among the dead letters, with the time that took. */
async function poison(name: string): Promise<number> {
  const { QueueUrl, DeadLettersUrl } = cloud.outputs;
  const body = JSON.stringify({ v: 1, kind: "delta", poison: name });
  const sentMs = performance.now();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  const receive = {
    QueueUrl: DeadLettersUrl,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 1,
    VisibilityTimeout: 0,
  };
  await until(
    `the poison ${name} among the dead letters`,
    async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(receive));
      return Messages.some((message) => message.Body === body);
    },
    { withinMs: 90_000, everyMs: 200 },
  );
  return performance.now() - sentMs;
}

/** A connection to the port with TLS. */
function dialTls(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port: tlsPort, rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => resolve(socket));
  });
}

async function certificateShown(): Promise<string> {
  const socket = await dialTls();
  const shown = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return shown;
}

const secretText = (cert: string, key: string): string => JSON.stringify({ tlsCert: cert, tlsKey: key });

beforeAll(async () => {
  [hooks, mail] = await Promise.all([startHttpCatcher(), startMailCatcher()]);
  stratumPort = await freePort();
  cloud = await startCloud(
    {
      ...PATHS,
      dataDir,
      installDir: join(homedir(), ".prosper"),
      pipEnv: {},
      blockSeconds: BLOCK_SECONDS,
      lxrBits: BITS,
      stratumPort,
      originSecret: ORIGIN_SECRET,
      smtp: mail.url,
      canaryUser: CANARY,
      unsafeFast: true,
    },
    { clock: systemClock, random: systemRandom, logger: SILENT, onStep: step },
  );
  step("deployed");
  db = openPg({ url: cloud.databaseUrl });
  emulator = new EmulatorClient(cloud.emulator.endpoint);
  deployments = new Deployments(join(dataDir, "deployment/cdk.out"), emulator);
  tlsPort = await freePort();
  await emulator.json("secretsmanager.CreateSecret", {
    ...{ Name: EDGE_SECRET, SecretString: secretText(TEST_CERT, TEST_KEY) },
    ClientRequestToken: "00000000-0000-0000-0000-000000000001",
  });
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
  await Promise.all([hooks?.stop(), mail?.stop()]);
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

  it("can be taken back after a migration: with all files, without the last one, with it again", async () => {
    const versions = async (): Promise<number> =>
      (
        await one(
          db,
          sql`SELECT max(version)::int AS version FROM migrations`,
          v.object({ version: v.number() }),
        )
      ).version;
    const newest = await versions();
    const last = (folder: string): string => join(folder, readdirSync(folder).sort().at(-1) ?? "");

    expect(await deployments.deploy(() => undefined)).toBe("UPDATE_COMPLETE");
    expect(await deployments.deploy((folder) => rmSync(last(folder)))).toBe("UPDATE_COMPLETE");
    expect(await deployments.deploy(() => undefined)).toBe("UPDATE_COMPLETE");
    // What is not the same release is refused, and CloudFormation goes back by itself.
    expect(await deployments.deploy((folder) => writeFileSync(last(folder), "SELECT 1"))).toBe(
      "UPDATE_ROLLBACK_COMPLETE",
    );
    expect(await versions()).toBe(newest);
    step(
      "all migrations, without the last, with it again: three deployments; one with another file is taken back",
    );
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

  it("is measured from outside by the canary's function, which the status tells everybody", async () => {
    const status = v.object({
      canary: v.object({
        failedAt: v.nullable(v.string()),
        last: v.object({ connect: v.nullable(v.number()), job: v.nullable(v.number()) }),
      }),
    });
    const look = async () => {
      await invoke(cloud.emulator.endpoint, "prosper-local-canary", {});
      // The answer may be kept for five seconds.
      await pause(5_100);
      return v.parse(status, JSON.parse((await web.send("GET", "/api/status")).body)).canary;
    };
    await ensureUser(db, CANARY, PAYOUT_ADDRESS);
    const took = expect.any(Number);
    // By its schedule it may have tried before, and an edge remembers for a minute that there is no such name.
    await expect
      .poll(look, { timeout: 80_000 })
      .toMatchObject({ failedAt: null, last: { connect: took, job: took } });
    step("the canary got through");
  });

  it("shows the page that gave a miner's line what becomes of it, within five seconds a step", async () => {
    const answer = v.object({
      watched: v.boolean(),
      seen: v.nullable(
        v.looseObject({ by: v.string(), problem: v.nullable(v.object({ words: v.string() })) }),
      ),
    });
    const code = "ABCDEFGHIJKLMNOP";
    const told = async () =>
      v.parse(answer, JSON.parse((await web.send("GET", `/api/connect/${code}?seconds=0`)).body));
    /** As the page asks. */
    const within5s = async (
      what: string,
      fits: (seen: Record<string, unknown>) => boolean,
    ): Promise<number> => {
      const beganMs = performance.now();
      await until(
        what,
        async () => {
          const { seen } = await told();
          return seen !== null && fits(seen);
        },
        { withinMs: 30_000, everyMs: 2_000 },
      );
      return Math.round(performance.now() - beganMs);
    };
    expect(await told()).toEqual({ watched: true, seen: null });
    // On the edge that the page does not name, as a balancer may have it.
    const miner = await RawClient.connect(Number(edges[1]?.stratum.split(":")[1]));
    const say = (id: number, method: string, ...params: string[]): void =>
      miner.send(`${JSON.stringify({ id, method, params })}\n`);
    say(1, "mining.subscribe", `prosper-ts/0.1 connect/${code}`);
    const times = [await within5s("subscribed", ({ subscribed }) => subscribed !== null)];
    say(2, "mining.authorize", "nobody-known,rig", "", "", "");
    times.push(await within5s("a refused login", ({ problem }) => problem !== null));
    say(3, "mining.authorize", "web-user,rig", "", "", "");
    times.push(await within5s("logged in", ({ loggedIn }) => loggedIn !== null));
    miner.destroy();
    times.push(await within5s("gone", ({ closed }) => closed === true));
    for (const ms of times) expect(ms).toBeLessThan(5_000);
    step(`a page saw a new miner's steps after ${times.join(", ")} ms`);
  });

  it("sets a poison message aside and holds nothing else up", async () => {
    const sentMs = Date.now();
    await poison("first");
    // The poison is put aside at once: what comes beside and after it is looked at for as long as it takes to be something.
    const others = sql`SELECT count(*)::int AS applied, coalesce(max(extract(epoch FROM applied_at) * 1000 - (body::jsonb ->> 'toMs')::float8), 0)::float8 AS longest
      FROM deltas WHERE applied_at > to_timestamp(${sentMs}::float8 / 1000)`;
    const row = v.object({ applied: v.number(), longest: v.number() });
    await until("other summaries", async () => (await one(db, others, row)).applied > 5, {
      withinMs: 60_000,
    });
    const { applied, longest } = await one(db, others, row);
    // Behind a poison that is only given up they would wait for five tries of three seconds.
    expect(longest).toBeLessThan(10_000);
    step(
      `the poison is a dead letter; meanwhile ${applied} summaries were applied, the slowest after ${Math.round(longest)} ms`,
    );
  });

  it("shows new connections a renewed certificate, and keeps those that are open", async () => {
    expect(await certificateShown()).toBe(TEST_CERT);
    const open = new RawClient(await dialTls());
    open.send('{"id":1,"method":"mining.subscribe","params":["test/1"]}\n');
    await open.fence();
    await emulator.json("secretsmanager.PutSecretValue", {
      ...{ SecretId: EDGE_SECRET, SecretString: secretText(NEW_CERT, NEW_KEY) },
      ClientRequestToken: "00000000-0000-0000-0000-000000000002",
    });
    await until("the renewed certificate", async () => (await certificateShown()) === NEW_CERT, {
      everyMs: 200,
    });
    open.take();
    await open.fence();
    open.send('{"id":2,"method":"mining.subscribe","params":["test/1"]}\n');
    await open.fence();
    expect(open.closed).toBe(false);
    expect(open.take().join("")).toContain('"id":2');
    open.destroy();
    step("the secret had another certificate: new connections are shown it, the open one goes on");
  });

  it("loses nothing where an edge is killed with -9 and started again", async () => {
    const victim = edges[1];
    expect(victim).toBeDefined();
    victim?.program.child.kill("SIGKILL");
    await victim?.program.ended;
    await startEdge(1);
    sendMiners(1, 1);
    await untilAllMine();
    step("edge 1 was killed with -9, is back, and all its miners mine again");
  });

  it("hands over everything where an edge is drained, while its miners go to another", async () => {
    const { height } = await one(
      db,
      sql`SELECT max(height)::int AS height FROM jobs`,
      v.object({ height: v.number() }),
    );
    const drained = edges[1];
    sendMiners(1, 0);
    const stopping = drained?.program.stop(60_000);
    // A balancer goes on sending some: each is taken and closed, and none refused.
    const late = await RawClient.connect(Number(drained?.stratum.split(":")[1]));
    await late.until(() => late.closed);
    await stopping;
    expect([drained?.program.child.exitCode, drained?.program.child.signalCode]).toEqual([0, null]);
    await untilAllMine();
    // No block waits for an edge that has said its last word.
    const later = sql`SELECT count(*)::int AS sealed, count(*) FILTER (WHERE forced)::int AS forced
      FROM jobs WHERE state = 'sealed' AND height >= ${height}::int`;
    const row = v.object({ sealed: v.number(), forced: v.number() });
    await until("the seal of the drained edge's block", async () => (await one(db, later, row)).sealed > 0, {
      withinMs: 90_000,
      everyMs: 200,
    });
    expect((await one(db, later, row)).forced).toBe(0);
    await startEdge(1);
    sendMiners(1, 1);
    step("edge 1 was drained, its last block is sealed without waiting for the deadline, and it is back");
  });

  it(`has prod's own times divided by ${FACTOR}, and prod's are what they are said to be`, async () => {
    const timesOf = (resources: (type: string) => Record<string, unknown>[]) => {
      const named = (type: string, key: string, end: RegExp) =>
        resources(type).find((properties) => end.test(String(properties[key])));
      const queue = v.parse(
        v.object({ VisibilityTimeout: v.number() }),
        named("AWS::SQS::Queue", "QueueName", /-summaries$/),
      );
      const alarm = v.parse(
        v.object({ Threshold: v.number() }),
        named("AWS::CloudWatch::Alarm", "AlarmName", /-summaries-oldest-message$/),
      );
      const seconds = v.pipe(v.string(), v.transform(Number));
      const variables = v.object({ BLOCK_SECONDS: seconds, SEAL_DEADLINE_SECONDS: seconds });
      const janitor = v.parse(
        v.object({ Environment: v.object({ Variables: variables }) }),
        named("AWS::Lambda::Function", "FunctionName", /-janitor$/),
      );
      const { BLOCK_SECONDS: block, SEAL_DEADLINE_SECONDS: deadline } = janitor.Environment.Variables;
      return { visibility: queue.VisibilityTimeout, alarm: alarm.Threshold, block, deadline };
    };
    const { control } = synthesise("prod");
    const real = timesOf((type) => resourcesOf(control, type).map(([, { Properties }]) => Properties));
    const here = timesOf((wanted) =>
      Object.values(deployments.template().Resources).flatMap(({ Type, Properties }) =>
        Type === wanted ? [Properties] : [],
      ),
    );
    expect(real).toEqual({ visibility: 180, alarm: 360, block: 600, deadline: 1800 });
    expect(here).toEqual(
      Object.fromEntries(Object.entries(real).map(([name, time]) => [name, time / FACTOR])),
    );
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: cloud.outputs.QueueUrl,
        AttributeNames: ["VisibilityTimeout"],
      }),
    );
    expect(Attributes).toEqual({ VisibilityTimeout: `${here.visibility}` });
  });

  it("keeps every summary in the queue for an hour's outage of the database, and sets poison aside at once", async () => {
    const { QueueUrl, DeadLettersUrl } = cloud.outputs;
    const deadBefore = await messagesIn(DeadLettersUrl);
    const running = edges.map((edge) => edge?.program.child.pid);
    await cloud.postgres.stop();
    const endMs = performance.now() + OUTAGE_MS;
    await until("a summary that waits", async () => (await messagesIn(QueueUrl)) > 1);
    const poisonMs = await poison("in the outage");
    expect(poisonMs).toBeLessThan(OUTAGE_MS / 2);
    let least = Number.POSITIVE_INFINITY;
    while (performance.now() < endMs) {
      least = Math.min(least, await messagesIn(QueueUrl));
      await pause(500);
    }
    const waiting = await messagesIn(QueueUrl);
    expect(least).toBeGreaterThan(0);
    expect(await messagesIn(DeadLettersUrl)).toBe(deadBefore + 1);
    await cloud.postgres.startAgain();
    await untilAllMine();
    const applied = async (): Promise<number> =>
      (await one(db, sql`SELECT count(*)::int AS n FROM deltas`, v.object({ n: v.number() }))).n;
    const before = await applied();
    await until("an empty queue", async () => (await messagesIn(QueueUrl)) === 0, {
      withinMs: 60_000,
      everyMs: 200,
    });
    expect(await messagesIn(DeadLettersUrl)).toBe(deadBefore + 1);
    // Nothing was restarted for it.
    expect(edges.map((edge) => edge?.program.child.pid)).toEqual(running);
    expect(edges.map((edge) => edge?.program.child.exitCode)).toEqual([null, null]);
    step(
      `the database was away for ${OUTAGE_MS / 1000} s: ${waiting} summaries waited, the poison was set aside after ${Math.round(poisonMs)} ms, ${(await applied()) - before} more applied since`,
    );
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

  it("gives each function a secret of the database by which all but its own work is refused", async () => {
    const arnOf = async (name: string): Promise<string> =>
      v.parse(
        v.object({ DATABASE_SECRET_ARN: v.string() }),
        await emulator.variablesOf(`prosper-local-${name}`),
      ).DATABASE_SECRET_ARN;
    const edge = (await arnOf("poll")).replace(/poll$/, "edge");

    expect(await askDataApi(await arnOf("poll"), "SELECT count(*) FROM prices")).toBeUndefined();
    expect(await askDataApi(edge, "SELECT count(*) FROM jobs")).toBeUndefined();
    const password = "SELECT password FROM users";
    const triggers = "ALTER TABLE jobs DISABLE TRIGGER ALL";
    const sealed = "UPDATE jobs SET paid = paid + 1, fee = fee - 1 WHERE state = 'sealed'";
    const paid = "UPDATE payouts SET amount = amount + 1";
    const admin = "INSERT INTO users (name, is_admin) VALUES ('eve', true)";
    for (const [role, statements] of Object.entries({
      poll: [
        password,
        triggers,
        sealed,
        paid,
        admin,
        "INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('eve', 1, 'gift', 'eve')",
      ],
      // These two seal: triggers refuse what is sealed.
      accounting: [password, triggers, paid, admin, "DELETE FROM deltas"],
      janitor: [password, triggers, paid, admin, "UPDATE blocks SET reward = reward + 1"],
      api: [triggers, sealed, paid, admin, "UPDATE users SET is_admin = true", "DELETE FROM money_log"],
      auth: [triggers, sealed, paid, admin, "DELETE FROM admin_log"],
      alerts: [password, triggers, sealed, paid, admin, "UPDATE alert_destinations SET target = 'x'"],
      canary: [password, triggers, sealed, paid, admin, "UPDATE canary SET failed_at = NULL"],
      edge: [password, triggers, sealed, paid, admin, "UPDATE work SET work = work + 1"],
    })) {
      const arn = role === "edge" ? edge : await arnOf(role);
      for (const statement of statements)
        expect(await askDataApi(arn, statement), `${role}: ${statement}`).toMatch(/SQLState: 42501$/);
    }
    for (const role of ["accounting", "janitor"])
      expect(await askDataApi(await arnOf(role), sealed), role).toMatch(/SQLState: BK\d{3}$/);
    step("each function's secret was refused what is not its work");
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

  it("tells a user by webhook and e-mail that a rig has stopped, and mails a code for a new password", async () => {
    const { endpoint } = cloud.emulator;
    const told: ToldUser = { web, user: "web-user", db, endpoint, hooks, mail };
    await askToBeTold(told);
    step("an address of e-mail was confirmed by the code that the scheduled function mailed");
    await silenceRigs(told);
    step("a rig that stopped was told of by webhook and e-mail");
    await comeBackBy("another battery staple", told);
    step("a new password was set by a code that came by e-mail");
  });

  it("has its roots on the chain, signed by the janitor and sent by an edge, as anybody finds by prosper verify", async () => {
    // The newest block that the user worked in, and all before it.
    const { job } = await one(
      db,
      sql`SELECT max(w.job)::int AS job FROM work w JOIN jobs j ON j.height = w.job AND j.state = 'sealed' WHERE w.user_name = 'web-user'`,
      v.object({ job: v.number() }),
    );
    const stand = await until(
      "the roots of all that is sealed",
      async () => {
        const found = await rootStand(db);
        return found !== undefined && (found.lastHeight ?? 0) >= job && found;
      },
      { withinMs: 150_000, everyMs: 1_000 },
    );
    expect(stand.wrong).toEqual([]);
    const proof = join(dataDir, "proof.json");
    writeFileSync(proof, (await web.send("GET", `/api/me/blocks/${job}/proof`)).body);
    const { factomd } = cloud.devnet;
    const verify = (...args: string[]): Promise<unknown> =>
      prosper("prosper", "verify", proof, "--factomd", factomd, ...args, "--json");
    const said = v.parse(
      v.object({ ok: v.literal(true), checks: v.array(v.object({ text: v.string() })) }),
      await verify("--pool", front.url),
    );
    expect(said.checks.map(({ text }) => text).join("\n")).toMatch(/chain/);
    step(
      `the roots up to block ${stand.lastHeight} are on the chain for ${stand.credits} entry credits; prosper verify: ${said.checks.length} checks`,
    );
  });

  it("changes the origin's secret and the receipts' by the documented commands, while all who were let in stay so", async () => {
    const statusBy = async (secret: string): Promise<number> => {
      const before = await startFront({
        ...{ host: "127.0.0.1", port: 0, secret },
        ...{ endpoint: cloud.emulator.endpoint, functionUrl: cloud.outputs.FunctionUrl },
      });
      const { status } = await new WebClient(before.url).send("GET", "/api/openapi.json");
      await before.stop();
      return status;
    };
    const height = await lastSealedHeight(db);
    const shown = v.object({ receiptKey: v.string(), formerReceiptKeys: v.array(v.string()) });
    const keys = async () =>
      v.parse(shown, JSON.parse((await web.send("GET", `/api/blocks/${height}`)).body));
    const old = await keys();
    expect(old.formerReceiptKeys).toEqual([]);

    await emulator.json("secretsmanager.PutSecretValue", {
      SecretId: "prosper/local/origin",
      SecretString: "another-secret",
    });
    await until("the new secret", async () => (await statusBy("another-secret")) === 200, { everyMs: 500 });
    expect([await statusBy(ORIGIN_SECRET), await statusBy("a guess")]).toEqual([200, 403]);

    await emulator.json("secretsmanager.PutSecretValue", {
      SecretId: "prosper/local/receipts",
      SecretString: `another seed\n${cloud.keys.fs}`,
    });
    const changed = await until("the new key", async () => {
      const now = await keys();
      return now.receiptKey !== old.receiptKey && now;
    });
    expect(changed.formerReceiptKeys).toEqual([old.receiptKey]);
    step("the origin's secret and the receipts' key were changed");
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
  it("is restored into a new database, which is compared and then takes the old one's name", async () => {
    for (const edge of edges) await edge?.program.stop(60_000);
    const owed = async (): Promise<string> =>
      v.parse(v.object({ owed: v.string() }), JSON.parse((await web.send("GET", "/api/me")).body)).owed;
    const before = await owed();
    const [name, restored] = ["prosper", "prosper_restored"];
    const backup = join(dataDir, "backup");
    const { sha256 } = v.parse(
      v.object({ sha256: v.string() }),
      await prosper(name, "backup", backup, "--json"),
    );
    await administer(`CREATE DATABASE ${restored}`);
    await prosper(restored, "restore", backup, "--yes", "--sha256", sha256, "--json");
    await prosper(restored, "db", "migrate", "--roles", "--json");

    // The whole replay with no more rights than an edge has, as its task runs it on AWS.
    const replay = ["audit", "--replay", "--json"];
    const [old, now] = [await prosper(name, ...replay), await prosper(restored, ...replay)].map((said) =>
      v.parse(v.object({ replay: v.object({ differences: v.literal(0), booksSha256: v.string() }) }), said),
    );
    expect(now).toEqual(old);
    await db.close();
    await rename(name, "prosper_old");
    await rename(restored, name);
    db = openPg({ url: cloud.databaseUrl });
    expect(await owed()).toBe(before);
    const miner = miners[0];
    if (miner === undefined) throw new Error("there is no miner");
    const edge = await startEdge(0);
    const again = new LedgerMiner(miner.user, edge.stratum, await openKernel(BITS));
    miners.push(again);
    await again.start();
    await until("a share on the restored books", () => again.acknowledged > 0, { withinMs: 60_000 });
    await again.stop();
    const latest = sql`SELECT count(*)::int AS n FROM deltas WHERE applied_at > clock_timestamp() - interval '1 minute'`;
    const row = v.object({ n: v.number() });
    await until("a summary in the restored books", async () => (await one(db, latest, row)).n > 0, {
      withinMs: 60_000,
      everyMs: 200,
    });
    expect((await auditBooks(db)).problems).toEqual([]);
    step("a backup was restored beside the pool, compared row by row, given its name, and mined on");
  });
});

/** What a command of ours prints as JSON, with a database of the cluster; the rights of an edge where that is enough. */
async function prosper(database: string, ...args: string[]): Promise<unknown> {
  const url = new URL(cloud.databaseUrl);
  url.pathname = `/${database}`;
  if (args[0] === "audit") url.searchParams.set("options", `-c role=${roleName("edge")}`);
  const { program, value } = await firstLine(
    {
      name: `prosper ${args[0]}`,
      command: process.execPath,
      args: [join(import.meta.dirname, "../../../infra/cli/main.ts"), ...args],
      env: {
        ...{ PATH: PATHS.path, HOME: PATHS.home, DATABASE_URL: url.href },
        PROSPER_DATA_DIR: join(dataDir, "operator"),
      },
    },
    jsonLine(v.looseObject({})),
    60_000,
  );
  expect(await program.ended, program.tail()).toBe(0);
  return value;
}

async function administer(statement: string): Promise<void> {
  const url = new URL(cloud.databaseUrl);
  url.pathname = "/postgres";
  const admin = openPg({ url: url.href });
  await admin.execute({ text: statement, values: [] }).finally(() => admin.close());
}

/** A database that somebody uses has no other name: functions come again each minute. */
function rename(database: string, to: string): Promise<unknown> {
  const sessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;
  return until(`database ${database} to be renamed`, async () => {
    await administer(sessions);
    return administer(`ALTER DATABASE ${database} RENAME TO ${to}`).then(
      () => true,
      () => false,
    );
  });
}

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
