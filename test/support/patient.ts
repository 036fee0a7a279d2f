/** A pool in order, of which each part can be broken: what the doctor's tests look at, by the command and on the page. */

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Examined } from "../../functions/api/doctor.ts";
import { loadConfig } from "../../infra/config/load.ts";
import { examine } from "../../infra/doctor/doctor.ts";
import type { Patient } from "../../infra/doctor/finding.ts";
import { creditAddress } from "../../infra/pool/key-addresses.ts";
import { systemClock } from "../../shared/clock.ts";
import { latestBlock } from "../../shared/db/blocks.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { type Db, type Sql, sql } from "../../shared/db/port.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { assetsOf } from "../../shared/opr/assets.ts";
import type { EnabledSource, SourceOrder } from "../../shared/prices/order.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { standInNode } from "./payout/stand-in-node.ts";
import { seedPool } from "./seed-pool.ts";

const BLOCK_SECONDS = 600;
const ES = encodeAddress("Es", new Uint8Array(32).fill(2));

export class TestPatient {
  readonly database: TestDatabase;
  /** The same database, of which the server's settings look safe: the tests' own server is fast, and unsafe on purpose. */
  readonly safe: Db;
  readonly dataDir: string;
  /** For stratum and the web. */
  readonly freePorts: readonly number[];
  /** What a test has to take back, run by `close`. */
  readonly undo: (() => unknown)[] = [];
  readonly #home: string;

  static async open(): Promise<TestPatient> {
    const database = await createTestDatabase({ driver: "pg" });
    await seedPool(database.db, {
      ...{ nowMs: Date.now(), blocks: 3, blockSeconds: BLOCK_SECONDS, firstHeight: 210_000 },
      workers: { "ann/rig": 5_000_000 },
      rivalHashrate: 10,
    });
    const servers = [await listeningOn(), await listeningOn()];
    const ports = servers.map(portOf);
    for (const server of servers) await closed(server);
    return new TestPatient(database, await safeLooking(database), ports);
  }

  private constructor(database: TestDatabase, safe: Db, freePorts: readonly number[]) {
    this.database = database;
    this.safe = safe;
    this.freePorts = freePorts;
    this.#home = mkdtempSync(join(tmpdir(), "prosper-doctor-"));
    this.dataDir = this.folder("pool");
  }

  /** A new one, removed in the end. */
  folder(name: string): string {
    return mkdtempSync(join(this.#home, `${name}-`));
  }

  /** Somebody who answers there until the end. */
  async listening(port: number): Promise<void> {
    const server = await listeningOn(port);
    this.undo.push(() => closed(server));
  }

  /** A statement that the books' triggers would refuse. */
  async forced(statement: Sql): Promise<void> {
    await this.database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(statement);
    });
  }

  /** A node that is at the books' block, as the books have it. */
  async node(change: Partial<Factomd> = {}, behind = 0): Promise<Factomd> {
    const top = await latestBlock(this.database.db);
    const height = (top?.height ?? 0) - behind;
    const timestampMinutes = Math.floor(Date.now() / 60_000) - 5;
    return {
      ...standInNode().factomd,
      heights: async () => ({ directoryBlock: height, leader: height + 1, entry: height }),
      dblockByHeight: async (at) => {
        const keyMr = at === top?.height ? top.keyMr : `block ${at}`;
        return {
          ...{ networkId: "", prevKeyMr: "", prevFullHash: "" },
          keyMr,
          height: at,
          timestampMinutes,
          entryBlocks: [],
        };
      },
      entryCreditBalance: async () => 1_000_000,
      ...change,
    };
  }

  config(text = ""): Patient["config"] {
    const file = join(this.folder("config"), "pool.toml");
    const [stratum, web] = this.freePorts;
    writeFileSync(
      file,
      `[pool]\noprcoinbase = "${encodeAddress("FA", new Uint8Array(32).fill(1))}"\nesaddress = "${ES}"
[pegnet]\nlxrbits = 16\nactivation = 0\n[stratum]\nhost = "127.0.0.1"\nstratumport = ${stratum}
[web]\nhost = "127.0.0.1"\nport = ${web}\n[database]\nurl = "${this.database.url}"\n${text}`,
    );
    return loadConfig(file, { required: true, overrides: [] });
  }

  /** Everything in order but for the change. */
  async patient(change: Partial<Patient> = {}): Promise<Patient> {
    const nodes = [
      { url: "http://one", factomd: await this.node() },
      { url: "http://two", factomd: await this.node() },
    ];
    return {
      ...{ config: this.config(), dataDir: this.dataDir, isDevnet: false, db: this.safe, nodes },
      ...{ sources: sources(1, 1, 1), creditAddress: creditAddress(ES), clock: systemClock },
      ask: async ({ source }) => {
        const heard = source.parse("", systemClock.wallMs());
        return "quotes" in heard
          ? { quotes: heard.quotes, failures: [] }
          : { quotes: [], failures: [heard.failure] };
      },
      ...change,
    };
  }

  /** What the doctor finds. */
  async look(change: Partial<Patient> = {}): Promise<readonly Examined[]> {
    return examine(await this.patient(change), () => undefined);
  }

  /** What is red, each by its check, words and cure. */
  async reds(change: Partial<Patient> = {}): Promise<string[]> {
    return (await this.look(change))
      .filter(({ level }) => level === "red")
      .map(({ check, said, mend }) => `${check}: ${said} → ${mend}`);
  }

  async close(): Promise<void> {
    for (const undo of this.undo) await undo();
    await this.safe.close();
    await this.database.drop();
    rmSync(this.#home, { recursive: true });
  }
}

/** One source for each factor: it answers every asset's price times that, or refuses where it is undefined. */
export function sources(...factors: (number | undefined)[]): () => SourceOrder {
  const enabled = factors.map((factor, i) => source(`S${i + 1}`, factor, i));
  return () => ({ enabled, byAsset: new Map() });
}

function source(name: string, factor: number | undefined, priority: number): EnabledSource {
  return {
    priority,
    config: { baseUrl: "" },
    source: {
      ...{ name, website: "test", needsKey: false, assets: assetsOf(5), origin: name, minPeriodMs: 0 },
      buildRequests: () => [],
      parse: (_body, nowMs) =>
        factor === undefined
          ? { failure: "HTTP 401: the key is unknown" }
          : {
              quotes: assetsOf(5).map((asset) => ({
                ...{ asset, source: name, price: 2 * factor, currency: "USD" as const, quotedAtMs: nowMs },
              })),
            },
    },
  };
}

async function safeLooking({ db, url }: TestDatabase): Promise<Db> {
  const settings =
    "SELECT name, CASE WHEN setting = 'off' THEN 'on' ELSE setting END AS setting FROM pg_catalog.pg_settings";
  await db.execute({ text: `CREATE VIEW public.pg_settings AS ${settings}`, values: [] });
  const name = url.replace(/.*\//, "");
  await db.execute({ text: `ALTER DATABASE ${name} SET search_path = public, pg_catalog`, values: [] });
  return openPg({ url });
}

async function listeningOn(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function closed(server: Server): Promise<unknown> {
  return new Promise((done) => server.close(done));
}
