// Locks on files between processes: ranges, conflicts, waiting, deadlocks, what ends them; locks of open files; flock.
#include "check.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *path = "/tmp/locks";
static int file, ends[2];

static struct flock range(int type, long start, long length) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static int set(int command, int type, long start, long length) {
  struct flock lock = range(type, start, length);
  return fcntl(file, command, &lock);
}

/** What is in the way of an exclusive lock, as seen by a child of the one that has it. */
static int seen(long start, long length, int type, long from, long bytes, pid_t by) {
  struct flock lock = range(F_WRLCK, start, length);
  if (fcntl(file, F_GETLK, &lock) != 0 || lock.l_type != type) return 0;
  return type == F_UNLCK || (lock.l_start == from && lock.l_len == bytes && lock.l_pid == by && lock.l_whence == SEEK_SET);
}

static pid_t parent;

static void looks_at_ranges(void) {
  int all = seen(0, 0, F_WRLCK, 10, 10, parent);
  all &= seen(0, 10, F_UNLCK, 0, 0, 0) && seen(20, 0, F_RDLCK, 30, 0, parent);
  all &= seen(20, 10, F_UNLCK, 0, 0, 0);
  _exit(!all);
}

static void looks_at_the_middle(void) {
  int all = seen(0, 0, F_WRLCK, 10, 4, parent) && seen(14, 0, F_RDLCK, 14, 2, parent) && seen(16, 0, F_WRLCK, 16, 4, parent);
  _exit(!all);
}

static void looks_at_one(void) { _exit(!seen(0, 0, F_WRLCK, 10, 10, parent)); }
static void sees_nothing(void) { _exit(!seen(0, 0, F_UNLCK, 0, 0, 0)); }
static void is_refused(void) { _exit(set(F_SETLK, F_RDLCK, 15, 1) != -1 || errno != EAGAIN); }

static void ranges(void) {
  parent = getpid();
  equal(set(F_SETLK, F_WRLCK, 10, 10), 0, "ten bytes");
  equal(set(F_SETLK, F_RDLCK, 30, 0), 0, "and from thirty to the end");
  equal(child_status(looks_at_ranges), 0, "a child sees them, and has none itself");
  equal(child_status(is_refused), 0, "nor gets one there");
  equal(set(F_SETLK, F_UNLCK, 25, 0), 0, "the end unlocked");
  equal(set(F_SETLK, F_RDLCK, 14, 2), 0, "the middle made shared");
  equal(child_status(looks_at_the_middle), 0, "makes three of one");
  equal(set(F_SETLK, F_WRLCK, 14, 2), 0, "and exclusive again");
  equal(child_status(looks_at_one), 0, "one of three");
  int again = open(path, O_RDONLY);
  close(again);
  equal(child_status(sees_nothing), 0, "closing any descriptor of it unlocks all");
  struct flock lock = range(F_WRLCK, 0, 0);
  equal(fcntl(file, F_GETLK, &lock), 0, "F_GETLK");
  equal(lock.l_type, F_UNLCK, "of what is free");
  lock = range(F_WRLCK, 5, -6);
  fails(fcntl(file, F_SETLK, &lock), EINVAL, "before the file");
  lock = range(9, 0, 0);
  fails(fcntl(file, F_SETLK, &lock), EINVAL, "no such type");
  lock = range(F_UNLCK, 0, 0);
  fails(fcntl(file, F_GETLK, &lock), EINVAL, "nothing to be asked for");
  fails(fcntl(file, F_SETLK, (void *)16), EFAULT, "no struct there");
  int reader = open(path, O_RDONLY);
  lock = range(F_WRLCK, 0, 0);
  fails(fcntl(reader, F_SETLK, &lock), EBADF, "a write lock wants a file that may be written to");
  close(reader);
  fails(fcntl(99, F_SETLK, &lock), EBADF, "no such descriptor");
}

static void takes_and_tells(void) {
  if (set(F_SETLKW, F_WRLCK, 0, 0) == 0) write(ends[1], "x", 1);
}

/** A child that waits for this process's lock. */
static pid_t waiter(void) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) takes_and_tells(), pause(), _exit(0);
  sleep_ms(60);
  return pid;
}

static int told(void) {
  char byte;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return read(ends[0], &byte, 1) == 1;
}

static void ended(pid_t pid) { kill(pid, SIGKILL), waitpid(pid, NULL, 0); }
static volatile int rung;
static void ring(int number) { rung = number; }

static void interrupted(void) {
  struct sigaction action = {.sa_handler = ring};
  sigaction(SIGALRM, &action, NULL);
  ualarm(50000, 0);
  int result = set(F_SETLKW, F_WRLCK, 0, 0);
  _exit(!(result == -1 && errno == EINTR && rung == SIGALRM));
}

