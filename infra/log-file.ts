/** A log file that never ends the process: what cannot be written is lost, and that is said once on standard error. */

import { mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { coerceError } from "../shared/errors.ts";

export interface LogSink {
  write(line: string): void;
}

/** Appends to `path`, making its folder. A full disk costs lines until there is room again; then it goes on. */
export function openLogFile(path: string, complain: (message: string) => void): LogSink {
  let file: number | undefined;
  let isLosing = false;
  return {
    write(line) {
      try {
        file ??= openForAppend(path);
        // What a full disk took of an earlier line ends here.
        writeSync(file, isLosing ? `\n${line}` : line);
        isLosing = false;
      } catch (thrown) {
        if (!isLosing) complain(`the log ${path} cannot be written (${coerceError(thrown).message})`);
        isLosing = true;
      }
    },
  };
}

function openForAppend(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "a");
}
