// A process of several threads runs another program: the threads end, and whichever of them called has the process's id, parent and
// children. A file that is no program leaves the threads as they were.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

static volatile int started;
static volatile unsigned long turns;
static char *self, first[16], second[16], child[16];

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

static void crowd(void) {
  pthread_t thread;
  for (int i = 0; i < 4; i++) if (pthread_create(&thread, 0, i & 1 ? spin : wait_for_ever, 0) != 0) _exit(2);
  while (started != 4) usleep(1000);
}

/** No program, though it may be run: the threads still turn after it has been refused. */
static int refused(void) {
  int file = open("/tmp/no-program", O_CREAT | O_WRONLY, 0755);
  if (file < 0 || write(file, "\177ELF", 4) != 4 || close(file) != 0) return 0;
  if (execl("/tmp/no-program", "/tmp/no-program", (char *)0) != -1 || errno != ENOEXEC || unlink("/tmp/no-program") != 0) return 0;
  unsigned long before = turns;
  for (int i = 0; i < 1000 && turns == before; i++) usleep(1000);
  return turns != before;
}

/** The program again, which is told who it is to be: its id, its parent's, and that of a child. */
static void *replace(void *unused) {
  execl(self, self, first, second, child, (char *)0);
  return unused;
}

static int replaced(char **argv) {
  int status = 0, pid = atoi(argv[3]), failed = 0;
  failed |= getpid() != atoi(argv[1]) ? 1 : 0;
  failed |= syscall(SYS_gettid) != atoi(argv[1]) ? 2 : 0;
  failed |= getppid() != atoi(argv[2]) ? 4 : 0;
  failed |= waitpid(pid, &status, 0) != pid || status != 9 << 8 ? 8 : 0;
  failed |= kill(getpid(), 0) != 0 || getpgid(0) != atoi(argv[2]) ? 16 : 0;
  return failed;
}

/** What all of them begin with: a child, who is who, and four other threads. */
static void begin(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(9);
  sprintf(first, "%d", getpid()), sprintf(second, "%d", getppid()), sprintf(child, "%d", pid);
  crowd();
}

static void by_the_first(void) {
  begin();
  if (!refused()) _exit(99);
  replace(0);
}

static void by_another(void) {
  pthread_t thread;
  begin();
  pthread_create(&thread, 0, replace, 0);
  for (;;) pause();
}

/** The first thread has ended before. */
static void without_the_first(void) {
  pthread_t thread;
  begin();
  pthread_create(&thread, 0, replace, 0);
  syscall(SYS_exit, 7);
}

/** Eight at once: one of them it is. */
static void by_all(void) {
  pthread_t thread;
  begin();
  for (int i = 0; i < 8; i++) pthread_create(&thread, 0, replace, 0);
  replace(0);
}

static int ends_by(void *unused) {
  (void)unused;
  sprintf(first, "%d", getpid()), sprintf(second, "%d", getppid());
  pid_t pid = fork();
  if (pid == 0) _exit(9);
  sprintf(child, "%d", pid);
  replace(0);
  return 1;
}

/** Its parent wanted another signal for its end; of a new program it gets SIGCHLD. */
static void signal_of_a_new_program(void) {
  static char stack[65536];
  sigset_t both;
  sigemptyset(&both), sigaddset(&both, SIGCHLD), sigaddset(&both, SIGUSR1);
  sigprocmask(SIG_BLOCK, &both, NULL);
  pid_t pid = clone(ends_by, stack + sizeof stack, SIGUSR1, NULL);
  int status = 0, number = 0;
  equal(waitpid(pid, &status, 0x40000000), pid, "a child that was to end by another signal"); // __WALL
  equal(status, 0, "ran another program");
  equal(sigwait(&both, &number) == 0 ? number : 0, SIGCHLD, "and its end is told by SIGCHLD");
  sigprocmask(SIG_UNBLOCK, &both, NULL);
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 4) return replaced(argv);
  setpgid(0, 0);
  equal(child_status(by_the_first), 0, "a process of several threads runs another program");
  equal(child_status(by_another), 0, "one that was not the first thread does");
  equal(child_status(without_the_first), 0, "the first thread has ended before");
  equal(child_status(by_all), 0, "all of them at once");
  signal_of_a_new_program();
  return finish();
}
