/** Each check of `prosper doctor`, broken: named with what mends it. On a pool in order nothing is red. */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import type { Examination, Examined } from "../../../functions/api/doctor.ts";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { doctorCommand } from "../../../infra/cli/books/doctor.ts";
import { createCockpit } from "../../../infra/doctor/cockpit.ts";
import { CHECKS, examine } from "../../../infra/doctor/doctor.ts";
import type { Check, Patient } from "../../../infra/doctor/finding.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { markDelivered, markFailed } from "../../../shared/db/alerts.ts";
import { noteProbe, PROBE_STEPS } from "../../../shared/db/canary.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { noteHeartbeat } from "../../../shared/db/heartbeat.ts";
import { endNotice, giveNotice } from "../../../shared/db/notices.ts";
import { sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { tablePath } from "../../../shared/hash/table-file.ts";
import { SILENT } from "../../../shared/logger.ts";
import { destinationOf } from "../../support/alerts.ts";
import { createTestDatabase } from "../../support/database.ts";
import { sources, TestPatient } from "../../support/patient.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

async function look(change: Partial<Patient> = {}): Promise<readonly Examined[]> {
  return examine(await pool.patient(change), () => undefined);
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

    expect(await doctorCommand(await pool.patient(), { print })).toBe(0);
    expect(lines.at(-1)).toMatch(/^\d+ in order, 0 to look at, 0 red$/);
    expect(
      await doctorCommand(await pool.patient({ nodes: [], sources: sources(undefined) }), { print }),
    ).toBe(1);
    expect(lines.join("\n")).toMatch(/^RED {2}prices +S1 does not answer: .*\n +→ Is its key right/m);
    expect(events.at(-1)).toMatchObject({ event: "examined", red: 1 });
  });
});

