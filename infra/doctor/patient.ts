/** The pool that is looked at, from its settings: the same for the command and for the page. */

import { askSource, cachePeriodMs, type SourceCache } from "../../functions/poll/source-cache.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { createFactomd } from "../../shared/factom/client.ts";
import { hideSecrets } from "../../shared/hide-secrets.ts";
import { creditAddress } from "../pool/key-addresses.ts";
import { sourceOrder } from "../pool/pool-settings.ts";
import type { Patient } from "./finding.ts";

const NODE_MS = 10_000;

type Given = Pick<Patient, "config" | "dataDir" | "isDevnet" | "db" | "dbProblem">;

/** `cache`: the poller's own where it is in this process, so that no source is asked more often for a look. */
export function patientOf(
  given: Given,
  modules: { readonly clock: Clock; readonly random: Random; readonly cache: SourceCache },
): Patient {
  const { config, isDevnet } = given;
  const { clock, random, cache } = modules;
  const es = config.pool.esaddress;
  const asking = { fetch, clock, random, cache };
  return {
    ...given,
    clock,
    nodes: config.factom.factomdlocation.split(",").map((address) => {
      const url = address.trim();
      return { url: hideSecrets(url), factomd: createFactomd({ url, timeoutMs: NODE_MS }, asking) };
    }),
    sources: () => (isDevnet ? undefined : sourceOrder(config)),
    ask: (source, assets) =>
      askSource(source, { assets, cacheMs: cachePeriodMs(config.pegnet.blockperiod) }, asking),
    creditAddress: es === "" ? undefined : creditAddress(es),
  };
}
