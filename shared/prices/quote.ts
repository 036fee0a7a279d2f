/** What a source says about an asset. Prices are doubles: the reference's choice and rounding are defined on doubles. */

/** The pseudo-asset by which quotes in Tether are turned into dollars. */
export const TETHER = "USDT";

export interface Quote {
  readonly asset: string;
  readonly source: string;
  /** Units of `currency` for one unit of the asset; finite and above 0. */
  readonly price: number;
  readonly currency: "USD" | "USDT";
  /** Unix milliseconds: the source's own time, or when it was asked where it states none. */
  readonly quotedAtMs: number;
}

/**
 * What became of a quote. `used`: it is the price. `doubted`: it would be the price, but too few sources support it. `agreed`: in the band,
 * but not the first. `outside`: out of the band. `later-tier`: older than the best ones, used only as a check. `stale`: too old
 * for any use. `no-tether`: could not be converted. `absurd`: no price that a record can hold. `deviant`: too far from the other sources.
 * `jumped`: too far from the last block, and no other source confirms it (shared/prices/safety.ts).
 */
export const QUOTE_FATES = [
  "used",
  "doubted",
  "agreed",
  "outside",
  "later-tier",
  "stale",
  "no-tether",
  "absurd",
  "deviant",
  "jumped",
] as const;
export type QuoteFate = (typeof QUOTE_FATES)[number];
