// epoll: whose a registration is, edges, one shot, exclusive waiting, several that wait, epolls in epolls. epoll(7).
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct epoll_event got[8];

static int control(int set, int operation, int fd, unsigned events, unsigned data) {
  struct epoll_event event = {.events = events, .data.u32 = data};
  return epoll_ctl(set, operation, fd, &event);
}

static int add(int set, int fd, unsigned events, unsigned data) { return control(set, EPOLL_CTL_ADD, fd, events, data); }
static int now(int set) { return epoll_wait(set, got, 8, 0); }

static void bump(int count) {
  unsigned long long one = 1;
  if (write(count, &one, 8) != 8) check(0, "a count takes one more");
}

static void drain(int count) {
  unsigned long long value;
  if (read(count, &value, 8) != 8) check(0, "a count has something");
}

static int fresh(void) { return eventfd(0, EFD_NONBLOCK); }

static void refusals(void) {
  int set = epoll_create1(0), other = epoll_create1(0), count = fresh(), file = open("/tmp/epoll-file", O_CREAT | O_RDWR, 0600);
  int directory = open("/", O_RDONLY), null = open("/dev/null", O_RDWR);
  fails(add(set, file, EPOLLIN, 0), EPERM, "a regular file");
  fails(add(set, directory, EPOLLIN, 0), EPERM, "a folder");
  fails(add(set, null, EPOLLIN, 0), EPERM, "/dev/null");
  fails(add(count, file, EPOLLIN, 0), EPERM, "a file that is always ready comes before an epoll that is none");
  fails(add(count, set, EPOLLIN, 0), EINVAL, "no epoll");
  fails(add(set, set, EPOLLIN, 0), EINVAL, "an epoll in itself");
  fails(add(set, 999, EPOLLIN, 0), EBADF, "a number that is none");
  fails(add(999, count, EPOLLIN, 0), EBADF, "nor is this");
  fails(control(set, EPOLL_CTL_MOD, count, EPOLLIN, 0), ENOENT, "changed before it was added");
  fails(control(set, EPOLL_CTL_DEL, count, 0, 0), ENOENT, "taken out likewise");
  equal(add(set, count, EPOLLIN | EPOLLWAKEUP, 1), 0, "EPOLLWAKEUP");
  fails(add(set, count, EPOLLIN, 1), EEXIST, "added twice");
  fails(control(set, 4, count, EPOLLIN, 1), EINVAL, "an operation there is not");
  fails(epoll_ctl(set, EPOLL_CTL_MOD, count, NULL), EFAULT, "no event");
  equal(epoll_ctl(set, EPOLL_CTL_DEL, count, NULL), 0, "which EPOLL_CTL_DEL needs not");
  fails(epoll_wait(set, got, -1, 0), EINVAL, "less than no room");
  fails(epoll_wait(set, (void *)-4096, 1, 0), EFAULT, "room in the kernel");
  fails(epoll_wait(count, got, 1, 0), EINVAL, "waiting for what is no epoll");
  fails(epoll_wait(999, got, 1, 0), EBADF, "nor a number");
  fails(epoll_create1(1), EINVAL, "flags there are not");
  fails(syscall(SYS_epoll_create, 0), EINVAL, "a size of nothing");
  unlink("/tmp/epoll-file");
  int all[] = {set, other, count, file, directory, null};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) close(all[i]);
}

static void numbers(void) {
  int set = epoll_create1(0), count = fresh();
  add(set, count, EPOLLIN, 1);
  int copy = dup(count);
  equal(add(set, copy, EPOLLIN, 2), 0, "the same file by another number");
  bump(count);
  equal(now(set), 2, "is told twice");
  equal(control(set, EPOLL_CTL_DEL, copy, 0, 0), 0, "and taken out by its number");
  int old = count;
  close(count);
  equal(now(set), 1, "the number is closed, the file is not");
  check(got[0].data.u32 == 1, "and what was said of it is kept");
  fails(control(set, EPOLL_CTL_DEL, old, 0, 0), EBADF, "nobody can take it out");
  int next = fresh();
  equal(next, old, "the number is another file's");
  equal(add(set, next, EPOLLIN, 3), 0, "which can be added");
  equal(now(set), 1, "and has nothing");
  equal(control(set, EPOLL_CTL_DEL, next, 0, 0), 0, "it goes by itself");
  drain(copy);
  equal(now(set), 0, "read by any number");
  bump(copy);
  equal(now(set), 1, "there again");
  close(copy);
  equal(now(set), 0, "the last number closed");
  add(set, next, EPOLLIN, 4);
  fflush(stdout);
  int ends[2];
  if (pipe(ends) != 0) return;
  pid_t pid = fork();
  if (pid == 0) {
    char byte;
    close(ends[1]);
    bump(next);
    if (read(ends[0], &byte, 1) != 0) _exit(1);
    _exit(0);
  }
  close(next);
  equal(epoll_wait(set, got, 8, 2000), 1, "closed here, it is still a child's");
  close(ends[1]);
  waitpid(pid, NULL, 0);
  equal(now(set), 0, "and gone with it");
  close(ends[0]), close(set);
}

