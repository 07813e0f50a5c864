// What a program pays for the kernel: nanoseconds of a null system call, of fork, exit and wait, of a byte there and back
// through two pipes, of the first touch of a page. The first program of either guest; a line a figure, then the end.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, CALLS = 100000, FORKS = 300, TURNS = 5000, PAGES = 4096 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static double null_call(void) {
  double start = now();
  for (int i = 0; i < CALLS; i++) syscall(SYS_getppid);
  return (now() - start) / CALLS;
}

static double fork_exit_wait(void) {
  double start = now();
  for (int i = 0; i < FORKS; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid < 0 || waitpid(pid, 0, 0) != pid) exit(1);
  }
  return (now() - start) / FORKS;
}

static double pipe_turn(void) {
  int there[2], back[2];
  char byte = 0;
  if (pipe(there) != 0 || pipe(back) != 0) exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < TURNS; i++) if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  double start = now();
  for (int i = 0; i < TURNS; i++) if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) exit(1);
  double taken = (now() - start) / TURNS / 2; // two switches a turn
  waitpid(pid, 0, 0);
  for (int i = 0; i < 2; i++) close(there[i]), close(back[i]);
  return taken;
}

static double first_touch(void) {
  char *memory = mmap(0, PAGES * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  madvise(memory, PAGES * 4096ul, MADV_NOHUGEPAGE);
  double start = now();
  for (int i = 0; i < PAGES; i++) memory[i * 4096ul] = 1;
  double taken = (now() - start) / PAGES;
  munmap(memory, PAGES * 4096ul);
  return taken;
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  for (int i = 0; i < ROUNDS; i++) {
    printf("calls: null %.0f\n", null_call());
    printf("calls: fork %.0f\n", fork_exit_wait());
    printf("calls: pipe %.0f\n", pipe_turn());
    printf("calls: touch %.0f\n", first_touch());
  }
  printf("calls: done\n");
  if (getpid() == 1) reboot(RB_POWER_OFF);
  return 0;
}
