/** All channels of a pool. */

import type { ChannelKind } from "../../../shared/alerts/kinds.ts";
import { guardedRequest, type Resolve, resolveAll } from "../guarded-request.ts";
import type { Channel } from "./channel.ts";
import { discordChannel } from "./discord.ts";
import { emailChannel } from "./email.ts";
import { ntfyChannel } from "./ntfy.ts";
import { telegramChannel } from "./telegram.ts";
import { webhookChannel } from "./webhook.ts";

export interface ChannelOptions {
  /** smtp://user:password@host:587 or smtps://…:465; empty: no e-mail. */
  readonly smtp: string;
  readonly from: string;
  /** Its Bot API. */
  readonly telegram: string;
  /** See RequestOptions. */
  readonly allowPrivate: boolean;
  /** Of one message. */
  readonly timeoutMs: number;
}

export function createChannels(
  { smtp, from, telegram, allowPrivate, timeoutMs }: ChannelOptions,
  resolve: Resolve = resolveAll,
): Readonly<Record<ChannelKind, Channel>> {
  const post: Parameters<typeof webhookChannel>[0] = (request) =>
    guardedRequest(request, { allowPrivate, timeoutMs }, resolve);
  return {
    email: emailChannel(smtp === "" ? undefined : { url: smtp, from, timeoutMs }),
    webhook: webhookChannel(post),
    ntfy: ntfyChannel(post),
    discord: discordChannel(post),
    telegram: telegramChannel(post, telegram),
  };
}
