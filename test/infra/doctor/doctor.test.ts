/** Each check of `prosper doctor`, broken: named with what mends it. On a pool in order nothing is red. */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { doctorCommand } from "../../../infra/cli/books/doctor.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { CHECKS, type Examined, examine } from "../../../infra/doctor/doctor.ts";
import type { Patient } from "../../../infra/doctor/finding.ts";
import { creditAddress } from "../../../infra/pool/key-addresses.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { latestBlock } from "../../../shared/db/blocks.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { tablePath } from "../../../shared/hash/table-file.ts";
import { assetsOf } from "../../../shared/opr/assets.ts";
import type { EnabledSource, SourceOrder } from "../../../shared/prices/order.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { standInNode } from "../../support/payout/stand-in-node.ts";
import { seedPool } from "../../support/seed-pool.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

const BLOCK_SECONDS = 600;
const ES = encodeAddress("Es", new Uint8Array(32).fill(2));
const home = mkdtempSync(join(tmpdir(), "prosper-doctor-"));
afterAll(() => rmSync(home, { recursive: true }));

let database: TestDatabase;
/** The same database, of which the server's settings look safe: the tests' own server is fast, and unsafe on purpose. */
let safe: Db;
let dataDir: string;
let freePorts: number[];
let undo: (() => unknown)[];
beforeEach(async () => {
  undo = [];
  database = await createTestDatabase({ driver: "pg" });
  safe = await safeLooking(database);
  dataDir = mkdtempSync(join(home, "pool-"));
  freePorts = [await portOf(await listening()), await portOf(await listening())];
  for (const close of undo.splice(0)) await close();
  await seedPool(database.db, {
    ...{ nowMs: Date.now(), blocks: 3, blockSeconds: BLOCK_SECONDS, firstHeight: 210_000 },
    workers: { "ann/rig": 5_000_000 },
    rivalHashrate: 10,
  });
});
afterEach(async () => {
  for (const close of undo) await close();
  await safe.close();
  await database.drop();
});

async function safeLooking({ db, url }: TestDatabase): Promise<Db> {
  const settings =
    "SELECT name, CASE WHEN setting = 'off' THEN 'on' ELSE setting END AS setting FROM pg_catalog.pg_settings";
  await db.execute({ text: `CREATE VIEW public.pg_settings AS ${settings}`, values: [] });
  const name = url.replace(/.*\//, "");
  await db.execute({ text: `ALTER DATABASE ${name} SET search_path = public, pg_catalog`, values: [] });
  return openPg({ url });
}

async function listening(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(port, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => new Promise((done) => server.close(done)));
  return server;
}

async function portOf(server: Server): Promise<number> {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A statement that the books' triggers would refuse. */
async function forced(statement: Sql): Promise<void> {
  await database.db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(statement);
  });
}