static void edges(void) {
  int set = epoll_create1(0), count = fresh(), ends[2];
  char bytes[65536] = "";
  add(set, count, EPOLLIN | EPOLLET, 1);
  bump(count);
  equal(now(set), 1, "an edge");
  equal(now(set), 0, "is told once");
  bump(count);
  equal(now(set), 1, "and again when there is more, read or not");
  bump(count), bump(count);
  equal(now(set), 1, "two at once are one");
  drain(count);
  equal(now(set), 0, "nothing is there");
  bump(count), drain(count);
  equal(now(set), 0, "what was there and went is not told");
  control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLET, 1);
  bump(count), now(set);
  control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLET, 1);
  equal(now(set), 1, "asked for anew it is told anew");
  equal(control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLONESHOT, 2), 0, "once");
  equal(now(set), 1, "told");
  bump(count);
  equal(now(set), 0, "and that was it");
  control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLONESHOT, 2);
  equal(now(set), 1, "until it is asked for");
  control(set, EPOLL_CTL_DEL, count, 0, 0);
  if (pipe2(ends, O_NONBLOCK) != 0) return;
  add(set, ends[1], EPOLLOUT | EPOLLET, 3);
  equal(now(set), 1, "room in a pipe");
  while (write(ends[1], bytes, sizeof bytes) > 0) continue;
  equal(now(set), 0, "full");
  if (read(ends[0], bytes, 4096) != 4096) check(0, "a page is read");
  equal(now(set), 1, "room again");
  equal(now(set), 0, "once");
  add(set, ends[0], EPOLLIN | EPOLLET, 4);
  equal(now(set), 1, "what is there when it is added is an edge");
  bump(count);
  equal(now(set), 0, "what happens elsewhere is none");
  close(ends[1]);
  equal(now(set), 1, "the other end closed is one");
  check((got[0].events & (EPOLLIN | EPOLLHUP)) == (EPOLLIN | EPOLLHUP), "EPOLLHUP beside the bytes");
  close(ends[0]), close(count), close(set);
}

static void rooms(void) {
  enum { COUNTS = 300 };
  static int all[COUNTS];
  int set = epoll_create1(0), seen[5] = {0};
  for (int i = 0; i < COUNTS; i++) all[i] = fresh(), add(set, all[i], EPOLLIN, i);
  equal(now(set), 0, "three hundred with nothing");
  for (int i = 0; i < 5; i++) bump(all[i * 50]);
  for (int i = 0; i < 5; i++) if (epoll_wait(set, got, 1, 0) == 1) seen[got[0].data.u32 / 50]++;
  check(seen[0] == 1 && seen[1] == 1 && seen[2] == 1 && seen[3] == 1 && seen[4] == 1, "with room for one each has its turn");
  char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct epoll_event *over = (void *)(pages + 4096 - 18);
  equal(epoll_wait(set, over, 8, 0), 5, "events over the end of a page");
  int sum = 0;
  for (int i = 0; i < 5; i++) sum += (int)over[i].data.u32;
  equal(sum, 0 + 50 + 100 + 150 + 200, "all of them");
  mprotect(pages + 4096, 4096, PROT_READ);
  fails(epoll_wait(set, (void *)(pages + 4096), 8, 0), EFAULT, "no page to write to");
  equal(now(set), 5, "nothing was taken");
  for (int i = 0; i < COUNTS; i++) close(all[i]);
  equal(now(set), 0, "all closed");
  munmap(pages, 8192);
  close(set);
}

// --- Several that wait. -----------------------------------------------------------------------------------

struct waiter {
  pthread_t thread;
  int set, result, over;
};

