/** Made-up prices of all assets of V5, near those of 2026, that move a little at every step. */

import type { SeededRandom } from "./seeded-random.ts";

/** USD. Rough values of 2026 to start from; PEG, FCT and dead coins at their last plausible price. */
const START_PRICES: Readonly<Record<string, number>> = {
  PEG: 0.0021,
  USD: 1,
  EUR: 1.16,
  JPY: 0.0066,
  GBP: 1.34,
  CAD: 0.72,
  CHF: 1.24,
  INR: 0.0113,
  SGD: 0.775,
  CNY: 0.14,
  HKD: 0.1285,
  KRW: 0.00069,
  BRL: 0.184,
  PHP: 0.0171,
  MXN: 0.0545,
  XAU: 4200,
  XAG: 52,
  XBT: 96_000,
  ETH: 3300,
  LTC: 98,
  RVN: 0.0094,
  XBC: 540,
  FCT: 0.12,
  BNB: 920,
  XLM: 0.27,
  ADA: 0.51,
  XMR: 390,
  DASH: 68,
  ZEC: 420,
  DCR: 29,
  AUD: 0.655,
  NZD: 0.57,
  SEK: 0.106,
  NOK: 0.0985,
  RUB: 0.0124,
  ZAR: 0.058,
  TRY: 0.0236,
  EOS: 0.31,
  LINK: 14.6,
  ATOM: 2.9,
  BAT: 0.21,
  XTZ: 0.56,
  HBAR: 0.16,
  NEO: 4.6,
  CRO: 0.12,
  ETC: 15.2,
  ONT: 0.07,
  DOGE: 0.165,
  VET: 0.0162,
  HT: 0.24,
  ALGO: 0.165,
  DGB: 0.0071,
  AED: 0.27229,
  ARS: 0.00069,
  TWD: 0.0322,
  RWF: 0.00069,
  KES: 0.00773,
  UGX: 0.000277,
  TZS: 0.00041,
  BIF: 0.000338,
  ETB: 0.0066,
  NGN: 0.00069,
};

/** V1 had these two as well. */
const START_PRICES_V1: Readonly<Record<string, number>> = { XPD: 1450, XPT: 1620 };

/** The largest move of one step. */
const STEP = 0.0008;
/** How strongly a price is drawn back to where it began, so that it stays plausible for weeks. */
const PULL = 0.002;

export interface PriceWalk {
  /** 1e-8 USD by asset name; PNT is PEG's old name. */
  prices(): ReadonlyMap<string, bigint>;
  step(): void;
}

export function createPriceWalk(random: SeededRandom): PriceWalk {
  const start = Object.entries({ ...START_PRICES, ...START_PRICES_V1 });
  const factors = new Map(start.map(([name]) => [name, 1]));
  return {
    prices() {
      const prices = start.map(([name, price]): [string, bigint] => {
        const units = Math.round(price * (factors.get(name) ?? 1) * 1e8);
        return [name, BigInt(Math.max(1, units))];
      });
      const all = new Map(prices);
      return all.set("PNT", all.get("PEG") ?? 1n);
    },
    step() {
      for (const [name, factor] of factors) {
        if (name === "USD") continue;
        const moved = factor * (1 + STEP * (2 * random.next() - 1));
        factors.set(name, moved + PULL * (1 - moved));
      }
    },
  };
}
