/** From an operator's settings of prices to the options of the poll: the one way for the configuration file and for a stage on AWS. */

import type { Activations } from "../../shared/opr/assets.ts";
import type { PriceRule } from "../../shared/prices/choose.ts";
import { orderSources, type SourceSettings } from "../../shared/prices/order.ts";
import { DEVIATION_LIMITS, priceSafety } from "../../shared/prices/safety.ts";
import type { PollOptions } from "./poll.ts";
import { cachePeriodMs } from "./source-cache.ts";

/** Percent: how far a quote may lie from the median of the sources, and from the last block's price. */
export interface PercentLimit {
  readonly median: number;
  readonly block: number;
}

/** Uneven currencies keep their own limits: no setting fits both them and the others. */
export type PercentLimits = Readonly<Record<"fiat" | "metal" | "coin", PercentLimit>>;

export interface PriceSettings extends SourceSettings {
  readonly rule: PriceRule;
  /** Asset, in any case, → the operator's own price in 1e-8 USD. */
  readonly fixed: Readonly<Record<string, bigint>>;
  /** An older price is not used. */
  readonly staleMs: number;
  /** Assets that one source is enough for; "*": all. */
  readonly single: readonly string[];
  /** The usual ones where a kind is not named. */
  readonly limits: Partial<PercentLimits>;
}

export interface NetworkSettings {
  readonly blockMs: number;
  readonly activations: Activations;
  /** The height to mine on an empty database. */
  readonly startHeight: number;
}

/** Throws CodedError `price-config`. */
export function pollOptionsOf(prices: PriceSettings, network: NetworkSettings): PollOptions {
  const order = orderSources(prices);
  const limits = Object.entries(prices.limits).map(([kind, { median, block }]) => [
    kind,
    { median: median / 100, block: block / 100 },
  ]);
  return {
    order,
    safety: priceSafety(order, {
      single: prices.single,
      limits: { ...DEVIATION_LIMITS, ...Object.fromEntries(limits) },
    }),
    rule: prices.rule,
    cacheMs: cachePeriodMs(network.blockMs),
    lastGoodMaxMs: prices.staleMs,
    fixed: new Map(Object.entries(prices.fixed).map(([asset, price]) => [asset.toUpperCase(), price])),
    carry: new Set(),
    activations: network.activations,
    startHeight: network.startHeight,
  };
}
