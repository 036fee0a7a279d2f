/** The canary of a pool: a miner of its own that comes in from outside, looks, and leaves (docs/metrics.md, "The canary"). */

import { type Dial, dialPool, type PoolAddress } from "../../edge/miner/dial.ts";
import { localHost } from "../../edge/stratum/listen-on.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { bookedShares, noteProbe, type Probe } from "../../shared/db/canary.ts";
import { maintenanceLeftMs } from "../../shared/db/notices.ts";
import type { Db } from "../../shared/db/port.ts";
import { coerceError } from "../../shared/errors.ts";
import type { NonceSearch } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { Config } from "../config/schema.ts";
import { probe } from "./probe.ts";

export const CANARY_WORKER = "canary";
/** The books take a share within some ten seconds. */
const TIMEOUT_MS = 60_000;

export interface CanaryModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly hasher?: NonceSearch | undefined;
  /** Told each look. */
  readonly onProbe: (probe: Probe) => void;
  readonly dial?: Dial;
}

/** Looks until `signal`; a configuration without a user has no canary. `port`: where miners connect, unless the configuration says otherwise. */
export async function runCanary(
  { config, port }: { readonly config: Config; readonly port: number },
  modules: CanaryModules & { readonly signal: AbortSignal },
): Promise<void> {
  if (config.canary.user === "") return;
  const { user, shares, every } = config.canary;
  const settings = { user, shares, timeoutMs: Math.min(TIMEOUT_MS, every) };
  const run = createCanary(settings, canaryAddress(config, port), modules);
  await runEvery({ name: "canary", everyMs: config.canary.every, isLeft: true, run }, modules);
}

export interface CanarySettings {
  readonly user: string;
  /** Of a block at most. */
  readonly shares: number;
  /** For a look. */
  readonly timeoutMs: number;
}

/** One look with each call; none while the operator has stopped the miners, who have no job then. */
export function createCanary(
  { user, shares, timeoutMs }: CanarySettings,
  address: PoolAddress,
  { db, clock, random, logger, hasher, onProbe, dial = dialPool }: CanaryModules,
): () => Promise<void> {
  const mined = { height: -1, shares: 0 };
  let failing = false;

  const mayMine = (height: number): boolean => {
    if (height !== mined.height) Object.assign(mined, { height, shares: 0 });
    return mined.shares < shares;
  };
  return async () => {
    // A database that is away is what the look itself finds.
    const left = await maintenanceLeftMs(db).catch(() => undefined);
    if (left !== undefined && left > 0) return;
    const seen = await probe(
      { address, user, worker: CANARY_WORKER, mayMine, timeoutMs },
      {
        ...{ clock, random, dial, hasher },
        booked: (height) => bookedShares(db, { height, user, worker: CANARY_WORKER }),
      },
    );
    // Also one that got no answer may count.
    if (seen.answerMs !== null || seen.failedAt === "answer") mined.shares += 1;
    if (seen.failedAt !== null && !failing)
      logger.warn("the canary does not get through", { step: seen.failedAt, why: seen.words });
    if (seen.failedAt === null && failing) logger.info("the canary gets through again");
    failing = seen.failedAt !== null;
    onProbe(seen);
    await noteProbe(db, seen).catch((thrown: unknown) =>
      logger.debug("the canary's look could not be noted", { error: coerceError(thrown).message }),
    );
  };
}

/** Where miners come in, as far as it is known here. */
export function canaryAddress(
  {
    canary,
    stratum,
  }: Pick<Config, "canary"> & { readonly stratum: Pick<Config["stratum"], "domain" | "host"> },
  port: number,
): PoolAddress {
  const { tls } = canary;
  const [, host = "", given = ""] = /^(.*):(\d+)$/.exec(canary.address) ?? [];
  if (host !== "") return { host: host.replace(/^\[|\]$/g, ""), port: Number(given), tls };
  return { host: stratum.domain === "" ? localHost(stratum.host) : stratum.domain, port, tls };
}
