/** `prosper backup`: database and edge of a pool that runs, in one snapshot, into a new folder. Needs no program of PostgreSQL's. */

import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { fileName } from "../../shared/archive/block-file.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import type { Clock } from "../../shared/clock.ts";
import { logAdminAction } from "../../shared/db/admin-log.ts";
import { archiveFiles } from "../../shared/db/archive.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { syncFolder } from "../../shared/sync-folder.ts";
import { writeFileDurably } from "../durable-file.ts";
import { withEdgeFolder } from "./edge-folder.ts";
import { ARCHIVE, formatManifest, hashFile, MANIFEST, type Manifest } from "./manifest.ts";
import { rowsOf, sequencesOf, tablesInOrder } from "./tables.ts";

const ARCHIVE_PAGE = 500;

export interface BackupOptions {
  /** Must not exist yet: it appears when the backup is whole. */
  readonly folder: string;
  /** The edge's: identity, keys and journal. */
  readonly edgeFolder: string;
  readonly pool: string;
  /** Of the pool; undefined: its files are left where they are. */
  readonly archive?: ArchiveStore | undefined;
  /** Takes the whole backup elsewhere before it is on record; resolves to where. */
  readonly send?: ((folder: string) => Promise<string>) | undefined;
}

export interface BackupModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly onProgress?: (table: string, done: number, total: number) => void;
}

export interface Backup {
  readonly rows: number;
  readonly tables: number;
  readonly edgeFiles: number;
  readonly archiveFiles: number;
  /** Of the manifest: noted elsewhere, it tells whether anything in the backup was changed. */
  readonly sha256: string;
}

/** The pool goes on meanwhile; nothing is locked. Throws CodedErrors `backup-exists`, `backup-busy`, `archive-missing`. */
export async function takeBackup(options: BackupOptions, modules: BackupModules): Promise<Backup> {
  const { folder, edgeFolder } = options;
  const half = `${folder}.unfinished`;
  // Before the work; the rename at the end refuses what has come meanwhile.
  const there = await readdir(folder).catch(() => []);
  if (there.length > 0) throw existsAlready(folder);
  await mkdir(half, { mode: 0o700, recursive: false }).catch((thrown: unknown) => refuse(half, thrown));
  try {
    const taken = await withEdgeFolder({ from: edgeFolder, to: join(half, "edge") }, (copyEdge) =>
      modules.db.transaction(async (tx) => {
        await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`);
        // The snapshot is taken by the first statement that reads.
        const migrations = await readMigrations(tx);
        const edgeFiles = await copyEdge();
        const tables = await writeTables(tx, half, modules);
        const archive = await copyArchive(tx, options.archive, half);
        return { migrations, edgeFiles, tables, archive, sequences: await sequencesOf(tx) };
      }),
    );
    const manifest: Manifest = {
      ...{ prosper: "backup", version: 1, madeAt: new Date(modules.clock.wallMs()).toISOString() },
      ...{
        pool: options.pool,
        migrations: taken.migrations,
        tables: taken.tables,
        sequences: taken.sequences,
      },
      edge: await hashed(half, taken.edgeFiles),
      archive: taken.archive,
    };
    const { text, sha256 } = formatManifest(manifest);
    await writeFileDurably(join(half, MANIFEST), text);
    await rename(half, folder).catch((thrown: unknown) => refuse(folder, thrown));
    await syncFolder(join(folder, ".."));
    const rows = taken.tables.reduce((sum, table) => sum + table.rows, 0);
    const details = { sha256, rows };
    const subject = (await options.send?.(folder)) ?? folder;
    await logAdminAction(modules.db, { actor: "command line", action: "backup", subject, details });
    const files = { edgeFiles: taken.edgeFiles.length, archiveFiles: taken.archive.length };
    return { rows, tables: taken.tables.length, ...files, sha256 };
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    throw error;
  }
}

/** Those that the snapshot has on record: a file is there before its row. */
async function copyArchive(
  tx: Db,
  from: ArchiveStore | undefined,
  half: string,
): Promise<Manifest["archive"]> {
  if (from === undefined || !(await hasArchive(tx))) return [];
  const files: Manifest["archive"] = [];
  for (let no = 0; ; ) {
    const page = await archiveFiles(tx, no, ARCHIVE_PAGE);
    if (page.length === 0) return files;
    for (const row of page) {
      const name = fileName(row);
      const bytes = await from.get(name);
      if (bytes === undefined)
        throw new CodedError(
          "archive-missing",
          `the archive in ${from.place} has no ${name}: bring it back from an older backup, or take this one with --leave-archive`,
        );
      const file = `${ARCHIVE}/${name}`;
      await writeBytes(join(half, file), bytes);
      files.push({ file, sha256: sha256Hex(bytes) });
      no = row.no;
    }
  }
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { mode: 0o700, recursive: true });
  await writeFile(path, bytes, { mode: 0o600, flush: true });
}

function refuse(folder: string, thrown: unknown): never {
  const error = coerceError(thrown);
  const code = "code" in error ? String(error.code) : "";
  if (["EEXIST", "ENOTEMPTY"].includes(code)) throw existsAlready(folder, error);
  throw new CodedError("backup-exists", `${folder} cannot be made: ${error.message}`, { cause: error });
}

function existsAlready(folder: string, cause?: Error): CodedError {
  const why = `${folder} exists already: name a new folder, or remove it`;
  return new CodedError("backup-exists", why, cause === undefined ? {} : { cause });
}

/** False in a database that an older version made. */
async function hasArchive(tx: Db): Promise<boolean> {
  const { made } = await one(
    tx,
    sql`SELECT to_regclass('archive_files') IS NOT NULL AS made`,
    v.object({ made: v.boolean() }),
  );
  return made;
}

function readMigrations(tx: Db): Promise<Manifest["migrations"]> {
  return tx.query(
    sql`SELECT version, name, sha256 FROM migrations ORDER BY migrations.version`,
    v.object({ version: v.number(), name: v.string(), sha256: v.string() }),
  );
}

async function writeTables(tx: Db, half: string, { onProgress }: BackupModules): Promise<Manifest["tables"]> {
  await mkdir(join(half, "tables"), { mode: 0o700, recursive: true });
  const names = await tablesInOrder(tx);
  const tables: Manifest["tables"] = [];
  for (const name of names) {
    const file = `tables/${name}.jsonl`;
    tables.push({ name, file, ...(await writeTable(tx, name, join(half, file))) });
    onProgress?.(name, tables.length, names.length);
  }
  return tables;
}

async function writeTable(tx: Db, table: string, path: string): Promise<{ rows: number; sha256: string }> {
  const hash = createHash("sha256");
  const file = await open(path, "w", 0o600);
  let rows = 0;
  try {
    for await (const page of rowsOf(tx, table)) {
      const text = page.map((row) => `${row}\n`).join("");
      hash.update(text);
      await file.writeFile(text);
      rows += page.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { rows, sha256: hash.digest("hex") };
}

async function hashed(half: string, files: readonly string[]): Promise<Manifest["edge"]> {
  const all: Manifest["edge"] = [];
  for (const name of files) {
    const file = `edge/${name}`;
    all.push({ file, sha256: (await hashFile(join(half, file))) ?? "" });
  }
  return all;
}
