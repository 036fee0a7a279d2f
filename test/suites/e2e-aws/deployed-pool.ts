/** The whole pool on an emulator of AWS: PostgreSQL behind the Data API, Lambdas, SQS and schedules deployed by cdk, edges as processes. */

import { homedir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { type Cloud, startCloud } from "../../../infra/emulator/cloud.ts";
import { type EdgeProcess, startEdgeProcess } from "../../../infra/emulator/edge-process.ts";
import { type Front, startFront } from "../../../infra/emulator/front.ts";
import { freePort } from "../../../infra/free-port.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import {
  type HttpCatcher,
  type MailCatcher,
  startHttpCatcher,
  startMailCatcher,
} from "../../support/alert-catchers.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import type { LedgerMiner } from "../../support/processes/ledger-miner.ts";
import { RawClient } from "../../support/raw-client.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";
import { Deployments } from "./deployments.ts";
import { EmulatorClient } from "./emulator-client.ts";
import { SummaryQueue } from "./summary-queue.ts";
import { WebClient } from "./web-client.ts";

/** Outage, visibility, alarm, deadline and block times are those of stage prod divided by this: an hour is a minute. */
export const FACTOR = 60;
export const LXR_BITS = 16;
export const ORIGIN_SECRET = "between-cloudfront-and-the-api";
/** Account that the canary logs in as. */
export const CANARY = "canary";
/** Where edge 0 finds the certificate. */
export const EDGE_SECRET = "prosper/local/edge";
export const PATHS = { path: process.env["PATH"] ?? "", home: homedir() };
const BLOCK_SECONDS = 600 / FACTOR;

export const secretText = (cert: string, key: string): string =>
  JSON.stringify({ tlsCert: cert, tlsKey: key });

/** Everything that begins is there from the first step on. */
export class DeployedPool {
  readonly dataDir = temporaryFolder();
  /** Those that run, by number. */
  readonly edges = new Map<number, EdgeProcess>();
  readonly miners: LedgerMiner[] = [];
  cloud!: Cloud;
  /** As its owner. */
  db!: Db;
  emulator!: EmulatorClient;
  deployments!: Deployments;
  queue!: SummaryQueue;
  /** The browser of the user that registers on the page. */
  web!: WebClient;
  front!: Front;
  hooks!: HttpCatcher;
  mail!: MailCatcher;
  /** Both are of edge 0. The pages and the canary know the first. */
  stratumPort!: number;
  tlsPort!: number;
  #lastStepMs = performance.now();

  /** Deploys, and starts the edges 0 and 1. */
  async begin(): Promise<void> {
    [this.hooks, this.mail] = await Promise.all([startHttpCatcher(), startMailCatcher()]);
    this.stratumPort = await freePort();
    this.cloud = await startCloud(
      {
        ...PATHS,
        dataDir: this.dataDir,
        installDir: join(homedir(), ".prosper"),
        pipEnv: {},
        blockSeconds: BLOCK_SECONDS,
        lxrBits: LXR_BITS,
        stratumPort: this.stratumPort,
        originSecret: ORIGIN_SECRET,
        smtp: this.mail.url,
        canaryUser: CANARY,
        unsafeFast: true,
      },
      { clock: systemClock, random: systemRandom, logger: SILENT, onStep: (what) => this.step(what) },
    );
    this.step("deployed");
    this.db = openPg({ url: this.cloud.databaseUrl });
    this.emulator = new EmulatorClient(this.cloud.emulator.endpoint);
    this.deployments = new Deployments(join(this.dataDir, "deployment/cdk.out"), this.emulator);
    this.queue = new SummaryQueue(this.cloud);
    this.tlsPort = await freePort();
    await this.emulator.json("secretsmanager.CreateSecret", {
      ...{ Name: EDGE_SECRET, SecretString: secretText(TEST_CERT, TEST_KEY) },
      ClientRequestToken: "00000000-0000-0000-0000-000000000001",
    });
    this.front = await this.startFront(ORIGIN_SECRET);
    this.web = new WebClient(this.front.url);
    await Promise.all([this.startEdge(0), this.startEdge(1)]);
    this.step("two edges take miners");
  }

  /** Each may be missing where the one before it did not start. */
  async end(): Promise<void> {
    for (const miner of this.miners) void miner.stop();
    await Promise.all([...this.edges.values()].map(({ program }) => program.stop()));
    await this.front?.stop();
    await this.db?.close();
    await this.cloud?.stop();
    await Promise.all([this.hooks?.stop(), this.mail?.stop()]);
  }

  /** What happened since the last one, on the run's output. */
  step(what: string): void {
    const nowMs = performance.now();
    process.stdout.write(`   ${((nowMs - this.#lastStepMs) / 1000).toFixed(1).padStart(6)} s  ${what}\n`);
    this.#lastStepMs = nowMs;
  }

  async startEdge(index: number): Promise<EdgeProcess> {
    const { cloud, stratumPort, tlsPort } = this;
    const edge = await startEdgeProcess({
      ...{ ...PATHS, cloud, port: index === 0 ? stratumPort : 0 },
      ...{ blockSeconds: BLOCK_SECONDS, lxrBits: LXR_BITS },
      dataDir: join(this.dataDir, `edge-${index}`),
      ...(index === 0
        ? { tls: { port: tlsPort, cert: TEST_CERT, key: TEST_KEY, secret: EDGE_SECRET, every: "1s" } }
        : {}),
    });
    this.edges.set(index, edge);
    return edge;
  }

  edge(index: number): EdgeProcess {
    const edge = this.edges.get(index);
    if (edge === undefined) throw new Error(`edge ${index} was never started`);
    return edge;
  }

  /** A connection to the stratum port of an edge. */
  connectTo(index: number): Promise<RawClient> {
    return RawClient.connect(Number(this.edge(index).stratum.split(":")[1]));
  }

  /** In front of the api function, as CloudFront is, with this secret for it. */
  startFront(secret: string): Promise<Front> {
    return startFront({
      ...{ host: "127.0.0.1", port: 0, secret },
      endpoint: this.cloud.emulator.endpoint,
      functionUrl: this.cloud.outputs.FunctionUrl,
    });
  }

  async newestJob(): Promise<number> {
    const query = sql`SELECT max(height)::int AS height FROM jobs`;
    return (await one(this.db, query, v.object({ height: v.number() }))).height;
  }
}
