/**
 * LXRHash in plain TypeScript, written for reading: the oracle that the WASM kernel is tested against. Too slow for more than tests.
 * From the reference's tables.go and lxrhash.go (`GenerateTable`, `FlatHash`), whose names as, s1, s2, s3, hs and v2 are kept.
 */

/** PegNet's parameters. */
export const LXR_SEED = 0xfafa_ecec_fafa_ececn;
export const LXR_PASSES = 5;
export const MAINNET_BITS = 30;
/** Smaller tables are refused by the reference; larger ones do not fit a 32-bit kernel. */
export const MIN_BITS = 8;
export const MAX_BITS = 30;

const HASH_BYTES = 32;

/** First state of the generator that shuffles the table. */
export interface Shuffle {
  offset: bigint;
  b: bigint;
  v: bigint;
}

/** The reference's firstrand, firstb and firstv, mixed with the seed. */
export function startShuffle(seed: bigint): Shuffle {
  return {
    offset: seed ^ 2458719153079158768n,
    b: seed ^ 4631534797403582785n,
    v: 3523455478921636871n,
  };
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** The table of 2^bits bytes: 0, 1, … 255, 0, 1 … shuffled `passes` times. */
export function generateTable(seed: bigint, passes: number, bits: number): Uint8Array {
  const table = Uint8Array.from({ length: 2 ** bits }, (_, i) => i);
  const mask = (1n << BigInt(bits)) - 1n;
  const lookup = (address: bigint): bigint => BigInt(table[Number(address & mask)] ?? 0);
  let { offset, b, v } = startShuffle(seed);
  for (let pass = 0; pass < passes; pass++) {
    for (const [i, byte] of table.entries()) {
      offset = u64(offset << 9n) ^ (offset >> 1n) ^ (offset >> 7n) ^ b;
      v = lookup(offset ^ b) ^ u64(v << 8n) ^ (v >> 1n);
      b = u64(v << 7n) ^ u64(v << 13n) ^ u64(v << 33n) ^ u64(v << 52n) ^ u64(b << 9n) ^ (b >> 1n);
      const j = Number(offset & mask);
      table[i] = table[j] ?? 0;
      table[j] = byte;
    }
  }
  return table;
}

/** The 32-byte hash of `input` over `table` (its length a power of two). */
export function lxrHash(table: Uint8Array, input: Uint8Array, seed = LXR_SEED): Uint8Array {
  const state = new LxrState(table, seed);
  input.forEach((byte, i) => {
    state.spin(BigInt(byte), i % HASH_BYTES);
  });
  input.forEach((byte, i) => {
    state.step(BigInt(byte), i % HASH_BYTES);
  });
  const hash = new Uint8Array(HASH_BYTES);
  for (let i = HASH_BYTES - 1; i >= 0; i--) {
    state.step(state.row(i), i);
    hash[i] = state.byteAt(i);
  }
  return hash;
}

class LxrState {
  readonly #table: Uint8Array;
  readonly #mask: bigint;
  readonly #hs: bigint[] = Array.from({ length: HASH_BYTES }, () => 0n);
  #as: bigint;
  #s1 = 0n;
  #s2 = 0n;
  #s3 = 0n;

  constructor(table: Uint8Array, seed: bigint) {
    this.#table = table;
    this.#mask = BigInt(table.length - 1);
    this.#as = seed;
  }

  row(idx: number): bigint {
    return this.#hs[idx] ?? 0n;
  }

  /** Byte `idx` of the hash, once its row has been reduced. */
  byteAt(idx: number): number {
    return Number(this.#B(this.#as) ^ this.#B(this.row(idx)));
  }

  /** The first walk over the input: one read per byte. */
  spin(v2: bigint, idx: number): void {
    let as = this.#as;
    let s1 = this.#s1;
    const b = this.#B(as ^ v2);
    as = u64((as << 7n) ^ (as >> 5n) ^ (v2 << 20n) ^ (v2 << 16n) ^ v2 ^ (b << 20n) ^ (b << 12n) ^ (b << 4n));
    s1 = u64((s1 << 9n) ^ (s1 >> 3n) ^ this.row(idx));
    this.#hs[idx] = s1 ^ as;
    this.#keep(as, s1, this.#s2);
  }

  /** Mixes in a byte of the input, or at the end a row, with 25 reads. Each read decides the address of the next. */
  step(v2: bigint, idx: number): void {
    let as = this.#as;
    let s1 = this.#s1;
    let s2 = this.#s2;
    let h = this.row(idx);
    const B = (address: bigint): bigint => this.#B(address);

    s1 = u64((s1 << 9n) ^ (s1 >> 1n) ^ as ^ (B((as >> 5n) ^ v2) << 3n));
    s1 = u64((s1 << 5n) ^ (s1 >> 3n) ^ (B(s1 ^ v2) << 7n));
    s1 = u64((s1 << 7n) ^ (s1 >> 7n) ^ (B(as ^ (s1 >> 7n)) << 5n));
    s1 = u64((s1 << 11n) ^ (s1 >> 5n) ^ (B(v2 ^ (as >> 11n) ^ s1) << 27n));
    h = u64(s1 ^ as ^ (h << 7n) ^ (h >> 13n));

    as = u64((as << 17n) ^ (as >> 5n) ^ s1 ^ (B(as ^ (s1 >> 27n) ^ v2) << 3n));
    as = u64((as << 13n) ^ (as >> 3n) ^ (B(as ^ s1) << 7n));
    as = u64((as << 15n) ^ (as >> 7n) ^ (B((as >> 7n) ^ s1) << 11n));
    as = u64((as << 9n) ^ (as >> 11n) ^ (B(v2 ^ as ^ s1) << 3n));

    s1 = u64((s1 << 7n) ^ (s1 >> 27n) ^ as ^ (B(as >> 3n) << 13n));
    s1 = u64((s1 << 3n) ^ (s1 >> 13n) ^ (B(s1 ^ v2) << 11n));
    s1 = u64((s1 << 8n) ^ (s1 >> 11n) ^ (B(as ^ (s1 >> 11n)) << 9n));
    s1 = u64((s1 << 6n) ^ (s1 >> 9n) ^ (B(v2 ^ as ^ s1) << 3n));

    as = u64((as << 23n) ^ (as >> 3n) ^ s1 ^ (B(as ^ v2 ^ (s1 >> 3n)) << 7n));
    as = u64((as << 17n) ^ (as >> 7n) ^ (B(as ^ (s1 >> 3n)) << 5n));
    as = u64((as << 13n) ^ (as >> 5n) ^ (B((as >> 5n) ^ s1) << 1n));
    as = u64((as << 11n) ^ (as >> 1n) ^ (B(v2 ^ as ^ s1) << 7n));

    s1 = u64((s1 << 5n) ^ (s1 >> 3n) ^ as ^ (B((as >> 7n) ^ (s1 >> 3n)) << 6n));
    s1 = u64((s1 << 8n) ^ (s1 >> 6n) ^ (B(s1 ^ v2) << 11n));
    s1 = u64((s1 << 11n) ^ (s1 >> 11n) ^ (B(as ^ (s1 >> 11n)) << 5n));
    s1 = u64((s1 << 7n) ^ (s1 >> 5n) ^ (B(v2 ^ (as >> 7n) ^ as ^ s1) << 17n));

    s2 = u64((s2 << 3n) ^ (s2 >> 17n) ^ s1 ^ (B(as ^ (s2 >> 5n) ^ v2) << 13n));
    s2 = u64((s2 << 6n) ^ (s2 >> 13n) ^ (B(s2) << 11n));
    s2 = u64((s2 << 11n) ^ (s2 >> 11n) ^ (B(as ^ s1 ^ (s2 >> 11n)) << 23n));
    s2 = u64((s2 << 4n) ^ (s2 >> 23n) ^ (B(v2 ^ (as >> 8n) ^ as ^ (s2 >> 10n)) << 1n));

    s1 = u64((s2 << 3n) ^ (s2 >> 1n) ^ h ^ v2);
    as = u64((as << 9n) ^ (as >> 7n) ^ (s1 >> 1n) ^ (B((s2 >> 1n) ^ h) << 5n));

    this.#hs[idx] = h;
    this.#keep(as, s1, s2);
  }

  #B(address: bigint): bigint {
    return BigInt(this.#table[Number(address & this.#mask)] ?? 0);
  }

  /** The three accumulators change places after each byte. */
  #keep(as: bigint, s1: bigint, s2: bigint): void {
    this.#as = as;
    [this.#s1, this.#s2, this.#s3] = [this.#s3, s1, s2];
  }
}
