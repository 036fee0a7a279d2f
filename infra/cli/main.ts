/** The `prosper` command: builds the tree of commands, runs one, and turns what goes wrong into one clear message. */

import { CommanderError } from "commander";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { buildProgram, withDefaultCommand } from "./program.ts";

const program = buildProgram({ env: process.env });
/** A program is told of what goes wrong as an event too. */
const isJson = process.argv.includes("--json");
// Left uncaught, these would end the process without a word of what to do; a bug shows its stack.
process.on("uncaughtException", (error) => fail(error));
// A reader that has seen enough (`| head`), or a full disk behind a redirection, is no reason to end a pool.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exitCode = 1;
  });

try {
  await program.parseAsync(withDefaultCommand(program, process.argv.slice(2)), { from: "user" });
} catch (thrown) {
  fail(thrown);
}

function fail(thrown: unknown): never {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode);
  const error = coerceError(thrown);
  // Ctrl-C where there was only waiting to stop, as while a table is made.
  if (error.name === "AbortError") process.exit(130);
  const expected = error instanceof CodedError || error instanceof RangeError;
  const told = expected ? `${error.message}${advice(error)}` : `a bug, please report it: ${error.stack}`;
  const code = error instanceof CodedError ? error.code : expected ? "invalid" : "bug";
  const event = { event: "error", code, message: told };
  process.stderr.write(`${isJson ? JSON.stringify(event) : `prosper: ${told}`}\n`);
  process.exit(1);
}

/** What to do about a database that refuses the login. Other messages say it themselves. */
function advice(error: Error): string {
  if (!(error instanceof CodedError) || !error.code.startsWith("db-")) return "";
  const settings = "DATABASE_URL or the [database] section";
  if (/^(28|3D)/.test(String(error.data["sqlstate"])))
    return `\nCorrect the user, password and database name in ${settings}.`;
  return error.code === "db-away"
    ? `\nStart the database server, or correct ${settings}, and run this again.`
    : "";
}
