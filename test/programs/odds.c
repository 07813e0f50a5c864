// What other people's tests of single calls found to be otherwise than on Linux: names exchanged, children of those that are gone,
// mappings of zeros, sizes of pipes, signals for input.
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
enum { EXCHANGE = 2, NO_REPLACE = 1 };

static int exchange(const char *a, const char *b) { return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE); }

static void put(const char *name, const char *text) {
  int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (write(fd, text, strlen(text)) < 0) check(0, "a file is written");
  close(fd);
}

static int has(const char *name, const char *text) {
  char bytes[32] = "";
  int fd = open(name, O_RDONLY);
  if (fd < 0) return 0;
  int n = (int)read(fd, bytes, sizeof bytes - 1);
  close(fd);
  return n == (int)strlen(text) && memcmp(bytes, text, (size_t)n) == 0;
}

static nlink_t links(const char *name) {
  struct stat s;
  return stat(name, &s) == 0 ? s.st_nlink : 0;
}

static void names(void) {
  mkdir("/tmp/odds", 0700);
  if (chdir("/tmp/odds") != 0) return;
  put("a", "first"), put("b", "second");
  equal(exchange("a", "b"), 0, "two files");
  check(has("a", "second") && has("b", "first"), "have each other's name");
  mkdir("one", 0700), mkdir("two", 0700), mkdir("one/inner", 0700), put("one/inner/x", "x");
  equal(exchange("one/inner", "a"), 0, "a folder and a file");
  check(has("one/inner", "second") && has("a/x", "x"), "likewise");
  check(links("one") == 2 && links(".") == 5, "the links of their folders");
  equal(exchange("a", "two"), 0, "two folders, one of them not empty");
  check(has("two/x", "x"), "is what the other was");
  fails(exchange("a", "nothing"), ENOENT, "with nothing");
  fails(exchange("nothing", "a"), ENOENT, "nothing with something");
  mkdir("one/deep", 0700);
  fails(exchange("one", "one/deep"), EINVAL, "with one inside");
  fails(exchange("one/deep", "one"), EINVAL, "and the other way round");
  fails(exchange("b/", "one"), ENOTDIR, "a file is no folder");
  equal(exchange("b", "b"), 0, "with itself");
  fails(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "one", EXCHANGE | NO_REPLACE), EINVAL, "both wishes at once");
  fails(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "one", 8), EINVAL, "one there is not");
  struct stat up, parent;
  if (stat("one/deep/..", &up) == 0 && stat("one", &parent) == 0) check(up.st_ino == parent.st_ino, "..");
  unlink("one/inner"), unlink("two/x"), unlink("b");
  rmdir("one/deep"), rmdir("one"), rmdir("two"), rmdir("a");
  equal(chdir("/"), 0, "back");
  equal(rmdir("/tmp/odds"), 0, "nothing is left");
}

// --- Families. --------------------------------------------------------------------------------------------

