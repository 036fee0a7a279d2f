// Printed by build.ts from steps.ts: change that.

export const TABLE: usize = 16777216;

/** One step of a single input: its state stays in registers. */
export function stepOne(mask: u64, aRow: usize, s1Row: usize, s2Row: usize, vRow: usize, hRow: usize): void {
  let a = load<u64>(aRow);
  let s1 = load<u64>(s1Row);
  let s2 = load<u64>(s2Row);
  let v = load<u64>(vRow);
  let h = load<u64>(hRow);
  let b: u64;
  b = load<u8>(<usize>(((a >> 5) ^ v) & mask), TABLE);
  s1 = (s1 << 9) ^ (s1 >> 1) ^ a ^ (b << 3);
  b = load<u8>(<usize>((s1 ^ v) & mask), TABLE);
  s1 = (s1 << 5) ^ (s1 >> 3) ^ (b << 7);
  b = load<u8>(<usize>((a ^ (s1 >> 7)) & mask), TABLE);
  s1 = (s1 << 7) ^ (s1 >> 7) ^ (b << 5);
  b = load<u8>(<usize>((v ^ (a >> 11) ^ s1) & mask), TABLE);
  s1 = (s1 << 11) ^ (s1 >> 5) ^ (b << 27);
  h = s1 ^ a ^ (h << 7) ^ (h >> 13);
  b = load<u8>(<usize>((a ^ (s1 >> 27) ^ v) & mask), TABLE);
  a = (a << 17) ^ (a >> 5) ^ s1 ^ (b << 3);
  b = load<u8>(<usize>((a ^ s1) & mask), TABLE);
  a = (a << 13) ^ (a >> 3) ^ (b << 7);
  b = load<u8>(<usize>(((a >> 7) ^ s1) & mask), TABLE);
  a = (a << 15) ^ (a >> 7) ^ (b << 11);
  b = load<u8>(<usize>((v ^ a ^ s1) & mask), TABLE);
  a = (a << 9) ^ (a >> 11) ^ (b << 3);
  b = load<u8>(<usize>(((a >> 3)) & mask), TABLE);
  s1 = (s1 << 7) ^ (s1 >> 27) ^ a ^ (b << 13);
  b = load<u8>(<usize>((s1 ^ v) & mask), TABLE);
  s1 = (s1 << 3) ^ (s1 >> 13) ^ (b << 11);
  b = load<u8>(<usize>((a ^ (s1 >> 11)) & mask), TABLE);
  s1 = (s1 << 8) ^ (s1 >> 11) ^ (b << 9);
  b = load<u8>(<usize>((v ^ a ^ s1) & mask), TABLE);
  s1 = (s1 << 6) ^ (s1 >> 9) ^ (b << 3);
  b = load<u8>(<usize>((a ^ v ^ (s1 >> 3)) & mask), TABLE);
  a = (a << 23) ^ (a >> 3) ^ s1 ^ (b << 7);
  b = load<u8>(<usize>((a ^ (s1 >> 3)) & mask), TABLE);
  a = (a << 17) ^ (a >> 7) ^ (b << 5);
  b = load<u8>(<usize>(((a >> 5) ^ s1) & mask), TABLE);
  a = (a << 13) ^ (a >> 5) ^ (b << 1);
  b = load<u8>(<usize>((v ^ a ^ s1) & mask), TABLE);
  a = (a << 11) ^ (a >> 1) ^ (b << 7);
  b = load<u8>(<usize>(((a >> 7) ^ (s1 >> 3)) & mask), TABLE);
  s1 = (s1 << 5) ^ (s1 >> 3) ^ a ^ (b << 6);
  b = load<u8>(<usize>((s1 ^ v) & mask), TABLE);
  s1 = (s1 << 8) ^ (s1 >> 6) ^ (b << 11);
  b = load<u8>(<usize>((a ^ (s1 >> 11)) & mask), TABLE);
  s1 = (s1 << 11) ^ (s1 >> 11) ^ (b << 5);
  b = load<u8>(<usize>((v ^ (a >> 7) ^ a ^ s1) & mask), TABLE);
  s1 = (s1 << 7) ^ (s1 >> 5) ^ (b << 17);
  b = load<u8>(<usize>((a ^ (s2 >> 5) ^ v) & mask), TABLE);
  s2 = (s2 << 3) ^ (s2 >> 17) ^ s1 ^ (b << 13);
  b = load<u8>(<usize>((s2) & mask), TABLE);
  s2 = (s2 << 6) ^ (s2 >> 13) ^ (b << 11);
  b = load<u8>(<usize>((a ^ s1 ^ (s2 >> 11)) & mask), TABLE);
  s2 = (s2 << 11) ^ (s2 >> 11) ^ (b << 23);
  b = load<u8>(<usize>((v ^ (a >> 8) ^ a ^ (s2 >> 10)) & mask), TABLE);
  s2 = (s2 << 4) ^ (s2 >> 23) ^ (b << 1);
  s1 = (s2 << 3) ^ (s2 >> 1) ^ h ^ v;
  b = load<u8>(<usize>(((s2 >> 1) ^ h) & mask), TABLE);
  a = (a << 9) ^ (a >> 7) ^ (s1 >> 1) ^ (b << 5);
  store<u64>(aRow, a);
  store<u64>(s1Row, s1);
  store<u64>(s2Row, s2);
  store<u64>(hRow, h);
}

