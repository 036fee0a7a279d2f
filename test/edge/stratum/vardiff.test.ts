/** Vardiff keeps its bounds always and finds the pace from any start. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Assignment,
  assign,
  assignedAt,
  firstAssignment,
  graceMs,
  retarget,
  targetFor,
  type VardiffSettings,
  withShare,
  withWish,
} from "../../../edge/stratum/vardiff.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";

const settings: VardiffSettings = {
  blockPeriodMs: 600_000,
  sharesPerBlock: 60,
  firstTarget: 0xffff_0000_0000_0000n,
  easiestTarget: 0xf000_0000_0000_0000n,
};

/** A generator of numbers in [0, 1), the same in every run. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A miner of so many hashes a millisecond, for some time; the shares it found in the last block period. */
function mine(
  rate: number,
  ms: number,
  start: Assignment,
  seed = 1,
): { assignment: Assignment; lastPeriod: number } {
  const random = numbers(seed);
  let assignment = start;
  let now = 0;
  let lastPeriod = 0;
  while (now < ms) {
    const wait = (-Math.log(1 - random()) * Number(assignedWork(assignment.target))) / rate;
    const step = Math.min(wait, 1_000);
    now += step;
    if (wait <= 1_000) {
      assignment = withShare(assignment, assignedAt(assignment, now));
      if (now > ms - settings.blockPeriodMs) lastPeriod += 1;
    }
    assignment = retarget(assignment, settings, 0n, now);
  }
  return { assignment, lastPeriod };
}

describe("work and targets", () => {
  it("the first target stands for 65,536 hashes", () => {
    expect(assignedWork(0xffff_0000_0000_0000n)).toBe(65_536n);
    expect(targetFor(65_536n)).toBe(0xffff_0000_0000_0000n);
  });

  it("a target for so many hashes asks for at most as many, and not one less", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 40n }), (hashes) => {
        const target = targetFor(hashes);
        expect(assignedWork(target)).toBeLessThanOrEqual(hashes);
        expect(assignedWork(target + 1n)).toBeGreaterThanOrEqual(hashes);
      }),
    );
  });
});

describe("retarget", () => {
  it.each([0.05, 1, 10, 100, 10_000, 5_000_000])(
    "brings a miner of %d hashes a millisecond to 60 shares a block period",
    (rate) => {
      const { lastPeriod } = mine(rate, 10 * settings.blockPeriodMs, firstAssignment(settings, 0n, 0));

      // The slowest one meets the easiest target allowed.
      const slowest = (rate * settings.blockPeriodMs) / Number(assignedWork(settings.easiestTarget));
      expect(lastPeriod).toBeGreaterThan(Math.min(60, slowest) * 0.5);
      expect(lastPeriod).toBeLessThan(60 * 1.7);
    },
  );

  it("raises the target of a fast miner within seconds [P5]", () => {
    const { assignment } = mine(1_000_000, 5_000, firstAssignment(settings, 0n, 0));

    expect(assignment.target).toBeGreaterThan(settings.firstTarget);
  });

  it("stays between the easiest target and the threshold, whatever happens", () => {
    const event = fc.record({
      ms: fc.nat({ max: 400_000 }),
      shares: fc.nat({ max: 40 }),
      threshold: fc.option(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), { nil: 0n }),
      wish: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let now = 0;
        let assignment = firstAssignment(settings, 0n, now);
        for (const { ms, shares, threshold, wish } of events) {
          now += ms;
          if (wish !== undefined) assignment = withWish(assignment, wish);
          for (let share = 0; share < shares; share++)
            assignment = withShare(assignment, assignedAt(assignment, now));
          const before = assignment;
          assignment = retarget(before, settings, threshold, now);

          const target = assignment.target;
          if (threshold > 0n) expect(target).toBeLessThanOrEqual(threshold);
          else if (target !== before.target) expect(target).toBeGreaterThanOrEqual(settings.easiestTarget);
          // What could be submitted before still can, for the time of the grace.
          if (target !== before.target)
            expect(assignedAt(assignment, now)).toBeLessThanOrEqual(assignedAt(before, now));
        }
      }),
    );
  });

  it("does nothing during the grace but follow a lower threshold", () => {
    const start = assign(firstAssignment(settings, 0n, 0), 0xffff_ff00_0000_0000n, settings, 1_000);
    let assignment = start;
    for (let share = 0; share < 1_000; share++)
      assignment = withShare(assignment, assignedAt(assignment, 2_000));

    expect(retarget(assignment, settings, 0n, 30_999).target).toBe(start.target);
    expect(retarget(assignment, settings, 0n, 31_001).target).not.toBe(start.target);
    expect(retarget(assignment, settings, 0xff00_0000_0000_0000n, 2_000).target).toBe(0xff00_0000_0000_0000n);
  });

  it("follows a wish for a harder target and keeps it, up to the threshold", () => {
    const wish = 0xffff_fff0_0000_0000n;
    const start = withWish(firstAssignment(settings, 0n, 0), wish);

    const followed = retarget(start, settings, 0n, 1);
    expect(followed.target).toBe(wish);
    expect(retarget(followed, settings, 0n, 2_000_000).target).toBe(wish);
    expect(retarget(start, settings, 0xffff_8000_0000_0000n, 1).target).toBe(0xffff_8000_0000_0000n);
  });
});

describe("assignedAt", () => {
  it("is the lower of the old and the new target for min(30 s, a quarter block)", () => {
    const harder = assign(firstAssignment(settings, 0n, 0), 0xffff_ff00_0000_0000n, settings, 1_000);
    expect(assignedAt(harder, 30_999)).toBe(0xffff_0000_0000_0000n);
    expect(assignedAt(harder, 31_000)).toBe(0xffff_ff00_0000_0000n);

    const easier = assign(firstAssignment(settings, 0n, 0), 0xff00_0000_0000_0000n, settings, 1_000);
    expect(assignedAt(easier, 1_000)).toBe(0xff00_0000_0000_0000n);
    expect(graceMs({ ...settings, blockPeriodMs: 10_000 })).toBe(2_500);
  });

  it("keeps the lowest target of several changes in a row", () => {
    const first = assign(firstAssignment(settings, 0n, 0), 0xff00_0000_0000_0000n, settings, 1_000);
    const second = assign(first, 0xffff_ff00_0000_0000n, settings, 2_000);

    expect(assignedAt(second, 3_000)).toBe(0xff00_0000_0000_0000n);
  });
});