static void parents(void) {
  int value = 77, ends[2], status;
  equal(prctl(PR_GET_PDEATHSIG, &value), 0, "PR_GET_PDEATHSIG");
  equal(value, 0, "none");
  fails(prctl(PR_SET_PDEATHSIG, 65), EINVAL, "no signal");
  fails(prctl(PR_GET_PDEATHSIG, (void *)-4096), EFAULT, "to the kernel");
  equal(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0, "PR_SET_PDEATHSIG");
  prctl(PR_GET_PDEATHSIG, &value);
  equal(value, SIGUSR1, "is kept");
  prctl(PR_SET_PDEATHSIG, 0);
  equal(prctl(PR_GET_CHILD_SUBREAPER, &value), 0, "PR_GET_CHILD_SUBREAPER");
  equal(value, 0, "nobody is one");
  equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0, "PR_SET_CHILD_SUBREAPER");
  prctl(PR_GET_CHILD_SUBREAPER, &value);
  equal(value, 1, "is kept");
  if (pipe(ends) != 0) return;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (fork() == 0) {
      int slack = 5;
      sigset_t usr1;
      sigemptyset(&usr1), sigaddset(&usr1, SIGUSR1);
      sigprocmask(SIG_BLOCK, &usr1, NULL);
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      prctl(PR_GET_CHILD_SUBREAPER, &slack);
      pid_t me = getpid();
      if (write(ends[1], &me, sizeof me) < 0) _exit(1);
      if (sigwaitinfo(&usr1, NULL) != SIGUSR1) _exit(2);
      _exit(slack == 0 ? 3 : 4);
    }
    pid_t child;
    if (read(ends[0], &child, sizeof child) < 0) _exit(1);
    if (write(ends[1], &child, sizeof child) < 0) _exit(1);
    sleep_ms(20);
    _exit(0);
  }
  pid_t orphan = 0;
  waitpid(pid, &status, 0);
  if (read(ends[0], &orphan, sizeof orphan) < 0) return;
  equal(waitpid(-1, &status, 0), orphan, "an orphan is its grandparent's, who has said so");
  check(WIFEXITED(status) && WEXITSTATUS(status) == 3, "and got a signal when its parent ended; it takes no orphans itself");
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  close(ends[0]), close(ends[1]);
  equal(prctl(PR_GET_TIMERSLACK), 50000, "PR_GET_TIMERSLACK");
  equal(prctl(PR_SET_TIMERSLACK, 12345), 0, "PR_SET_TIMERSLACK");
  equal(prctl(PR_GET_TIMERSLACK), 12345, "is kept");
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    int was = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1);
    prctl(PR_SET_TIMERSLACK, 0);
    _exit(was == 12345 && prctl(PR_GET_TIMERSLACK) == 12345 ? 0 : 1);
  }
  waitpid(pid, &status, 0);
  equal(status, 0, "a child's is its parent's, and 0 is that again");
  prctl(PR_SET_TIMERSLACK, 0);
  equal(prctl(PR_GET_TIMERSLACK), 50000, "here it is the usual");
  fails(waitpid(INT_MIN, &status, 0), ESRCH, "waitpid for a group that can not be");
  fails(waitpid(-1, &status, 0), ECHILD, "nor is there a child");
  fails(waitpid(-1, &status, -1), EINVAL, "nor such an option");
  equal(syscall(SYS_arch_prctl, 0x1011, 0), 1, "ARCH_GET_CPUID");
}

// --- Mappings. --------------------------------------------------------------------------------------------

static void mappings(void) {
  int zero = open("/dev/zero", O_RDWR), file = open("/tmp/odds-file", O_CREAT | O_RDWR, 0600);
  char *memory = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  check(memory != MAP_FAILED && memory[0] == 0 && memory[8191] == 0, "/dev/zero, private");
  memory[0] = 1;
  munmap(memory, 8192);
  memory = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
  char *other = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
  check(memory != MAP_FAILED && other != MAP_FAILED && memory[0] == 0, "and shared");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) memory[4096] = 9, _exit(0);
  waitpid(pid, NULL, 0);
  check(memory[4096] == 9 && other[4096] == 0, "with a child, and no other mapping");
  munmap(memory, 8192), munmap(other, 8192);
  if (ftruncate(file, 4096) != 0) return;
  memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, file, 0);
  check(memory != MAP_FAILED, "MAP_SHARED_VALIDATE");
  munmap(memory, 4096);
  fails((long)mmap(0, 4096, PROT_READ, MAP_SHARED_VALIDATE | 0x2000000, file, 0), EOPNOTSUPP, "a flag there is not");
  memory = mmap(0, 4096, PROT_READ, MAP_SHARED | 0x2000000, file, 0);
  check(memory != MAP_FAILED, "which MAP_SHARED overlooks");
  munmap(memory, 4096);
  fails((long)mmap(0, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL, "without a file");
  memory = mmap((void *)0x7fff00000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "a place that is only wished for");
  munmap(memory, 4096);
  fails((long)mmap((void *)0x7fff00000000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM, "one that has to be, and is none");
  fails((long)mmap(0, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM, "more than there is");
  unlink("/tmp/odds-file");
  close(zero), close(file);
}

// --- Pipes. -----------------------------------------------------------------------------------------------

static void sizes(void) {
  int ends[2], other[2];
  static char bytes[200000], back[200000];
  if (pipe2(ends, O_NONBLOCK) != 0 || pipe(other) != 0) return;
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7 + i / 251);
  equal(fcntl(ends[0], F_GETPIPE_SZ), 65536, "F_GETPIPE_SZ");
  equal(write(ends[1], bytes, 60000), 60000, "something is in it");
  equal(read(ends[0], back, 5000), 5000, "and partly read");
  equal(write(ends[1], bytes + 60000, 4000), 4000, "and more is written");
  equal(fcntl(ends[1], F_SETPIPE_SZ, 200000), 262144, "F_SETPIPE_SZ: rounded up");
  equal(fcntl(ends[0], F_GETPIPE_SZ), 262144, "by either end");
  equal(write(ends[1], bytes + 64000, 136000), 136000, "there is room");
  fails(fcntl(ends[0], F_SETPIPE_SZ, 65536), EBUSY, "not for so little");
  equal(read(ends[0], back + 5000, 195000), 195000, "all of it");
  check(memcmp(bytes, back, sizeof bytes) == 0, "as it was written");
  equal(fcntl(ends[0], F_SETPIPE_SZ, 0), 4096, "a page at least");
  equal(write(ends[1], bytes, 8000), 4096, "which is all there is room for");
  fails(write(ends[1], bytes, 1), EAGAIN, "full");
  struct pollfd asked = {.fd = ends[1], .events = POLLOUT};
  equal(poll(&asked, 1, 0), 0, "says poll");
  equal(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20), 1 << 20, "a mebibyte");
  equal(poll(&asked, 1, 0), 1, "room again");
  fails(fcntl(0, F_GETPIPE_SZ), EBADF, "no pipe");
  fails(fcntl(99, F_SETPIPE_SZ, 4096), EBADF, "no descriptor");
  int file = open("/", O_RDONLY);
  fails(fcntl(file, F_SETPIPE_SZ, 4096), EBADF, "a folder");
  close(file), close(ends[0]), close(ends[1]), close(other[0]), close(other[1]);
}

