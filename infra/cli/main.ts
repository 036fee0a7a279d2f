/** The `prosper` command: builds the tree of commands, runs one, and turns what goes wrong into one clear message. */

import { CommanderError } from "commander";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { buildProgram, withDefaultCommand } from "./program.ts";

const program = buildProgram({ env: process.env });
// Left uncaught, these would end the process without a word of what to do; a bug shows its stack.
process.on("uncaughtException", (error) => fail(error));

try {
  await program.parseAsync(withDefaultCommand(program, process.argv.slice(2)), { from: "user" });
} catch (thrown) {
  fail(thrown);
}

function fail(thrown: unknown): never {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode);
  const error = coerceError(thrown);
  const expected = error instanceof CodedError || error instanceof RangeError;
  process.stderr.write(
    `${expected ? `prosper: ${error.message}` : `prosper: a bug, please report it: ${error.stack}`}\n`,
  );
  process.exit(1);
}
