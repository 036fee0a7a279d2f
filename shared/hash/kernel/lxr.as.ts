/**
 * The LXRHash kernel, in AssemblyScript. The table lies at TABLE in a memory shared by all threads; each caller hands in pointers into
 * a region of its own. Variables are named as in the reference: as, s1, s2, s3, and h for its hs; a row is one variable of all lanes.
 */
import { TABLE, stepMany, stepOne } from "./steps.as";

const DIGEST: u32 = 32;
const MAX_LANES: u32 = 128;

// @ts-ignore: decorator
@inline
function lookup(address: u64): u64 {
  return load<u8>(<usize>address, TABLE);
}

/** The first walk over the input reads one byte of the table per byte: it fills the rows of h. */
function spin(lanes: u32, mask: u64, input: usize, length: u32, aRow: usize, s1Row: usize, hRow: usize): void {
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const k = <usize>lane << 3;
    const v: u64 = load<u8>(input + lane * length);
    let a = load<u64>(aRow + k);
    const b = lookup((a ^ v) & mask);
    a = (a << 7) ^ (a >> 5) ^ (v << 20) ^ (v << 16) ^ v ^ (b << 20) ^ (b << 12) ^ (b << 4);
    store<u64>(aRow + k, a);
    let s1 = load<u64>(s1Row + k);
    s1 = (s1 << 9) ^ (s1 >> 3) ^ load<u64>(hRow + k);
    store<u64>(s1Row + k, s1);
    store<u64>(hRow + k, s1 ^ a);
  }
}

/**
 * Hashes `lanes` (1 to 128) inputs of `length` bytes that lie one after the other at `input`; their digests go to `digests`.
 * `state` is scratch of 39 rows of 8 bytes per lane (an odd number of lanes is rounded up).
 */
export function hash(
  state: usize, mask: u64, seed: u64, input: usize, length: u32, lanes: u32, digests: usize,
): void {
  const width = <usize>((lanes + 1) & ~1) << 3;
  const aRow = state;
  let s1Row = state + width;
  let s2Row = state + 2 * width;
  let s3Row = state + 3 * width;
  const vRow = state + 4 * width;
  const addressRow = state + 5 * width;
  const byteRow = state + 6 * width;
  const hRows = state + 7 * width;
  memory.fill(state, 0, (7 + DIGEST) * width);
  for (let k: usize = 0; k < width; k += 8) store<u64>(aRow + k, seed);

  for (let i: u32 = 0; i < length; i++) {
    spin(lanes, mask, input + i, length, aRow, s1Row, hRows + (i & (DIGEST - 1)) * width);
    const first = s1Row;
    s1Row = s3Row;
    s3Row = s2Row;
    s2Row = first;
  }
  for (let i: u32 = 0; i < length + DIGEST; i++) {
    const reducing = i >= length;
    const row = reducing ? length + DIGEST - 1 - i : i & (DIGEST - 1);
    const hRow = hRows + row * width;
    if (reducing) {
      for (let k: usize = 0; k < width; k += 16) v128.store(vRow + k, v128.load(hRow + k));
    } else {
      for (let lane: u32 = 0; lane < lanes; lane++) {
        store<u64>(vRow + (<usize>lane << 3), load<u8>(input + i + lane * length));
      }
    }
    if (lanes == 1) stepOne(mask, aRow, s1Row, s2Row, vRow, hRow);
    else stepMany(width, mask, aRow, s1Row, s2Row, vRow, hRow, addressRow, byteRow);
    const first = s1Row;
    s1Row = s3Row;
    s3Row = s2Row;
    s2Row = first;
    if (reducing) {
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const k = <usize>lane << 3;
        store<u8>(
          digests + lane * DIGEST + row,
          <u8>(lookup(load<u64>(aRow + k) & mask) ^ lookup(load<u64>(hRow + k) & mask)),
        );
      }
    }
  }
}

/**
 * Mining: hashes the `prefix` bytes at `input` followed by each of `count` counters from `counter` on, written big endian in `suffix`
 * bytes, and stores the difficulties (first 8 bytes of the digest, big endian) as integers at `difficulties`.
 */
export function search(
  state: usize, mask: u64, seed: u64, input: usize, prefix: u32, counter: u64, suffix: u32, count: u32,
  digests: usize, difficulties: usize,
): void {
  const length = prefix + suffix;
  const width = min<u32>(count, MAX_LANES);
  for (let lane: u32 = 1; lane < width; lane++) memory.copy(input + lane * length, input, prefix);
  for (let done: u32 = 0; done < count; done += MAX_LANES) {
    const lanes = min<u32>(count - done, MAX_LANES);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      let rest = counter + done + lane;
      for (let at = input + lane * length + length, n: u32 = 0; n < suffix; n++) {
        store<u8>(--at, <u8>rest);
        rest >>= 8;
      }
    }
    hash(state, mask, seed, input, length, lanes, digests);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      store<u64>(difficulties + (<usize>(done + lane) << 3), bswap<u64>(load<u64>(digests + lane * DIGEST)));
    }
  }
}

/** Writes the table's first state: byte i is i mod 256. */
export function fill(bytes: u32): void {
  for (let i: u32 = 0; i < 256; i++) store<u8>(i, <u8>i, TABLE);
  for (let filled: u32 = 256; filled < bytes; filled <<= 1) memory.copy(TABLE + filled, TABLE, filled);
}

/**
 * `count` draws of the table's shuffle from byte `from` on. The generator's offset, b and v lie at `state` and are left there for the
 * next call. The address read is written as a function of the previous offset alone (it equals offset ^ b): otherwise the read waits
 * for b, that is for the read before it, and the shuffle takes twice as long.
 */
export function shuffle(state: usize, mask: u64, from: u32, count: u32): void {
  let offset = load<u64>(state);
  let b = load<u64>(state, 8);
  let v = load<u64>(state, 16);
  for (let i = <usize>from, end = i + count; i < end; i++) {
    const address = (offset << 9) ^ (offset >> 1) ^ (offset >> 7);
    offset = address ^ b;
    v = lookup(address & mask) ^ (v << 8) ^ (v >> 1);
    b = (v << 7) ^ (v << 13) ^ (v << 33) ^ (v << 52) ^ (b << 9) ^ (b >> 1);
    const j = <usize>(offset & mask);
    const byte = load<u8>(i, TABLE);
    store<u8>(i, load<u8>(j, TABLE), TABLE);
    store<u8>(j, byte, TABLE);
  }
  store<u64>(state, offset);
  store<u64>(state, b, 8);
  store<u64>(state, v, 16);
}
