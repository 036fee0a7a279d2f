/** Finds the line of a value or an error in a JSON file, so that a message can name it. */

import { coerceError } from "../../shared/errors.ts";
import { jsonParts, skipSpace } from "../../shared/json-source.ts";

/**
 * The line (from 1) of the value at `path` in a valid JSON text. Where a key is missing, the line of the
 * object that should have it. Of duplicate keys the last one counts, as for JSON.parse.
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
  // Every prefix that includes that character is broken, and no shorter one is, so halving finds it.
  let whole = 0;
  let broken = text.length + 1;
  while (broken - whole > 1) {
    const length = Math.floor((whole + broken) / 2);
    if (isBroken(text.slice(0, length))) broken = length;
    else whole = length;
  }
  return lineAt(text, broken - 1);
}

/**
 * True where no JSON text begins like this. The parser's message decides: more text may still cure an error
 * at the very end.
 */
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
