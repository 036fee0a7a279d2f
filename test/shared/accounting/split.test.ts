import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { feeRate, formatRate, RATE_ONE } from "../../../shared/accounting/fee.ts";
import { hashrateFromBest, hashrateFromWork } from "../../../shared/accounting/hashrate.ts";
import { compareNames } from "../../../shared/accounting/name-order.ts";
import { type SplitInput, splitReward } from "../../../shared/accounting/split.ts";
import { achievedWork } from "../../../shared/difficulty/work.ts";
import { hexInteger } from "../../support/vectors.ts";

const INPUT = fc
  .record({
    height: fc.nat(),
    reward: fc.bigInt({ min: 0n, max: 1n << 63n }),
    carriedIn: fc.bigInt({ min: 0n, max: 1n << 40n }),
    rate: fc.bigInt({ min: 0n, max: RATE_ONE - 1n }).map(feeRate),
    users: fc.uniqueArray(
      fc.record({ user: fc.string({ maxLength: 6 }), work: fc.bigInt({ min: 0n, max: 1n << 90n }) }),
      { selector: ({ user }) => user, maxLength: 40 },
    ),
    mode: fc.constantFrom("largest-remainder" as const, "reference" as const),
  })
  .map((input): SplitInput => input);

function paid(split: ReturnType<typeof splitReward>): bigint {
  return split.payouts.reduce((sum, { amount }) => sum + amount, 0n);
}

describe("a split", () => {
  it("conserves money for any input", () => {
    fc.assert(
      fc.property(INPUT, (input) => {
        const split = splitReward(input);
        expect(split.fee + paid(split) + split.carriedOut).toBe(input.reward + input.carriedIn);
        expect(split.payouts.every(({ amount }) => amount >= 0n) && split.carriedOut >= 0n).toBe(true);
        expect(split.payouts).toHaveLength(input.users.length);
      }),
    );
  });

  it("does not depend on the order in which users come", () => {
    fc.assert(
      fc.property(INPUT, fc.infiniteStream(fc.nat()), (input, order) => {
        const keyed = input.users.map((user) => ({ user, key: order.next().value }));
        const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ user }) => user);
        expect(splitReward({ ...input, users: shuffled })).toEqual(splitReward(input));
      }),
    );
  });

  it("by largest remainder leaves nothing where there is work, and is within a unit of exact for everybody [P10]", () => {
    fc.assert(
      fc.property(INPUT, (input) => {
        const split = splitReward({ ...input, mode: "largest-remainder" });
        const total = input.users.reduce((sum, { work }) => sum + work, 0n);
        if (total === 0n) {
          expect(paid(split)).toBe(0n);
          return;
        }
        const shared = input.reward - split.fee + input.carriedIn;
        expect(split.carriedOut).toBe(0n);
        for (const { work, amount } of split.payouts) {
          const rest = amount * total - shared * work;
          expect(rest > -total && rest < total).toBe(true);
          if (work === 0n) expect(amount).toBe(0n);
        }
      }),
    );
  });

  it("gives the units left over to equal remainders by name in byte order", () => {
    const users = ["é", "b", "a", "Z", "~"].map((user) => ({ user, work: 1n }));

    const split = splitReward({
      height: 1,
      reward: 7n,
      carriedIn: 0n,
      rate: feeRate(0n),
      users,
      mode: "largest-remainder",
    });

    expect(split.payouts.map(({ user, amount }) => `${user}${amount}`)).toEqual([
      "Z2",
      "a2",
      "b1",
      "~1",
      "é1",
    ]);
    expect(["\u{1f600}", "\uffee"].toSorted(compareNames)).toEqual(["\uffee", "\u{1f600}"]);
  });

  it("takes the fee from the reward only, and carries the rest when nobody worked", () => {
    const input = { height: 1, reward: 1_000n, carriedIn: 500n, rate: feeRate(10_000_000n), users: [] };

    const split = splitReward({ ...input, mode: "largest-remainder" });

    expect(split).toEqual({ fee: 100n, payouts: [], carriedOut: 1_400n });
  });

  it("refuses what cannot be: negative amounts or work, a user twice", () => {
    const good: SplitInput = {
      height: 1,
      reward: 1n,
      carriedIn: 0n,
      rate: feeRate(0n),
      users: [{ user: "a", work: 1n }],
      mode: "reference",
    };
    expect(() => splitReward({ ...good, reward: -1n })).toThrow("reward -1");
    expect(() => splitReward({ ...good, users: [{ user: "a", work: -1n }] })).toThrow("work of 0 or more");
    expect(() => splitReward({ ...good, users: [...good.users, ...good.users] })).toThrow("a twice");
    expect(() => feeRate(RATE_ONE)).toThrow("fee rate");
  });
});

describe("hash-rate estimates", () => {
  it("need five shares and some time", () => {
    const best = [5n, 4n, 3n, 2n, 1n];
    expect(hashrateFromBest(best.slice(1), 10)).toBe(0);
    expect(hashrateFromBest(best, 0)).toBe(0);
    expect(hashrateFromBest(best, 10)).toBeCloseTo(0.5);
    expect([hashrateFromWork(1_000n, 10), hashrateFromWork(1_000n, 0)]).toEqual([100, 0]);
  });
});

describe("the recorded run of the reference pool", () => {
  it("paid what integer work in units of achieved difficulty pays, block by block", () => {
    const text = readFileSync(new URL("../../support/vectors/e2e.json", import.meta.url), "utf8");
    const share = v.object({ accepted: v.boolean(), target: hexInteger, user: v.string() });
    const rows = v.array(v.record(v.string(), v.nullable(v.string())));
    const run = v.parse(
      v.object({
        cases: v.tuple([
          v.object({
            jobs: v.array(v.object({ jobid: v.string(), shares: v.array(share) })),
            db: v.object({ owed_payouts: rows, user_owed_payouts: rows }),
          }),
        ]),
      }),
      JSON.parse(text),
    ).cases[0];

    const compared = run.jobs.flatMap(({ jobid, shares }) => {
      const stored = run.db.owed_payouts.find((row) => row["job_id"] === jobid);
      if (stored === undefined) return [];
      const work = new Map<string, bigint>();
      for (const { user, target } of shares.filter(({ accepted }) => accepted))
        work.set(user, (work.get(user) ?? 0n) + achievedWork(target));
      const split = splitReward({
        height: 1,
        reward: BigInt(stored["pool_reward"] ?? ""),
        carriedIn: 0n,
        rate: feeRate(5_000_000n),
        users: [...work].map(([user, sum]) => ({ user, work: sum })),
        mode: "reference",
      });
      expect([split.fee, split.carriedOut].map(String)).toEqual([stored["pool_fee"], stored["dust"]]);
      const theirs = run.db.user_owed_payouts.filter((row) => row["job_id"] === jobid);
      expect(
        split.payouts.map(({ user, amount, proportion }) => [user, String(amount), formatRate(proportion)]),
      ).toEqual(theirs.map((row) => [row["user_id"], row["payout"], row["proportion"]]));
      return [split.fee > 0n];
    });

    expect(compared).toEqual([true, true, true]);
  });
});
