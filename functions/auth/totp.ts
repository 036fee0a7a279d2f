/** Time-based one-time passwords as every authenticator app makes them: RFC 6238 over RFC 4226, SHA-1, 6 digits, 30 seconds. Pure. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { base32nopad } from "@scure/base";

const STEP_MS = 30_000;
const DIGITS = 6;
/** Clocks differ a little, and typing takes time: codes of the steps before and after the present one are accepted too. */
const DRIFT_STEPS = 1;

/** RFC 4226 wants 160 bits. */
export const TOTP_SECRET_BYTES = 20;

/** The number of the 30-second step that a Unix time is in. */
export function stepAt(wallMs: number): number {
  return Math.floor(wallMs / STEP_MS);
}

/** The code of a step. */
export function codeOf(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, "0");
}

/** The step that a code belongs to, of those good now, the newest first; undefined for a wrong code. Takes the same time for every code. */
export function stepOf(secret: Uint8Array, code: string, wallMs: number): number | undefined {
  const given = Buffer.from(code.padEnd(DIGITS, " ").slice(0, DIGITS + 1));
  let found: number | undefined;
  for (let drift = -DRIFT_STEPS; drift <= DRIFT_STEPS; drift++) {
    const step = stepAt(wallMs) + drift;
    const right = Buffer.from(codeOf(secret, step));
    if (given.length === right.length && timingSafeEqual(given, right)) found = step;
  }
  return found;
}

/** RFC 4648, without padding, as apps want a secret typed. */
export function base32(bytes: Uint8Array): string {
  return base32nopad.encode(bytes);
}

/** What a QR code for an app holds. */
export function otpauthUri(secret: Uint8Array, account: { issuer: string; name: string }): string {
  const label = `${encodeURIComponent(account.issuer)}:${encodeURIComponent(account.name)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(account.issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1000}`;
}
