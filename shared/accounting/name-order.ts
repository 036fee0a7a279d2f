/** The order of user names wherever order decides money or a Merkle root: by their UTF-8 bytes. */

/** Negative, zero or positive, as `Array.sort` wants it. The same in every locale and database collation "C". */
export function compareNames(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
