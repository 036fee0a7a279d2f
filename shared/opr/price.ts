/** Prices between integers of 1e-8 USD and doubles, rounded as the reference rounds them (pegnet `modules/opr/util.go`). */

import { MAX_U64 } from "../bytes.ts";

const PRICE_SCALE = 1e8;

/** 1e-8 units to USD: the nearest double of the integer, then one division. */
export function priceToFloat(price: bigint): number {
  return Number(price) / PRICE_SCALE;
}

/**
 * USD to 1e-8 units, halves away from zero. Null where no unsigned 64-bit integer fits.
 * Differs from prosper-pool: there such a conversion gives whatever the processor makes of it.
 */
export function floatToPrice(usd: number): bigint | null {
  const scaled = Math.round(usd * PRICE_SCALE);
  if (!Number.isFinite(scaled) || scaled < 0) return null;
  const price = BigInt(scaled);
  return price > MAX_U64 ? null : price;
}
