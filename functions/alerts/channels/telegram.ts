/** Telegram: a message of the user's own bot to a chat (core.telegram.org/bots/api#sendmessage). */

import * as v from "valibot";
import type { Channel } from "./channel.ts";
import { outcomeOf, type Post } from "./webhook.ts";

/** Telegram's bound of a message. */
const MOST_CHARACTERS = 4096;

const refusal = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ parameters: v.optional(v.object({ retry_after: v.optional(v.number()) })) }),
);

/** `server`: https://api.telegram.org, or a Bot API server of one's own. */
export function telegramChannel(post: Post, server: string): Channel {
  return async ({ target, secret, message }) => {
    const text = [message.title, ...message.lines].join("\n").slice(0, MOST_CHARACTERS);
    const body = { chat_id: target, text, link_preview_options: { is_disabled: true } };
    const answer = await post({
      url: `${server}/bot${secret}/sendMessage`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const outcome = outcomeOf(answer);
    if (outcome.kind === "delivered" || answer.kind === "failed") return outcome;
    const said = v.safeParse(refusal, answer.body);
    const seconds = said.success ? said.output.parameters?.retry_after : undefined;
    return seconds === undefined ? outcome : { ...outcome, afterMs: seconds * 1000 };
  };
}
