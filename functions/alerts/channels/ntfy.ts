/** ntfy: a topic of ntfy.sh or of a server of one's own, published to as JSON (docs.ntfy.sh/publish). */

import type { Channel } from "./channel.ts";
import { outcomeOf, type Post } from "./webhook.ts";

/** Of a message; a longer one would become a file. */
const MOST_BYTES = 4096;

export function ntfyChannel(post: Post): Channel {
  return async ({ target, secret, message }) => {
    const url = new URL(target);
    const body = {
      topic: url.pathname.slice(1),
      title: message.title,
      message: cut(message.lines.join("\n")),
    };
    return outcomeOf(
      await post({
        url: url.origin,
        headers: { "content-type": "application/json" },
        ...(secret === "" ? {} : { secretHeaders: { authorization: `Bearer ${secret}` } }),
        body: JSON.stringify(body),
      }),
    );
  };
}

function cut(text: string): string {
  return Buffer.byteLength(text) <= MOST_BYTES ? text : `${text.slice(0, MOST_BYTES / 4)}…`;
}
