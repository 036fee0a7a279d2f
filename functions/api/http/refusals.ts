/** What a request can be refused for: each code with its meaning, for programs that switch on it and for the OpenAPI document. */

export const MEANINGS = {
  "bad-input": "a parameter or field is missing, unknown or of another form; the message names it",
  "bad-json": "the body is not JSON",
  "not-json": "the body needs content-type: application/json",
  "too-large": "the body has more than 64 KB",
  "cross-origin": "the request came from another site's page",
  "not-logged-in": "the session or token is missing, over or revoked",
  "not-admin": "only an administrator may do this",
  "wrong-address": "the request went around the pool's public address",
  failed: "a fault of the pool's, which its log explains",
  "db-away": "the database cannot be reached: try again",
  "db-waking": "the database was asleep and wakes up: try again in some 15 seconds",
  "auth-away": "logins cannot be judged: try again",
  "origin-unknown": "the pool cannot check where the request comes from: try again",

  refused: "the pool says no; the message says why",
  throttled: "too many failures before: Retry-After says how long to wait",
  "code-needed": "the password is right, and the second factor's code is missing or wrong",
  "too-many": "there are as many as there may be, or too many were asked for lately",
  busy: "something of the kind is under way: wait for it",
  full: "as many stand as may: end one first",
  gone: "it no longer waits: it was done or withdrawn",

  "no-job": "the pool had no job of that height, or has none yet",
  "no-block": "no graded block has that height",
  "no-worker": "you have no worker of that name that had a share in the last 30 days",
  "not-sealed": "no sealed block has that height",
  "no-work": "you have no work in that block under that name",
  "bad-code": "this is no connect code",
  "no-destination": "you have no such destination of alerts",
  "no-channel": "the operator has not set up messages of that kind",
  "bad-target": "no message can be sent to that address, or by that token",
  "bad-zone": "there is no time zone of that name",
  "no-mail": "the pool sends no e-mail",
  "not-held": "the payout address was not changed within the last day",
  "wrong-code": "this is not the code that was sent, or it is too old",

  "no-user": "there is no such user",
  "bad-amount": "the amount is out of range",
  "bad-reason": "the reason is empty, too long or has characters that are not shown",
  "bad-note": "the note is too long or has characters that are not shown",
  "bad-words": "the words are empty, too long or have characters that are not shown",
  "bad-address": "this is neither an address nor a CIDR range that can be barred",
  "no-invite": "no such code can be claimed any more",
  "no-bar": "no such bar stands",
  administrator: "an administrator cannot be barred",
  "no-notice": "no such notice stands",
  conflict: "this request id stands for another adjustment",
  own: "who asked for it cannot confirm it",
  left: "who asked for it is no administrator any more",
  "not-prepared": "no payout is prepared",
  "no-key": "the pool's receipt key is not in this process",
  "too-old": "the list is too old to be signed: prepare it again",
  "not-here": "the pool does not run in this process",
  again: "you have agreed to it before",
} as const;

export type ErrorCode = keyof typeof MEANINGS;

/** A status of HTTP and a code: `404 no-job`. */
export type Refusal = `${number} ${ErrorCode}`;

export function partsOf(refusal: Refusal): { readonly status: number; readonly code: ErrorCode } {
  const [status = "", code = ""] = refusal.split(" ");
  return { status: Number(status), code: code as ErrorCode };
}

export interface Quota {
  readonly name: string;
  /** So many in so many seconds. */
  readonly most: number;
  readonly seconds: number;
}

/** Headers for who must wait: Retry-After, and those of the IETF's draft (httpapi-ratelimit-headers): the quota, and that nothing is left of it for so long. */
export function waiting({ name, most, seconds }: Quota, waitMs: number): Readonly<Record<string, string>> {
  const wait = Math.max(1, Math.ceil(waitMs / 1000));
  return {
    "retry-after": `${wait}`,
    ratelimit: `"${name}";r=0;t=${wait}`,
    "ratelimit-policy": `"${name}";q=${most};w=${seconds}`,
  };
}
