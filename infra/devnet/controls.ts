/** What can be set on a running devnet to see how a pool reacts to it. */

import * as v from "valibot";

/** The longest delay of a call. After this time every client has given up. */
export const DELAY_MS_MAX = 60_000;

/** The body of `POST /control`. It changes only what it names. */
export const CONTROL = v.strictObject({
  /** The node answers, but no block is made and the minute stands still. */
  stall: v.optional(v.boolean()),
  /** The next N blocks get no OPR entry. */
  skip: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Part of the calls to /v2 that fail: by a JSON-RPC error, by HTTP 500, or by no answer. */
  errors: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Each call to /v2 takes N milliseconds longer: half of it on the way there, half on the way back. */
  delayMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(DELAY_MS_MAX))),
  /** The node has lost its last N blocks, and syncs them again, one a minute. */
  goBack: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Ends the current block now. */
  closeBlock: v.optional(v.literal(true)),
});
export type Control = v.InferOutput<typeof CONTROL>;

export interface ControlState {
  readonly stall: boolean;
  readonly skip: number;
  readonly errors: number;
  readonly delayMs: number;
  readonly savedHeight: number;
  readonly tipHeight: number;
  readonly minute: number;
  /** Hashes that the rivals do a block. */
  readonly rivalHashes: number;
}
