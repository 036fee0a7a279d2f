/** `prosper share`: what became of a share, an entry, a block or a payment, as the page tells it to an administrator (docs/decisions/share-story.md). */

import { storyId, tellStories } from "../../../functions/api/figures/story.ts";
import type { ShareHistory } from "../../../functions/api/share-history.ts";
import { counted } from "../../../shared/counted.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Output } from "../output.ts";

/** An operator has no name of its own here, and no work in a block. */
const OPERATOR = { name: "", isAdmin: true };

/** 1 where nothing is found. Throws CodedError `bad-id`. */
export async function shareCommand(
  text: string,
  { db, shares, print, warn }: Output & { readonly db: Db; readonly shares: ShareHistory | undefined },
): Promise<0 | 1> {
  const id = storyId(text);
  if (id === undefined)
    throw new CodedError(
      "bad-id",
      `${JSON.stringify(text)}: expected a block height, an entry hash of 64 hex digits, or a share's nonce of 10 to 64`,
    );
  const { stories, keptSeconds } = await tellStories(id, OPERATOR, { db, ...(shares && { shares }) });
  for (const { kind, of, height, steps, id: told } of stories) {
    const whose = of === null ? "" : ` of ${of.user}${of.worker === "" ? "" : `, worker ${of.worker}`}`;
    print(`${kind} ${told}${whose}${height === null || kind === "block" ? "" : `, block ${height}`}`, {
      event: "story",
      ...{ kind, id: told, of, height },
    });
    for (const { step, state, at, words, hash } of steps)
      print(
        `  ${step.padEnd(10)} ${state.padEnd(8)} ${(at ?? "").padEnd(25)} ${words}${hash === null ? "" : `: ${hash}`}`,
        {
          event: "step",
          ...{ step, state, at, words, hash },
        },
      );
  }
  if (stories.length > 0) return 0;
  warn(
    `nothing is known of ${text}: ${keptSeconds === null ? "this pool keeps no single shares" : `shares are kept for ${counted(Math.round(keptSeconds / 3600), "hour")}`}, entries, blocks and payments for ever; what was refused the page knows`,
  );
  return 1;
}
