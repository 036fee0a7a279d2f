/** A stage with a Factom network of its own (devnet-stack.ts): where it is, and the keys that are worth something there only. */

import { encodeAddress } from "../../shared/factom/address.ts";
import { sha256 } from "../../shared/sha256.ts";

/** factomd's JSON-RPC, and the controls: reached by the edges only. */
export const DEVNET_PORT = 8088;
/** Prices that anybody may read. */
export const DEVNET_FEED_PORT = 8070;

/**
 * Everybody knows them, since they are made of a word: on a network of one's own they guard nothing. `es` pays for entries, `fs` is paid the
 * rewards.
 */
export const TRY_KEYS = {
  es: encodeAddress("Es", sha256(Buffer.from("prosper stage try: entry credits"))),
  fs: encodeAddress("Fs", sha256(Buffer.from("prosper stage try: rewards"))),
} as const;

/** The private zone of the stage's network. */
export function devnetDomain(stage: string): string {
  return `prosper-${stage}.internal`;
}

/** factomd as an edge reaches it. */
export function devnetFactomd(stage: string): string {
  return `http://devnet.${devnetDomain(stage)}:${DEVNET_PORT}/v2`;
}
