/** The shapes of what lets a user in: sessions, and tokens of its scripts. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { faField, instant, seconds } from "./fields.ts";

export const apiTokensView = v.strictObject({
  tokens: about(
    v.array(
      v.strictObject({
        id: about(seconds, "to revoke it by", 1),
        name: about(v.string(), "what you called it", "my dashboard"),
        made: instant,
        used: about(v.nullable(instant), "to the minute; null: never"),
      }),
    ),
    "the newest first; the tokens themselves are told when they are made, and never again",
  ),
});
export const apiTokenView = v.strictObject({
  token: about(
    v.string(),
    "for the header Authorization: Bearer; shown this once",
    "prosper_BZb1Vx0Wg7yYkq3m5c9dQ2hTt4uR8sE6pLfJnAaXzKo",
  ),
});
export const sessionsView = v.strictObject({
  sessions: about(
    v.array(
      v.strictObject({
        id: about(v.string(), "to end it by", "9f86d081884c7d65"),
        began: instant,
        ends: instant,
        own: about(v.boolean(), "the one that asks"),
      }),
    ),
    "the newest first, at most 100",
  ),
});
export const addressView = v.strictObject({
  address: about(v.nullable(faField), "where payouts go; null: nothing can be paid out"),
  former: about(
    v.nullable(faField),
    "it can be taken back; null: the address was not changed within the last day",
  ),
  heldUntil: about(v.nullable(instant), "until then nothing is paid to the address"),
});

export type AddressView = v.InferOutput<typeof addressView>;
export type ApiTokensView = v.InferOutput<typeof apiTokensView>;
export type ApiTokenView = v.InferOutput<typeof apiTokenView>;
export type SessionsView = v.InferOutput<typeof sessionsView>;
