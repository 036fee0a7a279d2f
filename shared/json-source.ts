/** Reads the source text of JSON to find what JSON.parse hides: duplicate keys, their order, how a number is written, and where. */

/** One member of an object or element of an array; `start` and `end` bound the value in the whole text. */
export interface JsonPart {
  /** The decoded key, or "" in an array. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const SCALAR = /[^,\]} \t\r\n]*/y;
const STRING_OR_SPACE = /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g;
const BRACKET_OR_STRING = /[[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"/g;

/** True where the text is one valid JSON value. All functions below want such a text. */
export function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}

/** The value of the text, undefined where it is not JSON (which has no such value). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The position of the first character that is no white space, from `at` on. */
export function skipSpace(text: string, at: number): number {
  return endOf(SPACE, text, at);
}

/** The members of the object, or elements of the array, whose bracket stands at `start`: in order, duplicates kept. */
export function jsonParts(text: string, start: number): JsonPart[] {
  const parts: JsonPart[] = [];
  const hasKeys = text[start] === "{";
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== "}" && text[at] !== "]") {
    let key = "";
    if (hasKeys) {
      const end = endOf(STRING, text, at);
      key = parseJsonString(text.slice(at, end));
      // Behind the key: space, a colon, space.
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    const end = skipValue(text, at);
    parts.push({ key, start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return parts;
}

/** Keys and the values' sources of the object that `text` is: in order, duplicates kept; undefined where it is none. */
export function objectMembers(text: string): readonly (readonly [key: string, source: string])[] | undefined {
  const start = skipSpace(text, 0);
  if (text[start] !== "{") return undefined;
  return jsonParts(text, start).map(({ key, start: at, end }) => [key, text.slice(at, end)]);
}

/** The sources of the elements of the array that `text` is; undefined where it is none. */
export function arrayElements(text: string): readonly string[] | undefined {
  const start = skipSpace(text, 0);
  if (text[start] !== "[") return undefined;
  return jsonParts(text, start).map(({ start: at, end }) => text.slice(at, end));
}

/** The text without white space outside strings, to be shown on one line. */
export function compactJson(text: string): string {
  return text.replaceAll(STRING_OR_SPACE, (_, quoted: string | undefined) => quoted ?? "");
}

/** The text behind a JSON string literal; lone surrogate escapes become U+FFFD. */
export function parseJsonString(source: string): string {
  return String(JSON.parse(source)).toWellFormed();
}

/** How deep arrays and objects nest: 0 for a scalar. */
export function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(BRACKET_OR_STRING)) {
    depth += depthChange(token);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** The position behind the value that starts at `at`. Not recursive: hostile texts nest deeply. */
function skipValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return endOf(STRING, text, at);
  if (first !== "{" && first !== "[") return endOf(SCALAR, text, at);
  const tokens = new RegExp(BRACKET_OR_STRING);
  tokens.lastIndex = at;
  let depth = 0;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    depth += depthChange(match[0]);
    if (depth === 0) return tokens.lastIndex;
  }
  return text.length;
}

function depthChange(token: string): number {
  if (token === "{" || token === "[") return 1;
  return token === "}" || token === "]" ? -1 : 0;
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
