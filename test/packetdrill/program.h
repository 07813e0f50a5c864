// The program (test/kernel/packetdrill.ts) in its host variant: its memory, its exports as functions, its faults.
// The arenas and the names are those of test/native/glue.cc.

#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t KERNEL_SIZE = 32 << 20, USER_SIZE = 1 << 20;
static const uint32_t KERNEL_BASE = 0x80000000u;

extern "C" {
struct PorphyryExport { const char *name; uint32_t arity; int32_t (*call)(const int32_t *); };
extern PorphyryExport porphyry_exports[];
extern uint8_t porphyry_string_bytes[];
extern uint32_t porphyry_string_size, porphyry_string_address, porphyry_end;
uint8_t *porphyry_kernel, *porphyry_user;

[[noreturn]] void porphyry_fault(const char *why) { fprintf(stderr, "porphyry-net: %s\n", why); abort(); }
[[noreturn]] void porphyry_unmapped(int32_t base, int32_t offset, uint32_t size) {
  fprintf(stderr, "porphyry-net: no memory at 0x%08x + 0x%08x for %u bytes\n", (uint32_t)base, (uint32_t)offset, size);
  abort();
}
[[noreturn]] void porphyry_not_a_function(int32_t address) {
  fprintf(stderr, "porphyry-net: no function at 0x%08x\n", (uint32_t)address);
  abort();
}
}

static uint8_t *zeroed(size_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) porphyry_fault("no memory for the stack");
  return (uint8_t *)p;
}

static void programLoad() {
  porphyry_kernel = zeroed(KERNEL_SIZE);
  porphyry_user = zeroed(USER_SIZE);
  memcpy(porphyry_kernel + (porphyry_string_address - KERNEL_BASE), porphyry_string_bytes, porphyry_string_size);
}

/** What is at an address of the program's. */
static uint8_t *memoryAt(uint32_t address) { return porphyry_kernel + (address - KERNEL_BASE); }
template <typename T> static T read(uint32_t address) { T value; memcpy(&value, memoryAt(address), sizeof value); return value; }

typedef int32_t (*Exported)(const int32_t *);

static Exported exported(const char *name, uint32_t arity) {
  for (PorphyryExport *each = porphyry_exports; each->name; each++)
    if (strcmp(each->name, name) == 0 && each->arity == arity) return each->call;
  fprintf(stderr, "porphyry-net: the program exports no %s of %u parameters\n", name, arity);
  abort();
}

/** An export as a function of integers. */
#define EXPORT(name) \
  template <typename... Each> static int32_t name(Each... each) { \
    static const Exported call = exported(#name, sizeof...(each)); \
    const int32_t arguments[] = { (int32_t)each..., 0 }; \
    return call(arguments); \
  }
EXPORT(stackBegin) EXPORT(stackRound) EXPORT(timeSet) EXPORT(untilTimer) EXPORT(clockNow64)
EXPORT(exchangeMemory) EXPORT(messageMemory) EXPORT(linkSend) EXPORT(linkTake) EXPORT(linkPacket)
EXPORT(linkLength) EXPORT(linkTime) EXPORT(linkFull) EXPORT(linkCuts)
EXPORT(socketCreate) EXPORT(socketBind) EXPORT(socketListen) EXPORT(socketAccept) EXPORT(socketConnect)
EXPORT(socketDisconnect) EXPORT(socketError) EXPORT(socketSend) EXPORT(socketSendTo) EXPORT(socketReceiveFrom)
EXPORT(socketShutdown) EXPORT(socketClose) EXPORT(socketEvents)
EXPORT(linuxSetOption) EXPORT(linuxGetOption) EXPORT(linuxAvailable) EXPORT(linuxUnacknowledged) EXPORT(linuxNonBlocking) EXPORT(linuxSetNonBlocking)
EXPORT(linuxTimeout) EXPORT(linuxSysctl) EXPORT(linuxTcpInfo) EXPORT(linuxTcpInfoSize)
EXPORT(pollSetCreate) EXPORT(pollSetClose) EXPORT(pollSetAdd) EXPORT(pollSetModify) EXPORT(pollSetRemove) EXPORT(pollSetTake)
