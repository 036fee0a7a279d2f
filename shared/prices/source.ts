/** A price source: a request it wants made and a reader of the reply. No source does I/O itself; the poller does. */

import * as v from "valibot";
import { parseJson } from "../json-source.ts";
import type { Quote } from "./quote.ts";

/** What an operator may set for a source. */
export interface SourceConfig {
  readonly key?: string | undefined;
  /** Instead of the service's own address, without a slash at its end. */
  readonly baseUrl?: string | undefined;
}

export interface SourceRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Present: a POST. */
  readonly body?: string;
}

/** A failure says what was expected and what came; never an address, which may hold a key. */
export type SourceReply = { readonly quotes: readonly Quote[] } | { readonly failure: string };

export interface PriceSource {
  /** As in the configuration, where case does not matter. */
  readonly name: string;
  /** For people. */
  readonly website: string;
  readonly needsKey: boolean;
  /** Assets it can have, and the pseudo-asset USDT. */
  readonly assets: readonly string[];
  /** Sources of one origin average the same markets: they count once in a quorum. */
  readonly origin: string;
  /** The service wants not to be asked more often. */
  readonly minPeriodMs: number;
  /** Time between the starts of two requests of a round, for a service that limits requests per second. */
  readonly spacingMs?: number;
  /** Present: the service is gone; why, and what to use instead. */
  readonly closed?: string;
  /** The requests of one round; none where nothing need be asked. Only assets that the source has are passed. */
  buildRequests(config: SourceConfig, assets: readonly string[]): SourceRequest[];
  /** The quotes of one reply, or of none for a source that asks nothing (body ""). */
  parse(body: string, nowMs: number): SourceReply;
}

const PLAIN_DECIMAL = /^\d{1,20}(\.\d{1,30})?$/;

/** A price as services write it: a number or a plain decimal text. Undefined for anything but a finite number above 0. */
export function readPrice(value: unknown): number | undefined {
  const number =
    typeof value === "number"
      ? value
      : typeof value === "string" && PLAIN_DECIMAL.test(value)
        ? Number(value)
        : Number.NaN;
  return Number.isFinite(number) && number > 0 ? number : undefined;
}

/** Dollars for a unit, from units for a dollar. Undefined for a rate with so few digits that its rounding would matter. */
export function invertRate(value: unknown): number | undefined {
  const rate = readPrice(value);
  if (rate === undefined || (rate < 0.01 && significantDigits(String(value)) < 5)) return undefined;
  return readPrice(1 / rate);
}

function significantDigits(text: string): number {
  return text.replace(/e.*$/i, "").replace(".", "").replace(/^0+/, "").length;
}

/** The end of a day given as a date only, but never later than now: rates of a day stand until its end. */
export function endOfDay(date: string, nowMs: number): number | undefined {
  const start = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(start) ? undefined : Math.min(start + 24 * 3_600_000, nowMs);
}

/** A source's own time, or now if that time lies in the future. Undefined where it cannot be read. */
export function ownTime(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs === undefined || !Number.isFinite(atMs) || atMs <= 0 ? undefined : Math.min(atMs, nowMs);
}

/** Parses a JSON reply by a schema of the parts that are used, and passes it to `read`. */
export function readJson<Schema extends v.GenericSchema>(
  body: string,
  schema: Schema,
  read: (reply: v.InferOutput<Schema>) => SourceReply,
): SourceReply {
  const json = parseJson(body);
  if (json === undefined)
    return { failure: `expected JSON, got ${body.length} characters of something else` };
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return read(parsed.output);
  const [issue] = parsed.issues;
  return {
    failure: `unexpected reply at ${v.getDotPath(issue) ?? "its top"}: ${issue.message.slice(0, 200)}`,
  };
}

/** Quotes in dollars, the unreadable ones left out; a reply without any is a failure. */
export function dollarQuotes(
  source: string,
  items: Iterable<{ asset: string; price: number | undefined; atMs: number | undefined }>,
): SourceReply {
  const quotes: Quote[] = [];
  for (const { asset, price, atMs } of items) {
    if (price !== undefined && atMs !== undefined)
      quotes.push({ asset, source, price, currency: "USD", quotedAtMs: atMs });
  }
  return quotes.length === 0 ? { failure: "no usable price in the reply" } : { quotes };
}

/** Own names by asset, from lines such as `XBT bitcoin`. */
export function symbolMap(text: string): ReadonlyMap<string, string> {
  const words = text.trim().split(/\s+/);
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) map.set(words[i] ?? "", words[i + 1] ?? "");
  return map;
}

/** The services' names of the given assets, those without one left out. */
export function namesOf(assets: readonly string[], names: ReadonlyMap<string, string>): string[] {
  return assets.flatMap((asset) => names.get(asset) ?? []);
}

/** The usual headers of a JSON request. */
export const ACCEPT_JSON: Readonly<Record<string, string>> = { accept: "application/json" };
