/** The nonces of one job that were credited or are being checked. Each is paid once, whichever connection sends it. */

import { hash } from "node:crypto";
import { toHex } from "../../shared/bytes.ts";

/** 64 MB at most for the largest job: 4 million shares, far above what a job of ten minutes brings one edge. */
const MAX_NONCES = 1 << 22;
const FIRST_SLOTS = 1 << 12;

export type Reservation = "reserved" | "duplicate" | "full";

/**
 * Credited nonces are kept as 64-bit fingerprints under a secret key, in an open-addressed table that is at most half full. With four million nonces,
 * the probability that an honest one is taken for a known one is 1e-6 over the whole job. Since the key is secret, nobody can look for such a pair.
 * Nonces in flight are kept whole.
 */
export class SeenNonces {
  readonly #key: Uint8Array;
  readonly #limit: number;
  readonly #inFlight = new Set<string>();
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** `key`: 16 random bytes. `limit`: the most nonces, credited and in flight together. */
  constructor(key: Uint8Array, limit = MAX_NONCES) {
    this.#key = key;
    this.#limit = limit;
  }

  /** Call it before hashing; then follows `credit` or `release`. `full`: refuse the share as busy. */
  reserve(nonce: Uint8Array): Reservation {
    const text = toHex(nonce);
    if (this.#inFlight.has(text) || this.#has(nonce)) return "duplicate";
    if (this.#count + this.#inFlight.size >= this.#limit) return "full";
    this.#inFlight.add(text);
    return "reserved";
  }

  /** The share was refused: the nonce is unused again. */
  release(nonce: Uint8Array): void {
    this.#inFlight.delete(toHex(nonce));
  }

  /** The share is durable: its nonce is spent. Also for what a restart finds in the journal. */
  credit(nonce: Uint8Array): void {
    this.#inFlight.delete(toHex(nonce));
    const [high, low] = this.#fingerprint(nonce);
    if (insert(this.#high, this.#low, high, low)) this.#count += 1;
    if (this.#count * 2 > this.#high.length) this.#grow();
  }

  /** Nonces credited. */
  size(): number {
    return this.#count;
  }

  #has(nonce: Uint8Array): boolean {
    const [high, low] = this.#fingerprint(nonce);
    const slot = find(this.#high, this.#low, high, low);
    return this.#low[slot] !== 0;
  }

  #fingerprint(nonce: Uint8Array): readonly [number, number] {
    const digest = hash("sha256", Buffer.concat([this.#key, nonce]), "buffer");
    const low = digest.readUInt32BE(4);
    // Both zero means an empty slot.
    return [digest.readUInt32BE(0), low === 0 ? 1 : low];
  }

  #grow(): void {
    const high = new Uint32Array(this.#high.length * 2);
    const low = new Uint32Array(high.length);
    for (const [slot, value] of this.#low.entries())
      if (value !== 0) insert(high, low, this.#high[slot] ?? 0, value);
    this.#high = high;
    this.#low = low;
  }
}

/** The slot that holds the fingerprint, or the empty one where it belongs. */
function find(high: Uint32Array, low: Uint32Array, h: number, l: number): number {
  const mask = high.length - 1;
  let slot = h & mask;
  while (low[slot] !== 0 && (high[slot] !== h || low[slot] !== l)) slot = (slot + 1) & mask;
  return slot;
}

function insert(high: Uint32Array, low: Uint32Array, h: number, l: number): boolean {
  const slot = find(high, low, h, l);
  if (low[slot] !== 0) return false;
  high[slot] = h;
  low[slot] = l;
  return true;
}
