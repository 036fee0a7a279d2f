/* Printed by build.ts from steps.ts: change that. */

/* Where the first sub-step reads. */
#define FIRST_READ ((a >> 5) ^ v)

/*
 * STEP(into, mix, shift, then, next, lines): `into` becomes mix ^ B << shift, B being the byte read; `then` follows; the next read is at
 * `next`, which B moves only within `lines` cache lines (0: anywhere). EARLY(address): a later read's, known from here on.
 */
#define SUB_STEPS(STEP, LAST) \
  STEP(s1, (s1 << 9) ^ (s1 >> 1) ^ a, 3, , s1 ^ v, 0) \
  STEP(s1, (s1 << 5) ^ (s1 >> 3), 7, , a ^ (s1 >> 7), 4) \
  STEP(s1, (s1 << 7) ^ (s1 >> 7), 5, , v ^ (a >> 11) ^ s1, 0) \
  STEP(s1, (s1 << 11) ^ (s1 >> 5), 27, h = s1 ^ a ^ (h << 7) ^ (h >> 13);, a ^ (s1 >> 27) ^ v, 4) \
  STEP(a, (a << 17) ^ (a >> 5) ^ s1, 3, , a ^ s1, 0) \
  STEP(a, (a << 13) ^ (a >> 3), 7, , (a >> 7) ^ s1, 4) \
  STEP(a, (a << 15) ^ (a >> 7), 11, , v ^ a ^ s1, 0) \
  STEP(a, (a << 9) ^ (a >> 11), 3, , (a >> 3), 4) \
  STEP(s1, (s1 << 7) ^ (s1 >> 27) ^ a, 13, , s1 ^ v, 0) \
  STEP(s1, (s1 << 3) ^ (s1 >> 13), 11, , a ^ (s1 >> 11), 4) \
  STEP(s1, (s1 << 8) ^ (s1 >> 11), 9, , v ^ a ^ s1, 0) \
  STEP(s1, (s1 << 6) ^ (s1 >> 9), 3, , a ^ v ^ (s1 >> 3), 4) \
  STEP(a, (a << 23) ^ (a >> 3) ^ s1, 7, , a ^ (s1 >> 3), 0) \
  STEP(a, (a << 17) ^ (a >> 7), 5, , (a >> 5) ^ s1, 4) \
  STEP(a, (a << 13) ^ (a >> 5), 1, , v ^ a ^ s1, 0) \
  STEP(a, (a << 11) ^ (a >> 1), 7, EARLY(a ^ (s2 >> 5) ^ v), (a >> 7) ^ (s1 >> 3), 4) \
  STEP(s1, (s1 << 5) ^ (s1 >> 3) ^ a, 6, , s1 ^ v, 0) \
  STEP(s1, (s1 << 8) ^ (s1 >> 6), 11, , a ^ (s1 >> 11), 4) \
  STEP(s1, (s1 << 11) ^ (s1 >> 11), 5, , v ^ (a >> 7) ^ a ^ s1, 0) \
  STEP(s1, (s1 << 7) ^ (s1 >> 5), 17, , a ^ (s2 >> 5) ^ v, 1) \
  STEP(s2, (s2 << 3) ^ (s2 >> 17) ^ s1, 13, , s2, 0) \
  STEP(s2, (s2 << 6) ^ (s2 >> 13), 11, , a ^ s1 ^ (s2 >> 11), 4) \
  STEP(s2, (s2 << 11) ^ (s2 >> 11), 23, , v ^ (a >> 8) ^ a ^ (s2 >> 10), 0) \
  STEP(s2, (s2 << 4) ^ (s2 >> 23), 1, s1 = (s2 << 3) ^ (s2 >> 1) ^ h ^ v;, (s2 >> 1) ^ h, 4) \
  LAST(a, (a << 9) ^ (a >> 7) ^ (s1 >> 1), 5, )
