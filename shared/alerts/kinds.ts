/** What can be told, and by what channel (docs/alerts.md). */

import * as v from "valibot";

/** What a user chooses from. */
export const alertEvent = v.picklist(["offline", "low", "recovered"]);
export type AlertEvent = v.InferOutput<typeof alertEvent>;

/** `code` and `test` are asked for by the page, and sent whatever was chosen. */
export const alertKind = v.picklist([...alertEvent.options, "code", "test"]);
export type AlertKind = v.InferOutput<typeof alertKind>;

/** Told in quiet hours too. */
export const URGENT: readonly AlertKind[] = ["code", "test"];

export const channelKind = v.picklist(["email", "webhook"]);
export type ChannelKind = v.InferOutput<typeof channelKind>;

/** Destinations of one user. */
export const MOST_DESTINATIONS = 8;
