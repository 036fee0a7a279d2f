/** The shapes of what the API answers of a user's workers. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { workerState } from "../../../shared/db/worker-states.ts";
import { REFUSAL_CODES } from "../../../shared/messages/refusals.ts";
import { count, hashes, hashrate, height, instant, point, seconds, workerField } from "./fields.ts";

export const workerView = v.strictObject({
  name: workerField,
  kind: about(
    v.picklist(["own", "new", "rest"]),
    "own: confirmed by you or by a login with your password; new: let in without; rest: all that have no row of their own",
  ),
  hidden: about(v.boolean(), "you do not want to see it until it works again"),
  state: about(
    workerState,
    "by its own usual week, 90 s behind at most: low, clearly under its usual hash rate; offline, silent for longer than chance explains; recovered, either within the last hour",
  ),
  stateSince: about(instant, "offline: its last share"),
  online: about(v.boolean(), "not offline"),
  upSince: about(v.nullable(instant), "when it came back from offline, or its first share; null: offline"),
  usualRate: about(
    v.nullable(v.number()),
    "hashes per second of its usual hour of the last seven days; null: not learned yet",
  ),
  hashesPerShare: about(v.nullable(v.number()), "of its shares in the long window, on average"),
  best: about(
    v.nullable(
      v.strictObject({ hashes: about(hashes, "that such a share takes on average"), block: height }),
    ),
    "the best share of the last 30 days it was known: as many hashes take on average",
  ),
  hashrateShort: about(hashrate, "of the short window, hashes per second"),
  hashrateLong: about(hashrate, "of the long window, hashes per second"),
  hashrateDay: about(v.number(), "hashes per second of the last 24 hours"),
  shares: about(count, "credited in the long window"),
  rejected: about(count, "refused in the long window"),
  rejectRate: about(v.nullable(v.number()), "refused of all in the long window, 0 to 1; null: none came"),
  lastShare: about(instant, "to some seconds"),
  lastBlock: height,
  minutes: about(
    v.array(v.number()),
    "hashes per second for each minute of the long window, oldest first",
    [41_250.5],
  ),
});

export const myWorkersView = v.strictObject({
  workers: about(v.array(workerView), "your own first, those that work before others, by name"),
  total: about(seconds, "that were asked for, on all pages"),
  from: about(seconds, "place of the first one, from 0"),
});

const part = about(v.number(), "0 to 1", 0.998);
export const workerDetailView = v.strictObject({
  worker: about(workerView, "as in the list"),
  knownSince: about(instant, "its first share; UTC, ISO 8601"),
  uptime: about(
    v.strictObject({ day: part, week: part, month: part }),
    "not offline, of the last 1, 7 and 30 days that it was known",
  ),
  changes: about(
    v.array(
      v.strictObject({
        at: about(instant, "when it was seen; UTC, ISO 8601"),
        state: about(workerState, "its new state"),
        since: about(instant, "when it began; UTC, ISO 8601"),
      }),
    ),
    "of its state, newest first",
  ),
});
export const workerHistoryView = v.strictObject({
  stepSeconds: about(v.number(), "between two points", 600),
  points: about(v.array(point), "oldest first: time, hashes per second; null before its first share"),
});

export const refusedView = v.strictObject({
  hours: about(seconds, "that these were refused in, to the whole hour", 24),
  reasons: about(
    v.array(
      v.strictObject({
        reason: about(v.picklist(REFUSAL_CODES), "why"),
        shares: about(count, "refused for it"),
      }),
    ),
    "the most frequent first; busy is the pool's doing and in no other count of refused shares",
  ),
});

export type RefusedView = v.InferOutput<typeof refusedView>;
export type WorkerView = v.InferOutput<typeof workerView>;
export type MyWorkersView = v.InferOutput<typeof myWorkersView>;
export type WorkerDetailView = v.InferOutput<typeof workerDetailView>;
export type WorkerHistoryView = v.InferOutput<typeof workerHistoryView>;
