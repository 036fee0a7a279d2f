/**
 * The order in which a slot's nonce prefixes are given out. Without the data folder's secret, nobody can tell the next one even from all those before
 * it (docs/design.md, "What a share is worth is fixed before it is found"). Otherwise miners could mine under a prefix before its target is fixed.
 */

import { hash } from "node:crypto";

/** A slot has 2^20 prefixes. */
export const SESSION_BITS = 20;
export const SESSIONS = 1 << SESSION_BITS;

const HALF_BITS = SESSION_BITS / 2;
const HALF = 1 << HALF_BITS;
const FEISTEL_ROUNDS = 8;
/** No half of 10 bits. */
const UNKNOWN = 0xffff;

/** The 20 bits of the n-th prefix of a slot, n from 0 on. */
export type PrefixOrder = (n: number) => number;

/**
 * A permutation of the 20 bits; when all were given, another one follows. It is a Feistel network of 8 rounds over HMAC-SHA256. `secret`: 32 bytes.
 */
export function keyedOrder(secret: Uint8Array): PrefixOrder {
  const mac = hmacOf(secret);
  // A round has 1,024 values a cycle, each wanted 1,024 times: when thousands join at once, most are known.
  const known = new Uint16Array(FEISTEL_ROUNDS * HALF);
  let knownCycle = -1;
  return (n) => {
    const cycle = Math.floor(n / SESSIONS);
    const place = n % SESSIONS;
    if (cycle !== knownCycle) known.fill(UNKNOWN);
    knownCycle = cycle;
    let left = place >>> HALF_BITS;
    let right = place & (HALF - 1);
    for (let round = 0; round < FEISTEL_ROUNDS; round++) {
      const at = round * HALF + right;
      if (known[at] === UNKNOWN) known[at] = mac(`${cycle} ${round} ${right}`).readUInt16BE(0) & (HALF - 1);
      [left, right] = [right, left ^ (known[at] ?? 0)];
    }
    return left * HALF + right;
  };
}

const BLOCK_BYTES = 64;

/**
 * HMAC-SHA256 (RFC 2104) of short ASCII texts. By two hashes in one call each: `createHmac` makes an object a text and takes six times as long, and all
 * sessions want a new prefix at once when a job that was stopped goes on.
 */
function hmacOf(key: Uint8Array): (text: string) => Buffer {
  const inner = Buffer.alloc(2 * BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + 32, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return (text) => {
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES, "latin1");
    outer.set(hash("sha256", inner.subarray(0, end), "buffer"), BLOCK_BYTES);
    return hash("sha256", outer, "buffer");
  };
}
