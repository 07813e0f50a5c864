// What other people's tests and the fuzzer found here, each in the smallest program that shows it. docs/libc-test.md.
#include "check.h"
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

static volatile int handled;

static void handler(int number) { handled = number; }

static void kills_first(void) {
  int numbers[] = {SIGHUP, SIGTERM, SIGSTOP, SIGTSTP, SIGSEGV, SIGRTMIN, SIGKILL};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) kill(1, numbers[i]);
}

/** The first process: only what it handles reaches it. */
static void spared(void) {
  equal(child_status(kills_first), 0, "signals to the first process");
  check(1, "it lives");
  raise(SIGTERM);
  check(1, "its own neither");
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGTERM);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  check(1, "nor one that was blocked when it came");
  signal(SIGTERM, handler);
  raise(SIGTERM);
  equal(handled, SIGTERM, "a handler is called");
  signal(SIGTERM, SIG_DFL);
}

/** User memory ends at 2 GiB here: a segment may not begin past it. */
static void based(void) {
  const long set_gs = 0x1001;
  fails(syscall(SYS_arch_prctl, set_gs, 0x80000000ul), EPERM, "a segment past user memory");
}

static int orphan(void *unused) {
  (void)unused;
  sleep_ms(50);
  return 0;
}

static char stack[65536];

static void parent_goes(void) { clone(orphan, stack + sizeof stack, SIGUSR1, NULL); }

/** A child whose end its parent wanted to hear of by another signal. */
static void adopted(void) {
  handled = 0;
  signal(SIGUSR1, handler);
  child_status(parent_goes);
  int status = -1;
  check(wait(&status) > 0 && status == 0, "the first process waits for it like for any other");
  equal(handled, 0, "and does not get the signal");
  signal(SIGUSR1, SIG_DFL);
}

static void shared_memory(void) {
  sem_t *semaphore = sem_open("/outside", O_CREAT | O_EXCL, 0600, 2);
  if (!check(semaphore != SEM_FAILED, "sem_open")) return;
  int value = 0;
  sem_wait(semaphore);
  sem_getvalue(semaphore, &value);
  equal(value, 1, "a named semaphore counts");
  check(sem_open("/outside", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == EEXIST, "the name is taken");
  equal(sem_unlink("/outside"), 0, "and free");
  struct stat about;
  check(stat("/dev/shm", &about) == 0 && (about.st_mode & 07777) == 01777, "everybody may make something in /dev/shm");
}

static void limits(void) {
  struct rlimit limit, was;
  equal(getrlimit(RLIMIT_NOFILE, &was), 0, "getrlimit");
  limit = (struct rlimit){10, was.rlim_max};
  equal(setrlimit(RLIMIT_NOFILE, &limit), 0, "fewer descriptors");
  fails(dup2(0, 10), EBADF, "one past the limit");
  equal(dup2(0, 9), 9, "the last one");
  int got, highest = 0;
  while ((got = dup(0)) != -1) highest = got;
  check(errno == EMFILE && highest < 10, "there are no more");
  for (int i = 3; i < 10; i++) close(i);
  limit.rlim_cur = was.rlim_max + 1;
  fails(setrlimit(RLIMIT_NOFILE, &limit), EINVAL, "more than the hard limit");
  limit = (struct rlimit){20, 30};
  equal(setrlimit(RLIMIT_NOFILE, &limit), 0, "a lower hard limit");
  equal(getrlimit(RLIMIT_NOFILE, &limit), 0, "and read back");
  check(limit.rlim_cur == 20 && limit.rlim_max == 30, "as it was set");
}

static void limited(void) {
  limits();
  exit(failures != 0);
}

static int ends(void *unused) {
  (void)unused;
  *(volatile int *)8 = 1;
  return 0;
}

/** A thread made by vfork that ends its process: who made it has to end, too. */
static void vforked_thread(void) {
  clone(ends, stack + sizeof stack, CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, NULL);
  pause();
}

static void waits_for_vforked(void) {
  if (vfork() == 0) for (;;) pause();
}

/** SIGKILL ends who waits for a child of vfork. */
static void vfork_killed(void) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    waits_for_vforked();
    _exit(0);
  }
  sleep_ms(100);
  kill(pid, SIGKILL);
  int status = 0;
  equal(waitpid(pid, &status, 0), pid, "who waits for a child of vfork can be killed");
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "and was");
  kill(-pid, SIGKILL);
  while (waitpid(-pid, &status, 0) > 0) continue; // the first process has it now
}

static int sibling(void *parent) { _exit(getppid() == *(pid_t *)parent ? 3 : 4); }

/** CLONE_PARENT: the child's parent is the caller's. */
static void siblings(void) {
  fflush(stdout);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) _exit(clone(sibling, stack + sizeof stack, CLONE_PARENT | SIGUSR1, &parent) == -1);
  int first = 0, second = 0;
  check(wait(&first) > 0 && wait(&second) > 0, "two children, one of them made by the other");
  check((first == 0 && second == 3 << 8) || (first == 3 << 8 && second == 0), "and it knows its parent");
}

static void busy_text(void) {
  fails(open("/proc/self/exe", O_RDWR), ETXTBSY, "a program that runs is not written to");
  fails(open("/proc/self/exe", O_RDONLY | O_TRUNC), ETXTBSY, "nor emptied");
  fails(truncate("/proc/self/exe", 0), ETXTBSY, "nor cut");
}

