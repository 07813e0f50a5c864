// What the programs of this folder share. They run on Linux and on Porphyry alike: each line they print is a check.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures, checks;

/** One line, `ok` or `not ok`. */
static inline int check(int holds, const char *what) {
  checks++;
  if (!holds) failures++;
  printf("%s %s\n", holds ? "ok" : "not ok", what);
  return holds;
}

/** That a call gave `wanted`, or tells what it gave. */
static inline int equal(long got, long wanted, const char *what) {
  checks++;
  if (got == wanted) return printf("ok %s\n", what), 1;
  failures++;
  printf("not ok %s: %ld, not %ld (errno %d)\n", what, got, wanted, errno);
  return 0;
}

/** That a call failed so. */
static inline int fails(long got, int wanted, const char *what) {
  checks++;
  if (got == -1 && errno == wanted) return printf("ok %s\n", what), 1;
  failures++;
  printf("not ok %s: %ld, errno %d, not %d\n", what, got, errno, wanted);
  return 0;
}

/** The wait status of a child that runs `body`. */
static inline int child_status(void (*body)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  int status = -1;
  while (waitpid(pid, &status, 0) == -1 && errno == EINTR) continue;
  return status;
}

static inline long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) == -1 && errno == EINTR) continue;
}

static inline int finish(void) {
  printf("%d checks, %d failed\n", checks, failures);
  fflush(stdout);
  return failures != 0;
}
