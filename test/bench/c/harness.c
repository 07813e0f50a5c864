// Does one kind of work `calls` times under callgrind, which counts only inside the function named. Compiled
// twice: with the C functions of this folder, and with -DPORPHYRY against the kernel's own, out of TypeScript.
//
// A function out of Porffor is named f_<name> and takes a type tag, any number, after each parameter. Its
// addresses are 32 bits: everything it is given lies in the low 2 GiB, where the kernel's intrinsics reach it.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef PORPHYRY
#define A(value) (int32_t)(intptr_t)(value), 1
#define P int32_t, int32_t
int32_t onesSum(P, P, P) __asm__("f_onesSum");
void copyBytes(P, P, P) __asm__("f_copyBytes");
int32_t ipv4Fault(P, P, P) __asm__("f_ipv4Fault");
int32_t arpFind(P, P) __asm__("f_arpFind");
void benchArpFill(P) __asm__("f_benchArpFill");
int32_t benchInterface(void) __asm__("f_benchInterface");
#else
#include "work.h"
#define A(value) value
#endif

#define ARENA ((uint8_t *)0x10000000)
#define ARENA_SIZE 65536
#define NEIGHBOURS 64
#define FIRST_NEIGHBOUR 0x0a4d0000u

static void fail(const char *why) {
  fprintf(stderr, "harness: %s\n", why);
  exit(1);
}

static void check(int holds, const char *why) {
  if (!holds) fail(why);
}

// What onesSum must give, folded: RFC 1071 §4.1, sixteen bits at a time.
static uint32_t plain_sum(const uint8_t *p, uint32_t length) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < length; i += 2) sum += (uint32_t)(p[i] | p[i + 1] << 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint32_t)sum;
}

static void checksum(uint32_t length, uint32_t calls) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < calls; i++) sum = (uint32_t)onesSum(A(ARENA), A(length), A(0));
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  check(sum == plain_sum(ARENA, length), "onesSum: wrong sum");
}

static void copy(uint32_t length, uint32_t calls) {
  uint8_t *to = ARENA + 32768;
  memset(to, 0, length + 1);
  for (uint32_t i = 0; i < calls; i++) copyBytes(A(to), A(ARENA), A(length));
  check(memcmp(to, ARENA, length) == 0 && to[length] == 0, "copyBytes: wrong bytes");
}

// A header as a ping's reply has it, with the right checksum: the whole check is gone through.
static void make_header(void) {
  static const uint8_t header[20] = { 0x45, 0, 0, 84, 0x12, 0x34, 0x40, 0, 64, 1, 0, 0, 10, 77, 0, 2, 10, 77, 0, 1 };
  memcpy(ARENA, header, 20);
  uint32_t sum = plain_sum(ARENA, 20) ^ 0xffff;
  ARENA[10] = (uint8_t)sum;
  ARENA[11] = (uint8_t)(sum >> 8);
}

static void ipv4(uint32_t calls) {
  make_header();
  uint32_t fault = 0;
  for (uint32_t i = 0; i < calls; i++) fault |= (uint32_t)ipv4Fault(A(ARENA), A(84), A(84));
  check(fault == 0, "ipv4Fault: a good header refused");
}

// Both languages must refuse the same: each bit of the header flipped is one the checksum sees.
static void ipv4_refusals(void) {
  for (uint32_t bit = 0; bit < 160; bit++) {
    make_header();
    ARENA[bit / 8] ^= (uint8_t)(1 << bit % 8);
    check(ipv4Fault(A(ARENA), A(84), A(84)) != 0, "ipv4Fault: a bad header accepted");
  }
}

static void arp(uint32_t calls) {
  benchArpFill(A(NEIGHBOURS));
  for (uint32_t i = 0; i < calls; i++)
    check(arpFind(A(benchInterface()), A(FIRST_NEIGHBOUR + i % NEIGHBOURS)) != 0, "arpFind: a neighbour not found");
}

int main(int count, char **arguments) {
  if (count != 4) fail("usage: harness WORK LENGTH CALLS");
  uint32_t length = (uint32_t)atoi(arguments[2]), calls = (uint32_t)atoi(arguments[3]);
  int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void *arena = mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, how, -1, 0);
  check(arena == ARENA, "no memory at 0x10000000");
  check(length <= 16384 && length % 2 == 0, "a length is even and at most 16384");
  for (uint32_t i = 0; i < ARENA_SIZE; i++) ARENA[i] = (uint8_t)(i * 167 + (i >> 8));
  if (strcmp(arguments[1], "checksum") == 0) checksum(length, calls);
  else if (strcmp(arguments[1], "copy") == 0) copy(length, calls);
  else if (strcmp(arguments[1], "ipv4") == 0) ipv4(calls);
  else if (strcmp(arguments[1], "ipv4-refusals") == 0) ipv4_refusals();
  else if (strcmp(arguments[1], "arp") == 0) arp(calls);
  else fail("no such work");
  return 0;
}
