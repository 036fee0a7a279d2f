import { describe, expect, it } from "vitest";
import { uptimeOf } from "../../../../functions/api/figures/uptime.ts";

const OK = { state: "ok", sinceMs: 0, knownMs: 0 } as const;

describe("a worker's uptime", () => {
  it("leaves out each silence, from its last share to when it was heard again", () => {
    const changes = [
      { state: "recovered", atMs: 900, sinceMs: 900 },
      { state: "offline", atMs: 800, sinceMs: 700 },
      { state: "recovered", atMs: 300, sinceMs: 300 },
      { state: "offline", atMs: 150, sinceMs: 100 },
    ] as const;

    expect(uptimeOf(OK, changes, 0, 1000)).toBeCloseTo(0.6, 9);
    expect(uptimeOf(OK, changes, 500, 1000)).toBeCloseTo(0.6, 9);
    expect(uptimeOf(OK, changes, 950, 1000)).toBe(1);
  });

  it("counts the silence that goes on, and no time before the worker was known", () => {
    const changes = [{ state: "offline", atMs: 900, sinceMs: 750 }] as const;

    expect(uptimeOf({ state: "offline", sinceMs: 750, knownMs: 500 }, changes, 0, 1000)).toBeCloseTo(0.5, 9);
    expect(uptimeOf({ ...OK, knownMs: 1000 }, [], 0, 1000)).toBe(1);
  });
});
