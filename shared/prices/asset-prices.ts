/** One price for every asset of a record: from quotes if they can be trusted, else from a ladder of older prices (docs/spec.md, "A ladder for each asset"). */

import { rulesOf } from "../grading/versions.ts";
import { assetsOf, type OprVersion } from "../opr/assets.ts";
import { classOf } from "./asset-class.ts";
import { choosePrice, type PriceRule } from "./choose.ts";
import { isMarketOpen, openMsBetween } from "./market-hours.ts";
import type { Quote, QuoteFate } from "./quote.ts";
import { priceUnits } from "./round.ts";
import { type PriceSafety, refuseDeviants } from "./safety.ts";
import { convertTether } from "./tether.ts";
import { hasQuorum, sortIntoTiers } from "./tiers.ts";
import { WITHOUT_MARKET } from "./without-market.ts";

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
  /** Its market is closed: the last quotes before closing stay good. */
  readonly closed?: true;
  /** The price is from one source only, which the configuration allows. */
  readonly single?: true;
  readonly quotes: readonly QuoteLine[];
}

export interface PricingInput {
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
  /** The limits by which quotes are refused before one is chosen. Without them no quote is refused, as in the reference. */
  readonly safety?: PriceSafety & {
    /** Unix milliseconds of the block of `winning`; undefined before the first. */
    readonly winningAtMs: number | undefined;
  };
}

export interface AssetPrices {
  /** 1e-8 USD by asset of the version. */
  readonly prices: ReadonlyMap<string, bigint>;
  readonly notes: ReadonlyMap<string, PriceNote>;
  /** Assets without a price: no record can be made. */
  readonly missing: readonly string[];
}

interface AgedQuote extends Quote {
  readonly ageMs: number;
  readonly origin: string;
}

interface AssetPrice {
  readonly price: bigint | undefined;
  readonly note: PriceNote;
}

/** Settles every asset of the version. */
export function priceAssets(input: PricingInput): AssetPrices {
  const { dollars, unconverted } = convertTether(input.quotes, input.nowMs);
  const prices = new Map<string, bigint>();
  const notes = new Map<string, PriceNote>();
  const missing: string[] = [];
  for (const asset of assetsOf(input.version)) {
    const { price, note } = priceAsset(asset, dollars, unconverted, input);
    if (price === undefined) missing.push(asset);
    else prices.set(asset, price);
    notes.set(asset, note);
  }
  return { prices, notes, missing };
}

function priceAsset(
  asset: string,
  dollars: readonly Quote[],
  unconverted: readonly Quote[],
  input: PricingInput,
): AssetPrice {
  if (asset === rulesOf(input.version).mayBeZero) return { price: 0n, note: { basis: "zero", quotes: [] } };
  const closed = isMarketOpen(asset, input.nowMs) ? {} : ({ closed: true } as const);
  const lost = byPriority(asset, unconverted, input).map((quote) => lineOf(quote, "no-tether"));
  const { kept, refused } = refuse(asset, byPriority(asset, dollars, input), input);
  const judged =
    input.rule === "reference" ? judgeAsReference(asset, kept, input) : judgeByTiers(asset, kept, input);
  const lines = [...judged.lines, ...refused, ...lost];
  if (judged.price !== undefined && judged.trusted) {
    const alone = judged.single ? ({ single: true } as const) : {};
    return { price: judged.price, note: { basis: "quotes", ...closed, ...alone, quotes: lines } };
  }
  const unused = lines.map(
    ([source, price, age, fate]): QuoteLine => [source, price, age, fate === "used" ? "doubted" : fate],
  );
  const good = input.lastGood.get(asset);
  if (good !== undefined && openMsBetween(asset, good.atMs, input.nowMs) <= input.lastGoodMaxMs) {
    return { price: good.price, note: { basis: "last-good", sinceMs: good.atMs, ...closed, quotes: unused } };
  }
  // Differs from prosper-pool: here a price needs at least two sources; there one is enough.
  if (judged.price !== undefined && input.safety === undefined)
    return { price: judged.price, note: { basis: "thin", ...closed, quotes: lines } };
  return priceWithoutQuotes(asset, unused, input);
}

/** The last rungs: only for assets that may do without quotes. */
function priceWithoutQuotes(asset: string, quotes: readonly QuoteLine[], input: PricingInput): AssetPrice {
  const served = (input.order.get(asset) ?? []).length > 0;
  const mayCarry = !served || WITHOUT_MARKET.has(asset) || input.carry.has(asset);
  const fixed = mayCarry ? input.fixed.get(asset) : undefined;
  if (fixed !== undefined) return { price: fixed, note: { basis: "fixed", quotes } };
  return { price: mayCarry ? input.winning.get(asset) : undefined, note: { basis: "carried", quotes } };
}

