/** One price for every asset of a record: from quotes where they can be trusted, else down a ladder of older prices (SPEC.md §7). */

import { rulesOf } from "../grading/versions.ts";
import { assetsOf, type OprVersion } from "../opr/assets.ts";
import { choosePrice, type PriceRule } from "./choose.ts";
import { isMarketOpen, openMsBetween } from "./market-hours.ts";
import type { Quote, QuoteFate } from "./quote.ts";
import { priceUnits } from "./round.ts";
import { convertTether } from "./tether.ts";
import { hasQuorum, sortIntoTiers } from "./tiers.ts";

/**
 * Where a price comes from. `quotes`: enough of them agree. `last-good`: what quotes gave within the last half hour.
 * `thin`: quotes, though too few or too far apart, and nothing better. `fixed`: set by the operator. `carried`: the winning price
 * of the last graded block. `zero`: the version has no price of this asset yet.
 */
export const PRICE_BASES = ["quotes", "last-good", "thin", "fixed", "carried", "zero"] as const;
export type PriceBasis = (typeof PRICE_BASES)[number];

/** A quote as it is recorded: source, price, age in seconds (of open hours) and fate. */
export type QuoteLine = readonly [source: string, price: string, ageSeconds: number, fate: QuoteFate];

/** How one asset got its price. */
export interface PriceNote {
  readonly basis: PriceBasis;
  /** Unix milliseconds of the price itself, where it is older than its row. */
  readonly sinceMs?: number;
  /** Its market rests: the last quotes before closing stay good. */
  readonly closed?: true;
  readonly quotes: readonly QuoteLine[];
}

export interface SettleInput {
  readonly version: OprVersion;
  readonly rule: PriceRule;
  readonly nowMs: number;
  /** Names of the sources of each asset by priority. */
  readonly order: ReadonlyMap<string, readonly string[]>;
  /** Origin of each source; a source not named is its own. */
  readonly origins: ReadonlyMap<string, string>;
  readonly quotes: readonly Quote[];
  /** Prices that quotes gave, with their times. */
  readonly lastGood: ReadonlyMap<string, { readonly price: bigint; readonly atMs: number }>;
  readonly lastGoodMaxMs: number;
  /** The operator's own prices, for assets that may go without quotes. */
  readonly fixed: ReadonlyMap<string, bigint>;
  /** Winning prices of the last graded block. */
  readonly winning: ReadonlyMap<string, bigint>;
  /** Assets that may take a fixed or carried price besides those that no source serves and `WITHOUT_MARKET`. */
  readonly carry: ReadonlySet<string>;
}

export interface SettledPrices {
  /** 1e-8 USD by asset of the version. */
  readonly prices: ReadonlyMap<string, bigint>;
  readonly notes: ReadonlyMap<string, PriceNote>;
  /** Assets without a price: no record can be made. */
  readonly missing: readonly string[];
}

/** Assets that no market prices any more, whatever sources list them. */
export const WITHOUT_MARKET: ReadonlySet<string> = new Set(["PEG", "FCT", "HT"]);

interface AgedQuote extends Quote {
  readonly ageMs: number;
  readonly origin: string;
}

interface AssetPrice {
  readonly price: bigint | undefined;
  readonly note: PriceNote;
}

/** Settles every asset of the version. */
export function settlePrices(input: SettleInput): SettledPrices {
  const { dollars, unconverted } = convertTether(input.quotes, input.nowMs);
  const prices = new Map<string, bigint>();
  const notes = new Map<string, PriceNote>();
  const missing: string[] = [];
  for (const asset of assetsOf(input.version)) {
    const { price, note } = settleAsset(asset, dollars, unconverted, input);
    if (price === undefined) missing.push(asset);
    else prices.set(asset, price);
    notes.set(asset, note);
  }
  return { prices, notes, missing };
}

