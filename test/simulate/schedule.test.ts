import { describe, expect, it } from "vitest";
import { workOfShare } from "../../shared/difficulty/work.ts";
import { runSchedule } from "./schedule.ts";
import { digitsOf, targetOf } from "./shares.ts";

describe("the simulator", () => {
  it("holds every invariant over a dozen schedules of faults", { timeout: 60_000 }, async () => {
    const faults = new Set<string>();
    let acks = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const result = await runSchedule(seed);
      expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
      for (const fault of result.plan.faults) faults.add(fault);
      acks += result.acks;
    }
    expect(acks).toBeGreaterThan(600);
    expect(faults.size).toBeGreaterThan(15);
  });

  it("plays a seed the same way each time, and another seed otherwise", async () => {
    const first = await runSchedule(7);
    const again = await runSchedule(7);
    const other = await runSchedule(8);

    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });

  it("gives each attempt of a worker a digit of its own in the sum of work", () => {
    const work = [0, 3, 22].map((attempt) =>
      workOfShare("assigned", { assignedTarget: targetOf(attempt), reachedTarget: 0n }),
    );
    const sum = work.reduce((total, one) => total + one, 0n);

    expect(digitsOf(sum).flatMap((digit, index) => (digit === 1 ? [index] : []))).toEqual([0, 3, 22]);
    expect(digitsOf(sum + (work[1] ?? 0n))[3]).toBe(2);
  });
});
