/** Why a share is refused, by the words of the books and the API. */

export const REFUSAL_CODES = [
  /** Its job is over or not known, or it was found after a stop. */
  "stale",
  /** This nonce was already credited, or it is being checked. */
  "duplicate",
  /** Below the target of its prefix. */
  "low-difficulty",
  /** A field does not parse, or the job id contradicts the oprHash. */
  "malformed",
  /** The nonce does not begin with a prefix of this user. */
  "wrong-prefix",
  /** The prefix is of another edge's slot: only that one knows which of its nonces were taken. */
  "other-edge",
  /** The hash does not reach what the miner claims. */
  "wrong-hash",
  /** No room to check or keep it now (queue, disk, lease). The nonce stays unused. */
  "busy",
] as const;

/** Each has its error code on the wire too (shared/messages/stratum.ts). */
export type RefusalCode = (typeof REFUSAL_CODES)[number];
