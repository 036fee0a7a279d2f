import { describe, expect, it } from "vitest";
import { REGIONS } from "../../../shared/hash/kernel/layout.ts";
import { allocateTable, claimRegion, releaseRegion } from "../../../shared/hash/shared-table.ts";

describe("the shared table", () => {
  it("gives each region of scratch to one holder, refuses when none is left, and gives a released one again", () => {
    const table = allocateTable(8);

    const regions = Array.from({ length: REGIONS - 1 }, () => claimRegion(table));

    expect(new Set(regions).size).toBe(63);
    expect(regions).not.toContain(0);
    expect(() => claimRegion(table)).toThrow(expect.objectContaining({ code: "lxr-no-region" }));
    releaseRegion(table, 17);
    expect(claimRegion(table)).toBe(17);
  });

  it.each([7, 31, 10.5, Number.NaN])("has no size of %d bits", (bits) => {
    expect(() => allocateTable(bits)).toThrow(/from 8 to 30/);
  });
});
