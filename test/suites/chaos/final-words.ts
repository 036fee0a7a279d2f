/** What the miners say when they are over: what they were told is counted, by worker and job. */

import * as v from "valibot";

const minerSum = v.object({
  ...{ user: v.string(), worker: v.string() },
  ...{ job: v.number(), sure: v.number(), unsure: v.number(), sureWork: v.number(), unsureWork: v.number() },
});

export const finalWords = v.object({
  totals: v.record(v.string(), v.number()),
  refusals: v.record(v.string(), v.number()),
  problems: v.array(v.string()),
  acknowledged: v.object({ p50: v.number(), p99: v.number(), max: v.number() }),
  sums: v.array(minerSum),
  /** Hashes that cheating miners made while they were told to. */
  cheats: v.array(v.object({ user: v.string(), worker: v.string(), made: v.number() })),
});

export type FinalWords = v.InferOutput<typeof finalWords>;
