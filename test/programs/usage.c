// Processor time: of threads, of the process they are, of its children; user and system time; the timers and the limit of it.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

static long long clock_us(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static long long us(struct timeval t) { return t.tv_sec * 1000000ll + t.tv_usec; }

static struct rusage usage(int who) {
  struct rusage u;
  memset(&u, 0xff, sizeof u);
  getrusage(who, &u);
  return u;
}

/** In user mode, for so much of this thread's time. */
static void spin(long microseconds) {
  long long until = clock_us(CLOCK_THREAD_CPUTIME_ID) + microseconds;
  do {
    for (volatile int i = 0; i < 20000; i++) continue;
  } while (clock_us(CLOCK_THREAD_CPUTIME_ID) < until);
}

enum { PART = 40000 };

static void *spin_part(void *unused) {
  clockid_t clock;
  spin(PART);
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0 || clock_us(clock) < PART) failures++;
  return unused;
}

static void spin_in_threads(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, spin_part, NULL);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
}

static void threads(void) {
  long long process = clock_us(CLOCK_PROCESS_CPUTIME_ID), thread = clock_us(CLOCK_THREAD_CPUTIME_ID);
  long long self = us(usage(RUSAGE_SELF).ru_utime), own = us(usage(RUSAGE_THREAD).ru_utime);
  struct tms before, after;
  times(&before);
  spin_in_threads();
  process = clock_us(CLOCK_PROCESS_CPUTIME_ID) - process, thread = clock_us(CLOCK_THREAD_CPUTIME_ID) - thread;
  check(process >= 3 * PART, "the process's clock has its threads' time, though they have ended");
  check(thread < process / 2, "the first thread's has not");
  self = us(usage(RUSAGE_SELF).ru_utime) - self, own = us(usage(RUSAGE_THREAD).ru_utime) - own;
  check(self >= 2 * PART, "RUSAGE_SELF is of all threads, and it was user time");
  check(own < self / 2, "RUSAGE_THREAD is of one");
  clockid_t clock;
  check(clock_getcpuclockid(getpid(), &clock) == 0 && clock_us(clock) >= process, "by its id the process has the same clock");
  times(&after);
  check(after.tms_utime - before.tms_utime >= 2 * PART / 10000, "times");
}

static void kernel_time(void) {
  enum { SIZE = 1 << 20 };
  char *buffer = malloc(SIZE);
  int zeros = open("/dev/zero", O_RDONLY);
  struct rusage before = usage(RUSAGE_SELF), now = before;
  long long limit = now_ms() + 10000;
  while (us(now.ru_stime) - us(before.ru_stime) < 30000 && now_ms() < limit) {
    for (int i = 0; i < 8; i++) if (read(zeros, buffer, SIZE) != SIZE) limit = 0;
    now = usage(RUSAGE_SELF);
  }
  long long system = us(now.ru_stime) - us(before.ru_stime), user = us(now.ru_utime) - us(before.ru_utime);
  check(system >= 30000, "reading is time in the kernel");
  check(user < system, "and not user time");
  before = usage(RUSAGE_SELF);
  spin(60000);
  now = usage(RUSAGE_SELF);
  check(us(now.ru_utime) - us(before.ru_utime) >= 30000, "counting is user time");
  close(zeros), free(buffer);
}

static void forward(void) {
  long long last = 0, lastUser = 0, lastSystem = 0;
  int back = 0;
  for (int i = 0; i < 2000; i++) {
    long long now = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    struct rusage u = usage(RUSAGE_SELF);
    back += now < last || us(u.ru_utime) < lastUser || us(u.ru_stime) < lastSystem;
    last = now, lastUser = us(u.ru_utime), lastSystem = us(u.ru_stime);
  }
  equal(back, 0, "neither of them goes back");
}

/** A child and its child, which it waits for; both use time in threads. */
static void children(void) {
  struct rusage u;
  long long before = us(usage(RUSAGE_CHILDREN).ru_utime);
  int status = -1;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    failures = 0;
    check(us(usage(RUSAGE_SELF).ru_utime) < PART, "a child begins with no time of its own");
    check(us(usage(RUSAGE_CHILDREN).ru_utime) == 0, "nor its parent's children's");
    spin_in_threads();
    fflush(stdout);
    if (fork() == 0) spin(PART), _exit(0);
    wait(&status);
    exit(failures != 0 || status != 0);
  }
  equal(wait4(pid, &status, 0, &u), pid, "wait4");
  equal(status, 0, "of a child that spins");
  checks += 2;
  check(us(u.ru_utime) >= 3 * PART, "tells its threads' time and its children's");
  check(us(usage(RUSAGE_CHILDREN).ru_utime) - before >= 3 * PART, "RUSAGE_CHILDREN has it now");
  struct tms t;
  times(&t);
  check(t.tms_cutime >= 3 * PART / 10000, "times has it too");
  fails(getrusage(7, &u), EINVAL, "whose?");
}

