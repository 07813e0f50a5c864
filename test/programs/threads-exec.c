// A process of several threads runs another program: the threads end, the program is there, and has the same process id.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int started;

static void *spin(void *unused) {
  (void)unused;
  __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) continue;
  return 0;
}

static void *wait_for_ever(void *unused) {
  (void)unused;
  __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) pause();
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    int same = atoi(argv[1]) == getpid();
    printf("threads: %s\n", same ? "the same process" : "another process");
    return !same;
  }
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    char pid[16];
    for (int i = 0; i < 4; i++) if (pthread_create(&thread, 0, i & 1 ? spin : wait_for_ever, 0) != 0) _exit(2);
    while (started != 4) usleep(1000);
    sprintf(pid, "%d", getpid());
    execl(argv[0], argv[0], pid, (char *)0);
    _exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  printf("threads: status %x\n", status);
  return status != 0;
}
