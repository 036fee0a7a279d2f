/** One poll: asks the sources that are due, settles every asset of the next record, and writes a price row (docs/spec.md, "Price sources"). */

import { latestBlock } from "../../shared/db/blocks.ts";
import type { Db } from "../../shared/db/port.ts";
import {
  insertPrices,
  isFromFuture,
  lastWinningPrices,
  type NotedPriceRow,
  newestNotedPrices,
} from "../../shared/db/prices.ts";
import type { Logger } from "../../shared/logger.ts";
import { type Activations, type OprVersion, versionAt } from "../../shared/opr/assets.ts";
import { type AssetPrices, priceAssets } from "../../shared/prices/asset-prices.ts";
import type { PriceRule } from "../../shared/prices/choose.ts";
import type { SourceOrder } from "../../shared/prices/order.ts";
import type { Quote } from "../../shared/prices/quote.ts";
import { type PriceSafety, priceSafety } from "../../shared/prices/safety.ts";
import type { FetchModules } from "./fetch-source.ts";
import { askSource, type SourceCache } from "./source-cache.ts";

export interface PollOptions {
  readonly order: SourceOrder;
  readonly rule: PriceRule;
  /** How long replies are remembered (`cachePeriodMs` of the block's length). */
  readonly cacheMs: number;
  /** How long a price from quotes stays good, in open market hours: 30 minutes. */
  readonly lastGoodMaxMs: number;
  /** The operator's own prices in 1e-8 USD. */
  readonly fixed: ReadonlyMap<string, bigint>;
  /** Assets that may take a fixed or carried price though a source serves them. */
  readonly carry: ReadonlySet<string>;
  /** Which quotes are refused. Without it: the default limits, and a single source is enough only on a devnet, which has no other. */
  readonly safety?: PriceSafety;
  readonly activations: Activations;
  /** The height to mine on an empty database. */
  readonly startHeight: number;
}

export interface PollModules extends FetchModules {
  readonly db: Db;
  readonly logger: Logger;
  readonly cache: SourceCache;
}

/**
 * `priced`: a row was written. `unchanged`: no source was due, and the newest row has the right version. `unpriced`: an asset has no
 * price, or no source gave anything. Then the newest row stays in use until it is too old.
 */
export type PollResult =
  | {
      readonly kind: "priced";
      readonly id: bigint;
      readonly version: OprVersion;
      readonly priced: AssetPrices;
    }
  | { readonly kind: "unchanged" }
  | { readonly kind: "unpriced"; readonly missing: readonly string[]; readonly failures: readonly string[] };

/** Remembered quotes are never older than this. A row that seems older shows that the clock has jumped. */
const LONGEST_ROW_MS = 10 * 60_000;
/** The clocks of two hosts with a time service differ by less. */
const CLOCK_SLACK_MS = 5_000;

/** Polls once. Throws CodedErrors of the database; failures of sources are only logged. */
export async function poll(options: PollOptions, modules: PollModules): Promise<PollResult> {
  const block = await latestBlock(modules.db);
  const version =
    versionAt(block === undefined ? options.startHeight : block.height + 1, options.activations) ?? 5;
  const newest = await newestNotedPrices(modules.db);
  const { quotes, failures, asked } = await gatherQuotes(options, modules);
  if (!asked && newest?.version === version && isCurrent(newest)) return { kind: "unchanged" };
  const nowMs = modules.clock.wallMs();
  if (newest !== undefined && isFromFuture(newest))
    modules.logger.error("The newest prices are from the future: the database's clock was set back", {
      id: newest.id.toString(),
      seconds: Math.round(-newest.ageMs / 1000),
      advice: "check the time service of the database's host; a new row is written now",
    });
  const winning = await lastWinningPrices(modules.db);
  const safety = options.safety ?? priceSafety(options.order);
  const priced = priceAssets({
    version,
    rule: options.rule,
    nowMs,
    order: options.order.byAsset,
    origins: new Map(options.order.enabled.map(({ source }) => [source.name, source.origin])),
    quotes,
    lastGood: lastGoodOf(newest, nowMs),
    lastGoodMaxMs: options.lastGoodMaxMs,
    fixed: options.fixed,
    winning: new Map(Object.entries(winning?.prices ?? {})),
    carry: options.carry,
    safety: { ...safety, winningAtMs: winning?.atMs },
  });
  warnOfRefused(priced, modules);
  if (priced.missing.length > 0 || !hasFreshPrice(priced)) {
    modules.logger.error("no prices for the next record", {
      why: priced.missing.length > 0 ? "assets without a price" : "no source gave a fresh quote",
      missing: priced.missing,
      failures,
      advice:
        "see `prosper pullsources`; turn on more sources in [oracledatasources], or set [oraclefixedprices]",
    });
    return { kind: "unpriced", missing: priced.missing, failures };
  }
  const id = await insertPrices(modules.db, { atMs: nowMs, version, ...priced });
  return { kind: "priced", id, version, priced };
}

