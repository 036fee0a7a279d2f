/** Every case of `accounting.json` and `accounting_stored.json`; where we differ, our answer beside the reference's. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { feeRate, formatRate, parseFeeRate, RATE_ONE } from "../../../shared/accounting/fee.ts";
import { BEST_TARGETS_KEPT, hashrateFromBest } from "../../../shared/accounting/hashrate.ts";
import { duePayments, judgeReceipt } from "../../../shared/accounting/payments.ts";
import { referenceProportion, splitReward, type UserWork } from "../../../shared/accounting/split.ts";
import { MAX_U64 } from "../../../shared/bytes.ts";
import { insertBestTarget } from "../../../shared/difficulty/best-targets.ts";
import { difficultyFromTarget } from "../../../shared/difficulty/target.ts";
import { achievedWork } from "../../../shared/difficulty/work.ts";
import {
  averageHashrate,
  onOneScale,
  shortestDecimal,
  sumDifficulties,
} from "../../support/reference-sums.ts";
import { casesOf, decimal, float, hexInteger, readCases } from "../../support/vectors.ts";

const CASES = readCases("accounting.json");
const STORED = readCases("accounting_stored.json");

const sums = v.array(
  v.object({
    key: v.string(),
    totalDifficulty: float,
    totalShares: v.number(),
    keptTargets: v.array(decimal),
  }),
);
const PAYOUTS = casesOf(
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
type PayoutCase = (typeof PAYOUTS)[number];

function integerWork({ shares }: Pick<PayoutCase, "shares">): UserWork[] {
  const work = new Map<string, bigint>();
  for (const { user, target } of shares) work.set(user, (work.get(user) ?? 0n) + achievedWork(target));
  return [...work].map(([user, sum]) => ({ user, work: sum }));
}

/** Units of 1e-8 of a decimal string, further decimals cut off. */
function units(text: string): bigint {
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole || "0") * RATE_ONE + BigInt(fraction.padEnd(8, "0").slice(0, 8));
  return negative ? -size : size;
}

describe("shares", () => {
  it("have the reference's difficulties and sums by user and by worker", () => {
    for (const { note, shares, byUser, byMiner, userTotalDiff, minerTotalDiff } of PAYOUTS) {
      for (const { target, difficulty } of shares)
        expect(difficultyFromTarget(target), note).toBe(difficulty);
      for (const [key, expected, total] of [
        ["user", byUser, userTotalDiff],
        ["miner", byMiner, minerTotalDiff],
      ] as const) {
        const own = sumDifficulties(shares.map((share) => ({ ...share, user: share[key] })));
        if (expected === undefined) continue;
        expect(own.total, note).toBe(total);
        expect([...own.byUser].toSorted(byName), note).toEqual(
          expected.map((sum) => [sum.key, sum.totalDifficulty]),
        );
        for (const sum of expected) {
          const targets = shares.filter((share) => share[key] === sum.key).map(({ target }) => target);
          expect(keepBest(targets), note).toEqual(sum.keptTargets.filter((kept) => kept > 0n));
          expect(targets).toHaveLength(sum.totalShares);
        }
      }
    }
    expect(PAYOUTS).toHaveLength(45);
  });
});

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function keepBest(targets: readonly bigint[]): readonly bigint[] {
  return targets.reduce<readonly bigint[]>(
    (best, target) => insertBestTarget(best, target, BEST_TARGETS_KEPT) ?? best,
    [],
  );
}

