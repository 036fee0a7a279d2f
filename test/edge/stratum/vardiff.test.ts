/** Vardiff keeps its bounds always and finds the pace from any start. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bounded,
  freshPace,
  isOld,
  paused,
  resumed,
  retargetEveryMs,
  type VardiffSettings,
  wantedTarget,
  withShare,
} from "../../../edge/stratum/vardiff.ts";
import { assignedWork, targetOfWork, wholeTarget } from "../../../shared/difficulty/work.ts";

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

/** A miner of so many hashes a millisecond, for some time; the mean of its shares in the last so many block periods. */
function mine(rate: number, blocks: number, last: number, seed = 1): number {
  const random = numbers(seed);
  let target = bounded(settings.firstTarget, settings, 0n);
  let pace = freshPace(0);
  let now = 0;
  let counted = 0;
  let retargetedMs = Number.NEGATIVE_INFINITY;
  const ms = blocks * settings.blockPeriodMs;
  while (now < ms) {
    const wait = (-Math.log(1 - random()) * Number(assignedWork(target))) / rate;
    now += Math.min(wait, 1_000);
    if (wait <= 1_000) {
      pace = withShare(pace, true);
      if (now > ms - last * settings.blockPeriodMs) counted += 1;
    }
    const wanted = wantedTarget(pace, target, settings, now);
    const next = wanted === undefined ? target : bounded(wanted.target, settings, 0n);
    if (next !== target && now - retargetedMs >= retargetEveryMs(settings)) {
      target = next;
      pace = freshPace(now);
      retargetedMs = now;
    } else if (isOld(pace, settings, now)) pace = freshPace(now);
  }
  return counted / last;
}

describe("work and targets", () => {
  it("the first target stands for 65,536 hashes", () => {
    expect(assignedWork(0xffff_0000_0000_0000n)).toBe(65_536n);
    expect(targetOfWork(65_536n)).toBe(0xffff_0000_0000_0000n);
  });

  it("a target for so many hashes is worth exactly as many, and takes no fewer to reach", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 32n }), (hashes) => {
        const target = targetOfWork(hashes);
        expect(assignedWork(target)).toBe(hashes);
        // Chance times worth of one hash: (2^64 − target) / 2^64 · hashes is at most 1.
        expect((2n ** 64n - target) * hashes).toBeLessThanOrEqual(2n ** 64n);
      }),
    );
  });

  it("the whole target of any other is the nearest one not above it", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 2n ** 33n }), (target) => {
        const whole = wholeTarget(target);
        expect(whole).toBeLessThanOrEqual(target);
        expect(targetOfWork(assignedWork(target) + 1n)).toBeGreaterThan(target);
        expect(wholeTarget(whole)).toBe(whole);
      }),
    );
  });
});

describe("the wanted target", () => {
  it.each([1, 10, 100, 10_000, 5_000_000])(
    "brings a miner of %d hashes a millisecond to 60 shares a block period, within a fifth over 20 blocks",
    (rate) => {
      for (const seed of [1, 2, 3]) {
        const mean = mine(rate, 30, 20, seed);
        expect(mean).toBeGreaterThan(48);
        expect(mean).toBeLessThan(72);
      }
    },
  );

  it("of a slow miner is the easiest one", () => {
    const slowest = (0.0005 * settings.blockPeriodMs) / Number(assignedWork(settings.easiestTarget));

    expect(mine(0.0005, 40, 20)).toBeGreaterThan(slowest * 0.7);
    expect(mine(0.0005, 40, 20)).toBeLessThan(slowest * 1.3);
  });

  it("rises for a fast miner within seconds [P5]", () => {
    let pace = freshPace(0);
    for (let n = 0; n < 20; n++) pace = withShare(pace, n % 10 === 0);

    expect(wantedTarget(pace, settings.firstTarget, settings, 2_000)?.target).toBeGreaterThan(
      settings.firstTarget,
    );
    // Two of them were accepted: that is evidence, and no measurement.
    expect(wantedTarget(pace, settings.firstTarget, settings, 2_000)?.isMeasured).toBe(false);
  });

  it("does not follow from stopped time", () => {
    const halfBlock = settings.blockPeriodMs / 2;
    let pace = freshPace(0);
    for (let n = 0; n < 30; n++) pace = withShare(pace, true);
    pace = resumed(paused(pace, halfBlock), halfBlock + 86_400_000);

    expect(wantedTarget(pace, settings.firstTarget, settings, halfBlock + 86_400_000)).toBeUndefined();
    expect(
      wantedTarget(paused(pace, halfBlock + 86_400_000), settings.firstTarget, settings, 1e12),
    ).toBeUndefined();
  });

  it("stays between the easiest target and the threshold, and stands for whole hashes, whatever is asked for", () => {
    const target = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const threshold = fc.option(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), { nil: 0n });
    fc.assert(
      fc.property(target, threshold, (asked, limit) => {
        const given = bounded(asked, settings, limit);
        if (limit > 0n) expect(given).toBeLessThanOrEqual(limit);
        else expect(given).toBeGreaterThanOrEqual(settings.easiestTarget);
        expect(wholeTarget(given)).toBe(given);
      }),
    );
  });

  it("is asked for once in 15 s at 10-minute blocks, in 5 s at 3-minute ones, in a second on a devnet", () => {
    expect(
      [600_000, 180_000, 10_000].map((blockPeriodMs) => retargetEveryMs({ ...settings, blockPeriodMs })),
    ).toEqual([15_000, 5_000, 1_000]);
  });
});
