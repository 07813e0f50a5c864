// Limits that hold: on the address space, data, the stack, files; what is kept, inherited, and told of another process. And what is
// mapped so that it is there at once.
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };
static char *self, hundred[100];
static volatile int handled;
static void count(int number) { handled += number == SIGXFSZ; }

static int set(int resource, rlim_t soft) {
  struct rlimit limit;
  getrlimit(resource, &limit);
  limit.rlim_cur = soft;
  return setrlimit(resource, &limit);
}

static void *map(size_t bytes, int protection, int flags) { return mmap(NULL, bytes, protection, flags | MAP_ANONYMOUS, -1, 0); }

static void must_not_map(void) { _exit(map(256 * MIB, PROT_NONE, MAP_PRIVATE) != MAP_FAILED); }

static void address_space(void) {
  equal(set(RLIMIT_AS, 128 * MIB), 0, "a limit on the address space");
  check(map(256 * MIB, PROT_NONE, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM, "more than that is not mapped");
  char *some = map(16 * MIB, PROT_READ, MAP_PRIVATE);
  check(some != MAP_FAILED, "less is");
  check(mremap(some, 16 * MIB, 256 * MIB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM, "nor does it grow past it");
  equal(child_status(must_not_map), 0, "a child inherits it");
  equal(munmap(some, 16 * MIB), 0, "unmapped");
  exit(failures != 0);
}

static void data(void) {
  long end = syscall(SYS_brk, 0);
  equal(set(RLIMIT_DATA, 8 * MIB), 0, "a limit on data");
  equal(syscall(SYS_brk, end + 16 * MIB), end, "the heap does not grow past it");
  equal(syscall(SYS_brk, end + MIB), end + MIB, "it grows up to it");
  check(map(16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM, "private memory is data");
  char *some = map(16 * MIB, PROT_READ, MAP_PRIVATE);
  check(some != MAP_FAILED, "what is not written to is none");
  check(map(16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED) != MAP_FAILED, "nor is shared memory");
  fails(mprotect(some, 16 * MIB, PROT_READ | PROT_WRITE), ENOMEM, "nor may it become data");
  equal(mprotect(some, MIB, PROT_READ | PROT_WRITE), 0, "a part of it may");
  exit(failures != 0);
}

static int deep(int levels) {
  volatile char room[16384];
  room[0] = levels, room[16383] = 1;
  return levels == 0 ? room[0] : deep(levels - 1) + room[16383];
}

/** A megabyte of stack. */
static void deeper(void) { _exit(deep(64) != 64); }

static void stacks(void) {
  equal(set(RLIMIT_STACK, 8 * MIB), 0, "a stack as it comes");
  equal(child_status(deeper), 0, "is deep enough");
  equal(set(RLIMIT_STACK, 512 * 1024), 0, "a smaller one");
  int status = child_status(deeper);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "ends where the limit says");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) execl(self, self, "deeper", (char *)0), _exit(99);
  waitpid(pid, &status, 0);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a new program's, too");
  set(RLIMIT_STACK, 24 * MIB);
  pid = fork();
  if (pid == 0) execl(self, self, "deepest", (char *)0), _exit(99);
  waitpid(pid, &status, 0);
  equal(status, 0, "and a larger one is larger for it");
  exit(failures != 0);
}

static void too_much(void) {
  int file = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0644);
  set(RLIMIT_FSIZE, 100);
  if (write(file, hundred, 100) == 100) write(file, hundred, 1);
}

static void files(void) {
  char bytes[150] = {1};
  struct stat about;
  struct iovec { void *base; size_t length; } two[] = {{bytes, 8}, {bytes, 8}};
  int file = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0644), ends[2];
  equal(write(file, bytes, 150), 150, "a file");
  signal(SIGXFSZ, count);
  equal(set(RLIMIT_FSIZE, 100), 0, "a limit on files");
  fails(write(file, bytes, 1), EFBIG, "there is no more to be written");
  equal(handled, 1, "and a signal says so");
  equal(pread(file, bytes, 150, 0), 150, "what is there can be read");
  equal(pwrite(file, bytes, 150, 90), 10, "up to the limit a write goes");
  fails(pwrite(file, bytes, 1, 100), EFBIG, "and no further");
  equal(pwrite(file, bytes, 0, 100), 0, "nothing can be written anywhere");
  equal(lseek(file, 88, SEEK_SET), 88, "twelve bytes before it");
  equal(syscall(SYS_writev, file, two, 2), 12, "of two pieces the second is cut");
  equal(ftruncate(file, 120), 0, "a file that is longer may become shorter");
  fails(ftruncate(file, 130), EFBIG, "and not longer again");
  equal(ftruncate(file, 10), 0, "short");
  equal(ftruncate(file, 100), 0, "as long as may be");
  fails(truncate("/tmp/limited", 101), EFBIG, "by its name neither");
  check(fstat(file, &about) == 0 && about.st_size == 100, "its size is the limit");
  equal(handled, 4, "a signal each time");
  check(pipe(ends) == 0 && write(ends[1], bytes, 150) == 150, "a pipe is no file");
  signal(SIGXFSZ, SIG_IGN);
  fails(pwrite(file, bytes, 1, 100), EFBIG, "the signal may be ignored");
  int status = child_status(too_much);
  check(WIFEXITED(status), "as it is by a child");
  signal(SIGXFSZ, SIG_DFL);
  status = child_status(too_much);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "else it ends the process");
  unlink("/tmp/limited");
  exit(failures != 0);
}

