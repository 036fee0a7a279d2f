import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../edge/stratum/token-bucket.ts";

const RATE = { perSecond: 10, burst: 20 };

describe("a token bucket", () => {
  it("gives its burst at once, then its rate", () => {
    const bucket = new TokenBucket(RATE, 0);

    expect(bucket.take(20, 0)).toBe(0);
    expect([bucket.left(50), bucket.left(100), bucket.left(1_000)]).toEqual([0.5, 1, 10]);
  });

  it("never holds more than its burst, however long nothing is taken", () => {
    const bucket = new TokenBucket(RATE, 0);
    bucket.take(5, 0);

    expect(bucket.left(1e9)).toBe(20);
    expect(bucket.take(1, 1e9)).toBe(19);
  });

  it("goes into debt without a bound, or as deep as it is told", () => {
    const bucket = new TokenBucket(RATE, 0);

    expect(bucket.take(70, 0)).toBe(-50);
    expect(bucket.take(1, 1_000)).toBe(-41);
    expect(bucket.take(1, 1_000, -10)).toBe(-10);
    expect(bucket.left(2_000)).toBe(0);
  });
});
