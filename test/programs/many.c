// 64 processes at once, each of which fills memory of its own and checks it; then as many as there can be.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 64, WORDS = 16384, MOST = 5000 };

static unsigned memory[WORDS];

static int child(int number, int go) {
  char byte;
  if (read(go, &byte, 1) != 0) return 1; // all are there when the parent closes its end
  for (int round = 0; round < 8; round++) {
    for (unsigned i = 0; i < WORDS; i++) memory[i] = i * 2654435761u + number + round;
    for (unsigned i = 0; i < WORDS; i++) if (memory[i] != i * 2654435761u + number + round) return 2;
  }
  return 40 + number;
}

static int together(void) {
  int go[2], bad = 0;
  pid_t pids[CHILDREN];
  if (pipe(go) != 0) return 1;
  for (int i = 0; i < CHILDREN; i++) {
    pids[i] = fork();
    if (pids[i] < 0) return 1;
    if (pids[i] == 0) { close(go[1]); _exit(child(i, go[0])); }
  }
  close(go[0]);
  close(go[1]);
  for (int i = CHILDREN - 1; i >= 0; i--) {
    int status = 0;
    if (waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 40 + i) bad++;
  }
  printf("64 at once: %s\n", bad == 0 ? "ok" : "wrong");
  return bad;
}

static int bomb(void) {
  int go[2], count = 0, reaped = 0;
  if (pipe(go) != 0) return 1;
  while (count < MOST) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      char byte;
      close(go[1]);
      if (read(go[0], &byte, 1) != 0) _exit(1);
      _exit(0);
    }
    if (pid < 0) break;
    count++;
  }
  int contained = count < MOST && (errno == EAGAIN || errno == ENOMEM);
  close(go[1]);
  while (wait(0) > 0) reaped++;
  printf("bomb: %s at %d, %s\n", contained ? "contained" : "not contained", count, reaped == count ? "all reaped" : "some lost");
  return !contained || reaped != count;
}

int main(void) {
  return together() + bomb();
}
