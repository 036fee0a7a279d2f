/** The shape of what a user's work should have earned. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { hashrate, instant, peg, seconds } from "./fields.ts";

const earnings = v.strictObject({
  blocks: about(seconds, "sealed blocks with work of yours"),
  booked: about(peg, "booked for it, 1e-8 PEG"),
  expected: about(peg, "what your work brings on average, less the fee, 1e-8 PEG"),
  low: about(peg, "where the booked amount is on 95 of 100 fair days: from this"),
  high: about(peg, "to this"),
  deviations: about(
    v.nullable(v.number()),
    "by so many standard deviations more was booked than expected; null where nothing could differ",
  ),
});

export const earningsTruthView = v.strictObject({
  period: about(v.picklist(["day", "hour"]), "hours where blocks are shorter than five minutes; UTC"),
  periods: about(
    v.array(
      v.strictObject({
        from: about(instant, "when the period begins; UTC, ISO 8601"),
        ...earnings.entries,
        sum: about(earnings, "since the first of these periods"),
      }),
    ),
    "oldest first, over the newest 4,320 sealed blocks; empty until twelve of them are graded",
  ),
  whole: about(v.nullable(earnings), "all of them together"),
  rate: about(
    v.nullable(
      v.strictObject({
        mine: about(hashrate, "your own, hashes per second"),
        others: about(hashrate, "of everybody else in the network, hashes per second"),
        payouts: about(peg, "what a day's blocks pay, less the fee, 1e-8 PEG"),
      }),
    ),
    "of the newest 144 blocks: R hashes per second bring payouts × R / (R + others) a day",
  ),
  payout: about(
    v.strictObject({
      owed: about(peg, "to you now, 1e-8 PEG"),
      minimum: about(v.nullable(peg), "who is owed less is paid later; null: not known here"),
      hasAddress: about(v.boolean(), "you can be paid"),
      lastAt: about(v.nullable(instant), "when the newest payout was prepared"),
      waitsSince: about(v.nullable(instant), "a prepared payout waits for an administrator"),
      nextAt: about(v.nullable(instant), "the next is prepared; null: an administrator prepares it"),
    }),
    "the next payout",
  ),
});

export type EarningsTruthView = v.InferOutput<typeof earningsTruthView>;
