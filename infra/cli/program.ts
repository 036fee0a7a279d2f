/** The tree of commands and the flags that all of them take (docs/spec.md, "Commands and pages"). Commands are loaded when they run: `--help` stays quick. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { addDatabaseCommands } from "./books/commands.ts";
import { CliContext, DEFAULT_CONFIG, type GlobalFlags, type ProgramParts } from "./context.ts";
import { addManual } from "./manual.ts";
import { addNetworkCommands } from "./network/commands.ts";
import { trueOrFalse, wholeNumber } from "./numbers.ts";
import { DATA_DIR } from "./payout/cli-parts.ts";
import { addServiceCommands } from "./services/commands.ts";
import { addToolCommands } from "./tools/commands.ts";
import { packageVersion } from "./version.ts";

export function buildProgram(options: { env: NodeJS.ProcessEnv }): Command {
  const program = new Command("prosper")
    .description(
      "A PegNet mining pool. `prosper up` runs one on a network of its own; `prosper edge` runs one on yours.",
    )
    .showHelpAfterError("(prosper --help lists the commands)")
    .showSuggestionAfterError()
    // `grade --version 2` is not a question about the program: each level has its own flags, and those of all levels are made known at each.
    .enablePositionalOptions()
    .version(packageVersion(), "-V, --version", "the version, and nothing else")
    .exitOverride();
  addGlobalFlags(program);
  const parts: ProgramParts = {
    contextOf: (command) => new CliContext(command.optsWithGlobals<GlobalFlags>(), options.env),
  };
  addServiceCommands(program, parts);
  addNetworkCommands(program, parts);
  addDatabaseCommands(program, parts);
  addToolCommands(program, parts);
  speakJson(program);
  addManual(program);
  inheritFlags(program);
  program.hook("preAction", (_program, command) => {
    const named: unknown = command.getOptionValue("dataDir");
    const option = command.options.find(({ description }) => description === DATA_DIR[1]);
    if (option === undefined) return;
    const folder = typeof named === "string" ? resolve(named) : parts.contextOf(command).poolFolder();
    command.setOptionValueWithSource("dataDir", folder, "implied");
  });
  program.hook("preAction", async (_program, command) => {
    if (command.optsWithGlobals<GlobalFlags>().profile !== true) return;
    const { profileUntilExit } = await import("./profile.ts");
    profileUntilExit(`prosper-${command.name()}-${process.pid}.cpuprofile`);
  });
  return program;
}

/**
 * The arguments (without node and script) with a command in them. For a bare `prosper` that is `edge` where
 * it finds a configuration, as in the Go pool; else help.
 */
export function withDefaultCommand(
  program: Command,
  args: readonly string[],
  defaultConfig = DEFAULT_CONFIG,
): readonly string[] {
  const { operands, unknown } = program.parseOptions([...args]);
  if (operands.length > 0 || unknown.length > 0) return args;
  // Differs from prosper-pool: without a configuration it prints help instead of failing.
  const { config } = program.opts<GlobalFlags>();
  return [...args, config !== undefined || existsSync(defaultConfig) ? "edge" : "--help"];
}

/** The reference's flags, understood before and behind the command's name. */
function addGlobalFlags(command: Command): void {
  command
    .option(
      "--config <file>",
      `configuration file (default: ${DEFAULT_CONFIG.replace(/^.*(?=\/\.prosper)/, "~")})`,
    )
    .option("--log <level>", "trace, debug, info, warn, error or fatal")
    .option("--phost <host>", "PostgreSQL host")
    .option("--pport <port>", "PostgreSQL port", wholeNumber)
    .option("--fhost <url>", "factomd's JSON-RPC address")
    .option("--sport <port>", "stratum port", wholeNumber)
    .option("--rauth [boolean]", "only registered users may mine", trueOrFalse)
    .option("--checkallshares [boolean]", "hash every share", trueOrFalse)
    .option("--testing", "all OPR versions are active from --act on")
    .option("--act <height>", "activation height for --testing", wholeNumber)
    .option("--profile", "write a CPU profile when the command ends");
}

/** Every command has `--json`. Those without one of their own print their lines as events (output.ts). */
function speakJson(group: Command): void {
  for (const command of group.commands) {
    if (command.commands.length > 0) speakJson(command);
    else if (!command.options.some(({ long }) => long === "--json"))
      command.option("--json", "one JSON line an event");
  }
}

/**
 * commander looks for a flag only at the command where it stands, so each flag is made known at every level.
 */
function inheritFlags(program: Command): void {
  for (const command of program.commands) {
    const own = new Set(command.options.map((option) => option.long));
    for (const option of program.options)
      if (!own.has(option.long) && option.long !== "--version") command.addOption(copyHidden(option));
    if (command.commands.length > 0) command.enablePositionalOptions();
    inheritFlags(command);
  }
}

function copyHidden(option: Option): Option {
  const copy = new Option(option.flags, option.description).hideHelp();
  if (option.parseArg !== undefined) copy.argParser(option.parseArg);
  return copy;
}
