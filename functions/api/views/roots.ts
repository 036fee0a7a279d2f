/** The shape of where the pool's roots on the chain stand. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { entryField, height, seconds } from "./fields.ts";

const hash = about(
  v.string(),
  "64 hex digits",
  "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
);

export const receiptKeyFields = {
  receiptKey: about(
    v.nullable(hash),
    "public key of the pool's receipts, 64 hex digits; null: it signs none",
  ),
  formerReceiptKeys: about(v.array(v.string()), "public keys of older receipts, which stay valid", []),
};

/** Of one block. */
export const saidRootsView = about(
  v.array(
    v.strictObject({
      entryHash: entryField,
      directoryBlock: about(height, "that has the entry"),
      root: about(hash, "that it says, 64 hex digits"),
      isSame: about(v.boolean(), "as the sealed block"),
      isRepeated: about(v.boolean(), "as the first one, which counts; otherwise a contradiction"),
    }),
  ),
  "what the pool's Factom chain was read to say of the block's root and books, in its order; empty: nothing yet",
);

export const rootsView = v.strictObject({
  chainId: about(v.nullable(hash), "of the Factom chain; null: roots are not written to one"),
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
