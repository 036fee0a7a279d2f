/** Discord: the webhook of a channel (discord.com/developers/docs/resources/webhook, "Execute Webhook"). */

import type { Channel } from "./channel.ts";
import { outcomeOf, type Post } from "./webhook.ts";

/** Discord's bound of a message. */
const MOST_CHARACTERS = 2000;
/** SUPPRESS_EMBEDS: what a miner called its rig is not made into a picture of a page. */
const FLAGS = 4;

export function discordChannel(post: Post): Channel {
  return async ({ target, message }) => {
    const content = [message.title, ...message.lines].map(literal).join("\n").slice(0, MOST_CHARACTERS);
    const body = JSON.stringify({ content, flags: FLAGS, allowed_mentions: { parse: [] } });
    const answer = await post({ url: target, headers: { "content-type": "application/json" }, body });
    const outcome = outcomeOf(answer);
    // Its owner removed the webhook.
    const isGone = answer.kind === "answered" && answer.status === 404;
    return outcome.kind === "failed" && isGone ? { ...outcome, forGood: true } : outcome;
  };
}

/** Without what Discord takes for markup. */
function literal(text: string): string {
  return text.replace(/[\\*_~`|>[\]()#<]/g, "\\$&");
}
