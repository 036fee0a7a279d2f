/** What a login needs beside names: read from the environment or asked for at the terminal, so that no secret stands in a command line that others see. */

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CodedError } from "../../../shared/errors.ts";
import { isValidFaAddress } from "../../../shared/factom/address.ts";

export interface Registration {
  readonly password: string;
  readonly invite: string;
  readonly address: string;
}

/** What the flags gave. */
export interface Given {
  readonly register?: boolean;
  readonly password?: string;
  readonly invite?: string;
  readonly address?: string;
}

/** A question to the person at the terminal; what is typed to a `hidden` one is not shown. Undefined: there is no terminal. */
export type Ask = (question: string, hidden: boolean) => Promise<string>;

/** In the order in which they are asked for. */
const ASKED = [
  ["password", "PROSPER_PASSWORD", "Choose a password (it is not shown): ", true],
  ["invite", "PROSPER_INVITE", "Invite code (empty where the pool asks for none): ", false],
  ["address", "PROSPER_ADDRESS", "Payout address, FA…: ", false],
] as const;

/**
 * Flags win over the environment. Only with `register` somebody is asked. Throws CodedErrors `unasked` where there is no terminal and something is
 * missing, `registration` on an empty password or a payout address that is none.
 */
export async function readRegistration(
  given: Given,
  { env, ask }: { readonly env: NodeJS.ProcessEnv; readonly ask: Ask | undefined },
): Promise<Registration> {
  const found: Record<keyof Registration, string> = { password: "", invite: "", address: "" };
  for (const [name, variable, question, hidden] of ASKED) {
    const known = given[name] ?? env[variable];
    if (known !== undefined || given.register !== true) found[name] = known ?? "";
    else if (ask === undefined)
      throw new CodedError(
        "unasked",
        `nobody can be asked here: set ${ASKED.map(([, each]) => each).join(", ")}, or start this at a terminal`,
      );
    else found[name] = (await ask(question, hidden)).trim();
  }
  if (given.register === true) check(found);
  return found;
}

function check({ password, address }: Registration): void {
  if (password === "") throw new CodedError("registration", "the password is empty: choose one");
  if (!isValidFaAddress(address))
    throw new CodedError(
      "registration",
      `payout address: expected an FA… address with its checksum, got ${JSON.stringify(address)}; \`keys\` in the place of the flags makes one`,
    );
}

/** Asks on standard error, so that what a program reads from standard output stays clean. */
export function terminalAsk(): Ask | undefined {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return undefined;
  return (question, hidden) =>
    new Promise((resolve, reject) => {
      stderr.write(question);
      // The line editor would show what is typed.
      const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
      const reader = createInterface({ input: stdin, output: hidden ? unseen : stderr, terminal: true });
      let answer: string | undefined;
      reader.once("line", (line) => {
        answer = line;
        reader.close();
      });
      reader.once("close", () => {
        if (hidden) stderr.write("\n");
        if (answer === undefined) reject(new CodedError("declined", "nothing was answered"));
        else resolve(answer);
      });
    });
}
