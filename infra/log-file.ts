/**
 * A file of lines that never ends the process. Lines that cannot be written are lost; stderr says so once.
 */

import { fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { coerceError } from "../shared/errors.ts";

export interface LogSink {
  /** `line` ends with its newline. */
  write(line: string): void;
}

const NEWLINE = 0x0a;

/**
 * Appends to `path`. Makes its folder, and the file with `mode`. A full disk loses lines until there is room
 * again. Writing then goes on at the start of a new line, so that half a line spoils no other line. This
 * holds for half a line that this process left, and for one that an earlier process left.
 */
export function openLogFile(path: string, complain: (message: string) => void, mode = 0o666): LogSink {
  let file: number | undefined;
  let isTorn = false;
  let isLosing = false;
  return {
    write(line) {
      try {
        if (file === undefined) {
          file = openForAppend(path, mode);
          isTorn = endsInHalfALine(file);
        }
        const bytes = Buffer.from(isTorn ? `\n${line}` : line);
        // A disk without room for all of it takes a part and says so at the next write only.
        for (let at = 0; at < bytes.length; ) {
          at += writeSync(file, bytes, at);
          isTorn = bytes[at - 1] !== NEWLINE;
        }
        isLosing = false;
      } catch (thrown) {
        if (!isLosing) complain(`the log ${path} cannot be written (${coerceError(thrown).message})`);
        isLosing = true;
      }
    },
  };
}

function openForAppend(path: string, mode: number): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "a+", mode);
}

function endsInHalfALine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
}