/** Refused quotes mean that a source is wrong or an attack is under way: the operator should know. */
function warnOfRefused({ notes }: AssetPrices, { logger }: PollModules): void {
  const refused = [...notes].flatMap(([asset, { quotes }]) =>
    quotes.flatMap(([source, price, , fate]) =>
      fate === "deviant" || fate === "jumped" || fate === "absurd"
        ? [`${asset} ${source} ${price}: ${fate}`]
        : [],
    ),
  );
  if (refused.length > 0)
    logger.warn("quotes were refused", { count: refused.length, first: refused.slice(0, 10) });
}

/** Asks for the assets of every version: the remembered quotes must serve the next version too. */
async function gatherQuotes(
  { order, cacheMs }: PollOptions,
  modules: PollModules,
): Promise<{ quotes: Quote[]; failures: string[]; asked: boolean }> {
  const rounds = await Promise.all(
    order.enabled.map(async (enabled) => {
      const { name } = enabled.source;
      const assets = [...order.byAsset].flatMap(([asset, sources]) =>
        sources.includes(name) ? [asset] : [],
      );
      const round = await askSource(enabled, { assets, cacheMs }, modules);
      if (round.asked && round.failures.length > 0)
        modules.logger.warn("price source failed", { source: name, failures: round.failures });
      return { ...round, failures: round.failures.map((failure) => `${name}: ${failure}`) };
    }),
  );
  return {
    quotes: rounds.flatMap(({ quotes }) => quotes),
    failures: rounds.flatMap(({ failures }) => failures),
    asked: rounds.some(({ asked }) => asked),
  };
}

/** Whether the row's age is possible. It is not after a jump of the database's clock: then a new row is written from the remembered quotes. */
function isCurrent(row: NotedPriceRow): boolean {
  return !isFromFuture(row) && row.ageMs <= LONGEST_ROW_MS;
}

/**
 * Prices that came from quotes, with the civil time of those quotes (market hours are civil). Thin, fixed and carried prices are not good
 * enough to outlive their row. Prices from the future are left out, since their age is not known.
 */
function lastGoodOf(
  row: NotedPriceRow | undefined,
  nowMs: number,
): Map<string, { price: bigint; atMs: number }> {
  const good = new Map<string, { price: bigint; atMs: number }>();
  for (const [asset, note] of Object.entries(row?.notes ?? {})) {
    const price = row?.prices[asset];
    if (row === undefined || price === undefined) continue;
    const atMs = note.basis === "last-good" ? (note.sinceMs ?? row.atMs) : row.atMs;
    if ((note.basis === "quotes" || note.basis === "last-good") && atMs <= nowMs + CLOCK_SLACK_MS)
      good.set(asset, { price, atMs });
  }
  return good;
}

/** Without a fresh price no row is written: it would make old prices look new. */
function hasFreshPrice({ notes }: AssetPrices): boolean {
  return [...notes].some(([asset, { basis }]) => asset !== "USD" && (basis === "quotes" || basis === "thin"));
}
