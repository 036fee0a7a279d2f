/** Every price source by name, and the order in which they are asked unless the operator says otherwise. */

import type { PriceSource } from "./source.ts";
import { alternativeMe } from "./sources/alternative-me.ts";
import { apiLayer } from "./sources/api-layer.ts";
import { binance } from "./sources/binance.ts";
import { bitstamp } from "./sources/bitstamp.ts";
import { coinCap } from "./sources/coin-cap.ts";
import { coinGecko } from "./sources/coin-gecko.ts";
import { coinMarketCap } from "./sources/coin-market-cap.ts";
import { coinPaprika } from "./sources/coin-paprika.ts";
import { coinbase } from "./sources/coinbase.ts";
import { devnet } from "./sources/devnet.ts";
import { exchangeRates } from "./sources/exchange-rates.ts";
import { factoshiio } from "./sources/factoshiio.ts";
import { fawazAhmed } from "./sources/fawaz-ahmed.ts";
import { fixedUsd } from "./sources/fixed-usd.ts";
import { frankfurter } from "./sources/frankfurter.ts";
import { freeForexApi } from "./sources/free-forex-api.ts";
import { goldApi } from "./sources/gold-api.ts";
import { kitco } from "./sources/kitco.ts";
import { kraken } from "./sources/kraken.ts";
import { oneForge } from "./sources/one-forge.ts";
import { openErApi } from "./sources/open-er-api.ts";
import { openExchangeRates } from "./sources/open-exchange-rates.ts";
import { pegnetMarketCap } from "./sources/pegnet-market-cap.ts";

/** The reference's thirteen first, then living ones that need no key. */
export const PRICE_SOURCES: readonly PriceSource[] = [
  apiLayer,
  coinCap,
  fixedUsd,
  exchangeRates,
  kitco,
  openExchangeRates,
  coinMarketCap,
  freeForexApi,
  oneForge,
  alternativeMe,
  pegnetMarketCap,
  factoshiio,
  coinGecko,
  kraken,
  coinbase,
  binance,
  goldApi,
  frankfurter,
  openErApi,
  coinPaprika,
  fawazAhmed,
  bitstamp,
  devnet,
];

const BY_NAME: ReadonlyMap<string, PriceSource> = new Map(
  PRICE_SOURCES.map((source) => [source.name.toLowerCase(), source]),
);

/** By name, whatever its case. */
export function findSource(name: string): PriceSource | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Priorities of a configuration that names no source: the working sources without a key, fresh ones before daily ones. */
export const DEFAULT_PRIORITIES: Readonly<Record<string, number>> = {
  FixedUSD: 0,
  Kraken: 1,
  Coinbase: 2,
  CoinMarketCap: 3,
  CoinGecko: 4,
  Binance: 5,
  GoldAPI: 6,
  Frankfurter: 7,
  OpenERAPI: 8,
  CoinPaprika: 9,
  FawazAhmed0: 10,
};
