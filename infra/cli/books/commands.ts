/** Commands on the pool's records: db, audit, and paying out. */

import { type Command, InvalidArgumentError } from "commander";
import { systemClock } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import { requireYes, YES } from "../ask.ts";
import { hasPostgres, type ProgramParts } from "../context.ts";
import { addOperatorCommands, spanOption } from "../operator/commands.ts";
import { outputOf } from "../output.ts";
import {
  approvalsNeeded,
  BY_HAND,
  DATA_DIR,
  openChain,
  type PayoutFlags,
  poolKeySources,
  RECEIPT_KEY,
  SOURCE,
  type WithDb,
} from "../payout/cli-parts.ts";
import { addPayoutCommands } from "../payout/commands.ts";
import type { CodeTerms } from "./accounts.ts";
import { addCareCommands } from "./care-commands.ts";

interface YesFlag {
  yes?: boolean;
}

/** As many as a page makes at one go. */
const MOST_CODES = 50;

function countOption(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_CODES) return Number(text);
  throw new InvalidArgumentError(`expected 1 to ${MOST_CODES}`);
}

interface DataFlags {
  dataDir: string;
}

export function addDatabaseCommands(program: Command, parts: ProgramParts): void {
  const withDb: WithDb = async (command, work, options = {}) => {
    const context = parts.contextOf(command);
    const { dataDir } = command.opts<DataFlags>();
    if (!context.hasDatabase() && !hasPostgres(dataDir)) {
      throw new CodedError(
        "no-database",
        `there is no pool in ${dataDir} and no database is configured: start one with \`prosper up\`, name its folder with --data-dir or PROSPER_DATA_DIR, or set DATABASE_URL (on AWS: DATABASE_CLUSTER_ARN and DATABASE_SECRET_ARN)`,
      );
    }
    const { db, close } = await context.openDatabase(dataDir, context.logger(), options);
    await work(db).finally(close);
  };

  program
    .command("audit")
    .description("does the money add up? From the database, also while the pool runs")
    .option(...DATA_DIR)
    .option("--json", "one line of JSON")
    .option(
      "--replay",
      "make the books a second time from all work, also that in the archive, and compare every row",
    )
    .action(async (flags: { json?: boolean; replay?: boolean }, command: Command) => {
      const { auditCommand } = await import("./audit.ts");
      const { archiveOf } = await import("./backup.ts");
      const { showProgress } = await import("../progress.ts");
      await withDb(command, async (db) => {
        const progress = showProgress({ stream: process.stderr, clock: systemClock });
        const { warn } = outputOf(command);
        const print = (line: string): void => void process.stdout.write(`${line}\n`);
        const archive = archiveOf(parts.contextOf(command), command.opts<DataFlags>().dataDir);
        process.exitCode = await auditCommand(flags, { db, print, warn, progress, archive });
      });
    });

  addCareCommands(program, parts, withDb);
  addOperatorCommands(program, withDb);
  addDbCommands(program, parts, withDb);
  addPayoutCommands(program, parts, withDb);
}

function addDbCommands(program: Command, parts: ProgramParts, withDb: WithDb): void {
  const db = program.command("db").description("schema, accounts and payments, directly in the database");
  db.command("migrate")
    .description("bring the database to this version")
    .option(...DATA_DIR)
    .option("--dry-run", "only name the migrations that are missing")
    .option("--roles", "also make the roles of the parts and give them their rights: needs an owner who may")
    .action(async ({ dryRun = false, roles = false }: MigrateFlags, command: Command) => {
      const { dbMigrateCommand } = await import("../payout/db.ts");
      await withDb(
        command,
        (database) => dbMigrateCommand({ dryRun, roles }, { db: database, ...outputOf(command) }),
        {
          schema: "leave",
        },
      );
    });
  addAccounts(db, withDb);
  addMoney(db, parts, withDb);
}

interface MigrateFlags {
  dryRun?: boolean;
  roles?: boolean;
}

