/** Commands that run a pool or a part of one until they are stopped: up, edge, sync, accountant, auth. */

import { once } from "node:events";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import type { CodedError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { Config } from "../../config/schema.ts";
import { readRivalHashes } from "../../devnet/effort.ts";
import type { FunctionsElsewhere } from "../../pool/fleet-edge.ts";
import { announcePool, type CliContext, DEFAULT_DATA_DIR, logPool, type ProgramParts } from "../context.ts";
import { edgeProcesses, secondsOption, wholeNumber } from "../numbers.ts";
import { outputOf } from "../output.ts";
import { shutdownSignal } from "../shutdown.ts";
import { packageVersion } from "../version.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const WEB_PORT = [
  "--web-port <port>",
  "dashboard (default: web.port, 7070); 0 picks a free one",
  wholeNumber,
] as const;
const STRATUM_PORT = [
  "--stratum-port <port>",
  "miners (default: stratum.stratumport, 1234); 0 picks a free one",
  wholeNumber,
] as const;
const PROCESSES = [
  "--processes <n>",
  "edge processes behind that port, for machines with cores to spare (default: stratum.processes, 1)",
  edgeProcesses,
] as const;
const EDGE_DIR = [
  "--data-dir <dir>",
  "journal, and the database where none is configured (default: PROSPER_DATA_DIR, else app.datadir, else ~/.prosper/data)",
] as const;

export function addServiceCommands(program: Command, parts: ProgramParts): void {
  addUp(program, parts);
  addEdge(program, parts);
  addSync(program, parts);
  addAccountant(program, parts);
  addAuth(program, parts);
}

interface UpFlags {
  dataDir?: string;
  webPort?: number;
  stratumPort?: number;
  processes?: number;
  blockSeconds: number;
  rivalHashes?: string;
  bits: number;
  miners: number;
  json?: boolean;
}

function addUp(program: Command, parts: ProgramParts): void {
  program
    .command("up")
    .description("a whole pool on its own devnet: PostgreSQL, network, prices, pool and a miner")
    .option(
      "--data-dir <dir>",
      "where everything is kept (default: PROSPER_DATA_DIR, else ~/.prosper/devnet)",
    )
    .option(...WEB_PORT)
    .option(...STRATUM_PORT)
    .option(...PROCESSES)
    .option("--block-seconds <n>", "length of a block", secondsOption, 10)
    .option(
      "--rival-hashes <n>",
      "hashes of the devnet's other miners a block, all together (default: auto, by what the pool does)",
    )
    .option("--bits <n>", "table size, 8 to 30; 30 is the real one", wholeNumber, 16)
    .option("--miners <n>", "local miners", wholeNumber, 1)
    .option("--json", "one JSON line an event, and nothing else on standard output")
    .action(async (flags: UpFlags, command: Command) => {
      const { upCommand } = await import("./up.ts");
      const context = parts.contextOf(command);
      const dataDir = resolve(flags.dataDir ?? context.ownFolder());
      const logger = context.logger(join(dataDir, "prosper.log"));
      const signal = shutdownSignal(logger);
      process.exitCode = await upCommand(
        {
          dataDir,
          config: withFlags(context.config, flags),
          databaseUrl: context.databaseUrl(),
          bits: flags.bits,
          blockSeconds: flags.blockSeconds,
          rivalHashes: readRivalHashes(flags.rivalHashes),
          miners: flags.miners,
          version: packageVersion(),
          json: flags.json === true,
          poolFlags: poolFlags(command, dataDir === DEFAULT_DATA_DIR ? undefined : dataDir),
        },
        {
          clock: systemClock,
          random: systemRandom,
          logger,
          print,
          announce: announcePool,
          signal,
          openTable: (bits, shared) => context.openTable(bits, { logger, signal, shared }),
        },
      );
    });
}

interface EdgeFlags {
  dataDir?: string;
  webPort?: number;
  stratumPort?: number;
  processes?: number;
  json?: boolean;
}