describe("the reference's split", () => {
  it("comes out of integer work to the unit, with fee, proportions, payouts and dust", () => {
    const compared = PAYOUTS.filter(
      ({ feeRateConfig, panic }) => !REFUSED_RATES.has(feeRateConfig) && !panic,
    );
    for (const item of compared) {
      const { result, note } = item;
      const parsed = parseFeeRate(item.feeRateConfig);
      if (!("rate" in parsed)) throw new Error(parsed.refusal);

      const split = splitReward({
        height: 1,
        reward: item.reward,
        carriedIn: 0n,
        rate: parsed.rate,
        users: integerWork(item),
        mode: "reference",
      });

      expect(split.fee, note).toBe(result?.poolFee);
      expect(split.carriedOut, note).toBe(result?.dust);
      expect(formatRate(parsed.rate), note).toBe(formatRate(units(result?.poolFeeRate ?? "")));
      expect(
        split.payouts.map(({ user, proportion, amount }) => [user, formatRate(proportion), amount]),
        note,
      ).toEqual(result?.users.map((user) => [user.user, formatRate(units(user.proportion)), user.payout]));
    }
    expect(compared).toHaveLength(45 - 1 - 5);
  });

  it("is refused its fees outside [0, 1) and those with more than 8 decimals, which the reference takes or cuts", () => {
    const refused = PAYOUTS.filter(({ feeRateConfig }) => REFUSED_RATES.has(feeRateConfig));
    for (const item of refused) {
      expect(parseFeeRate(item.feeRateConfig)).toHaveProperty("refusal");
      // What the reference books at these: its own arithmetic, which may pay less than nothing.
      const rate = units(item.result?.poolFeeRate ?? "");
      const fee = (item.reward * rate) / RATE_ONE;
      expect(fee, item.note).toBe(item.result?.poolFee);
      for (const { user, payout, proportion } of item.result?.users ?? [])
        expect(((item.reward - fee) * units(proportion)) / RATE_ONE, user).toBe(payout);
    }
    expect(refused.map(({ feeRateConfig }) => feeRateConfig)).toEqual([
      "0.0123456789",
      "1",
      "0.000000001",
      "1.5",
      "-0.25",
    ]);
  });

  it("pays a share of the highest target like one of the next, where the reference's process ends", () => {
    const [infinite, ...others] = PAYOUTS.filter(({ panic }) => panic !== undefined);
    if (infinite === undefined) throw new Error("the case is missing");
    const users = integerWork(infinite);
    const lucky = infinite.shares.find(({ target }) => target === MAX_U64)?.user;

    const split = splitReward({
      height: 1,
      reward: infinite.reward,
      carriedIn: 0n,
      rate: feeRate(0n),
      users,
      mode: "reference",
    });

    expect(infinite.panic).toContain("+Inf");
    expect(split.payouts.find(({ user }) => user === lucky)?.proportion).toBeGreaterThan(
      (RATE_ONE * 99n) / 100n,
    );
    expect(others).toEqual([]);
  });

  it("rounds proportions as the reference's decimals do", () => {
    const cases = casesOf(
      CASES,
      "proportion",
      v.object({
        user: float,
        pool: float,
        total: decimal,
        proportion8: v.string(),
        quotient16: v.string(),
        payout: decimal,
      }),
    );
    for (const { user, pool, total, proportion8, quotient16, payout } of cases) {
      const [part, whole] = onOneScale(shortestDecimal(user), shortestDecimal(pool));
      const proportion = referenceProportion(part, whole);
      expect(formatRate(proportion), `${user}/${pool}`).toBe(formatRate(units(proportion8)));
      expect(proportion).toBe(units(quotient16));
      expect((total * proportion) / RATE_ONE).toBe(payout);
    }
    expect(cases).toHaveLength(200);
  });

  it("is compared by the same decimals of a double", () => {
    const cases = casesOf(CASES, "decimalFromFloat", v.object({ decimal: v.string(), float }));
    for (const item of cases) expect(shortestDecimal(item.float)).toBe(item.decimal);
    expect(cases).toHaveLength(100);
  });
});

const REFUSED_RATES = new Set(["0.0123456789", "1", "0.000000001", "1.5", "-0.25"]);

describe("hash-rate estimates", () => {
  it("keep the 30 best targets as the reference does", () => {
    const cases = casesOf(
      CASES,
      "insertTarget",
      v.object({ inserted: v.array(decimal), list: v.array(decimal) }),
    );
    for (const { inserted, list } of cases)
      expect(keepBest(inserted)).toEqual(list.filter((kept) => kept > 0n));
    expect(cases).toHaveLength(6);
  });

  it("come from the last kept target as the reference's do", () => {
    const cases = casesOf(
      CASES,
      "hashrate",
      v.object({
        targets: v.array(decimal),
        seconds: float,
        last: float,
        average: float,
        weightedAverage: float,
      }),
    );
    for (const { targets, seconds, last, average, weightedAverage } of cases) {
      const best = keepBest(targets);
      if (best.length >= 5) expect(hashrateFromBest(best, seconds)).toBe(last);
      else expect(hashrateFromBest(best, seconds)).toBe(0);
      expect(averageHashrate(best, seconds, false)).toBe(average);
      expect(averageHashrate(best, seconds, true)).toBe(weightedAverage);
    }
    expect(cases).toHaveLength(20);
  });

  it("are the payouts' own: none from fewer than five shares, none without time instead of infinity", () => {
    let infinite = 0;
    for (const { shares, spanSeconds, result, note } of PAYOUTS) {
      let total = 0;
      for (const { user, hashRate } of result?.users ?? []) {
        const targets = shares.filter((share) => share.user === user).map(({ target }) => target);
        const seconds = spanSeconds[user] ?? 0;
        const ours = hashrateFromBest(keepBest(targets), seconds);
        if (hashRate === Number.POSITIVE_INFINITY) infinite += 1;
        expect(ours, `${note}: ${user}`).toBe(Number.isFinite(hashRate) ? hashRate : 0);
        if (seconds > 20) total += ours;
      }
      if (result !== undefined) expect(total, note).toBe(result.totalHashrate);
    }
    expect(infinite).toBe(1);
  });
});

