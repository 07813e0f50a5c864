// Clocks, sleeping, timers; poll, select and epoll on pipes and event counts.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>

static volatile sig_atomic_t alarms;
static void on_alarm(int number) { (void)number; alarms++; }

static void clocks(void) {
  struct timespec a, b, r;
  clock_gettime(CLOCK_MONOTONIC, &a);
  clock_gettime(CLOCK_MONOTONIC, &b);
  check(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec), "a clock that never goes back");
  check(a.tv_nsec >= 0 && a.tv_nsec < 1000000000, "nanoseconds of a second");
  equal(clock_getres(CLOCK_MONOTONIC, &r), 0, "clock_getres");
  check(r.tv_sec == 0 && r.tv_nsec > 0 && r.tv_nsec <= 1000000, "a resolution under a millisecond");
  struct timeval v;
  gettimeofday(&v, NULL);
  clock_gettime(CLOCK_REALTIME, &a);
  time_t seconds = time(NULL);
  check(a.tv_sec - v.tv_sec <= 1 && seconds - a.tv_sec <= 1 && seconds >= a.tv_sec, "three ways to ask the time of day agree");
  check(seconds > 1600000000, "which is after 2020");
  fails(clock_gettime(77, &a), EINVAL, "a clock there is not");
  struct tms t;
  check(times(&t) != (clock_t)-1, "times");
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (volatile int i = 0; i < 3000000; i++) continue;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  check(b.tv_sec > a.tv_sec || b.tv_nsec > a.tv_nsec, "processor time goes on while it is used");
}

static void sleeps(void) {
  struct timespec t = {0, 25000000}, bad = {0, 1000000000}, negative = {-1, 0};
  long long began = now_ms();
  equal(nanosleep(&t, NULL), 0, "nanosleep");
  check(now_ms() - began >= 25, "not too short");
  check(now_ms() - began < 2000, "nor for ever");
  fails(nanosleep(&bad, NULL), EINVAL, "a second of nanoseconds");
  fails(nanosleep(&negative, NULL), EINVAL, "less than nothing");
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += 25000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  struct timespec after;
  equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0, "until a moment");
  clock_gettime(CLOCK_MONOTONIC, &after);
  check(after.tv_sec > t.tv_sec || (after.tv_sec == t.tv_sec && after.tv_nsec >= t.tv_nsec), "not before it");
  began = now_ms();
  equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0, "which is over now");
  check(now_ms() - began < 1000, "so there is nothing to wait for");
}

static void timers(void) {
  struct sigaction a = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &a, NULL);
  struct itimerval timer = {.it_interval = {0, 10000}, .it_value = {0, 10000}}, old;
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < 500 && alarms < 3; i++) pause();
  check(alarms >= 3, "a timer with a period");
  getitimer(ITIMER_REAL, &old);
  check(old.it_interval.tv_usec == 10000 || old.it_interval.tv_usec == 11000, "its period can be asked for");
  timer = (struct itimerval){0};
  setitimer(ITIMER_REAL, &timer, NULL);
  alarms = 0;
  sleep_ms(30);
  equal(alarms, 0, "stopped");
}

static void polls(void) {
  int ends[2];
  char byte;
  check(pipe(ends) == 0, "a pipe");
  struct pollfd wait[3] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}, {.fd = -1, .events = POLLIN}};
  equal(poll(wait, 3, 0), 1, "an empty pipe can be written");
  check(wait[0].revents == 0 && wait[1].revents == POLLOUT && wait[2].revents == 0, "and not read");
  long long began = now_ms();
  equal(poll(wait, 1, 25), 0, "a time limit");
  check(now_ms() - began >= 25, "not too short");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(25);
    write(ends[1], "x", 1);
    _exit(0);
  }
  equal(poll(wait, 1, -1), 1, "woken by another process");
  equal(wait[0].revents, POLLIN, "POLLIN");
  waitpid(pid, NULL, 0);
  read(ends[0], &byte, 1);
  wait[2] = (struct pollfd){.fd = 999, .events = POLLIN};
  equal(poll(wait, 3, 0), 2, "a descriptor that is none");
  equal(wait[2].revents, POLLNVAL, "POLLNVAL");
  fd_set reading, writing;
  FD_ZERO(&reading);
  FD_ZERO(&writing);
  FD_SET(ends[0], &reading);
  FD_SET(ends[1], &writing);
  struct timeval none = {0, 0};
  equal(select(ends[1] + 1, &reading, &writing, NULL, &none), 1, "select");
  check(!FD_ISSET(ends[0], &reading) && FD_ISSET(ends[1], &writing), "says which");
  FD_SET(60, &reading);
  fails(select(61, &reading, NULL, NULL, &none), EBADF, "one that is none");
  char two[8];
  struct iovec pieces[2] = {{two, 3}, {two + 3, 5}};
  write(ends[1], "abc", 3);
  equal(readv(ends[0], pieces, 2), 3, "readv does not wait for its second piece");
  close(ends[1]);
  equal(poll(wait, 1, -1), 1, "the other end is closed");
  equal(wait[0].revents, POLLHUP, "POLLHUP");
  struct sigaction a = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &a, NULL);
  close(ends[0]);
  check(pipe(ends) == 0, "another");
  wait[0].fd = ends[0];
  sigset_t block, empty;
  sigemptyset(&empty);
  sigemptyset(&block);
  sigaddset(&block, SIGALRM);
  sigprocmask(SIG_BLOCK, &block, NULL);
  alarms = 0;
  raise(SIGALRM);
  struct timespec limit = {2, 0};
  fails(ppoll(wait, 1, &limit, &empty), EINTR, "ppoll lets a signal in");
  equal(alarms, 1, "whose handler has run");
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  check(sigismember(&now, SIGALRM) == 1, "and which is blocked again");
  raise(SIGALRM);
  FD_ZERO(&reading);
  FD_SET(ends[0], &reading);
  fails(pselect(ends[0] + 1, &reading, NULL, NULL, &limit, &empty), EINTR, "pselect, too");
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  close(ends[0]);
  close(ends[1]);
}

