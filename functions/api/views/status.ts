/** The shape of what the API answers of the pool's status. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { PROBE_STEPS } from "../../../shared/db/canary.ts";
import { height, instant, notice, seconds } from "./fields.ts";

const took = about(v.nullable(v.number()), "milliseconds; null where it was not measured");
const times = { connect: took, login: took, job: took, answer: took, row: took };
const blockMark = v.nullable(v.strictObject({ height, at: instant }));
const uptime = about(
  v.nullable(
    v.strictObject({
      part: about(
        v.number(),
        "of the time in which the canary got through, 0 to 1; without a look it did not",
      ),
      since: about(instant, "the first look in it"),
      looks: about(seconds, "of the canary in it"),
    }),
  ),
  "null where nothing was measured",
);

export const statusView = v.strictObject({
  at: instant,
  state: about(
    v.picklist(["ok", "maintenance", "trouble"]),
    "maintenance: the operator has stopped the miners for now; trouble: a check fails, or the canary's last look did",
  ),
  checks: about(v.record(v.string(), v.string()), "as /healthz has them: ok, or what is wrong"),
  notices: about(v.array(notice), "what the operator tells everybody"),
  lastBlock: about(blockMark, "the newest graded block of the chain"),
  lastWon: about(blockMark, "the newest in which this pool won a place"),
  lastRecord: about(blockMark, "the newest for which a record of this pool is on the chain"),
  canary: about(
    v.nullable(
      v.strictObject({
        at: instant,
        failedAt: about(v.nullable(v.picklist(PROBE_STEPS)), "the step; null: it got through"),
        last: about(v.strictObject(times), "of its last look"),
        usual: about(v.strictObject(times), "medians of the last 24 hours"),
      }),
    ),
    "what a miner of the pool's own measures from outside: to connect, log in, get a job; from a share to its answer, and from there to its row in the books",
  ),
  uptime: about(v.strictObject({ day: uptime, week: uptime }), "as far as it was measured"),
});
export type StatusView = v.InferOutput<typeof statusView>;
