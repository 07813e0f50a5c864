// What a processor remembers of a mapping must be forgotten when the mapping changes: each page is used, so that it is remembered, then
// its mapping is changed, and used again. A line for each that goes wrong, and their number.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 40 };
typedef volatile unsigned char *Bytes;

static sigjmp_buf back;
static int wrong, tried;

static volatile int watched;
static void caught(int number) {
  if (!watched) _exit(99);
  siglongjmp(back, number);
}

static void expect(int right, const char *what) {
  tried++;
  if (right) return;
  wrong++;
  printf("wrong: %s\n", what);
}

/** The signal that an access ends in, 0 for none. */
static int reading(Bytes p) {
  int number = sigsetjmp(back, 1);
  watched = 1;
  if (number == 0) (void)*p;
  watched = 0;
  return number;
}
static int writing(Bytes p) {
  int number = sigsetjmp(back, 1);
  watched = 1;
  if (number == 0) *p = 0x77;
  watched = 0;
  return number;
}
static int calling(Bytes p) {
  int number = sigsetjmp(back, 1);
  watched = 1;
  if (number == 0) ((void (*)(void))p)();
  watched = 0;
  return number;
}

static Bytes fresh(void) {
  Bytes p = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < PAGES; i++) p[i * PAGE] = (unsigned char)(i + 1);
  return p;
}

static void protections(void) {
  Bytes p = fresh();
  mprotect((void *)p, PAGE, PROT_READ);
  expect(writing(p) == SIGSEGV && *p == 1, "a page that may only be read any more");
  mprotect((void *)p, PAGES * PAGE, PROT_READ);
  expect(writing(p + 39 * PAGE) == SIGSEGV, "forty of them");
  mprotect((void *)p, PAGE, PROT_NONE);
  expect(reading(p) == SIGSEGV, "a page that may not be touched");
  mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE);
  expect(*p == 1 && writing(p) == 0 && *p == 0x77, "a page that may be written again");
  munmap((void *)p, PAGE);
  expect(reading(p) == SIGSEGV, "a page that is unmapped");
  expect(p[PAGE] == 2, "its neighbour");
  munmap((void *)p, PAGES * PAGE);
  expect(reading(p + 20 * PAGE) == SIGSEGV, "many that are");
}

static void execution(void) {
  Bytes p = fresh();
  *p = 0xc3; // ret
  expect(calling(p) == SIGSEGV, "data that is called");
  mprotect((void *)p, PAGE, PROT_READ | PROT_EXEC);
  expect(calling(p) == 0, "code that is called");
  mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE);
  expect(calling(p) == SIGSEGV, "what is data again");
}

static void moves(void) {
  Bytes p = fresh();
  Bytes to = mremap((void *)p, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
  int all = to != MAP_FAILED;
  for (int i = 0; all && i < PAGES; i++) all = to[i * PAGE] == i + 1;
  expect(all && to[PAGES * PAGE] == 0, "memory that grew");
  Bytes room = mmap(0, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Bytes moved = mremap((void *)to, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
  expect(moved == room && moved[5 * PAGE] == 6, "memory that moved");
  expect(reading(to) == SIGSEGV, "where it was");
  mmap((void *)moved, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  expect(moved[0] == 0 && moved[PAGE] == 2, "a page that another is mapped over");
  madvise((void *)(moved + PAGE), PAGE, MADV_DONTNEED);
  expect(moved[PAGE] == 0 && moved[2 * PAGE] == 3, "a page that is not needed");
  Bytes end = (Bytes)syscall(SYS_brk, 0);
  end = (Bytes)(((unsigned long)end + PAGE - 1) / PAGE * PAGE);
  syscall(SYS_brk, end + 2 * PAGE);
  end[PAGE + 5] = 1;
  syscall(SYS_brk, end + PAGE);
  expect(reading(end + PAGE + 5) == SIGSEGV, "the heap past its end");
}

static void forks(void) {
  Bytes p = fresh();
  Bytes shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int toChild[2], toParent[2];
  char token = 0;
  if (pipe(toChild) < 0 || pipe(toParent) < 0) return;
  if (fork() == 0) {
    (void)!read(toChild[0], &token, 1); // the parent has written
    int good = p[0] == 1 && p[PAGE] == 2 && shared[0] == 9;
    p[PAGE] = 50;
    shared[1] = 10;
    (void)!write(toParent[1], &token, 1);
    _exit(good && p[PAGE] == 50 ? 0 : 1);
  }
  p[0] = 99;
  shared[0] = 9;
  (void)!write(toChild[1], &token, 1);
  (void)!read(toParent[0], &token, 1);
  int status = -1;
  wait(&status);
  expect(status == 0, "what a child sees");
  expect(p[0] == 99 && p[PAGE] == 2 && shared[1] == 10, "what its parent sees");
  p[PAGE] = 3;
  expect(p[PAGE] == 3, "a page that is one's own again");
}

static void zeros(void) {
  Bytes p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(p[0] == 0 && p[PAGE] == 0, "pages that are only read");
  p[0] = 5;
  expect(p[0] == 5 && p[PAGE] == 0, "and one of them written to");
}

int main(void) {
  signal(SIGSEGV, caught);
  for (int round = 0; round < 3; round++) {
    protections();
    execution();
    moves();
    forks();
    zeros();
  }
  printf("mapping: %d tried, %d wrong\n", tried, wrong);
  return wrong != 0;
}
