/** The shapes of what the API answers of alerts. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { alertEvent, channelKind } from "../../../shared/alerts/kinds.ts";
import { instant, rowId, seconds } from "./fields.ts";

const timeOfDay = about(
  v.pipe(v.string(), v.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a time such as 22:30")),
  "a time of the day, 24 hours",
  "22:30",
);
export const quietHours = v.strictObject({
  from: about(timeOfDay, "when they begin"),
  until: about(timeOfDay, "when they end"),
  zone: about(v.string(), "IANA's name of the time zone", "Europe/Berlin"),
});

export const alertsView = v.strictObject({
  destinations: about(
    v.array(
      v.strictObject({
        id: rowId,
        kind: about(channelKind, "how it is told"),
        target: about(v.string(), "where; what is secret in it is not shown", "ann@example.org"),
        events: about(v.array(alertEvent), "what it is told of"),
        everyMinutes: about(seconds, "at most one message of a kind about one rig in so many minutes"),
        quiet: about(v.nullable(quietHours), "what can wait is told when they end"),
        quietUrgent: about(v.boolean(), "of an administrator: they hold the pool's urgent checks too"),
        state: about(
          v.picklist(["on", "unconfirmed", "paused"]),
          "unconfirmed: its code is waited for; paused: it failed for three days, and a test that arrives turns it on again",
        ),
        triedAt: about(v.nullable(instant), "the last message"),
        result: about(v.string(), "why it did not arrive; empty: it did", "the server answered 503"),
        failures: about(seconds, "in a row"),
        nextTryAt: about(v.nullable(instant), "where the last one did not arrive"),
        due: about(seconds, "rigs and other things that are to be told"),
      }),
    ),
    "in the order they were added",
  ),
  most: about(seconds, "destinations"),
  offered: about(v.array(alertEvent), "what you can choose; the pool's own checks are for administrators"),
  channels: about(v.array(channelKind), "that this pool has"),
});
export const alertAddedView = v.strictObject({
  id: rowId,
  secret: about(
    v.string(),
    "of a webhook, shown this once; empty for others",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  ),
});
export type AlertsView = v.InferOutput<typeof alertsView>;
export type AlertAddedView = v.InferOutput<typeof alertAddedView>;
