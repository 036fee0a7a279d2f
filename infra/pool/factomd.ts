/** The factomd nodes of the configuration: one address, or several to fall back to. */

import { BlockList, isIP } from "node:net";
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
    if (isReadOnTheWay(url))
      modules.logger.warn(
        "factomd is asked over plain http through the internet: whoever is on the way can read and change what it says; use https, a tunnel or a private address",
        { node: hideSecrets(url) },
      );
    return {
      url: hideSecrets(url),
      factomd: createFactomd({ url, timeoutMs: TIMEOUT_MS }, { fetch, ...modules }),
    };
  });
  return createFailover(nodes, modules);
}

/** Addresses of one's own machine and networks (RFC 1918, 4193, 6598); a name without a dot, or one of a private zone, is inside too. */
const OWN_NETWORKS = new BlockList();
for (const [net, prefix] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  OWN_NETWORKS.addSubnet(net, prefix, "ipv4");
OWN_NETWORKS.addAddress("::1", "ipv6");
OWN_NETWORKS.addSubnet("fc00::", 7, "ipv6");
OWN_NETWORKS.addSubnet("fe80::", 10, "ipv6");
const PRIVATE_NAME = /^[^.]+$|\.(?:internal|local|localhost|lan|home\.arpa)$/;

function isReadOnTheWay(url: string): boolean {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "http:") return false;
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const version = isIP(host);
  if (version === 0) return !PRIVATE_NAME.test(host);
  return !OWN_NETWORKS.check(host, version === 6 ? "ipv6" : "ipv4");
}
