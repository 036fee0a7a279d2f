/** Commands that run until they are stopped: up, edge, devnet, stratum, miner, sync, accountant, auth. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { DEFAULT_DATA_DIR } from "./context.ts";
import { seconds, wholeNumber } from "./numbers.ts";
import type { ProgramParts } from "./program-parts.ts";
import { shutdownSignal } from "./shutdown.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

export function addServiceCommands(program: Command, parts: ProgramParts): void {
  addUp(program, parts);
  addStratum(program, parts);
  addMiner(program, parts);
}

interface UpFlags {
  dataDir: string;
  webPort?: number;
  stratumPort?: number;
  blockSeconds: number;
  bits: number;
  miners: number;
  json?: boolean;
}

function addUp(program: Command, parts: ProgramParts): void {
  program
    .command("up")
    .description("a whole pool on its own devnet: PostgreSQL, network, prices, pool and a miner")
    .option("--data-dir <dir>", "where everything is kept", DEFAULT_DATA_DIR)
    .option("--web-port <port>", "dashboard (default: web.port, 7070); 0 picks a free one", wholeNumber)
    .option(
      "--stratum-port <port>",
      "miners (default: stratum.stratumport, 1234); 0 picks a free one",
      wholeNumber,
    )
    .option("--block-seconds <n>", "length of a block", seconds, 10)
    .option("--bits <n>", "table size, 8 to 30; 30 is the real one", wholeNumber, 16)
    .option("--miners <n>", "local miners", wholeNumber, 1)
    .option("--json", "one JSON line an event, and nothing else on standard output")
    .action(async (flags: UpFlags, command: Command) => {
      const { upCommand } = await import("./up.ts");
      const context = parts.contextOf(command);
      const dataDir = resolve(flags.dataDir);
      const logger = context.logger(join(dataDir, "prosper.log"));
      const signal = shutdownSignal(logger);
      const { config } = context;
      const settings = {
        ...config,
        web: { ...config.web, port: flags.webPort ?? config.web.port },
        stratum: { ...config.stratum, stratumport: flags.stratumPort ?? config.stratum.stratumport },
      };
      process.exitCode = await upCommand(
        {
          dataDir,
          config: settings,
          databaseUrl: context.databaseUrl(),
          bits: flags.bits,
          blockSeconds: flags.blockSeconds,
          miners: flags.miners,
          version: packageVersion(),
          json: flags.json === true,
        },
        {
          clock: systemClock,
          random: systemRandom,
          logger,
          print,
          signal,
          openTable: (bits) => context.openTable(bits, { logger, signal }),
        },
      );
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
      const hasher = await context.openHasher(flags.bits, 1, { logger, signal });
      const { host, stratumport } = context.config.stratum;
      const { stdin, stdout } = process;
      process.exitCode = await stratumCommand(
        { host, port: stratumport },
        { hasher, stdin, stdout, clock: systemClock, random: systemRandom, logger, signal },
      );
      await hasher.close();
    });
}

interface MinerFlags {
  host: string;
  user: string;
  worker: string;
  threads?: number;
  duty?: number;
  password?: string;
  invite?: string;
  address?: string;
  bits: number;
}

function addMiner(program: Command, parts: ProgramParts): void {
  program
    .command("miner")
    .description("mine on a pool; with --password, --invite and --address it registers first")
    .option("--host <host:port>", "the pool", "localhost:1234")
    .requiredOption("--user <name>", "the account that is credited")
    .requiredOption("--worker <name>", "this machine's name")
    .option("--threads <n>", "hashing threads (default: one for each core)", wholeNumber)
    .option("--duty <part>", "part of the time each thread computes, above 0 and up to 1", Number)
    .option("--password <password>", "to log in or register")
    .option("--invite <code>", "to register")
    .option("--address <FA…>", "to register: where payouts go")
    .option("--bits <n>", "table size, 8 to 30", wholeNumber, 30)
    .action(async (flags: MinerFlags, command: Command) => {
      const { minerCommand } = await import("./miner.ts");
      const context = parts.contextOf(command);
      const logger = context.logger();
      const signal = shutdownSignal(logger);
      const { stdin, stdout, stderr } = process;
      const openTable = (bits: number) => context.openTable(bits, { logger, signal });
      process.exitCode = await minerCommand(flags, {
        ...{ openTable, stdin, stdout, stderr, logger, signal },
        clock: systemClock,
        random: systemRandom,
      });
      // An open stdin would keep the process.
      stdin.destroy();
    });
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  );
  return manifest.version;
}
