/** A signed webhook (docs/alerts.md): JSON, with the headers of the Standard Webhooks specification. */

import { webhookHeaders } from "../../../shared/alerts/webhook-signature.ts";
import { json } from "../../../shared/db/port.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import type { GuardedRequest, RequestOutcome } from "../guarded-request.ts";
import type { Channel, Delivery, DeliveryOutcome } from "./channel.ts";

export type Post = (request: GuardedRequest) => Promise<RequestOutcome>;

export function webhookChannel(post: Post): Channel {
  return async (delivery) => {
    const body = webhookBody(delivery);
    const seconds = Math.floor(delivery.nowMs / 1000);
    const headers = webhookHeaders(delivery.secret, { id: webhookId(delivery), seconds, body });
    return outcomeOf(
      await post({ url: delivery.target, headers: { "content-type": "application/json", ...headers }, body }),
    );
  };
}

/** What an answer by HTTP means for every channel that posts. */
export function outcomeOf(answer: RequestOutcome): DeliveryOutcome {
  if (answer.kind === "failed") return answer;
  const { status, retryAfterSeconds } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered" };
  return {
    ...{ kind: "failed", words: `it answered with HTTP ${status}` },
    ...(retryAfterSeconds === undefined ? {} : { afterMs: retryAfterSeconds * 1000 }),
    ...(status === 410 ? { forGood: true } : {}),
  };
}

function webhookBody({ user, message, due, nowMs }: Delivery): string {
  return json({
    type: "alerts",
    timestamp: new Date(nowMs).toISOString(),
    data: {
      user,
      title: message.title,
      text: message.lines.join("\n"),
      alerts: due.map(({ kind, count, firstMs, first }) => ({
        ...{ kind, count, since: new Date(firstMs).toISOString() },
        first: first.map((one) => ({
          worker: one.subject,
          at: new Date(one.atMs).toISOString(),
          since: one.sinceMs === null ? null : new Date(one.sinceMs).toISOString(),
          details: one.details,
          events: one.events,
          amount: one.amount,
        })),
      })),
    },
  });
}

/** The same for the same alerts sent again: by it a receiver drops what it has. */
function webhookId({ destination, due }: Delivery): string {
  const what = due.map(({ kind, count, first }) => [
    kind,
    count,
    first.map(({ subject, version, atMs }) => [subject, version, atMs]),
  ]);
  return `msg_${sha256Hex(json([destination, what])).slice(0, 32)}`;
}
