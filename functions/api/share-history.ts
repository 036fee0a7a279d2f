/** Where the API looks for one share: in the journals of the edges of its own pool (infra/pool/share-history.ts). Not on Lambda: edges there keep none. */

import type { RefusalCode } from "../../shared/messages/refusals.ts";

/** A share that was taken, and how far it got. Targets are 64-bit. */
export interface KeptShare {
  readonly job: number;
  readonly user: string;
  readonly worker: string;
  readonly nonce: string;
  readonly assigned: bigint;
  readonly reached: bigint;
  readonly atMs: number;
  /** How long before that its line was read, milliseconds; undefined: not on record. */
  readonly waitedMs: number | undefined;
  readonly late: boolean;
  /** Its place in the journal. */
  readonly record: number;
  /** The edge's lease that it was taken under; undefined where that is forgotten. */
  readonly epoch: { readonly slot: number; readonly epoch: number } | undefined;
  /** Of the delta that it was sent to the books in; undefined: none yet, or forgotten. */
  readonly seq: number | undefined;
}

/** One that was refused lately. */
export interface RefusedShare {
  readonly user: string;
  readonly worker: string;
  readonly jobId: string;
  readonly atMs: number;
  /** How long before that its line was read, milliseconds. */
  readonly waitedMs: number;
  readonly code: RefusalCode;
  readonly reason: string;
}

export interface ShareHistory {
  /** How long shares are kept at most. */
  readonly keepMs: number;
  /** `nonce` in hex. The oldest first; a search at a time. */
  find(nonce: string): Promise<readonly KeptShare[]>;
  /** The newest first, of all edges of this pool; missing where they cannot be asked. */
  refused?(nonce: string): Promise<readonly RefusedShare[]>;
}
