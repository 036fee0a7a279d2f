/** Every case of `accounting_stored.json`: rows, fee rates and payments as the reference stores them; and that no kind of either file is left out. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { feeRate, formatRate, parseFeeRate } from "../../../shared/accounting/fee.ts";
import { duePayments, judgeReceipt } from "../../../shared/accounting/payments.ts";
import { splitReward } from "../../../shared/accounting/split.ts";
import { MAX_U64 } from "../../../shared/bytes.ts";
import { achievedWork } from "../../../shared/difficulty/work.ts";
import { casesOf, decimal } from "../../support/vectors.ts";
import {
  byName,
  CASES,
  integerWork,
  PAYOUTS,
  type PayoutCase,
  REFUSED_RATES,
  STORED,
  units,
} from "./payout-cases.ts";

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
