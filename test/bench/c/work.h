// The functions that are compared: the C ones of this folder, under the names the dialect gives its own.

#ifndef PORPHYRY_BENCH_WORK_H
#define PORPHYRY_BENCH_WORK_H

#include <stdint.h>

// kernel/net/checksum.ts
uint32_t onesSum(const uint8_t *p, uint32_t length, uint32_t sum);

// kernel/lib/memory.ts
void copyBytes(uint8_t *to, const uint8_t *from, uint32_t n);

// kernel/net/ipv4/header.ts
uint32_t ipv4Fault(const uint8_t *ip, uint32_t here, uint32_t available);

// kernel/net/arp/cache.ts
struct interface { uint32_t address; };
struct entry;
struct entry *arpFind(struct interface *egress, uint32_t address);

// What the harness asks for before it looks up: a table of `count` neighbours, 10.77.0.0 and up.
void benchArpFill(uint32_t count);
struct interface *benchInterface(void);

static inline uint32_t load32(const uint8_t *p) { uint32_t v; __builtin_memcpy(&v, p, 4); return v; }
static inline uint32_t load16(const uint8_t *p) { uint16_t v; __builtin_memcpy(&v, p, 2); return v; }
static inline uint32_t load_be16(const uint8_t *p) { return __builtin_bswap16((uint16_t)load16(p)); }

// One step of a one's complement sum: RFC 1071 §2 (B).
static inline uint32_t add_end_around(uint32_t a, uint32_t b) {
  uint32_t sum = a + b;
  return sum + (sum < a);
}

#endif
