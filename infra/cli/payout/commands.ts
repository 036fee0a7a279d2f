/**
 * Commands that pay the miners: prepare, sign, send, confirm, list, those that make books and chain agree,
 * and the reference's `pay`.
 */

import type { Command } from "commander";
import { systemClock } from "../../../shared/clock.ts";
import { askAtTerminal, requireYes, YES } from "../ask.ts";
import type { ProgramParts } from "../context.ts";
import { pegOption } from "../numbers.ts";
import { outputOf } from "../output.ts";
import {
  approvalsNeeded,
  BY_HAND,
  beside,
  DATA_DIR,
  ES,
  FS,
  KEY_FILE,
  openChain,
  type PayoutFlags,
  POOL_KEY,
  payerOf,
  poolKeySources,
  RECEIPT_KEY,
  readPaymentKeys,
  SOURCE,
  signerOf,
  type WithDb,
} from "./cli-parts.ts";

/** For commands that make their JSON themselves. */
const isTerminal = process.stdout.isTTY === true;
const printRaw = (line: string): void => void process.stdout.write(`${line}\n`);

export function addPayoutCommands(program: Command, parts: ProgramParts, withDb: WithDb): void {
  const payout = program.command("payout").description("pay the miners");
  addPrepare(payout, parts, withDb);
  addSign(payout, parts);
  addSend(payout, parts, withDb);
  addConfirm(payout, parts, withDb);
  addPay(payout, parts, withDb);
  addCompare(payout, parts, withDb);
}

function addPrepare(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("prepare <file>")
    .description(
      "put on record who is to be paid what, and write it, signed by the pool, to a new file for `prosper payout sign`",
    )
    .option("--minimum <peg>", "pay only who is owed as much (default: payout.minimum)", pegOption)
    .option(...RECEIPT_KEY)
    .option(...SOURCE)
    .option(...DATA_DIR)
    .action(async (file: string, flags: PayoutFlags & { minimum?: bigint }, command: Command) => {
      const { prepareCommand } = await import("./prepare.ts");
      const context = parts.contextOf(command);
      const minimum = flags.minimum ?? context.config.payout.minimum;
      const { requirePoolKeys } = await import("./pool-key.ts");
      const poolKeys = await requirePoolKeys(poolKeySources(context, flags));
      const chain = openChain(command, context);
      await withDb(command, (db) =>
        prepareCommand(
          { file, minimum, poolKeys, approvalsNeeded: approvalsNeeded(context) },
          { db, clock: systemClock, compare: chain.requireAllBooked(db), ...outputOf(command), isTerminal },
        ),
      );
    });
  payout
    .command("list")
    .description("every payout and how far it has come")
    .option("--json", "one line of JSON: all of them")
    .option(...DATA_DIR)
    .action(async (flags: { json?: boolean }, command: Command) => {
      const { listCommand } = await import("./list.ts");
      await withDb(command, (db) => listCommand(flags, { db, print: printRaw }));
    });
  payout
    .command("show [id]")
    .description(
      "who gets what of a payout and why: earned, adjusted, carried, last time, changed address; without an id of the prepared one, else of the newest",
    )
    .option("--json", "one line of JSON: all of it")
    .option(...DATA_DIR)
    .action(async (id: string | undefined, flags: { json?: boolean }, command: Command) => {
      const { showCommand } = await import("./show.ts");
      await withDb(command, (db) => showCommand({ id, ...flags }, { db, print: printRaw }));
    });
}

/** Whoever signs may be on a machine without a pool. */
type SignFlags = Omit<PayoutFlags, "dataDir"> & { dataDir?: string; out?: string };

function addSign(payout: Command, parts: ProgramParts): void {
  payout
    .command("sign <file>")
    .description("show a prepared payout and sign it; needs neither database nor network")
    .option(...KEY_FILE)
    .option(...FS)
    .option(...POOL_KEY)
    .option(...YES)
    .option("--out <file>", "where the signed payout goes (default: FILE with .signed.json)")
    .option(
      "--data-dir <dir>",
      "folder where this machine remembers what it signed (default: PROSPER_DATA_DIR, else ~/.prosper/devnet)",
    )
    .action(async (file: string, flags: SignFlags, command: Command) => {
      const { signCommand } = await import("./sign.ts");
      const { findPoolKeys } = await import("./pool-key.ts");
      const context = parts.contextOf(command);
      const folder = flags.dataDir ?? context.ownFolder();
      const options = {
        file,
        signedFile: flags.out ?? beside(file, "signed"),
        signer: await signerOf(context, { ...flags, dataDir: folder }),
        folder,
        poolKey: flags.poolKey,
        own: await findPoolKeys({ dataDirs: [folder] }),
      };
      const ask = askAtTerminal({ yes: flags.yes === true });
      await signCommand(options, { ...outputOf(command), isTerminal, ask });
    });
}

