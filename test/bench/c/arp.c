// The ARP cache's look-up, as kernel/net/arp/cache.ts does it: 256 buckets, the golden ratio for a hash, a list
// per bucket, entries found by interface and address.

#include "work.h"

#define BUCKET_BITS 8
#define ENTRIES 512

struct entry {
  struct entry *next;
  struct interface *egress;
  uint32_t address;
  uint8_t mac[6];
  uint8_t state;
};

static struct entry entries[ENTRIES];
static struct entry *buckets[1 << BUCKET_BITS];
static struct interface only;

static struct entry **bucket_of(uint32_t address) {
  return &buckets[address * 0x9e3779b1u >> (32 - BUCKET_BITS)];
}

struct entry *arpFind(struct interface *egress, uint32_t address) {
  for (struct entry *each = *bucket_of(address); each; each = each->next)
    if (each->address == address && each->egress == egress) return each;
  return 0;
}

struct interface *benchInterface(void) { return &only; }

void benchArpFill(uint32_t count) {
  for (uint32_t i = 0; i < count && i < ENTRIES; i++) {
    struct entry *entry = &entries[i];
    entry->egress = &only;
    entry->address = 0x0a4d0000u + i;
    struct entry **bucket = bucket_of(entry->address);
    entry->next = *bucket;
    *bucket = entry;
  }
}
