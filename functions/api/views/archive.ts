/** The shape of the list of archived deltas. */

import * as v from "valibot";
import { about, count, height, seconds } from "./fields.ts";

export const archiveListView = v.strictObject({
  files: v.array(
    v.strictObject({
      no: about(seconds, "from 1 on, in the order of writing"),
      height,
      part: about(seconds, "of the block, from 0 on"),
      deltas: about(seconds, "how many messages of edges it holds"),
      bytes: about(count, "before it is compressed"),
      root: about(v.string(), "of the block"),
      keysSha256: about(v.string(), "of the lines `job/slot/epoch/seq sha256` of its deltas"),
      sha256: about(v.string(), "of its lines"),
      chain: about(v.string(), "of the chain of the file before, a line feed, and all of this but `bytes`"),
    }),
  ),
  next: about(v.nullable(seconds), "what to give as `after`"),
});
export type ArchiveListView = v.InferOutput<typeof archiveListView>;
