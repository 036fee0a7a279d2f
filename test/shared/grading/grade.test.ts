import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fromHex } from "../../../shared/bytes.ts";
import { distance, trimmedMean } from "../../../shared/grading/averages.ts";
import { type GradedBlock, gradeBlock } from "../../../shared/grading/grade.ts";
import { payoutAt, poolReward } from "../../../shared/grading/payouts.ts";
import { rulesOf } from "../../../shared/grading/versions.ts";
import { parseOpr } from "../../../shared/opr/parse.ts";
import { floatPrices } from "../../../shared/opr/record.ts";
import { expectGraded, gradedResult } from "../../support/graded-vector.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { casesOf, decimal, float, readCases } from "../../support/vectors.ts";
import { bytes } from "../opr/opr-vectors.ts";

const version = v.picklist([1, 2, 3, 4, 5]);
const cases = readCases("grading.json");

const blocks = casesOf(
  cases,
  "block",
  v.object({
    addedCount: v.number(),
    contents: v.array(bytes),
    custom: v.optional(v.array(gradedResult), []),
    entries: v.array(
      v.object({ accepted: v.boolean(), content: v.number(), extids: v.array(bytes), hash: bytes }),
    ),
    entryCount: v.number(),
    height: v.number(),
    lxrBits: v.literal(10),
    prevWinners: v.array(v.string()),
    result: gradedResult,
    style: v.string(),
    version,
  }),
);
const averages = casesOf(
  cases,
  "averages",
  v.object({
    average: v.array(float),
    contents: v.array(bytes),
    grades: v.array(
      v.object({
        band: v.optional(v.pipe(v.string(), v.transform(Number)), "0"),
        grade: float,
        index: v.number(),
      }),
    ),
    version,
  }),
);
const trimmedMeans = casesOf(
  cases,
  "trimmedMean",
  v.object({
    data: v.array(float),
    note: v.string(),
    p: v.number(),
    panic: v.optional(v.string()),
    result: v.optional(float),
  }),
);
const payouts = casesOf(cases, "payout", v.object({ index: v.number(), payout: decimal, version }));

const hasher = smallHasher(10);

type BlockCase = (typeof blocks)[number];

function grade(item: BlockCase, cutoff?: number): Promise<GradedBlock> {
  const entries = item.entries.map(({ content, extids, hash }) => ({
    entryHash: hash,
    extIds: extids,
    content: item.contents[content] ?? new Uint8Array(0),
  }));
  const { version: blockVersion, height, prevWinners } = item;
  return gradeBlock({ version: blockVersion, height, prevWinners, entries }, hasher, cutoff);
}

function blockOf(wanted: number, entryCount: number): BlockCase {
  for (const item of blocks) {
    if (item.version === wanted && item.entryCount === entryCount) return item;
  }
  throw new Error(`the vectors have a V${wanted} block of ${entryCount} entries`);
}

describe("grading a block", () => {
  it("has every case of the vectors", () => {
    expect([blocks.length, averages.length, trimmedMeans.length, payouts.length]).toEqual([58, 22, 48, 50]);
    expect(blocks.length + averages.length + trimmedMeans.length + payouts.length).toBe(cases.length);
    expect(blocks.flatMap((item) => item.custom).length).toBeGreaterThan(20);
  });

  it.each(blocks)(
    "gives the reference's winners, grades and payouts: V$version $style $entryCount entries",
    async (item) => {
      const graded = await grade(item);

      expect(item.entries.length).toBe(item.entryCount);
      expect(graded.verdicts.map((verdict) => verdict.kind !== "invalid")).toEqual(
        item.entries.map((entry) => entry.accepted),
      );
      expect(graded.validCount).toBe(item.addedCount);
      expectGraded(graded, item.result);
      for (const custom of item.custom) expectGraded(await grade(item, custom.requestedCutoff), custom);
    },
  );

  it("hashes no more than the entries it wants and a few spare ones", async () => {
    const large = blockOf(5, 230);
    const before = hasher.hashed();

    const graded = await grade(large);

    expect(graded.graded.length).toBe(50);
    expect(hasher.hashed() - before).toBeLessThan(100);
    expect(graded.verdicts.filter((verdict) => verdict.kind === "outranked").length).toBeGreaterThan(100);
  });

  it("drops the good copy behind a false claim with the same nonce and content, as the reference does", async () => {
    const item = blockOf(5, 25);
    const [first] = item.entries;
    const [nonce, , versionByte] = first?.extids ?? [];
    if (first === undefined || nonce === undefined || versionByte === undefined) throw new Error("3 ExtIDs");
    const falseClaim = { ...first, extids: [nonce, fromHex("ffffffffffffffff"), versionByte] };

    const graded = await grade({ ...item, entries: [falseClaim, ...item.entries] });

    expect(graded.verdicts[0]).toMatchObject({ kind: "false-claim" });
    expect(graded.verdicts[1]).toEqual({ kind: "duplicate" });
    expect(graded.isGraded).toBe(false);
    expect(graded.winners).toEqual(item.prevWinners);
    expect(graded.graded.every((entry) => entry.payout === 0n && entry.position === 0)).toBe(true);
  });

  it("refuses previous winners that the version does not know", async () => {
    const block = { version: 5, height: 1000, prevWinners: ["abc"], entries: [] } as const;
    await expect(gradeBlock(block, hasher)).rejects.toMatchObject({ code: "previous-winners-invalid" });
  });

  it("pays the pool for its address and not for its name", async () => {
    const item = blockOf(5, 50);
    const graded = await grade(item);
    const winner = graded.graded[0];
    if (winner === undefined) throw new Error("a graded block has a winner");
    const own = graded.graded.filter((entry) => entry.opr.address === winner.opr.address);
    const paid = own.filter((entry) => entry.position < 25).length;

    expect(poolReward(graded, winner.opr.address)).toEqual({
      graded: own.length,
      winning: paid,
      reward: BigInt(paid) * 36_000_000_000n,
    });
    expect(poolReward(graded, winner.opr.id).reward).toBe(0n);
  });
});

describe("averages and distances", () => {
  it.each(averages)("have the reference's bits: V$version", (item) => {
    const rules = rulesOf(item.version);
    const rows = item.contents.map((content) => {
      const parsed = parseOpr(content);
      if (!parsed.ok) throw new Error(parsed.reason);
      return floatPrices(parsed.value, rules.assets);
    });

    const means = rules.means(rows);

    expect([...means]).toEqual(item.average);
    for (const { band, grade: want, index } of item.grades)
      expect(distance(means, rows[index] ?? new Float64Array(0), band)).toBe(want);
    expect(item.grades.length).toBeGreaterThan(0);
  });

  it.each(trimmedMeans)(
    "a trimmed mean has the reference's bits: $note, p = $p",
    ({ data, p, panic, result }) => {
      const given = [...data];
      if (result === undefined) {
        // Differs from prosper-pool: an index out of range there, a clear error here; the grader never averages nothing.
        expect(panic).toContain("index out of range");
        expect(() => trimmedMean(data, p)).toThrow(RangeError);
        return;
      }
      expect(trimmedMean(data, p)).toBe(result);
      expect(data, "the caller's list keeps its order").toEqual(given);
    },
  );
});

describe("payouts", () => {
  it("are the reference's for every place, and 0 outside", () => {
    expect(payouts.length).toBe(50);
    for (const { index, payout, version: of } of payouts)
      expect(payoutAt(of, index), `V${of} ${index}`).toBe(payout);
  });
});
