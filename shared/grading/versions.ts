/** All that differs between the five grading versions, as one table (pegnet `modules/grader`). */

import { assetsOf, type OprVersion } from "../opr/assets.ts";
import { arithmeticMeans, type Means, trimmedMeans } from "./averages.ts";

export interface VersionRules {
  readonly version: OprVersion;
  readonly format: "json" | "protobuf";
  /** Asset names in the order of the record. */
  readonly assets: readonly string[];
  /** The one asset whose price may be 0, if any. */
  readonly mayBeZero: string | null;
  /** How many previous winners an OPR may name. */
  readonly previousWinnerCounts: readonly number[];
  /** How many entries win; a block with fewer is not graded. */
  readonly winners: number;
  /** The smallest set that is averaged and sorted again. */
  readonly lastRound: number;
  /** Distance from the average that counts as none, while at least `winners` entries are left. */
  readonly band: number;
  readonly means: Means;
  /** By place, in 1e-8 PEG. */
  readonly payouts: readonly bigint[];
}

const PEG = 100_000_000n;
const ONE_PERCENT = 0.01;

const equalPayouts = (pegs: bigint): bigint[] => Array.from({ length: 25 }, () => pegs * PEG);

const V2: VersionRules = {
  version: 2,
  format: "protobuf",
  assets: assetsOf(2),
  mayBeZero: "PEG",
  previousWinnerCounts: [10, 25],
  winners: 25,
  lastRound: 1,
  band: ONE_PERCENT,
  means: arithmeticMeans,
  payouts: equalPayouts(200n),
};

const V3: VersionRules = { ...V2, version: 3, mayBeZero: null, previousWinnerCounts: [25] };

const RULES: Readonly<Record<OprVersion, VersionRules>> = {
  1: {
    version: 1,
    format: "json",
    assets: assetsOf(1),
    mayBeZero: "PNT",
    previousWinnerCounts: [10],
    winners: 10,
    lastRound: 10,
    band: 0,
    means: arithmeticMeans,
    payouts: [800n, 600n, ...Array.from({ length: 8 }, () => 450n)].map((pegs) => pegs * PEG),
  },
  2: V2,
  3: V3,
  4: { ...V3, version: 4, assets: assetsOf(4) },
  5: { ...V3, version: 5, assets: assetsOf(5), means: trimmedMeans, payouts: equalPayouts(360n) },
};

export function rulesOf(version: OprVersion): VersionRules {
  return RULES[version];
}
