/** FAT-2: PegNet transactions as signed JSON entries. Building and signing; reading them is in `fat2-parse.ts`. */

import { createHash } from "node:crypto";
import { concat, fromHex } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { encodeAddress, isValidFaAddress, rcd1, rcdHash } from "./address.ts";
import type { KeyPair } from "./ed25519.ts";
import { ENTRY_DATA_BYTES_MAX, type Entry, TRANSACTION_CHAIN } from "./entry.ts";

/** One payment in PEG. */
export interface PegPayment {
  /** FA address. */
  readonly address: string;
  /** 1e-8 PEG, at most 2^63 − 1. */
  readonly amount: bigint;
}

/** pegnetd refuses larger inputs. */
export const FAT2_AMOUNT_MAX = 2n ** 63n - 1n;

const PREFIX = '{"version":1,"transactions":[';
const SUFFIX = "]}";
/** RCD and signature as external ids, each with two bytes of length; the salt comes on top. */
const SIGNATURE_BYTES = 2 + 33 + 2 + 64;

/** The FA address of a pool key. */
export function faAddressOf(signer: KeyPair): string {
  return encodeAddress("FA", rcdHash(rcd1(signer.publicKey)));
}

/**
 * Cuts payments, in their order, into batches that each fit one entry of 10 KiB (about 46 payments).
 * Differs from prosper-pool: payout-cli refuses a larger file and asks to split it by hand.
 */
export function splitPegPayments(
  source: string,
  payments: readonly PegPayment[],
  saltSeconds: number,
): readonly (readonly PegPayment[])[] {
  const room =
    ENTRY_DATA_BYTES_MAX - SIGNATURE_BYTES - 2 - String(saltSeconds).length - PREFIX.length - SUFFIX.length;
  const batches: PegPayment[][] = [];
  let used = room + 1;
  for (const payment of payments) {
    const length = transactionText(source, payment).length;
    const last = batches.at(-1);
    if (last === undefined || used + 1 + length > room) {
      batches.push([payment]);
      used = length;
    } else {
      last.push(payment);
      used += 1 + length;
    }
  }
  return batches;
}

/**
 * One entry that pays every payment from the signer's address, one transaction each. `saltSeconds` is a Unix time near the
 * entry's (pegnetd takes 12 hours around it). Throws CodedError `payout-invalid` for no payment, a bad address or amount.
 */
export function signPegBatch(signer: KeyPair, payments: readonly PegPayment[], saltSeconds: number): Entry {
  if (payments.length === 0)
    throw new CodedError("payout-invalid", "a batch needs at least one payment, got none");
  const source = faAddressOf(signer);
  const transactions = payments.map((payment) => transactionText(source, payment));
  const content = new TextEncoder().encode(PREFIX + transactions.join(",") + SUFFIX);
  const salt = new TextEncoder().encode(String(saltSeconds));
  const signature = signer.sign(signedDigest(salt, TRANSACTION_CHAIN, content));
  return { chainId: TRANSACTION_CHAIN, extIds: [salt, rcd1(signer.publicKey), signature], content };
}

/** The bytes that the first signature of a FAT-103 entry covers. With one input it is the only signature. */
export function signedDigest(salt: Uint8Array, chainId: string, content: Uint8Array): Uint8Array {
  const index = new TextEncoder().encode("0");
  return new Uint8Array(
    createHash("sha512")
      .update(concat(index, salt, fromHex(chainId), content))
      .digest(),
  );
}

function transactionText(source: string, { address, amount }: PegPayment): string {
  if (!isValidFaAddress(address))
    throw new CodedError("payout-invalid", `expected an FA address to pay, got ${JSON.stringify(address)}`, {
      data: { address },
    });
  if (amount < 0n || amount > FAT2_AMOUNT_MAX)
    throw new CodedError("payout-invalid", `expected 0 to 2^63 - 1 for ${address}, got ${amount}`, {
      data: { address, amount: String(amount) },
    });
  return `{"input":{"address":"${source}","amount":${amount},"type":"PEG"},"transfers":[{"address":"${address}","amount":${amount}}]}`;
}
