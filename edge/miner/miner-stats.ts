/** What a miner has done: hashes and their rate, shares and what became of them. */

import type { StratumError } from "../../shared/messages/stratum.ts";
import { STRATUM_ERRORS } from "../../shared/messages/stratum.ts";
import type { PoolAddress } from "./dial.ts";
import type { Rates } from "./rates.ts";

export interface MinerStats extends ShareStats {
  /** Where it mines, or tries to. */
  readonly pool: PoolAddress & { readonly user: string; readonly worker: string };
  readonly connected: boolean;
  readonly authorized: boolean;
  /** How long the login stands; undefined without one. */
  readonly loggedInMs: number | undefined;
  /** By the user's own wish; shares that were found are still sent. */
  readonly paused: boolean;
  /** Hashes a second over the last ten seconds. */
  readonly hashrate: number;
  readonly rates: Rates;
  /** Of each thread, in the order of their numbers. */
  readonly threads: readonly Rates[];
  readonly hashes: number;
  /** Height being mined, undefined while there is no job. */
  readonly height: number | undefined;
  /** The part of its table that is made, 0 to 1; undefined when it is not making one. */
  readonly tablePart: number | undefined;
  readonly target: bigint;
  readonly reconnects: number;
}

/** What became of shares. */
export interface ShareStats {
  readonly submitted: number;
  readonly accepted: number;
  /** Refused shares by the pool's error name; a name that we do not know counts as "other". */
  readonly rejected: Readonly<Record<string, number>>;
  /** Shares that could not be sent while their job lived. */
  readonly lost: number;
  /** From sending a share to its answer, of the last one; undefined before the first. */
  readonly answerMs: number | undefined;
  /** The newest answers, oldest first. */
  readonly verdicts: readonly Verdict[];
  /** Highest difficulties of shares that were accepted, best first. */
  readonly best: readonly bigint[];
  /** Hashes that the accepted shares stand for, each by the target that it had to meet. */
  readonly acceptedHashes: bigint;
}

/** What the pool said of one share. */
export interface Verdict {
  readonly height: number;
  readonly difficulty: bigint;
  /** "accepted", or the name of the refusal. */
  readonly answer: string;
  readonly ms: number;
}

/** The name under which a refusal is counted. The list of names is fixed, whatever a pool sends. */
export function rejectionName(error: StratumError | undefined): string {
  return error !== undefined && Object.hasOwn(STRATUM_ERRORS, error.message) ? error.message : "other";
}