static void events(void) {
  unsigned long long value = 0;
  int count = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
  equal(read(count, &value, 8), 8, "eventfd");
  equal(value, 3, "what it began with");
  fails(read(count, &value, 8), EAGAIN, "and now nothing");
  value = 5;
  write(count, &value, 8);
  write(count, &value, 8);
  read(count, &value, 8);
  equal(value, 10, "a sum");
  value = 0xfffffffffffffffe;
  equal(write(count, &value, 8), 8, "the most there can be");
  value = 1;
  fails(write(count, &value, 8), EAGAIN, "no more");
  value = 0xffffffffffffffff;
  fails(write(count, &value, 8), EINVAL, "all ones");
  fails(read(count, &value, 7), EINVAL, "seven bytes");
  read(semaphore, &value, 8);
  equal(value, 1, "EFD_SEMAPHORE: one");
  read(semaphore, &value, 8);
  fails(read(semaphore, &value, 8), EAGAIN, "and one more");
  int blocking = eventfd(0, 0);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(20);
    value = 9;
    write(blocking, &value, 8);
    _exit(0);
  }
  read(blocking, &value, 8);
  equal(value, 9, "a read waits");
  waitpid(pid, NULL, 0);
  close(blocking);
  close(count);
  close(semaphore);
}

static void epolls(void) {
  int set = epoll_create1(0), outer = epoll_create1(0), ends[2], count = eventfd(0, EFD_NONBLOCK), file;
  unsigned long long value = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1}, got[8];
  check(pipe(ends) == 0, "a pipe");
  epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
  event = (struct epoll_event){.events = EPOLLIN, .data.u32 = 2};
  epoll_ctl(set, EPOLL_CTL_ADD, count, &event);
  equal(epoll_wait(set, got, 8, 0), 0, "nothing");
  long long began = now_ms();
  equal(epoll_wait(set, got, 8, 25), 0, "for a time");
  check(now_ms() - began >= 25, "not too short");
  write(ends[1], "x", 1);
  equal(epoll_wait(set, got, 8, -1), 1, "the pipe");
  check(got[0].data.u32 == 1 && got[0].events == EPOLLIN, "is what has something");
  write(count, &value, 8);
  equal(epoll_wait(set, got, 8, -1), 2, "both");
  equal(epoll_wait(set, got, 1, -1), 1, "with room for one");
  event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.u32 = 3};
  epoll_ctl(set, EPOLL_CTL_MOD, count, &event);
  equal(epoll_wait(set, got, 8, 0), 2, "both, one of them once");
  equal(epoll_wait(set, got, 8, 0), 1, "then the other");
  event = (struct epoll_event){.events = EPOLLIN, .data.u32 = 4};
  epoll_ctl(outer, EPOLL_CTL_ADD, set, &event);
  equal(epoll_wait(outer, got, 8, 0), 1, "an epoll in an epoll");
  fails(epoll_ctl(set, EPOLL_CTL_ADD, outer, &event), ELOOP, "not in a circle");
  fails(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL, "nor in itself");
  file = open("/", O_RDONLY);
  fails(epoll_ctl(set, EPOLL_CTL_ADD, file, &event), EPERM, "a directory is always ready");
  fails(epoll_ctl(set, EPOLL_CTL_ADD, 999, &event), EBADF, "a descriptor that is none");
  fails(epoll_ctl(set, 9, count, &event), EINVAL, "an operation there is not");
  fails(epoll_wait(set, got, 0, 0), EINVAL, "no room");
  fails(epoll_wait(ends[0], got, 8, 0), EINVAL, "no epoll");
  char byte;
  read(ends[0], &byte, 1);
  equal(epoll_wait(outer, got, 8, 0), 0, "read, it is not ready any more");
  event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u32 = 5};
  epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event);
  write(ends[1], "x", 1);
  equal(epoll_wait(set, got, 8, -1), 1, "EPOLLET");
  equal(epoll_wait(set, got, 8, 0), 0, "is told once");
  write(ends[1], "x", 1);
  equal(epoll_wait(set, got, 8, -1), 1, "and when there is more");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(25);
    write(ends[1], "x", 1);
    _exit(0);
  }
  equal(epoll_wait(set, got, 8, -1), 1, "woken by another process");
  waitpid(pid, NULL, 0);
  close(ends[1]);
  equal(epoll_wait(set, got, 8, -1), 1, "the other end is closed");
  check(got[0].events & EPOLLHUP, "EPOLLHUP");
  close(ends[0]);
  equal(epoll_wait(set, got, 8, 10), 0, "what is closed is told no more");
  close(file);
  close(count);
  close(outer);
  close(set);
}

int main(void) {
  clocks();
  sleeps();
  timers();
  polls();
  events();
  epolls();
  return finish();
}
