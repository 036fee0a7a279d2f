import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { quietUntilMs, timeZone } from "../../../shared/alerts/quiet-hours.ts";

const at = (text: string): number => Date.parse(text);
const end = (quiet: Parameters<typeof quietUntilMs>[0], now: string): string | undefined => {
  const ms = quietUntilMs(quiet, at(now));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe("quiet hours", () => {
  const night = { from: 22 * 60, until: 7 * 60, zone: "Europe/Berlin" };

  it("end in the morning, over midnight, in their own time zone", () => {
    expect(end(night, "2026-11-29T20:59:59Z")).toBeUndefined();
    expect(end(night, "2026-11-29T21:00:00Z")).toBe("2026-11-30T06:00:00.000Z");
    expect(end(night, "2026-11-30T05:59:59Z")).toBe("2026-11-30T06:00:00.000Z");
    expect(end(night, "2026-11-30T06:00:00Z")).toBeUndefined();
  });

  it("may lie within a day", () => {
    const noon = { from: 12 * 60, until: 13 * 60 + 30, zone: "UTC" };

    expect(end(noon, "2026-11-29T11:59:00Z")).toBeUndefined();
    expect(end(noon, "2026-11-29T12:00:30Z")).toBe("2026-11-29T13:30:00.000Z");
  });

  it("of no length are none", () => {
    expect(end({ from: 60, until: 60, zone: "UTC" }, "2026-11-29T01:00:00Z")).toBeUndefined();
  });

  it("end at their time of day also in a night in which the clocks are changed", () => {
    expect(end(night, "2026-03-28T23:00:00Z")).toBe("2026-03-29T05:00:00.000Z");
    expect(end(night, "2026-10-24T22:00:00Z")).toBe("2026-10-25T06:00:00.000Z");
  });

  it("take a time zone that there is", () => {
    expect(v.is(timeZone, "America/New_York")).toBe(true);
    expect(v.is(timeZone, "Mars/Base")).toBe(false);
  });
});
