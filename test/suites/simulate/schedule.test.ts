import { describe, expect, it } from "vitest";
import { achievedWork, targetOfWork } from "../../../shared/difficulty/work.ts";
import { runSchedule } from "./schedule.ts";
import { difficultyOf, digitsOf, nonceOf } from "./shares.ts";

describe("the simulator", () => {
  it("holds every invariant over four schedules of faults", { timeout: 60_000 }, async () => {
    const faults = new Set<string>();
    let acks = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const result = await runSchedule(seed);
      expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
      for (const fault of result.plan.faults) faults.add(fault);
      acks += result.acks;
    }
    expect(acks).toBeGreaterThan(200);
    expect(faults.size).toBeGreaterThan(15);
  });

  it("plays a seed the same way each time, and another seed otherwise", async () => {
    const first = await runSchedule(7);
    const again = await runSchedule(7);
    const other = await runSchedule(8);

    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });

  it("gives each find of a worker a digit of its own in the sum of achieved work", () => {
    const work = [0, 3, 22].map((place) => achievedWork(difficultyOf(nonceOf(7, "placed", place))));
    const sum = work.reduce((total, one) => total + one, 0n);

    expect(digitsOf(sum).flatMap((digit, index) => (digit === 1 ? [index] : []))).toEqual([0, 3, 22]);
    expect(digitsOf(sum + (work[1] ?? 0n))[3]).toBe(2);
  });

  it("gives N counted hashes what N hashes bring, at every target", () => {
    const hashes = 1_000;
    for (const worth of [1n, 16n, 128n]) {
      const hits = Array.from({ length: hashes }, (_, n) => difficultyOf(nonceOf(7, "told", n + 1))).filter(
        (reached) => reached >= targetOfWork(worth),
      );
      expect(BigInt(hits.length)).toBe(BigInt(hashes) / worth);
    }
  });
});
