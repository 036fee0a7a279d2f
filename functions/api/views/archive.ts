/** The shape of the list of archived deltas. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { count, height, seconds } from "./fields.ts";

export const archiveListView = v.strictObject({
  files: about(
    v.array(
      v.strictObject({
        no: about(seconds, "from 1 on, in the order of writing"),
        height,
        part: about(seconds, "of the block, from 0 on"),
        deltas: about(seconds, "how many messages of edges it holds"),
        bytes: about(count, "before it is compressed"),
        root: about(
          v.string(),
          "of the block's Merkle-sum tree, 64 hex digits",
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        keysSha256: about(
          v.string(),
          "of the lines `job/slot/epoch/seq sha256` of its deltas",
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        sha256: about(
          v.string(),
          "of its lines, 64 hex digits",
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        chain: about(
          v.string(),
          "of the chain of the file before, a line feed, and all of this but `bytes`",
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
      }),
    ),
    "in the order of writing",
  ),
  next: about(v.nullable(seconds), "ask for more with after= this; null: that was all", 50),
});
export type ArchiveListView = v.InferOutput<typeof archiveListView>;
