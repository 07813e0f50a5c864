// The Internet checksum, RFC 1071, as kernel/net/checksum.ts computes it: sixteen 64-bit words at a time, the carry of each
// into the next; then 32-bit words, end-around carry at each.

#include "work.h"

uint32_t onesSum(const uint8_t *p, uint32_t length, uint32_t sum) {
  const uint8_t *end = p + length;
  while (end - p >= 128) {
    unsigned long long wide = sum, carry = 0, word;
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      __builtin_memcpy(&word, p + 8 * i, 8);
      wide = __builtin_addcll(wide, word, carry, &carry);
    }
    wide = __builtin_addcll(wide, 0, carry, &carry) + carry;
    sum = add_end_around((uint32_t)wide, (uint32_t)(wide >> 32));
    p += 128;
  }
  while (end - p >= 32) {
    sum = add_end_around(sum, load32(p));
    sum = add_end_around(sum, load32(p + 4));
    sum = add_end_around(sum, load32(p + 8));
    sum = add_end_around(sum, load32(p + 12));
    sum = add_end_around(sum, load32(p + 16));
    sum = add_end_around(sum, load32(p + 20));
    sum = add_end_around(sum, load32(p + 24));
    sum = add_end_around(sum, load32(p + 28));
    p += 32;
  }
  while (end - p >= 4) {
    sum = add_end_around(sum, load32(p));
    p += 4;
  }
  if (length & 2) {
    sum = add_end_around(sum, load16(p));
    p += 2;
  }
  if (length & 1) sum = add_end_around(sum, *p);
  return sum;
}
