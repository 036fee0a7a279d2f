/** The public addresses of a pool's private keys. */

import { encodeAddress, rcd1, rcdHash, requireAddress } from "../../shared/factom/address.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";

/** EC…: the entry credits of an Es… key. */
export function creditAddress(es: string): string {
  return encodeAddress("EC", keyPairFromSeed(requireAddress("Es", es)).publicKey);
}

/** FA…: where an Fs… key is paid. */
export function factoidAddress(fs: string): string {
  return encodeAddress("FA", rcdHash(rcd1(keyPairFromSeed(requireAddress("Fs", fs)).publicKey)));
}
