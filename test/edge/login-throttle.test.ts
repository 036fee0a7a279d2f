import { describe, expect, it } from "vitest";
import { createLoginThrottle } from "../../edge/login-throttle.ts";
import { manualClock } from "../helpers/manual-clock.ts";

const A = "192.0.2.1";

function setup(options: Partial<Parameters<typeof createLoginThrottle>[0]> = {}) {
  const clock = manualClock();
  const throttle = createLoginThrottle(
    { freeFailures: 5, longestMs: 900_000, exemptAddresses: ["10.0.0.0/8"], ...options },
    { clock },
  );
  /** A wrong password; false where it was not even tried. */
  const fail = (user: string, address = A): boolean => {
    const tried = throttle.mayTry(user, address);
    if (tried) throttle.report(user, address, "failed");
    return tried;
  };
  return { clock, throttle, fail };
}

describe("failed logins over stratum", () => {
  it("cost nothing five times, then each locks for twice as long, up to a quarter of an hour", () => {
    const { clock, fail } = setup();
    const waits: number[] = [];

    for (let i = 0; i < 18; i++) {
      let waited = 0;
      while (!fail("ann")) {
        clock.advance(1_000);
        waited += 1;
      }
      waits.push(waited);
    }

    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it("are let through once in a quarter of an hour at most: 10,000 guesses take 100 days", () => {
    const { clock, fail } = setup();
    let tried = 0;
    for (let i = 0; i < 10_000; i++) {
      if (fail("ann")) tried += 1;
      clock.advance(1_000);
    }

    expect(tried).toBeLessThan(26);
  });

  it("of many at once are counted before the first has failed", () => {
    const { throttle } = setup();

    const allowed = Array.from({ length: 64 }, () => throttle.mayTry("ann", A)).filter(Boolean);

    expect(allowed).toHaveLength(6);
  });

  it("are counted by address over all names, unless it is exempt, and a /64 of IPv6 is one address", () => {
    const { fail } = setup();
    const names = Array.from({ length: 30 }, (_, i) => `name-${i}`);

    expect(names.filter((name) => fail(name))).toHaveLength(21);
    expect(names.filter((name) => fail(name, "10.1.2.3"))).toHaveLength(30);
    expect(names.filter((name, i) => fail(name, `2001:db8::${i.toString(16)}`))).toHaveLength(21);
  });

  it("are counted by name over all addresses, but lock its owner out for a minute at most", () => {
    const { clock, fail, throttle } = setup();
    for (let i = 0; i < 250; i++) {
      fail("ann", `198.51.100.${i}`);
      if (i > 40) clock.advance(60_000);
    }

    expect(fail("ann", "203.0.113.5")).toBe(true);
    expect(throttle.mayTry("ann", A)).toBe(false);
    clock.advance(60_000);

    expect(throttle.mayTry("ann", A)).toBe(true);
  });

  it("are forgotten after a right password, or after an hour without a try", () => {
    const { clock, fail, throttle } = setup();
    for (let i = 0; i < 5; i++) fail("ann");
    expect(throttle.mayTry("ann", A)).toBe(true);
    throttle.report("ann", A, "passed");
    expect([1, 2, 3, 4, 5, 6].map(() => fail("ann"))).toEqual([true, true, true, true, true, true]);
    expect(fail("ann")).toBe(false);
    clock.advance(3_600_000);

    expect([1, 2, 3, 4, 5, 6].every(() => fail("ann"))).toBe(true);
  });

  it("are not counted where there was no verdict", () => {
    const { throttle } = setup();

    for (let i = 0; i < 100; i++) {
      expect(throttle.mayTry("ann", A)).toBe(true);
      throttle.report("ann", A, "unknown");
    }
  });

  it("of endless names are forgotten, the oldest first, so that they take no endless memory", () => {
    const { fail, throttle } = setup({ exemptAddresses: ["0.0.0.0/0"] });
    while (fail("first"));

    for (let i = 0; i < 30_000; i++) throttle.mayTry(`name-${i}`, A);
    while (fail("last"));

    expect(fail("first")).toBe(true);
    expect(fail("last")).toBe(false);
  });
});
