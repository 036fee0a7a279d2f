/** The process's logger: pino behind the `Logger` port, to standard error and, where asked, to a file. */

import { pino } from "pino";
import type { Logger } from "../shared/logger.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** Field names whose values never reach a log, wherever they stand. */
const SECRETS = ["password", "invite", "token", "esKey", "fsKey", "cookie"];

/** `file`: everything from `level` on goes there, standard error then gets warnings and worse only. */
export function createLogger(options: { level: LogLevel; file?: string }): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`]);
  const streams =
    options.file === undefined
      ? [{ level: options.level, stream: process.stderr }]
      : [
          { level: options.level, stream: pino.destination({ dest: options.file, mkdir: true, sync: true }) },
          { level: "warn" as const, stream: process.stderr },
        ];
  const log = pino(
    { level: options.level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streams),
  );
  return {
    debug: (message, data) => log.debug(data ?? {}, message),
    info: (message, data) => log.info(data ?? {}, message),
    warn: (message, data) => log.warn(data ?? {}, message),
    error: (message, data) => log.error(data ?? {}, message),
  };
}
