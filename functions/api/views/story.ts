/** The shape of the story of a share, an entry, a block or a payment. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { entryField, instant, userField, workerField } from "./fields.ts";

const step = v.picklist([
  ...(["received", "judged", "journaled", "credited", "sealed", "submitted", "placed", "paid"] as const),
]);

export const storyView = v.strictObject({
  id: about(v.string(), "as it was asked for", "0000100100aa"),
  kind: about(v.picklist(["share", "refused", "entry", "payment", "block"]), "what it is"),
  of: about(v.nullable(v.strictObject({ user: userField, worker: workerField })), "whose share it is"),
  height: about(v.nullable(v.number()), "of its block", 210_330),
  steps: about(
    v.array(
      v.strictObject({
        step: about(step, "of its way"),
        state: about(
          v.picklist(["done", "waits", "not", "unknown"]),
          "not: it does not come to that, and `words` say why; unknown: it is not on record any more",
        ),
        at: about(v.nullable(instant), "when; null: not on record"),
        words: about(v.string(), "what happened, and why", "delta 12 of slot 0, epoch 3"),
        hash: about(v.nullable(entryField), "entry hash, root or sha256, 64 hex digits"),
        link: about(v.nullable(v.string()), "a page or file of this pool with more", "/pool/blocks/210330"),
      }),
    ),
    "in their order",
  ),
});

export const storiesView = v.strictObject({
  stories: about(v.array(storyView), "more than one where a nonce was sent for several blocks"),
  keptSeconds: about(
    v.nullable(v.number()),
    "how long shares can be looked up by their nonce; null: not at this pool",
    86_400,
  ),
  refusedKnown: about(v.boolean(), "refused shares of the last minutes can be looked up too"),
});

export type StoriesView = v.InferOutput<typeof storiesView>;
export type StoryView = v.InferOutput<typeof storyView>;
export type StoryStep = StoryView["steps"][number];
