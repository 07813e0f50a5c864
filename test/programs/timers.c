// Timers: by timer_create, behind descriptors, alarms of any length; and signals read from descriptors.
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static volatile sig_atomic_t count, last_code, last_overrun, last_value;

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  count++;
  last_code = info->si_code, last_overrun = info->si_overrun, last_value = info->si_value.sival_int;
}

static void handle(int number) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(number, &action, NULL);
}

static struct itimerspec spec(long first_ms, long period_ms) {
  return (struct itimerspec){.it_value = {first_ms / 1000, first_ms % 1000 * 1000000}, .it_interval = {period_ms / 1000, period_ms % 1000 * 1000000}};
}

static long in_ms(struct timespec t) { return t.tv_sec * 1000 + t.tv_nsec / 1000000; }

/** The kernel's own number of a timer, whatever the library makes of it. */
static int make(clockid_t clock, struct sigevent *event, int *id) { return (int)syscall(SYS_timer_create, clock, event, id); }
static int set(int id, int flags, struct itimerspec *next, struct itimerspec *old) { return (int)syscall(SYS_timer_settime, id, flags, next, old); }
static int get(int id, struct itimerspec *out) { return (int)syscall(SYS_timer_gettime, id, out); }
static int overrun(int id) { return (int)syscall(SYS_timer_getoverrun, id); }
static int end(int id) { return (int)syscall(SYS_timer_delete, id); }

static void signals(void) {
  int id, other;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  struct itimerspec once = spec(30, 0), often = spec(20, 20), never = spec(0, 0), found, far = {.it_value = {100000000, 0}};
  handle(SIGUSR1), handle(SIGALRM);
  equal(make(CLOCK_MONOTONIC, &event, &id), 0, "timer_create");
  equal(make(CLOCK_REALTIME, NULL, &other), 0, "without an event");
  check(id != other, "two numbers");
  equal(get(id, &found), 0, "timer_gettime");
  equal(in_ms(found.it_value), 0, "it does not run");
  long long began = now_ms();
  equal(set(id, 0, &once, NULL), 0, "timer_settime");
  get(id, &found);
  check(in_ms(found.it_value) > 0 && in_ms(found.it_value) <= 30, "it runs");
  while (count == 0) pause();
  check(now_ms() - began >= 30, "not too soon");
  check(last_code == SI_TIMER && last_value == 77 && last_overrun == 0, "who the signal is from, and its value");
  equal(overrun(id), 0, "no overrun");
  get(id, &found);
  equal(in_ms(found.it_value), 0, "once");
  sigset_t block, before;
  sigemptyset(&block), sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, &before);
  count = 0;
  began = now_ms();
  set(id, 0, &often, NULL);
  sleep_ms(110);
  sigprocmask(SIG_SETMASK, &before, NULL);
  long most = (long)(now_ms() - began) / 20 - 1;
  equal(count, 1, "blocked, five times are one signal");
  check(last_overrun >= 4 && last_overrun <= most, "which says how many more there were");
  equal(overrun(id), last_overrun, "and so does timer_getoverrun");
  set(id, 0, &never, &found);
  count = 1;
  equal(in_ms(found.it_interval), 20, "its period");
  sleep_ms(50);
  equal(count, 1, "stopped");
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct itimerspec moment = {.it_value = {now.tv_sec, now.tv_nsec}};
  count = 0;
  equal(set(id, TIMER_ABSTIME, &moment, NULL), 0, "a moment that is over");
  sleep_ms(5);
  equal(count, 1, "has come");
  clock_gettime(CLOCK_REALTIME, &now);
  moment.it_value = (struct timespec){now.tv_sec + 1, now.tv_nsec};
  count = 0;
  equal(set(other, TIMER_ABSTIME, &moment, NULL), 0, "a moment of the time of day");
  get(other, &found);
  check(in_ms(found.it_value) > 500 && in_ms(found.it_value) <= 1000, "a second from now");
  while (count == 0) pause();
  check(last_code == SI_TIMER && last_value == other, "SIGALRM, and the timer's number, unless said");
  set(id, 0, &far, NULL);
  get(id, &found);
  check(found.it_value.tv_sec >= 99999990 && found.it_value.tv_sec <= 100000000, "three years");
  fails(set(99, 0, &once, NULL), EINVAL, "a timer there is not");
  struct itimerspec bad = {.it_value = {0, 1000000000}};
  fails(set(id, 0, &bad, NULL), EINVAL, "a second of nanoseconds");
  fails(set(id, 0, NULL, NULL), EINVAL, "no time");
  fails(make(77, &event, &other), EINVAL, "a clock there is not");
  event.sigev_signo = 65;
  fails(make(CLOCK_MONOTONIC, &event, &other), EINVAL, "a signal there is not");
  event.sigev_notify = 3;
  fails(make(CLOCK_MONOTONIC, &event, &other), EINVAL, "a way there is not");
  equal(end(id), 0, "timer_delete");
  fails(end(id), EINVAL, "twice");
  fails(get(id, &found), EINVAL, "it is gone");
  fails(overrun(id), EINVAL, "for all");
  end(other);
  event = (struct sigevent){.sigev_notify = SIGEV_NONE};
  equal(make(CLOCK_BOOTTIME, &event, &id), 0, "SIGEV_NONE");
  count = 0;
  set(id, 0, &often, NULL);
  sleep_ms(30);
  get(id, &found);
  check(count == 0 && in_ms(found.it_value) <= 20 && in_ms(found.it_interval) == 20, "it counts, and says nothing");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(get(id, &found) == -1 && errno == EINVAL ? 0 : 1);
  int status;
  waitpid(pid, &status, 0);
  equal(status, 0, "a child has none of them");
}

