/** From a quote to the integer of the record: cut to 8 decimals as a double, then rounded to 1e-8 USD (docs/spec.md, "Choosing"). */

import type { OprVersion } from "../opr/assets.ts";
import { floatToPrice } from "../opr/price.ts";

const INT64_END = 2 ** 63;

/** The price with the version's decimals (V1: 4, later 8), the rest cut off in doubles as the reference does. */
export function truncatePrice(price: number, version: OprVersion): number {
  const scale = version === 1 ? 1e4 : 1e8;
  return Math.trunc(price * scale) / scale;
}

/**
 * The integer of the record in 1e-8 USD; undefined when it would be 0 or not fit, or the price is no number above 0.
 * Differs from prosper-pool: there a price below 1e-8 becomes a record that every grader refuses, and an infinite one any number.
 */
export function priceUnits(price: number, version: OprVersion): bigint | undefined {
  if (!(price > 0) || price * 1e8 >= INT64_END) return undefined;
  const units = floatToPrice(truncatePrice(price, version));
  return units === null || units === 0n ? undefined : units;
}
