// Intrinsics on the host: memory is two arenas laid out as the real map is (test/native/glue.cc), every access is
// checked, and what needs a processor of one's own says so. The same as linker/intrinsics/host.ts.
#define HOST_KERNEL_BASE 0x80000000l
#define HOST_KERNEL_SIZE 0x2000000ul
#define HOST_KERNEL_UNMAPPED 0x10000ul
#define HOST_USER_SIZE 0x100000ul
#define HOST_USER_UNMAPPED 0x1000ul
extern "C" {
extern u8 *porphyry_kernel, *porphyry_user;
[[noreturn]] void porphyry_fault(const char *why);
[[noreturn]] void porphyry_unmapped(i32 base, i32 offset, u32 size);
[[noreturn]] void porphyry_not_a_function(i32 address);
extern void *const porphyry_references[];
extern const u32 porphyry_reference_count;
}
static inline u8 *place(i32 base, i32 offset, u32 size) {
  long at = (long)base + (u32)offset;
  u64 inKernel = (u64)(at + HOST_KERNEL_BASE), inUser = (u64)at;
  if (inKernel - HOST_KERNEL_UNMAPPED <= HOST_KERNEL_SIZE - HOST_KERNEL_UNMAPPED - size) return porphyry_kernel + inKernel;
  if (inUser - HOST_USER_UNMAPPED <= HOST_USER_SIZE - HOST_USER_UNMAPPED - size) return porphyry_user + inUser;
  porphyry_unmapped(base, offset, size);
}
static inline void *callee(i32 address) {
  u32 number = ((u32)address - 0xc0000000u) / 16;
  if (((u32)address & 15) != 0 || number >= porphyry_reference_count) porphyry_not_a_function(address);
  return porphyry_references[number];
}
#define V static inline __attribute__((nodebug))
#define FAULT(why) porphyry_fault(why)
#define STATIC(offset) ((i32)(PORPHYRY_STATICS + (offset)))
#define STRING(offset) ((i32)(PORPHYRY_STRINGS + (offset)))
#define FUNCTION(name, number) ((i32)(0xc0000000u + 16 * (number)))
#define SYMBOL(name) (porphyry_fault("linkerSymbol is not available on the host"), 0)
#define i_trap() porphyry_fault("trap")
#include "common.h"

#define ABSENT(name) template <typename... Each> static i32 i_##name(Each...) { porphyry_fault(#name " is not available on the host"); }
ABSENT(inb) ABSENT(inw) ABSENT(inl) ABSENT(outb) ABSENT(outw) ABSENT(outl) ABSENT(cli) ABSENT(sti) ABSENT(stiHlt) ABSENT(hlt)
ABSENT(pause) ABSENT(interruptsEnabled) ABSENT(rdtsc) ABSENT(cpuid) ABSENT(rdmsr) ABSENT(wrmsr) ABSENT(rdrand) ABSENT(readCr0)
ABSENT(writeCr0) ABSENT(readCr2) ABSENT(readCr3) ABSENT(writeCr3) ABSENT(readCr4) ABSENT(writeCr4) ABSENT(invlpg) ABSENT(lgdt)
ABSENT(writeXcr0) ABSENT(fxsave) ABSENT(fxrstor) ABSENT(xsave) ABSENT(xrstor) ABSENT(stac) ABSENT(clac) ABSENT(switchStack)
ABSENT(lidt) ABSENT(ltr) ABSENT(framePointer)
