/** A share on its way to the process that gave its prefix out, and the verdict on its way back (docs/design.md, "Several processes"). */

import * as v from "valibot";
import type { ShareVerdict, SubmittedShare } from "../../edge/stratum/backend.ts";

const texts = {
  ...{ user: v.string(), worker: v.string(), sessionId: v.string(), remoteAddress: v.string() },
  ...{ jobId: v.string(), nonce: v.string(), oprHash: v.string(), target: v.string() },
};
/** Each process has a monotonic clock of its own: what crosses is how long ago the line was read. */
const sent = v.object({ ...texts, agoMs: v.number() });

/** What is sent of a share. */
export type SentShare = v.InferOutput<typeof sent>;

export function toSent({ readAtMs, ...share }: SubmittedShare, nowMs: number): SentShare {
  return { ...share, agoMs: nowMs - readAtMs };
}

/** The share as the receiver's own: read a little later than it was, never earlier. */
export function fromSent(received: unknown, nowMs: number): SubmittedShare {
  const { agoMs, ...share } = v.parse(sent, received);
  return { ...share, readAtMs: nowMs - Math.max(0, agoMs) };
}

const verdict = v.variant("kind", [
  v.object({ kind: v.literal("accepted"), target: v.bigint() }),
  v.object({
    kind: v.literal("refused"),
    code: v.picklist([
      ...(["stale", "duplicate", "low-difficulty", "malformed"] as const),
      ...(["wrong-prefix", "other-edge", "wrong-hash", "busy"] as const),
    ]),
    reason: v.string(),
    hit: v.optional(v.bigint()),
  }),
  v.object({ kind: v.literal("unavailable") }),
]);

export function verdictOf(received: unknown): ShareVerdict | undefined {
  const parsed = v.parse(v.optional(verdict), received);
  if (parsed?.kind !== "refused") return parsed;
  const { hit, ...refusal } = parsed;
  return hit === undefined ? refusal : { ...refusal, hit };
}
