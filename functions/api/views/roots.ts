/** The shape of where the pool's roots on the chain stand. */

import * as v from "valibot";
import { about, height, seconds } from "./fields.ts";

export const receiptKeyFields = {
  receiptKey: about(v.nullable(v.string()), "public key of the pool's receipts, 64 hex digits"),
  formerReceiptKeys: about(v.array(v.string()), "public keys of older receipts, which stay valid"),
};

/** Of one block. */
export const saidRootsView = about(
  v.array(
    v.strictObject({
      entryHash: v.string(),
      directoryBlock: about(height, "that has the entry"),
      root: v.string(),
      isSame: about(v.boolean(), "as the sealed block"),
      isRepeated: about(v.boolean(), "as the first one, which counts; otherwise a contradiction"),
    }),
  ),
  "what the pool's Factom chain was read to say of the block's root and books, in its order; empty: nothing yet",
);

export const rootsView = v.strictObject({
  chainId: about(v.nullable(v.string()), "of the Factom chain; null: roots are not written to one"),
  readThrough: about(v.nullable(height), "directory block up to which the pool has read it"),
  lastHeight: about(v.nullable(height), "newest block with a root on the chain"),
  waiting: about(seconds, "sealed blocks after it"),
  creditsADay: about(seconds, "entry credits of the last 24 hours' entries"),
  wrong: about(
    v.array(height),
    "the first twenty blocks of which the chain says something else than the pool does now, or two things",
  ),
});
export type RootsView = v.InferOutput<typeof rootsView>;
