/*
 * The LXRHash kernel in plain C, for machines with a compiler: unlike WebAssembly it can ask for memory ahead of reading it. It has the
 * functions of lxr.as.ts over the same memory; `memory` is its first byte, other places are offsets in it. Variables are named as there:
 * a (the reference's as), s1, s2, s3, and h for its hs; a row is one variable of all lanes.
 */
#include <stdint.h>

#include "lxr-steps.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define TABLE 16777216
#define DIGEST 32
#define MAX_LANES 128
#define LINE 64

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
/* A release's library is linked without a C runtime: Windows calls this instead when it loads or leaves it. 1: it may. */
int lxr_loaded(void *library, u32 reason, void *reserved) {
  return (void)library, (void)reason, (void)reserved, 1;
}
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Into the second cache: the first one can wait for too few lines at a time to keep the memory busy. */
#define PREFETCH(pointer) __builtin_prefetch((pointer), 0, 2)

/* What a byte of the input does in the first walk, with the table's byte B. */
#define SPIN_A(a, v, b) ((a << 7) ^ (a >> 5) ^ (v << 20) ^ (v << 16) ^ v ^ (b << 20) ^ (b << 12) ^ (b << 4))
#define SPIN_S1(s1, h) ((s1 << 9) ^ (s1 >> 3) ^ h)

#define ROTATE(s1, s2, s3, spare) (spare = s1, s1 = s3, s3 = s2, s2 = spare)

/* One input, its state in registers. Each read waits for the one before: lines in which the next may lie are fetched meanwhile. */
static void hash_one(const u8 *table, u64 mask, u64 seed, const u8 *input, u32 length, u8 *digest) {
  u64 rows[DIGEST] = {0};
  u64 a = seed, s1 = 0, s2 = 0, s3 = 0, spare;
  for (u32 i = 0; i < length; i++) {
    u64 v = input[i], *h = rows + i % DIGEST, b = table[(a ^ v) & mask];
    a = SPIN_A(a, v, b);
    s1 = SPIN_S1(s1, *h);
    *h = s1 ^ a;
    ROTATE(s1, s2, s3, spare);
  }
#define EARLY(address) PREFETCH(table + ((address)&mask));
#define LAST(into, mix, shift, then) \
  into = (mix) ^ (u64)table[at] << shift; \
  then
#define STEP(into, mix, shift, then, next, lines) \
  into = (mix); \
  for (int line = 0; line < lines; line++) \
    PREFETCH(table + ((next)&mask & ~(u64)(lines * LINE - 1)) + line * LINE); \
  into ^= (u64)table[at] << shift; \
  then \
  at = (next)&mask;
  for (u32 i = 0; i < length + DIGEST; i++) {
    u32 row = i < length ? i % DIGEST : length + DIGEST - 1 - i;
    u64 h = rows[row], v = i < length ? input[i] : h;
    u64 at = FIRST_READ & mask;
    SUB_STEPS(STEP, LAST)
    rows[row] = h;
    ROTATE(s1, s2, s3, spare);
    if (i >= length) digest[row] = table[a & mask] ^ table[h & mask];
  }
#undef EARLY
#undef LAST
#undef STEP
}

/* One step of many inputs. Each pass over the lanes takes the byte that was asked for a pass ago, and asks for the next. */
static void step_many(u32 lanes, u64 mask, const u8 *restrict table, u64 *restrict a_row, u64 *restrict s1_row,
                      u64 *restrict s2_row, const u64 *restrict v_row, u64 *restrict h_row, u32 *restrict at_row) {
#define LANES for (u32 k = 0; k < lanes; k++)
#define LOAD u64 a = a_row[k], s1 = s1_row[k], s2 = s2_row[k], v = v_row[k], h = h_row[k];
#define STORE a_row[k] = a, s1_row[k] = s1, s2_row[k] = s2, h_row[k] = h, (void)v;
#define ASK(address) \
  at_row[k] = (u32)((address)&mask); \
  PREFETCH(table + at_row[k]);
#define EARLY(address)
#define LAST(into, mix, shift, then) \
  LANES { \
    LOAD \
    into = (mix) ^ (u64)table[at_row[k]] << shift; \
    then \
    STORE \
  }
#define STEP(into, mix, shift, then, next, lines) \
  LANES { \
    LOAD \
    into = (mix) ^ (u64)table[at_row[k]] << shift; \
    then \
    STORE \
    ASK(next) \
  }
  LANES {
    u64 a = a_row[k], v = v_row[k];
    ASK(FIRST_READ)
  }
  SUB_STEPS(STEP, LAST)
}

