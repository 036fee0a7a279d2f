/** Commands around a pool that need none of its records: devnet, stratum, miner. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { ProgramParts } from "../context.ts";
import { fraction, secondsOption, wholeNumber } from "../numbers.ts";
import { outputOf } from "../output.ts";
import { shutdownSignal } from "../shutdown.ts";
import { packageVersion } from "../version.ts";
import { addMinerFlags, type MinerFlags, mine } from "./mine.ts";

/** Brings the project's own Node where the machine's is another. */
const LAUNCHER = resolve(import.meta.dirname, "../../launch/prosper.mjs");

const print = (line: string): void => void process.stdout.write(`${line}\n`);

export function addNetworkCommands(program: Command, parts: ProgramParts): void {
  addDevnet(program, parts);
  addStratum(program, parts);
  addMiner(program, parts);
}

/** As commander gives them; see DevnetFlags. */
interface DevnetCommandFlags {
  bits: number;
  dataDir?: string;
  blockSeconds?: number;
  goBack?: number;
}

function addDevnet(program: Command, parts: ProgramParts): void {
  program
    .command("devnet")
    .description("a Factom and PegNet network of one's own: factomd's JSON-RPC, rivals, prices, faults")
    .option("--data-dir <dir>", "keep the chain there (default: it is gone at the end)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <port>", "factomd, pegnetd and controls (default: 0 picks a free one)", wholeNumber)
    .option("--feed-port <port>", "price feed (default: 0 picks a free one)", wholeNumber)
    .option("--block-seconds <n>", "length of a block (default: 10)", secondsOption)
    .option("--bits <n>", "table size, 8 to 30; 30 is the real one", wholeNumber, 16)
    .option("--rivals <n>", "miners of its own (default: 30)", wholeNumber)
    .option("--rival-hashes <n>", "their hashes a block, all together (default: auto, by what others do)")
    .option("--ec <address...>", "EC addresses that get entry credits")
    .option("--seed <n>", "of prices and their spread (default: 1)", wholeNumber)
    .option("--replay <file...>", "begin the chain with real blocks, with mainnet's versions")
    .option("--stall", "stop in the first block, until told to go on")
    .option("--skip <n>", "every n-th block has no OPR", wholeNumber)
    .option("--errors <part>", "part of the calls that fail, 0 to 1", fraction)
    .option("--delay-ms <ms>", "each call takes so much longer", wholeNumber)
    .option("--go-back <n>", "the node has lost its last n blocks, and finds them again", wholeNumber)
    .option("--json", "one JSON line an event")
    .action(async (flags: DevnetCommandFlags, command: Command) => {
      const { devnetCommand } = await import("./devnet.ts");
      const { lockFolder } = await import("../../../edge/lease/folder-lock.ts");
      const { activationsOf } = await import("../../pool/pool-settings.ts");
      const context = parts.contextOf(command);
      const logger = context.logger();
      const signal = shutdownSignal(logger);
      const dataDir = flags.dataDir === undefined ? undefined : resolve(flags.dataDir);
      const lock = dataDir === undefined ? undefined : lockFolder(dataDir);
      const hasher = await context.openHasher(flags.bits, 1, { logger, signal });
      const isTesting = context.config.pegnet.activation >= 0;
      const activations = isTesting ? activationsOf(context.config) : undefined;
      const modules = { hasher, print, logger, signal, clock: systemClock, random: systemRandom };
      try {
        await devnetCommand({ ...flags, dataDir, activations }, modules);
      } finally {
        await hasher.close();
        lock?.release();
      }
    });
}

function addStratum(program: Command, parts: ProgramParts): void {
  program
    .command("stratum")
    .description("only the stratum server: every name may log in, jobs are set on the console")
    .option("--bits <n>", "table size, 8 to 30", wholeNumber, 30)
    .action(async (flags: { bits: number }, command: Command) => {
      const { stratumCommand } = await import("./stratum.ts");
      const context = parts.contextOf(command);
      const logger = context.logger();
      const signal = shutdownSignal(logger);
      const { host, stratumport, validateallshares } = context.config.stratum;
      if (!validateallshares) logger.warn("shares are not hashed: miners are trusted");
      const hasher = validateallshares
        ? await context.openHasher(flags.bits, 1, { logger, signal })
        : undefined;
      const { stdin } = process;
      process.exitCode = await stratumCommand(
        { host, port: stratumport },
        { hasher, stdin, ...outputOf(command), clock: systemClock, random: systemRandom, logger, signal },
      );
      await hasher?.close();
      // An open stdin would keep the process.
      stdin.destroy();
    });
}

function addMiner(program: Command, parts: ProgramParts): void {
  addMinerFlags(program.command("miner").description("mine on a pool; with --register it registers first"))
    .option(
      "--password <password>",
      "to log in or register; others on this machine see it: better --register",
    )
    .option("--invite <code>", "to register; the same holds for it")
    .action(async (flags: MinerFlags, command: Command) => {
      const context = parts.contextOf(command);
      await mine(flags, {
        ...{ env: context.env, version: packageVersion() },
        program: { command: [process.execPath, LAUNCHER, "miner"] },
        print: outputOf(command).print,
        logger: context.logger(),
        openTable: (bits, modules) => context.openTable(bits, modules),
      });
    });
}
