/** Miners for a pool that somebody tries out on one machine, all for one user. */

import { type Miner, startMiner } from "../../edge/miner/miner.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";

export interface LocalMinersOptions {
  readonly count: number;
  /** Where the pool takes miners. */
  readonly host: string;
  readonly port: number;
  /** Must exist. */
  readonly user: string;
  /** The part of one core that each takes. */
  readonly dutyCycle: number;
}

export interface LocalMinersModules {
  readonly table: SharedTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Workers `miner-1`, `miner-2` … of one thread each. */
export function startLocalMiners(options: LocalMinersOptions, modules: LocalMinersModules): Miner[] {
  const { count, host, port, user, dutyCycle } = options;
  const { table, clock, random, logger } = modules;
  return Array.from({ length: count }, (_, i) =>
    startMiner(
      { host, port, user, dutyCycle, worker: `miner-${i + 1}`, threads: 1 },
      { table, clock, random, logger, onMessage: (text) => logger.debug("the pool says", { text }) },
    ),
  );
}