describe("stored rows", () => {
  const row = v.record(v.string(), v.nullable(v.string()));
  const cases = casesOf(
    STORED,
    "stored",
    v.object({
      accountingCaseIndex: v.number(),
      owed_payouts: v.optional(v.array(row)),
      user_owed_payouts: v.optional(v.array(row)),
      rowsAfterReplay: v.optional(v.object({ n: v.string(), pool_fee: v.string() })),
      dbError: v.optional(v.string()),
      panic: v.optional(v.string()),
    }),
  );

  it("hold what our integers and 8-decimal rates write", () => {
    let users = 0;
    for (const { accountingCaseIndex, owed_payouts, user_owed_payouts, rowsAfterReplay } of cases) {
      const item = PAYOUTS[accountingCaseIndex];
      const [stored] = owed_payouts ?? [];
      if (item?.result === undefined || stored === undefined) continue;
      const own = ownRows(item);
      expect(stored, item.note).toMatchObject(own.job);
      expect(rowsAfterReplay).toEqual({ n: "1", pool_fee: own.job["pool_fee"] });
      expect(
        user_owed_payouts?.toSorted((a, b) => byName([a["user_id"] ?? "", a], [b["user_id"] ?? "", b])),
      ).toEqual(own.users.map((expected) => expect.objectContaining(expected)));
      users += own.users.length;
    }
    expect(users).toBeGreaterThan(100);
    expect(cases).toHaveLength(45);
  });

  it("exist for a share without a user name too, where the reference loses the whole block", () => {
    const [failed, ...others] = cases.filter(({ dbError }) => dbError !== undefined);
    const item = PAYOUTS[failed?.accountingCaseIndex ?? -1];
    if (item === undefined) throw new Error("the case is missing");

    const split = splitReward({
      height: 1,
      reward: item.reward,
      carriedIn: 0n,
      rate: feeRate(5_000_000n),
      users: integerWork(item),
      mode: "largest-remainder",
    });

    expect(failed?.dbError).toContain("user_id");
    expect(split.payouts.map(({ user }) => user)).toContain("");
    expect(split.payouts.reduce((sum, { amount }) => sum + amount, split.fee)).toBe(item.reward);
    expect(others).toEqual([]);
  });

  it("are refused for an infinite difficulty there; ours is finite", () => {
    const panics = cases.filter(({ panic }) => panic !== undefined);
    expect(panics.map(({ accountingCaseIndex }) => PAYOUTS[accountingCaseIndex]?.panic)).toEqual([
      "Cannot create a Decimal from +Inf",
    ]);
    expect(achievedWork(MAX_U64)).toBe(1n << 112n);
  });
});

/** The rows as the reference's tables have them, from our own arithmetic wherever it applies. */
function ownRows(item: PayoutCase): { job: Record<string, string>; users: Record<string, string>[] } {
  const result = item.result;
  if (result === undefined) throw new Error("no result");
  const split = REFUSED_RATES.has(item.feeRateConfig)
    ? { fee: result.poolFee, carriedOut: result.dust, payouts: refusedPayouts(result) }
    : splitReward({
        height: 1,
        reward: item.reward,
        carriedIn: 0n,
        rate: feeRate(units(result.poolFeeRate)),
        users: integerWork(item),
        mode: "reference",
      });
  return {
    job: {
      pool_reward: item.reward.toString(),
      pool_fee: split.fee.toString(),
      pool_fee_rate: storedRate(units(result.poolFeeRate)),
      dust: split.carriedOut.toString(),
    },
    users: split.payouts.map(({ user, amount, proportion }) => ({
      user_id: user,
      payout: amount.toString(),
      proportion: formatRate(proportion),
      total_submissions: item.shares.filter((share) => share.user === user).length.toString(),
    })),
  };
}

function refusedPayouts(result: NonNullable<PayoutCase["result"]>) {
  return result.users.map(({ user, payout, proportion }) => ({
    user,
    amount: payout,
    proportion: units(proportion),
  }));
}

