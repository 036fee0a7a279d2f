/** One line of the stratum dialect to a value and back, for both ends. Clause ids refer to STRATUM.md; the bytes follow test/support/vectors/stratum. */

import * as v from "valibot";
import { parseJson } from "../json-source.ts";

/** Longest line in either direction, newline included (L1). */
export const MAX_LINE_BYTES = 4096;

/** What names may be (A2). */
export const USER_NAME = /^[\x21-\x2b\x2d-\x7e]{1,254}$/;
export const WORKER_NAME = /^[\x21-\x2b\x2d-\x7e]{0,64}$/;

/** Error codes. They are positive, and the message is a constant name, as the Go pool has them (E1). */
export const STRATUM_ERRORS = {
  ErrorParseError: 32700,
  ErrorInvalidRequest: 32600,
  ErrorMethodNotFound: 32601,
  ErrorInvalidParams: 32602,
  ErrorInternalError: 32603,
  ErrorLoginRefused: 32010,
  ErrorShareRefused: 32020,
  ErrorStaleShare: 32021,
  ErrorDuplicateShare: 32022,
  ErrorLowDifficulty: 32023,
  ErrorNotSubscribed: 32025,
  ErrorWrongPrefix: 32026,
  ErrorWrongHash: 32027,
  ErrorBusy: 32028,
} as const;

export type StratumErrorName = keyof typeof STRATUM_ERRORS;

