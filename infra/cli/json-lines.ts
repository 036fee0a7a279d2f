/** Where in a JSON file something stands, so that an error can name the line. */

import { coerceError } from "../../shared/errors.ts";
import { jsonParts, skipSpace } from "../../shared/json-source.ts";

/**
 * The line (from 1) of the value at `path` in a valid JSON text; where a key is missing, that of the object it is missing in.
 * Of duplicate keys the last one counts, as for JSON.parse.
 */
export function lineOfPath(text: string, path: readonly (string | number)[]): number {
  let at = skipSpace(text, 0);
  for (const step of path) {
    const parts = text[at] === "{" || text[at] === "[" ? jsonParts(text, at) : [];
    const part = typeof step === "number" ? parts[step] : parts.findLast(({ key }) => key === step);
    if (part === undefined) break;
    at = part.start;
  }
  return lineAt(text, at);
}

/** The line (from 1) of the first character that no JSON text could have there; the last line where the text just ends early. */
export function lineOfSyntaxError(text: string): number {
  // Every prefix is broken from that character on, and no shorter one: halving finds it.
  let whole = 0;
  let broken = text.length + 1;
  while (broken - whole > 1) {
    const length = Math.floor((whole + broken) / 2);
    if (isBroken(text.slice(0, length))) broken = length;
    else whole = length;
  }
  return lineAt(text, broken - 1);
}

/** True where no text that begins like this is JSON, judged by the parser's message: an error at the very end may be cured. */
function isBroken(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return false;
  } catch (thrown) {
    const { message } = coerceError(thrown);
    const position = /at position (\d+)/.exec(message)?.[1];
    return position === undefined ? message.startsWith("Unexpected token") : Number(position) < prefix.length;
  }
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
