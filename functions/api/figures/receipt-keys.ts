/** The key pair that signs receipts. It is made from a secret outside of the code: the same secret always gives the same key. */

import { type KeyPair, keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { sha256 } from "../../../shared/sha256.ts";

/** Undefined for an empty secret: then nothing is signed. */
export function receiptKeysOf(secret: string): KeyPair | undefined {
  if (secret === "") return undefined;
  return keyPairFromSeed(sha256(`prosper receipts ${secret}`));
}
