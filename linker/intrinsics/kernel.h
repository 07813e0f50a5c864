// Intrinsics of the kernel: addresses are what they say, the processor does what it is told. Also the variant for
// benchmarks, a Linux program whose memory lies below 2 GiB (linker/object.ts). Instructions: Intel SDM vol. 2.
#define V static inline __attribute__((always_inline, nodebug))
#define FAULT(why) i_fault(why)
struct Known { const void *p; __attribute__((always_inline, nodebug)) operator i32() const { return (i32)(long)p; } };
V u8 *place(i32 base, i32 offset, u32) { return (u8 *)(long)base + (u32)offset; }
V u8 *place(Known base, i32 offset, u32) { return (u8 *)base.p + (u32)offset; }
V const void *callee(i32 address) { return (const void *)(long)address; }
V const void *callee(Known address) { return address.p; }
#define STATIC(offset) (Known{porphyry_statics + (offset)})
#define STRING(offset) (Known{porphyry_strings + (offset)})
#define FUNCTION(name, number) (Known{(const void *)(name)})
#define SYMBOL(name) (Known{(name)})
V void i_trap() { __builtin_trap(); }
// Out of line and never merged: the return address says where. The kernel's panic knows the number in EAX, and finds
// the reason in RDI (arch/x86/panic.ts).
static void i_fault(const char *) __asm__("intrinsicFault");
static __attribute__((noinline, cold, nomerge, noreturn)) void i_fault(const char *why) { __asm__ volatile("ud2" :: "a"(0x46415554), "D"(why)); __builtin_unreachable(); }
// QEMU before 8 leaves fences out for a machine of one processor, although its devices run in other threads: a write to
// the POST port takes its lock, which is a fence. To anything else it is nothing.
#define FENCE "mfence; outb %%al, $0x80"
#include "common.h"

#define IN(name, type, instruction) V i32 i_##name(i32 port) { type v; __asm__ volatile(instruction : "=a"(v) : "Nd"((u16)port)); return (i32)v; }
#define OUT(name, type, instruction) V void i_##name(i32 port, i32 v) { __asm__ volatile(instruction :: "a"((type)v), "Nd"((u16)port)); }
IN(inb, u8, "inb %w1, %b0") IN(inw, u16, "inw %w1, %w0") IN(inl, u32, "inl %w1, %k0")
OUT(outb, u8, "outb %b0, %w1") OUT(outw, u16, "outw %w0, %w1") OUT(outl, u32, "outl %k0, %w1")
#define PLAIN(name, instruction) V void i_##name() { __asm__ volatile(instruction ::: "memory"); }
PLAIN(cli, "cli") PLAIN(sti, "sti") PLAIN(stiHlt, "sti\n\thlt") PLAIN(hlt, "hlt") PLAIN(pause, "pause")
V i32 i_interruptsEnabled() { u64 flags; __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) :: "memory"); return (i32)(flags >> 9 & 1); }
V void i_rdtsc(i32 out) { u32 low, high; __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)); i_store64(out, 0, (i32)low, (i32)high); }
V void i_cpuid(i32 leaf, i32 subleaf, i32 out) {
  u32 a, b, c, d;
  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(subleaf));
  i_store64(out, 0, (i32)a, (i32)b);
  i_store64(out, 8, (i32)c, (i32)d);
}
V void i_rdmsr(i32 number, i32 out) { u32 low, high; __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number)); i_store64(out, 0, (i32)low, (i32)high); }
V void i_wrmsr(i32 number, i32 low, i32 high) { __asm__ volatile("wrmsr" :: "c"(number), "a"(low), "d"(high) : "memory"); }
V i32 i_rdrand(i32 out) { u32 v; bool had; __asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(had)); i_store32(out, 0, (i32)v); return had; }
#define CONTROL(n) V i32 i_readCr##n() { u64 v; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) :: "memory"); return (i32)v; } \
  V void i_writeCr##n(i32 v) { __asm__ volatile("mov %0, %%cr" #n :: "r"((u64)(u32)v) : "memory"); }
CONTROL(0) CONTROL(3) CONTROL(4)
V void i_readCr2(i32 out) { u64 v; __asm__ volatile("mov %%cr2, %0" : "=r"(v)); AT(u64, out, 0) = v; }
V void i_invlpg(i32 page) { __asm__ volatile("invlpg (%0)" :: "r"((long)page) : "memory"); }
V void i_writeXcr0(i32 v) { __asm__ volatile("xsetbv" :: "c"(0), "a"(v), "d"(0) : "memory"); }
#define STATE(name, instruction, ...) V void i_##name(i32 area) { __asm__ volatile(instruction " (%0)" :: "r"((long)area) __VA_ARGS__ : "memory"); }
#define ALL_STATE , "a"(-1), "d"(-1)
STATE(fxsave, "fxsave64") STATE(fxrstor, "fxrstor64") STATE(xsave, "xsave64", ALL_STATE) STATE(xrstor, "xrstor64", ALL_STATE)
PLAIN(stac, "stac") PLAIN(clac, "clac")
// The compiler saves what it still needs; RBP is the frame pointer, and saved here.
V void i_switchStack(i32 from, i32 to) {
  long f = from, t = to;
  __asm__ volatile("pushq %%rbp\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tmovq %%rsp, (%0)\n\tmovq (%1), %%rsp\n\tret\n1:\tpopq %%rbp"
    : "+D"(f), "+S"(t) :: "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
V void i_lgdt(i32 descriptor) { __asm__ volatile("lgdt (%0)" :: "r"((long)descriptor) : "memory"); }
V void i_lidt(i32 descriptor) { __asm__ volatile("lidt (%0)" :: "r"((long)descriptor) : "memory"); }
V void i_ltr(i32 selector) { __asm__ volatile("ltr %w0" :: "r"(selector) : "memory"); }
V i32 i_framePointer() { return (i32)(long)__builtin_frame_address(0); }
