// A process of several threads runs another program: the threads end, the program is there, and has the same process id.
// A file that is no program leaves the threads as they were.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int started;
static volatile unsigned long turns;

static void *spin(void *unused) {
  (void)unused;
  __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) __atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
  return 0;
}

static void *wait_for_ever(void *unused) {
  (void)unused;
  __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) pause();
  return 0;
}

/** No program, though it may be run: the threads still turn after it has been refused. */
static int refused(void) {
  int file = open("/no-program", O_CREAT | O_WRONLY, 0755);
  if (file < 0 || write(file, "\177ELF", 4) != 4 || close(file) != 0) return 0;
  if (execl("/no-program", "/no-program", (char *)0) != -1 || errno != ENOEXEC || unlink("/no-program") != 0) return 0;
  unsigned long before = turns;
  for (int i = 0; i < 1000 && turns == before; i++) usleep(1000);
  return turns != before;
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
    if (!refused()) _exit(4);
    sprintf(pid, "%d", getpid());
    execl(argv[0], argv[0], pid, (char *)0);
    _exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  printf("threads: status %x\n", status);
  return status != 0;
}
