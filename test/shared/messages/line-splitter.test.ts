/** However the network cuts the bytes, the lines are the same, and nothing beyond the bound is kept. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineSplitter } from "../../../shared/messages/line-splitter.ts";

const MAX = 64;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "utf8"));

/** The bytes in pieces, cut at the given places. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((end, i) => whole.subarray(at[i], end));
}

/** The lines that a chunk completes. */
function lines(splitter: LineSplitter, chunk: Uint8Array): string[] {
  splitter.push(chunk);
  const found: string[] = [];
  for (let line = splitter.next(); line !== undefined; line = splitter.next()) found.push(line);
  return found;
}

describe("LineSplitter", () => {
  it("gives the same lines for every way of cutting the bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("a", "ü", "€", "😀", "\r", '"', " "), maxLength: 12 }), {
          maxLength: 8,
        }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.constantFrom("\n", "\r\n"),
        (given, places, newline) => {
          const whole = bytes(given.map((line) => line + newline).join(""));
          const once = lines(new LineSplitter(MAX), whole);
          const splitter = new LineSplitter(MAX);

          const pieces = cut(whole, places).flatMap((piece) => lines(splitter, piece));

          expect(pieces).toEqual(once);
          expect(once).toEqual(newline === "\r\n" ? given : given.map((line) => line.replace(/\r$/, "")));
        },
      ),
    );
  });

  it("takes a line of exactly the bound, newline included, and no byte more", () => {
    const fits = new LineSplitter(MAX);
    expect(lines(fits, bytes(`${"x".repeat(MAX - 1)}\n`))).toHaveLength(1);
    expect(fits.oversized).toBe(false);

    const longer = new LineSplitter(MAX);
    expect(lines(longer, bytes(`${"x".repeat(MAX)}\n`))).toEqual([]);
    expect(longer.oversized).toBe(true);
  });

  it("is oversized as soon as no newline can come in time, keeps nothing, and gives nothing more", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 * MAX }), { maxLength: 10 }), (places) => {
        const splitter = new LineSplitter(MAX);
        const whole = bytes(`ok\n${"x".repeat(2 * MAX)}\nnever\n`);

        const found = cut(whole, places).flatMap((piece) => lines(splitter, piece));

        expect(found).toEqual(["ok"]);
        expect(splitter.oversized).toBe(true);
        expect(splitter.pendingBytes).toBe(0);
      }),
    );
  });

  it("keeps no more of a chunk than the begun line", () => {
    const splitter = new LineSplitter(MAX);
    const chunk = Buffer.from("done\nhalf");
    expect(lines(splitter, chunk)).toEqual(["done"]);
    chunk.fill(0);

    expect(lines(splitter, bytes("!\n"))).toEqual(["half!"]);
  });
});
