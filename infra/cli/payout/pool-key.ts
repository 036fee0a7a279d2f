/** The pool's receipt key: the secret half where payouts are prepared, the public half where they are signed. */

import { join } from "node:path";
import { receiptKeysOf } from "../../../functions/api/figures/receipt-keys.ts";
import { toHex } from "../../../shared/bytes.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { readReceiptKey, receiptKeyFile } from "../../pool/receipt-key.ts";
import { type Memory, memoryFile } from "./memory.ts";

/** Where keys may be: a file, the secret of a stage on AWS, the folders of a pool on this machine. */
export interface PoolKeySources {
  readonly file?: string | undefined;
  readonly secret?: string | undefined;
  readonly dataDirs: readonly string[];
}

/** Undefined where this machine has none. Throws CodedErrors `receipt-key`, `payout-key` (a named file is not there). */
export async function findPoolKeys({
  file,
  secret = "",
  dataDirs,
}: PoolKeySources): Promise<KeyPair | undefined> {
  if (file !== undefined) {
    const keys = await readReceiptKey(file);
    if (keys === undefined)
      throw new CodedError("payout-key", `expected the pool's receipt key, got nothing at ${file}`);
    return keys;
  }
  const ofSecret = receiptKeysOf(secret)?.signing;
  if (ofSecret !== undefined) return ofSecret;
  for (const dataDir of dataDirs) {
    const keys = await readReceiptKey(receiptKeyFile(join(dataDir, "edge")));
    if (keys !== undefined) return keys;
  }
  return undefined;
}

/** Throws CodedErrors `receipt-key`, `payout-key`. */
export async function requirePoolKeys(sources: PoolKeySources): Promise<KeyPair> {
  const keys = await findPoolKeys(sources);
  if (keys !== undefined) return keys;
  throw new CodedError(
    "payout-key",
    "expected the pool's receipt key, by which the machine that signs knows the list: pass --receipt-key FILE (`edge/receipt-key` in the " +
      "pool's data folder), or set PROSPER_RECEIPT_SECRET (on AWS: the secret prosper/STAGE/receipts)",
  );
}

/**
 * The key of the pool whose payouts are signed here: that of an earlier payout, else the one given in this
 * run, else that of a pool on this machine. Throws CodedError `payout-key` where there is none, or where the
 * one given is not the one remembered.
 */
export function trustedPoolKey(
  given: string | undefined,
  options: { readonly memory: Memory; readonly folder: string; readonly own: KeyPair | undefined },
): string {
  const { poolKey } = options.memory;
  if (given !== undefined && !/^[0-9a-f]{64}$/.test(given))
    throw new CodedError(
      "payout-key",
      "--pool-key: expected 64 hex digits, as `prosper payout prepare` prints",
    );
  if (given !== undefined && poolKey !== "" && given !== poolKey)
    throw new CodedError(
      "payout-key",
      `this machine signs the payouts of the pool with the key ${poolKey}, got ${given}: if the pool really has a new key, remove ${memoryFile(options.folder)}`,
    );
  const key = given ?? (poolKey || (options.own && toHex(options.own.publicKey)));
  if (key !== undefined) return key;
  throw new CodedError(
    "payout-key",
    "expected the pool's public key, to know its lists by: give it once with --pool-key, as `prosper payout prepare` prints it and every block's page of the pool shows it",
  );
}
