/** A backup of a living pool: restored it is the same pool, changed it is refused, proved it makes the same books. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { segmentName } from "../../../edge/journal/segment.ts";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { withEdgeFolder } from "../../../infra/backup/edge-folder.ts";
import { restoreBackup } from "../../../infra/backup/restore.ts";
import { tablesInOrder } from "../../../infra/backup/tables.ts";
import { type Backup, takeBackup } from "../../../infra/backup/take.ts";
import { proveCommand } from "../../../infra/cli/books/backup.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../../shared/archive/store.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { adjust } from "../../../shared/db/payments.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

const home = mkdtempSync(join(tmpdir(), "prosper-backup-"));
afterAll(() => rmSync(home, { recursive: true }));

let live: TestDatabase;
let empty: TestDatabase;
let folder: string;
let edgeFolder: string;
beforeEach(async () => {
  live = await createTestDatabase({ driver: "pg" });
  empty = await createTestDatabase({ driver: "pg", migrated: false });
  await bookEverything(live.db);
  const dir = mkdtempSync(join(home, "run-"));
  folder = join(dir, "backup");
  edgeFolder = join(dir, "edge");
  mkdirSync(join(edgeFolder, "journal"), { recursive: true });
  writeFileSync(join(edgeFolder, "receipt-key"), `${"ab".repeat(32)}\n`);
  writeFileSync(join(edgeFolder, "lock"), "");
  for (const n of [3, 4]) writeFileSync(join(edgeFolder, "journal", segmentName(n)), `segment ${n}`);
});
afterEach(async () => {
  await live.drop();
  await empty.drop();
});

function take(archive?: ArchiveStore): Promise<Backup> {
  return takeBackup({ folder, edgeFolder, pool: "Prosper", archive }, { db: live.db, clock: systemClock });
}

/** Everything sealed, into a new folder. */
async function archived(): Promise<ArchiveStore> {
  const store = folderStore(mkdtempSync(join(home, "archive-")));
  await createArchiver(
    { afterMs: 0, runMs: 60_000 },
    { db: live.db, store, clock: systemClock, logger: SILENT },
  )();
  return store;
}

/** Every row of every table, in an order of its own. */
async function contents(db: Db): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const name of await tablesInOrder(db)) {
    const rows = await db.query(
      { text: `SELECT to_jsonb(t)::text AS row FROM "${name}" t ORDER BY 1`, values: [] },
      v.object({ row: v.string() }),
    );
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}

async function booksHash(db: Db, archive?: ArchiveStore): Promise<string> {
  const { sha256, differences } = await replayBooks(db, { named: 5, archive });
  expect(differences).toBe(0);
  return sha256;
}

function change(file: string, from: string | RegExp, to: string): void {
  const before = readFileSync(file, "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
}

describe("a restored backup", () => {
  it("is the pool it was taken of: every row, the books' hash, what refuses changes, and the next numbers", async () => {
    const before = await contents(live.db);
    const { tables, sha256, edgeFiles } = await take();

    const restoredEdge = join(folder, "../restored");
    await restoreBackup({ folder, sha256, edgeFolder: restoredEdge }, empty);

    expect(tables).toBeGreaterThan(20);
    expect(await contents(empty.db)).toEqual(before);
    expect(await booksHash(empty.db)).toBe(await booksHash(live.db));
    await expect(empty.db.execute(sql`UPDATE payments SET amount = amount + 1`)).rejects.toThrow();
    const [next, mirrored] = await Promise.all(
      [live.db, empty.db].map((db) =>
        adjust(db, { user: "ann", amount: 5n, reason: "after", madeBy: "test" }),
      ),
    );
    expect(mirrored).toMatchObject({ outcome: "added", id: next?.outcome === "added" ? next.id : undefined });
    expect(edgeFiles).toBe(3);
    expect(readFileSync(join(restoredEdge, "receipt-key"), "utf8")).toBe(`${"ab".repeat(32)}\n`);
    expect(readdirSync(join(restoredEdge, "journal"))).toEqual([segmentName(3), segmentName(4)]);
    expect(readdirSync(restoredEdge)).not.toContain("lock");
  });

  it("has the files of the archive with it, of which its books can be made again", async () => {
    const store = await archived();
    const { archiveFiles } = await take(store);
    const restored = folderStore(mkdtempSync(join(home, "archive-")));

    const { archive } = await restoreBackup({ folder, archive: restored }, empty);

    expect(archiveFiles).toBe(4);
    expect(archive).toHaveLength(4);
    expect(await booksHash(empty.db, restored)).toBe(await booksHash(live.db, store));
  });

  it("can be read by its owner only, and appears when it is whole", async () => {
    await take();

    expect(statSync(folder).mode & 0o077).toBe(0);
    await expect(take()).rejects.toMatchObject({ code: "backup-exists" });
    expect(readdirSync(join(folder, "..")).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
  });

  it("is refused before its work where there is something already, also by a database that is away", async () => {
    await take();
    const away = await createTestDatabase({ migrated: false });
    await away.drop();

    await expect(
      takeBackup({ folder, edgeFolder, pool: "Prosper" }, { db: away.db, clock: systemClock }),
    ).rejects.toThrow(`${folder} exists already: name a new folder, or remove it`);
    expect(existsSync(`${folder}.unfinished`)).toBe(false);
  });

  it("is one moment of a pool that goes on meanwhile", async () => {
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver; i++)
        await adjust(live.db, { user: "ann", amount: 1n, reason: `${i}`, madeBy: "test" });
    })();
    await take();
    isOver = true;
    await writing;

    await restoreBackup({ folder }, empty);

    // An adjustment and its line of the money log are written together.
    await booksHash(empty.db);
    const { adjustments = [], money_log: log = [] } = await contents(empty.db);
    expect(log.filter((line) => line.includes('"adjustment"'))).toHaveLength(adjustments.length);
  });

  it("of an older version is brought to this one", async () => {
    const old = await createTestDatabase({ driver: "pg", migrated: false });
    await migrate(old.db, loadMigrations().slice(0, -1));
    await takeBackup({ folder, edgeFolder, pool: "old" }, { db: old.db, clock: systemClock });
    await old.drop();

    await restoreBackup({ folder }, empty);

    expect(await contents(empty.db)).toMatchObject({
      migrations: expect.objectContaining({ length: loadMigrations().length }),
    });
  });
});

