// Every system call with every pointer argument bad, in each way there is: nothing (page 0), the kernel's, not mapped, running over
// the end of what is mapped, read-only where it is written, and with a high half. Each call says EFAULT, and nothing else happens.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

enum { PAGE = 4096 };
enum Use { IN, OUT, BOTH };

static long raw(long number, const long *a) {
  register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

static char *good, *last, *readonly, *hole;
static int pipes[2], udp, tcp, listener, epoll, directory, null, timer, timer_file;

struct Case {
  const char *name;
  long number;
  long arguments[6];
  int pointer; // which argument
  int use;
  int size; // bytes that are looked at; 0: a string, or what is not known
  int lazy; // it is not looked at before something happens: null is allowed, or the call may find something else first
};

/** What `good` stands for in a table that is made before it is. */
#define G -77777777

static int bad_ways(const struct Case *c, long *values, const char **ways) {
  int n = 0;
  if (c->lazy != 1) { values[n] = 0; ways[n++] = "null"; }
  values[n] = 0x10; ways[n++] = "page 0";
  values[n] = (long)hole; ways[n++] = "not mapped";
  values[n] = (long)0xffffffff80100000; ways[n++] = "the kernel's";
  values[n] = 0x7ffffffff000; ways[n++] = "past what a process has";
  values[n] = (long)0x8000000000000000; ways[n++] = "no address at all";
  values[n] = (long)good | 0x100000000; ways[n++] = "a high half";
  if (c->size > 1) { values[n] = (long)last + PAGE - c->size / 2; ways[n++] = "over the end"; }
  if (c->use != IN && c->size > 0) { values[n] = (long)readonly; ways[n++] = "read-only"; }
  return n;
}

static void one(const struct Case *c) {
  long values[16], arguments[6];
  const char *ways[16];
  int count = bad_ways(c, values, ways);
  for (int i = 0; i < count; i++) {
    memset(good, 0, PAGE);
    memset(last, 0, PAGE);
    char what[100];
    for (int k = 0; k < 6; k++) arguments[k] = c->arguments[k] == G ? (long)good : c->arguments[k];
    arguments[c->pointer] = values[i];
    snprintf(what, sizeof what, "%s %d: %s", c->name, c->pointer, ways[i]);
    equal(raw(c->number, arguments), -EFAULT, what);
  }
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  good = mmap((void *)0x20000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  last = mmap((void *)0x20010000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  readonly = mmap((void *)0x20020000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  hole = (char *)0x20030000;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof a;
  check(pipe(pipes) == 0, "a pipe");
  udp = socket(AF_INET, SOCK_DGRAM, 0);
  bind(udp, (void *)&a, sizeof a);
  getsockname(udp, (void *)&a, &length);
  connect(udp, (void *)&a, sizeof a);
  a.sin_port = 0;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  bind(listener, (void *)&a, sizeof a);
  listen(listener, 5);
  getsockname(listener, (void *)&a, &length);
  tcp = socket(AF_INET, SOCK_STREAM, 0);
  connect(tcp, (void *)&a, sizeof a);
  epoll = epoll_create1(0);
  timer_file = timerfd_create(CLOCK_MONOTONIC, 0);
  syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
  directory = open("/", O_RDONLY | O_DIRECTORY);
  null = open("/dev/zero", O_RDWR);
  for (int i = 0; i < 16; i++) send(udp, "12345678", 8, 0);
  write(pipes[1], "12345678", 8);
  sleep_ms(20);
  const int at = AT_FDCWD;
  const struct Case cases[] = {
    {"read", SYS_read, {null, G, 64}, 1, OUT, 1, 0},
    {"read pipe", SYS_read, {pipes[0], G, 8}, 1, OUT, 8, 0},
    {"write pipe", SYS_write, {pipes[1], G, 64}, 1, IN, 64, 0},
    {"read socket", SYS_read, {udp, G, 8}, 1, OUT, 8, 0},
    {"write socket", SYS_write, {udp, G, 64}, 1, IN, 64, 0},
    {"open", SYS_open, {G, O_RDONLY}, 0, IN, 0, 0},
    {"openat", SYS_openat, {at, G, O_RDONLY}, 1, IN, 0, 0},
    {"stat path", SYS_stat, {G, (long)0x20000800}, 0, IN, 0, 0},
    {"fstat", SYS_fstat, {directory, G}, 1, OUT, 144, 0},
    {"poll", SYS_poll, {G, 1, 0}, 0, BOTH, 8, 0},
    {"ppoll limit", SYS_ppoll, {G, 1, G, 0, 8}, 2, IN, 16, 1},
    {"ppoll mask", SYS_ppoll, {G, 1, 0x20000800, G, 8}, 3, IN, 8, 1},
    {"rt_sigaction new", SYS_rt_sigaction, {SIGUSR1, G, 0, 8}, 1, IN, 32, 1},
    {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, G, 8}, 2, OUT, 32, 1},
    {"rt_sigprocmask new", SYS_rt_sigprocmask, {SIG_BLOCK, G, 0, 8}, 1, IN, 8, 1},
    {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, G, 8}, 2, OUT, 8, 1},
    {"rt_sigpending", SYS_rt_sigpending, {G, 8}, 0, OUT, 8, 0},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {G, 8}, 0, IN, 8, 0},
    {"rt_sigtimedwait set", SYS_rt_sigtimedwait, {G, 0, 0x20000800, 8}, 0, IN, 8, 0},
    {"rt_sigtimedwait limit", SYS_rt_sigtimedwait, {G, 0, G, 8}, 2, IN, 16, 1},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {getpid(), SIGUSR1, G}, 2, IN, 32, 0},
    {"sigaltstack new", SYS_sigaltstack, {G, 0}, 0, IN, 24, 1},
    {"sigaltstack old", SYS_sigaltstack, {0, G}, 1, OUT, 24, 1},
    {"getresuid real", SYS_getresuid, {G, 0x20000800, 0x20000800}, 0, OUT, 4, 0},
    {"getresgid saved", SYS_getresgid, {0x20000800, 0x20000800, G}, 2, OUT, 4, 0},
    {"readv", SYS_readv, {null, G, 1}, 1, IN, 16, 0},
    {"writev", SYS_writev, {null, G, 1}, 1, IN, 16, 0},
    {"access", SYS_access, {G, 0}, 0, IN, 0, 0},
    {"pipe", SYS_pipe, {G}, 0, OUT, 8, 0},
    {"pipe2", SYS_pipe2, {G, O_CLOEXEC}, 0, OUT, 8, 0},
    {"nanosleep", SYS_nanosleep, {G, 0}, 0, IN, 16, 0},
    {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, G, 0}, 2, IN, 16, 0},
    {"getitimer", SYS_getitimer, {0, G}, 1, OUT, 32, 0},
    {"setitimer new", SYS_setitimer, {0, G, 0}, 1, IN, 32, 1},
    {"setitimer old", SYS_setitimer, {0, G, G}, 2, OUT, 32, 1},
    {"connect", SYS_connect, {udp, G, 16}, 1, IN, 16, 0},
    {"bind", SYS_bind, {udp, G, 16}, 1, IN, 16, 0},
    {"sendto", SYS_sendto, {udp, G, 64, 0, 0, 0}, 1, IN, 64, 0},
    {"sendto stream", SYS_sendto, {tcp, G, 64, 0, 0, 0}, 1, IN, 64, 0},
    {"sendto to", SYS_sendto, {udp, G, 8, 0, G, 16}, 4, IN, 16, 1},
    {"recvfrom", SYS_recvfrom, {udp, G, 8, MSG_DONTWAIT, 0, 0}, 1, OUT, 8, 0},
    {"sendmsg", SYS_sendmsg, {udp, G, 0}, 1, IN, 56, 0},
    {"recvmsg", SYS_recvmsg, {udp, G, MSG_DONTWAIT}, 1, BOTH, 56, 0},
    {"getsockname", SYS_getsockname, {udp, 0x20000800, G}, 2, BOTH, 4, 0},
    {"getpeername", SYS_getpeername, {udp, 0x20000800, G}, 2, BOTH, 4, 0},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, G}, 3, OUT, 8, 0},
    {"setsockopt", SYS_setsockopt, {udp, SOL_SOCKET, SO_BROADCAST, G, 4}, 3, IN, 4, 0},
    {"getsockopt length", SYS_getsockopt, {udp, SOL_SOCKET, SO_BROADCAST, 0x20000800, G}, 4, BOTH, 4, 0},
    {"execve", SYS_execve, {G, 0, 0}, 0, IN, 0, 0},
    {"uname", SYS_uname, {G}, 0, OUT, 390, 0},
    {"getcwd", SYS_getcwd, {G, 100}, 0, OUT, 2, 0},
    {"chdir", SYS_chdir, {G}, 0, IN, 0, 0},
    {"rename", SYS_rename, {G, 0x20000800}, 0, IN, 0, 0},
    {"mkdir", SYS_mkdir, {G, 0777}, 0, IN, 0, 0},
    {"unlink", SYS_unlink, {G}, 0, IN, 0, 0},
    {"symlink", SYS_symlink, {G, 0x20000800}, 0, IN, 0, 0},
    {"chmod", SYS_chmod, {G, 0777}, 0, IN, 0, 0},
    {"gettimeofday", SYS_gettimeofday, {G, 0}, 0, OUT, 16, 1},
    {"getrlimit", SYS_getrlimit, {7, G}, 1, OUT, 16, 0},
    {"fcntl F_SETLK", SYS_fcntl, {null, F_SETLK, G}, 2, IN, 32, 0},
    {"fcntl F_GETLK", SYS_fcntl, {null, F_GETLK, G}, 2, BOTH, 32, 0},
    {"fcntl F_OFD_SETLK", SYS_fcntl, {null, F_OFD_SETLK, G}, 2, IN, 32, 0},
    {"setitimer of processor time", SYS_setitimer, {2, G, 0}, 1, IN, 32, 1},
    {"getitimer of processor time", SYS_getitimer, {1, G}, 1, OUT, 32, 0},
    {"prlimit64 new", SYS_prlimit64, {0, 6, G, 0}, 2, IN, 16, 1},
    {"getrusage", SYS_getrusage, {0, G}, 1, OUT, 144, 0},
    {"sysinfo", SYS_sysinfo, {G}, 0, OUT, 112, 0},
    {"times", SYS_times, {G}, 0, OUT, 32, 1},
    {"getresuid", SYS_getresuid, {G, 0x20000800, 0x20000800}, 0, OUT, 4, 0},
    {"statfs", SYS_statfs, {G, 0x20000800}, 0, IN, 0, 0},
    {"fstatfs", SYS_fstatfs, {directory, G}, 1, OUT, 120, 0},
    {"time", SYS_time, {G}, 0, OUT, 8, 1},
    {"futex wait", SYS_futex, {G, 128, 1, 0}, 0, IN, 0, 0},
    {"futex limit", SYS_futex, {G, 128, 0, G}, 3, IN, 16, 1},
    {"getdents64", SYS_getdents64, {directory, G, 1000}, 1, OUT, 24, 0},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, G}, 1, OUT, 16, 0},
    {"clock_getres", SYS_clock_getres, {CLOCK_MONOTONIC, G}, 1, OUT, 16, 1},
    {"epoll_ctl", SYS_epoll_ctl, {epoll, EPOLL_CTL_ADD, udp, G}, 3, IN, 12, 0},
    {"epoll_pwait2 limit", SYS_epoll_pwait2, {epoll, 0x20000800, 1, G, 0, 8}, 3, IN, 16, 1},
    {"timer_create event", SYS_timer_create, {CLOCK_MONOTONIC, G, 0x20000800}, 1, IN, 64, 1},
    {"timer_create number", SYS_timer_create, {CLOCK_MONOTONIC, 0, G}, 2, OUT, 4, 0},
    {"timer_settime new", SYS_timer_settime, {timer, 0, G, 0}, 2, IN, 32, 1},
    {"timer_settime old", SYS_timer_settime, {timer, 0, G, G}, 3, OUT, 32, 1},
    {"timer_gettime", SYS_timer_gettime, {timer, G}, 1, OUT, 32, 0},
    {"timerfd_settime new", SYS_timerfd_settime, {timer_file, 0, G, 0}, 2, IN, 32, 0},
    {"timerfd_settime old", SYS_timerfd_settime, {timer_file, 0, G, G}, 3, OUT, 32, 1},
    {"timerfd_gettime", SYS_timerfd_gettime, {timer_file, G}, 1, OUT, 32, 0},
    {"signalfd4", SYS_signalfd4, {-1, G, 8, 0}, 1, IN, 8, 0},
    {"fcntl F_SETOWN_EX", SYS_fcntl, {pipes[0], F_SETOWN_EX, G}, 2, IN, 8, 0},
    {"fcntl F_GETOWN_EX", SYS_fcntl, {pipes[0], F_GETOWN_EX, G}, 2, OUT, 8, 0},
    {"newfstatat", SYS_newfstatat, {at, G, 0x20000800, 0}, 1, IN, 0, 0},
    {"prlimit64 old", SYS_prlimit64, {0, 7, 0, G}, 3, OUT, 16, 1},
    {"getrandom", SYS_getrandom, {G, 64, 0}, 0, OUT, 1, 0},
    {"readlink", SYS_readlink, {G, 0x20000800, 100}, 0, IN, 0, 0},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) one(&cases[i]);
  // Pointers behind pointers.
  struct { void *base; unsigned long length; } *pieces = (void *)good;
  for (int i = 0; i < 4; i++) {
    pieces[0].base = (void *[]){hole, (void *)16, (void *)0xffffffff80100000, (void *)0x100000000}[i];
    pieces[0].length = 8;
    equal(raw(SYS_writev, (long[6]){pipes[1], (long)good, 1}), -EFAULT, "writev: a piece");
    equal(raw(SYS_readv, (long[6]){null, (long)good, 1}), -EFAULT, "readv: a piece");
    struct msghdr m = {.msg_iov = (void *)good, .msg_iovlen = 1};
    equal(raw(SYS_sendmsg, (long[6]){udp, (long)&m, 0}), -EFAULT, "sendmsg: a piece");
    equal(raw(SYS_recvmsg, (long[6]){udp, (long)&m, MSG_DONTWAIT}), -EFAULT, "recvmsg: a piece");
    m.msg_iov = pieces[0].base;
    equal(raw(SYS_sendmsg, (long[6]){udp, (long)&m, 0}), -EFAULT, "sendmsg: its pieces");
    long *argv = (long *)good;
    argv[0] = (long)pieces[0].base;
    argv[1] = 0;
    equal(raw(SYS_execve, (long[6]){(long)"/proc/self/exe", (long)good, 0}), -EFAULT, "execve: an argument");
    equal(raw(SYS_execve, (long[6]){(long)"/proc/self/exe", argv[0], 0}), -EFAULT, "execve: the arguments");
  }
  check(getpid() > 0, "and the program lives on");
  return finish();
}