// --- Signals for input. -----------------------------------------------------------------------------------

static siginfo_t told;
static sigset_t inputs;

/** The next signal for input, 0 if there is none soon. */
static int next_signal(int milliseconds) {
  struct timespec t = {0, milliseconds * 1000000l};
  int number = sigtimedwait(&inputs, &told, &t);
  return number < 0 ? 0 : number;
}

static void owners(void) {
  int ends[2], copy;
  struct f_owner_ex owner;
  char byte = 'x';
  setpgid(0, 0); // a signal to the group is for nobody else
  sigemptyset(&inputs), sigaddset(&inputs, SIGIO), sigaddset(&inputs, SIGRTMIN + 2);
  sigprocmask(SIG_BLOCK, &inputs, NULL);
  if (pipe(ends) != 0) return;
  equal(fcntl(ends[0], F_GETOWN), 0, "F_GETOWN: nobody");
  equal(fcntl(ends[0], F_GETSIG), 0, "F_GETSIG: the usual");
  fails(fcntl(ends[0], F_SETOWN, 30000), ESRCH, "nobody there");
  fails(fcntl(ends[0], F_SETOWN, INT_MIN), EINVAL, "no group");
  fails(fcntl(ends[0], F_SETSIG, 65), EINVAL, "no signal");
  equal(fcntl(ends[0], F_SETOWN, getpid()), 0, "F_SETOWN");
  equal(fcntl(ends[0], F_GETOWN), getpid(), "is kept");
  check(write(ends[1], &byte, 1) == 1 && next_signal(20) == 0, "without O_ASYNC nothing is told");
  equal(fcntl(ends[0], F_SETFL, O_ASYNC), 0, "O_ASYNC");
  check(fcntl(ends[0], F_GETFL) & O_ASYNC, "is kept");
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGIO, "SIGIO when something is written");
  check(next_signal(20) == 0, "once");
  equal(fcntl(ends[0], F_SETSIG, SIGRTMIN + 2), 0, "F_SETSIG");
  equal(fcntl(ends[0], F_GETSIG), SIGRTMIN + 2, "is kept");
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGRTMIN + 2, "another signal");
  check(told.si_code == POLL_IN && told.si_fd == ends[0] && (told.si_band & POLLIN), "which says what has happened where");
  owner = (struct f_owner_ex){F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
  equal(fcntl(ends[0], F_SETOWN_EX, &owner), 0, "F_SETOWN_EX");
  owner = (struct f_owner_ex){F_OWNER_PGRP, 0};
  equal(fcntl(ends[0], F_GETOWN_EX, &owner), 0, "F_GETOWN_EX");
  check(owner.type == F_OWNER_TID && owner.pid == (pid_t)syscall(SYS_gettid), "a thread");
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGRTMIN + 2, "which is told");
  owner = (struct f_owner_ex){7, 1};
  fails(fcntl(ends[0], F_SETOWN_EX, &owner), EINVAL, "a kind there is not");
  fails(fcntl(ends[0], F_SETOWN_EX, (void *)-4096), EFAULT, "told from the kernel");
  equal(fcntl(ends[0], F_SETOWN, -getpgrp()), 0, "a group");
  equal(fcntl(ends[0], F_GETOWN), -getpgrp(), "is kept");
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGRTMIN + 2, "and told");
  equal(fcntl(ends[0], F_SETFL, 0), 0, "no more");
  check(write(ends[1], &byte, 1) == 1 && next_signal(20) == 0, "it is");
  int on = 1;
  equal(ioctl(ends[0], FIOASYNC, &on), 0, "FIOASYNC");
  check(fcntl(ends[0], F_GETFL) & O_ASYNC, "is the same");
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGRTMIN + 2, "and does the same");
  copy = dup(ends[0]);
  close(ends[0]);
  check(write(ends[1], &byte, 1) == 1 && next_signal(500) == SIGRTMIN + 2, "the file is open by another number");
  close(copy), close(ends[1]);
  check(next_signal(20) == 0, "closed");
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int s = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(s, (void *)&name, sizeof name) != 0 || getsockname(s, (void *)&name, &length) != 0) return;
  fcntl(s, F_SETOWN, getpid()), fcntl(s, F_SETFL, O_ASYNC);
  check(sendto(sender, "x", 1, 0, (void *)&name, length) == 1 && next_signal(500) == SIGIO, "a datagram is input, too");
  close(s), close(sender);
}

