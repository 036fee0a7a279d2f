/** Refuses quotes before one is chosen: those far from the other sources, and jumps from the last block that no other source confirms. */

import { CodedError } from "../errors.ts";
import { assetsOf } from "../opr/assets.ts";
import { classOf } from "./asset-class.ts";
import type { SourceOrder } from "./order.ts";
import type { QuoteFate } from "./quote.ts";
import { isUneven, median } from "./tiers.ts";
import { WITHOUT_MARKET } from "./without-market.ts";

/** Parts of 1: how far a quote may lie from the median of the sources, and from the last block's price. */
export interface DeviationLimit {
  readonly median: number;
  readonly block: number;
}

/** `uneven`: currencies whose official and street rates differ. */
export type DeviationLimits = Readonly<Record<"fiat" | "uneven" | "metal" | "coin", DeviationLimit>>;

export const DEVIATION_LIMITS: DeviationLimits = {
  fiat: { median: 0.05, block: 0.1 },
  uneven: { median: 0.25, block: 0.3 },
  metal: { median: 0.05, block: 0.15 },
  coin: { median: 0.15, block: 0.4 },
};

/** Beyond this factor from the last block, two sources that agree are not enough to be believed; three are. */
const ABSURD_FACTOR = { fiat: 2, uneven: 4, metal: 2, coin: 4 } as const;
/** A price of an older block says nothing about today's. */
const BLOCK_PRICE_MAX_AGE_MS = 3_600_000;

export interface PriceSafety {
  readonly limits: DeviationLimits;
  /** Assets that one source is enough for. */
  readonly single: ReadonlySet<string>;
}

/** Every asset, in a setting. */
export const ALL_ASSETS = "*";

/**
 * The limits for a configured order of sources. `single` names assets that one source is enough for, or "*". Throws CodedError `price-config`
 * for an unknown asset, and for an asset that has only one source and is not named.
 */
export function priceSafety(
  order: SourceOrder,
  options: { readonly single?: readonly string[]; readonly limits?: DeviationLimits } = {},
): PriceSafety {
  const known: readonly string[] = [...new Set([...assetsOf(1), ...assetsOf(5)])];
  const named = (options.single ?? []).map((asset) => asset.toUpperCase());
  // A devnet's feed is the whole market of its network.
  const all = named.includes(ALL_ASSETS) || order.enabled.some(({ source }) => source.name === "Devnet");
  const stranger = named.find((asset) => asset !== ALL_ASSETS && !known.includes(asset));
  if (stranger !== undefined)
    throw new CodedError("price-config", `polling.singlesource: there is no asset ${stranger}`);
  const single = new Set(all ? known : [...named, "USD"]);
  const origins = new Map(order.enabled.map(({ source }) => [source.name, source.origin]));
  const lonely = assetsOf(5).filter(
    (asset) =>
      !single.has(asset) &&
      !WITHOUT_MARKET.has(asset) &&
      new Set((order.byAsset.get(asset) ?? []).map((name) => origins.get(name) ?? name)).size === 1,
  );
  if (lonely.length > 0)
    throw new CodedError(
      "price-config",
      `${lonely.join(", ")}: one source of its own is not enough for a price; turn on another in oracledatasources, or name what you accept in polling.singlesource`,
    );
  return { limits: options.limits ?? DEVIATION_LIMITS, single };
}

interface Judgeable {
  readonly price: number;
  readonly origin: string;
}

/** The last graded block's winning price. */
export interface BlockPrice {
  /** USD. */
  readonly price: number;
  readonly ageMs: number;
}

export interface JudgedQuotes<T> {
  readonly kept: readonly T[];
  readonly refused: readonly { readonly quote: T; readonly fate: QuoteFate }[];
}

/**
 * Refuses quotes that lie beyond the limits. The median takes each origin once; two origins alone cannot outvote each other, so the last
 * block votes with them. A jump from the last block is believed when two origins saw it, an absurd jump when three did. Otherwise, after
 * somebody made the network grade a false price, the true price would be refused.
 */
export function refuseDeviants<T extends Judgeable>(
  asset: string,
  quotes: readonly T[],
  limits: DeviationLimits,
  block: BlockPrice | undefined,
): JudgedQuotes<T> {
  const kind = kindOf(asset);
  if (kind === undefined) return { kept: quotes, refused: [] };
  const last =
    block !== undefined && block.price > 0 && block.ageMs <= BLOCK_PRICE_MAX_AGE_MS ? block.price : undefined;
  const centre = centreOf(quotes, last);
  const isNear = ({ price }: T): boolean =>
    centre === undefined || Math.abs(price / centre - 1) <= limits[kind].median;
  const near = quotes.filter(isNear);
  const jumped =
    last === undefined ? [] : near.filter(({ price }) => Math.abs(price / last - 1) > limits[kind].block);
  const isBelieved = last === undefined || isWitnessed(jumped, last, limits[kind], ABSURD_FACTOR[kind]);
  return {
    kept: isBelieved ? near : near.filter((quote) => !jumped.includes(quote)),
    refused: [
      ...quotes.filter((quote) => !isNear(quote)).map((quote) => ({ quote, fate: "deviant" as const })),
      ...(isBelieved ? [] : jumped.map((quote) => ({ quote, fate: "jumped" as const }))),
    ],
  };
}

function kindOf(asset: string): keyof DeviationLimits | undefined {
  const assetClass = classOf(asset);
  if (assetClass === "usd") return undefined;
  return assetClass === "fiat" && isUneven(asset) ? "uneven" : assetClass;
}

function centreOf(quotes: readonly Judgeable[], last: number | undefined): number | undefined {
  const byOrigin = [...pricesByOrigin(quotes).values()].map((prices) => median(prices));
  if (byOrigin.length >= 3) return median(byOrigin);
  return byOrigin.length === 2 && last !== undefined ? median([...byOrigin, last]) : undefined;
}

function pricesByOrigin(quotes: readonly Judgeable[]): ReadonlyMap<string, number[]> {
  const prices = new Map<string, number[]>();
  for (const { origin, price } of quotes) prices.set(origin, [...(prices.get(origin) ?? []), price]);
  return prices;
}

/** Whether enough origins, close to each other, saw the jump. */
function isWitnessed(
  jumped: readonly Judgeable[],
  last: number,
  limit: DeviationLimit,
  absurd: number,
): boolean {
  const origins = pricesByOrigin(jumped).size;
  if (origins < 2) return jumped.length === 0;
  const centre = median(jumped.map(({ price }) => price));
  if (jumped.some(({ price }) => Math.abs(price / centre - 1) > limit.median)) return false;
  return origins >= 3 || Math.max(centre / last, last / centre) <= absurd;
}