static void waiting(void) {
  pipe(ends);
  equal(set(F_SETLK, F_WRLCK, 3, 1), 0, "a byte");
  pid_t pid = waiter();
  check(!told(), "who wants all of it waits");
  equal(set(F_SETLK, F_UNLCK, 0, 0), 0, "until it is unlocked");
  sleep_ms(60);
  check(told(), "then it has it");
  fails(set(F_SETLK, F_RDLCK, 3, 1), EAGAIN, "and nobody else");
  ended(pid);
  equal(set(F_SETLK, F_RDLCK, 3, 1), 0, "it ended, and with it its lock");
  equal(child_status(interrupted), 0, "a signal ends the waiting");
  pid = waiter();
  equal(set(F_SETLK, F_WRLCK, 3, 1), 0, "what is held may be made exclusive while others wait");
  ended(pid);
  equal(set(F_SETLK, F_UNLCK, 0, 0), 0, "who was killed waiting has nothing");
}

static void waits_for_the_first(void) {
  set(F_SETLK, F_WRLCK, 1, 1);
  write(ends[1], "x", 1);
  set(F_SETLKW, F_WRLCK, 0, 1);
  pause();
}

static void deadlocks(void) {
  char byte;
  equal(set(F_SETLK, F_WRLCK, 0, 1), 0, "the first has a byte");
  fcntl(ends[0], F_SETFL, 0);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) waits_for_the_first();
  check(read(ends[0], &byte, 1) == 1, "the second another, and waits for the first");
  sleep_ms(60);
  fails(set(F_SETLKW, F_WRLCK, 1, 1), EDEADLK, "the first may not wait for the second");
  fails(set(F_SETLK, F_WRLCK, 1, 1), EAGAIN, "nor does it get it so");
  ended(pid);
  equal(set(F_SETLKW, F_WRLCK, 1, 1), 0, "it does when the second has ended");
  set(F_SETLK, F_UNLCK, 0, 0);
}

static void keeps_open(void) { sleep_ms(150); }

static void open_files(void) {
  struct flock lock = range(F_WRLCK, 0, 10);
  int second = open(path, O_RDWR);
  equal(fcntl(file, F_OFD_SETLK, &lock), 0, "a lock of an open file");
  fails(fcntl(second, F_OFD_SETLK, &lock), EAGAIN, "excludes another's in the same process");
  fails(fcntl(second, F_SETLK, &lock), EAGAIN, "and the process's own");
  equal(fcntl(second, F_OFD_GETLK, &lock), 0, "F_OFD_GETLK");
  check(lock.l_type == F_WRLCK && lock.l_start == 0 && lock.l_len == 10 && lock.l_pid == -1, "says whose it is: nobody's");
  lock.l_pid = 5;
  fails(fcntl(second, F_OFD_SETLK, &lock), EINVAL, "a process has no part in it");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) keeps_open(), _exit(0);
  int third = dup(file);
  close(file);
  lock = range(F_WRLCK, 0, 10);
  fails(fcntl(second, F_OFD_SETLK, &lock), EAGAIN, "it lasts as long as the open file");
  close(third);
  fails(fcntl(second, F_OFD_SETLK, &lock), EAGAIN, "which a child has, too");
  equal(fcntl(second, F_OFD_SETLKW, &lock), 0, "until that ends");
  waitpid(pid, NULL, 0);
  file = second;
  lock = range(F_UNLCK, 0, 0);
  equal(fcntl(file, F_OFD_SETLK, &lock), 0, "unlocked");
}

static void has_the_same(void) { _exit(flock(file, LOCK_EX | LOCK_NB) != 0); }
static void opens_its_own(void) {
  int other = open(path, O_RDONLY);
  _exit(flock(other, LOCK_SH | LOCK_NB) != -1 || errno != EWOULDBLOCK);
}
static void gets_it(void) {
  int other = open(path, O_RDONLY);
  _exit(flock(other, LOCK_EX) != 0);
}

static void whole_files(void) {
  equal(flock(file, LOCK_EX), 0, "flock");
  equal(child_status(has_the_same), 0, "a child with the same open file has the same lock");
  equal(child_status(opens_its_own), 0, "one that opens it for itself has not");
  equal(set(F_SETLK, F_WRLCK, 0, 0), 0, "locks of ranges are apart");
  equal(flock(file, LOCK_SH), 0, "shared instead");
  int other = open(path, O_RDONLY);
  equal(flock(other, LOCK_SH | LOCK_NB), 0, "goes with others");
  fails(flock(file, LOCK_EX | LOCK_NB), EWOULDBLOCK, "exclusive does not");
  equal(flock(other, LOCK_UN), 0, "unlocked");
  close(other);
  equal(child_status(gets_it), 0, "and free, as the other lost its own by asking");
  fails(flock(file, 5 | 8), EINVAL, "no such operation");
  fails(flock(99, LOCK_SH), EBADF, "no such descriptor");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  ranges();
  waiting();
  deadlocks();
  open_files();
  whole_files();
  unlink(path);
  return finish();
}
