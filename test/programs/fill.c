// Fill memory that is more than the machine has, and read back every byte of it.
//
//   fill MIB seq|rand [SEED]     a line "fill: ok …", or what was wrong and status 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, WORDS = PAGE / 4 };

static unsigned state;

static unsigned next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static unsigned word(unsigned page, unsigned index, unsigned round) {
  return (page + 1) * 0x9e3779b1u + index * 0x85ebca6bu + round * 0xc2b2ae35u;
}

static void fill(unsigned *memory, unsigned page, unsigned round) {
  for (unsigned i = 0; i < WORDS; i++) memory[(size_t)page * WORDS + i] = word(page, i, round);
}

static void check(const unsigned *memory, unsigned page, unsigned round) {
  for (unsigned i = 0; i < WORDS; i++) {
    if (memory[(size_t)page * WORDS + i] == word(page, i, round)) continue;
    printf("fill: page %u word %u round %u is %08x\n", page, i, round, memory[(size_t)page * WORDS + i]);
    exit(1);
  }
}

int main(int argc, char **argv) {
  unsigned pages = argc > 1 ? atoi(argv[1]) * 256 : 256;
  int random = argc > 2 && strcmp(argv[2], "rand") == 0;
  state = argc > 3 ? atoi(argv[3]) : 1;
  unsigned char *rounds = calloc(pages, 1);
  unsigned *memory = mmap(0, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || rounds == 0) { perror("fill"); return 1; }
  for (unsigned page = 0; page < pages; page++) fill(memory, page, 0);
  for (unsigned step = 0; random && step < pages; step++) { // half of the steps write anew
    unsigned page = next() % pages;
    check(memory, page, rounds[page]);
    if (next() & 1) fill(memory, page, ++rounds[page]);
  }
  for (unsigned page = 0; page < pages; page++) check(memory, page, rounds[page]);
  printf("fill: ok %u pages %s\n", pages, random ? "at random" : "in order");
  return 0;
}
