// Whether an IPv4 header may be read, RFC 791 §3.1 and RFC 1122 §3.2.1, as kernel/net/ipv4/header.ts decides it.

#include "work.h"

enum { FAULT_NONE, FAULT_TRUNCATED, FAULT_VERSION, FAULT_HEADER_LENGTH, FAULT_TOTAL_LENGTH, FAULT_CHECKSUM };

static inline uint32_t fold(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return __builtin_bswap16((uint16_t)sum);
}

uint32_t ipv4Fault(const uint8_t *ip, uint32_t here, uint32_t available) {
  if (here < 20) return FAULT_TRUNCATED;
  if (ip[0] >> 4 != 4) return FAULT_VERSION;
  uint32_t header_length = (ip[0] & 15u) << 2;
  if (header_length < 20) return FAULT_HEADER_LENGTH;
  if (header_length > here) return FAULT_HEADER_LENGTH;
  uint32_t total_length = load_be16(ip + 2);
  if (total_length < header_length) return FAULT_TOTAL_LENGTH;
  if (total_length > available) return FAULT_TOTAL_LENGTH;
  if (fold(onesSum(ip, header_length, 0)) != 0xffff) return FAULT_CHECKSUM;
  return FAULT_NONE;
}
