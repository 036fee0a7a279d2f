/**
 * SipHash-2-4 of a short message: 64 bits that nobody can choose or predict without the key (Aumasson and Bernstein, 2012). Made for tables whose keys
 * come from strangers. The words of 64 bits are two halves each, since bigint takes ten times as long.
 */

export class SipHash {
  readonly #key: readonly [number, number, number, number];
  /** The last message's hash, as unsigned halves. */
  high = 0;
  low = 0;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`key: expected 16 bytes, got ${key.length}`);
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const at = (offset: number): number => view.getInt32(offset, true);
    this.#key = [at(0), at(4), at(8), at(12)];
  }

  /** Leaves the hash in `high` and `low`: nothing is allocated. */
  hash(message: Uint8Array): void {
    const [k0l, k0h, k1l, k1h] = this.#key;
    let al = k0l ^ 0x70736575;
    let ah = k0h ^ 0x736f6d65;
    let bl = k1l ^ 0x6e646f6d;
    let bh = k1h ^ 0x646f7261;
    let cl = k0l ^ 0x6e657261;
    let ch = k0h ^ 0x6c796765;
    let dl = k1l ^ 0x79746573;
    let dh = k1h ^ 0x74656462;
    const blocks = (message.length >>> 3) + 1;
    // After the blocks comes the finish.
    for (let block = 0; block <= blocks; block++) {
      const isFinish = block === blocks;
      const low = isFinish ? 0 : word(message, 8 * block);
      const length = block === blocks - 1 ? message.length << 24 : 0;
      const high = isFinish ? 0 : word(message, 8 * block + 4) | length;
      dl ^= low;
      dh ^= high;
      if (isFinish) cl ^= 0xff;
      for (let left = isFinish ? 4 : 2; left > 0; left--) {
        let sum = (al >>> 0) + (bl >>> 0);
        ah = (ah + bh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
        al = sum | 0;
        let turned = (bl << 13) | (bh >>> 19);
        bh = ((bh << 13) | (bl >>> 19)) ^ ah;
        bl = turned ^ al;
        turned = al;
        al = ah;
        ah = turned;

        sum = (cl >>> 0) + (dl >>> 0);
        ch = (ch + dh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
        cl = sum | 0;
        turned = (dl << 16) | (dh >>> 16);
        dh = ((dh << 16) | (dl >>> 16)) ^ ch;
        dl = turned ^ cl;

        sum = (al >>> 0) + (dl >>> 0);
        ah = (ah + dh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
        al = sum | 0;
        turned = (dl << 21) | (dh >>> 11);
        dh = ((dh << 21) | (dl >>> 11)) ^ ah;
        dl = turned ^ al;

        sum = (cl >>> 0) + (bl >>> 0);
        ch = (ch + bh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
        cl = sum | 0;
        turned = (bl << 17) | (bh >>> 15);
        bh = ((bh << 17) | (bl >>> 15)) ^ ch;
        bl = turned ^ cl;
        turned = cl;
        cl = ch;
        ch = turned;
      }
      al ^= low;
      ah ^= high;
    }
    this.high = (ah ^ bh ^ ch ^ dh) >>> 0;
    this.low = (al ^ bl ^ cl ^ dl) >>> 0;
  }
}

/** Four bytes, little endian; those behind the end are 0. */
function word(message: Uint8Array, at: number): number {
  return (
    (message[at] ?? 0) |
    ((message[at + 1] ?? 0) << 8) |
    ((message[at + 2] ?? 0) << 16) |
    ((message[at + 3] ?? 0) << 24)
  );
}