// @ts-ignore: decorator
@inline
function gather(width: usize, addressRow: usize, byteRow: usize): void {
  for (let k: usize = 0; k < width; k += 16) {
    store<u64>(byteRow + k, load<u8>(<usize>load<u32>(addressRow + k), TABLE));
    store<u64>(byteRow + k, load<u8>(<usize>load<u32>(addressRow + k, 8), TABLE), 8);
  }
}

/** One step of many inputs: each pass of arithmetic is followed by one of reads, so that as many reads are in flight as there are lanes. */
export function stepMany(width: usize, mask: u64, aRow: usize, s1Row: usize, s2Row: usize, vRow: usize, hRow: usize, addressRow: usize, byteRow: usize): void {
  const masks = i64x2.splat(mask);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    v128.store(addressRow + k, v128.and(v128.xor(i64x2.shr_u(a, 5), v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(v128.xor(i64x2.shl(s1, 9), i64x2.shr_u(s1, 1)), a), i64x2.shl(v128.load(byteRow + k), 3));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(s1, v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 5), i64x2.shr_u(s1, 3)), i64x2.shl(v128.load(byteRow + k), 7));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(a, i64x2.shr_u(s1, 7)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let v = v128.load(vRow + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 7), i64x2.shr_u(s1, 7)), i64x2.shl(v128.load(byteRow + k), 5));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v, i64x2.shr_u(a, 11)), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let h = v128.load(hRow + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 11), i64x2.shr_u(s1, 5)), i64x2.shl(v128.load(byteRow + k), 27));
    v128.store(s1Row + k, s1);
    h = v128.xor(v128.xor(v128.xor(s1, a), i64x2.shl(h, 7)), i64x2.shr_u(h, 13));
    v128.store(hRow + k, h);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(a, i64x2.shr_u(s1, 27)), v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(v128.xor(i64x2.shl(a, 17), i64x2.shr_u(a, 5)), s1), i64x2.shl(v128.load(byteRow + k), 3));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(a, s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 13), i64x2.shr_u(a, 3)), i64x2.shl(v128.load(byteRow + k), 7));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(i64x2.shr_u(a, 7), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 15), i64x2.shr_u(a, 7)), i64x2.shl(v128.load(byteRow + k), 11));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v, a), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 9), i64x2.shr_u(a, 11)), i64x2.shl(v128.load(byteRow + k), 3));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(i64x2.shr_u(a, 3), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(v128.xor(i64x2.shl(s1, 7), i64x2.shr_u(s1, 27)), a), i64x2.shl(v128.load(byteRow + k), 13));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(s1, v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 3), i64x2.shr_u(s1, 13)), i64x2.shl(v128.load(byteRow + k), 11));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(a, i64x2.shr_u(s1, 11)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let v = v128.load(vRow + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 8), i64x2.shr_u(s1, 11)), i64x2.shl(v128.load(byteRow + k), 9));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v, a), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 6), i64x2.shr_u(s1, 9)), i64x2.shl(v128.load(byteRow + k), 3));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(a, v), i64x2.shr_u(s1, 3)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(v128.xor(i64x2.shl(a, 23), i64x2.shr_u(a, 3)), s1), i64x2.shl(v128.load(byteRow + k), 7));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(a, i64x2.shr_u(s1, 3)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 17), i64x2.shr_u(a, 7)), i64x2.shl(v128.load(byteRow + k), 5));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(i64x2.shr_u(a, 5), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 13), i64x2.shr_u(a, 5)), i64x2.shl(v128.load(byteRow + k), 1));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v, a), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(i64x2.shl(a, 11), i64x2.shr_u(a, 1)), i64x2.shl(v128.load(byteRow + k), 7));
    v128.store(aRow + k, a);
    v128.store(addressRow + k, v128.and(v128.xor(i64x2.shr_u(a, 7), i64x2.shr_u(s1, 3)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(v128.xor(i64x2.shl(s1, 5), i64x2.shr_u(s1, 3)), a), i64x2.shl(v128.load(byteRow + k), 6));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(s1, v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 8), i64x2.shr_u(s1, 6)), i64x2.shl(v128.load(byteRow + k), 11));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(a, i64x2.shr_u(s1, 11)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let v = v128.load(vRow + k);
    let a = v128.load(aRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 11), i64x2.shr_u(s1, 11)), i64x2.shl(v128.load(byteRow + k), 5));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v128.xor(v, i64x2.shr_u(a, 7)), a), s1), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s1 = v128.load(s1Row + k);
    let a = v128.load(aRow + k);
    let s2 = v128.load(s2Row + k);
    let v = v128.load(vRow + k);
    s1 = v128.xor(v128.xor(i64x2.shl(s1, 7), i64x2.shr_u(s1, 5)), i64x2.shl(v128.load(byteRow + k), 17));
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(a, i64x2.shr_u(s2, 5)), v), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s2 = v128.load(s2Row + k);
    let s1 = v128.load(s1Row + k);
    s2 = v128.xor(v128.xor(v128.xor(i64x2.shl(s2, 3), i64x2.shr_u(s2, 17)), s1), i64x2.shl(v128.load(byteRow + k), 13));
    v128.store(s2Row + k, s2);
    v128.store(addressRow + k, v128.and(s2, masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s2 = v128.load(s2Row + k);
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    s2 = v128.xor(v128.xor(i64x2.shl(s2, 6), i64x2.shr_u(s2, 13)), i64x2.shl(v128.load(byteRow + k), 11));
    v128.store(s2Row + k, s2);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(a, s1), i64x2.shr_u(s2, 11)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s2 = v128.load(s2Row + k);
    let v = v128.load(vRow + k);
    let a = v128.load(aRow + k);
    s2 = v128.xor(v128.xor(i64x2.shl(s2, 11), i64x2.shr_u(s2, 11)), i64x2.shl(v128.load(byteRow + k), 23));
    v128.store(s2Row + k, s2);
    v128.store(addressRow + k, v128.and(v128.xor(v128.xor(v128.xor(v, i64x2.shr_u(a, 8)), a), i64x2.shr_u(s2, 10)), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let s2 = v128.load(s2Row + k);
    let h = v128.load(hRow + k);
    let v = v128.load(vRow + k);
    let s1: v128;
    s2 = v128.xor(v128.xor(i64x2.shl(s2, 4), i64x2.shr_u(s2, 23)), i64x2.shl(v128.load(byteRow + k), 1));
    v128.store(s2Row + k, s2);
    s1 = v128.xor(v128.xor(v128.xor(i64x2.shl(s2, 3), i64x2.shr_u(s2, 1)), h), v);
    v128.store(s1Row + k, s1);
    v128.store(addressRow + k, v128.and(v128.xor(i64x2.shr_u(s2, 1), h), masks));
  }
  gather(width, addressRow, byteRow);
  for (let k: usize = 0; k < width; k += 16) {
    let a = v128.load(aRow + k);
    let s1 = v128.load(s1Row + k);
    a = v128.xor(v128.xor(v128.xor(i64x2.shl(a, 9), i64x2.shr_u(a, 7)), i64x2.shr_u(s1, 1)), i64x2.shl(v128.load(byteRow + k), 5));
    v128.store(aRow + k, a);
  }
}