/** What was mapped is let go: its file system can be taken away. */
static void mapped(void) {
  mkdir("/tmp/outside", 0755);
  if (mount("none", "/tmp/outside", "tmpfs", 0, NULL) != 0) return;
  int file = open("/tmp/outside/file", O_RDWR | O_CREAT, 0644);
  check(write(file, stack, 8192) == 8192, "a file");
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  shared[5000] = 1;
  fails((long)mmap(NULL, 0, PROT_READ, MAP_SHARED, file, 0), EINVAL, "nothing can not be mapped");
  close(file);
  fails(umount("/tmp/outside"), EBUSY, "a mapping holds its file");
  fails(msync(shared, 8192, MS_SYNC | MS_ASYNC), EINVAL, "msync: one or the other");
  equal(msync(shared, 8192, MS_SYNC), 0, "msync");
  munmap(shared + 4096, 4096);
  fails(msync(shared, 8192, MS_SYNC), ENOMEM, "msync of what is not mapped");
  munmap(shared, 4096);
  equal(umount("/tmp/outside"), 0, "then nobody does");
  rmdir("/tmp/outside");
}

static void groups(void) {
  struct stat about;
  mkdir("/tmp/group", 0755);
  check(chown("/tmp/group", 0, 7) == 0 && chmod("/tmp/group", 02755) == 0, "a directory with set-group");
  mkdir("/tmp/group/below", 0755);
  check(stat("/tmp/group/below", &about) == 0 && about.st_gid == 7 && (about.st_mode & S_ISGID), "what is made in it is its group's");
  close(open("/tmp/group/file", O_CREAT | O_RDWR, 0644));
  check(chmod("/tmp/group/file", 06744) == 0 && chown("/tmp/group/file", 0, 0) == 0, "an owner for a file whose group may not run it");
  check(stat("/tmp/group/file", &about) == 0 && (about.st_mode & 07777) == 02744, "set-user goes, set-group stays");
  unlink("/tmp/group/file"), rmdir("/tmp/group/below"), rmdir("/tmp/group");
}

static void files(void) {
  int from = open("/tmp/from", O_CREAT | O_TRUNC | O_RDWR, 0644), to = open("/tmp/to", O_CREAT | O_TRUNC | O_RDWR, 0644);
  check(write(from, "abcdefghij", 10) == 10, "ten bytes");
  off_t offset = 3;
  equal(sendfile(to, from, &offset, 5), 5, "sendfile from an offset");
  equal(offset, 8, "which moves");
  equal(lseek(from, 0, SEEK_CUR), 10, "and the file's own position does not");
  char got[5];
  check(pread(to, got, 5, 0) == 5 && memcmp(got, "defgh", 5) == 0, "the bytes at the offset");
  fails(sendfile(-1, from, NULL, 5), EBADF, "sendfile to nothing, at the file's end");
  offset = 20;
  equal(sendfile(to, from, &offset, 5), 0, "past the end there is nothing");
  fails(syscall(439, AT_FDCWD, "/tmp/to", R_OK, 0x8000), EINVAL, "faccessat2: no such flag"); // SYS_faccessat2
  unlink("/tmp/from"), unlink("/tmp/to");
}

static long raw(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
}

/** Arguments that do not count with the others are whatever was in the register. */
static void left_over(void) {
  const long junk = 0x123456789abcdef0;
  static int word;
  int set = epoll_create1(0), two[2];
  struct epoll_event event = {.events = EPOLLIN};
  check(pipe(two) == 0 && epoll_ctl(set, EPOLL_CTL_ADD, two[0], &event) == 0, "a pipe watched");
  equal(raw(SYS_epoll_ctl, set, EPOLL_CTL_DEL, two[0], junk, junk), 0, "EPOLL_CTL_DEL looks at no event");
  equal(raw(SYS_futex, (long)&word, 1, 1, junk, junk), 0, "a futex's wake at no time"); // FUTEX_WAKE
  char *pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  equal(raw(SYS_mremap, (long)pages, 8192, 4096, 0, junk), (long)pages, "mremap without MREMAP_FIXED at no address");
  pid_t pid = raw(SYS_clone, SIGCHLD, 0, junk, junk, junk);
  if (pid == 0) _exit(5);
  int status = 0;
  check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 5 << 8, "clone at nothing that no flag asks for");
  close(set), close(two[0]), close(two[1]), munmap(pages, 4096);
}

static void scheduling(void) {
  equal(setpriority(PRIO_PGRP, 0, 5), 0, "a niceness for a process group");
  equal(getpriority(PRIO_PROCESS, 0), 5, "is this process's");
  equal(getpriority(PRIO_PGRP, 0), 5, "and the group's");
  fails(setpriority(PRIO_PGRP, 0x3fffffff, 1), ESRCH, "no such group");
  fails(getpriority(3, 0), EINVAL, "no such kind");
}

static void scheduled(void) {
  setpgid(0, 0);
  scheduling();
  exit(failures != 0);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (getpid() == 1) spared(), adopted(), based();
  equal(child_status(vforked_thread), SIGSEGV, "a thread made by vfork ends its process");
  vfork_killed();
  siblings();
  busy_text();
  mapped();
  groups();
  files();
  left_over();
  equal(child_status(scheduled), 0, "niceness of groups");
  shared_memory();
  equal(child_status(limited), 0, "limits on descriptors");
  return finish();
}