function addAccounts(db: Command, withDb: WithDb): void {
  db.command("admin <user>")
    .description("make a user an administrator")
    .option(...DATA_DIR)
    .option("--reset-password", "give it a new password, printed once")
    .option(...YES)
    .action(async (user: string, flags: YesFlag & { resetPassword?: boolean }, command: Command) => {
      const { dbAdminCommand } = await import("./accounts.ts");
      const { resetPassword = false } = flags;
      await withDb(command, async (database) => {
        const password = resetPassword ? " and its password a new one" : "";
        await requireYes(`Make ${user} an administrator${password}? Its name will no longer mine.`, flags);
        await dbAdminCommand(user, { resetPassword }, { db: database, ...outputOf(command) });
      });
    });
  db.command("demote <user>")
    .description("make an administrator a user again; never the last one")
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (user: string, flags: YesFlag, command: Command) => {
      const { dbDemoteCommand } = await import("./accounts.ts");
      await withDb(command, async (database) => {
        await requireYes(`Take the rights of an administrator from ${user}?`, flags);
        await dbDemoteCommand(user, { db: database, ...outputOf(command) });
      });
    });
  db.command("password <user>")
    .description("give a user who has lost it a new password, printed once; nothing else changes")
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (user: string, flags: YesFlag, command: Command) => {
      const { dbPasswordCommand } = await import("./accounts.ts");
      await withDb(command, async (database) => {
        await requireYes(`Give ${user} a new password? The old one and every session end.`, flags);
        await dbPasswordCommand(user, { db: database, ...outputOf(command) });
      });
    });
  db.command("reset-second-factor <user>")
    .description("let a user log in by the password alone, whose authenticator and recovery codes are lost")
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (user: string, flags: YesFlag, command: Command) => {
      const { dbResetSecondFactorCommand } = await import("./accounts.ts");
      await withDb(command, async (database) => {
        await requireYes(`Take the second factor from ${user}?`, flags);
        await dbResetSecondFactorCommand(user, { db: database, ...outputOf(command) });
      });
    });
  db.command("code [code]")
    .description("make an invite code; each makes one user")
    .option("--note <text>", "what it is for; only administrators see it")
    .option("--count <n>", "so many of them", countOption)
    .option("--for <span>", "how long it is good, such as 3h or 7d (default: without an end)", spanOption)
    .option(...DATA_DIR)
    .action(async (code: string | undefined, flags: DataFlags & CodeTerms, command: Command) => {
      const { dbCodeCommand } = await import("./accounts.ts");
      await withDb(command, (database) => dbCodeCommand(code, { db: database, ...outputOf(command) }, flags));
    });
}

function addMoney(db: Command, parts: ProgramParts, withDb: WithDb): void {
  db.command("adjust <user> <amount>")
    .description("correct what a user is owed: PEG, below 0 to take away")
    .requiredOption("--reason <text>", "why; the user sees it")
    .option("--by <name>", "who decides it", "command line")
    .option(...YES)
    .option(...DATA_DIR)
    .action(
      async (
        user: string,
        amount: string,
        flags: DataFlags & YesFlag & { reason: string; by: string },
        command: Command,
      ) => {
        const { dbAdjustCommand } = await import("./adjust.ts");
        await withDb(command, async (database) => {
          const confirm = (question: string): Promise<void> => requireYes(question, flags);
          const { twoadministrators: twoAdministrators } = parts.contextOf(command).config.pool;
          const options = { ...flags, twoAdministrators };
          await dbAdjustCommand(user, amount, options, { db: database, ...outputOf(command), confirm });
        });
      },
    );
  db.command("payout [file]")
    .description("list what is owed, for `prosper payout pay`; without a file to standard output")
    .option(...DATA_DIR)
    .option("--uncompared", "do not compare with the chain: sending it still does")
    .option(...RECEIPT_KEY)
    .option(...SOURCE)
    .action(
      async (file: string | undefined, flags: PayoutFlags & { uncompared?: boolean }, command: Command) => {
        const { dbPayoutCommand } = await import("../payout/db.ts");
        const context = parts.contextOf(command);
        const { minimum } = context.config.payout;
        const { findPoolKeys } = await import("../payout/pool-key.ts");
        const poolKeys = await findPoolKeys(poolKeySources(context, flags));
        const chain = flags.uncompared === true ? undefined : openChain(command, context);
        await withDb(command, (database) => {
          const compare = chain?.requireAllBooked(database) ?? (async () => undefined);
          return dbPayoutCommand(file, {
            ...{ ...outputOf(command), db: database, minimum, poolKeys, compare },
            approvalsNeeded: approvalsNeeded(context),
          });
        });
      },
    );
  db.command("record <receipt>")
    .description("book the receipt that `prosper payout pay` wrote")
    .option(...DATA_DIR)
    .option(...BY_HAND)
    .option(...YES)
    .action(async (receipt: string, flags: PayoutFlags, command: Command) => {
      const { dbRecordCommand } = await import("../payout/db.ts");
      const { byHand } = flags;
      await withDb(command, async (database) => {
        // A list of the pool's own is compared with what was prepared; here only the operator's word stands.
        if (byHand === true)
          await requireYes(`Book ${receipt} though the pool has not prepared its list?`, flags);
        await dbRecordCommand(receipt, { ...outputOf(command), db: database, byHand });
      });
    });
}
