/**
 * A job that an earlier run of this edge had open, as it continues after a restart: its nonces stay spent, and its late times end when they would
 * have ended.
 */

import { fromHex } from "../../shared/bytes.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { JobRecord } from "../journal/records.ts";
import { type OpenJob, type Run, runFrom } from "./open-jobs.ts";
import type { RecoveredJob } from "./recover.ts";
import { SeenNonces } from "./seen.ts";

export interface OpenedModules {
  readonly clock: Clock;
  readonly random: Random;
}

/** A job to take shares of; `recovered`: what an earlier run left of it. */
export function openedJob(
  job: JobRecord,
  recovered: RecoveredJob | undefined,
  lateMs: number,
  { clock, random }: OpenedModules,
): OpenJob {
  return {
    ...job,
    oprHashBytes: fromHex(job.oprHash, "oprHash"),
    seen: recovered?.seen ?? new SeenNonces(random(16)),
    runs: recovered === undefined ? [runFrom(0)] : runsOf(recovered, lateMs, clock),
    inFlight: 0,
  };
}

/** Computed with wall time, the only one that both runs of the edge know. If it went back meanwhile, the late time counts as over. */
function runsOf({ runs }: RecoveredJob, lateMs: number, clock: Clock): Run[] {
  return runs.map(({ from, to, stoppedAtMs }) => {
    if (stoppedAtMs === undefined) return { from, to, lateUntilMs: Number.POSITIVE_INFINITY };
    const agoMs = clock.wallMs() - stoppedAtMs;
    const isLate = agoMs >= 0 && agoMs < lateMs;
    return {
      from,
      to,
      lateUntilMs: isLate ? clock.monotonicMs() + lateMs - agoMs : Number.NEGATIVE_INFINITY,
    };
  });
}
