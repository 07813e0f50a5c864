// The native harness of `make fuzz`: a program of the dialect (test/kernel/fuzz.ts) in its host variant, linked with
// this and compiled by afl-clang-fast++. One input is one call of fuzzRun, from the state that fuzzStart left: the
// program's variables and statics are put back before each. What is found is a signal, which AFL++ keeps as a crash.
//
//   harness TARGET            inputs from afl-fuzz, in persistent mode
//   harness TARGET FILE…      these, and what is wrong with the first bad one
//
// The arenas and the names are those of test/native/glue.cc.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t KERNEL_SIZE = 32 << 20, USER_SIZE = 1 << 20, INPUT_LIMIT = 65536;
static const uint32_t KERNEL_BASE = 0x80000000u;

extern "C" {
struct PorphyryExport { const char *name; uint32_t arity; int32_t (*call)(const int32_t *); };
extern PorphyryExport porphyry_exports[];
extern uint8_t porphyry_string_bytes[];
extern uint32_t porphyry_string_size, porphyry_string_address, porphyry_end;
extern char __start_porphyry_globals[], __stop_porphyry_globals[];
uint8_t *porphyry_kernel, *porphyry_user;

void porphyry_fault(const char *why) { fprintf(stderr, "fault: %s\n", why); abort(); }
void porphyry_unmapped(int32_t base, int32_t offset, uint32_t size) {
  fprintf(stderr, "fault: no memory at 0x%08x + 0x%08x for %u bytes\n", (uint32_t)base, (uint32_t)offset, size);
  abort();
}
void porphyry_not_a_function(int32_t address) { fprintf(stderr, "fault: no function at 0x%08x\n", (uint32_t)address); abort(); }
}

static uint8_t *zeroed(size_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) { perror("harness"); exit(2); }
  return (uint8_t *)p;
}

static int32_t call(const char *name, const int32_t *args) {
  for (PorphyryExport *each = porphyry_exports; each->name; each++)
    if (strcmp(each->name, name) == 0) return each->call(args);
  fprintf(stderr, "harness: the program exports no %s\n", name);
  exit(2);
}

/** The state after fuzzStart: the variables, and the pages of memory that are in use. */
static uint8_t *savedMemory, *savedGlobals;
static const size_t PAGE = 4096;
static size_t used, globals;

static void save() {
  used = (porphyry_end - KERNEL_BASE + PAGE - 1) / PAGE * PAGE;
  globals = __stop_porphyry_globals - __start_porphyry_globals;
  savedMemory = zeroed(used);
  savedGlobals = zeroed(globals);
  memcpy(savedMemory, porphyry_kernel, used);
  memcpy(savedGlobals, __start_porphyry_globals, globals);
}

/** Only what changed is written: most pages did not, and comparing is half the work of copying. */
static void restore() {
  for (size_t at = 0; at < used; at += PAGE)
    if (memcmp(porphyry_kernel + at, savedMemory + at, PAGE) != 0) memcpy(porphyry_kernel + at, savedMemory + at, PAGE);
  memcpy(__start_porphyry_globals, savedGlobals, globals);
}

/** At the very end of memory, where one byte too far is a fault. */
static void run(int target, const uint8_t *input, size_t length) {
  uint32_t at = KERNEL_SIZE - length;
  memcpy(porphyry_kernel + at, input, length);
  int32_t args[3] = { target, (int32_t)(KERNEL_BASE + at), (int32_t)length };
  uint32_t lost = call("fuzzRun", args);
  if (lost != 0) { fprintf(stderr, "fault: %d packets or files did not come back\n", (int32_t)lost); abort(); }
}

static int runFiles(int target, char **files, int count) {
  static uint8_t input[INPUT_LIMIT];
  for (int i = 0; i < count; i++) {
    FILE *file = fopen(files[i], "rb");
    if (!file) { perror(files[i]); return 2; }
    size_t length = fread(input, 1, sizeof input, file);
    fclose(file);
    fprintf(stderr, "%s\n", files[i]);
    restore();
    run(target, input, length);
  }
  return 0;
}

__AFL_FUZZ_INIT();

int main(int count, char **args) {
  if (count < 2) { fprintf(stderr, "usage: harness TARGET [FILE…]\n"); return 2; }
  porphyry_kernel = zeroed(KERNEL_SIZE);
  porphyry_user = zeroed(USER_SIZE);
  memcpy(porphyry_kernel + (porphyry_string_address - KERNEL_BASE), porphyry_string_bytes, porphyry_string_size);
  call("fuzzStart", nullptr);
  save();
  int target = atoi(args[1]);
  if (count > 2) return runFiles(target, args + 2, count - 2);
  __AFL_INIT();
  const uint8_t *input = __AFL_FUZZ_TESTCASE_BUF;
  while (__AFL_LOOP(100000)) {
    size_t length = __AFL_FUZZ_TESTCASE_LEN;
    restore();
    run(target, input, length < INPUT_LIMIT ? length : INPUT_LIMIT);
  }
  return 0;
}
