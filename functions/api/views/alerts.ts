/** The shapes of what the API answers of alerts. */

import * as v from "valibot";
import { alertEvent, channelKind } from "../../../shared/alerts/kinds.ts";
import { about, instant, seconds } from "./fields.ts";

const timeOfDay = about(
  v.pipe(v.string(), v.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a time such as 22:30")),
  "22:30",
);
export const quietHours = v.strictObject({
  from: timeOfDay,
  until: timeOfDay,
  zone: about(v.string(), "IANA's name of the time zone: Europe/Berlin"),
});

export const alertsView = v.strictObject({
  destinations: v.array(
    v.strictObject({
      id: v.string(),
      kind: channelKind,
      target: about(v.string(), "what is secret in it is not shown"),
      events: v.array(alertEvent),
      everyMinutes: about(seconds, "at most one message of a kind about one rig in so many minutes"),
      quiet: about(v.nullable(quietHours), "what can wait is told when they end"),
      state: about(
        v.picklist(["on", "unconfirmed", "paused"]),
        "unconfirmed: its code is waited for; paused: it failed for three days, and a test that arrives turns it on again",
      ),
      triedAt: about(v.nullable(instant), "the last message"),
      result: about(v.string(), "why it did not arrive; empty: it did"),
      failures: about(seconds, "in a row"),
      nextTryAt: about(v.nullable(instant), "where the last one did not arrive"),
      due: about(seconds, "rigs and other things that are to be told"),
    }),
  ),
  most: about(seconds, "destinations"),
  channels: about(v.array(channelKind), "that this pool has"),
});
export const alertAddedView = v.strictObject({
  id: v.string(),
  secret: about(v.string(), "of a webhook, shown this once; empty for others"),
});
export type AlertsView = v.InferOutput<typeof alertsView>;
export type AlertAddedView = v.InferOutput<typeof alertAddedView>;
