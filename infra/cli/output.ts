/** What a command prints: sentences for a person, or with `--json` one JSON line an event. */

import type { Command } from "commander";
import { json } from "../../shared/db/port.ts";

/** What a line says, for programs: `event` names its kind, money is a decimal string in 1e-8 PEG. */
export type Facts = { readonly event: string } & Readonly<Record<string, unknown>>;

/** A line for standard output. A line without facts is to be read by a person: programs get it as the event `message`. */
export type Print = (line: string, facts?: Facts) => void;

export interface Output {
  readonly print: Print;
  /** For standard error, in both forms a sentence: what is left out, what takes longer, what does not agree. */
  readonly warn: (line: string) => void;
}

interface Stream {
  write(text: string): unknown;
}

/** The output of a command that is running, as its flags ask for it. */
export function outputOf(
  command: Command,
  streams: { readonly stdout: Stream; readonly stderr: Stream } = process,
): Output {
  const { json: isJson = false } = command.optsWithGlobals<{ json?: boolean }>();
  return {
    print: (line, facts) =>
      void streams.stdout.write(`${isJson ? json(facts ?? { event: "message", text: line }) : line}\n`),
    warn: (line) => void streams.stderr.write(`${line}\n`),
  };
}
