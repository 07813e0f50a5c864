// Shared memory, more than there may be room for: children write it in turn, each what the one before has read, and the parent finds
// all of it. shared MIB
#include "check.h"
#include <sys/mman.h>

static unsigned *memory;
static long words;

/** A word of each page, by round: not what another page has. */
static unsigned value(long i, int round) { return (unsigned)i * 2654435761u + round; }

static long wrong(int round) {
  long count = 0;
  for (long i = 0; i < words; i += 1024) count += memory[i] != value(i, round) || memory[i + 1023] != value(i, round);
  return count;
}

static void write_round(int round) {
  for (long i = 0; i < words; i += 1024) memory[i] = memory[i + 1023] = value(i, round);
}

int main(int argc, char **argv) {
  long mib = argc > 1 ? atol(argv[1]) : 8;
  words = mib << 18;
  memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  write_round(0);
  for (int round = 1; round < 4; round++) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      long before = wrong(round - 1);
      write_round(round);
      _exit(before != 0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    equal(status, 0, "a child finds what was written before it");
    equal(wrong(round), 0, "and its parent what it wrote");
  }
  unsigned *elsewhere = mremap(memory, mib << 20, mib << 20, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x50000000);
  check(elsewhere == (void *)0x50000000, "moved");
  memory = elsewhere;
  equal(wrong(3), 0, "it is all there");
  equal(munmap(memory, mib << 19), 0, "half of it unmapped");
  memory += words / 2;
  check(memory[0] == value(words / 2, 3), "the other half stays");
  return finish();
}
