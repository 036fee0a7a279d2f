/** A question to the person at the terminal, before what cannot be undone. */

import { createInterface } from "node:readline/promises";
import { CodedError } from "../../shared/errors.ts";

/**
 * `yes`: nobody is asked. Rejects with CodedError `unasked` where there is no terminal to ask at: a
 * program must say by `yes` that it really wants this.
 */
export function askAtTerminal(options: { readonly yes: boolean }): (question: string) => Promise<boolean> {
  return async (question) => {
    if (options.yes) return true;
    if (!process.stdin.isTTY)
      throw new CodedError(
        "unasked",
        `${question} Nobody can be asked here: look at the lines above, then run this with --yes`,
      );
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return (await terminal.question(`${question} Type yes: `)).trim().toLowerCase() === "yes";
    } finally {
      terminal.close();
    }
  };
}

export const YES = ["--yes", "do not ask: for programs"] as const;

/** Asks once. Throws CodedErrors `declined`, `unasked`: then nothing was changed. */
export async function requireYes(question: string, flags: { readonly yes?: boolean }): Promise<void> {
  if (!(await askAtTerminal({ yes: flags.yes === true })(question)))
    throw new CodedError("declined", "nothing was changed");
}
