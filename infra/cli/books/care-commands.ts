/** Commands that keep a pool well for years: doctor, backup, restore, and coming from another pool. */

import { join, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../../shared/clock.ts";
import { requireYes, YES } from "../ask.ts";
import type { ProgramParts } from "../context.ts";
import { outputOf } from "../output.ts";
import { DATA_DIR, type WithDb } from "../payout/cli-parts.ts";

interface DataFlags {
  dataDir: string;
}

export function addCareCommands(program: Command, parts: ProgramParts, withDb: WithDb): void {
  addDoctor(program, parts);
  addShare(program, parts, withDb);
  addBackup(program, parts, withDb);
  addRestore(program, parts);
  addImport(program, withDb);
}

function addDoctor(program: Command, parts: ProgramParts): void {
  program
    .command("doctor")
    .description("look at everything the pool needs; each red finding has the line that mends it")
    .option(...DATA_DIR)
    .action(async ({ dataDir }: DataFlags, command: Command) => {
      const { doctorCommand, openPatient } = await import("./doctor.ts");
      const patient = await openPatient(parts.contextOf(command), dataDir);
      process.exitCode = await doctorCommand(patient, outputOf(command)).finally(patient.close);
    });
}

function addShare(program: Command, parts: ProgramParts, withDb: WithDb): void {
  program
    .command("share <id>")
    .description("what became of a share (its nonce), an entry or payment (its hash) or a block (its height)")
    .option(...DATA_DIR)
    .action(async (id: string, { dataDir }: DataFlags, command: Command) => {
      const { edgeFolderOf } = await import("./backup.ts");
      const { createShareHistory } = await import("../../pool/share-history.ts");
      const { shareCommand } = await import("./share.ts");
      const context = parts.contextOf(command);
      const folder = edgeFolderOf(context, dataDir);
      const shares = createShareHistory({ folder, keepMs: context.config.stratum.sharehistory }, undefined);
      await withDb(command, async (db) => {
        process.exitCode = await shareCommand(id, { db, shares, ...outputOf(command) });
      });
    });
}

function addBackup(program: Command, parts: ProgramParts, withDb: WithDb): void {
  program
    .command("backup <place>")
    .description(
      "database and edge of the pool, also while it runs, into a new folder that only you can read, or a bucket (s3://NAME/PREFIX)",
    )
    .option("--leave-archive", "without the files of the archive, which are kept in another way")
    .option("--encrypt-to <key>", "the public key that `prosper keys --backup` made")
    .option(...DATA_DIR)
    .action(async (to: string, { dataDir, leaveArchive, encryptTo }: BackupFlags, command: Command) => {
      const { archiveOf, backupCommand, edgeFolderOf, packedBackup } = await import("./backup.ts");
      const { isBucket } = await import("../../pool/archive.ts");
      const { showProgress } = await import("../progress.ts");
      const context = parts.contextOf(command);
      const place = isBucket(to) ? to : resolve(to);
      const options = {
        edgeFolder: edgeFolderOf(context, dataDir),
        pool: context.config.pool.opridentity,
        archive: leaveArchive === true ? undefined : archiveOf(context, dataDir),
      };
      const progress = showProgress({ stream: process.stderr, clock: systemClock });
      // Before an upgrade the new version takes it as well: as the old one left it.
      await withDb(
        command,
        (db) => {
          const modules = { db, clock: systemClock, progress, ...outputOf(command) };
          if (encryptTo === undefined && !isBucket(to))
            return backupCommand({ ...options, folder: place }, modules);
          return packedBackup({ place, config: context.config, dataDir }, encryptTo, options, modules);
        },
        { schema: "leave" },
      );
    });
}

/** Of a statement on the Go pool's database: all of its sums. */
const IMPORT_MS = 120_000;

interface ImportFlags {
  from: string;
  dryRun?: boolean;
  yes?: boolean;
}

function addImport(program: Command, withDb: WithDb): void {
  program
    .command("import")
    .description(
      "take over a Go pool's users, what each earned there and what it was paid there; run it again at any time, nothing is counted twice",
    )
    .requiredOption(
      "--from <url>",
      "the Go pool's PostgreSQL, postgres://user@host/name; PGPASSWORD has the password",
    )
    .option("--dry-run", "only say what would be changed")
    .option(...YES)
    .option(...DATA_DIR)
    .action(async ({ from: url, dryRun, ...flags }: ImportFlags, command: Command) => {
      const { importCommand } = await import("./import.ts");
      const { openPg } = await import("../../../shared/db/drivers/pg.ts");
      const from = openPg({ url, size: 1, timeoutMs: IMPORT_MS });
      const confirm = (question: string): Promise<void> => requireYes(question, flags);
      await withDb(command, async (db) => {
        const isWhole = await importCommand({ dryRun }, { db, from, confirm, ...outputOf(command) });
        if (!isWhole) process.exitCode = 2;
      }).finally(() => from.close());
    });
}

interface BackupFlags extends DataFlags {
  leaveArchive?: boolean;
  encryptTo?: string;
}

interface RestoreFlags extends DataFlags {
  prove?: boolean;
  sha256?: string;
  keyFile?: string;
  yes?: boolean;
}

function addRestore(program: Command, parts: ProgramParts): void {
  program
    .command("restore <place>")
    .description(
      "a backup from a folder or bucket into an empty database and folder; with --prove into a scratch database, to see that it can be",
    )
    .option("--prove", "restore beside the living pool, audit, replay, compare the roots, and throw it away")
    .option("--sha256 <hex>", "what `prosper backup` printed: finds a backup that was changed as a whole")
    .option("--key-file <file>", "the secret key of an encrypted backup")
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (from: string, flags: RestoreFlags, command: Command) => {
      const { archiveOf, edgeFolderOf, proveCommand, restoreCommand, withBackup } = await import(
        "./backup.ts"
      );
      const { isBucket } = await import("../../pool/archive.ts");
      const { lockFolder } = await import("../../../edge/lease/folder-lock.ts");
      const context = parts.contextOf(command);
      const output = outputOf(command);
      const place = isBucket(from) ? from : resolve(from);
      const where = { place, config: context.config, dataDir: flags.dataDir };
      const { sha256 } = flags;
      const archive = archiveOf(context, flags.dataDir);
      // A pool that runs is proved beside; nothing is restored under it.
      const lock = flags.prove === true ? undefined : lockFolder(join(flags.dataDir, "edge"));
      const { db, url, close } = await context.openDatabase(flags.dataDir, context.logger(), {
        schema: "leave",
      });
      try {
        if (flags.prove !== true) await requireYes(`Restore ${place} into this database?`, flags);
        await withBackup(where, flags.keyFile, async (folder) => {
          if (flags.prove === true) {
            const modules = { ...output, db, url, clock: systemClock, archive };
            process.exitCode = await proveCommand({ folder, place, sha256 }, modules);
            return;
          }
          const edgeFolder = edgeFolderOf(context, flags.dataDir);
          await restoreCommand({ folder, sha256, archive, edgeFolder }, { ...output, db });
        });
      } finally {
        await close();
        lock?.release();
      }
    });
}
