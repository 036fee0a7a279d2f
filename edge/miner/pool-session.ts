/** A connection of a miner, and what its pool has told on it. */

import type { Liveness } from "./liveness.ts";
import type { PoolConnection } from "./pool-connection.ts";
import type { MiningJob } from "./search-work.ts";

/** Undefined for what it has not told yet. */
export interface PoolSession {
  readonly connection: PoolConnection;
  liveness: Liveness | undefined;
  authorizedMs: number | undefined;
  heardHeight: number;
  prefix: number | undefined;
  target: bigint | undefined;
  /** The pool told it to stop, and has told no job since. */
  stopped: boolean;
  job: MiningJob | undefined;
  tableBits: number | undefined;
}

export function newSession(connection: PoolConnection): PoolSession {
  return {
    connection,
    ...{ liveness: undefined, authorizedMs: undefined, prefix: undefined, target: undefined },
    ...{ heardHeight: -1, stopped: false, job: undefined, tableBits: undefined },
  };
}
