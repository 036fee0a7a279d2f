/** Services that are gone stay as names: a configuration that still names one gets a clear answer. */

import type { PriceSource } from "./source.ts";

/** A source that asks nothing and always fails with `why`. */
export function closedSource(
  source: Pick<PriceSource, "name" | "website" | "assets">,
  why: string,
): PriceSource {
  return {
    ...source,
    needsKey: false,
    origin: source.name,
    minPeriodMs: 0,
    closed: why,
    buildRequests: () => [],
    parse: () => ({ failure: `${source.name} is closed: ${why}` }),
  };
}
