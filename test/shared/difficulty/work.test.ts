import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_U64 } from "../../../shared/bytes.ts";
import { POOL_DIFFICULTY_ONE } from "../../../shared/difficulty/target.ts";
import { achievedWork, assignedWork, hashesOfWork, workOfShare } from "../../../shared/difficulty/work.ts";

describe("the work of a share", () => {
  it("is the whole number of hashes that its assigned target takes on average [G18]", () => {
    expect(assignedWork(0n)).toBe(1n);
    expect(assignedWork(POOL_DIFFICULTY_ONE)).toBe(65_536n);
    expect(assignedWork(MAX_U64)).toBe(1n << 64n);
  });

  it("counts the reached target only where the pool credits what was achieved", () => {
    const share = { assignedTarget: POOL_DIFFICULTY_ONE, reachedTarget: 0xffff_ffff_0000_0000n };

    expect(workOfShare("assigned", share)).toBe(65_536n);
    expect(hashesOfWork("assigned", 65_536n)).toBe(65_536n);
    expect(hashesOfWork("achieved", workOfShare("achieved", share))).toBe(
      (1n << 32n) + 1n, // of 2^64 less one, as the reference divides
    );
  });

  it("is finite for the highest target, where the reference's is infinite", () => {
    expect(achievedWork(MAX_U64)).toBe(achievedWork(MAX_U64 - 1n));
    expect(achievedWork(MAX_U64)).toBe(1n << 112n);
  });

  it("never falls when the target rises", () => {
    const target = fc.bigInt({ min: 0n, max: MAX_U64 });
    fc.assert(
      fc.property(target, target, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(assignedWork(low) <= assignedWork(high)).toBe(true);
        expect(achievedWork(low) <= achievedWork(high)).toBe(true);
      }),
    );
  });
});