describe("a backup that was changed", () => {
  it.each([
    ["a flipped row", "tables/payouts.jsonl", /"amount": (\d)/, '"amount": 9$1'],
    ["a row less", "tables/users.jsonl", /^.*\n/, ""],
    ["another journal", "edge/journal/00000003.journal", "segment", "Segment"],
  ])("is refused by the name of the file before anything is written: %s", async (_what, file, from, to) => {
    await take();
    change(join(folder, file), from, to);

    await expect(restoreBackup({ folder }, empty)).rejects.toMatchObject({
      code: "backup-invalid",
      message: expect.stringContaining(file),
    });
    expect(await tablesInOrder(empty.db)).toEqual([]);
  });

  it("together with its manifest is found by the hash that was noted, and by the proof", async () => {
    const { sha256 } = await take();
    const rows = join(folder, "tables/payouts.jsonl");
    const before = sha256Hex(readFileSync(rows, "utf8"));
    change(rows, /"amount": (\d)/, '"amount": 9$1');
    change(join(folder, "manifest.json"), before, sha256Hex(readFileSync(rows, "utf8")));

    await expect(restoreBackup({ folder, sha256 }, empty)).rejects.toThrow(
      /instead of [0-9a-f]{64}.*was changed/,
    );
    const { code, warned } = await prove();
    expect(code).toBe(1);
    expect(warned.length).toBeGreaterThan(0);
    expect(await proofsOnRecord()).toBe(0);
  });

  it("that was not finished, or has files from outside its folder, is refused", async () => {
    await take();
    change(join(folder, "manifest.json"), '"tables/users.jsonl"', '"../users.jsonl"');
    await expect(restoreBackup({ folder }, empty)).rejects.toMatchObject({ code: "backup-invalid" });

    rmSync(join(folder, "manifest.json"));
    await expect(restoreBackup({ folder }, empty)).rejects.toThrow(
      /there is no manifest\.json .*not finished/,
    );
  });
});

describe("what is there already", () => {
  it("is not restored over: neither a database with tables nor an edge's folder", async () => {
    await take();

    await expect(restoreBackup({ folder }, live)).rejects.toMatchObject({ code: "restore-not-empty" });
    await expect(restoreBackup({ folder, edgeFolder }, empty)).rejects.toMatchObject({
      code: "restore-not-empty",
    });
    expect(await tablesInOrder(empty.db)).toEqual([]);
  });
});

async function prove(
  archive?: ArchiveStore,
): Promise<{ code: number; printed: string; warned: string[]; facts: unknown }> {
  const warned: string[] = [];
  let printed = "";
  let facts: unknown;
  const code = await proveCommand(
    { folder },
    {
      ...{ db: live.db, url: live.url, clock: systemClock, archive, warn: (line) => warned.push(line) },
      print: (line, said) => {
        printed = line;
        facts = said;
      },
    },
  );
  return { code, printed, warned, facts };
}

async function proofsOnRecord(): Promise<number> {
  return (await listAdminLog(live.db, 100)).filter(({ action }) => action === "restore-proved").length;
}

