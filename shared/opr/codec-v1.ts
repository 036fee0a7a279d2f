/**
 * V1 OPR contents: JSON, read and written as Go's encoding/json does it, since the bytes are hashed and what that package
 * accepts is consensus (pegnet `modules/opr/V1Content.go`; cases in `test/support/vectors/opr_v1.json`).
 */

import { isJson, jsonParts, nestingDepth, parseJsonString, skipSpace } from "../json-source.ts";
import { assetsOf } from "./assets.ts";
import { bytesToReplacedText, textToBytes } from "./byte-text.ts";
import type { JsonOpr, Parsed } from "./record.ts";

/** Go refuses deeper nesting, also in fields it does not know. */
const MAX_DEPTH = 10_000;
const INT32 = /^-?\d{1,10}$/;

interface Draft {
  coinbase: string;
  dbht: number;
  minerid: string;
  winners: string[] | null;
  /** Go decodes a second array into the memory of the first. A null element then keeps the value from here. */
  winnerSlots: string[];
  assets: Map<string, number> | null;
}

/** Reads a value's source into the draft (null changes a scalar nothing); returns what was expected where it does not fit. */
type FieldReader = (draft: Draft, text: string, start: number, end: number) => string | undefined;

const READERS: ReadonlyMap<string, FieldReader> = new Map([
  ["coinbase", textReader("coinbase")],
  ["minerid", textReader("minerid")],
  ["dbht", readHeight],
  ["winners", readWinners],
  ["assets", readAssets],
]);

/** The record in the bytes, or why Go would refuse them. Never throws. */
export function parseOprV1(content: Uint8Array): Parsed<JsonOpr> {
  const text = bytesToReplacedText(content);
  if (!isJson(text)) return refuse("valid JSON");
  if (nestingDepth(text) > MAX_DEPTH) return refuse(`JSON of at most ${MAX_DEPTH} levels`);
  const draft: Draft = { coinbase: "", dbht: 0, minerid: "", winners: null, winnerSlots: [], assets: null };
  const start = skipSpace(text, 0);
  if (text[start] === "{") {
    for (const { key, start: at, end } of jsonParts(text, start)) {
      const wanted = READERS.get(foldKey(key))?.(draft, text, at, end);
      if (wanted !== undefined) return refuse(`${wanted} in "${foldKey(key)}"`, text.slice(at, end));
    }
  } else if (text.slice(start, start + 4) !== "null") return refuse("a JSON object", text);
  const { coinbase, dbht, minerid, winners, assets } = draft;
  return {
    ok: true,
    value: { format: "json", address: coinbase, id: minerid, height: dbht, winners, assets },
  };
}

/** The content of a V1 record: fixed key order, every V1 asset, unknown assets dropped. Throws RangeError on NaN and infinity. */
export function encodeOprV1(opr: Omit<JsonOpr, "format">): Uint8Array {
  const winners = opr.winners === null ? "null" : `[${opr.winners.map(goString).join(",")}]`;
  const assets = assetsOf(1).map((name) => `"${name}":${goNumber(opr.assets?.get(name) ?? 0)}`);
  return textToBytes(
    `{"coinbase":${goString(opr.address)},"dbht":${opr.height},"winners":${winners},` +
      `"minerid":${goString(opr.id)},"assets":{${assets.join(",")}}}`,
  );
}

function refuse(wanted: string, got?: string): { ok: false; reason: string } {
  const found = got === undefined ? "" : `, got ${got.slice(0, 40)}`;
  return { ok: false, reason: `expected ${wanted}${found}` };
}

/** Go matches keys without case. Of all letters outside ASCII only the long s folds into one of these names. */
function foldKey(key: string): string {
  return key.replaceAll("\u017f", "s").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function textReader(field: "coinbase" | "minerid"): FieldReader {
  return (draft, text, start, end) => {
    if (text[start] === "n") return undefined;
    if (text[start] !== '"') return "a string";
    draft[field] = parseJsonString(text.slice(start, end));
    return undefined;
  };
}

function readHeight(draft: Draft, text: string, start: number, end: number): string | undefined {
  if (text[start] === "n") return undefined;
  const source = text.slice(start, end);
  const value = Number(source);
  if (!INT32.test(source) || value !== (value | 0)) return "a 32-bit integer without point or exponent";
  draft.dbht = value | 0;
  return undefined;
}

function readWinners(draft: Draft, text: string, start: number): string | undefined {
  if (text[start] === "n") {
    draft.winners = null;
    draft.winnerSlots = [];
    return undefined;
  }
  if (text[start] !== "[") return "an array";
  const elements = jsonParts(text, start);
  if (elements.length === 0) draft.winnerSlots = [];
  for (const [i, { start: at, end }] of elements.entries()) {
    if (text[at] === '"') draft.winnerSlots[i] = parseJsonString(text.slice(at, end));
    else if (text[at] === "n") draft.winnerSlots[i] ??= "";
    else return "an array of strings";
  }
  draft.winners = draft.winnerSlots.slice(0, elements.length);
  return undefined;
}

/** A second object of assets adds to the first. */
function readAssets(draft: Draft, text: string, start: number): string | undefined {
  if (text[start] === "n") {
    draft.assets = null;
    return undefined;
  }
  if (text[start] !== "{") return "an object";
  draft.assets ??= new Map();
  for (const { key, start: at, end } of jsonParts(text, start)) {
    const price = text[at] === "n" ? 0 : readNumber(text.slice(at, end));
    if (price === undefined) return "an object of numbers";
    draft.assets.set(key, price);
  }
  return undefined;
}

/** A double; Go refuses a number beyond its range, but not one that rounds to 0. */
function readNumber(source: string): number | undefined {
  const value = /^[-\d]/.test(source) ? Number(source) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A JSON string as Go writes it: HTML's characters and the line separators escaped, bytes that are no UTF-8 as \ufffd. */
function goString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be escaped
  const special = /["\\\u0000-\u001f<>&\u2028\u2029]|\p{Surrogate}/gu;
  const escaped = (character: string): string => {
    const code = character.charCodeAt(0);
    const isInvalid = code >= 0xd800 && code <= 0xdfff;
    return SHORT_ESCAPES[character] ?? `\\u${(isInvalid ? 0xfffd : code).toString(16).padStart(4, "0")}`;
  };
  return `"${text.replace(special, escaped)}"`;
}

/** Go and ECMAScript write the same shortest decimals with the same bounds for exponents, all but −0. */
function goNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`an OPR price must be finite, got ${value}`);
  return Object.is(value, -0) ? "-0" : String(value);
}
