/** `prosper up`: a whole pool on its own devnet, in the foreground. */

import type { Clock, Random } from "../../../shared/clock.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { OpenTable } from "../../pool/process-table.ts";
import { startUp, type UpOptions } from "../../pool/up.ts";
import type { WhichPool } from "../../pool/which-pool.ts";
import { type PoolViewOptions, runPool } from "./pool-view.ts";

export type UpCommandOptions = UpOptions & PoolViewOptions;

export interface UpCommandModules {
  clock: Clock;
  random: Random;
  logger: Logger;
  openTable: OpenTable;
  print: (line: string) => void;
  announce: (pool: WhichPool) => void;
  /** Ends the command. */
  signal: AbortSignal;
}

/** Resolves to the exit code when `signal` has aborted and everything is stopped, or when the pool could not go on. */
export function upCommand(options: UpCommandOptions, modules: UpCommandModules): Promise<number> {
  return runPool(options, modules, (hooks) => startUp(options, { ...modules, ...hooks }));
}
