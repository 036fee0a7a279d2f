/** Commands by which an operator orders: bars, announcements, maintenance. */

import { type Command, InvalidArgumentError } from "commander";
import { parseSpan, SPAN_FORM } from "../../../shared/span.ts";
import { requireYes, YES } from "../ask.ts";
import { outputOf } from "../output.ts";
import { DATA_DIR, type WithDb } from "../payout/cli-parts.ts";

const DAY_MS = 86_400_000;

export function spanOption(text: string): number {
  const ms = parseSpan(text);
  if (ms === undefined) throw new InvalidArgumentError(SPAN_FORM);
  return ms;
}

interface YesFlag {
  yes?: boolean;
}

export function addOperatorCommands(program: Command, withDb: WithDb): void {
  addBars(program, withDb);
  addNotices(program, withDb);
}

function addBars(program: Command, withDb: WithDb): void {
  program
    .command("bar <who>")
    .description("send a user's or an address's miners away; what is owed stays owed")
    .requiredOption("--reason <text>", "the user sees it")
    .option("--for <span>", "such as 30min, 3h or 2d (default: until `prosper unbar`)", spanOption)
    .option("--all", "it cannot log in or register either")
    .option(...YES)
    .option(...DATA_DIR)
    .action(
      async (
        who: string,
        flags: { reason: string; for?: number; all?: boolean } & YesFlag,
        command: Command,
      ) => {
        const { barCommand } = await import("./orders.ts");
        await withDb(command, async (db) => {
          await requireYes(`Bar ${who} from this pool?`, flags);
          await barCommand(who, flags, { db, ...outputOf(command) });
        });
      },
    );
  program
    .command("unbar <who>")
    .description("let a barred user or address in again")
    .option(...DATA_DIR)
    .action(async (who: string, _flags: object, command: Command) => {
      const { unbarCommand } = await import("./orders.ts");
      await withDb(command, (db) => unbarCommand(who, { db, ...outputOf(command) }));
    });
  program
    .command("bars")
    .description("who is barred, until when and why")
    .option(...DATA_DIR)
    .action(async (_flags: object, command: Command) => {
      const { barsCommand } = await import("./orders.ts");
      await withDb(command, (db) => barsCommand({ db, ...outputOf(command) }));
    });
}

function addNotices(program: Command, withDb: WithDb): void {
  program
    .command("announce <words>")
    .description("tell every miner and visitor something")
    .option("--for <span>", "how long it is told, such as 3h or 2d (default: 1d)", spanOption)
    .option(...DATA_DIR)
    .action(async (words: string, flags: { for?: number }, command: Command) => {
      const { noticeCommand } = await import("./orders.ts");
      await withDb(command, (db) =>
        noticeCommand("announcement", words, { for: flags.for ?? DAY_MS }, { db, ...outputOf(command) }),
      );
    });
  program
    .command("maintenance <words>")
    .description("stop the miners for a while, say until when, and go on by itself")
    .requiredOption("--for <span>", "how long, such as 30min", spanOption)
    .option("--in <span>", "when it begins (default: now)", spanOption)
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (words: string, flags: { for: number; in?: number } & YesFlag, command: Command) => {
      const { noticeCommand } = await import("./orders.ts");
      await withDb(command, async (db) => {
        await requireYes("Stop the miners of this pool?", flags);
        await noticeCommand("maintenance", words, flags, { db, ...outputOf(command) });
      });
    });
  program
    .command("notices")
    .description("what is told, each with its number")
    .option("--end [number]", "end this one now; without a number the maintenance")
    .option(...DATA_DIR)
    .action(async ({ end }: { end?: string | true }, command: Command) => {
      const { endNoticeCommand, noticesCommand } = await import("./orders.ts");
      await withDb(command, (db) => {
        const modules = { db, ...outputOf(command) };
        return end === undefined
          ? noticesCommand(modules)
          : endNoticeCommand(end === true ? undefined : end, modules);
      });
    });
}
