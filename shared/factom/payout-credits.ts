/** What a payout's entries will cost, before anybody has signed them. Pure. */

import { keyPairFromSeed } from "./ed25519.ts";
import { encodeEntry, entryCost } from "./entry.ts";
import { faAddressOf, type PegPayment, signPegBatch, splitPegPayments } from "./fat2.ts";

/** Entry credits. Entries have the same length whoever signs, since every FA address has. */
export function payoutCredits(payments: readonly PegPayment[], saltSeconds: number): number {
  const anybody = keyPairFromSeed(new Uint8Array(32));
  return splitPegPayments(faAddressOf(anybody), payments, saltSeconds)
    .map((batch) => entryCost(encodeEntry(signPegBatch(anybody, batch, saltSeconds)).length))
    .reduce((sum, credits) => sum + credits, 0);
}
