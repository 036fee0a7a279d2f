/** The devnet's settings and their defaults (docs/design.md, "Devnet"). */

import { type Activations, onlyVersion } from "../../shared/opr/assets.ts";
import type { RivalHashes } from "./effort.ts";

export interface DevnetOptions {
  readonly host: string;
  /** factomd, pegnetd and controls. 0 picks a free port. */
  readonly port: number;
  readonly feedPort: number;
  /** Undefined keeps the chain in memory. */
  readonly folder: string | undefined;
  readonly blockMs: number;
  /** Of a new chain. The Go miner ignores job ids below those it has seen, so it is not 0. */
  readonly firstHeight: number;
  readonly activations: Activations;
  readonly rivals: number;
  readonly rivalHashes: RivalHashes;
  /** EC addresses, each with the entry credits that it has at least at every start. */
  readonly credits: readonly { readonly address: string; readonly balance: number }[];
  /** For the prices and their spread. */
  readonly seed: number;
  /** Block files to begin the chain with. */
  readonly replay: readonly string[];
  /** Blocks that can be read back; older ones are deleted. */
  readonly keepBlocks: number;
  readonly stall: boolean;
  /** Every N-th block gets no OPR entry; 0: every block gets them. */
  readonly skipEvery: number;
  /** Part of the calls that fail, 0 to 1. */
  readonly errorRate: number;
  /** How much longer each call takes. */
  readonly delayMs: number;
}

export const DEVNET_DEFAULTS: DevnetOptions = {
  host: "127.0.0.1",
  port: 0,
  feedPort: 0,
  folder: undefined,
  blockMs: 10_000,
  firstHeight: 1000,
  activations: onlyVersion(5),
  rivals: 30,
  rivalHashes: "auto",
  credits: [],
  seed: 1,
  replay: [],
  keepBlocks: 10_000,
  stall: false,
  skipEvery: 0,
  errorRate: 0,
  delayMs: 0,
};
