import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Slices } from "../../../edge/miner/slices.ts";

/** What a thread hashes at a time once it knows its machine, on which a hash takes so long. */
function settled(msPerHash: number, slices = new Slices()): number {
  for (let i = 0; i < 200; i++) {
    const hashes = slices.next();
    slices.note(hashes, hashes * msPerHash);
  }
  return slices.next();
}

describe("a searching thread's slices", () => {
  it("take at most 3 ms on every machine of more than 10,000 hashes a second and thread, and at least half of that", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.003, max: 0.09, noNaN: true }), (msPerHash) => {
        const ms = settled(msPerHash) * msPerHash;

        expect(ms).toBeLessThanOrEqual(3.0001);
        expect(ms).toBeGreaterThan(1.4);
      }),
    );
  });

  it.each([
    ["native kernel on huge pages", 0.022, 128],
    ["WebAssembly kernel on huge pages", 0.032, 80],
    ["WebAssembly kernel on small pages", 0.08, 32],
    ["a table of 10 bits", 0.004, 640],
    ["a machine that hardly moves", 5, 32],
    ["a machine faster than its clock", 0, 1024],
  ])("with the %s are as many as fit", (_, msPerHash, hashes) => {
    expect(settled(msPerHash)).toBe(hashes);
  });

  it("stay as long when the thread was not running for a while, and shorten when its machine has slowed down", () => {
    const slices = new Slices();
    expect(settled(0.022, slices)).toBe(128);

    slices.note(128, 500);
    expect(slices.next()).toBe(128);

    expect(settled(0.06, slices)).toBe(48);
  });
});