function addEdge(program: Command, parts: ProgramParts): void {
  program
    .command("edge")
    .description(
      "the pool on a real factomd: stratum, books, prices and dashboard in one process, or one edge of many (section [aws])",
    )
    .option(...EDGE_DIR)
    .option(...WEB_PORT)
    .option(...STRATUM_PORT)
    .option(...PROCESSES)
    .option("--json", "one JSON line an event, and nothing else on standard output")
    .action(async (flags: EdgeFlags, command: Command) => {
      const context = parts.contextOf(command);
      const { functionsElsewhere } = await import("../../pool/fleet-edge.ts");
      const functions = functionsElsewhere(context.config);
      if (functions !== undefined) return runFleetEdge(functions, context, flags);
      const { startStandalone } = await import("../../pool/standalone.ts");
      const { runPool } = await import("./pool-view.ts");
      const logger = context.logger();
      const signal = shutdownSignal(logger);
      const dataDir = edgeDir(context, flags);
      const config = withFlags(context.config, flags);
      const system = { clock: systemClock, random: systemRandom, logger };
      process.exitCode = await runPool(
        {
          json: flags.json === true,
          bits: config.pegnet.lxrbits,
          poolFlags: poolFlags(command, context.hasDatabase() ? undefined : dataDir),
        },
        { print, logger, signal },
        (hooks) =>
          startStandalone(
            { dataDir, config, version: packageVersion() },
            {
              ...system,
              ...hooks,
              // This process has the folder's lock: a server that runs in it was left behind.
              openDatabase: () =>
                context.openDatabase(dataDir, logger, { owned: true, announce: logPool(logger) }),
              openTable: (bits, shared) => context.openTable(bits, { logger, signal, shared }),
            },
          ),
      );
    });
}

/** An edge whose functions run elsewhere. It has neither web nor accounts to show. */
async function runFleetEdge(
  functions: FunctionsElsewhere,
  context: CliContext,
  flags: EdgeFlags,
): Promise<void> {
  const { startFleetEdge } = await import("../../pool/fleet-edge.ts");
  const logger = context.logger();
  const signal = shutdownSignal(logger);
  const fatal = new AbortController();
  const edge = await startFleetEdge(
    {
      ...{ config: withFlags(context.config, flags), functions, dataDir: edgeDir(context, flags) },
      databaseUrl: context.databaseUrl(),
    },
    {
      ...{ clock: systemClock, random: systemRandom, logger },
      // The functions' deployment changes it: an edge of the next version must not, while those of this one run.
      openDatabase: () =>
        context.openDatabase(edgeDir(context, flags), logger, { announce: logPool(logger), schema: "check" }),
      openTable: (bits, shared) => context.openTable(bits, { logger, signal, shared }),
      onFatal: (error) => fatal.abort(error),
      write: (line) => void process.stdout.write(line),
      aws: context.aws(),
    },
  );
  const { stratum, web, factomd } = edge;
  print(
    flags.json ? JSON.stringify({ event: "ready", stratum, web, factomd }) : `  Stratum        ${stratum}`,
  );
  const end = AbortSignal.any([signal, fatal.signal]);
  if (!end.aborted) await once(end, "abort");
  await edge.stop();
  if (!fatal.signal.aborted) return;
  const reason: CodedError = fatal.signal.reason;
  logger.error("the edge could not go on; start it again, it recovers", {
    code: reason.code,
    problem: reason.message,
  });
  process.exitCode = 1;
}

function addSync(program: Command, parts: ProgramParts): void {
  program
    .command("sync")
    .description("only follow the chain: grade its blocks and book the pool's rewards")
    .option(...EDGE_DIR)
    .action(async (flags: EdgeFlags, command: Command) => {
      const { startSync } = await import("../../pool/single-parts.ts");
      const { connectFactomd } = await import("../../pool/factomd.ts");
      await withPartOf(parts.contextOf(command), flags, async (context, modules) => {
        const { config } = context;
        const { clock, random, logger, signal } = modules;
        const { print } = outputOf(command);
        const hasher = await context.openHasher(config.pegnet.lxrbits, 1, { logger, signal });
        const url = config.factom.factomdlocation;
        const factomd = connectFactomd(url, { clock, random, logger });
        const sync = await startSync(
          { config, dataDir: modules.dataDir },
          {
            ...{ ...modules, factomd, hasher },
            onBlock: ({ height, entries, reward }) =>
              print(`  height ${height}   ${counted(entries, "record")}   reward ${formatPeg(reward)} PEG`, {
                ...{ event: "block", height, entries, reward },
              }),
          },
        ).catch(async (error: unknown) => {
          await hasher.close();
          throw error;
        });
        print(`  following ${url}`, { event: "ready", factomd: url });
        return { stop: () => sync.stop().finally(() => hasher.close()) };
      });
    });
}

