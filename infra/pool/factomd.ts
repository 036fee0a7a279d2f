/** The factomd nodes of the configuration: one address, or several to fall back to. */

import type { Clock, Random } from "../../shared/clock.ts";
import { createFactomd, type Factomd } from "../../shared/factom/client.ts";
import { createFailover } from "../../shared/factom/failover.ts";
import { hideSecrets } from "../../shared/hide-secrets.ts";
import type { Logger } from "../../shared/logger.ts";

/** For one call to one node. */
const TIMEOUT_MS = 10_000;

/** `location`: the setting factom.factomdlocation, addresses separated by commas, the preferred one first. */
export function connectFactomd(
  location: string,
  modules: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Factomd {
  const nodes = location.split(",").map((address) => {
    const url = address.trim();
    return {
      url: hideSecrets(url),
      factomd: createFactomd({ url, timeoutMs: TIMEOUT_MS }, { fetch, ...modules }),
    };
  });
  return createFailover(nodes, modules);
}
