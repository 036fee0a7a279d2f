/** The key that signs receipts, made once and kept in the pool's folder: receipts are checked for years. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fromHex, toHex } from "../../shared/bytes.ts";
import type { Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import { type KeyPair, keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { readTextFile, writeFileDurably } from "../durable-file.ts";

const FILE = "receipt-key";
const FORM = /^[0-9a-f]{64}\n$/;
const SEED_BYTES = 32;

/** The folder must be locked. Throws CodedError `receipt-key` when the file holds something else. */
export async function ensureReceiptKey(folder: string, random: Random): Promise<KeyPair> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = await readReceiptKey(join(folder, FILE));
  if (kept !== undefined) return kept;
  const seed = random(SEED_BYTES);
  await writeFileDurably(join(folder, FILE), `${toHex(seed)}\n`);
  return keyPairFromSeed(seed);
}

/** Where a pool's folder keeps the key. */
export function receiptKeyFile(folder: string): string {
  return join(folder, FILE);
}

/** The key in a file, undefined where there is none. Throws CodedError `receipt-key` when the file holds something else. */
export async function readReceiptKey(path: string): Promise<KeyPair | undefined> {
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  if (FORM.test(text)) return keyPairFromSeed(fromHex(text.trim()));
  throw new CodedError(
    "receipt-key",
    `${path}: expected 64 hex digits and a newline: restore it from a backup, or remove it to sign with a new key from now on`,
  );
}
