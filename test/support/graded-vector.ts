/** A graded block as the vectors write it, and the comparison with ours. */

import * as v from "valibot";
import { expect } from "vitest";
import { toHex } from "../../shared/bytes.ts";
import type { GradedBlock } from "../../shared/grading/grade.ts";
import { rulesOf } from "../../shared/grading/versions.ts";
import { decimal, float } from "./vectors.ts";

export const gradedResult = v.object({
  count: v.number(),
  cutoff: v.number(),
  graded: v.array(
    v.object({
      difficulty: decimal,
      entryhash: v.string(),
      grade: float,
      payout: decimal,
      position: v.number(),
    }),
  ),
  requestedCutoff: v.optional(v.number()),
  version: v.number(),
  winnerAmount: v.number(),
  winners: v.array(v.string()),
  winnersNil: v.boolean(),
  winnersShortHashes: v.array(v.string()),
});

/** Everything the reference says about a graded block, grades by their bits (toEqual tells −0 from 0 and NaN apart). */
export function expectGraded(graded: GradedBlock, want: v.InferOutput<typeof gradedResult>): void {
  expect(graded.version).toBe(want.version);
  expect(graded.winners).toEqual(want.winnersShortHashes);
  expect(
    graded.graded.map(({ difficulty, entryHash, grade, payout, position }) => ({
      difficulty,
      entryhash: toHex(entryHash),
      grade,
      payout,
      position,
    })),
  ).toEqual(want.graded);
  expect(graded.validCount).toBe(want.count);
  expect(graded.cutoff).toBe(want.cutoff);
  expect(graded.isGraded).toBe(!want.winnersNil);
  expect(rulesOf(graded.version).winners).toBe(want.winnerAmount);
  expect(graded.isGraded ? graded.winners : []).toEqual(want.winners);
}
