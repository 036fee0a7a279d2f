/** What the stratum server asks about the operator's orders; answered from memory (edge/orders.ts). */

import type { Bar } from "../../shared/db/bars.ts";

export interface StratumOrders {
  /** What keeps this user, or everybody at this address, from mining. */
  barOf(user: string | undefined, address: string): Pick<Bar, "scope" | "reason" | "untilMs"> | undefined;
  /** What whoever logs in is told. */
  words(): readonly string[];
}

/** For `prosper stratum` and tests: nobody is barred, nothing is told. */
export const NO_ORDERS: StratumOrders = { barOf: () => undefined, words: () => [] };
