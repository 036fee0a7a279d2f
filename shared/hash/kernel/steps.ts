/**
 * The 25 sub-steps by which LXRHash mixes one byte into its state, as data: the kernel's source is printed from this list, once
 * for a single input and once for many side by side. From `stepf` in the reference's lxrhash.go.
 */

/** Each sub-step reads one byte B of the table at `read`, then sets `into` to `mix ^ B << shift`. */
export interface SubStep {
  readonly read: string;
  readonly into: "as" | "s1" | "s2";
  readonly mix: string;
  readonly shift: number;
  /** A further assignment that reads no table. */
  readonly also?: { readonly into: "h" | "s1"; readonly mix: string };
}

/** Terms are joined by `^`; a term is a variable, perhaps shifted. `h` is the row of the hash worked on, `v` the byte (or row) mixed in. */
export const SUB_STEPS: readonly SubStep[] = [
  { read: "as>>5 ^ v", into: "s1", mix: "s1<<9 ^ s1>>1 ^ as", shift: 3 },
  { read: "s1 ^ v", into: "s1", mix: "s1<<5 ^ s1>>3", shift: 7 },
  { read: "as ^ s1>>7", into: "s1", mix: "s1<<7 ^ s1>>7", shift: 5 },
  {
    read: "v ^ as>>11 ^ s1",
    into: "s1",
    mix: "s1<<11 ^ s1>>5",
    shift: 27,
    also: { into: "h", mix: "s1 ^ as ^ h<<7 ^ h>>13" },
  },
  { read: "as ^ s1>>27 ^ v", into: "as", mix: "as<<17 ^ as>>5 ^ s1", shift: 3 },
  { read: "as ^ s1", into: "as", mix: "as<<13 ^ as>>3", shift: 7 },
  { read: "as>>7 ^ s1", into: "as", mix: "as<<15 ^ as>>7", shift: 11 },
  { read: "v ^ as ^ s1", into: "as", mix: "as<<9 ^ as>>11", shift: 3 },
  { read: "as>>3", into: "s1", mix: "s1<<7 ^ s1>>27 ^ as", shift: 13 },
  { read: "s1 ^ v", into: "s1", mix: "s1<<3 ^ s1>>13", shift: 11 },
  { read: "as ^ s1>>11", into: "s1", mix: "s1<<8 ^ s1>>11", shift: 9 },
  { read: "v ^ as ^ s1", into: "s1", mix: "s1<<6 ^ s1>>9", shift: 3 },
  { read: "as ^ v ^ s1>>3", into: "as", mix: "as<<23 ^ as>>3 ^ s1", shift: 7 },
  { read: "as ^ s1>>3", into: "as", mix: "as<<17 ^ as>>7", shift: 5 },
  { read: "as>>5 ^ s1", into: "as", mix: "as<<13 ^ as>>5", shift: 1 },
  { read: "v ^ as ^ s1", into: "as", mix: "as<<11 ^ as>>1", shift: 7 },
  { read: "as>>7 ^ s1>>3", into: "s1", mix: "s1<<5 ^ s1>>3 ^ as", shift: 6 },
  { read: "s1 ^ v", into: "s1", mix: "s1<<8 ^ s1>>6", shift: 11 },
  { read: "as ^ s1>>11", into: "s1", mix: "s1<<11 ^ s1>>11", shift: 5 },
  { read: "v ^ as>>7 ^ as ^ s1", into: "s1", mix: "s1<<7 ^ s1>>5", shift: 17 },
  { read: "as ^ s2>>5 ^ v", into: "s2", mix: "s2<<3 ^ s2>>17 ^ s1", shift: 13 },
  { read: "s2", into: "s2", mix: "s2<<6 ^ s2>>13", shift: 11 },
  { read: "as ^ s1 ^ s2>>11", into: "s2", mix: "s2<<11 ^ s2>>11", shift: 23 },
  {
    read: "v ^ as>>8 ^ as ^ s2>>10",
    into: "s2",
    mix: "s2<<4 ^ s2>>23",
    shift: 1,
    also: { into: "s1", mix: "s2<<3 ^ s2>>1 ^ h ^ v" },
  },
  { read: "s2>>1 ^ h", into: "as", mix: "as<<9 ^ as>>7 ^ s1>>1", shift: 5 },
];
