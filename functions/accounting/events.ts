/** The events that accounting reports: for metrics, alarms and the live line of a block. */

import type { MissingEpoch, SealWait } from "../../shared/accounting/seal.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";

export type BooksEvent =
  | { readonly kind: "applied"; readonly message: "delta" | "close"; readonly late: boolean }
  /** The same message again: nothing was done. */
  | { readonly kind: "dup" }
  /** A message that cannot be applied; after its last try it lies in the dead-letter queue. */
  | { readonly kind: "rejected"; readonly code: string }
  /** The database failed at a batch, whose messages are then applied one by one: a message that it cannot take, or a fault of the batch. */
  | { readonly kind: "unbatched"; readonly job: number; readonly messages: number; readonly code: string }
  /** Alarm: work was still missing at the deadline. The block is sealed without it; it is late work once it comes. */
  | { readonly kind: "forced"; readonly height: number; readonly missing: readonly MissingEpoch[] }
  /** Alarm: a job has waited for its seal for two deadlines. Every run reports it until the job is sealed. */
  | { readonly kind: "overdue"; readonly height: number; readonly waitsFor: SealWait }
  | { readonly kind: "sealed"; readonly block: SealedBlock };

/** Must not throw. Nobody waits for what it starts. */
export type BooksListener = (event: BooksEvent) => void;