// --- Datagrams of several sends. --------------------------------------------------------------------------

static void corks(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  static char bytes[70000];
  struct timeval soon = {0, 300000};
  int s = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0), on = 1, off = 0;
  int stream = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(s, (void *)&name, sizeof name) != 0 || getsockname(s, (void *)&name, &length) != 0) return;
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  connect(sender, (void *)&name, sizeof name);
  equal(send(sender, "one ", 4, MSG_MORE), 4, "MSG_MORE");
  fails(recv(s, bytes, sizeof bytes, MSG_DONTWAIT), EAGAIN, "nothing is sent");
  equal(send(sender, "two ", 4, MSG_MORE), 4, "more");
  equal(send(sender, "three", 5, 0), 5, "and the last");
  equal(recv(s, bytes, sizeof bytes, 0), 13, "one datagram");
  check(memcmp(bytes, "one two three", 13) == 0, "of all of them");
  equal(sendto(other, "to ", 3, MSG_MORE, (void *)&name, length), 3, "to whom the first was for");
  equal(sendto(other, "him", 3, 0, (void *)&name, length), 3, "to whom the others are");
  equal(recv(s, bytes, sizeof bytes, 0), 6, "likewise");
  equal(setsockopt(sender, IPPROTO_UDP, 1, &on, sizeof on), 0, "UDP_CORK");
  length = sizeof off;
  equal(getsockopt(sender, IPPROTO_UDP, 1, &off, &length), 0, "is kept");
  equal(off, 1, "on");
  equal(send(sender, "a", 1, 0), 1, "a piece");
  equal(send(sender, "b", 1, 0), 1, "and a piece");
  fails(recv(s, bytes, sizeof bytes, MSG_DONTWAIT), EAGAIN, "nothing is sent");
  off = 0;
  equal(setsockopt(sender, IPPROTO_UDP, 1, &off, sizeof off), 0, "off");
  equal(recv(s, bytes, sizeof bytes, 0), 2, "both");
  struct iovec pieces[2] = {{"xy", 2}, {"z", 1}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  equal(sendmsg(sender, &message, MSG_MORE), 3, "sendmsg, too");
  equal(send(sender, "", 0, 0), 0, "and an end without a byte");
  equal(recv(s, bytes, sizeof bytes, 0), 3, "three");
  equal(send(sender, bytes, 40000, MSG_MORE), 40000, "much");
  fails(send(sender, bytes, 40000, 0), EMSGSIZE, "too much together");
  equal(send(sender, "new", 3, 0), 3, "a new one");
  equal(recv(s, bytes, sizeof bytes, 0), 3, "the other is gone");
  fails(setsockopt(stream, IPPROTO_UDP, 1, &on, sizeof on), ENOPROTOOPT, "streams have none of it");
  send(sender, "left", 4, MSG_MORE);
  close(s), close(sender), close(other), close(stream);
}

int main(void) {
  names();
  parents();
  mappings();
  sizes();
  owners();
  corks();
  return finish();
}
