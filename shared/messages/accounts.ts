/** Requests from the edge to the auth function, and its verdicts. */

import * as v from "valibot";
import { userName } from "./summary.ts";

const secret = v.pipe(v.string(), v.maxLength(1024));

/**
 * Login over stratum. An empty password never gets here: the edge answers it from the user rows.
 * `invite` and `address` are empty but for a registration.
 */
export const authorizeRequest = v.strictObject({
  v: v.literal(1),
  kind: v.literal("authorize"),
  user: userName,
  password: v.pipe(secret, v.minLength(1)),
  invite: secret,
  address: secret,
});

/** `ok` also when the user was registered by this very request. A refusal's `reason` may be shown to the miner. */
export const authorizeVerdict = v.variant("kind", [
  v.strictObject({ kind: v.literal("ok"), registered: v.boolean() }),
  v.strictObject({ kind: v.literal("refused"), reason: v.string() }),
]);

export type AuthorizeRequest = v.InferOutput<typeof authorizeRequest>;
export type AuthorizeVerdict = v.InferOutput<typeof authorizeVerdict>;

/** The auth function as the edge calls it: in process, or a Lambda invoke. Rejects with CodedError `auth-away`. */
export interface Auth {
  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict>;
}