function settleAsset(
  asset: string,
  dollars: readonly Quote[],
  unconverted: readonly Quote[],
  input: SettleInput,
): AssetPrice {
  if (asset === rulesOf(input.version).mayBeZero) return { price: 0n, note: { basis: "zero", quotes: [] } };
  const closed = isMarketOpen(asset, input.nowMs) ? {} : ({ closed: true } as const);
  const lost = byPriority(asset, unconverted, input).map((quote) => lineOf(quote, "no-tether"));
  const aged = byPriority(asset, dollars, input);
  const judged =
    input.rule === "reference" ? judgeAsReference(aged, input) : judgeByTiers(asset, aged, input);
  const lines = [...judged.lines, ...lost];
  if (judged.price !== undefined && judged.trusted)
    return { price: judged.price, note: { basis: "quotes", ...closed, quotes: lines } };
  const unused = lines.map(
    ([source, price, age, fate]): QuoteLine => [source, price, age, fate === "used" ? "doubted" : fate],
  );
  const good = input.lastGood.get(asset);
  if (good !== undefined && openMsBetween(asset, good.atMs, input.nowMs) <= input.lastGoodMaxMs) {
    return { price: good.price, note: { basis: "last-good", sinceMs: good.atMs, ...closed, quotes: unused } };
  }
  if (judged.price !== undefined)
    return { price: judged.price, note: { basis: "thin", ...closed, quotes: lines } };
  return priceWithoutQuotes(asset, unused, input);
}

/** The last rungs: only for assets that may do without quotes. */
function priceWithoutQuotes(asset: string, quotes: readonly QuoteLine[], input: SettleInput): AssetPrice {
  const served = (input.order.get(asset) ?? []).length > 0;
  const mayCarry = !served || WITHOUT_MARKET.has(asset) || input.carry.has(asset);
  const fixed = mayCarry ? input.fixed.get(asset) : undefined;
  if (fixed !== undefined) return { price: fixed, note: { basis: "fixed", quotes } };
  return { price: mayCarry ? input.winning.get(asset) : undefined, note: { basis: "carried", quotes } };
}

function byPriority(asset: string, quotes: readonly Quote[], input: SettleInput): AgedQuote[] {
  return (input.order.get(asset) ?? []).flatMap((source) => {
    const quote = quotes.find((item) => item.asset === asset && item.source === source);
    if (quote === undefined || priceUnits(quote.price, input.version) === undefined) return [];
    const ageMs = openMsBetween(asset, quote.quotedAtMs, input.nowMs);
    return [{ ...quote, ageMs, origin: input.origins.get(source) ?? source }];
  });
}

interface Judged {
  readonly price: bigint | undefined;
  readonly trusted: boolean;
  readonly lines: readonly QuoteLine[];
}

/** As the Go pool: every quote counts, however old, and one is enough. */
function judgeAsReference(quotes: readonly AgedQuote[], input: SettleInput): Judged {
  const choice = choosePrice(quotes, input.version, "reference");
  if (choice === undefined) return { price: undefined, trusted: false, lines: [] };
  return { price: priceUnits(choice.chosen.price, input.version), trusted: true, lines: linesOf(choice) };
}

/** The freshest quotes decide; the next tier is a check. */
function judgeByTiers(asset: string, quotes: readonly AgedQuote[], input: SettleInput): Judged {
  const { tiers, stale } = sortIntoTiers(quotes);
  const [best, next, ...rest] = tiers;
  const staleLines = stale.map((quote) => lineOf(quote, "stale"));
  const choice = choosePrice(best?.quotes ?? [], input.version, "priority");
  if (choice === undefined || best === undefined)
    return { price: undefined, trusted: false, lines: staleLines };
  const later = [next, ...rest].flatMap((tier) => tier?.quotes ?? []);
  return {
    price: priceUnits(choice.chosen.price, input.version),
    trusted: hasQuorum({
      asset,
      version: input.version,
      chosen: choice.chosen.price,
      best: best.quotes,
      next: next?.quotes ?? [],
      origins: new Set((input.order.get(asset) ?? []).map((source) => input.origins.get(source) ?? source))
        .size,
    }),
    lines: [...linesOf(choice), ...later.map((quote) => lineOf(quote, "later-tier")), ...staleLines],
  };
}

function linesOf({
  chosen,
  inside,
  outside,
}: {
  chosen: AgedQuote;
  inside: readonly AgedQuote[];
  outside: readonly AgedQuote[];
}): QuoteLine[] {
  return [
    ...inside.map((quote) => lineOf(quote, quote === chosen ? "used" : "agreed")),
    ...outside.map((quote) => lineOf(quote, quote === chosen ? "used" : "outside")),
  ];
}

function lineOf(quote: AgedQuote, fate: QuoteFate): QuoteLine {
  return [quote.source, String(quote.price), Math.round(quote.ageMs / 1000), fate];
}
