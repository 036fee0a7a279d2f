/** Fills an empty database from a backup whose hashes agree, and, where asked, the edge's folder. */

import { createReadStream } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { folderStore } from "../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import { counted } from "../../shared/counted.ts";
import { loadMigrations, migrate } from "../../shared/db/migrate.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { ARCHIVE, invalid, type Manifest, readManifest } from "./manifest.ts";
import { insertRows, quoted, tablesInOrder } from "./tables.ts";

export interface RestoreOptions {
  readonly folder: string;
  /** The manifest's, as it was noted elsewhere. */
  readonly sha256?: string | undefined;
  /** Where the edge's files go; undefined: they stay in the backup. */
  readonly edgeFolder?: string | undefined;
  /** Where the archive's files go; undefined: they stay in the backup. */
  readonly archive?: ArchiveStore | undefined;
}

/**
 * Nothing is written before every hash was compared, and the rows are there all or none. A backup of an older version is migrated after that.
 * Throws CodedErrors `backup-invalid`, `restore-not-empty`, `db-migration` (the backup is of a newer version).
 */
export async function restoreBackup(
  options: RestoreOptions,
  { db }: { readonly db: Db },
): Promise<Manifest & { sha256: string }> {
  const manifest = await readManifest(options.folder, options.sha256);
  if ((await tablesInOrder(db)).length > 0)
    throw new CodedError(
      "restore-not-empty",
      "this database has tables already: restore into a new, empty one",
    );
  if (options.edgeFolder !== undefined) await requireNoEdge(options.edgeFolder);
  if (options.archive !== undefined) await restoreArchive(options.folder, manifest, options.archive);
  await migrate(db, migrationsOf(manifest));
  await db.transaction((tx) => fill(tx, manifest, options.folder));
  await migrate(db);
  if (options.edgeFolder !== undefined) await restoreEdge(options.folder, manifest, options.edgeFolder);
  return manifest;
}

/** The files of this version that the backup's database had. */
function migrationsOf({ migrations }: Manifest): ReturnType<typeof loadMigrations> {
  const known = loadMigrations();
  return migrations.map(({ version, name, sha256 }) => {
    const same = known.find((migration) => migration.version === version);
    if (same === undefined)
      throw new CodedError(
        "db-migration",
        `the backup has migration ${name}, which this version does not know: run a newer prosper`,
      );
    if (same.sha256 !== sha256)
      throw new CodedError(
        "db-migration",
        `migration ${name} differs from the one that the backup was made with`,
      );
    return same;
  });
}

async function fill(tx: Db, manifest: Manifest, folder: string): Promise<void> {
  const names = manifest.tables.map(({ name }) => name);
  const there = await tablesInOrder(tx);
  const odd = [
    ...names.filter((name) => !there.includes(name)),
    ...there.filter((name) => !names.includes(name)),
  ];
  if (odd.length > 0) throw invalid(`its tables are not those of its migrations (${odd.join(", ")})`);
  // The rows are the outcome of what the triggers did; they would do it twice, and refuse what came about in another order.
  const each = async (what: string): Promise<void> => {
    for (const name of names)
      await tx.execute({ text: `ALTER TABLE ${quoted(name)} ${what} TRIGGER USER`, values: [] });
  };
  await each("DISABLE");
  // What migrations have put there is in the backup as well.
  await tx.execute({ text: `TRUNCATE ${names.map(quoted).join(", ")}`, values: [] });
  for (const table of manifest.tables) await fillTable(tx, table, folder);
  for (const { name, last } of manifest.sequences)
    if (last !== null) await tx.execute(sql`SELECT setval(${quoted(name)}::regclass, ${last}::bigint)`);
  await each("ENABLE");
}

/** Enough for a statement to be worth its way, and far below what one may hold. */
const STATEMENT_CHARACTERS = 1_000_000;

async function fillTable(
  tx: Db,
  { name, file, rows }: Manifest["tables"][number],
  folder: string,
): Promise<void> {
  const lines = createInterface({ input: createReadStream(join(folder, file)) });
  let waiting: string[] = [];
  let characters = 0;
  let seen = 0;
  const insert = async (): Promise<void> => {
    if (waiting.length > 0) await insertRows(tx, name, waiting);
    [waiting, characters] = [[], 0];
  };
  for await (const line of lines) {
    waiting.push(line);
    characters += line.length;
    seen += 1;
    if (characters > STATEMENT_CHARACTERS) await insert();
  }
  await insert();
  if (seen !== rows) throw invalid(`${file} has ${counted(seen, "row")} instead of ${rows}`);
}

async function requireNoEdge(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.some((name) => !/^(lock.*|owner)$/.test(name)))
    throw new CodedError(
      "restore-not-empty",
      `${folder} has an edge's files already: its journal may know more than the backup. Move it away, or restore into another folder`,
    );
}

/** A file that is there already has the same lines: its name says so. */
async function restoreArchive(from: string, { archive }: Manifest, to: ArchiveStore): Promise<void> {
  const backup = folderStore(join(from, ARCHIVE));
  for (const { file } of archive) {
    const name = file.slice(ARCHIVE.length + 1);
    const bytes = await backup.get(name);
    if (bytes === undefined) throw invalid(`${file} is missing`);
    await to.put(name, bytes);
  }
}

async function restoreEdge(from: string, manifest: Manifest, to: string): Promise<void> {
  for (const { file } of manifest.edge) {
    const path = join(to, file.replace(/^edge\//, ""));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await copyFile(join(from, file), path);
  }
}
