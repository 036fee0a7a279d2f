/** A password of the database that stands in a file of its own (`database.passwordfile`), in the place of the one in the address. */

import { readFileSync } from "node:fs";
import { CodedError } from "../../shared/errors.ts";
import { whyUnread } from "../durable-file.ts";

/** The address with this password. */
export function withPassword(address: string, password: string): string {
  const url = new URL(address);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** Without the line's end that editors leave. Throws CodedError `config`. */
export function readPasswordFile(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd();
  } catch (thrown) {
    throw new CodedError("config", `database.passwordfile: ${whyUnread(thrown)}`, {
      cause: thrown,
    });
  }
}