/** A node that is at the books' block, as the books have it. */
async function node(change: Partial<Factomd> = {}, behind = 0): Promise<Factomd> {
  const top = await latestBlock(database.db);
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

/** A source that answers every asset's price times `factor`, or nothing. */
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

function sources(...factors: (number | undefined)[]): () => SourceOrder {
  const enabled = factors.map((factor, i) => source(`S${i + 1}`, factor, i));
  return () => ({ enabled, byAsset: new Map() });
}

function config(text = ""): Patient["config"] {
  const file = join(mkdtempSync(join(home, "config-")), "pool.toml");
  const [stratum, web] = freePorts;
  writeFileSync(
    file,
    `[pool]\noprcoinbase = "${encodeAddress("FA", new Uint8Array(32).fill(1))}"\nesaddress = "${ES}"
[pegnet]\nlxrbits = 16\nactivation = 0\n[stratum]\nhost = "127.0.0.1"\nstratumport = ${stratum}
[web]\nhost = "127.0.0.1"\nport = ${web}\n[database]\nurl = "${database.url}"\n${text}`,
  );
  return loadConfig(file, { required: true, overrides: [] });
}

async function patient(change: Partial<Patient> = {}): Promise<Patient> {
  const nodes = [
    { url: "http://one", factomd: await node() },
    { url: "http://two", factomd: await node() },
  ];
  return {
    ...{ config: config(), dataDir, isDevnet: false, db: safe, nodes },
    ...{ sources: sources(1, 1, 1), creditAddress: creditAddress(ES) },
    ...{ fetch, clock: systemClock, random: systemRandom },
    ...change,
  };
}

async function look(change: Partial<Patient> = {}): Promise<readonly Examined[]> {
  return examine(await patient(change), () => undefined);
}

/** What is red, each by its check, words and cure. */
async function reds(change: Partial<Patient> = {}): Promise<string[]> {
  return (await look(change))
    .filter(({ level }) => level === "red")
    .map(({ check, said, mend }) => `${check}: ${said} → ${mend}`);
}

describe("a pool in order", () => {
  it("has nothing red, and every check says something", async () => {
    const found = await look();

    expect(found.filter(({ level }) => level === "red" || level === "warn")).toEqual([]);
    expect(new Set(found.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
  });

  it("ends with 0, and with 1 where anything is red", async () => {
    const lines: string[] = [];
    const events: unknown[] = [];
    const print = (line: string, facts?: object): void => {
      lines.push(line);
      events.push(facts);
    };

    expect(await doctorCommand(await patient(), { print })).toBe(0);
    expect(lines.at(-1)).toMatch(/^\d+ in order, 0 to look at, 0 red$/);
    expect(await doctorCommand(await patient({ nodes: [], sources: sources(undefined) }), { print })).toBe(1);
    expect(lines.join("\n")).toMatch(/^RED {2}prices +S1 does not answer: .*\n +→ Is its key right/m);
    expect(events.at(-1)).toMatchObject({ event: "examined", red: 1 });
  });
});

describe("broken, it is named with its cure:", () => {
  it("configuration", async () => {
    const broken = config();
    const pool = { ...broken.pool, esaddress: "" };

    expect(await reds({ config: { ...broken, pool } })).toEqual([
      expect.stringMatching(/^configuration: pool\.esaddress: expected .*→ .*`prosper config FILE`/),
    ]);
  });

  it("ports: another program has one, or nobody answers at one", async () => {
    await listening(freePorts[0]);
    expect(await reds()).toEqual([
      `ports: the pool does not run, and another program has its stratum port ${freePorts[0]} → Stop that program, or set stratum.stratumport to another port`,
    ]);

    const lock = lockFolder(join(dataDir, "edge"));
    undo.push(() => lock.release());
    expect(await reds()).toEqual([
      expect.stringMatching(/^ports: the pool runs, but nobody answers at its web port \d+ → .*web\.port$/),
    ]);
  });

  it("database: away, without its migrations, with unsafe settings, with a statement that hangs", async () => {
    const away = await reds({ db: undefined, dbProblem: "database: connect ECONNREFUSED" });
    expect(away).toEqual([expect.stringMatching(/^database: .*ECONNREFUSED → Start the database server/)]);

    const fresh = await createTestDatabase({ migrated: false, driver: "pg" });
    const [missing] = await reds({ db: fresh.db, nodes: [] });
    await fresh.drop();
    expect(missing).toMatch(
      /^database: \d+ migrations are missing, from 0001_pool\.sql on → npx prosper db migrate$/,
    );

    const client = new pg.Client({ connectionString: database.url });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("BEGIN; SELECT pg_sleep(0)");
    const hanging = client.query("SELECT pg_sleep(30)").catch(() => undefined);
    await new Promise((done) => setTimeout(done, 5_500));
    const found = await reds({ db: database.db });
    await client.end().catch(() => undefined);
    await database.db.execute({
      text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
      values: [],
    });
    await hanging;
    expect(found).toEqual([
      ...["fsync", "full_page_writes", "synchronous_commit"].map(
        (name) =>
          `database: ${name} is off: a crash of the machine loses what is booked → ALTER SYSTEM SET ${name} = on; then SELECT pg_reload_conf();`,
      ),
      expect.stringMatching(
        /^database: a statement is active for \d+ s: SELECT pg_sleep\(30\) → .*SELECT pg_terminate_backend\(\d+\); ends it$/,
      ),
    ]);
  });

  it("database: a backup that is old", async () => {
    await logAdminAction(database.db, { actor: "test", action: "backup", subject: "/backup" });
    expect((await look()).find(({ said }) => said.startsWith("the last backup"))).toMatchObject({
      level: "ok",
    });

    await forced(sql`UPDATE admin_log SET at = now() - interval '20 days' WHERE action = 'backup'`);
    expect(await reds()).toEqual([
      "database: the last backup is 20 days old → npx prosper backup FOLDER, each night (cron, a systemd timer)",
    ]);
  });

  it("factomd: away, behind, on another chain, only one, not followed", async () => {
    const good = { url: "http://one", factomd: await node() };
    const away = await node({ heights: () => Promise.reject(new Error("connect ECONNREFUSED")) });
    expect(await reds({ nodes: [good, { url: "http://two", factomd: away }] })).toEqual([
      "factomd: http://two does not answer: connect ECONNREFUSED → Start it, or correct factom.factomdlocation (--fhost)",
    ]);
    expect(await reds({ nodes: [good, { url: "http://two", factomd: await node({}, 7) }] })).toEqual([
      expect.stringMatching(/^factomd: http:\/\/two is at block \d+, 7 behind → Let it catch up/),
    ]);
    const dblockByHeight: Factomd["dblockByHeight"] = async (height) => {
      const block = await good.factomd.dblockByHeight(height);
      return block && { ...block, keyMr: "f".repeat(64) };
    };
    const other = await node({ dblockByHeight });
    expect(await reds({ nodes: [good, { url: "http://two", factomd: other }] })).toEqual([
      expect.stringMatching(
        /^factomd: at block \d+ the books has \w+…, http:\/\/two has f+… → .*different networks/,
      ),
    ]);
    const ahead = [{ url: "http://one", factomd: await node({}, -9) }];
    expect(await reds({ nodes: ahead })).toEqual([
      expect.stringMatching(
        /^factomd: the books are at block \d+, 9 behind the node \(about 90 min\) → Does the pool run/,
      ),
    ]);
    expect((await look({ nodes: [good] })).filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({ check: "factomd", said: expect.stringContaining("one node only") }),
    ]);
  });

  it("table: of the wrong size for the network, or damaged", async () => {
    const real = config("");
    const pegnet = { ...real.pegnet, activation: -1 };
    expect(await reds({ config: { ...real, pegnet } })).toEqual([
      "table: pegnet.lxrbits is 16, but the real network hashes with 30 → Set pegnet.lxrbits to 30",
    ]);

    const path = tablePath(dataDir, 30);
    writeFileSync(path, "");
    truncateSync(path, 77);
    const app = { ...real.app, tabledir: dataDir };
    expect(await reds({ config: { ...real, app, pegnet: { ...pegnet, lxrbits: 30 } } })).toEqual([
      `table: ${path} has 77 bytes instead of 1073741824 → rm ${path}; the next start makes it anew`,
    ]);
  });

  it("clocks: off beside the database and the node", async () => {
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() - 3_600_000 };

    expect((await reds({ clock })).filter((line) => line.startsWith("clocks"))).toEqual([
      expect.stringMatching(
        /^clocks: the database's clock is 60 min ahead of this machine's → Set both clocks by NTP/,
      ),
      expect.stringMatching(
        /^clocks: the newest block of http:\/\/one began \d+ min in this machine's future → Set both/,
      ),
    ]);
  });

  it("prices: a source that does not answer, one that is far off, prices that are old", async () => {
    expect(await reds({ sources: sources(1, 1, undefined, 1.5, 1) })).toEqual([
      "prices: S3 does not answer: HTTP 401: the key is unknown → Is its key right, and the way to it open? Else turn it off in [oracledatasources] (-1)",
      expect.stringMatching(
        /^prices: S4 is far from the other sources: PEG 3, USD 3, EUR 3, JPY 3, GBP 3 and \d+ more → The pool does not use such quotes/,
      ),
    ]);

    await forced(sql`UPDATE prices SET at = now() - interval '2 hours'`);
    expect(await reds()).toEqual([
      expect.stringMatching(
        /^prices: the newest prices are 2 h old: no job can be made with them → Does the pool run/,
      ),
    ]);
  });

  it("credits: enough for a day only", async () => {
    const factomd = await node({ entryCreditBalance: async () => 20 });

    expect(await reds({ nodes: [{ url: "http://one", factomd }] })).toEqual([
      expect.stringMatching(
        /^credits: 20 entry credits on EC\w+: 1\.7 days at 12 a day → Buy entry credits for EC/,
      ),
    ]);
  });

  it("certificate: nearly over, and no certificate at all", async () => {
    const [cert, key] = [join(dataDir, "cert.pem"), join(dataDir, "key.pem")];
    writeFileSync(cert, TEST_CERT);
    writeFileSync(key, TEST_KEY);
    const own = config();
    const stratum = { ...own.stratum, tlscert: cert, tlskey: key, tlsport: 0 };
    const found = await look({ config: { ...own, stratum } });
    expect(found.find(({ check }) => check === "certificate")).toMatchObject({ level: "ok" });

    const days = Date.parse("2126-10-29T15:52:09Z") - 5 * 86_400_000;
    const clock = { ...systemClock, wallMs: () => days };
    expect(
      (await reds({ config: { ...own, stratum }, clock })).filter((line) => line.startsWith("cert")),
    ).toEqual([
      `certificate: the certificate of CN=pool.test ends in 5 days → Renew ${cert} (certbot renew); the pool reads it again by itself`,
    ]);

    writeFileSync(cert, "nonsense");
    expect(await reds({ config: { ...own, stratum } })).toEqual([
      expect.stringMatching(
        /^certificate: .* is no certificate: .*→ Correct stratum\.tlscert and stratum\.tlskey/,
      ),
    ]);
  });

  it("disk: full within days by what the database grows", async () => {
    const own = config();
    const embedded = { ...own, database: { ...own.database, url: "", host: "" } };
    await forced(sql`UPDATE jobs SET created_at = created_at - interval '3 days'`);
    const [said] = (await look({ config: embedded })).filter(({ check }) => check === "disk");
    expect(said?.said).toMatch(/are free, the database grows by [\d.]+ \w+ a day, [\d.]+ \w+ a year/);

    const folder = join(home, "small");
    mkdirSync(folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    undo.push(() => execFileSync("umount", [folder]));
    expect(
      (await reds({ config: embedded, dataDir: folder })).filter((line) => line.startsWith("disk")),
    ).toEqual([
      expect.stringMatching(/^disk: 2\.\d MB of 2\.\d MB are free.*: full in .* → Make room on the disk of/),
    ]);
  });

  it("journal: nearly as large as it may be", async () => {
    const folder = join(dataDir, "edge", "journal");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "000001.seg"), "");
    truncateSync(join(folder, "000001.seg"), 3.5e9);

    expect(await reds()).toEqual([
      expect.stringMatching(
        /^journal: 3\.5 GB in 1 files, the oldest .* old → The books take nothing from this edge/,
      ),
    ]);
  });

  it("dead letters", async () => {
    mkdirSync(join(dataDir, "edge"), { recursive: true });
    writeFileSync(join(dataDir, "edge", "dead-letters.jsonl"), '{"a":1}\n{"b":2}\n');

    expect(await reds()).toEqual([
      expect.stringMatching(
        /^dead letters: 2 messages with miners' work are not in the books, in .* → .*"Dead letters"$/,
      ),
    ]);
  });

  it("edges: none is left", async () => {
    await database.db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at)
      VALUES (0, 'the-edge', 1, now() - interval '2 hours')`);
    await database.db.execute(sql`INSERT INTO leases (name, holder, epoch, expires_at)
      VALUES ('chain', 'the-edge', 1, now() + interval '1 minute')`);

    expect(await reds()).toEqual([
      "edges: edge 0 (the-edge) ran out 2 h ago, and no edge is left → Start the pool: npx prosper edge",
    ]);
  });

  it("late work: a block without its seal, and work that waits for an open block", async () => {
    await forced(sql`UPDATE jobs SET created_at = created_at - interval '1 day'`);
    await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT height + 1, version, 'later', opr, prices, threshold, fee_rate, split, credit, now() - interval '3 hours' FROM jobs ORDER BY jobs.height DESC LIMIT 1`);
    await forced(
      sql`UPDATE deltas SET into_job = NULL WHERE seq = 0 AND job = (SELECT max(job) FROM deltas)`,
    );

    expect(await reds()).toEqual([
      expect.stringMatching(/^late work: 2 blocks wait for their seal, the first for 3 h → Does the pool/),
      "late work: 1 messages with late work wait for an open block → They are booked into the next job: see why none is made (`prices`, `factomd`)",
    ]);
  });

  it("owed: for a long time", async () => {
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + 50 * 86_400_000 };
    await forced(sql`DELETE FROM payments`);

    const found = await reds({ clock, nodes: [], sources: sources(1) });

    expect(found.filter((line) => line.startsWith("owed"))).toEqual([
      expect.stringMatching(
        /^owed: [\d.]+ PEG are owed to 1 users, the oldest for 50 days → Pay: npx prosper payout prepare/,
      ),
    ]);
  });

  it("records: none was sent for a while", async () => {
    await forced(sql`UPDATE submissions SET state = 'abandoned'`);

    expect(await reds()).toEqual([
      expect.stringMatching(/^records: this pool has sent no record yet → Do miners mine/),
    ]);
  });

  it("a check that breaks itself hides no other", async () => {
    const nodes = [
      {
        url: "http://one",
        factomd: await node({ entryCreditBalance: () => Promise.reject(new Error("no such method")) }),
      },
    ];

    const found = await look({ nodes });

    expect(found.filter(({ level }) => level === "red")).toEqual([
      expect.objectContaining({ check: "credits", said: "could not be looked at: no such method" }),
    ]);
    expect(new Set(found.map(({ check }) => check)).size).toBe(CHECKS.length);
  });
});
