/** Chooses the price among several quotes (docs/spec.md, "Choosing"; the reference's `PullBestPrice`). */

import type { OprVersion } from "../opr/assets.ts";

/** `priority`: the first in the band by priority. `reference`: as the Go pool, which has sorted by price by then. */
export type PriceRule = "priority" | "reference";

/** The quote that won, and those in and out of the band (V1–V4 know no band: all are inside). */
export interface Choice<T> {
  readonly chosen: T;
  readonly inside: readonly T[];
  readonly outside: readonly T[];
}

/** From this mean on the band is narrow. */
const NARROW_FROM = 1000;

/**
 * The price among quotes in priority order; undefined without any.
 * V1–V4: the first. V5: the first inside a band around the mean without the lowest and highest quote (fewer than three:
 * around the first); when none is inside, the first of all.
 */
export function choosePrice<T extends { readonly price: number }>(
  quotes: readonly T[],
  version: OprVersion,
  rule: PriceRule,
): Choice<T> | undefined {
  const [first] = quotes;
  if (first === undefined) return undefined;
  if (version < 5) return { chosen: first, inside: quotes, outside: [] };
  const ascending = quotes.length < 3 ? quotes : quotes.toSorted((a, b) => a.price - b.price);
  const isInside = bandAround(
    quotes.length < 3
      ? first.price
      : meanWithoutEnds(
          ascending.map((q) => q.price),
          1,
        ),
  );
  // Differs from prosper-pool: finding the mean sorts its list, so "the first" is the cheapest there; here it is the first by priority.
  const ordered = rule === "reference" ? ascending : quotes;
  const inside = ordered.filter(({ price }) => isInside(price));
  const chosen = inside[0] ?? ordered[0] ?? first;
  return { chosen, inside, outside: ordered.filter(({ price }) => !isInside(price)) };
}

/** Mean of ascending numbers without the `cut` lowest and highest; there must be more than twice as many. */
export function meanWithoutEnds(ascending: readonly number[], cut: number): number {
  const kept = ascending.slice(cut, ascending.length - cut);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

/** ±1 % from 1000 USD on, ±10 % below, both ends inside. */
export function bandAround(centre: number): (price: number) => boolean {
  const tolerance = centre < NARROW_FROM ? 0.1 : 0.01;
  const high = centre * (1 + tolerance);
  const low = centre * (1 - tolerance);
  return (price) => price >= low && price <= high;
}
