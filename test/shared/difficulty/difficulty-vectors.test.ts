/** Every case of `difficulty.json`; where we differ, our answer beside the reference's. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { MAX_U64, toHex } from "../../../shared/bytes.ts";
import { decideSubmission, insertBestTarget } from "../../../shared/difficulty/best-targets.ts";
import { nextEma } from "../../../shared/difficulty/ema.ts";
import {
  effectiveHashrate,
  expectedTargetAtPlace,
  MINING_PERIOD_SECONDS,
  minimumTargetFromPlace,
  minimumTargetOfBlock,
  projectedTarget,
} from "../../../shared/difficulty/network-hashrate.ts";
import { batchNonce, noncePrefix, sequentialNonce } from "../../../shared/difficulty/nonce-layout.ts";
import {
  difficultyFromTarget,
  HASH_SPACE,
  hashrateFromTarget,
  POOL_DIFFICULTY_ONE,
  targetFromDifficulty,
  targetFromHashes,
  targetFromHashrate,
  totalHashes,
} from "../../../shared/difficulty/target.ts";
import { casesOf, decimal, float, readCases } from "../../support/vectors.ts";

const CASES = readCases("difficulty.json");
const panic = v.optional(v.string());
const implementationDefined = v.optional(v.boolean());

describe("targets", () => {
  it("have the reference's difficulty, and come back from it", () => {
    const cases = casesOf(
      CASES,
      "DifficultyFromTarget",
      v.object({
        target: decimal,
        one: decimal,
        difficulty: v.optional(float),
        backToTarget: v.optional(decimal),
        panic,
      }),
    );
    for (const { target, one, difficulty, backToTarget, panic } of cases) {
      const ours = difficultyFromTarget(target, one);
      if (panic !== undefined) {
        // 0/0 there: the highest target in units of itself.
        expect(ours).toBe(1);
        continue;
      }
      expect(ours, `target ${target} one ${one}`).toBe(difficulty);
      if (backToTarget !== undefined) expect(targetFromDifficulty(ours, one)).toBe(backToTarget);
    }
    expect(cases).toHaveLength(138);
    expect(difficultyFromTarget(POOL_DIFFICULTY_ONE)).toBe(1);
  });

  it("come from a difficulty as in the reference", () => {
    const cases = casesOf(
      CASES,
      "TargetFromDifficulty",
      v.object({ difficulty: float, one: decimal, target: decimal }),
    );
    for (const { difficulty, one, target } of cases)
      expect(targetFromDifficulty(difficulty, one), `difficulty ${difficulty}`).toBe(target);
    expect(cases).toHaveLength(56);
  });

  it("stand for the reference's number of hashes; the highest for all of them, not for a null pointer", () => {
    const cases = casesOf(CASES, "TotalHashes", v.object({ target: decimal, hashes: v.nullable(decimal) }));
    for (const { target, hashes } of cases)
      expect(totalHashes(target), `target ${target}`).toBe(hashes ?? HASH_SPACE);
    expect(cases.filter(({ hashes }) => hashes === null)).toMatchObject([{ target: MAX_U64 }]);
    expect(cases).toHaveLength(113);
  });

  it("stand for the reference's hash rate; the highest for 2^64 hashes in the time, not for a crash", () => {
    const cases = casesOf(
      CASES,
      "Target.HashRateFromCustom",
      v.object({ target: decimal, seconds: float, hashrate: v.optional(float), panic }),
    );
    for (const { target, seconds, hashrate, panic } of cases)
      expect(hashrateFromTarget(target, seconds), `target ${target} in ${seconds} s`).toBe(
        panic === undefined ? hashrate : 2 ** 64 / seconds,
      );
    expect(cases).toHaveLength(226);
  });

  it("come from hashes and hash rates as in the reference", () => {
    const integers = [
      ...casesOf(CASES, "TargetI", v.object({ hashes: decimal, target: decimal })),
      ...casesOf(CASES, "TargetFromHashes", v.object({ hashes: decimal, target: decimal })),
    ];
    const rates = casesOf(
      CASES,
      "TargetFromHashRate",
      v.object({ hashrate: float, seconds: float, target: decimal }),
    );
    for (const { hashes, target } of integers) expect(targetFromHashes(hashes), `${hashes}`).toBe(target);
    for (const { hashrate, seconds, target } of rates)
      expect(targetFromHashrate(hashrate, seconds), `${hashrate} in ${seconds} s`).toBe(target);
    expect([integers.length, rates.length]).toEqual([71, 70]);
  });
});

describe("the network's minimum", () => {
  it("is expected at a place as in the reference; 0 where there are not more hashes than places", () => {
    const cases = casesOf(
      CASES,
      "ExpectedMinimumTarget",
      v.object({
        hashes: decimal,
        spot: v.number(),
        target: v.optional(decimal),
        note: v.optional(v.string()),
        panic,
      }),
    );
    for (const { hashes, spot, target, note, panic } of cases) {
      const ours = expectedTargetAtPlace(hashes, spot);
      // `note`: the reference takes the low bits of a negative number; `panic`: it divides by zero hashes.
      const differs = note !== undefined || panic !== undefined;
      expect(ours, `${hashes} hashes, place ${spot}`).toBe(differs ? 0n : target);
      if (differs) expect(ours).not.toBe(target);
    }
    expect(cases).toHaveLength(70);
  });

  it("projects a hash rate to a place as in the reference; 0 for a tiny network", () => {
    const cases = casesOf(
      CASES,
      "ExpectedMinimumDifficulty",
      v.object({ hashrate: float, spot: v.number(), difficulty: decimal, implementationDefined }),
    );
    for (const { hashrate, spot, difficulty, implementationDefined } of cases) {
      const ours = projectedTarget(hashrate, spot);
      expect(ours, `${hashrate} H/s, place ${spot}`).toBe(implementationDefined ? 0n : difficulty);
    }
    expect(cases.filter((item) => item.implementationDefined)).toHaveLength(2);
    expect(cases).toHaveLength(70);
  });

  it("estimates the hash rate as the reference does; without time and results it is 0, not a crash", () => {
    const cases = casesOf(
      CASES,
      "EffectiveHashRate",
      v.object({ min: decimal, spot: v.number(), seconds: float, hashrate: v.optional(float), panic }),
    );
    for (const { min, spot, seconds, hashrate, panic } of cases) {
      const ours = effectiveHashrate(min, spot, seconds);
      const highest = HASH_SPACE - min <= 1024n;
      // The highest targets round to 2^64: infinite there, their exact space here.
      if (highest && seconds > 0 && hashrate === Number.POSITIVE_INFINITY)
        expect(ours).toBe((spot * 2 ** 64) / Number(HASH_SPACE - min) / seconds);
      else expect(ours, `min ${min} place ${spot} in ${seconds} s`).toBe(panic === undefined ? hashrate : 0);
    }
    expect(cases).toHaveLength(85);
  });

  it("follows from a place's difficulty as in the reference, 0 for tiny networks, exact for extreme ones", () => {
    const cases = casesOf(
      CASES,
      "CalculateMinimumDifficulty",
      v.object({
        difficulty: decimal,
        spot: v.number(),
        cutoff: v.number(),
        minimum: v.optional(decimal),
        hashrate: float,
        implementationDefined,
        panic,
      }),
    );
    const counts = { same: 0, tiny: 0, extreme: 0 };
    for (const { difficulty, spot, cutoff, minimum, hashrate, implementationDefined, panic } of cases) {
      const ours = minimumTargetFromPlace(difficulty, spot, cutoff);
      const about = `difficulty ${difficulty} at ${spot}, cutoff ${cutoff}`;
      if (implementationDefined) {
        // A negative double as unsigned: the reference wants a huge target of a network with too few hashes.
        counts.tiny += 1;
        expect([ours, (minimum ?? 0n) > 0n], about).toEqual([0n, true]);
      } else if (panic !== undefined) {
        // Infinity / infinity there. 2^64 − ceil(cutoff·(2^64 − difficulty) / spot) here.
        counts.extreme += 1;
        const gap = (HASH_SPACE - ours) * BigInt(spot) - BigInt(cutoff) * (HASH_SPACE - difficulty);
        expect(hashrate, about).toBe(Number.POSITIVE_INFINITY);
        expect(gap >= 0n && gap < BigInt(spot), about).toBe(true);
      } else {
        counts.same += 1;
        expect(ours, about).toBe(minimum);
        expect(effectiveHashrate(difficulty, spot, MINING_PERIOD_SECONDS), about).toBe(hashrate);
      }
    }
    expect(counts).toEqual({ same: 60, tiny: 9, extreme: 14 });
  });

  it("is the 50th or last entry's by difficulty; the reference takes it from the list as it stands", () => {
    const cases = casesOf(
      CASES,
      "CalculateMinimumDifficultyFromOPRs",
      v.object({
        difficulties: v.array(decimal),
        cutoff: v.number(),
        sorted: v.boolean(),
        minimum: decimal,
      }),
    );
    let different = 0;
    for (const { difficulties, cutoff, sorted, minimum } of cases) {
      const ours = minimumTargetOfBlock(difficulties, cutoff);
      const spot = Math.min(50, difficulties.length);
      const asItStands = difficulties[spot - 1];
      if (asItStands === undefined) {
        // The reference has 0 and moves its average by it; a block without OPRs has no minimum here.
        expect([ours, minimum]).toEqual([undefined, 0n]);
        continue;
      }
      if (sorted) expect(ours).toBe(minimum);
      else expect(minimumTargetFromPlace(asItStands, spot, cutoff)).toBe(minimum);
      const inOrder = difficulties.toSorted((a, b) => Number(b > a) - Number(b < a));
      expect(ours).toBe(minimumTargetOfBlock(inOrder, cutoff));
      if (ours !== minimum) different += 1;
    }
    expect(different).toBeGreaterThan(0);
    expect(cases).toHaveLength(36);
  });
});

describe("the moving average", () => {
  it("moves as in the reference, and keeps the bit that a restart costs there", () => {
    const cases = casesOf(
      CASES,
      "EMA",
      v.object({
        N: v.number(),
        start: decimal,
        steps: v.array(v.object({ minTarget: decimal, ema: decimal, emaIfRestartedEachBlock: decimal })),
      }),
    );
    let lostThere = 0;
    for (const { N, start, steps } of cases) {
      if (N < 1) {
        expect(() => nextEma(5n, 9n, N)).toThrow(RangeError);
        continue;
      }
      let ema: bigint | undefined = start;
      for (const step of steps) {
        ema = nextEma(ema, step.minTarget, N);
        expect(ema, `N ${N}`).toBe(step.ema);
        if (step.emaIfRestartedEachBlock !== step.ema) lostThere += 1;
      }
    }
    expect(lostThere).toBeGreaterThan(100);
    expect(cases.map(({ N }) => N)).toEqual([36, 36, 36, 12, 12, 12, 1, 1, 1, 0, 0, 0]);
  });

  it("takes single steps as in the reference; fewer than one point are refused", () => {
    const cases = casesOf(
      CASES,
      "ComputeEMA",
      v.object({ N: v.number(), latest: decimal, previous: decimal, ema: v.optional(decimal), panic }),
    );
    const refused = [];
    for (const { N, latest, previous, ema } of cases) {
      if (N < 1) {
        refused.push([N, ema]);
        expect(() => nextEma(previous, latest, N)).toThrow(RangeError);
      } else expect(nextEma(previous, latest, N), `${previous} → ${latest}, N ${N}`).toBe(ema);
    }
    // The reference: past the newest value (0), a division by zero (−1), away from it (−3).
    expect(refused).toEqual([
      [0, 1n],
      [0, 9n],
      [-1, undefined],
      [-3, 11n],
    ]);
    expect(cases).toHaveLength(76);
  });

  it("stays where it is when a block has no OPRs", () => {
    expect(nextEma(7n, undefined, 36)).toBe(7n);
    expect(nextEma(undefined, undefined, 36)).toBeUndefined();
  });
});

describe("submissions", () => {
  it("are decided as in the reference; a negative limit is no limit instead of a crash", () => {
    const cases = casesOf(
      CASES,
      "softMax",
      v.object({
        limit: v.number(),
        ema: v.optional(decimal),
        shares: v.optional(v.array(v.object({ target: decimal, decision: v.string() }))),
        panic,
      }),
    );
    for (const { limit, ema, shares, panic } of cases) {
      if (panic !== undefined) {
        const state = { ema: 5n, best: [], softmax: limit };
        expect(decideSubmission(6n, state).verdict).toBe("submit");
        continue;
      }
      let best: readonly bigint[] = [];
      for (const { target, decision } of shares ?? []) {
        const decided = decideSubmission(target, { ema, best, softmax: limit });
        best = decided.best;
        expect(decided.verdict, `limit ${limit} target ${target}`).toBe(decision);
      }
      expect(best.length).toBeLessThanOrEqual(Math.max(0, limit));
    }
    expect(cases.map(({ shares }) => shares?.length ?? 0)).toEqual([200, 200, 200, 12, 12, 12, 0]);
  });

  it("keep the best in the reference's places", () => {
    const cases = casesOf(
      CASES,
      "InsertTarget",
      v.object({ list: v.array(decimal), target: decimal, index: v.number(), after: v.array(decimal) }),
    );
    for (const { list, target, index, after } of cases) {
      const inserted = insertBestTarget(list, target, list.length);
      expect(inserted, `${target} into ${list.join(" ")}`).toEqual(index < 0 ? undefined : after);
    }
    expect(cases).toHaveLength(20);
  });
});

describe("nonces", () => {
  it("are laid out as the reference's miner does", () => {
    const [only] = casesOf(
      CASES,
      "NonceIncrementer",
      v.object({
        cases: v.array(
          v.object({ id: v.number(), thread: v.number(), prefix: v.string(), sequence: v.array(v.string()) }),
        ),
      }),
    );
    for (const { id, thread, prefix, sequence } of only?.cases ?? []) {
      const ours = noncePrefix(id, thread);
      expect(toHex(ours)).toBe(prefix);
      expect(toHex(batchNonce(ours, 258))).toBe(`${prefix}00000102`);
      for (const step of sequence) {
        const [counter, nonce] = step.includes(":") ? step.split(":") : ["0", step];
        expect(toHex(sequentialNonce(ours, Number(counter)))).toBe(nonce);
      }
    }
    expect(only?.cases).toHaveLength(5);
  });
});

it("no kind of case is left out", () => {
  expect(new Set(CASES.map(({ kind }) => kind)).size).toBe(17);
  expect(CASES).toHaveLength(1134);
});