static pthread_t wanted;
static volatile int right_thread;
static void on_thread(int number) { (void)number; if (pthread_equal(pthread_self(), wanted)) right_thread = 1; }

static void *a_thread(void *argument) {
  (void)argument;
  int id;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  ((int *)&event)[4] = (int)syscall(SYS_gettid); // sigev_notify_thread_id
  struct itimerspec once = spec(20, 0);
  wanted = pthread_self();
  signal(SIGRTMIN, on_thread);
  equal(make(CLOCK_MONOTONIC, &event, &id), 0, "SIGEV_THREAD_ID");
  set(id, 0, &once, NULL);
  for (int i = 0; i < 100 && !right_thread; i++) sleep_ms(5);
  check(right_thread, "the thread gets it");
  end(id);
  return NULL;
}

static void descriptors(void) {
  uint64_t times;
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), set = epoll_create1(0), pipe_ends[2];
  struct itimerspec found, once = spec(20, 0), often = spec(10, 10), never = spec(0, 0);
  check(timer >= 0, "timerfd_create");
  fails(read(timer, &times, 8), EAGAIN, "it does not run");
  equal(timerfd_settime(timer, 0, &once, &found), 0, "timerfd_settime");
  check(in_ms(found.it_value) == 0 && in_ms(found.it_interval) == 0, "what it did before");
  struct pollfd asked = {.fd = timer, .events = POLLIN | POLLOUT};
  long long began = now_ms();
  equal(poll(&asked, 1, 5000), 1, "poll waits");
  check(asked.revents == POLLIN && now_ms() - began >= 20, "for its time");
  equal(read(timer, &times, 8), 8, "read");
  equal((long)times, 1, "once");
  fails(read(timer, &times, 8), EAGAIN, "and no more");
  fails(read(timer, &times, 7), EINVAL, "seven bytes");
  timerfd_settime(timer, 0, &often, NULL);
  sleep_ms(55);
  read(timer, &times, 8);
  check(times >= 5 && times <= 20, "five times or more");
  equal(timerfd_gettime(timer, &found), 0, "timerfd_gettime");
  check(in_ms(found.it_interval) == 10 && in_ms(found.it_value) <= 10, "its period, and what is left");
  struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
  epoll_ctl(set, EPOLL_CTL_ADD, timer, &event);
  equal(epoll_wait(set, &got, 1, 2000), 1, "EPOLLET: the first time");
  equal(epoll_wait(set, &got, 1, 40), 0, "and no more before it is read");
  read(timer, &times, 8);
  equal(epoll_wait(set, &got, 1, 2000), 1, "then the next");
  timerfd_settime(timer, 0, &never, NULL);
  fails(read(timer, &times, 8), EAGAIN, "stopped, what came is forgotten");
  struct itimerspec past = {.it_value = {0, 1}};
  equal(timerfd_settime(timer, TFD_TIMER_ABSTIME, &past, NULL), 0, "a moment that is over");
  read(timer, &times, 8);
  equal((long)times, 1, "has come");
  fcntl(timer, F_SETFL, 0);
  timerfd_settime(timer, 0, &once, NULL);
  equal(read(timer, &times, 8), 8, "a read waits");
  fails(timerfd_create(77, 0), EINVAL, "a clock there is not");
  fails(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL, "flags there are not");
  fails(timerfd_settime(timer, 8, &once, NULL), EINVAL, "nor these");
  fails(timerfd_settime(0, 0, &once, NULL), EINVAL, "no timer");
  fails(timerfd_settime(99, 0, &once, NULL), EBADF, "no descriptor");
  once.it_value.tv_nsec = -1;
  fails(timerfd_settime(timer, 0, &once, NULL), EINVAL, "less than nothing");
  fails(write(timer, &times, 8), EINVAL, "nothing is written to it");
  if (pipe(pipe_ends) == 0) close(pipe_ends[0]), close(pipe_ends[1]);
  close(timer), close(set);
}