function addAccountant(program: Command, parts: ProgramParts): void {
  program
    .command("accountant")
    .description("only the books: seal what is ready, end what is left of edges that are gone")
    .option(...EDGE_DIR)
    .action(async (flags: EdgeFlags, command: Command) => {
      const { startAccountant } = await import("../../pool/single-parts.ts");
      const { blockFacts, blockLine } = await import("./pool-view.ts");
      const { print } = outputOf(command);
      await withPartOf(parts.contextOf(command), flags, async ({ config }, modules) => {
        const accountant = await startAccountant(
          { config, dataDir: modules.dataDir },
          { ...modules, onSealed: (block) => print(blockLine(block), blockFacts(block)) },
        );
        print("  sealing", { event: "ready" });
        return accountant;
      });
    });
}

function addAuth(program: Command, parts: ProgramParts): void {
  program
    .command("auth")
    .description("only the web: login, registration, API and pages")
    .option(...EDGE_DIR)
    .option(...WEB_PORT)
    .action(async (flags: EdgeFlags, command: Command) => {
      const { startAuth } = await import("../../pool/single-parts.ts");
      await withPartOf(parts.contextOf(command), flags, async (context, modules) => {
        const config = withFlags(context.config, flags);
        const auth = await startAuth({ config, version: packageVersion() }, modules);
        const { web, admin, inviteCode } = auth;
        const { print } = outputOf(command);
        print(`  Dashboard      ${web}`, { event: "ready", web, inviteCode });
        if (admin !== undefined)
          print(`  Administrator  ${admin.name}  password ${admin.password}  (shown only now)`, {
            ...{ event: "administrator", name: admin.name, password: admin.password },
          });
        print(`  Invite code    ${inviteCode}`, { event: "invite", code: inviteCode });
        return auth;
      });
    });
}

/** Runs one part on the pool's database until it is told to stop. */
async function withPartOf(
  context: CliContext,
  flags: EdgeFlags,
  start: (
    context: CliContext,
    modules: {
      db: Db;
      dataDir: string;
      clock: typeof systemClock;
      random: typeof systemRandom;
      logger: Logger;
      signal: AbortSignal;
    },
  ) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  const logger = context.logger();
  const signal = shutdownSignal(logger);
  const dataDir = edgeDir(context, flags);
  const { db, close } = await context.openDatabase(dataDir, logger, { announce: logPool(logger) });
  const system = { clock: systemClock, random: systemRandom, logger, signal };
  try {
    const part = await start(context, { db, dataDir, ...system });
    if (!signal.aborted) await once(signal, "abort");
    await part.stop();
  } finally {
    await close();
  }
}

function edgeDir(context: CliContext, flags: EdgeFlags): string {
  return resolve(flags.dataDir ?? context.edgeFolder());
}

/** The flags by which other commands find this pool, as a shell takes them; each with a space before it. */
function poolFlags(command: Command, dataDir: string | undefined): string {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  const flags = { "--config": config === undefined ? undefined : resolve(config), "--data-dir": dataDir };
  return Object.entries(flags)
    .flatMap(([flag, value]) => (value === undefined ? [] : [` ${flag} ${shellWord(value)}`]))
    .join("");
}

function shellWord(text: string): string {
  return /^[\w./~:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `--web-port`, `--stratum-port` and `--processes` win over the file. */
function withFlags(
  config: Config,
  flags: { webPort?: number; stratumPort?: number; processes?: number },
): Config {
  const { web, stratum } = config;
  return {
    ...config,
    web: { ...web, port: flags.webPort ?? web.port },
    stratum: {
      ...stratum,
      stratumport: flags.stratumPort ?? stratum.stratumport,
      processes: flags.processes ?? stratum.processes,
    },
  };
}