static void *wait_for_one(void *argument) {
  struct waiter *self = argument;
  struct epoll_event event;
  self->result = epoll_wait(self->set, &event, 1, 400);
  __atomic_store_n(&self->over, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void begin(struct waiter *waiters, int count, int set, int other) {
  for (int i = 0; i < count; i++) {
    waiters[i] = (struct waiter){.set = i % 2 ? other : set};
    pthread_create(&waiters[i].thread, NULL, wait_for_one, &waiters[i]);
  }
  sleep_ms(100);
}

/** How many had an event; all have returned. */
static int woken(struct waiter *waiters, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) pthread_join(waiters[i].thread, NULL), sum += waiters[i].result == 1;
  return sum;
}

static void several(void) {
  struct waiter waiters[4];
  int set = epoll_create1(0), other = epoll_create1(0), count = fresh(), second = fresh();
  add(set, count, EPOLLIN | EPOLLET, 1);
  begin(waiters, 4, set, set);
  bump(count);
  equal(woken(waiters, 4), 1, "EPOLLET: of four that wait one is told of an event");
  begin(waiters, 4, set, set);
  add(set, second, EPOLLIN | EPOLLET, 2);
  bump(count), bump(second);
  equal(woken(waiters, 4), 2, "two events are for two");
  control(set, EPOLL_CTL_MOD, count, EPOLLIN, 1);
  control(set, EPOLL_CTL_DEL, second, 0, 0);
  drain(count);
  begin(waiters, 4, set, set);
  bump(count);
  equal(woken(waiters, 4), 4, "a level is for all");
  drain(count);
  control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLONESHOT, 1);
  begin(waiters, 3, set, set);
  bump(count);
  equal(woken(waiters, 3), 1, "EPOLLONESHOT: one");
  drain(count);
  control(set, EPOLL_CTL_DEL, count, 0, 0);
  add(set, count, EPOLLIN, 1), add(other, count, EPOLLIN, 1);
  begin(waiters, 2, set, other);
  bump(count);
  equal(woken(waiters, 2), 2, "a file in two epolls wakes both");
  drain(count);
  control(set, EPOLL_CTL_DEL, count, 0, 0), control(other, EPOLL_CTL_DEL, count, 0, 0);
  add(set, count, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 1), add(other, count, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 1);
  begin(waiters, 2, set, other);
  bump(count);
  equal(woken(waiters, 2), 1, "EPOLLEXCLUSIVE: one of them");
  drain(count);
  begin(waiters, 1, other, other);
  bump(count);
  equal(woken(waiters, 1), 1, "and the one where somebody waits");
  fails(control(set, EPOLL_CTL_MOD, count, EPOLLIN, 1), EINVAL, "it can not be changed");
  control(set, EPOLL_CTL_DEL, count, 0, 0);
  add(set, count, EPOLLIN, 1);
  fails(control(set, EPOLL_CTL_MOD, count, EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL, "nor another made so");
  control(set, EPOLL_CTL_DEL, count, 0, 0);
  fails(add(set, count, EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE, 1), EINVAL, "with what it does not go with");
  fails(add(set, count, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE, 1), EINVAL, "nor with EPOLLONESHOT");
  fails(add(set, other, EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL, "nor for an epoll");
  close(count), close(second), close(set), close(other);
}

// --- Epolls in epolls. ------------------------------------------------------------------------------------

static void nested(void) {
  int chain[6], count = fresh();
  for (int i = 0; i < 6; i++) chain[i] = epoll_create1(0);
  equal(add(chain[0], count, EPOLLIN, 0), 0, "a count in the innermost");
  for (int i = 1; i < 5; i++) equal(add(chain[i], chain[i - 1], EPOLLIN, i), 0, "an epoll in an epoll");
  int refused = add(chain[5], chain[4], EPOLLIN, 5);
  check(refused == -1 && (errno == ELOOP || errno == EINVAL), "six are too many");
  fails(add(chain[0], chain[4], EPOLLIN, 5), ELOOP, "a circle");
  fails(add(chain[3], chain[4], EPOLLIN, 5), ELOOP, "a small one");
  equal(now(chain[4]), 0, "nothing");
  bump(count);
  equal(now(chain[4]), 1, "through all of them");
  equal(got[0].data.u32, 4, "what the outermost was told of");
  struct pollfd asked = {.fd = chain[3], .events = POLLIN};
  equal(poll(&asked, 1, 0), 1, "poll says so too");
  drain(count);
  equal(now(chain[4]), 0, "read, it is gone");
  equal(poll(&asked, 1, 0), 0, "for poll too");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(30);
    bump(count);
    _exit(0);
  }
  equal(epoll_wait(chain[4], got, 8, 5000), 1, "waited for through all of them");
  waitpid(pid, NULL, 0);
  control(chain[4], EPOLL_CTL_MOD, chain[3], EPOLLIN | EPOLLET, 4);
  equal(now(chain[4]), 1, "an edge of an epoll");
  equal(now(chain[4]), 0, "once");
  bump(count);
  equal(now(chain[4]), 1, "and once more");
  close(chain[2]);
  equal(now(chain[4]), 0, "one of them closed: it is out");
  equal(add(chain[3], chain[1], EPOLLIN, 7), 0, "and there is room");
  equal(now(chain[4]), 1, "through the others");
  for (int i = 0; i < 6; i++) if (i != 2) close(chain[i]);
  close(count);
}

// --- Time, and the end of streams. ------------------------------------------------------------------------

static void times(void) {
  int set = epoll_create1(0), count = fresh();
  add(set, count, EPOLLIN, 1);
  struct timespec t = {0, 25000000}, bad = {0, 1000000000}, none = {0, 0};
  sigset_t signals;
  sigemptyset(&signals);
  long long began = now_ms();
  equal(syscall(SYS_epoll_pwait2, set, got, 8, &t, NULL, 8), 0, "epoll_pwait2: for a time");
  check(now_ms() - began >= 25 && now_ms() - began < 5000, "neither too short nor for ever");
  fails(syscall(SYS_epoll_pwait2, set, got, 8, &bad, NULL, 8), EINVAL, "a second of nanoseconds");
  fails(syscall(SYS_epoll_pwait2, set, got, 0, &t, NULL, 8), EINVAL, "no room");
  fails(syscall(SYS_epoll_pwait2, set, got, 8, &t, &signals, 7), EINVAL, "no set of signals");
  fails(syscall(SYS_epoll_pwait2, set, got, 8, (void *)-4096, NULL, 8), EFAULT, "a time in the kernel");
  equal(syscall(SYS_epoll_pwait2, set, got, 8, &none, &signals, 8), 0, "at once");
  bump(count);
  equal(syscall(SYS_epoll_pwait2, set, got, 8, NULL, &signals, 8), 1, "no time limit");
  close(count), close(set);
}

static int stream(int *accepted) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (void *)&name, sizeof name) != 0 || listen(listener, 1) != 0) return -1;
  if (getsockname(listener, (void *)&name, &length) != 0 || connect(client, (void *)&name, sizeof name) != 0) return -1;
  *accepted = accept(listener, NULL, NULL);
  close(listener);
  return client;
}