function storedRate(rate: bigint): string {
  return rate < 0n ? `-${formatRate(-rate)}` : formatRate(rate);
}

describe("the fee rate's text", () => {
  it("is read as the reference reads it, within [0, 1) and 8 decimals, and never a plain zero", () => {
    const cases = casesOf(
      STORED,
      "feeConfig",
      v.object({ config: v.string(), ok: v.boolean(), rate: v.optional(v.string()) }),
    );
    const differs: string[] = [];
    for (const { config, ok, rate } of cases) {
      const ours = parseFeeRate(config);
      if ("rate" in ours !== ok) differs.push(config);
      else if ("rate" in ours) expect(formatRate(ours.rate), config).toBe(formatRate(units(rate ?? "")));
    }
    // Zero spelt out is as ambiguous as "0"; the others are out of range or lose decimals.
    expect(differs).toEqual(["0.0", "0.00", "1", "1.0", "1.5", "1.99", "-0.5", "0.123456789", "1e-9"]);
    expect(cases).toHaveLength(25);
  });

  it("says what is wrong and what to write", () => {
    expect(parseFeeRate("5%")).toEqual({
      refusal:
        'pool fee rate "5%": expected a decimal number; write a decimal such as 0.05, or -1 for no fee',
    });
  });
});

describe("payments", () => {
  const payment = v.object({
    user: v.string(),
    address: v.string(),
    amount: decimal,
    totalOwed: decimal,
    totalPaid: decimal,
  });
  const cases = casesOf(
    STORED,
    "payments",
    v.object({
      note: v.string(),
      error: v.optional(v.nullable(v.string())),
      owedPerUser: v.optional(v.array(v.object({ user_id: v.string(), owed: decimal }))),
      payments: v.optional(v.array(payment)),
    }),
  );

  it("are what is owed less what was paid; a negative rest is set apart, which the reference lists", () => {
    const lists = cases.filter((item) => item.payments !== undefined);
    for (const { note, owedPerUser, payments } of lists) {
      const balances = (payments ?? []).map(({ user, address, totalOwed, totalPaid }) => {
        expect(owedPerUser).toContainEqual({ user_id: user, owed: totalOwed });
        return { user, address, booked: totalOwed, adjusted: 0n, paidOut: totalPaid };
      });
      const square = { user: "zzz", address: "FA", booked: 5n, adjusted: 2n, paidOut: 7n };

      const ours = duePayments([square, ...balances]);

      const amounts = (list: readonly { user: string; amount: bigint }[]) =>
        list.map(({ user, amount }) => [user, amount]);
      expect(amounts(ours.payments), note).toEqual(
        amounts((payments ?? []).filter(({ amount }) => amount > 0n)),
      );
      expect(amounts(ours.overpaid), note).toEqual(
        amounts((payments ?? []).filter(({ amount }) => amount < 0n)),
      );
    }
    expect(lists).toHaveLength(2);
  });

  it("are booked once per entry hash, and only from a receipt", () => {
    const verdicts = {
      "WritePayments with no entry hash": judgeReceipt([{ entryHash: "" }], new Set()),
      "WritePayments empty": judgeReceipt([], new Set()),
      "WritePayments ok": judgeReceipt([{ entryHash: "ab" }], new Set()),
      "WritePayments again, same entry hash": judgeReceipt([{ entryHash: "ab" }], new Set(["ab"])),
    };
    const theirs = cases
      .filter((item) => item.payments === undefined)
      .map(({ note, error }) => [note, error]);
    expect(verdicts).toEqual({
      "WritePayments with no entry hash": "no-entry-hash",
      "WritePayments empty": "empty",
      "WritePayments ok": "record",
      "WritePayments again, same entry hash": "already-recorded",
    });
    expect(Object.fromEntries(theirs)).toEqual({
      "WritePayments with no entry hash": "this is not a receipt, no entryhash",
      "WritePayments empty": "no payments to record",
      "WritePayments ok": null,
      "WritePayments again, same entry hash": "this tx is already recorded",
    });
  });
});

it("no kind of case is left out", () => {
  const kinds = (cases: { kind: string }[]) => new Set(cases.map(({ kind }) => kind));
  expect(kinds(CASES)).toEqual(
    new Set(["decimalFromFloat", "hashrate", "insertTarget", "payout", "proportion"]),
  );
  expect(kinds(STORED)).toEqual(new Set(["feeConfig", "payments", "stored"]));
  expect([CASES.length, STORED.length]).toEqual([371, 76]);
});
