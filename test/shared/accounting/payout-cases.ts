/** The cases of `accounting.json` and `accounting_stored.json` (test/support/vectors/README.md), as the tests beside read them. */

import * as v from "valibot";
import { RATE_ONE } from "../../../shared/accounting/fee.ts";
import { BEST_TARGETS_KEPT } from "../../../shared/accounting/hashrate.ts";
import type { UserWork } from "../../../shared/accounting/split.ts";
import { insertBestTarget } from "../../../shared/difficulty/best-targets.ts";
import { achievedWork } from "../../../shared/difficulty/work.ts";
import { casesOf, decimal, float, hexInteger, readCases } from "../../support/vectors.ts";

export const CASES = readCases("accounting.json");
export const STORED = readCases("accounting_stored.json");

const sums = v.array(
  v.object({
    key: v.string(),
    totalDifficulty: float,
    totalShares: v.number(),
    keptTargets: v.array(decimal),
  }),
);
export const PAYOUTS = casesOf(
  CASES,
  "payout",
  v.object({
    note: v.string(),
    feeRateConfig: v.string(),
    reward: decimal,
    shares: v.array(v.object({ user: v.string(), miner: v.string(), target: hexInteger, difficulty: float })),
    spanSeconds: v.record(v.string(), float),
    byUser: v.optional(sums),
    byMiner: v.optional(sums),
    userTotalDiff: v.optional(float),
    minerTotalDiff: v.optional(float),
    panic: v.optional(v.string()),
    result: v.optional(
      v.object({
        dust: decimal,
        poolFee: decimal,
        poolFeeRate: v.string(),
        poolDifficulty: float,
        totalHashrate: float,
        users: v.array(
          v.object({
            user: v.string(),
            payout: decimal,
            proportion: v.string(),
            totalSubmissions: v.number(),
            userDifficulty: float,
            hashRate: float,
          }),
        ),
      }),
    ),
  }),
);
export type PayoutCase = (typeof PAYOUTS)[number];

/** Fee rates of the cases that ours refuses. */
export const REFUSED_RATES = new Set(["0.0123456789", "1", "0.000000001", "1.5", "-0.25"]);

/** The shares' work by user, in the order of their first shares. */
export function integerWork({ shares }: Pick<PayoutCase, "shares">): UserWork[] {
  const work = new Map<string, bigint>();
  for (const { user, target } of shares) work.set(user, (work.get(user) ?? 0n) + achievedWork(target));
  return [...work].map(([user, sum]) => ({ user, work: sum }));
}

/** Units of 1e-8 of a decimal string, further decimals cut off. */
export function units(text: string): bigint {
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole || "0") * RATE_ONE + BigInt(fraction.padEnd(8, "0").slice(0, 8));
  return negative ? -size : size;
}

/** Orders pairs by their first, as bytes. */
export function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The best targets that stay of these, as they come. */
export function keepBest(targets: readonly bigint[]): readonly bigint[] {
  return targets.reduce<readonly bigint[]>(
    (best, target) => insertBestTarget(best, target, BEST_TARGETS_KEPT) ?? best,
    [],
  );
}