static void ends(const char *what, int here, int there) {
  int set = epoll_create1(0);
  printf("# %s\n", what);
  add(set, here, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
  equal(now(set), 0, "nothing");
  if (write(there, "x", 1) != 1) check(0, "a byte is sent");
  equal(epoll_wait(set, got, 8, 2000), 1, "a byte");
  equal(got[0].events, EPOLLIN, "is no end");
  shutdown(there, SHUT_WR);
  equal(epoll_wait(set, got, 8, 2000), 1, "the end of the stream");
  equal(got[0].events, EPOLLIN | EPOLLRDHUP, "EPOLLRDHUP");
  control(set, EPOLL_CTL_MOD, here, EPOLLOUT, 1);
  equal(epoll_wait(set, got, 8, 0), 1, "who did not ask for it");
  equal(got[0].events, EPOLLOUT, "is not told");
  control(set, EPOLL_CTL_MOD, here, EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM, 1);
  equal(now(set), 1, "bands of their own");
  equal(got[0].events, EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM, "as asked");
  shutdown(here, SHUT_WR);
  control(set, EPOLL_CTL_MOD, here, 0, 1);
  equal(epoll_wait(set, got, 8, 2000), 1, "both ways at an end");
  equal(got[0].events, EPOLLHUP, "EPOLLHUP, asked for or not");
  close(here), close(there), close(set);
}

int main(void) {
  refusals();
  numbers();
  edges();
  rooms();
  several();
  nested();
  times();
  int two[2], accepted = -1;
  int client = stream(&accepted);
  ends("a connection", client, accepted);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0) ends("a pair", two[0], two[1]);
  return finish();
}
