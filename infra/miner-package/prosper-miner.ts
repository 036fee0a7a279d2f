#!/usr/bin/env node
/** The program of the package that a pool serves: it mines on the pool, or makes keys. The version is put in by build.ts. */

import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { systemRandom } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { addMinerFlags, type MinerFlags, mine } from "../cli/network/mine.ts";
import { openShownTable } from "../cli/open-table.ts";
import { outputOf } from "../cli/output.ts";
import { keysCommand } from "../cli/tools/keys.ts";
import { createLogger } from "../pino-logger.ts";

declare const PACKAGE_VERSION: string;

const program = new Command("prosper-miner")
  .description("Mines on a Prosper pool. The pool's page shows the line with everything filled in.")
  .version(PACKAGE_VERSION, "-V, --version", "the version, and nothing else")
  .showHelpAfterError("(--help lists the flags)")
  .exitOverride();

addMinerFlags(
  program.command("mine", { isDefault: true }).description("mine (what runs where no command is named)"),
).action(async (flags: MinerFlags, command: Command) => {
  const { env } = process;
  await mine(flags, {
    ...{ env, version: PACKAGE_VERSION },
    program: {
      command: [process.execPath, "prosper-miner.mjs"],
      folder: fileURLToPath(new URL(".", import.meta.url)),
    },
    print: outputOf(command).print,
    logger: createLogger({ level: "info" }),
    openTable: (bits, modules) => openShownTable({ bits, dir: "", native: env["PROSPER_NATIVE"] }, modules),
  });
});

program
  .command("keys")
  .description("make a new pair of keys for payouts (FA, Fs) and one for entry credits (EC, Es)")
  .option("--out <file>", "a new file for the secret keys, in place of showing them")
  .option("--json", "one JSON line an event")
  .action(async (flags: { out?: string }, command: Command) =>
    keysCommand(flags, { random: systemRandom, ...outputOf(command) }),
  );

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode);
  const error = coerceError(thrown);
  // Ctrl-C where there was only waiting to stop, as while a table is made.
  if (error.name === "AbortError") process.exit(130);
  const expected = error instanceof CodedError || error instanceof RangeError;
  process.stderr.write(
    `prosper-miner: ${expected ? error.message : `a bug, please report it: ${error.stack}`}\n`,
  );
  process.exit(1);
}
