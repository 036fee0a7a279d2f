/** The archive of deltas: what goes in comes out, a repeated message still counts once, and a run may end anywhere. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import * as v from "valibot";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { type ArchiveReport, createArchiver } from "../../../functions/janitor/archiver.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../../shared/archive/store.ts";
import { type Replay, replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { archiveFiles, nextToArchive } from "../../../shared/db/archive.ts";
import { applyDelta } from "../../../shared/db/deltas.ts";
import { edgeRecords } from "../../../shared/db/edges.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import type { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, deltaBody, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

const home = mkdtempSync(join(tmpdir(), "prosper-archive-"));
afterAll(() => rmSync(home, { recursive: true }));

let database: TestDatabase;
let db: Db;
let folder: string;
let store: ArchiveStore;
let before: Replay;
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  folder = mkdtempSync(join(home, "run-"));
  store = folderStore(folder);
  await bookEverything(db);
  before = await replayBooks(db, { named: 5 });
});
afterEach(() => database.drop());

function archive(
  options: { afterMs?: number; partBytes?: number; runMs?: number } = {},
  on: { db?: Db; store?: ArchiveStore } = {},
): Promise<ArchiveReport> {
  const modules = { db, store, clock: systemClock, logger: SILENT, ...on };
  return createArchiver({ afterMs: 0, runMs: 60_000, ...options }, modules)();
}

function replay(): Promise<Replay> {
  return replayBooks(db, { named: 5, archive: store });
}

const names = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".br"))
    .sort();

const bodies = (): Promise<string | null> =>
  text(db, sql`SELECT count(*) FROM deltas WHERE body IS NOT NULL`);

/** The only file, or the first, changed on the disk. */
function damage(): void {
  const [name = ""] = names();
  writeFileSync(join(folder, name), "not what was written");
}

