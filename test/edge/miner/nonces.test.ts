/** No counter is given twice for one job and prefix, and each fits its bytes. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inputPrefix, NonceBook, nonceHex } from "../../../edge/miner/nonces.ts";
import { MiningJob, type Work } from "../../../edge/miner/search-work.ts";
import { toHex } from "../../../shared/bytes.ts";

const jobA = new MiningJob(1, "aa".repeat(32));
const target = 0xff00_0000_0000_0000n;
const works: Work[] = [
  { job: jobA, prefix: 1, target },
  { job: jobA, prefix: 2, target },
  { job: new MiningJob(2, "bb".repeat(32)), prefix: 1, target },
];

describe("NonceBook", () => {
  it("never gives a nonce twice, in whatever order jobs and prefixes come and go", () => {
    const requests = fc.array(
      fc.record({ work: fc.nat({ max: 2 }), count: fc.integer({ min: 1, max: 2 ** 31 }) }),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(requests, (list) => {
        const book = new NonceBook();
        const given = new Map<string, { from: number; to: number }[]>();
        for (const { work: index, count } of list) {
          const work = works[index];
          if (work === undefined) throw new Error("no such work");
          const range = book.take(work, count);

          expect(range.count).toBe(count);
          expect(range.start + count - 1).toBeLessThan(2 ** (8 * range.suffixBytes));
          const key = `${work.job.oprHash} ${work.prefix} ${range.suffixBytes}`;
          const before = given.get(key) ?? [];
          for (const { from, to } of before)
            expect(range.start >= to || range.start + count <= from).toBe(true);
          given.set(key, [...before, { from: range.start, to: range.start + count }]);
        }
      }),
    );
  });

  it("goes on where it was when a prefix or job comes back", () => {
    const book = new NonceBook();
    const [first, second] = works;
    if (first === undefined || second === undefined) throw new Error("two works are needed");
    book.take(first, 1_000);
    book.take(second, 500);

    expect(book.take(first, 1)).toEqual({ start: 1_000, count: 1, suffixBytes: 4 });
    const again = { ...first, job: new MiningJob(1, "aa".repeat(32)), target: target + 1n };
    expect(book.take(again, 1)).toEqual({ start: 1_001, count: 1, suffixBytes: 4 });
  });

  it("writes the prefix and the counter big endian", () => {
    const work = { job: new MiningJob(1, "ab".repeat(32)), prefix: 0x0102_0304, target };

    expect(toHex(inputPrefix(work))).toBe(`${"ab".repeat(32)}01020304`);
    expect(nonceHex(work, 0x0506, 4)).toBe("0102030400000506");
    expect(nonceHex(work, 2 ** 32, 5)).toBe("010203040100000000");
  });
});