async function scratchDatabases(): Promise<number> {
  return (
    await live.db.query(
      sql`SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'prosper_proof_%'`,
      v.object({ name: v.string() }),
    )
  ).length;
}

describe("a backup of a pool whose archive lacks a file", () => {
  it("is refused, and leaves nothing behind", async () => {
    const store = await archived();

    await expect(take({ ...store, get: async () => undefined })).rejects.toMatchObject({
      code: "archive-missing",
    });
    expect(readdirSync(join(folder, ".."))).toEqual(["edge"]);
  });
});

describe("a proof", () => {
  it("restores, audits, replays and compares with the living pool, which may have gone on, and leaves nothing behind", async () => {
    await take();
    await adjust(live.db, { user: "ann", amount: 7n, reason: "meanwhile", madeBy: "test" });

    const { code, printed, facts, warned } = await prove();

    expect({ code, warned }).toEqual({ code: 0, warned: [] });
    expect(printed).toMatch(
      /^Proved: .* makes the same \d+ sealed blocks, audited and replayed \(restored in [\d.]+ s, all in [\d.]+ s\)$/,
    );
    expect(facts).toMatchObject({
      event: "proved",
      blocks: expect.any(Number),
      booksSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await proofsOnRecord()).toBe(1);
    expect(await scratchDatabases()).toBe(0);
  });

  it("reads the backup's own files of the archive, or the living pool's where they were left there", async () => {
    const store = await archived();
    await take(store);
    expect(await prove()).toMatchObject({ code: 0, warned: [] });
    rmSync(folder, { recursive: true });

    await take();
    await expect(prove()).rejects.toMatchObject({ code: "archive-unknown" });
    expect(await prove(store)).toMatchObject({ code: 0, warned: [] });
  });

  it("names the block of which the living pool has another root", async () => {
    await take();
    await live.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(
        sql`UPDATE jobs SET root = ${"f".repeat(64)} WHERE height = (SELECT min(height) FROM jobs WHERE state = 'sealed')`,
      );
    });

    const { code, warned, printed } = await prove();

    expect(code).toBe(1);
    expect(warned).toEqual([
      expect.stringMatching(/^block \d+: the backup has the root [0-9a-f]{64}, the living pool f{64}$/),
    ]);
    expect(printed).toMatch(/^NOT PROVED: 1 things do not agree/);
    expect(await scratchDatabases()).toBe(0);
  });
});

describe("the journal beside the snapshot", () => {
  const journal = () => join(edgeFolder, "journal");

  it("is taken again, with the snapshot, where a file of it was freed in between", async () => {
    let tries = 0;
    const copied = await withEdgeFolder({ from: edgeFolder, to: join(folder, "edge") }, async (copy) => {
      tries += 1;
      if (tries === 1) {
        rmSync(join(journal(), segmentName(3)));
        writeFileSync(join(journal(), segmentName(5)), "segment 5");
      }
      return copy();
    });

    expect(tries).toBe(2);
    expect(copied.filter((name) => name.startsWith("journal/"))).toEqual(
      [4, 5].map((n) => `journal/${segmentName(n)}`),
    );
  });

  it("is taken of every edge process, and again where one of them freed a file or was retired", async () => {
    const second = join(edgeFolder, "process-2", "journal");
    mkdirSync(second, { recursive: true });
    for (const n of [7, 8]) writeFileSync(join(second, segmentName(n)), `segment ${n}`);
    const tried: string[][] = [];
    const copied = await withEdgeFolder({ from: edgeFolder, to: join(folder, "edge") }, async (copy) => {
      tried.push(readdirSync(edgeFolder));
      if (tried.length === 1) rmSync(join(second, segmentName(7)));
      return copy();
    });
    expect(tried).toHaveLength(2);
    expect(copied.filter((name) => name.startsWith("process-2/"))).toEqual([
      `process-2/journal/${segmentName(8)}`,
    ]);

    const without = await withEdgeFolder({ from: edgeFolder, to: join(folder, "edge") }, async (copy) => {
      rmSync(join(edgeFolder, "process-2"), { recursive: true, force: true });
      return copy();
    });

    expect(without.filter((name) => name.startsWith("process-2/"))).toEqual([]);
  });

  it("is given up with words where that never ends", async () => {
    let number = 3;
    const taking = withEdgeFolder({ from: edgeFolder, to: join(folder, "edge") }, async (copy) => {
      rmSync(join(journal(), segmentName(number)));
      writeFileSync(join(journal(), segmentName(number + 2)), "later");
      number += 1;
      return copy();
    });

    await expect(taking).rejects.toMatchObject({ code: "backup-busy" });
  });
});