describe("broken, it is named with its cure:", () => {
  it("configuration", async () => {
    const broken = pool.config();
    const keyless = { ...broken, pool: { ...broken.pool, esaddress: "" } };

    expect(await reds({ config: keyless })).toEqual([
      expect.stringMatching(/^configuration: pool\.esaddress: expected .*→ .*`prosper config FILE`/),
    ]);
  });

  it("ports: another program has one, or nobody answers at one", async () => {
    await pool.listening(pool.freePorts[0] ?? 0);
    expect(await reds()).toEqual([
      `ports: the pool does not run, and another program has its stratum port ${pool.freePorts[0]} → Stop that program, or set stratum.stratumport to another port`,
    ]);

    const lock = lockFolder(join(pool.dataDir, "edge"));
    pool.undo.push(() => lock.release());
    expect(await reds()).toEqual([
      expect.stringMatching(/^ports: the pool runs, but nobody answers at its web port \d+ → .*web\.port$/),
    ]);
  });

  it("database: away, without its migrations, with unsafe settings, with a statement that hangs", async () => {
    const away = await reds({ db: undefined, dbProblem: "database: connect ECONNREFUSED" });
    expect(away).toEqual([expect.stringMatching(/^database: .*ECONNREFUSED → Start the database server/)]);

    const fresh = await createTestDatabase({ migrated: false, driver: "pg" });
    const unmigrated = (await reds({ db: fresh.db })).filter((line) => /database|relation/.test(line));
    await fresh.drop();
    // Said once, not by each check that finds no table.
    expect(unmigrated).toEqual([
      expect.stringMatching(
        /^database: \d+ migrations missing, from 0001_pool\.sql on → npx prosper db migrate$/,
      ),
    ]);

    const client = new pg.Client({ connectionString: pool.database.url });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("BEGIN; SELECT pg_sleep(0)");
    const hanging = client.query("SELECT pg_sleep(30)").catch(() => undefined);
    await new Promise((done) => setTimeout(done, 5_500));
    const found = await reds({ db: pool.database.db });
    await client.end().catch(() => undefined);
    await pool.database.db.execute({
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
    await logAdminAction(pool.database.db, { actor: "test", action: "backup", subject: "/backup" });
    expect((await look()).find(({ said }) => said.startsWith("the last backup"))).toMatchObject({
      level: "ok",
    });

    await pool.forced(sql`UPDATE admin_log SET at = now() - interval '20 days' WHERE action = 'backup'`);
    expect(await reds()).toEqual([
      "database: the last backup is 20 days old → npx prosper backup FOLDER, each night (cron, a systemd timer)",
    ]);
  });

  it("factomd: away, behind, on another chain, only one, not followed", async () => {
    const good = { url: "http://one", factomd: await pool.node() };
    const away = await pool.node({ heights: () => Promise.reject(new Error("connect ECONNREFUSED")) });
    expect(await reds({ nodes: [good, { url: "http://two", factomd: away }] })).toEqual([
      "factomd: http://two does not answer: connect ECONNREFUSED → Start it, or correct factom.factomdlocation (--fhost)",
    ]);
    expect(await reds({ nodes: [good, { url: "http://two", factomd: await pool.node({}, 7) }] })).toEqual([
      expect.stringMatching(/^factomd: http:\/\/two is at block \d+, 7 behind → Let it catch up/),
    ]);
    const dblockByHeight: Factomd["dblockByHeight"] = async (height) => {
      const block = await good.factomd.dblockByHeight(height);
      return block && { ...block, keyMr: "f".repeat(64) };
    };
    const other = await pool.node({ dblockByHeight });
    expect(await reds({ nodes: [good, { url: "http://two", factomd: other }] })).toEqual([
      expect.stringMatching(
        /^factomd: at block \d+ the books has \w+…, http:\/\/two has f+… → .*different networks/,
      ),
    ]);
    const ahead = [{ url: "http://one", factomd: await pool.node({}, -9) }];
    expect(await reds({ nodes: ahead })).toEqual([
      expect.stringMatching(
        /^factomd: the books are at block \d+, 9 behind the node \(about 90 min\) → Does the pool run/,
      ),
    ]);
    expect((await look({ nodes: [good] })).filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({ check: "factomd", said: expect.stringContaining("one node only") }),
    ]);
  });

  it("roots: off, none yet, behind, and another one on the chain than in the books", async () => {
    const said = async (config: Patient["config"]): Promise<string[]> =>
      (await look({ config }))
        .filter(({ check }) => check === "roots")
        .map(({ level, said }) => `${level}: ${said}`);
    expect(await said(pool.config())).toEqual([
      "skipped: roots are not written to a chain: roots.publish is devnet",
    ]);
    const on = pool.config('[roots]\npublish = "on"');
    expect(await said(on)).toEqual(["warn: no root was written to the chain yet"]);

    const { db } = pool.database;
    const chainId = "c".repeat(64);
    await db.execute(
      sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES (${chainId}, 'key', 210004)`,
    );
    await pool.forced(sql`UPDATE jobs SET sealed_at = now() - interval '2 hours' WHERE state = 'sealed'`);
    expect(await said(on)).toEqual(["warn: 3 sealed blocks have no root on the chain, the oldest for 2 h"]);
    await db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT height, height::text, height + 1, 0, root, reward, carried_in, fee, paid, carried, '' FROM jobs WHERE state = 'sealed'`);
    expect(await said(on)).toEqual([
      `ok: up to block 210002 on chain ${chainId}, 0 entry credits in the last day`,
    ]);

    await pool.forced(sql`UPDATE jobs SET fee = fee + 1, paid = paid - 1 WHERE height = 210001`);
    expect((await reds()).filter((line) => line.startsWith("roots"))).toEqual([
      expect.stringMatching(
        /^roots: the chain says something else than the pool of block 210001 → Sealed books were changed/,
      ),
    ]);
  });

  it("table: of the wrong size for the network, or damaged", async () => {
    const real = pool.config("");
    const pegnet = { ...real.pegnet, activation: -1 };
    expect(await reds({ config: { ...real, pegnet } })).toEqual([
      "table: pegnet.lxrbits is 16, but the real network hashes with 30 → Set pegnet.lxrbits to 30",
    ]);

    const path = tablePath(pool.dataDir, 30);
    writeFileSync(path, "");
    truncateSync(path, 77);
    const app = { ...real.app, tabledir: pool.dataDir };
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

    await pool.forced(sql`UPDATE prices SET at = now() - interval '2 hours'`);
    expect(await reds()).toEqual([
      expect.stringMatching(
        /^prices: the newest prices are 2 h old: no job can be made with them → Does the pool run/,
      ),
    ]);
  });

  it("prices: sources that are set wrong, and an asset that no source has", async () => {
    const wrong = () => {
      throw new CodedError("price-config", "oracledatasources: there is no source NONE");
    };
    expect(await reds({ sources: wrong })).toEqual([
      "prices: oracledatasources: there is no source NONE → Correct the section [oracledatasources]",
    ]);

    const ask: Patient["ask"] = async ({ source }) => {
      const heard = source.parse("", systemClock.wallMs());
      const quotes = "quotes" in heard ? heard.quotes.filter(({ asset }) => asset !== "XAU") : [];
      return { quotes, failures: [] };
    };
    expect((await look({ ask })).filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({
        said: "no source has XAU",
        mend: expect.stringMatching(/^Turn on a source/),
      }),
    ]);
  });

  it("credits: enough for a day only", async () => {
    const factomd = await pool.node({ entryCreditBalance: async () => 20 });

    expect(await reds({ nodes: [{ url: "http://one", factomd }] })).toEqual([
      expect.stringMatching(
        /^credits: 20 entry credits on EC\w+: 1\.7 days at 12 a day → Buy entry credits for EC/,
      ),
    ]);
  });

  it("certificate: nearly over, and no certificate at all", async () => {
    const [cert, key] = [join(pool.dataDir, "cert.pem"), join(pool.dataDir, "key.pem")];
    writeFileSync(cert, TEST_CERT);
    writeFileSync(key, TEST_KEY);
    const own = pool.config();
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
    const own = pool.config();
    const embedded = { ...own, database: { ...own.database, url: "", host: "" } };
    await pool.forced(sql`UPDATE jobs SET created_at = created_at - interval '3 days'`);
    const [said] = (await look({ config: embedded })).filter(({ check }) => check === "disk");
    expect(said?.said).toMatch(/are free, the database grows by [\d.]+ \w+ a day, [\d.]+ \w+ a year/);

    const folder = pool.folder("small");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    pool.undo.push(() => execFileSync("umount", [folder]));
    expect(
      (await reds({ config: embedded, dataDir: folder })).filter((line) => line.startsWith("disk")),
    ).toEqual([
      expect.stringMatching(/^disk: 2\.\d MB of 2\.\d MB are free.*: full in .* → Make room on the disk of/),
    ]);
  });

  it("journal: nearly as large as it may be", async () => {
    const folder = join(pool.dataDir, "edge", "journal");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "000001.seg"), "");
    truncateSync(join(folder, "000001.seg"), 3.5e9);

    expect(await reds()).toEqual([
      expect.stringMatching(
        /^journal: 3\.5 GB in 1 file, the oldest .* old → The books take nothing from this edge/,
      ),
    ]);
  });

  it("dead letters", async () => {
    mkdirSync(join(pool.dataDir, "edge"), { recursive: true });
    writeFileSync(join(pool.dataDir, "edge", "dead-letters.jsonl"), '{"a":1}\n{"b":2}\n');

    expect(await reds()).toEqual([
      expect.stringMatching(
        /^dead letters: 2 messages with miners' work not in the books, in .* → .*"Dead letters"$/,
      ),
    ]);
  });

  it("edges: none is left", async () => {
    await pool.database.db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at)
      VALUES (0, 'the-edge', 1, now() - interval '2 hours')`);
    await pool.database.db.execute(sql`INSERT INTO leases (name, holder, epoch, expires_at)
      VALUES ('chain', 'the-edge', 1, now() + interval '1 minute')`);

    expect(await reds()).toEqual([
      "edges: edge 0 (the-edge) ran out 2 h ago, and no edge is left → Start the pool: npx prosper edge",
    ]);
  });

  it("late work: a block without its seal, and work that waits for an open block", async () => {
    await pool.forced(sql`UPDATE jobs SET created_at = created_at - interval '1 day'`);
    await pool.database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT height + 1, version, 'later', opr, prices, threshold, fee_rate, split, credit, now() - interval '3 hours' FROM jobs ORDER BY jobs.height DESC LIMIT 1`);
    await pool.forced(
      sql`UPDATE deltas SET into_job = NULL WHERE seq = 0 AND job = (SELECT max(job) FROM deltas)`,
    );

    expect(await reds()).toEqual([
      expect.stringMatching(/^late work: 2 blocks not sealed yet, the first waits for 3 h → Does the pool/),
      "late work: 1 message with late work, and no open block for it → They are booked into the next job: see why none is made (`prices`, `factomd`)",
    ]);
  });

  it("archive: a block that is due for long, and a file that is gone", async () => {
    await pool.forced(sql`UPDATE jobs SET sealed_at = now() - interval '40 days'`);

    expect(await reds()).toEqual([
      expect.stringMatching(
        /^archive: block 2\d{5} should have been archived 10 days ago → Does the pool \(or `prosper accountant`\) run/,
      ),
    ]);

    const store = folderStore(join(pool.dataDir, "archive"));
    const modules = { db: pool.database.db, store, clock: systemClock, logger: SILENT };
    await createArchiver({ afterMs: 0, runMs: 60_000 }, modules)();
    expect(await reds()).toEqual([]);
    rmSync(join(pool.dataDir, "archive"), { recursive: true });
    expect(await reds()).toEqual([
      expect.stringMatching(/^archive: the archive has no file .* → Without it `prosper audit --replay`/),
    ]);
  });

  it("owed: for a long time", async () => {
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + 50 * 86_400_000 };
    await pool.forced(sql`DELETE FROM payments`);

    const found = await reds({ clock, nodes: [], sources: sources(1) });

    expect(found.filter((line) => line.startsWith("owed"))).toEqual([
      expect.stringMatching(
        /^owed: [\d.,]+ PEG owed to 1 user, the oldest for 50 days → Pay: npx prosper payout prepare/,
      ),
    ]);
  });

  it("records: none was sent for a while", async () => {
    await pool.forced(sql`UPDATE submissions SET state = 'abandoned'`);

    expect(await reds()).toEqual([
      expect.stringMatching(/^records: this pool has sent no record yet → Do miners mine/),
    ]);
  });

  it("records: none has won for a day, or ever", async () => {
    const warned = async () =>
      (await look({ nodes: [] })).filter(({ check, level }) => check === "records" && level === "warn");
    await pool.forced(sql`UPDATE blocks SET winning = 0, reward = 0`);
    expect(await warned()).toEqual([
      expect.objectContaining({ said: "no block was won yet", mend: expect.stringMatching(/hash rate/) }),
    ]);

    await pool.forced(
      sql`UPDATE blocks SET winning = 1, height = height - 150, at = now() - interval '26 hours' WHERE height = 210000`,
    );
    expect(await warned()).toEqual([
      expect.objectContaining({
        said: "the last block won is 209850, 26 h ago: none of the 152 since (25 h)",
        mend: expect.stringMatching(/\/admin\/withholding/),
      }),
    ]);
  });

  it("heartbeat: never called, refused, or not for long", async () => {
    const config = pool.config('[alerts]\nheartbeaturl = "https://hc-ping.com/secret"');
    expect((await look({ config })).filter(({ check }) => check === "heartbeat")).toEqual([
      expect.objectContaining({ level: "warn", said: "hc-ping.com was not called yet" }),
    ]);

    const { db } = pool.database;
    await noteHeartbeat(db, { atMs: Date.now(), wasWell: true, result: "" });
    expect(await reds({ config })).toEqual([]);
    await noteHeartbeat(db, { atMs: Date.now() - 3_600_000, wasWell: true, result: "" });
    expect(await reds({ config })).toEqual([
      "heartbeat: the last call of hc-ping.com was 60 min ago → Start the pool: npx prosper edge",
    ]);
    await noteHeartbeat(db, { atMs: Date.now(), wasWell: true, result: "it answered 404" });
    expect(await reds({ config })).toEqual([
      expect.stringMatching(
        /^heartbeat: the last call of hc-ping\.com, \d s ago, failed: it answered 404 → Correct alerts\.heartbeaturl/,
      ),
    ]);
  });

  it("alerts: not sent, none arrives, and who watches is not reached", async () => {
    const { db } = pool.database;
    const now = Date.now();
    const failed = { result: "it answered 404", waitMs: 60_000, pauseAfterMs: 86_400_000 };
    const said = async (): Promise<(string | undefined)[]> =>
      (await look()).filter(({ check }) => check === "alerts").map((found) => found.said);
    expect(await said()).toEqual([expect.stringMatching(/^no administrator is told what turns red/)]);
    await insertUser(db, { name: "boss", password: null, payoutAddress: null, isAdmin: true });
    const boss = await destinationOf(db, { user: "boss", target: "https://a.example/1", events: ["red"] });
    await markDelivered(db, boss, now);
    expect(await said()).toEqual(["1 of 1 destination reached when last tried"]);

    await markFailed(db, boss, failed, now);
    expect(await reds()).toEqual([
      expect.stringMatching(
        /^alerts: who is to be told of red checks is not reached: boss by webhook: it answered 404 → Correct the destination/,
      ),
    ]);
    await markDelivered(db, boss, now);
    const ann = [];
    for (const target of ["https://a.example/2", "https://a.example/3"])
      ann.push(await destinationOf(db, { user: "ann", target }));
    for (const id of ann) await markFailed(db, id, failed, now);
    expect(await reds()).toEqual([]);
    await db.execute(sql`UPDATE alert_destinations SET events = '{}' WHERE id = ${boss}::bigint`);
    await markFailed(db, boss, { ...failed, result: "ECONNREFUSED" }, now + 1);
    expect(await reds()).toEqual([
      expect.stringMatching(
        /^alerts: no alert arrives: all 3 destinations fail, the last one with: ECONNREFUSED → Is the way out open/,
      ),
    ]);
    await markDelivered(db, boss, now);
    await db.execute(sql`INSERT INTO alerts (destination, kind, subject, at, events, due_at)
      VALUES (${boss}::bigint, 'test', '', now(), 1, now() - interval '20 minutes')`);
    expect(await reds()).toEqual([
      "alerts: 1 alert not sent yet, the first was due 20 min ago → Does the pool run (`edges`)? Its log says what alerts wait for",
    ]);
  });

  it("canary: at each step where it may fail, and not for long", async () => {
    const config = pool.config('[canary]\nuser = "ops"');
    const { db } = pool.database;
    expect((await look({ config })).filter(({ check }) => check === "canary")).toEqual([
      expect.objectContaining({ level: "warn", said: "it has not looked yet" }),
    ]);

    const seen = { height: null, connectMs: 1, loginMs: 2, jobMs: 3, answerMs: null, rowMs: null };
    await noteProbe(db, { atMs: Date.now() - 3_600_000, failedAt: null, words: "", ...seen });
    expect(await reds({ config })).toEqual([
      "canary: it looked 60 min ago → Start the pool: npx prosper edge",
    ]);
    // Miners are stopped on purpose: it rests, and has its time to look again when that is over.
    const notice = { kind: "maintenance", words: "a new disk", inMs: 0, forMs: 60_000, by: "boss" } as const;
    const { id } = (await giveNotice(db, notice)) ?? {};
    expect((await look({ config })).find(({ check }) => check === "canary")?.said).toMatch(/^it rests/);
    await endNotice(db, id ?? 0n, "boss");
    expect(await reds({ config })).toEqual([]);
    await pool.forced(
      sql`UPDATE notices SET begins_at = begins_at - interval '1 hour', ended_at = ended_at - interval '40 minutes'`,
    );
    expect(await reds({ config })).toEqual([expect.stringMatching(/^canary: it looked 60 min ago/)]);
    const cures = {
      connect: /public port/,
      login: /canary\.user/,
      job: /`prices`/,
      share: /log/,
      answer: /`journal`/,
      row: /`late work`/,
    };
    for (const step of PROBE_STEPS) {
      await noteProbe(db, { atMs: Date.now(), failedAt: step, words: "why", ...seen });
      const [red = "", ...others] = await reds({ config });
      expect(others).toEqual([]);
      expect(red).toMatch(new RegExp(`^canary: it failed at its ${step}, \\d s ago: why → `));
      expect(red).toMatch(cures[step]);
    }
    await noteProbe(db, { atMs: Date.now() + 1, failedAt: null, words: "", ...seen });
    expect((await look({ config })).find(({ check }) => check === "canary")?.said).toMatch(
      /^it got through \d s ago: connect 1 ms, login 2 ms, job 3 ms$/,
    );
  });

  it("a database that went away is named once, not by each check that asks it", async () => {
    const db = openPg({ url: "postgres://nobody@127.0.0.1:1/none" });
    pool.undo.push(() => db.close());

    expect(await reds({ db })).toEqual([
      expect.stringMatching(/^database: could not be looked at: [^→]* → Start the database server/),
    ]);
  });

  it("a check that breaks itself hides no other", async () => {
    const nodes = [
      {
        url: "http://one",
        factomd: await pool.node({ entryCreditBalance: () => Promise.reject(new Error("no such method")) }),
      },
    ];

    const found = await look({ nodes });

    expect(found.filter(({ level }) => level === "red")).toEqual([
      expect.objectContaining({ check: "credits", said: "could not be looked at: no such method" }),
    ]);
    expect(new Set(found.map(({ check }) => check)).size).toBe(CHECKS.length);
  });
});

