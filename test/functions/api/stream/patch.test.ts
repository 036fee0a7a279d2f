import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyPatch, patchBetween } from "../../../../functions/api/stream/patch.ts";

const LISTS = { rows: ["kind", "name"] };
const row = fc.record({
  kind: fc.constantFrom("own", "new"),
  name: fc.constantFrom("a", "b", "c"),
  n: fc.nat(3),
});
const view = fc.record({
  at: fc.nat(5),
  maybe: fc.option(fc.nat(3)),
  deep: fc.record({ list: fc.array(fc.nat(3), { maxLength: 3 }) }),
  rows: fc.uniqueArray(row, { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 6 }),
});

describe("a patch between two versions of a view", () => {
  it("makes the later one of the earlier one, whatever they are", () => {
    fc.assert(
      fc.property(view, view, (before, after) => {
        const patch = patchBetween(before, after, LISTS);
        const wire = patch === undefined ? undefined : JSON.parse(JSON.stringify(patch));
        expect(wire === undefined ? before : applyPatch(before, wire, LISTS)).toEqual(after);
      }),
    );
  });

  it("names only the rows that changed, and leaves the others the very objects that they were", () => {
    const before = { fee: "0.05", rows: ["a", "b", "c"].map((name) => ({ kind: "own", name, n: 1 })) };
    const after = { ...before, rows: before.rows.map((one) => (one.name === "b" ? { ...one, n: 2 } : one)) };
    const patch = patchBetween(before, after, LISTS);

    expect(patch).toEqual({ set: {}, rows: { rows: { put: [{ kind: "own", name: "b", n: 2 }] } } });
    const shown = patch === undefined ? before : applyPatch(before, patch, LISTS);
    expect(shown.rows[0]).toBe(before.rows[0]);
    expect(shown.rows[1]).toEqual({ kind: "own", name: "b", n: 2 });
  });

  it("is none where nothing has changed", () => {
    const before = { a: 1, rows: [{ kind: "own", name: "a", n: 1 }] };
    expect(patchBetween(before, structuredClone(before), LISTS)).toBeUndefined();
  });
});
