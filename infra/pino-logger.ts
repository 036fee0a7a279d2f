/** The process's logger: pino behind the `Logger` port, to standard error and, where asked, to a file. */

import { pino } from "pino";
import { CodedError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import { openLogFile } from "./log-file.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** pino's number for the level `error`; worse levels have higher numbers. */
export const ERROR_LEVEL = 50;
const WARN_LEVEL = 40;
const INFO_LEVEL = 30;
/** Field names whose values never reach a log, wherever they stand. */
const SECRETS = ["password", "invite", "token", "esKey", "fsKey", "cookie"];

interface LogStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/**
 * `file`: everything from `level` on goes there as JSON lines; `stderr` then gets warnings and worse only, as sentences for whoever started this.
 * Without a file `stderr` is the log: sentences with their time on a terminal, JSON lines elsewhere.
 */
export function createLogger(
  options: { level: LogLevel; file?: string },
  { stderr = process.stderr }: { stderr?: LogStream } = {},
): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`]);
  const serializers = { error: readable, problem: readable };
  const log = pino(
    { level: options.level, base: null, redact, serializers, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streamsOf(options, stderr)),
  );
  return {
    debug: (message, data) => log.debug(data ?? {}, message),
    info: (message, data) => log.info(data ?? {}, message),
    warn: (message, data) => log.warn(data ?? {}, message),
    error: (message, data) => log.error(data ?? {}, message),
  };
}

function streamsOf(
  { level, file }: { level: LogLevel; file?: string },
  stderr: LogStream,
): pino.StreamEntry[] {
  const say = (line: string): void => void stderr.write(line);
  if (file === undefined) {
    const write = stderr.isTTY === true ? (line: string) => say(timedSentence(line)) : say;
    return [{ level, stream: { write } }];
  }
  const toFile = openLogFile(file, (message) => say(`warning: ${message}: free some space on its disk\n`));
  return [
    { level, stream: toFile },
    { level: "warn", stream: { write: (line) => say(sentence(line)) } },
  ];
}

/** An error's message is not among its own fields, so pino would leave it out. A bug shows its stack. */
function readable(fact: unknown): unknown {
  if (!(fact instanceof Error)) return fact;
  return fact instanceof CodedError ? fact.message : fact.stack;
}

/** A JSON line on a terminal: `12:34:56 warning: what happened (fact: value, …)`, in the clock of who looks at it. */
function timedSentence(line: string): string {
  const { time }: Record<string, unknown> = JSON.parse(line);
  return `${new Date(String(time)).toLocaleTimeString("en-GB")} ${sentence(line)}`;
}

/** A JSON line as a person reads it: `warning: what happened (fact: value, …)`. */
function sentence(line: string): string {
  const { level, time: _, msg, ...facts }: Record<string, unknown> = JSON.parse(line);
  const shown = Object.entries(facts).map(
    ([name, fact]) => `${name}: ${typeof fact === "string" ? fact : JSON.stringify(fact)}`,
  );
  const detail = shown.length === 0 ? "" : ` (${shown.join(", ").replaceAll(/\s+/g, " ")})`;
  return `${wordOf(Number(level))}${String(msg)}${detail}\n`;
}

/** What is in order needs no word before it. */
function wordOf(level: number): string {
  if (level >= ERROR_LEVEL) return "error: ";
  if (level >= WARN_LEVEL) return "warning: ";
  return level >= INFO_LEVEL ? "" : "debug: ";
}