function addSend(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("send <file>")
    .description(
      "put a signed payout on record and on the chain; run it again after any failure, nothing is paid twice",
    )
    .option(...KEY_FILE)
    .option(...ES)
    .option(...BY_HAND)
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (file: string, flags: PayoutFlags, command: Command) => {
      const { sendCommand, sendQuestion } = await import("./send.ts");
      const context = parts.contextOf(command);
      const chain = openChain(command, context);
      const payer = await payerOf(context, flags);
      const options = {
        file,
        payer,
        byHand: flags.byHand === true,
        approvalsNeeded: approvalsNeeded(context),
      };
      await withDb(command, async (db) => {
        await requireYes(await sendQuestion(file), flags);
        await sendCommand(options, {
          ...{ ...chain, ...outputOf(command) },
          ...{ db, clock: systemClock, compare: chain.requireNothingUnbooked(db) },
        });
      });
    });
}

function addConfirm(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("confirm [id]")
    .description(
      "book what has paid, of one payout or of all on their way; exits with 2 while something is waited for",
    )
    .option(...DATA_DIR)
    .action(async (id: string | undefined, _flags: PayoutFlags, command: Command) => {
      const { confirmCommand } = await import("./confirm.ts");
      const chain = openChain(command, parts.contextOf(command));
      await withDb(command, async (db) => {
        if ((await confirmCommand({ id }, { ...chain, ...outputOf(command), db })) > 0) process.exitCode = 2;
      });
    });
}

function addPay(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("pay <file>")
    .description(
      "show, sign and send what `prosper db payout` listed, and write a receipt for `prosper db record`",
    )
    .option("--receipt <file>", "where the receipt goes (default: FILE with .receipt.json)")
    .option(
      "--without-database",
      "keep what is sent in a file beside FILE only: nothing stops another file from paying it again",
    )
    .option(...KEY_FILE)
    .option(...FS)
    .option(...ES)
    .option(...YES)
    .option(...BY_HAND)
    .option(...POOL_KEY)
    .option(...DATA_DIR)
    .action(
      async (
        file: string,
        flags: PayoutFlags & { receipt?: string; withoutDatabase?: boolean },
        command: Command,
      ) => {
        const { payCommand } = await import("./pay.ts");
        const { findPoolKeys } = await import("./pool-key.ts");
        const context = parts.contextOf(command);
        const { fs, es } = await readPaymentKeys(context, flags);
        const chain = openChain(command, context);
        const options = {
          payFile: file,
          receiptFile: flags.receipt ?? beside(file, "receipt"),
          sourceSecret: fs,
          creditSecret: es,
          folder: flags.dataDir,
          byHand: flags.byHand,
          approvalsNeeded: approvalsNeeded(context),
          poolKey: flags.poolKey,
          own: await findPoolKeys({ dataDirs: [flags.dataDir] }),
        };
        const ask = askAtTerminal({ yes: flags.yes === true });
        const modules = { ...chain, ...outputOf(command), clock: systemClock, ask };
        if (flags.withoutDatabase === true)
          await payCommand(options, { ...modules, compare: async () => undefined });
        else
          await withDb(command, (db) =>
            payCommand(options, { ...modules, db, compare: chain.requireNothingUnbooked(db) }),
          );
      },
    );
}

function addCompare(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("compare")
    .description(
      "what the paying addresses paid on the chain and the books do not know; exits with 2 where there is any",
    )
    .option(...SOURCE)
    .option(...DATA_DIR)
    .action(async (_flags: PayoutFlags, command: Command) => {
      const { compareCommand } = await import("./book.ts");
      const chain = openChain(command, parts.contextOf(command));
      await withDb(command, async (db) => {
        const isWhole = await compareCommand(chain.options, { ...chain.modules(db), ...outputOf(command) });
        if (!isWhole) process.exitCode = 2;
      });
    });
  payout
    .command("book <entry>")
    .description("book an entry on the chain that paid miners, which the books do not know")
    .option(...SOURCE)
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (entryHash: string, flags: PayoutFlags, command: Command) => {
      const { bookCommand } = await import("./book.ts");
      const chain = openChain(command, parts.contextOf(command));
      await withDb(command, async (db) => {
        await requireYes(`Book what entry ${entryHash} paid? It stays in the books.`, flags);
        await bookCommand({ ...chain.options, entryHash }, { ...chain.modules(db), ...outputOf(command) });
      });
    });
  payout
    .command("disregard <entry>")
    .description("say of an entry on the chain that it paid no miner, so that payouts go on")
    .requiredOption("--reason <text>", "what it was for")
    .option(...SOURCE)
    .option(...YES)
    .option(...DATA_DIR)
    .action(async (entryHash: string, flags: PayoutFlags & { reason: string }, command: Command) => {
      const { disregardCommand } = await import("./book.ts");
      const chain = openChain(command, parts.contextOf(command));
      const options = { ...chain.options, entryHash, reason: flags.reason };
      await withDb(command, async (db) => {
        await requireYes(`Never ask about entry ${entryHash} again: it paid no miner?`, flags);
        await disregardCommand(options, { ...chain.modules(db), ...outputOf(command) });
      });
    });
}
