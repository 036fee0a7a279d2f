/** `prosper datasources` and `prosper pullsources`: which sources serve which asset, and what they answer right now. */

import type { Fetch } from "../../../functions/poll/fetch-once.ts";
import { fetchSource } from "../../../functions/poll/fetch-source.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { openMsBetween } from "../../../shared/prices/market-hours.ts";
import type { SourceOrder } from "../../../shared/prices/order.ts";
import type { Quote } from "../../../shared/prices/quote.ts";
import { findSource, PRICE_SOURCES } from "../../../shared/prices/registry.ts";
import type { PriceSource } from "../../../shared/prices/source.ts";
import { convertTether } from "../../../shared/prices/tether.ts";
import { median } from "../../../shared/prices/tiers.ts";
import type { Facts, Print } from "../output.ts";

const ASSETS = assetsOf(5);

/** Prints all sources and assets, or one of either (`filter`, in any case). Throws CodedError `price-config` for an unknown name. */
export function datasourcesCommand(
  { order, filter }: { readonly order: SourceOrder; readonly filter?: string },
  { print }: { readonly print: Print },
): void {
  if (filter === undefined) {
    for (const source of PRICE_SOURCES) print(describeSource(source, order), sourceFacts(source, order));
    print("", { event: "assets" });
    for (const asset of ASSETS) print(describeAsset(asset, order), assetFacts(asset, order));
    return;
  }
  const asset = filter.toUpperCase();
  const source = findSource(filter);
  if (ASSETS.includes(asset)) {
    print(describeAsset(asset, order), assetFacts(asset, order));
    return;
  }
  if (source === undefined)
    throw new CodedError(
      "price-config",
      `datasources: expected an asset or a source, got ${filter}; without it all are listed`,
    );
  const assets = source.assets.filter((name) => ASSETS.includes(name));
  print(describeSource(source, order), sourceFacts(source, order));
  print(`  ${assets.join(" ")}`, { event: "serves", source: source.name, assets });
}

function describeSource(source: PriceSource, order: SourceOrder): string {
  const enabled = order.enabled.find((item) => item.source === source);
  const state = source.closed === undefined ? (enabled ? `priority ${enabled.priority}` : "off") : "closed";
  const about = source.closed ?? `${source.needsKey ? "needs a key, " : ""}${source.website}`;
  return `${source.name.padEnd(18)} ${state.padEnd(12)} ${about}`;
}

function sourceFacts(source: PriceSource, order: SourceOrder): Facts {
  const { name, website, closed, needsKey } = source;
  const priority = order.enabled.find((item) => item.source === source)?.priority;
  return { event: "source", name, website, needsKey, closed, priority };
}

function assetFacts(asset: string, order: SourceOrder): Facts {
  return { event: "asset", asset, sources: order.byAsset.get(asset) ?? [] };
}

function describeAsset(asset: string, order: SourceOrder): string {
  const names = order.byAsset.get(asset) ?? [];
  const list =
    names.length > 0 ? names.join(" → ") : "no source: fixed price, or the last graded block's winning one";
  return `${asset.padEnd(5)} ${list}`;
}

export interface PullModules {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly print: Print;
}

/**
 * Asks every source that is on, now and without any cache, and prints one line per asset and source: price, age, and how far it is
 * from the asset's median. Resolves to true when every source answered.
 */
export async function pullsourcesCommand(
  { order }: { readonly order: SourceOrder },
  modules: PullModules,
): Promise<boolean> {
  const rounds = await Promise.all(
    order.enabled.map(async (enabled) => ({
      name: enabled.source.name,
      round: await fetchSource(
        enabled,
        enabled.source.assets.filter((asset) => ASSETS.includes(asset)),
        modules,
      ),
    })),
  );
  for (const { name, round } of rounds) {
    modules.print(`${name.padEnd(18)} ${round.quotes.length} quotes`, {
      ...{ event: "source", name, quotes: round.quotes.length, failures: round.failures },
    });
    for (const why of round.failures)
      modules.print(`  failed: ${why}`, { event: "failure", source: name, why });
  }
  const { dollars, unconverted } = convertTether(
    rounds.flatMap(({ round }) => round.quotes),
    modules.clock.wallMs(),
  );
  if (unconverted.length > 0)
    modules.print(`${unconverted.length} quotes in Tether left out: no Tether price in dollars`, {
      ...{ event: "left-out", quotes: unconverted.length },
    });
  modules.print("", { event: "prices" });
  for (const asset of ASSETS) printAsset(asset, dollars, modules);
  return rounds.every(({ round }) => round.failures.length === 0);
}

function printAsset(asset: string, dollars: readonly Quote[], { print, clock }: PullModules): void {
  const quotes = dollars.filter((quote) => quote.asset === asset);
  if (quotes.length === 0) {
    print(`${asset.padEnd(5)} no quote`, { event: "no-quote", asset });
    return;
  }
  const middle = median(quotes.map(({ price }) => price));
  for (const { source, price, quotedAtMs } of quotes) {
    const age = Math.round(openMsBetween(asset, quotedAtMs, clock.wallMs()) / 1000);
    const deviation = `${((price / middle - 1) * 100).toFixed(3)} %`;
    print(
      `${asset.padEnd(5)} ${source.padEnd(18)} ${price.toPrecision(10).padStart(16)} ${`${age} s`.padStart(10)} ${deviation.padStart(10)}`,
      { event: "quote", asset, source, price, ageSeconds: age, ofMedian: price / middle },
    );
  }
}
