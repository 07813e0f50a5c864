// One lock, virtual time, and those who wait for something to happen in it.
//
// Time passes in usleep and in netdev_receive, by steps to the next thing that is due; gettimeofday lets a microsecond
// pass, because packetdrill spins on it. After each step and each packet those who wait are woken, and nothing goes on
// until all of them sleep again, here or elsewhere. So two threads give the same order in every run.

#pragma once
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include "device.h"

static const uint64_t NEVER = ~0ull;
static const int MOST_WOKEN = 64;
static const int LONGEST_SECONDS = 5; // that a woken thread may compute before the rest goes on without it

struct Waiter { uint64_t deadline; pid_t thread; Waiter *next; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static Waiter *waiters;
static uint64_t changes;
static bool settling; // somebody waits until those who were woken sleep
static bool moving; // somebody lets time pass
static int movers; // waiters who want to do so themselves

static uint64_t now() {
  static const uint32_t clock = clockNow64();
  return read<uint64_t>(clock);
}

/** Whether a thread of this process runs or could; one that has ended does not. */
static bool runs(pid_t thread) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t length = ::read(file, line, sizeof line - 1);
  ::close(file);
  if (length <= 0) return false;
  line[length] = 0;
  const char *name = strrchr(line, ')'); // the state is behind it: a name may have any other characters
  return name && (name[2] == 'R' || name[2] == 'D');
}

/** Something happened: everybody who waits looks, and acts, before this returns. The lock is let go meanwhile. */
static void happened() {
  if (!waiters) return;
  pid_t woken[MOST_WOKEN];
  int count = 0;
  for (Waiter *each = waiters; each && count < MOST_WOKEN; each = each->next) woken[count++] = each->thread;
  changes++;
  pthread_cond_broadcast(&changed);
  if (settling) return; // the caller was woken itself, and is waited for
  settling = true;
  pthread_mutex_unlock(&lock);
  const time_t limit = time(nullptr) + LONGEST_SECONDS;
  for (int i = 0; i < count; i++)
    while (runs(woken[i]) && time(nullptr) < limit) sched_yield();
  pthread_mutex_lock(&lock);
  settling = false;
}

/** Wait until something happens; false, at once, when it is `deadline`. */
static bool wait(uint64_t deadline) {
  if (now() >= deadline) return false;
  Waiter self = { deadline, gettid(), waiters };
  waiters = &self;
  const uint64_t seen = changes;
  while (changes == seen) pthread_cond_wait(&changed, &lock);
  Waiter **place = &waiters;
  while (*place != &self) place = &(*place)->next;
  *place = self.next;
  return true;
}

/** When the next timer or the next waiter's deadline is due. */
static uint64_t nextDue() {
  const uint32_t milliseconds = untilTimer();
  uint64_t due = milliseconds == 0xffffffffu ? NEVER : (now() / 1000 + milliseconds) * 1000;
  for (Waiter *each = waiters; each; each = each->next)
    if (each->deadline < due) due = each->deadline;
  return due;
}

/** Let time pass up to `target`, or until `enough` says so. */
template <typename Enough> static void pass(uint64_t target, Enough enough) {
  while (moving || settling) {
    movers++;
    const bool woken = !enough() && wait(target);
    movers--;
    if (!woken) return;
  }
  moving = true;
  while (now() < target && !enough()) {
    const uint64_t due = nextDue();
    const uint64_t to = due > target ? target : due > now() ? due : now() + 1;
    timeSet((uint32_t)to, (uint32_t)(to >> 32));
    if (due > to) continue;
    stackRound();
    happened();
  }
  moving = false;
  if (movers > 0) changes++, pthread_cond_broadcast(&changed);
}

struct Locked {
  Locked() { pthread_mutex_lock(&lock); }
  ~Locked() { pthread_mutex_unlock(&lock); }
};

/** What every call on sockets is: the lock, and in the end all that follows from it. errno stays. */
struct Call {
  Locked locked;
  Call() {
    const int error = errno;
    deviceTake();
    errno = error;
  }
  ~Call() {
    const int error = errno;
    stackRound();
    happened();
    errno = error;
  }
};

/** Try until it is not EAGAIN, or it is `deadline`. What the first try did has its effect before anybody waits. */
template <typename Attempt> static int32_t blocking(uint64_t deadline, Attempt attempt) {
  int32_t result = attempt();
  if (result != -EAGAIN || deadline == 0) return result;
  stackRound();
  while ((result = attempt()) == -EAGAIN && wait(deadline)) {}
  return result;
}
