/** The key pair that signs receipts, and those that signed before. They are made from secrets outside of the code: the same secret always gives the same key. */

import { toHex } from "../../../shared/bytes.ts";
import { type KeyPair, keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { sha256 } from "../../../shared/sha256.ts";

export interface ReceiptKeys {
  /** Signs what is asked for now. */
  readonly signing: KeyPair;
  /** Public keys, 64 hex digits each, of receipts that stay valid. */
  readonly former: readonly string[];
}

/** The keys of now; undefined: receipts are not signed. */
export type ReceiptKeySource = () => Promise<ReceiptKeys | undefined>;

/** Each line of a text is a secret: the first one signs, the others did before. Undefined for an empty text. */
export function receiptKeysOf(...texts: readonly string[]): ReceiptKeys | undefined {
  const secrets = new Set(texts.flatMap((text) => text.split("\n")).map((line) => line.trim()));
  secrets.delete("");
  const [signing, ...others] = [...secrets].map((secret) =>
    keyPairFromSeed(sha256(`prosper receipts ${secret}`)),
  );
  return signing && { signing, former: others.map(({ publicKey }) => toHex(publicKey)) };
}

/** Of a pool whose key never changes. */
export function onlyReceiptKey(signing: KeyPair): ReceiptKeySource {
  return () => Promise.resolve({ signing, former: [] });
}