static void kept(void) {
  struct rlimit limit = {3, 2}, was;
  int all = 1;
  for (int i = 0; i < 16; i++) all &= getrlimit(i, &was) == 0 && setrlimit(i, &was) == 0;
  check(all, "each of the sixteen can be read and set to what it is");
  fails(getrlimit(16, &was), EINVAL, "there are no more");
  fails(setrlimit(RLIMIT_CORE, &limit), EINVAL, "no more than may be");
  limit = (struct rlimit){1, 1};
  equal(setrlimit(RLIMIT_NPROC, &limit), 0, "one process");
  equal(child_status(must_not_map) & 0x7f, 0, "does not hold for who may have more");
  pid_t pid = fork();
  if (pid == 0) {
    getrlimit(RLIMIT_NPROC, &was);
    if (was.rlim_cur != 1) _exit(1);
    do getrlimit(RLIMIT_FSIZE, &was);
    while (was.rlim_cur != 1234);
    _exit(7);
  }
  limit = (struct rlimit){1234, 5678};
  equal(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0, "a limit for another process");
  int status = 0;
  check(waitpid(pid, &status, 0) == pid && status == 7 << 8, "which has it from then on");
  getrlimit(RLIMIT_FSIZE, &was);
  check(was.rlim_cur != 1234, "and only it");
  fails(prlimit(0x3fffffff, RLIMIT_FSIZE, &limit, NULL), ESRCH, "no such process");
  exit(failures != 0);
}

static long faults_of_touching(char *pages, int writing) {
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 64; i++) {
    if (writing) ((volatile char *)pages)[4096 * i] = 1;
    else (void)((volatile char *)pages)[4096 * i];
  }
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

static void populated(void) {
  char *pages = map(64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  madvise(pages, 64 * 4096, 15); // MADV_NOHUGEPAGE
  check(faults_of_touching(pages, 1) >= 60, "each page is a fault");
  munmap(pages, 64 * 4096);
  pages = map(64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
  check(faults_of_touching(pages, 1) <= 4, "with MAP_POPULATE none is");
  pages = map(64 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
  check(faults_of_touching(pages, 1) <= 4, "nor in shared memory");
  pages = map(64 * 4096, PROT_READ, MAP_PRIVATE | MAP_POPULATE);
  check(faults_of_touching(pages, 0) <= 4, "nor in what is only read");
  int file = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0644);
  check(ftruncate(file, 32 * 4096) == 0, "a file of half as much");
  pages = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  check(pages != MAP_FAILED && pages[0] == 0, "mapped with what there is of it");
  pages = map(64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_POPULATE);
  check(pages != MAP_FAILED, "what may not be touched is not");
  close(file), unlink("/tmp/limited");
}

/** A child of vfork, which has its parent's memory meanwhile, may limit itself. */
static void vforked(void) {
  int status = -1;
  pid_t pid = vfork();
  if (pid == 0) _exit(set(RLIMIT_AS, 64 * MIB) != 0);
  waitpid(pid, &status, 0);
  equal(status, 0, "a child of vfork limits itself");
  check(map(256 * MIB, PROT_NONE, MAP_PRIVATE) != MAP_FAILED, "and not its parent");
}

/** MADV_FREE: what was there, or nothing; what is written afterwards stays. */
static void freed(void) {
  volatile char *pages = map(64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  int other = 0, kept = 0;
  for (int i = 0; i < 64; i++) pages[4096 * i] = 7;
  equal(madvise((void *)pages, 64 * 4096, 8), 0, "MADV_FREE");
  for (int i = 0; i < 64; i++) other += pages[4096 * i] != 7 && pages[4096 * i] != 0;
  for (int i = 0; i < 32; i++) pages[4096 * i] = 9;
  for (int i = 0; i < 32; i++) kept += pages[4096 * i] == 9;
  check(other == 0 && kept == 32, "pages are as they were or empty, until they are written to");
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  self = argv[0];
  if (argc == 2 && strcmp(argv[1], "deeper") == 0) deeper();
  if (argc == 2) _exit(deep(1000) == 0);
  equal(child_status(address_space), 0, "the address space");
  equal(child_status(data), 0, "data");
  equal(child_status(stacks), 0, "stacks");
  equal(child_status(files), 0, "files");
  equal(child_status(kept), 0, "what is kept");
  populated();
  freed();
  vforked();
  return finish();
}
