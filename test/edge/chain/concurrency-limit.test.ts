import { describe, expect, it } from "vitest";
import { type ConcurrencyLimit, createConcurrencyLimit } from "../../../edge/chain/concurrency-limit.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";

const OPTIONS = { least: 4, first: 16, most: 256 };

/** Makes `calls` calls; `latencyMs` tells how long one takes, made with so many under way, undefined: it fails after 10 ms. */
function run(
  clock: ManualClock,
  pace: ConcurrencyLimit,
  calls: number,
  latencyMs: (underWay: number, call: number) => number | undefined,
): { tookMs: number; most: number } {
  const startMs = clock.monotonicMs();
  let left = calls;
  let underWay = 0;
  let most = 0;
  const launch = (): void => {
    while (left > 0 && underWay < pace.limit()) {
      underWay += 1;
      most = Math.max(most, underWay);
      const takes = latencyMs(underWay, left--);
      const ended = pace.begin();
      clock.after(takes ?? 10, () => {
        underWay -= 1;
        if (takes === undefined) left += 1;
        ended(takes === undefined ? "failed" : "answered");
        launch();
      });
    }
  };
  pace.restart();
  launch();
  while (clock.pending() > 0) clock.advance(1);
  return { tookMs: clock.monotonicMs() - startMs, most };
}

describe("the pace of calls", () => {
  it.each([50, 500])(
    "brings 1,000 answers of %i ms each in seven times that, where 8 at a time take 125",
    (ms) => {
      const clock = manualClock();

      expect(run(clock, createConcurrencyLimit(OPTIONS, { clock }), 1_000, () => ms)).toEqual({
        tookMs: 7 * ms,
        most: 256,
      });
    },
  );

  it("begins the next run with a quarter of what was borne, and finds out that the node is slower now", () => {
    const clock = manualClock();
    const pace = createConcurrencyLimit(OPTIONS, { clock });
    run(clock, pace, 1_000, () => 50);

    expect(run(clock, pace, 1_000, () => 500)).toEqual({ tookMs: 3_000, most: 256 });
  });

  it("asks for no more where answers only come later for it", () => {
    const clock = manualClock();
    const pace = createConcurrencyLimit(OPTIONS, { clock });
    // One after the other, 2 ms each.
    let freeAtMs = 0;
    const queued = (): number => {
      freeAtMs = Math.max(freeAtMs, clock.monotonicMs()) + 2;
      return freeAtMs - clock.monotonicMs();
    };

    const { tookMs, most } = run(clock, pace, 1_000, queued);

    expect(tookMs).toBeLessThanOrEqual(2_010);
    expect(most).toBeLessThanOrEqual(64);
  });

  it("halves at a failure, once for all calls of the time, never below the least", () => {
    const clock = manualClock();
    const pace = createConcurrencyLimit(OPTIONS, { clock });
    const ends = Array.from({ length: 16 }, () => pace.begin());

    for (const ended of ends) ended("failed");
    expect(pace.limit()).toBe(8);
    for (let i = 0; i < 10; i++) pace.begin()("failed");

    expect(pace.limit()).toBe(4);
  });

  it("grows again after failures", () => {
    const clock = manualClock();
    const pace = createConcurrencyLimit(OPTIONS, { clock });
    for (let i = 0; i < 10; i++) pace.begin()("failed");

    expect(run(clock, pace, 2_000, () => 10).most).toBeGreaterThan(100);
  });

  it("stays near what a node bears that refuses everything beyond", () => {
    const clock = manualClock();
    const pace = createConcurrencyLimit(OPTIONS, { clock });
    let refused = 0;

    const { tookMs } = run(clock, pace, 1_000, (underWay) => {
      if (underWay <= 50) return 50;
      refused += 1;
      return undefined;
    });

    expect(refused).toBeLessThan(300);
    expect(tookMs).toBeLessThan(2_500);
  });
});
