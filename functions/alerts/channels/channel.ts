/** A way to send a message to a destination, and what became of it. */

import type { AlertMessage, DueKind } from "../../../shared/alerts/message.ts";

export interface Delivery {
  readonly destination: bigint;
  readonly user: string;
  readonly target: string;
  readonly secret: string;
  readonly message: AlertMessage;
  readonly due: readonly DueKind[];
  readonly nowMs: number;
}

export type DeliveryOutcome =
  | { readonly kind: "delivered" }
  /** `words` for the owner; `afterMs`: the other side says how long to wait; `forGood`: and that it wants no more. */
  | {
      readonly kind: "failed";
      readonly words: string;
      readonly afterMs?: number;
      readonly forGood?: boolean;
    };

/** Never rejects. */
export type Channel = (delivery: Delivery) => Promise<DeliveryOutcome>;