describe("deltas of sealed blocks", () => {
  it("move to the archive, and the books are made again from there", async () => {
    const report = await archive();

    expect(report).toEqual({ files: 4, deltas: 7, overdueSeconds: 0 });
    // Of the open job 16.
    expect(await bodies()).toBe("1");
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE sha256 = ''`)).toBe("0");
    const after = await replay();
    expect(after.audit.problems).toEqual([]);
    expect({ ...after, archiveFiles: 0 }).toEqual(before);
    expect(after.archiveFiles).toBe(4);
    await expect(replayBooks(db, { named: 5 })).rejects.toMatchObject({ code: "archive-unknown" });
  });

  it("stay as long as they are to", async () => {
    expect(await archive({ afterMs: 3_600_000 })).toEqual({ files: 0, deltas: 0, overdueSeconds: 0 });
    expect(await bodies()).toBe("8");
  });

  it("are in the file of the block that they are booked into, late ones too, as lines that anybody can read", async () => {
    await archive();

    expect(names().map((name) => name.replace(/[0-9a-f]{64}/, "…"))).toEqual(
      [10, 11, 12, 15].map((height) => `0000000000/00000000${height}-0-….jsonl.br`),
    );
    const lines = brotliDecompressSync(readFileSync(join(folder, names()[2] ?? "")))
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ prosper: "deltas", v: 1, block: 12, part: 0 });
    expect(lines.slice(1).map(({ job, seq }) => `${job}/${seq}`)).toEqual(["10/2", "11/0", "12/0"]);
    expect(JSON.parse(lines[3].body)).toMatchObject({ kind: "delta", job: 12, seq: 0 });
  });

  it("make the same files whoever archives them", async () => {
    await archive({ partBytes: 1 });
    const first = names();
    const other = folderStore(mkdtempSync(join(home, "other-")));
    const again = await createTestDatabase();
    await bookEverything(again.db);

    await archive({ partBytes: 1 }, { db: again.db, store: other });

    const chains = (rows: { chain: string }[]): string[] => rows.map(({ chain }) => chain);
    expect(chains(await archiveFiles(again.db, 0, 100))).toEqual(chains(await archiveFiles(db, 0, 100)));
    expect(first).toHaveLength(8);
    await again.drop();
  });

  it("are many in one block: then several files hold it", async () => {
    await archive({ partBytes: 1 });

    const files = await archiveFiles(db, 0, 100);
    expect(files.map(({ height, part, isLast }) => [height, part, isLast])).toEqual([
      [10, 0, false],
      [10, 1, true],
      [11, 0, true],
      [12, 0, false],
      [12, 1, false],
      [12, 2, true],
      [15, 0, false],
      [15, 1, true],
    ]);
    expect({ ...(await replay()), archiveFiles: 0 }).toEqual(before);
  });

  it("come back later than they were archived without being counted again", async () => {
    const body = deltaBody({ job: 10, seq: 1 }, { "ann/a": 1, "ann/": 4, "cid/c": 7 });
    await archive();

    expect(await applyDelta(db, body)).toEqual({ outcome: "dup" });
    expect(await applyDelta(db, deltaBody({ job: 10, seq: 1 }, { "ann/a": 2 }))).toEqual({
      outcome: "conflict",
    });
    // What an edge with an old journal asks first.
    const range = { job: 10, slot: 0, epoch: 1, fromSeq: 0, toSeq: 5 };
    expect((await edgeRecords(db).appliedSeqs([range])).map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect((await replay()).differences).toBe(0);
  });

  it("that come for the first time, when their block is archived, are in the file of a later one", async () => {
    await archive();
    expect(await applyDelta(db, deltaBody({ job: 10, seq: 9 }, { "dan/": 3 }))).toMatchObject({
      intoJob: 16,
    });
    await addBlock(db, 16, 4_000n);
    await addJob(db, 17);
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();

    expect(await archive()).toEqual({ files: 1, deltas: 2, overdueSeconds: 0 });
    expect(await replay()).toMatchObject({ differences: 0, deltas: 9, archiveFiles: 5 });
  });
});

describe("a run", () => {
  it("goes on where the one before was killed, after every step", async () => {
    for (let steps = 1; ; steps++) {
      let left = steps;
      const dying = <T>(work: () => Promise<T>): Promise<T> => {
        if (left-- === 0) throw new Error("killed");
        return work();
      };
      const killed: Db = {
        ...db,
        query: (statement, row) => dying(() => db.query(statement, row)),
        execute: (statement, options) => dying(() => db.execute(statement, options)),
      };
      const half: ArchiveStore = {
        ...store,
        put: (name, bytes) => dying(() => store.put(name, bytes)),
        get: (name) => dying(() => store.get(name)),
      };
      const isDone = await archive({ partBytes: 1, runMs: 0 }, { db: killed, store: half }).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe("killed");
          return false;
        },
      );
      if (steps % 8 === 0) expect((await replay()).differences).toBe(0);
      if (isDone && (await nextToArchive(db)) === undefined) break;
    }
    await archive();
    expect(await bodies()).toBe("1");
    expect({ ...(await replay()), archiveFiles: 0 }).toEqual(before);
  });

  it("writes no further file when its time is over, and says how long the next has been due", async () => {
    expect(await archive({ runMs: 0 })).toMatchObject({ files: 1, overdueSeconds: expect.any(Number) });
    expect(await archive({ runMs: 0 })).toMatchObject({ files: 1 });
  });

  it("beside another does the same, once", async () => {
    const reports = await Promise.all([archive(), archive(), archive()]);

    expect(reports.reduce((sum, { files }) => sum + files, 0)).toBe(4);
    await archive();
    expect(await bodies()).toBe("1");
    expect({ ...(await replay()), archiveFiles: 0 }).toEqual(before);
  });

  it("takes away nothing where the file is not what it wrote", async () => {
    const lying: ArchiveStore = { ...store, get: async () => new Uint8Array([1, 2, 3]) };

    await expect(archive({}, { store: lying })).rejects.toMatchObject({ code: "archive-damaged" });
    damage();
    await expect(archive()).rejects.toThrow(/is not what it was written as.*Move it away/);

    expect(await bodies()).toBe("8");
    for (const name of names()) rmSync(join(folder, name));
    await archive();
    expect({ ...(await replay()), archiveFiles: 0 }).toEqual(before);
  });

  it("refuses a body that was changed in the database", async () => {
    await tampered(sql`UPDATE deltas SET body = replace(body, 'ann', 'eve') WHERE job = 10 AND seq = 1`);

    await expect(archive()).rejects.toThrow(/delta 10\/0\/1\/1 has a body that does not have its hash/);
    expect(await bodies()).toBe("8");
  });
});

describe("the database", () => {
  it("lets no body go that is in no file, and no key or hash", async () => {
    await archive({ runMs: 0 });
    const change = (what: string): Promise<unknown> =>
      db.execute({ text: `UPDATE deltas SET ${what}`, values: [] }).catch((error: CodedError) => error.data);

    for (const what of [
      "body = NULL WHERE job = 15",
      "body = NULL, sha256 = 'x' WHERE job = 12 AND into_job = 12",
      "body = 'x' WHERE job = 10 AND into_job = 10",
      "into_job = 16 WHERE job = 10 AND into_job = 10",
    ])
      expect(await change(what)).toMatchObject({ sqlstate: "BK001" });
    await expect(db.execute(sql`DELETE FROM archive_files`)).rejects.toThrow(/append-only/);
  });
});

describe("an audit", () => {
  beforeEach(async () => void (await archive()));

  it("names every delta of a file that is damaged or gone", async () => {
    damage();
    expect((await replay()).audit.problems[0]).toMatch(
      /^delta 10\/0\/1\/0: the archive's file .* is not what it was written as/,
    );
    for (const name of names()) rmSync(join(folder, name));
    expect((await replay()).audit.problems[0]).toMatch(
      /^delta 10\/0\/1\/0: the archive has no file .* bring it back from a backup/,
    );
  });

  it.each([
    ["a hash", sql`UPDATE archive_files SET sha256 = repeat('0', 64) WHERE no = 2`],
    ["a row that is gone", sql`DELETE FROM archive_files WHERE no = 3`],
    ["a chain", sql`UPDATE archive_files SET chain = repeat('0', 64) WHERE no = 1`],
  ])("finds %s in the list", async (_, change) => {
    await tampered(change);

    expect((await replay()).audit.problems).toContainEqual(expect.stringMatching(/^archive file \d: /));
  });
});

/** As one does who owns the database. */
async function tampered(change: ReturnType<typeof sql>): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    expect(await tx.execute(change)).toBe(1);
  });
  await db.query(sql`SELECT 1 AS done`, v.object({ done: v.number() }));
}
