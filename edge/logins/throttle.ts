/**
 * Decides which logins an edge passes on to auth. It counts guesses at passwords by name at an address, and by address. It counts in memory, with a
 * limited size; auth itself counts by name for all edges together.
 */

import {
  addressLimit,
  createGuessCounters,
  GUESS_LIMIT,
  type GuessLimit,
} from "../../shared/accounts/guesses.ts";
import type { Clock } from "../../shared/clock.ts";
import { addressKey, addressRanges } from "../../shared/ip-address.ts";
import type { LoginThrottle } from "./logins.ts";
import { createLruMap } from "./lru-map.ts";

export interface LoginThrottleOptions {
  readonly limit?: GuessLimit | undefined;
  /** Addresses and CIDR ranges that are not counted as addresses: farms, balancers. */
  readonly exemptAddresses: readonly string[];
}

/** How many pairs of name and address, and how many addresses, are remembered; those not seen for longest are forgotten first. */
const MAX_KEYS = 50_000;

/**
 * A try counts as a failure from its beginning, so that not many tries can run before the first has failed. If it does not fail, its end takes the
 * count back. A name that passed at an address is not limited by what others do there under other names.
 */
export function createLoginThrottle(
  options: LoginThrottleOptions,
  modules: { readonly clock: Clock },
): LoginThrottle {
  const limit = options.limit ?? GUESS_LIMIT;
  const exempt = addressRanges("exemptAddresses", options.exemptAddresses);
  const nowMs = (): number => modules.clock.monotonicMs();
  const pairs = createGuessCounters({ limit, maxKeys: MAX_KEYS }, { nowMs });
  const addresses = createGuessCounters({ limit: addressLimit(limit), maxKeys: MAX_KEYS }, { nowMs });
  const passed = createLruMap<true>(MAX_KEYS);
  const pairOf = (user: string, address: string): string => JSON.stringify([user, addressKey(address)]);
  return {
    isLocked: (user, address) => pairs.waitMs(pairOf(user, address)) > 0,
    begin(user, address, isOwn) {
      const pair = pairOf(user, address);
      const isCounted = !isOwn && passed.get(pair) === undefined && !exempt.has(address);
      if (pairs.waitMs(pair) > 0) return undefined;
      if (isCounted && addresses.count(addressKey(address)) > 0) return undefined;
      pairs.count(pair);
      return (outcome) => {
        if (outcome === "failed") return;
        pairs.takeBack(pair);
        if (isCounted) addresses.takeBack(addressKey(address));
        if (outcome === "passed") passed.set(pair, true);
      };
    },
  };
}
