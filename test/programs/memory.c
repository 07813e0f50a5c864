// More memory than there is: `memory MIB [children [random]]` fills every page in order, reads all back in order, then so many pages
// at random (20,000), some of them written to, then all again. With children, each does so at the same time.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int looks = 20000;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t seed;
static uint32_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static uint32_t word(uint32_t page, uint32_t salt, uint32_t index) { return (page + 1) * 2654435761u + index * 40503u + salt; }

/** Every word of a page. */
static void fill(uint32_t *at, uint32_t page, uint32_t salt) {
  for (uint32_t i = 0; i < PAGE / 4; i++) at[i] = word(page, salt, i);
}
static int holds(const uint32_t *at, uint32_t page, uint32_t salt) {
  for (uint32_t i = 0; i < PAGE / 4; i++) if (at[i] != word(page, salt, i)) return 0;
  return 1;
}

static int work(uint32_t pages, uint32_t who) {
  uint32_t *memory = mmap(0, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint8_t *round = calloc(pages, 1);
  uint32_t wrong = 0;
  if (memory == MAP_FAILED || !round) return 2;
  seed = 12345 + who;
  uint64_t start = now();
  for (uint32_t page = 0; page < pages; page++) fill(memory + page * 1024, page, who);
  uint64_t written = now();
  for (uint32_t page = 0; page < pages; page++) wrong += !holds(memory + page * 1024, page, who);
  uint64_t read = now();
  for (int i = 0; i < looks; i++) {
    uint32_t page = next() % pages;
    wrong += !holds(memory + page * 1024, page, who + round[page] * 7u);
    if (i % 3 == 0) fill(memory + page * 1024, page, who + ++round[page] * 7u);
  }
  uint64_t random = now();
  for (uint32_t page = 0; page < pages; page++) wrong += !holds(memory + page * 1024, page, who + round[page] * 7u);
  printf("memory %u: %u pages, wrong %u, out %lu us, in %lu us, random %lu us\n", who, pages, wrong,
    (unsigned long)(written - start), (unsigned long)(read - written), (unsigned long)(random - read));
  fflush(stdout);
  return wrong != 0;
}

int main(int count, char **arguments) {
  uint32_t pages = (uint32_t)atoi(count > 1 ? arguments[1] : "64") * 256;
  int children = count > 2 ? atoi(arguments[2]) : 0;
  int failed = 0;
  if (count > 3) looks = atoi(arguments[3]);
  for (int i = 0; i < children; i++) {
    pid_t child = fork();
    if (child < 0) return 3;
    if (child == 0) _exit(work(pages, (uint32_t)i + 1));
  }
  if (children == 0) return work(pages, 0);
  for (int i = 0; i < children; i++) {
    int status;
    if (wait(&status) < 0) return 4;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      failed++;
      printf("child ended with status %x\n", status);
    }
  }
  printf("children %d, failed %d\n", children, failed);
  return failed != 0;
}
