/** Requests from the edge to the auth function, and its verdicts. */

import * as v from "valibot";
import { userName } from "./summary.ts";

const secret = v.pipe(v.string(), v.maxLength(1024));

/**
 * Login over stratum. An empty password never gets here: the edge answers it from the user rows.
 * `invite` and `address` are empty but for a registration.
 */
export const loginRequest = v.strictObject({
  v: v.literal(1),
  kind: v.literal("authorize"),
  user: userName,
  password: v.pipe(secret, v.minLength(1)),
  invite: secret,
  address: secret,
  /** The miner's address; "" from an edge that does not tell it. */
  from: v.optional(v.pipe(v.string(), v.maxLength(64)), ""),
  /** Many users share this address: failures there are not counted against it. */
  exempt: v.optional(v.boolean(), false),
});

/**
 * `ok` also when the user was registered by this very request; `otherAddress`: the address that was sent is not the one on record, which
 * stays. A refusal's `reason` may be shown to the miner. `throttled`: there is no verdict, come back later.
 */
export const loginReply = v.variant("kind", [
  v.strictObject({
    kind: v.literal("ok"),
    registered: v.boolean(),
    otherAddress: v.optional(v.boolean()),
  }),
  v.strictObject({ kind: v.literal("refused"), reason: v.string() }),
  v.strictObject({ kind: v.literal("throttled") }),
]);

export type LoginRequest = v.InferInput<typeof loginRequest>;
export type LoginReply = v.InferInput<typeof loginReply>;

/** The auth function as the edge calls it: in process, or a Lambda invoke. Rejects with CodedError `auth-away`. */
export interface Auth {
  authorize(request: LoginRequest): Promise<LoginReply>;
}
