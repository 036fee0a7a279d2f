/** The signature of a webhook, by the Standard Webhooks specification 1.0.0 (standardwebhooks.com): symmetric, `v1`. */

import { createHmac } from "node:crypto";

export const WEBHOOK_SECRET_BYTES = 24;
const PREFIX = "whsec_";

export function webhookSecret(bytes: Uint8Array): string {
  return PREFIX + Buffer.from(bytes).toString("base64");
}

/** The headers of a message. `seconds`: Unix time of this try. */
export function webhookHeaders(
  secret: string,
  { id, seconds, body }: { readonly id: string; readonly seconds: number; readonly body: string },
): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    "webhook-id": id,
    "webhook-timestamp": `${seconds}`,
    "webhook-signature": `v1,${signature}`,
  };
}
