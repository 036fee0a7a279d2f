import { describe, expect, it } from "vitest";
import { createLoginThrottle } from "../../../edge/logins/throttle.ts";
import { manualClock } from "../../support/manual-clock.ts";

const A = "192.0.2.1";
const HOUR_MS = 3_600_000;

function setup() {
  const clock = manualClock();
  const throttle = createLoginThrottle({ exemptAddresses: ["10.0.0.0/8"] }, { clock });
  const attempt = (outcome: "passed" | "failed" | "unknown") => (user: string, address: string) => {
    const end = throttle.begin(user, address, false);
    end?.(outcome);
    return end !== undefined;
  };
  /** A wrong password; false where it was not even looked at. */
  const fail = (user: string, address = A): boolean => attempt("failed")(user, address);
  const pass = (user: string, address = A): boolean => attempt("passed")(user, address);
  return { clock, throttle, fail, pass };
}

describe("failed logins over stratum", () => {
  it("of a name at an address are let through nine times in an hour at most", () => {
    const { clock, fail } = setup();
    const triedMs: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      if (fail("ann")) triedMs.push(clock.monotonicMs());
      clock.advance(1_000);
    }

    for (const fromMs of triedMs)
      expect(triedMs.filter((ms) => ms >= fromMs && ms <= fromMs + HOUR_MS).length).toBeLessThanOrEqual(9);
    expect(triedMs.slice(0, 6)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 900_000]);
  });

  it("of many at once are counted before the first has failed", () => {
    const { throttle } = setup();

    const begun = Array.from({ length: 64 }, () => throttle.begin("ann", A, false)).filter(Boolean);

    expect(begun).toHaveLength(5);
    expect(throttle.isLocked("ann", A)).toBe(true);
  });

  it("are counted by address over all names, unless it is exempt, and a /64 of IPv6 is one address", () => {
    const { fail } = setup();
    const names = Array.from({ length: 30 }, (_, i) => `name-${i}`);

    expect(names.filter((name) => fail(name))).toHaveLength(20);
    expect(names.filter((name) => fail(name, "10.1.2.3"))).toHaveLength(30);
    expect(names.filter((name, i) => fail(name, `2001:db8::${i.toString(16)}`))).toHaveLength(20);
  });

  it("never bind their owner at another address, nor under another name where the owner passed before", () => {
    const { clock, fail, pass } = setup();
    expect(pass("ann")).toBe(true);

    const passes = Array.from({ length: 42 }, () => {
      for (let i = 0; i < 24; i++) {
        fail("ann", `198.51.100.${i}`);
        fail(`name-${i}`);
      }
      clock.advance(60_000);
      return pass("ann");
    });

    expect(passes.every(Boolean)).toBe(true);
  });

  it("are not counted where the password was right, or where there was no verdict", () => {
    const { fail, pass, throttle } = setup();

    for (let i = 0; i < 100; i++) {
      expect(pass("ann")).toBe(true);
      const end = throttle.begin("bob", A, false);
      end?.("unknown");
      expect(end).toBeDefined();
    }
    expect(Array.from({ length: 6 }, () => fail("ann")).filter(Boolean)).toHaveLength(5);
  });

  it("of endless names are forgotten, the oldest first, so that they take no endless memory", () => {
    const { fail } = setup();
    while (fail("first", "10.0.0.1"));

    for (let i = 0; i < 60_000; i++) fail(`name-${i}`, "10.0.0.1");
    while (fail("last", "10.0.0.1"));

    expect(fail("first", "10.0.0.1")).toBe(true);
    expect(fail("last", "10.0.0.1")).toBe(false);
  });
});