static volatile int virtuals, profiles, limits;
static void count(int number) {
  if (number == SIGVTALRM) virtuals++;
  if (number == SIGPROF) profiles++;
}

static void timers(void) {
  struct itimerval every = {{0, 20000}, {0, 30000}}, none = {{0, 0}, {0, 0}}, left;
  signal(SIGVTALRM, count), signal(SIGPROF, count);
  long long from = clock_us(CLOCK_PROCESS_CPUTIME_ID);
  equal(setitimer(ITIMER_PROF, &every, NULL), 0, "ITIMER_PROF");
  while (profiles < 3) spin(2000);
  // Linux may count in ticks for timers and limits: by the clock they are early then, beside other work by a half.
  check(clock_us(CLOCK_PROCESS_CPUTIME_ID) - from >= 35000, "its signals are not early");
  equal(setitimer(ITIMER_PROF, &none, &left), 0, "stopped");
  check(us(left.it_interval) >= 20000 && us(left.it_interval) < 50000, "its period is told");
  check(us(left.it_value) > 0 && us(left.it_value) < 50000, "and what was left");
  int before = profiles;
  spin(50000);
  equal(profiles, before, "it runs no more");
  every = (struct itimerval){{0, 0}, {0, 40000}};
  equal(setitimer(ITIMER_VIRTUAL, &every, NULL), 0, "ITIMER_VIRTUAL");
  sleep_ms(80);
  equal(virtuals, 0, "does not run while the process sleeps");
  equal(getitimer(ITIMER_VIRTUAL, &left), 0, "getitimer");
  check(us(left.it_value) > 0 && us(left.it_value) <= 60000, "says what is left");
  from = clock_us(CLOCK_PROCESS_CPUTIME_ID);
  while (virtuals == 0) spin(2000);
  spin(60000);
  equal(virtuals, 1, "fires, once");
  getitimer(ITIMER_VIRTUAL, &left);
  equal(us(left.it_value), 0, "and is over");
  every.it_value.tv_usec = 1000000;
  fails(setitimer(ITIMER_PROF, &every, NULL), EINVAL, "a time that is none");
  fails(setitimer(3, &none, NULL), EINVAL, "a timer there is not");
}

static void *spin_for_ever(void *unused) {
  for (;;) spin(1000);
  return unused;
}

/** Told once, it has the limit made final. */
static void told(int number) {
  (void)number;
  struct rlimit last = {1, 1};
  limits++;
  if (limits > 1 || setrlimit(RLIMIT_CPU, &last) != 0) _exit(1);
}

/** Two threads: the limit is the process's. */
static void limited(void) {
  struct rlimit limit = {1, 5};
  pthread_t thread;
  signal(SIGXCPU, told);
  if (setrlimit(RLIMIT_CPU, &limit) != 0) _exit(2);
  pthread_create(&thread, NULL, spin_for_ever, NULL);
  spin_for_ever(NULL);
}

static void killed_by_default(void) {
  struct rlimit limit = {0, 5};
  setrlimit(RLIMIT_CPU, &limit);
  spin(4000000);
}

/** Somebody of a higher priority takes all there is; who has a lower one gets a turn all the same. */
static void turns(void) {
  enum { LONG = 800 };
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setpriority(PRIO_PROCESS, 0, -20);
    for (long long until = now_ms() + LONG; now_ms() < until;) continue;
    _exit(0);
  }
  long long longest = 0, last = now_ms();
  while (waitpid(pid, NULL, WNOHANG) == 0) {
    long long now = now_ms();
    if (now - last > longest) longest = now - last;
    last = now;
  }
  check(longest < LONG * 3 / 4, "who has a lower priority does not wait for ever");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  threads();
  kernel_time();
  forward();
  children();
  timers();
  turns();
  long long before = us(usage(RUSAGE_CHILDREN).ru_utime) + us(usage(RUSAGE_CHILDREN).ru_stime);
  int status = child_status(limited);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "past RLIMIT_CPU there is a signal, then the end");
  before = us(usage(RUSAGE_CHILDREN).ru_utime) + us(usage(RUSAGE_CHILDREN).ru_stime) - before;
  check(before >= 500000 && before < 3000000, "after a second");
  status = child_status(killed_by_default);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU, "who does not handle it ends by SIGXCPU");
  return finish();
}
