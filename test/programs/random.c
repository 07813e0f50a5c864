// System calls drawn at random, with arguments drawn at random from what is good, what is nearly good and what is not: nothing of it may
// end more than the program that does it. random SEED ROUNDS CALLS: so many children make so many calls each.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

static unsigned long long state;

static unsigned draw(unsigned below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 11) % below;
}

/** What a program can not be asked to survive, or would only wait in. */
static int left_out(int number) {
  switch (number) {
    case SYS_exit: case SYS_exit_group: case SYS_reboot: case SYS_pause: case SYS_rt_sigsuspend: case SYS_kill: case SYS_tkill: case SYS_tgkill:
    case SYS_rt_sigqueueinfo: case SYS_vfork: case SYS_swapoff: case SYS_swapon: case SYS_clone3: case SYS_vhangup:
      return 1;
    default:
      return 0;
  }
}

static char *memory, *readonly;

static long pointer(void) {
  switch (draw(9)) {
    case 0: return 0;
    case 1: return (long)(memory + draw(65536));
    case 2: return (long)(readonly + draw(4096));
    case 3: return (long)(memory + 65536 - draw(16));
    case 4: return (long)0xffffffff80000000 + draw(0x7fffffff);
    case 5: return (long)draw(0xffffffff) << 32 | draw(0xffffffff);
    default: return (long)(memory + draw(8192) * 8);
  }
}

static long number(void) {
  switch (draw(8)) {
    case 0: return 0;
    case 1: return -1;
    case 2: return draw(64);
    case 3: return draw(4097);
    case 4: return 1l << draw(63);
    case 5: return (int)draw(0xffffffff);
    default: return draw(12);
  }
}

/** Memory that may be anything a call looks at. */
static void fill(void) {
  long *words = (long *)memory;
  for (int i = 0; i < 8192; i++) words[i] = draw(2) ? pointer() : number();
}

static void descriptors(void) {
  int pair[2];
  for (int fd = 0; fd < 40; fd++) close(fd);
  for (int fd = 0; fd < 3; fd++) open("/dev/null", O_RDWR);
  if (pipe(pair) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)) return;
  socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int all = epoll_create1(0), count = eventfd(1, EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(all, EPOLL_CTL_ADD, count, &event);
  epoll_ctl(all, EPOLL_CTL_ADD, pair[0], &event);
  open("/tmp/random", O_RDWR | O_CREAT | O_NONBLOCK, 0644);
  open("/dev/null", O_RDWR);
  open("/proc/self/stat", O_RDONLY);
}

static void child(unsigned long long seed, int calls) {
  struct itimerval limit = {.it_value = {0, 300000}};
  state = seed * 0x9e3779b97f4a7c15 + 1;
  readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  descriptors();
  setitimer(ITIMER_REAL, &limit, NULL);
  for (int i = 0; i < calls; i++) {
    if (i % 16 == 0) fill();
    int call = draw(335);
    if (left_out(call)) continue;
    long a[6];
    for (int each = 0; each < 6; each++) a[each] = draw(2) ? number() : pointer();
    if (call == SYS_prlimit64 && a[0] == 1) continue; // a limit on its stack would end the first process
    syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  _exit(0);
}

int main(int argc, char **argv) {
  int rounds = argc > 2 ? atoi(argv[2]) : 50, calls = argc > 3 ? atoi(argv[3]) : 400, ended = 0;
  unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < rounds; i++) {
    pid_t pid = fork();
    if (pid == 0) child(seed + i, calls);
    if (pid < 0) {
      printf("no child %d: errno %d\n", i, errno);
      continue;
    }
    // Whatever the child did to itself, stopped or deaf to signals: a second later it is ended.
    for (int wait = 0; wait < 100; wait++) {
      if (waitpid(pid, NULL, WNOHANG) == pid) {
        ended++;
        pid = 0;
        break;
      }
      sleep_ms(10);
    }
    if (pid == 0) continue;
    kill(pid, SIGKILL);
    if (waitpid(pid, NULL, 0) == pid) ended++;
    else printf("child %d: errno %d\n", i, errno);
  }
  equal(ended, rounds, "every child has ended");
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  return finish();
}
