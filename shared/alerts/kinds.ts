/** What can be told, and by what channel (docs/alerts.md). */

import * as v from "valibot";

/** What a user chooses from. */
export const alertEvent = v.picklist([
  ...(["offline", "low", "recovered", "refused"] as const),
  ...(["block", "payment", "login", "address"] as const),
  "red",
]);
export type AlertEvent = v.InferOutput<typeof alertEvent>;

/** What administrators alone are told: the pool's own checks. */
export const OPERATOR_EVENTS: readonly AlertEvent[] = ["red"];

/** `mended` is told where `red` was. `code`, `test` and `reset` are asked for by a page, and sent whatever was chosen. */
export const alertKind = v.picklist([...alertEvent.options, "mended", "code", "test", "reset"]);
export type AlertKind = v.InferOutput<typeof alertKind>;

/** Told in quiet hours too; of `red`, what is urgent (shared/db/check-alerts.ts). */
export const URGENT: readonly AlertKind[] = ["code", "test", "reset", "login", "address"];

export const channelKind = v.picklist(["email", "webhook", "ntfy", "discord", "telegram"]);
export type ChannelKind = v.InferOutput<typeof channelKind>;

/** What users are offered; `hasMail`: the pool has a mail server. */
export function offeredChannels(hasMail: boolean): ChannelKind[] {
  return channelKind.options.filter((kind) => hasMail || kind !== "email");
}

/** Destinations of one user. */
export const MOST_DESTINATIONS = 8;
