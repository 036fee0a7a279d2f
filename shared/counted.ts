/** A number with its noun, as people read it. */

/** `1 file`, `3 files`; `many` where it is not `one` with an s: `1 entry`, `3 entries`. */
export function counted(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${BigInt(count) === 1n ? one : many}`;
}
