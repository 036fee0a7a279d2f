/** Commands that pay the miners: prepare, sign, send, confirm, list, and the reference's `pay` that does the middle ones at once. */

import type { Command } from "commander";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { requireAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { type KeyPair, keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { createPegnetd, type Pegnetd } from "../../shared/factom/pegnetd.ts";
import { type DevnetKeys, readDevnetPool } from "../local/devnet-pool.ts";
import { connectFactomd } from "../local/factomd.ts";
import type { CliContext } from "./context.ts";
import { DEFAULT_DATA_DIR } from "./context.ts";
import { pegAmount } from "./numbers.ts";
import type { ProgramParts } from "./program-parts.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const warn = (line: string): void => void process.stderr.write(`${line}\n`);

const DATA_DIR = [
  "--data-dir <dir>",
  "folder of the pool (without a configured database)",
  DEFAULT_DATA_DIR,
] as const;
const FS = [
  "--fs <key>",
  "Fs… key that pays the PEG (default: PROSPER_FS_KEY, else the devnet pool's)",
] as const;
const ES = [
  "--es <key>",
  "Es… key that pays the entry credits (default: pool.esaddress, else the devnet pool's)",
] as const;

interface PayoutFlags {
  dataDir: string;
  fs?: string;
  es?: string;
  fhost?: string;
}

type WithDb = (command: Command, work: (db: Db) => Promise<void>) => Promise<void>;

export function addPayoutCommands(program: Command, parts: ProgramParts, withDb: WithDb): void {
  const payout = program.command("payout").description("pay the miners");
  addPrepare(payout, parts, withDb);
  addSign(payout, parts);
  addSend(payout, parts, withDb);
  addConfirm(payout, parts, withDb);
  addPay(payout, parts, withDb);
}

function addPrepare(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("prepare <file>")
    .description("put on record who is to be paid what, and write it to a new file for `prosper payout sign`")
    .option("--minimum <peg>", "pay only who is owed as much (default: payout.minimum)", pegAmount)
    .option(...DATA_DIR)
    .action(async (file: string, flags: { minimum?: bigint }, command: Command) => {
      const { prepareCommand } = await import("./payout/prepare.ts");
      const minimum = flags.minimum ?? parts.contextOf(command).config.payout.minimum;
      await withDb(command, (db) =>
        prepareCommand({ file, minimum }, { db, clock: systemClock, print, warn }),
      );
    });
  payout
    .command("list")
    .description("every payout and how far it has come")
    .option("--json", "one line of JSON")
    .option(...DATA_DIR)
    .action(async (flags: { json?: boolean }, command: Command) => {
      const { listCommand } = await import("./payout/list.ts");
      await withDb(command, (db) => listCommand(flags, { db, print }));
    });
}

function addSign(payout: Command, parts: ProgramParts): void {
  payout
    .command("sign <file>")
    .description("sign a prepared payout; needs neither database nor network")
    .option(...FS)
    .option("--out <file>", "where the signed payout goes (default: FILE with .signed.json)")
    .option(...DATA_DIR)
    .action(async (file: string, flags: PayoutFlags & { out?: string }, command: Command) => {
      const { signCommand } = await import("./payout/sign.ts");
      const signer = keyPairFromSeed(requireAddress("Fs", readKeys(parts.contextOf(command), flags).fs));
      await signCommand({ file, signedFile: flags.out ?? beside(file, "signed"), signer }, { print });
    });
}

function addSend(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("send <file>")
    .description(
      "put a signed payout on record and on the chain; run it again after any failure, nothing is paid twice",
    )
    .option(...ES)
    .option(...DATA_DIR)
    .action(async (file: string, _flags: PayoutFlags, command: Command) => {
      const { sendCommand } = await import("./payout/send.ts");
      const { payer, nodes } = openChain(command, parts);
      await withDb(command, (db) =>
        sendCommand({ file, payer }, { ...nodes, db, clock: systemClock, print }),
      );
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
      const { confirmCommand } = await import("./payout/confirm.ts");
      const { nodes } = openChain(command, parts);
      await withDb(command, async (db) => {
        if ((await confirmCommand({ id }, { ...nodes, db, print })) > 0) process.exitCode = 2;
      });
    });
}

function addPay(payout: Command, parts: ProgramParts, withDb: WithDb): void {
  payout
    .command("pay <file>")
    .description("sign and send what `prosper db payout` listed, and write a receipt for `prosper db record`")
    .option("--receipt <file>", "where the receipt goes (default: FILE with .receipt.json)")
    .option(
      "--without-database",
      "keep what is sent in a file beside FILE only: nothing stops another file from paying it again",
    )
    .option(...FS)
    .option(...ES)
    .option(...DATA_DIR)
    .action(
      async (
        file: string,
        flags: PayoutFlags & { receipt?: string; withoutDatabase?: boolean },
        command: Command,
      ) => {
        const { payCommand } = await import("./payout.ts");
        const { fs, es } = readKeys(parts.contextOf(command), flags);
        const { nodes } = openChain(command, parts);
        const options = {
          payFile: file,
          receiptFile: flags.receipt ?? beside(file, "receipt"),
          sourceSecret: fs,
          creditSecret: es,
        };
        const modules = { ...nodes, clock: systemClock, print };
        if (flags.withoutDatabase === true) await payCommand(options, modules);
        else await withDb(command, (db) => payCommand(options, { ...modules, db }));
      },
    );
}

/** `pay.json` → `pay.NAME.json`. */
function beside(file: string, name: string): string {
  return `${file.replace(/\.json$/, "")}.${name}.json`;
}

function readKeys(context: CliContext, flags: PayoutFlags): Pick<DevnetKeys, "fs" | "es"> {
  const devnet = readDevnetPool(flags.dataDir);
  const fs = flags.fs ?? context.env["PROSPER_FS_KEY"] ?? devnet?.keys.fs;
  // Who signs offline has no credits there, who sends has no PEG there: each is missed only where it is used.
  const missing = (what: string): never => {
    throw new CodedError("payout-key", `expected ${what}`);
  };
  return {
    get fs() {
      return fs ?? missing("an Fs… key: set PROSPER_FS_KEY, or pass --fs");
    },
    get es() {
      const es = flags.es ?? (context.config.pool.esaddress || devnet?.keys.es);
      return es ?? missing("an Es… key: set pool.esaddress, or pass --es");
    },
  };
}

interface Nodes {
  readonly factomd: Factomd;
  readonly pegnetd?: Pegnetd;
}

/** The nodes of the configuration; those of the devnet pool in the folder, unless the command line names its own. */
function openChain(
  command: Command,
  parts: ProgramParts,
): { readonly payer: KeyPair; readonly nodes: Nodes } {
  const context = parts.contextOf(command);
  const flags = command.optsWithGlobals<PayoutFlags>();
  const devnet = flags.fhost === undefined ? readDevnetPool(flags.dataDir) : undefined;
  const url = devnet?.factomd ?? context.config.factom.factomdlocation;
  // A devnet's node speaks for both.
  const pegnetd = devnet?.factomd.replace(/\/v2$/, "/v1") ?? context.config.payout.pegnetdlocation;
  const modules = { fetch, clock: systemClock, random: systemRandom };
  return {
    get payer() {
      return keyPairFromSeed(requireAddress("Es", readKeys(context, flags).es));
    },
    nodes: {
      factomd: connectFactomd(url, { ...modules, logger: context.logger() }),
      ...(pegnetd === "" ? {} : { pegnetd: createPegnetd({ url: pegnetd, timeoutMs: 10_000 }, modules) }),
    },
  };
}
