import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseNonce } from "../../../edge/shares/nonce.ts";
import { keyedOrder } from "../../../edge/shares/prefix-order.ts";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { SeenNonces } from "../../../edge/shares/seen.ts";
import { concat, toHex, u32ToBytes } from "../../../shared/bytes.ts";

const KEY = new Uint8Array(16).fill(7);
const nonce = (n: number): Uint8Array => concat(u32ToBytes(1), u32ToBytes(n));

describe("the nonces of a job", () => {
  it("behave as a plain set under any order of reserve, release and credit", () => {
    const step = fc.record({ act: fc.constantFrom("reserve", "release", "credit"), n: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const seen = new SeenNonces(KEY);
        const inFlight = new Set<number>();
        const credited = new Set<number>();
        for (const { act, n } of steps) {
          if (act === "reserve") {
            const expected = inFlight.has(n) || credited.has(n) ? "duplicate" : "reserved";
            expect(seen.reserve(nonce(n))).toBe(expected);
            inFlight.add(n);
          } else if (act === "release") {
            seen.release(nonce(n));
            inFlight.delete(n);
          } else {
            seen.credit(nonce(n));
            inFlight.delete(n);
            credited.add(n);
          }
        }
        expect(seen.size()).toBe(credited.size);
      }),
    );
  });

  it("grow, and find each of 20,000 again and none of 20,000 others", () => {
    const seen = new SeenNonces(KEY);
    for (let n = 0; n < 20_000; n++) seen.credit(nonce(n));

    const known = Array.from({ length: 20_000 }, (_, n) => seen.reserve(nonce(n)));
    const others = Array.from({ length: 20_000 }, (_, n) => seen.reserve(nonce(n + 20_000)));

    expect(new Set(known)).toEqual(new Set(["duplicate"]));
    expect(new Set(others)).toEqual(new Set(["reserved"]));
    expect(seen.size()).toBe(20_000);
  });

  it("take no more than their limit, and say full [G5]", () => {
    const seen = new SeenNonces(KEY, 2);
    seen.credit(nonce(1));
    const second = seen.reserve(nonce(2));
    const third = seen.reserve(nonce(3));
    seen.release(nonce(2));

    expect([second, third, seen.reserve(nonce(3)), seen.reserve(nonce(1))]).toEqual([
      "reserved",
      "full",
      "reserved",
      "duplicate",
    ]);
  });
});

describe("a nonce's text", () => {
  it("gives the same bytes in every case, and nothing else gives any", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 32 }), fc.nat(), (bytes, mask) => {
        const hex = toHex(bytes);
        const mixed = [...hex]
          .map((digit, at) => ((mask >> (at % 31)) & 1 ? digit.toUpperCase() : digit))
          .join("");

        expect(parseNonce(mixed)?.bytes).toEqual(bytes);
        for (const wrong of [`${hex}0`, ` ${hex}`, `${hex}\n`, `0x${hex}`, `${hex}g0`, hex.slice(0, 8)])
          expect(parseNonce(wrong)).toBeUndefined();
      }),
    );
  });
});

describe("nonce prefixes", () => {
  it("are never held by two sessions, whatever comes and goes", () => {
    const step = fc.record({ act: fc.constantFrom("grant", "leave", "over"), n: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const prefixes = new Prefixes({ order: (n) => n % 12, sessions: 12 });
        prefixes.useSlot(5);
        const live: number[] = [];
        let resting: number[] = [];
        for (const { act, n } of steps) {
          if (act === "grant") {
            const prefix = prefixes.grant(7n)?.prefix;
            expect(prefix === undefined).toBe(live.length + resting.length === 12);
            if (prefix === undefined) continue;
            expect([...live, ...resting]).not.toContain(prefix);
            expect(prefix >>> 20).toBe(5);
            live.push(prefix);
          } else if (act === "over") {
            prefixes.jobOver(1000);
            resting = [];
          } else {
            const [prefix] = live.splice(n % Math.max(1, live.length), 1);
            if (prefix === undefined) continue;
            prefixes.release(prefix, 1000);
            resting.push(prefix);
          }
        }
        expect(prefixes.stats()).toEqual({ live: live.length, quarantined: resting.length });
      }),
    );
  });

  it("of a whole slot are all given out, and then none", () => {
    // The last 4,096 of a slot's million stand for all of them.
    const sessions = 1 << 12;
    const order = (n: number): number => (1 << 20) - sessions + (n % sessions);
    const prefixes = new Prefixes({ order, sessions });
    const before = prefixes.grant(0n);
    prefixes.useSlot(4095);
    const given = new Set<number>();
    for (let n = 0; n < sessions; n++) given.add(prefixes.grant(0n)?.prefix ?? -1);
    const none = prefixes.grant(0n);
    prefixes.release(4_294_967_295, undefined);
    const atRest = prefixes.grant(0n);
    prefixes.jobOpens(1000);
    prefixes.jobOver(1000);

    expect(atRest).toBeUndefined();
    expect(before).toBeUndefined();
    expect(given.size).toBe(sessions);
    expect(given.has(-1)).toBe(false);
    expect([none, prefixes.grant(0n)?.prefix]).toEqual([undefined, 4_294_967_295]);
  });

  it("come in an order that only the secret tells, each once, and in another the next time round", () => {
    const order = keyedOrder(new Uint8Array(32).fill(7));
    const other = keyedOrder(new Uint8Array(32).fill(8));
    const places = Array.from({ length: 2_000 }, (_, n) => n);
    const given = places.map(order);
    const steps = new Set(given.slice(1).map((session, n) => (session - (given[n] ?? 0)) & 0xf_ffff));

    expect(new Set(given).size).toBe(places.length);
    expect(given.every((session) => session >= 0 && session < 1 << 20)).toBe(true);
    // Of 1,999 steps of a random order about two are equal to another.
    expect(steps.size).toBeGreaterThan(1_985);
    expect(places.map(other)).not.toEqual(given);
    expect(places.map((n) => order(n + (1 << 20)))).not.toEqual(given);
    // A journal names a place in this order: another version must give the same.
    expect([0, 1, 2, 1 << 20].map(order)).toEqual([4739, 94055, 548683, 497228]);
  });
});
