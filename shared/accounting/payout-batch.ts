/** A payout's list and its name. The same list always has the same name, whoever makes it. Pure. */

import { isValidFaAddress } from "../factom/address.ts";
import { sha256Hex } from "../sha256.ts";

/** One user's payment. Amounts in 1e-8 PEG; `totalPaid` counts what is on its way. */
export interface BatchLine {
  readonly user: string;
  readonly address: string;
  readonly amount: bigint;
  readonly totalOwed: bigint;
  readonly totalPaid: bigint;
}

/** sha256 over every field of every line, in their order. */
export function linesDigest(lines: readonly BatchLine[]): string {
  const fields = lines.map(({ user, address, amount, totalOwed, totalPaid }) => [
    user,
    address,
    String(amount),
    String(totalOwed),
    String(totalPaid),
  ]);
  return sha256Hex(JSON.stringify(fields));
}

/**
 * Why somebody with a balance is not paid: `overpaid` has had more than was owed; `minimum`: it is carried to a later payout; `held`: so is this, since
 * the address was changed within the last day.
 */
export type LeftOut = "overpaid" | "no-address" | "bad-address" | "held" | "minimum";

/** `minimum` in 1e-8 PEG. Undefined: it is paid. */
export function whyLeftOut(
  { address, amount, isHeld = false }: Pick<BatchLine, "address" | "amount"> & { readonly isHeld?: boolean },
  minimum: bigint,
): LeftOut | undefined {
  if (amount < 0n) return "overpaid";
  if (address === "") return "no-address";
  if (!isValidFaAddress(address)) return "bad-address";
  if (isHeld) return "held";
  return amount < minimum ? "minimum" : undefined;
}

/** `earlier`: the number of batches of exactly the same lines that were never paid. */
export function batchId(digest: string, earlier: number): string {
  return earlier === 0 ? digest.slice(0, 16) : `${digest.slice(0, 16)}-${earlier}`;
}

/** pegnetd executes an entry up to 12 hours from its salt; the last one must still get into a block. */
export const SEND_WITHIN_SECONDS = 11 * 3600;
/** From then on an entry that is not on the chain can never be executed, even if the clocks differ by an hour. */
export const VOID_AFTER_SECONDS = 13 * 3600;
/** A prepared list that is asked for again within this time keeps its salt, so its signatures stay good. */
export const RENEW_AFTER_SECONDS = 9 * 3600;
