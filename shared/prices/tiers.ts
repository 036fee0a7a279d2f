/** How old a quote may be to decide, and whether the best ones are enough to trust (the ages are of the market's open hours). */

import type { OprVersion } from "../opr/assets.ts";
import { classOf } from "./asset-class.ts";
import { bandAround } from "./choose.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Fresh ones decide before older ones: yesterday's rates must not outvote today's. */
const TIERS = [
  { name: "live", maxAgeMs: 10 * MINUTE_MS },
  { name: "slow", maxAgeMs: 90 * MINUTE_MS },
  { name: "daily", maxAgeMs: 26 * HOUR_MS },
  { name: "holiday", maxAgeMs: 5 * 24 * HOUR_MS },
] as const;

export type TierName = (typeof TIERS)[number]["name"];

/** Best first, each in the order it was given; `stale` is too old for any. */
export interface Tiered<T> {
  readonly tiers: readonly { readonly name: TierName; readonly quotes: readonly T[] }[];
  readonly stale: readonly T[];
}

/** Sorts quotes into tiers by age; tiers without quotes are left out. */
export function sortIntoTiers<T extends { readonly ageMs: number }>(quotes: readonly T[]): Tiered<T> {
  const tierOf = (quote: T): TierName | undefined =>
    TIERS.find(({ maxAgeMs }) => quote.ageMs <= maxAgeMs)?.name;
  return {
    tiers: TIERS.map(({ name }) => ({
      name,
      quotes: quotes.filter((quote) => tierOf(quote) === name),
    })).filter((tier) => tier.quotes.length > 0),
    stale: quotes.filter((quote) => tierOf(quote) === undefined),
  };
}

/** Currencies whose official and street rates differ. Older quotes may differ more before they count against a fresh one. */
const UNEVEN = new Set(["ARS", "NGN", "ETB", "BIF"]);

export function isUneven(asset: string): boolean {
  return UNEVEN.has(asset);
}

function checkLimit(asset: string): number {
  return classOf(asset) === "fiat" && !UNEVEN.has(asset) ? 0.05 : 0.15;
}

export interface QuorumInput {
  readonly asset: string;
  readonly version: OprVersion;
  /** The quote that the rule chose. */
  readonly chosen: number;
  /** The quotes of the best tier by priority, each with its origin. */
  readonly best: readonly { readonly price: number; readonly origin: string }[];
  /** The quotes of the next tier, used only to check the choice. */
  readonly next: readonly { readonly price: number }[];
  /** Origins of all sources that serve the asset, answering or not. */
  readonly origins: number;
  /** Whether one origin is enough. Undefined: it is enough where no other origin serves the asset. */
  readonly single: boolean | undefined;
}

/**
 * Whether the choice can be trusted. Two origins are enough, with two exceptions: there are only two quotes and they lie further apart than the
 * band (nobody knows which is wrong), or the next tier contradicts the price of a currency. One origin is enough where `single` says so, or where
 * the next tier agrees.
 */
export function hasQuorum({ asset, version, chosen, best, next, origins, single }: QuorumInput): boolean {
  const [first, second] = best;
  const agrees =
    next.length > 0 && Math.abs(chosen / median(next.map(({ price }) => price)) - 1) <= checkLimit(asset);
  if (new Set(best.map(({ origin }) => origin)).size < 2) return (single ?? origins < 2) || agrees;
  if (version === 5 && best.length === 2 && first !== undefined && second !== undefined) {
    if (!bandAround(first.price)(second.price)) return false;
  }
  return classOf(asset) !== "fiat" || next.length === 0 || agrees;
}

/** The middle, or the mean of the two in the middle. There must be at least one number. */
export function median(numbers: readonly number[]): number {
  const ascending = numbers.toSorted((a, b) => a - b);
  const middle = ascending.length / 2;
  const high = ascending[Math.floor(middle)] ?? Number.NaN;
  const low = ascending[Math.ceil(middle) - 1] ?? Number.NaN;
  return (low + high) / 2;
}