describe("the cockpit", () => {
  /** Ends when the test says so. */
  function slowCheck(): { check: Check; begun: () => number; end: () => void } {
    const waiting: (() => void)[] = [];
    let begun = 0;
    const check: Check = {
      name: "slow",
      look: () => {
        begun += 1;
        return new Promise((done) => waiting.push(() => done([{ level: "ok", said: `look ${begun}` }])));
      },
    };
    return { check, begun: () => begun, end: () => waiting.shift()?.() };
  }

  it("makes a check that costs much for a timer once in its time only, and for a person at once", async () => {
    let nowMs = 1_000_000;
    let looks = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs, wallMs: () => nowMs };
    const quick: Check = { name: "quick", look: async () => [{ level: "ok", said: "quick" }] };
    const costly: Check = {
      ...{ name: "costly", restMs: 600_000 },
      look: async () => [{ level: looks === 3 ? "red" : "ok", said: `look ${++looks}` }],
    };
    const cockpit = createCockpit(await pool.patient(), { clock }, [costly, quick]);
    const lookAfter = async (ms: number, look: () => Promise<Examination>): Promise<string | undefined> => {
      nowMs += ms;
      const { atMs, findings } = await look();
      expect([atMs, findings.map(({ check }) => check)]).toEqual([nowMs, ["costly", "quick"]]);
      return findings[0]?.said;
    };

    expect(await lookAfter(0, cockpit.onTime)).toBe("look 1");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 1");
    expect(await lookAfter(60_000, cockpit.again)).toBe("look 2");
    expect(await lookAfter(500_000, cockpit.onTime)).toBe("look 2");
    expect(await lookAfter(100_000, cockpit.onTime)).toBe("look 3");
    // The fourth is red: it is confirmed at once, and so is that it is not.
    expect(await lookAfter(600_000, cockpit.onTime)).toBe("look 4");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 5");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 6");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 6");
  });

  it("makes one examination for all who look, and shows the last one while another is under way", async () => {
    let nowMs = 1_000_000;
    const clock = { ...systemClock, monotonicMs: () => nowMs, wallMs: () => nowMs };
    const slow = slowCheck();
    const cockpit = createCockpit(await pool.patient(), { clock }, [slow.check]);

    const both = Promise.all([cockpit.newest(), cockpit.newest()]);
    slow.end();
    const [first] = await both;
    expect(first).toEqual({
      ...{ atMs: nowMs, isRunning: false },
      findings: [{ check: "slow", level: "ok", said: "look 1" }],
    });
    nowMs += 59_000;
    expect(await cockpit.newest()).toEqual(first);
    expect(slow.begun()).toBe(1);

    const again = cockpit.again();
    nowMs += 2_000;
    const meanwhile = cockpit.newest();
    expect(slow.begun()).toBe(2);
    expect(await meanwhile).toEqual({ ...first, isRunning: true });
    slow.end();
    expect((await again).findings[0]?.said).toMatch(/^look/);
    expect((await cockpit.again()).findings).toEqual([{ check: "slow", level: "ok", said: "look 2" }]);
    expect(slow.begun()).toBe(2);
  }, 15_000);
});
