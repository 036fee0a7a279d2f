/** Turns quotes in Tether into dollars by the Tether price of a source that trades real dollars. It never assumes 1:1. */

import { type Quote, TETHER } from "./quote.ts";

/** Beyond this Tether has lost its peg to the dollar, and prices in Tether say nothing about dollars. */
const LOWEST = 0.97;
const HIGHEST = 1.03;

/** A Tether price older than this converts nothing. */
const MAX_AGE_MS = 10 * 60_000;

/** All quotes in dollars, and those that could not be converted. The Tether quotes themselves are left out. */
export function convertTether(
  quotes: readonly Quote[],
  nowMs: number,
): { readonly dollars: readonly Quote[]; readonly unconverted: readonly Quote[] } {
  const tether = quotes.find(
    ({ asset, currency, price, quotedAtMs }) =>
      asset === TETHER &&
      currency === "USD" &&
      price >= LOWEST &&
      price <= HIGHEST &&
      nowMs - quotedAtMs <= MAX_AGE_MS,
  );
  const dollars: Quote[] = [];
  const unconverted: Quote[] = [];
  for (const quote of quotes) {
    if (quote.asset === TETHER) continue;
    if (quote.currency === "USD") dollars.push(quote);
    else if (tether === undefined) unconverted.push(quote);
    else dollars.push({ ...quote, currency: "USD", price: quote.price * tether.price });
  }
  return { dollars, unconverted };
}
