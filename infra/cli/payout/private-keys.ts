/**
 * The keys that pay: from a file, from standard input, from the environment, or from flags (which the whole
 * machine can see).
 */

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { CodedError } from "../../../shared/errors.ts";
import { whyUnread } from "../../durable-file.ts";

/** Long enough for both keys and a comment. */
const MAX_CHARACTERS = 10_000;

export interface PrivateKeys {
  readonly fs: string | undefined;
  readonly es: string | undefined;
}

/**
 * The first Fs… and the first Es… key of a file with one a line; `-` is standard input. Throws CodedError `payout-key`, which shows
 * nothing of what was read.
 */
export async function readKeyFile(path: string): Promise<PrivateKeys> {
  const content = await (path === "-" ? text(process.stdin) : readFile(path, "utf8")).catch(
    (thrown: unknown) => {
      throw new CodedError("payout-key", `the key file ${path} cannot be read: ${whyUnread(thrown)}`);
    },
  );
  const words = content.slice(0, MAX_CHARACTERS).split(/\s+/);
  const keys = {
    fs: words.find((word) => word.startsWith("Fs")),
    es: words.find((word) => word.startsWith("Es")),
  };
  if (keys.fs === undefined && keys.es === undefined)
    throw new CodedError(
      "payout-key",
      `${path === "-" ? "standard input" : path}: expected an Fs… or Es… key on a line of its own`,
    );
  return keys;
}