/* Hashes `lanes` (2 to 128) inputs of `length` bytes each, one after the other at `input`. `state` has 39 rows of 8 bytes a lane. */
static void hash_many(const u8 *restrict table, u64 mask, u64 seed, const u8 *restrict input, u32 length, u32 lanes,
                      u64 *restrict state, u8 *restrict digests) {
  u64 *a_row = state, *v_row = state + 4 * lanes, *rows = state + 7 * lanes;
  u64 *s1_row = state + lanes, *s2_row = state + 2 * lanes, *s3_row = state + 3 * lanes, *spare;
  u32 *at_row = (u32 *)(state + 5 * lanes);
  __builtin_memset(state, 0, (7 + DIGEST) * 8 * lanes);
  LANES a_row[k] = seed;
  for (u32 i = 0; i < length; i++) {
    u64 *h_row = rows + i % DIGEST * lanes;
    LANES {
      const u8 *bytes = input + k * length + i;
      u64 a = a_row[k], v = bytes[0], b = table[(a ^ v) & mask];
      a_row[k] = a = SPIN_A(a, v, b);
      s1_row[k] = SPIN_S1(s1_row[k], h_row[k]);
      h_row[k] = s1_row[k] ^ a;
      if (i + 1 < length) PREFETCH(table + ((a ^ bytes[1]) & mask));
    }
    ROTATE(s1_row, s2_row, s3_row, spare);
  }
  for (u32 i = 0; i < length + DIGEST; i++) {
    u32 row = i < length ? i % DIGEST : length + DIGEST - 1 - i;
    u64 *h_row = rows + row * lanes;
    LANES v_row[k] = i < length ? input[k * length + i] : h_row[k];
    step_many(lanes, mask, table, a_row, s1_row, s2_row, v_row, h_row, at_row);
    ROTATE(s1_row, s2_row, s3_row, spare);
    if (i < length) continue;
    LANES {
      PREFETCH(table + (a_row[k] & mask));
      PREFETCH(table + (h_row[k] & mask));
    }
    LANES digests[k * DIGEST + row] = table[a_row[k] & mask] ^ table[h_row[k] & mask];
  }
}

EXPORT void lxr_hash(u8 *memory, u32 state, u64 mask, u64 seed, u32 input, u32 length, u32 lanes, u32 digests) {
  if (lanes == 1) hash_one(memory + TABLE, mask, seed, memory + input, length, memory + digests);
  else hash_many(memory + TABLE, mask, seed, memory + input, length, lanes, (u64 *)(memory + state), memory + digests);
}

EXPORT void lxr_search(u8 *memory, u32 state, u64 mask, u64 seed, u32 input, u32 prefix, u64 counter, u32 suffix,
                       u32 count, u32 digests, u32 difficulties) {
  u32 length = prefix + suffix;
  u64 *difficulty = (u64 *)(memory + difficulties);
  for (u32 lane = 1; lane < count && lane < MAX_LANES; lane++)
    __builtin_memcpy(memory + input + lane * length, memory + input, prefix);
  for (u32 done = 0; done < count; done += MAX_LANES) {
    u32 lanes = count - done < MAX_LANES ? count - done : MAX_LANES;
    LANES {
      u64 rest = counter + done + k;
      for (u32 n = 1; n <= suffix; n++, rest >>= 8) memory[input + k * length + length - n] = (u8)rest;
    }
    lxr_hash(memory, state, mask, seed, input, length, lanes, digests);
    LANES {
      const u8 *digest = memory + digests + k * DIGEST;
      u64 value = 0;
      for (u32 n = 0; n < 8; n++) value = value << 8 | digest[n];
      difficulty[done + k] = value;
    }
  }
}

EXPORT void lxr_fill(u8 *memory, u32 bytes) {
  for (u32 i = 0; i < bytes; i++) memory[TABLE + i] = (u8)i;
}

/* See lxr.as.ts: the address read must not wait for b. */
EXPORT void lxr_shuffle(u8 *memory, u32 state, u64 mask, u32 from, u32 count) {
  u8 *table = memory + TABLE;
  u64 *kept = (u64 *)(memory + state), offset = kept[0], b = kept[1], v = kept[2];
  for (u64 i = from, end = i + count; i < end; i++) {
    u64 address = (offset << 9) ^ (offset >> 1) ^ (offset >> 7);
    offset = address ^ b;
    v = table[address & mask] ^ (v << 8) ^ (v >> 1);
    b = (v << 7) ^ (v << 13) ^ (v << 33) ^ (v << 52) ^ (b << 9) ^ (b >> 1);
    u8 *other = table + (offset & mask), byte = table[i];
    table[i] = *other;
    *other = byte;
  }
  kept[0] = offset;
  kept[1] = b;
  kept[2] = v;
}
