/** Places that an owner's right password came from: an address, or a device with its token. Kept as hashes. */

import { addressKey } from "../ip-address.ts";
import { sha256Hex } from "../sha256.ts";

/** `hash` is hex of SHA-256. */
export interface Place {
  readonly kind: "address" | "device";
  readonly hash: string;
}

/** An address, or the /64 of an IPv6 one. */
export function addressPlace(address: string): Place {
  return { kind: "address", hash: sha256Hex(JSON.stringify(["address", addressKey(address)])) };
}

export function devicePlace(token: string): Place {
  return { kind: "device", hash: sha256Hex(JSON.stringify(["device", token])) };
}
