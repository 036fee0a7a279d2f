/** Places that an owner's right password came from: an address, or a device with its token. Kept as hashes. */

import { createHash } from "node:crypto";
import { addressKey } from "../ip-address.ts";

/** `hash` is hex of SHA-256. */
export interface Place {
  readonly kind: "address" | "device";
  readonly hash: string;
}

/** An address, or the /64 of an IPv6 one. */
export function addressPlace(address: string): Place {
  return { kind: "address", hash: hash("address", addressKey(address)) };
}

export function devicePlace(token: string): Place {
  return { kind: "device", hash: hash("device", token) };
}

function hash(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
