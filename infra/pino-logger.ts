/** The process's logger: pino behind the `Logger` port, to standard error and, where asked, to a file. */

import { pino } from "pino";
import { CodedError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import { openLogFile } from "./log-file.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** pino's number for the level `error`; worse levels have higher numbers. */
export const ERROR_LEVEL = 50;
/** Field names whose values never reach a log, wherever they stand. */
const SECRETS = ["password", "invite", "token", "esKey", "fsKey", "cookie"];

/**
 * `file`: everything from `level` on goes there as JSON lines; standard error then gets warnings and worse only, as sentences. Without a
 * file standard error gets the JSON lines.
 */
export function createLogger(options: { level: LogLevel; file?: string }): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`]);
  const serializers = { error: readable, problem: readable };
  const log = pino(
    { level: options.level, base: null, redact, serializers, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streamsOf(options)),
  );
  return {
    debug: (message, data) => log.debug(data ?? {}, message),
    info: (message, data) => log.info(data ?? {}, message),
    warn: (message, data) => log.warn(data ?? {}, message),
    error: (message, data) => log.error(data ?? {}, message),
  };
}

function streamsOf({ level, file }: { level: LogLevel; file?: string }): pino.StreamEntry[] {
  if (file === undefined) return [{ level, stream: process.stderr }];
  const say = (line: string): void => void process.stderr.write(line);
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

/** A JSON line as a person reads it: `warning: what happened (fact: value, …)`. */
function sentence(line: string): string {
  const { level, time: _, msg, ...facts }: Record<string, unknown> = JSON.parse(line);
  const shown = Object.entries(facts).map(
    ([name, fact]) => `${name}: ${typeof fact === "string" ? fact : JSON.stringify(fact)}`,
  );
  const detail = shown.length === 0 ? "" : ` (${shown.join(", ").replaceAll(/\s+/g, " ")})`;
  return `${Number(level) >= ERROR_LEVEL ? "error" : "warning"}: ${String(msg)}${detail}\n`;
}
