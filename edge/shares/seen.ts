/** The nonces of one job that were credited or are being checked. Each is paid once, whichever connection sends it. */

import { SipHash } from "./siphash.ts";

/** 64 MB at most for the largest job: 4 million shares, far above what a job of ten minutes brings one edge. */
const MAX_NONCES = 1 << 22;
const FIRST_SLOTS = 1 << 12;

export type Reservation = "reserved" | "duplicate" | "full";

/**
 * Credited nonces are kept as 64-bit fingerprints (SipHash under a secret key) in an open-addressed table that is at most half full. With four million nonces,
 * the probability that an honest one is taken for a known one is 1e-6 over the whole job. Since the key is secret, nobody can look for such a pair.
 * Of a nonce in flight, of which there are some thousands at most, 53 of the bits are kept: as many as a number holds.
 */
export class SeenNonces {
  readonly #sip: SipHash;
  readonly #limit: number;
  readonly #inFlight = new Set<number>();
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** `key`: 16 random bytes. `limit`: the most nonces, credited and in flight together. */
  constructor(key: Uint8Array, limit = MAX_NONCES) {
    this.#sip = new SipHash(key);
    this.#limit = limit;
  }

  /** Call it before hashing; then follows `credit` or `release`. `full`: refuse the share as busy. */
  reserve(nonce: Uint8Array): Reservation {
    const slot = this.#find(nonce);
    if (this.#inFlight.has(this.#key()) || this.#low[slot] !== 0) return "duplicate";
    if (this.#count + this.#inFlight.size >= this.#limit) return "full";
    this.#inFlight.add(this.#key());
    return "reserved";
  }

  /** The share was refused: the nonce is unused again. */
  release(nonce: Uint8Array): void {
    this.#find(nonce);
    this.#inFlight.delete(this.#key());
  }

  /** The share is durable: its nonce is spent. Also for what a restart finds in the journal. */
  credit(nonce: Uint8Array): void {
    const slot = this.#find(nonce);
    this.#inFlight.delete(this.#key());
    if (this.#low[slot] !== 0) return;
    this.#high[slot] = this.#sip.high;
    this.#low[slot] = this.#sip.low;
    this.#count += 1;
    if (this.#count * 2 > this.#high.length) this.#grow();
  }

  /** Nonces credited. */
  size(): number {
    return this.#count;
  }

  /** The slot that holds the nonce's fingerprint, or the empty one where it belongs; the fingerprint is left in `#sip`. */
  #find(nonce: Uint8Array): number {
    this.#sip.hash(nonce);
    // Zero means an empty slot.
    if (this.#sip.low === 0) this.#sip.low = 1;
    return find(this.#high, this.#low, this.#sip.high, this.#sip.low);
  }

  /** Of the fingerprint that is in `#sip`. */
  #key(): number {
    return (this.#sip.high & 0x1f_ffff) * 2 ** 32 + this.#sip.low;
  }

  #grow(): void {
    const high = new Uint32Array(this.#high.length * 2);
    const low = new Uint32Array(high.length);
    // By number: an iterator makes an array for each of up to eight million slots, in one turn.
    for (let slot = 0; slot < this.#low.length; slot++) {
      const l = this.#low[slot] ?? 0;
      if (l === 0) continue;
      const h = this.#high[slot] ?? 0;
      const place = find(high, low, h, l);
      high[place] = h;
      low[place] = l;
    }
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
