/** Where things lie in the kernel's memory: one table shared by all threads, and a region of scratch for each thread. */

/** Regions 1 to 63 are scratch; region 0 holds the record of which of them are taken. */
export const REGIONS = 64;
export const REGION_BYTES = 256 * 1024;

/** The table starts behind the regions, at a constant, so that it costs no instruction in the kernel. */
export const TABLE_OFFSET = REGIONS * REGION_BYTES;

/** Inputs hashed side by side. 128 keep the memory busy on every machine measured; more only enlarges the state. */
export const MAX_LANES = 128;
export const DIGEST_BYTES = 32;

/** Longest input in bytes. */
export const MAX_INPUT_BYTES = 65_536;

/** Hashes that one call of `search` may make. */
export const MAX_SEARCH = 1024;

/** Rows of 8 bytes a lane: as, s1, s2, s3, v, address, byte, and the 32 rows of h. */
const STATE_ROWS = 7 + DIGEST_BYTES;
const STATE_BYTES = STATE_ROWS * 8 * MAX_LANES;

/** Offsets inside a region. */
export const STATE = 0;
export const DIGESTS = STATE + STATE_BYTES;
export const DIFFICULTIES = DIGESTS + DIGEST_BYTES * MAX_LANES;
export const INPUTS = DIFFICULTIES + 8 * MAX_SEARCH;
export const INPUT_BYTES = REGION_BYTES - INPUTS;

/** WebAssembly's unit of memory. */
export const PAGE_BYTES = 65_536;
