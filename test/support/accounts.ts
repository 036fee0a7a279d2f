/** Cheap password hashing and addresses for tests of accounts and pages. */

import { createHash, randomBytes } from "node:crypto";
import { createPasswords, type Passwords } from "../../functions/auth/password.ts";
import { systemRandom } from "../../shared/clock.ts";
import { encodeAddress } from "../../shared/factom/address.ts";

/** argon2id at its smallest cost, so that a test of a hundred logins takes no time. */
export function cheapPasswords(limits: { concurrency?: number; queueLimit?: number } = {}): Passwords {
  return createPasswords({ ...limits, cost: { memoryKib: 8, passes: 1 } }, { random: systemRandom });
}

/** A valid FA address; the same for the same seed. */
export function addressOf(seed: string): string {
  return encodeAddress("FA", new Uint8Array(createHash("sha256").update(seed).digest()));
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

/** A Factoid address to register with. */
export const PAYOUT_ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";
