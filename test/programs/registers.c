// The registers of one process are not another's: each of several computes in x87, SSE and, where there is, AVX registers, gives
// the processor away again and again, by sleeping and by its slice's end, and finds its values where they were.

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN = 4, ROUNDS = 400 };

static int has_avx(void) {
  unsigned a = 1, b, c, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  return (c >> 28 & 1) && (c >> 27 & 1);
}

static void give_away(int round) {
  struct timespec moment = { 0, 100000 };
  if (round % 50 == 0) nanosleep(&moment, 0);
  else if (round % 3 == 0) sched_yield();
  else for (volatile int i = 0; i < 20000; i++) continue;
}

// What is loaded before is what is stored after, whatever ran between. The calls between clobber SSE by the ABI, so the value
// is kept in registers only across code that the compiler does not see: a system call made by hand.
static int sse_kept(double value) {
  double after;
  __asm__ volatile("movsd %1, %%xmm15\n\tmov $24, %%eax\n\tsyscall\n\tmov $24, %%eax\n\tsyscall\n\tmovsd %%xmm15, %0"
    : "=m"(after) : "m"(value) : "rax", "rcx", "r11", "xmm15", "memory");
  return after == value;
}

static int x87_kept(double value) {
  double after;
  __asm__ volatile("fldl %1\n\tmov $24, %%eax\n\tsyscall\n\tfstpl %0" : "=m"(after) : "m"(value) : "rax", "rcx", "r11", "memory");
  return after == value;
}

static int avx_kept(const double *value) {
  double after[4];
  __asm__ volatile("vmovupd (%1), %%ymm14\n\tmov $24, %%eax\n\tsyscall\n\tvmovupd %%ymm14, (%0)\n\tvzeroupper"
    :: "r"(after), "r"(value) : "rax", "rcx", "r11", "xmm14", "memory");
  for (int i = 0; i < 4; i++) if (after[i] != value[i]) return 0;
  return 1;
}

static int child(int number) {
  double sum = number, wide[4] = { number, number + 0.25, number + 0.5, number + 0.75 };
  for (int round = 0; round < ROUNDS; round++) {
    sum = sum * 1.0000001 + 1.0 / (round + number + 1);
    if (!sse_kept(sum) || !x87_kept(sum + number)) return 1;
    if (has_avx() && !avx_kept(wide)) return 2;
    give_away(round);
  }
  double again = number;
  for (int round = 0; round < ROUNDS; round++) again = again * 1.0000001 + 1.0 / (round + number + 1);
  return sum == again ? 0 : 3;
}

int main(void) {
  int wrong = 0;
  for (int i = 0; i < CHILDREN; i++) if (fork() == 0) _exit(child(i + 1));
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    wait(&status);
    if (status != 0) { printf("registers: status %x\n", status); wrong = 1; }
  }
  printf("registers: %s%s\n", wrong ? "lost" : "kept", has_avx() ? ", AVX too" : "");
  return wrong;
}