/** What stands under "error". `data` is a sentence for a person, or null. */
export interface StratumError {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

export function stratumError(name: StratumErrorName, data: string | null = null): StratumError {
  return { code: STRATUM_ERRORS[name], message: name, data };
}

/** What names a request: text of at most 64 characters or a whole number that a double holds exactly (P3). */
export type StratumId = number | string;

/** `params` as an array of strings; "bad" when missing or of another shape; null and missing elements are "" and none (P3). */
export type Params = { readonly kind: "list"; readonly values: readonly string[] } | { readonly kind: "bad" };

/** One line, understood. */
export type StratumMessage =
  /** Only whitespace: no answer. */
  | { readonly kind: "blank" }
  /** Not JSON (P1). */
  | { readonly kind: "unparsable" }
  /** JSON, but no request and no response (P2). */
  | { readonly kind: "invalid"; readonly id: StratumId | null; readonly reason: string }
  | { readonly kind: "request"; readonly id: StratumId; readonly method: string; readonly params: Params }
  | {
      readonly kind: "response";
      readonly id: StratumId;
      readonly result: unknown;
      readonly error: StratumError | undefined;
    };

const MAX_ID_LENGTH = 64;
const ErrorSchema = v.object({
  code: v.number(),
  message: v.string(),
  data: v.optional(v.unknown(), null),
});

/**
 * Never throws and never copies keys it does not know. Keys match in any case and the last one wins, as in the Go pool (P3).
 * Differs from prosper-pool: there ids are 32-bit integers and any other reads as 0, so that a client which names its requests finds no answer.
 */
export function parseStratumLine(line: string): StratumMessage {
  const share = SHARE_LINE.exec(line);
  if (share !== null) return shareRequest(share);
  if (!/[^ \t\r\n]/.test(line)) return { kind: "blank" };
  const json = parseJson(line);
  if (json === undefined) return { kind: "unparsable" };
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return { kind: "invalid", id: null, reason: "expected one JSON object a line" };
  const fields = readFields(json);
  const id = readId(fields.id);
  if (fields.method === undefined)
    return { kind: "response", id, result: fields.result, error: readError(fields.error) };
  if (typeof fields.method !== "string" || fields.method === "")
    return { kind: "invalid", id, reason: "method: expected the name of a method" };
  return { kind: "request", id, method: fields.method, params: readParams(fields.params) };
}

/**
 * The line that miners send most: a share as the Go miner and ours write it, with nothing that JSON would decode. Every other spelling of it is for the
 * general parser, which gives the same for this one.
 */
const SHARE_LINE = shareLine('"([ !#-\\[\\]-\\uffff]*)"');

/** `text`: a string literal of what is neither an escape nor a control character. */
function shareLine(text: string): RegExp {
  const params = Array.from({ length: 5 }, () => text).join(",");
  return new RegExp(`^\\{"id":(0|[1-9]\\d{0,14}),"method":"mining\\.submit","params":\\[${params}\\]\\}$`);
}

function shareRequest([
  ,
  id,
  user = "",
  job = "",
  nonce = "",
  oprHash = "",
  target = "",
]: RegExpExecArray): StratumMessage {
  const params: Params = { kind: "list", values: [user, job, nonce, oprHash, target] };
  return { kind: "request", id: Number(id), method: "mining.submit", params };
}

interface Fields {
  id?: unknown;
  method?: unknown;
  params?: unknown;
  result?: unknown;
  error?: unknown;
}

function readFields(json: object): Fields {
  const fields: Fields = {};
  for (const [key, value] of Object.entries(json)) {
    switch (key.toLowerCase()) {
      case "id":
        fields.id = value;
        break;
      case "method":
        fields.method = value;
        break;
      case "params":
        fields.params = value;
        break;
      case "result":
        fields.result = value;
        break;
      case "error":
        fields.error = value;
        break;
    }
  }
  return fields;
}

/** By hand, like the params: a schema takes a quarter of a line's time. */
function readId(value: unknown): StratumId {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : 0;
  return typeof value === "string" && value.length <= MAX_ID_LENGTH ? value : 0;
}

function readParams(value: unknown): Params {
  if (value === null) return { kind: "list", values: [] };
  if (!Array.isArray(value)) return { kind: "bad" };
  const values: string[] = [];
  for (const text of value) {
    if (typeof text !== "string" && text !== null) return { kind: "bad" };
    values.push(text ?? "");
  }
  return { kind: "list", values };
}

function readError(value: unknown): StratumError | undefined {
  const parsed = v.safeParse(ErrorSchema, value);
  return parsed.success ? parsed.output : undefined;
}

/** A request line with its newline; `params` null is written as null (get_version and stop_mining have none). */
export function encodeRequest(id: StratumId, method: string, params: readonly string[] | null): string {
  return encode({ id, method, params });
}

/** A successful response: no "error" key (E2). */
export function encodeResult(id: StratumId, result: unknown): string {
  // The answer to a good share, with nothing in it to encode.
  if (result === true && typeof id === "number") return `{"id":${id},"result":true}\n`;
  return encode({ id, result });
}

/** No verdict, but an error: "result" is null. `id` null answers a line whose id could not be read. */
export function encodeError(id: StratumId | null, error: StratumError): string {
  return encode({ id, result: null, error });
}

/** A verdict against a share or a login (E4). Differs from prosper-pool: with its reason, where there is only `false` there. */
export function encodeRefusal(id: StratumId, error: StratumError): string {
  return encode({ id, result: false, error });
}

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON as Go's encoder writes it (E3), and a newline. */
function encode(message: object): string {
  return `${JSON.stringify(message, wellFormed).replace(/[<>&\u2028\u2029]/g, (c) => ESCAPES[c] ?? c)}\n`;
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === "string" && !value.isWellFormed() ? value.toWellFormed() : value;
}

/** A 64-bit target as it is sent: 16 lower-case hex digits (D-TARGET). */
export function formatTarget(target: bigint): string {
  return target.toString(16).padStart(16, "0");
}

/** Hex digits of any case, leading zeros allowed, at most 64 bits; undefined for anything else. */
export function parseTarget(text: string): bigint | undefined {
  return /^0*[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** A job id is a block height in canonical decimal; undefined for anything else. */
export function parseJobId(text: string): number | undefined {
  const height = Number(text);
  return /^(?:0|[1-9]\d{0,9})$/.test(text) && height <= 0x7fff_ffff ? height : undefined;
}
