// Paging as a program sees it: a word into each page of MIB mebibytes, which is more than the machine has, all read back in
// order, then PAGES of them at random; each word is checked. Three lines of figures.

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static unsigned state = 1;

static unsigned next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static void check(const volatile unsigned char *memory, size_t page) {
  if (*(const volatile unsigned *)(memory + page * PAGE) == (unsigned)page * 2654435761u) return;
  printf("swap: page %zu is wrong\n", page);
  exit(1);
}

int main(int argc, char **argv) {
  size_t mebibytes = argc > 1 ? atoi(argv[1]) : 200;
  size_t random = argc > 2 ? atoi(argv[2]) : 20000;
  size_t pages = mebibytes * 256;
  unsigned char *memory = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) { perror("swap: mmap"); return 1; }
  madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
  double start = now();
  for (size_t page = 0; page < pages; page++) *(volatile unsigned *)(memory + page * PAGE) = (unsigned)page * 2654435761u;
  printf("swap: out %.2f\n", mebibytes / (now() - start));
  start = now();
  for (size_t page = 0; page < pages; page++) check(memory, page);
  printf("swap: in %.2f\n", mebibytes / (now() - start));
  start = now();
  for (size_t i = 0; i < random; i++) check(memory, next() % pages);
  printf("swap: random %.0f\n", random / (now() - start));
  printf("swap: done\n");
  return 0;
}