static void alarms(void) {
  equal(alarm(INT_MAX), 0, "alarm: 68 years");
  long left = alarm(UINT_MAX);
  check(left >= INT_MAX - 1l && left <= INT_MAX, "which are left");
  left = alarm(0);
  check(left >= UINT_MAX - 1l, "136 of them");
  equal(alarm(0), 0, "none");
  struct itimerval far = {.it_value = {40000000, 500000}}, found;
  equal(setitimer(ITIMER_REAL, &far, NULL), 0, "setitimer: a year and more");
  getitimer(ITIMER_REAL, &found);
  check(found.it_value.tv_sec >= 39999999 && found.it_value.tv_sec <= 40000000, "is left");
  far.it_value = (struct timeval){0, 0};
  setitimer(ITIMER_REAL, &far, NULL);
  count = 0;
  struct itimerval often = {.it_value = {0, 5000}, .it_interval = {0, 7000}};
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 5; i++) sleep_ms(8);
  setitimer(ITIMER_REAL, &far, &found);
  check(count >= 3 && found.it_interval.tv_usec == 7000, "again and again");
}

static void readings(void) {
  sigset_t wanted_set;
  struct signalfd_siginfo info[4];
  int id;
  sigemptyset(&wanted_set), sigaddset(&wanted_set, SIGUSR2), sigaddset(&wanted_set, SIGCHLD), sigaddset(&wanted_set, SIGRTMIN + 3);
  sigprocmask(SIG_BLOCK, &wanted_set, NULL);
  int fd = signalfd(-1, &wanted_set, SFD_NONBLOCK | SFD_CLOEXEC), set = epoll_create1(0);
  check(fd >= 0, "signalfd");
  fails(read(fd, info, sizeof info), EAGAIN, "no signal");
  fails(read(fd, info, 127), EINVAL, "room for none");
  struct epoll_event event = {.events = EPOLLIN}, got;
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  equal(epoll_wait(set, &got, 1, 0), 0, "nor for epoll");
  kill(getpid(), SIGUSR2);
  equal(epoll_wait(set, &got, 1, 0), 1, "one");
  sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1234});
  sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1235});
  equal(read(fd, info, sizeof info), 3 * 128, "three signals are read at once");
  check(info[0].ssi_signo == SIGUSR2 && info[0].ssi_code == SI_USER && info[0].ssi_pid == (unsigned)getpid(), "kill's first");
  check(info[1].ssi_int == 1234 && info[2].ssi_int == 1235 && info[2].ssi_code == SI_QUEUE, "then those in the queue");
  sigset_t pending;
  sigpending(&pending);
  equal(sigismember(&pending, SIGUSR2), 0, "they are taken");
  equal(epoll_wait(set, &got, 1, 0), 0, "and epoll knows");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) sleep_ms(30), _exit(7);
  equal(epoll_wait(set, &got, 1, 5000), 1, "a child's end is waited for");
  equal(read(fd, info, sizeof info), 128, "and read");
  check(info[0].ssi_signo == SIGCHLD && info[0].ssi_pid == (unsigned)pid && info[0].ssi_status == 7 && info[0].ssi_code == CLD_EXITED, "how it ended");
  waitpid(pid, NULL, 0);
  struct sigevent by_timer = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 9};
  struct itimerspec once = spec(10, 0);
  make(CLOCK_MONOTONIC, &by_timer, &id);
  syscall(SYS_timer_settime, id, 0, &once, NULL);
  fcntl(fd, F_SETFL, 0);
  equal(read(fd, info, sizeof info), 128, "a read waits");
  check(info[0].ssi_code == SI_TIMER && info[0].ssi_tid == (unsigned)id && info[0].ssi_int == 9, "for a timer's");
  end(id);
  sigemptyset(&wanted_set), sigaddset(&wanted_set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted_set, NULL);
  equal(signalfd(fd, &wanted_set, 0), fd, "another set");
  kill(getpid(), SIGUSR2);
  equal(epoll_wait(set, &got, 1, 0), 0, "what is not in it does not count");
  sigset_t user2;
  sigemptyset(&user2), sigaddset(&user2, SIGUSR2);
  equal(sigwaitinfo(&user2, NULL), SIGUSR2, "and is there for others");
  kill(getpid(), SIGUSR1);
  equal(read(fd, info, sizeof info), 128, "what is in it does");
  equal(info[0].ssi_signo, SIGUSR1, "and only that");
  fails(signalfd(0, &wanted_set, 0), EINVAL, "no such file");
  fails(signalfd(99, &wanted_set, 0), EBADF, "no descriptor");
  fails(syscall(SYS_signalfd4, -1, &wanted_set, 7, 0), EINVAL, "no set");
  fails(syscall(SYS_signalfd4, -1, &wanted_set, 8, 1), EINVAL, "flags there are not");
  fails(syscall(SYS_signalfd4, -1, (void *)-4096, 8, 0), EFAULT, "a set in the kernel");
  close(fd), close(set);
}

int main(void) {
  pthread_t thread;
  signals();
  pthread_create(&thread, NULL, a_thread, NULL);
  pthread_join(thread, NULL);
  descriptors();
  alarms();
  readings();
  return finish();
}