function byPriority(asset: string, quotes: readonly Quote[], input: PricingInput): AgedQuote[] {
  return (input.order.get(asset) ?? []).flatMap((source) => {
    const quote = quotes.find((item) => item.asset === asset && item.source === source);
    if (quote === undefined) return [];
    const ageMs = openMsBetween(asset, quote.quotedAtMs, input.nowMs);
    return [{ ...quote, ageMs, origin: input.origins.get(source) ?? source }];
  });
}

interface ScreenedQuotes {
  readonly kept: readonly AgedQuote[];
  readonly refused: readonly QuoteLine[];
}

/** Removes quotes that no record can hold. Then, if there are limits, removes those beyond them; quotes that are too old do not vote there. */
function refuse(asset: string, quotes: readonly AgedQuote[], input: PricingInput): ScreenedQuotes {
  const isSane = ({ price }: AgedQuote): boolean => priceUnits(price, input.version) !== undefined;
  const sane = quotes.filter(isSane);
  const absurd = quotes.filter((quote) => !isSane(quote)).map((quote) => lineOf(quote, "absurd"));
  const { safety } = input;
  if (safety === undefined) return { kept: sane, refused: absurd };
  const { tiers, stale } = sortIntoTiers(sane);
  const usable = tiers.flatMap((tier) => tier.quotes);
  const last = input.winning.get(asset);
  const block =
    last === undefined || safety.winningAtMs === undefined
      ? undefined
      : { price: Number(last) / 1e8, ageMs: input.nowMs - safety.winningAtMs };
  const judged = refuseDeviants(asset, usable, safety.limits, block);
  return {
    kept: sane.filter((quote) => judged.kept.includes(quote)),
    refused: [
      ...judged.refused.map(({ quote, fate }) => lineOf(quote, fate)),
      ...stale.map((quote) => lineOf(quote, "stale")),
      ...absurd,
    ],
  };
}

interface Judged {
  readonly price: bigint | undefined;
  readonly trusted: boolean;
  /** Trusted though one origin alone speaks for it. */
  readonly single?: boolean;
  readonly lines: readonly QuoteLine[];
}

/** As the Go pool: every quote counts, however old; without safety one is enough. */
function judgeAsReference(asset: string, quotes: readonly AgedQuote[], input: PricingInput): Judged {
  const choice = choosePrice(quotes, input.version, "reference");
  if (choice === undefined) return { price: undefined, trusted: false, lines: [] };
  const alone = input.safety !== undefined && new Set(quotes.map(({ origin }) => origin)).size < 2;
  return {
    price: priceUnits(choice.chosen.price, input.version),
    trusted: !alone || input.safety?.single.has(asset) === true,
    single: alone,
    lines: linesOf(choice),
  };
}

/** The freshest quotes decide; the next tier is a check. */
function judgeByTiers(asset: string, quotes: readonly AgedQuote[], input: PricingInput): Judged {
  const { tiers, stale } = sortIntoTiers(quotes);
  const [best, next, ...rest] = tiers;
  const staleLines = stale.map((quote) => lineOf(quote, "stale"));
  const choice = choosePrice(best?.quotes ?? [], input.version, "priority");
  if (choice === undefined || best === undefined)
    return { price: undefined, trusted: false, lines: staleLines };
  const later = [next, ...rest].flatMap((tier) => tier?.quotes ?? []);
  const { safety } = input;
  // A market that never rests has no use for yesterday's price.
  const isFresh =
    safety === undefined || classOf(asset) !== "coin" || best.name === "live" || best.name === "slow";
  const quorum = (single: boolean | undefined): boolean =>
    hasQuorum({
      asset,
      version: input.version,
      chosen: choice.chosen.price,
      best: best.quotes,
      next: next?.quotes ?? [],
      origins: new Set((input.order.get(asset) ?? []).map((source) => input.origins.get(source) ?? source))
        .size,
      single,
    });
  const single = safety?.single.has(asset);
  return {
    price: priceUnits(choice.chosen.price, input.version),
    // A dollar is a dollar, whoever else quotes it.
    trusted: (safety !== undefined && classOf(asset) === "usd") || (isFresh && quorum(single)),
    single: single === true && classOf(asset) !== "usd" && !quorum(false),
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
