/** `prosper backup` and `prosper restore`: what they print, and with which exit code they end. */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ArchiveStore } from "../../../shared/archive/store.ts";
import type { Clock } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { secretIn } from "../../backup/backup-key.ts";
import { isPacked, packBackup, unpackBackup } from "../../backup/packed.ts";
import { type ProofModules, proveBackup } from "../../backup/prove.ts";
import { type RestoreOptions, restoreBackup } from "../../backup/restore.ts";
import { type BackupOptions, takeBackup } from "../../backup/take.ts";
import type { Config } from "../../config/schema.ts";
import { whyUnread } from "../../durable-file.ts";
import { archiveStore, isBucket, storeAt } from "../../pool/archive.ts";
import type { CliContext } from "../context.ts";
import type { Print } from "../output.ts";
import type { Progress } from "../progress.ts";

/** Identity, keys and journal; where a database is configured, the folder is that of `prosper edge`. */
export function edgeFolderOf(context: CliContext, dataDir: string): string {
  return join(context.hasDatabase() ? context.edgeFolder() : dataDir, "edge");
}

/** Where the pool's deltas of sealed blocks are. */
export function archiveOf(context: CliContext, dataDir: string): ArchiveStore {
  return archiveStore(context.config, context.hasDatabase() ? context.edgeFolder() : dataDir);
}

/** Where a backup goes or comes from, and by which key it is encrypted. */
export interface BackupPlace {
  /** A folder or `s3://…`. */
  readonly place: string;
  readonly config: Pick<Config, "archive">;
  /** Where it may stand for a while as a plain folder. */
  readonly dataDir: string;
}

/** Parts, not a plain folder: in a bucket, or encrypted. Its folder of the meantime is removed. */
export async function packedBackup(
  { place, config, dataDir }: BackupPlace,
  publicKey: string | undefined,
  options: Omit<BackupOptions, "folder">,
  modules: BackupCommandModules,
): Promise<void> {
  const store = storeAt(place, config);
  await mkdir(dataDir, { recursive: true });
  const folder = await mkdtemp(join(dataDir, "backup-"));
  const send = async (from: string): Promise<string> => {
    await packBackup(from, store, publicKey);
    return place;
  };
  const flags = publicKey === undefined ? "" : " --key-file FILE";
  await backupCommand({ ...options, folder: join(folder, "whole"), send, place, flags }, modules).finally(
    () => rm(folder, { recursive: true, force: true }),
  );
}

/** Hands a plain folder to `work`: the backup's own, or one that is made of its parts and removed. */
export async function withBackup<T>(
  { place, config, dataDir }: BackupPlace,
  keyFile: string | undefined,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const store = storeAt(place, config);
  if (!isBucket(place) && !(await isPacked(store))) return work(place);
  const secretKey =
    keyFile === undefined ? undefined : secretIn(await readFile(keyFile, "utf8").catch(unreadable));
  await mkdir(dataDir, { recursive: true });
  const folder = await mkdtemp(join(dataDir, "backup-"));
  try {
    await unpackBackup(store, folder, secretKey);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unreadable(thrown: unknown): never {
  throw new CodedError("backup-key", `--key-file cannot be read: ${whyUnread(thrown)}`);
}

export interface BackupCommandModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly print: Print;
  readonly progress?: Progress;
}

/** `place`: where it is in the end, where that is not the folder. `flags`: what restoring it needs besides. */
export async function backupCommand(
  { place, flags = "", ...options }: BackupOptions & { readonly place?: string; readonly flags?: string },
  modules: BackupCommandModules,
): Promise<void> {
  const { db, clock, print, progress } = modules;
  const onProgress = (_table: string, done: number, total: number): void =>
    progress?.update("Backing up", done, total, " tables");
  const folder = place ?? options.folder;
  const { rows, tables, edgeFiles, archiveFiles, sha256 } = await takeBackup(options, {
    db,
    clock,
    onProgress,
  }).finally(() => progress?.end());
  print(
    `${counted(rows, "row")} of ${counted(tables, "table")}, ${counted(edgeFiles, "file")} of the edge and ${archiveFiles} of the archive, in ${folder}`,
    { event: "backup", folder, rows, tables, edgeFiles, archiveFiles, sha256 },
  );
  if (options.archive === undefined)
    print("The archive's files are not in it: keep them yourself, from where archive.folder says");
  print(`Note its hash elsewhere: ${sha256}`);
  print(`See whether it can be restored: npx prosper restore ${folder} --prove --sha256 ${sha256}${flags}`);
}

export async function restoreCommand(
  options: RestoreOptions,
  { db, print }: { readonly db: Db; readonly print: Print },
): Promise<void> {
  const { madeAt, pool, tables, edge, archive } = await restoreBackup(options, { db });
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  print(
    `Pool ${pool} as of ${madeAt}: ${counted(rows, "row")} of ${counted(tables.length, "table")}, ${counted(edge.length, "file")} of the edge and ${archive.length} of the archive`,
    {
      ...{ event: "restored", pool, madeAt, rows, tables: tables.length, edgeFiles: edge.length },
      archiveFiles: archive.length,
    },
  );
  print(
    'Before anything is paid: npx prosper audit --replay, then npx prosper payout compare (docs/runbook.md, "Restoring the database")',
  );
}

/** The exit code is 1 where the backup does not make the living pool's books. */
export async function proveCommand(
  backup: { readonly folder: string; readonly place?: string; readonly sha256?: string | undefined },
  modules: ProofModules & { readonly print: Print; readonly warn: (line: string) => void },
): Promise<number> {
  if (!/^postgres(ql)?:/.test(modules.url))
    throw new CodedError(
      "config",
      "a proof makes a database on the pool's server, which the Data API cannot: Aurora's snapshots are restored by docs/aws.md",
    );
  const proof = await proveBackup(backup, modules);
  const { print, warn } = modules;
  for (const problem of proof.problems) warn(problem);
  const isProved = proof.problems.length === 0;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const took = `restored in ${seconds(proof.restoreMs)} s, all in ${seconds(proof.totalMs)} s`;
  const verdict = isProved
    ? `Proved: the backup of ${proof.madeAt} makes the same ${proof.blocks} sealed blocks, audited and replayed`
    : `NOT PROVED: ${proof.problems.length} things do not agree`;
  print(`${verdict} (${took})`, { event: isProved ? "proved" : "not-proved", ...proof });
  return isProved ? 0 : 1;
}
