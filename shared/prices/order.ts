/** Which sources serve an asset, in which order: priorities of the whole list and overrides for single assets (docs/spec.md, "Order"). */

import { CodedError } from "../errors.ts";
import { assetsOf } from "../opr/assets.ts";
import { DEFAULT_PRIORITIES, findSource, PRICE_SOURCES } from "./registry.ts";
import type { PriceSource, SourceConfig } from "./source.ts";

/** As the configuration has it; source and asset names in any case. */
export interface SourceSettings {
  /** Lower is asked first, −1 is off, no number twice. Empty: the default order. */
  readonly priorities: Readonly<Record<string, number>>;
  /** `eur` → `Kraken,Coinbase`, instead of the priorities. */
  readonly overrides: Readonly<Record<string, string>>;
  /** `coingeckokey` → key: the section `oracle`. */
  readonly keys: Readonly<Record<string, string>>;
  /** Addresses other than a service's own, by source name; the devnet's feed has no other. */
  readonly baseUrls?: Readonly<Record<string, string>>;
}

export interface EnabledSource {
  readonly source: PriceSource;
  readonly priority: number;
  readonly config: SourceConfig;
}

export interface SourceOrder {
  /** Ascending by priority. */
  readonly enabled: readonly EnabledSource[];
  /** Names of the sources of each asset, first to last; an asset without any has an empty list. */
  readonly byAsset: ReadonlyMap<string, readonly string[]>;
}

const ASSETS: readonly string[] = [...new Set([...assetsOf(1), ...assetsOf(5)])];

/** Throws CodedError `price-config` for an unknown, closed or keyless source, a number used twice, an override that cannot work. */
export function orderSources(settings: SourceSettings): SourceOrder {
  const configured = Object.keys(settings.priorities).length > 0 ? settings.priorities : DEFAULT_PRIORITIES;
  const enabled = Object.entries(configured)
    .filter(([, priority]) => priority !== -1)
    .map(([name, priority]) => ({ ...enableSource(name, settings), priority }))
    .sort((a, b) => a.priority - b.priority);
  enabled.forEach(({ source, priority }, i) => {
    const next = enabled[i + 1];
    if (next?.priority === priority) {
      throw refused(
        `oracledatasources: ${source.name} and ${next.source.name} both have ${priority}; each number once`,
      );
    }
  });
  const overrides = new Map(
    Object.entries(settings.overrides).map(([asset, list]) => [asset.toUpperCase(), list]),
  );
  for (const asset of overrides.keys()) {
    if (!ASSETS.includes(asset)) throw refused(`oracleassetdatasourcespriority.${asset}: no such asset`);
  }
  return {
    enabled,
    byAsset: new Map(
      ASSETS.map((asset) => {
        const list = overrides.get(asset);
        const listed = enabled.filter(({ source }) => source.assets.includes(asset));
        return [
          asset,
          list === undefined ? listed.map(({ source }) => source.name) : override(asset, list, listed),
        ];
      }),
    ),
  };
}

function enableSource(name: string, settings: SourceSettings): Omit<EnabledSource, "priority"> {
  const source = findSource(name);
  if (source === undefined) {
    const known = PRICE_SOURCES.map((item) => item.name).join(", ");
    throw refused(`oracledatasources.${name}: no such source; there are ${known}`);
  }
  if (source.closed !== undefined)
    throw refused(`oracledatasources.${name}: ${source.name} is closed: ${source.closed}; set it to -1`);
  const keyName = `${source.name.toLowerCase()}key`;
  const key = settings.keys[keyName] || undefined;
  if (source.needsKey && key === undefined)
    throw refused(
      `oracledatasources.${name}: ${source.name} needs a key; set oracle.${keyName}, or the source to -1`,
    );
  const baseUrl = Object.entries(settings.baseUrls ?? {}).find(
    ([other]) => other.toLowerCase() === source.name.toLowerCase(),
  )?.[1];
  return { source, config: { key, baseUrl } };
}

/**
 * The sources of one asset as the operator wants them.
 * Differs from prosper-pool: names are trimmed and checked; there a disabled or misspelt one crashes at the first price.
 */
function override(asset: string, list: string, listed: readonly EnabledSource[]): string[] {
  const names = list.split(",").map((name) => name.trim());
  return names.map((name, i) => {
    const source = findSource(name);
    const where = `oracleassetdatasourcespriority.${asset.toLowerCase()}`;
    if (source === undefined) throw refused(`${where}: no such source as ${name}`);
    if (!listed.some((item) => item.source === source))
      throw refused(`${where}: ${source.name} is off or does not have ${asset}`);
    if (names.slice(0, i).some((other) => findSource(other) === source))
      throw refused(`${where}: ${source.name} is named twice`);
    return source.name;
  });
}

function refused(message: string): CodedError {
  return new CodedError("price-config", message);
}
