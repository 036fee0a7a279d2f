/** When markets are closed, in UTC, and ages that count open hours only (docs/spec.md, "Market hours"). */

import { type AssetClass, classOf } from "./asset-class.ts";

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** Friday 2 January 1970, 21:00 UTC: the first closing. */
const FIRST_CLOSING_MS = (24 + 21) * HOUR_MS;

/** How long each market is closed from Friday 21:00: to Sunday 21:00, or 22:00. */
const REST_MS: Readonly<Record<AssetClass, number>> = {
  usd: 0,
  fiat: 48 * HOUR_MS,
  metal: 49 * HOUR_MS,
  coin: 0,
};

/**
 * Whether the asset's market is open at a Unix time in milliseconds.
 * Differs from prosper-pool: hours are UTC (there: the server's), and the currencies of V4 and V5 rest too.
 */
export function isMarketOpen(asset: string, atMs: number): boolean {
  return sinceClosing(atMs) >= REST_MS[classOf(asset)];
}

/** Milliseconds from `fromMs` to `toMs` in which the asset's market was open; 0 when `toMs` comes first. */
export function openMsBetween(asset: string, fromMs: number, toMs: number): number {
  if (toMs <= fromMs) return 0;
  const rest = REST_MS[classOf(asset)];
  return toMs - fromMs - (restedBefore(toMs, rest) - restedBefore(fromMs, rest));
}

function restedBefore(atMs: number, rest: number): number {
  const weeks = Math.floor((atMs - FIRST_CLOSING_MS) / WEEK_MS);
  return weeks * rest + Math.min(sinceClosing(atMs), rest);
}

function sinceClosing(atMs: number): number {
  const since = (atMs - FIRST_CLOSING_MS) % WEEK_MS;
  return since < 0 ? since + WEEK_MS : since;
}
