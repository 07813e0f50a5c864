// What no program may do, each in a child of its own: the parent says whether the child was ended as it should have been.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char *const kernel = (char *)0xffffffff80100000;
static volatile int zero;
static const char text[] = "read only";

static void read_kernel(void) { (void)*kernel; }
static void write_kernel(void) { *kernel = 1; }
static void execute_kernel(void) { ((void (*)(void))kernel)(); }
static void read_direct_map(void) { (void)*(volatile char *)0xffffffff80000000; }
static void read_kernel_stacks(void) { (void)*(volatile char *)0xfffffffff0002000; }
static void read_null(void) { (void)*(volatile char *)8; }
static void read_high_half_of_user(void) { (void)*(volatile char *)0x123400400000; }
static void read_past_user(void) { (void)*(volatile char *)0x80000000; }
static void write_text(void) { *(volatile char *)(void *)write_kernel = 1; }
static void write_constant(void) { *(volatile char *)text = 1; }
static void execute_stack(void) { unsigned char code[16] = { 0xc3 }; __asm__ volatile("" ::"r"(code) : "memory"); ((void (*)(void))code)(); }
static void execute_heap(void) { unsigned char *code = malloc(16); code[0] = 0xc3; ((void (*)(void))code)(); }
static void not_canonical(void) { (void)*(volatile char *)0x8000000000000000; }
static void jump_not_canonical(void) { ((void (*)(void))0x8000000000000000)(); }
static void port_in(void) { __asm__ volatile("inb $0x80, %%al" ::: "rax"); }
static void port_out(void) { __asm__ volatile("outb %%al, $0xf4" :: "a"(0)); }
static void interrupts_off(void) { __asm__ volatile("cli"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void write_cr3(void) { __asm__ volatile("mov %0, %%cr3" :: "r"(0l)); }
static void read_msr(void) { __asm__ volatile("rdmsr" :: "c"(0xc0000080) : "eax", "edx"); }
static void load_idt(void) { char table[10] = { 0 }; __asm__ volatile("lidt %0" :: "m"(table)); }
static void divide(void) { zero = 1000 / zero; }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void kernel_vector(void) { __asm__ volatile("int $0x30"); }
static void double_fault_vector(void) { __asm__ volatile("int $8"); }
static int depth = 1 << 30;
static void stack_overflow(void) {
  char big[4096];
  memset(big, 1, sizeof big);
  __asm__ volatile("" :: "r"(big) : "memory");
  if (depth-- != 0) stack_overflow();
  __asm__ volatile("" :: "r"(big) : "memory");
}
static void bad_stack(void) { __asm__ volatile("mov $0x8000000000000000, %%rsp; push %%rax" ::: "memory"); }
static void bad_segment(void) { __asm__ volatile("mov %0, %%ds" :: "r"(0x10)); }
static void unmapped_after_munmap(void) {
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *p = 1;
  munmap(p, 4096);
  (void)*(volatile char *)p;
}
static void read_protected(void) {
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *p = 1;
  mprotect(p, 4096, PROT_NONE);
  (void)*(volatile char *)p;
}
// A system call whose return address would not be canonical: SYSRET with it would fault in the kernel.
static void bad_return(void) { __asm__ volatile("mov $39, %%eax; syscall; mov $0x7ffffffffffe, %%rax; jmp *%%rax" ::: "rax", "rcx", "r11"); }
static void bad_sigreturn(void) { __asm__ volatile("xor %%esp, %%esp; mov $15, %%eax; syscall" ::: "memory"); }

// The processor's stack fault is a SIGBUS; QEMU's TCG makes a general protection of it.
enum { STACK = -1 };

static const struct { const char *name; void (*act)(void); int signal; } cases[] = {
  { "read the kernel", read_kernel, SIGSEGV }, { "write the kernel", write_kernel, SIGSEGV }, { "execute the kernel", execute_kernel, SIGSEGV },
  { "read the direct map", read_direct_map, SIGSEGV }, { "read kernel stacks", read_kernel_stacks, SIGSEGV }, { "read page 0", read_null, SIGSEGV },
  { "read above 2^32", read_high_half_of_user, SIGSEGV }, { "read past user memory", read_past_user, SIGSEGV },
  { "write text", write_text, SIGSEGV }, { "write a constant", write_constant, SIGSEGV },
  { "execute the stack", execute_stack, SIGSEGV }, { "execute the heap", execute_heap, SIGSEGV },
  { "a non-canonical address", not_canonical, SIGSEGV }, { "jump to a non-canonical address", jump_not_canonical, SIGSEGV },
  { "in", port_in, SIGSEGV }, { "out", port_out, SIGSEGV }, { "cli", interrupts_off, SIGSEGV }, { "hlt", halt, SIGSEGV },
  { "mov to cr3", write_cr3, SIGSEGV }, { "rdmsr", read_msr, SIGSEGV }, { "lidt", load_idt, SIGSEGV },
  { "divide by zero", divide, SIGFPE }, { "ud2", undefined, SIGILL }, { "int3", breakpoint, SIGTRAP },
  { "int 0x30", kernel_vector, SIGSEGV }, { "int 8", double_fault_vector, SIGSEGV },
  { "stack overflow", stack_overflow, SIGSEGV }, { "a bad stack", bad_stack, STACK }, { "a kernel segment", bad_segment, SIGSEGV },
  { "memory that was given back", unmapped_after_munmap, SIGSEGV }, { "protected memory", read_protected, SIGSEGV },
  { "return far away", bad_return, SIGSEGV }, { "sigreturn from nowhere", bad_sigreturn, SIGSEGV },
};

static int is(int signal, int wanted) {
  return wanted == STACK ? signal == SIGBUS || signal == SIGSEGV : signal == wanted;
}

int main(void) {
  int failed = 0;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      cases[i].act();
      _exit(99);
    }
    pid_t waited = waitpid(child, &status, 0);
    int good = waited == child && WIFSIGNALED(status) && is(WTERMSIG(status), cases[i].signal);
    printf("%s %s: status %x\n", good ? "ok" : "not ok", cases[i].name, status);
    failed += !good;
  }
  return failed != 0;
}
