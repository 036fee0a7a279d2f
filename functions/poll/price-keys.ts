/** The secret with the keys of price sources, by the names that they have in the section [oracle] of the configuration. */

import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";

const keys = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/** Source's name in lower case and `key` → key. Throws CodedError `price-keys` naming the secret, never what it holds. */
export function parsePriceKeys(secret: string, text: string): Readonly<Record<string, string>> {
  const parsed = v.safeParse(keys, text);
  if (!parsed.success)
    throw new CodedError(
      "price-keys",
      `the secret ${secret}: expected JSON like {"coincapkey":"…"}, with the names of [oracle]`,
    );
  return Object.fromEntries(Object.entries(parsed.output).map(([name, key]) => [name.toLowerCase(), key]));
}
