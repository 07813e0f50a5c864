// Threads on clone and futex: mutexes, condition variables, timeouts, requeueing, signals to one of them, a thread that ends.
#include "check.h"
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

// futex(2): musl has no header for it.
enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129, FUTEX_CMP_REQUEUE_PRIVATE = 132 };

enum { THREADS = 8, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, turn, waiting, released;

static long futex(void *word, int operation, int value, void *limit, void *second, int third) {
  return syscall(SYS_futex, word, operation, value, limit, second, third);
}

static void *count_up(void *argument) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    if (i % 64 == 0) sched_yield();
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void mutexes(void) {
  pthread_t threads[THREADS];
  long results = 0;
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, count_up, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    results += (long)result;
  }
  equal(counter, THREADS * ROUNDS, "eight threads count under a mutex");
  equal(results, 28, "and are joined, each with its result");
}

static void *take_turns(void *argument) {
  long mine = (long)argument;
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&mutex);
    while (turn % 4 != mine) pthread_cond_wait(&condition, &mutex);
    turn++;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void conditions(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, take_turns, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  equal(turn, 200, "four take turns by a condition variable");
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_nsec += 30000000;
  if (limit.tv_nsec >= 1000000000) limit.tv_sec++, limit.tv_nsec -= 1000000000;
  struct timespec after;
  pthread_mutex_lock(&mutex);
  equal(pthread_cond_timedwait(&condition, &mutex, &limit), ETIMEDOUT, "a time limit");
  pthread_mutex_unlock(&mutex);
  clock_gettime(CLOCK_REALTIME, &after);
  check(after.tv_sec > limit.tv_sec || (after.tv_sec == limit.tv_sec && after.tv_nsec >= limit.tv_nsec), "is not too short");
}

static int word, other;

static void *wait_on_word(void *argument) {
  __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  while (futex(&word, FUTEX_WAIT_PRIVATE, 0, argument, NULL, 0) == -1 && errno == EINTR) continue;
  __atomic_add_fetch(&released, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void raw(void) {
  struct timespec soon = {0, 20000000}, negative = {-1, 0};
  fails(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN, "the word is something else");
  fails(futex(&word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0), ETIMEDOUT, "nobody wakes");
  fails(futex(&word, FUTEX_WAIT_PRIVATE, 0, &negative, NULL, 0), EINVAL, "a time that is none");
  fails(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL, "not aligned");
  fails(futex((void *)16, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT, "no memory there");
  equal(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 0, "nobody to wake");
  pthread_t threads[5];
  for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, wait_on_word, NULL);
  while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 5) sleep_ms(1);
  sleep_ms(20);
  equal(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1, "one is woken");
  equal(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 0), 3, "one more, and two moved to another word");
  fails(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 7), EAGAIN, "not if the word is something else");
  equal(futex(&other, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 2, "those two");
  equal(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 1, "and the last");
  for (int i = 0; i < 5; i++) pthread_join(threads[i], NULL);
  equal(released, 5, "all five have gone on");
  fails(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS, "an operation there is not");
}

static void shared(void) {
  int *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    while (*(volatile int *)common == 0) futex(common, FUTEX_WAIT, 0, NULL, NULL, 0);
    _exit(7);
  }
  sleep_ms(30);
  *common = 1;
  equal(futex(common, FUTEX_WAKE, 1, NULL, NULL, 0), 1, "another process is woken by shared memory");
  int status;
  waitpid(pid, &status, 0);
  equal(WEXITSTATUS(status), 7, "and has seen it");
}

static volatile pthread_t caught;
static volatile int stop;
static void catch(int number) { (void)number; caught = pthread_self(); }
static void *idle(void *argument) {
  while (!stop) sleep_ms(5);
  return argument;
}

static void signals(void) {
  struct sigaction a = {.sa_handler = catch};
  sigaction(SIGUSR1, &a, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, idle, NULL);
  pthread_kill(thread, SIGUSR1);
  for (int i = 0; i < 200 && !caught; i++) sleep_ms(5);
  check(caught == thread, "a signal to one thread runs on that one");
  sigset_t block;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &block, NULL);
  caught = 0;
  kill(getpid(), SIGUSR1);
  for (int i = 0; i < 200 && !caught; i++) sleep_ms(5);
  check(caught == thread, "one to the process runs where it is not blocked");
  stop = 1;
  pthread_join(thread, NULL);
  fails(syscall(SYS_tgkill, getpid(), 0x3fffffff, SIGUSR1), ESRCH, "no such thread");
}

static void *spin(void *argument) {
  for (;;) sleep_ms(1000);
  return argument;
}

static void leave_with_threads(void) {
  pthread_t thread;
  for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, spin, NULL);
  exit(5);
}

static void killed_with_threads(void) {
  pthread_t thread;
  for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, spin, NULL);
  kill(getpid(), SIGTERM);
  for (;;) pause();
}

int main(void) {
  mutexes();
  conditions();
  raw();
  shared();
  signals();
  int status = child_status(leave_with_threads);
  check(WIFEXITED(status) && WEXITSTATUS(status) == 5, "exit ends all threads");
  status = child_status(killed_with_threads);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "and so does a signal");
  return finish();
}
