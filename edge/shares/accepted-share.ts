/** A durable share, in the form that the submitter takes. */

import type { ShareRecord } from "../journal/records.ts";

export interface AcceptedShare {
  readonly height: number;
  readonly user: string;
  readonly worker: string;
  readonly nonce: Uint8Array;
  /** What it really reached. */
  readonly difficulty: bigint;
  readonly assigned: bigint;
  /** Its job was over when its line was read: credited, never submitted. */
  readonly late: boolean;
  /** Found in the journal after a restart: it may have been submitted already. */
  readonly recovered: boolean;
}

export function acceptedShare(
  share: ShareRecord,
  how: Pick<AcceptedShare, "late" | "recovered">,
): AcceptedShare {
  return {
    height: share.job,
    user: share.user,
    worker: share.worker,
    nonce: share.nonce,
    difficulty: share.reached,
    assigned: share.assigned,
    ...how,
  };
}
