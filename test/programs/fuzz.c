// System calls drawn at random, with arguments that are interesting: nothing, the kernel's, not mapped, over the end, read-only, with a
// high half, huge, descriptors that are open or were. Children make them, one after another; this process, which has to be the
// first, counts, ends those that hang, and lives on. What it proves is that the kernel does.
//
//   fuzz SEED CHILDREN [loud] [forks]: child k draws with SEED + k; loud: each call is printed first; forks: most calls make processes
//   and threads, or end some, which then happens while others are being made
//
// Left out: exit, reboot, and signals to process 1.
#include "check.h"
#include <fcntl.h>
#include <ftw.h>
#include <mntent.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

enum { PAGE = 4096, CALLS = 150, CHILD_MS = 400, DESCRIPTORS = 30 };

/** What arguments are, in order. d descriptor, p pointer, n name, s size, f flags, i small number, o offset, t process, g signal. */
struct Call {
  int number;
  const char *shape;
};

static const struct Call table[] = {
  {SYS_read, "dps"}, {SYS_write, "dps"}, {SYS_open, "nff"}, {SYS_close, "d"}, {SYS_stat, "np"}, {SYS_fstat, "dp"}, {SYS_lstat, "np"},
  {SYS_poll, "psi"}, {SYS_lseek, "doi"}, {SYS_mmap, "pssfdo"}, {SYS_mmap, "psfido"}, {SYS_mprotect, "psi"}, {SYS_munmap, "ps"}, {SYS_brk, "p"},
  {SYS_rt_sigaction, "gppi"}, {SYS_rt_sigprocmask, "ippi"}, {SYS_rt_sigreturn, ""}, {SYS_ioctl, "dfp"}, {SYS_pread64, "dpso"},
  {SYS_pwrite64, "dpso"}, {SYS_readv, "dpi"}, {SYS_writev, "dpi"}, {SYS_access, "ni"}, {SYS_pipe, "p"}, {SYS_select, "ipppp"},
  {SYS_sched_yield, ""}, {SYS_mremap, "pssip"}, {SYS_msync, "psi"}, {SYS_mincore, "psp"}, {SYS_madvise, "psi"}, {SYS_dup, "d"}, {SYS_dup2, "di"},
  {SYS_pause, ""}, {SYS_nanosleep, "pp"}, {SYS_getitimer, "ip"}, {SYS_alarm, "s"}, {SYS_setitimer, "ipp"}, {SYS_getpid, ""},
  {SYS_sendfile, "ddps"}, {SYS_socket, "iii"}, {SYS_connect, "dpi"}, {SYS_accept, "dpp"}, {SYS_sendto, "dpsfpi"}, {SYS_recvfrom, "dpsfpp"},
  {SYS_sendmsg, "dpf"}, {SYS_recvmsg, "dpf"}, {SYS_shutdown, "di"}, {SYS_bind, "dpi"}, {SYS_listen, "di"}, {SYS_getsockname, "dpp"},
  {SYS_getpeername, "dpp"}, {SYS_socketpair, "iiip"}, {SYS_setsockopt, "diipi"}, {SYS_getsockopt, "diipp"}, {SYS_clone, "fpppp"}, {SYS_fork, ""},
  {SYS_vfork, ""}, {SYS_execve, "npp"}, {SYS_wait4, "tpip"}, {SYS_kill, "tg"}, {SYS_uname, "p"}, {SYS_fcntl, "dip"}, {SYS_fcntl, "dii"},
  {SYS_flock, "di"}, {SYS_fsync, "d"}, {SYS_fdatasync, "d"}, {SYS_truncate, "no"}, {SYS_ftruncate, "do"}, {SYS_getcwd, "ps"}, {SYS_chdir, "n"},
  {SYS_fchdir, "d"}, {SYS_rename, "nn"}, {SYS_mkdir, "ni"}, {SYS_rmdir, "n"}, {SYS_creat, "ni"}, {SYS_link, "nn"}, {SYS_unlink, "n"},
  {SYS_symlink, "nn"}, {SYS_readlink, "nps"}, {SYS_chmod, "nf"}, {SYS_fchmod, "df"}, {SYS_chown, "nii"}, {SYS_fchown, "dii"},
  {SYS_lchown, "nii"}, {SYS_umask, "f"}, {SYS_gettimeofday, "pp"}, {SYS_getrlimit, "ip"}, {SYS_getrusage, "ip"}, {SYS_sysinfo, "p"},
  {SYS_times, "p"}, {SYS_getuid, ""}, {SYS_setuid, "i"}, {SYS_setgid, "i"}, {SYS_setpgid, "ti"}, {SYS_getppid, ""}, {SYS_setsid, ""},
  {SYS_setreuid, "ii"}, {SYS_getgroups, "ip"}, {SYS_setgroups, "ip"}, {SYS_setresuid, "iii"}, {SYS_getresuid, "ppp"}, {SYS_getpgid, "t"},
  {SYS_getsid, "t"}, {SYS_setfsuid, "i"}, {SYS_setfsgid, "i"}, {SYS_setresgid, "iii"}, {SYS_capget, "pp"}, {SYS_capset, "pp"},
  {SYS_rt_sigpending, "pi"}, {SYS_rt_sigtimedwait, "pppi"}, {SYS_rt_sigqueueinfo, "tgp"}, {SYS_rt_sigsuspend, "pi"},
  {SYS_sigaltstack, "pp"}, {SYS_utime, "np"}, {SYS_mknod, "nff"}, {SYS_personality, "f"}, {SYS_statfs, "np"}, {SYS_fstatfs, "dp"},
  {SYS_getpriority, "it"}, {SYS_setpriority, "iti"}, {SYS_sched_setscheduler, "tip"}, {SYS_sched_getparam, "tp"}, {SYS_prctl, "ippp"},
  {SYS_arch_prctl, "fp"}, {SYS_setrlimit, "ip"}, {SYS_chroot, "n"}, {SYS_sync, ""}, {SYS_mount, "nnnfp"}, {SYS_umount2, "ni"},
  {SYS_sethostname, "ps"}, {SYS_gettid, ""}, {SYS_tkill, "tg"}, {SYS_time, "p"}, {SYS_futex, "piippi"}, {SYS_futex, "pfippi"},
  {SYS_sched_setaffinity, "tip"}, {SYS_sched_getaffinity, "tip"}, {SYS_epoll_create, "i"}, {SYS_getdents64, "dps"}, {SYS_set_tid_address, "p"},
  {SYS_fadvise64, "dooi"}, {SYS_clock_settime, "ip"}, {SYS_clock_gettime, "ip"}, {SYS_clock_getres, "ip"}, {SYS_clock_nanosleep, "iipp"},
  {SYS_epoll_wait, "dpii"}, {SYS_epoll_ctl, "didp"}, {SYS_tgkill, "ttg"}, {SYS_utimes, "np"}, {SYS_waitid, "itpip"}, {SYS_openat, "dnff"},
  {SYS_mkdirat, "dni"}, {SYS_mknodat, "dnff"}, {SYS_fchownat, "dniif"}, {SYS_newfstatat, "dnpf"}, {SYS_unlinkat, "dnf"},
  {SYS_renameat, "dndn"}, {SYS_linkat, "dndnf"}, {SYS_symlinkat, "ndn"}, {SYS_readlinkat, "dnps"}, {SYS_fchmodat, "dnf"},
  {SYS_faccessat, "dnf"}, {SYS_pselect6, "ippppp"}, {SYS_ppoll, "pippi"}, {SYS_set_robust_list, "ps"}, {SYS_get_robust_list, "tpp"},
  {SYS_utimensat, "dnpf"}, {SYS_epoll_pwait, "dpiipi"}, {SYS_eventfd, "i"}, {SYS_fallocate, "dioo"}, {SYS_accept4, "dppf"}, {SYS_eventfd2, "if"},
  {SYS_epoll_create1, "f"}, {SYS_dup3, "dif"}, {SYS_pipe2, "pf"}, {SYS_preadv, "dpio"}, {SYS_pwritev, "dpio"}, {SYS_prlimit64, "tipp"},
  {SYS_getcpu, "pp"}, {SYS_renameat2, "dndnf"}, {SYS_getrandom, "psf"}, {SYS_statx, "dnfip"}, {SYS_close_range, "iii"}, {SYS_faccessat2, "dnff"},
  {SYS_timer_create, "ipp"}, {SYS_timer_settime, "iipp"}, {SYS_timer_gettime, "ip"}, {SYS_timer_getoverrun, "i"}, {SYS_timer_delete, "i"},
  {SYS_timerfd_create, "if"}, {SYS_timerfd_settime, "dipp"}, {SYS_timerfd_gettime, "dp"}, {SYS_signalfd4, "dpif"}, {SYS_epoll_pwait2, "dpippi"},
};
enum { TABLE = sizeof table / sizeof *table };

static const struct Call making[] = {
  {SYS_clone, "fpppp"}, {SYS_clone, "fpppp"}, {SYS_fork, ""}, {SYS_fork, ""}, {SYS_vfork, ""}, {SYS_sched_yield, ""}, {SYS_wait4, "tpip"},
  {SYS_dup, "d"}, {SYS_execve, "npp"}, {SYS_unlink, "n"}, {SYS_brk, "p"}, {SYS_kill, "tg"}, {SYS_socketpair, "iiip"},
};
enum { MAKING = sizeof making / sizeof *making };

struct Shared {
  unsigned long calls, succeeded;
};

static struct Shared *shared;
static char *good, *last, *readonly, *hole;
static unsigned state;
static int loud, forks;

static unsigned draw(void) { // xorshift32
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

static unsigned below(unsigned n) { return draw() % n; }

static const long sizes[] = {0, 1, 2, 7, 8, 16, 64, 255, 4095, 4096, 4097, 8192, 65536, 0x100000, 0x7fffffff, 0x7ffff000, 0x80000000, 0xfffff000,
  0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff, -1, -4096};
static const long offsets[] = {0, 1, 4095, 4096, 65536, 0x1000000, 0x7fffffff, 0x7fffffffffffffff, 0x80000000, 0xfffff000, 0x100000000, -1, -4096};
static const char *const names[] = {"", "/", ".", "..", "a", "b", "a/b", "/tmp", "/tmp/a", "/tmp/loop", "/dev", "/dev/null", "/dev/zero", "/dev/full",
  "/dev/tty", "/dev/random", "/proc", "/proc/self", "/proc/self/maps", "/proc/self/fd", "/proc/self/fd/3", "/proc/self/exe", "/proc/meminfo",
  "/proc/1/stat", "/proc/self/cwd", "/bin", "fifo", "proc", "tmpfs", "ramfs", "devtmpfs", "//tmp//./b/", "a/../a/../b"};

#define OF(list) list[below(sizeof(list) / sizeof *(list))]

static long pointer(void) {
  switch (below(16)) {
    case 0: return 0;
    case 1: return 1 + below(PAGE);
    case 2: return (long)readonly + below(PAGE);
    case 3: return (long)hole + below(PAGE);
    case 4: return (long)last + PAGE - 1 - below(64);
    case 5: return (long)0xffffffff80100000 + below(0x100000);
    case 6: return (long)((unsigned long)draw() << 32 | (unsigned long)good);
    case 7: return (long)(0x8000000000000000 | draw());
    case 8: return 0x7ffff000 + below(2 * PAGE);
    default: return (long)good + below(PAGE / 8) * (below(8) ? 8 : 1);
  }
}

static long small(void) {
  switch (below(4)) {
    case 0: return below(4);
    case 1: return below(32);
    case 2: return 1 << below(31);
    default: return (int[]){-1, -2, 0x7fffffff, -0x7fffffff - 1, 100, 1024, 0, 1}[below(8)];
  }
}

static long descriptor(void) {
  if (below(8)) return 3 + below(DESCRIPTORS);
  return (int[]){-1, AT_FDCWD, 1023, 1024, 0x7fffffff, 0, 1, 2}[below(8)];
}

/** Never the first process, nor all: signals to oneself, to one's group, to nobody. */
static long process(void) { return (long[]){getpid(), 0, getpid(), 99999, 0x7fffffff, -99999}[below(6)]; }

static long argument(char shape) {
  if (shape != 't' && below(12) == 0) shape = "dpnsfio"[below(7)];
  switch (shape) {
    case 'd': return descriptor();
    case 'p': return pointer();
    case 'n': return below(10) ? (long)OF(names) : pointer();
    case 's': return below(3) ? (long)below(5000) : OF(sizes);
    case 'f': return below(3) ? (long)(1u << below(32) | (below(2) ? 1u << below(32) : 0) | below(4)) : (long)draw();
    case 'o': return below(2) ? (long)below(20000) : OF(offsets);
    case 't': return process();
    case 'g': return below(70);
    default: return small();
  }
}

static long raw(long number, const long *a) {
  register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

/** What pointers find: numbers, and pointers again. */
static void scatter(void) {
  long *words = (long *)good;
  for (int i = 0; i < 40; i++) {
    unsigned at = below(PAGE / 8);
    switch (below(4)) {
      case 0: words[at] = pointer(); break;
      case 1: words[at] = OF(sizes); break;
      case 2: words[at] = below(16) | (long)below(16) << 32; break;
      default: words[at] = 0;
    }
  }
}

static struct sockaddr_un local(int which) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path + which / 2, 8, "local%d", which); // the first two in the file system
  return a;
}

/** A name to bind or send to, where pointers find it. */
static void address(void) {
  if (below(2)) {
    struct sockaddr_un u = local(below(4));
    memcpy(good, &u, sizeof u);
    return;
  }
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(7000 + below(4)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  memcpy(good, &a, sizeof a);
}

/** A message with descriptors or credentials, nearly as it has to be. */
static long message(void) {
  struct msghdr *m = (void *)(good + 1024);
  struct cmsghdr *head = (void *)(good + 1280);
  struct iovec *pieces = (void *)(good + 1152);
  int count = below(6), *data = (int *)CMSG_DATA(head);
  for (int i = 0; i < 3; i++) pieces[i] = (struct iovec){below(4) ? good + 2048 : (char *)pointer(), below(4) ? below(3000) : (unsigned long)OF(sizes)};
  for (int i = 0; i < count; i++) data[i] = below(3) ? (int)(3 + below(DESCRIPTORS)) : getpid();
  *head = (struct cmsghdr){.cmsg_len = below(8) ? CMSG_LEN(4 * count) : below(64), .cmsg_level = below(8) ? SOL_SOCKET : (int)below(4), .cmsg_type = 1 + below(2)};
  *m = (struct msghdr){.msg_name = below(3) ? NULL : good, .msg_namelen = below(120), .msg_iov = pieces, .msg_iovlen = below(4), .msg_control = below(8) ? head : (void *)pointer(),
    .msg_controllen = below(4) ? CMSG_SPACE(4 * count) : below(200)};
  return (long)m;
}

static void interrupted(int number) { (void)number; }

static void prepare(void) {
  good = mmap((void *)0x20000000, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  last = mmap((void *)0x20010000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  readonly = mmap((void *)0x20020000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  hole = (char *)0x20030000;
  int two[2], null = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++) dup2(null, i);
  close(null);
  open("/dev/console", O_RDONLY | O_NONBLOCK);
  mkdir("/tmp", 0777), chdir("/tmp");
  symlink("loop", "loop");
  open("a", O_RDWR | O_CREAT, 0666);
  open("b", O_RDWR | O_CREAT | O_APPEND, 0666);
  open(".", O_RDONLY | O_DIRECTORY);
  open("/proc", O_RDONLY), open("/proc/self/maps", O_RDONLY), open("/dev/zero", O_RDWR);
  (void)!pipe(two), (void)!pipe2(two, O_NONBLOCK);
  socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(7000 + below(4)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (void *)&a, sizeof a) == 0) listen(listener, 4);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(client, (void *)&a, sizeof a);
  socketpair(AF_UNIX, SOCK_STREAM, 0, two);
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, two);
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, two);
  for (int i = 0; i < 4; i++) {
    struct sockaddr_un u = local(i);
    unlink(u.sun_path);
    int s = socket(AF_UNIX, (i % 2 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (bind(s, (void *)&u, sizeof u) == 0) listen(s, 2);
  }
  struct sockaddr_un u = local(0);
  connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&u, sizeof u);
  epoll_create1(0), epoll_create1(0), eventfd(1, EFD_NONBLOCK), timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
}

/** A tick that ends waiting. */
static void tick(void) {
  struct sigaction action = {.sa_handler = interrupted};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval every = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &every, NULL);
}

static void tell(const struct Call *call, const long *a) {
  char line[200];
  int console = open("/dev/console", O_WRONLY);
  int length = snprintf(line, sizeof line, "%d: %d(%lx %lx %lx %lx %lx %lx)\n", getpid(), call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
  (void)!write(console, line, length);
  close(console);
}

static void child(unsigned seed) {
  setsid();
  state = seed * 2654435761u | 1;
  prepare();
  tick();
  for (int i = 0; i < CALLS; i++) {
    const struct Call *call = forks ? &making[below(MAKING)] : &table[below(TABLE)];
    long a[6];
    if (i % 8 == 0) scatter();
    if (below(4) == 0) address();
    int length = strlen(call->shape);
    for (int k = 0; k < 6; k++) a[k] = k < length ? argument(call->shape[k]) : (long)draw();
    if ((call->number == SYS_sendmsg || call->number == SYS_recvmsg) && below(4)) a[1] = message();
    if (loud) tell(call, a);
    __atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
    if (raw(call->number, a) >= 0) __atomic_add_fetch(&shared->succeeded, 1, __ATOMIC_RELAXED);
  }
  _exit(0);
}

/** Wait for the child; it, and all it has made, is ended. */
static void end(pid_t pid) {
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGCHLD);
  struct timespec limit = {0, CHILD_MS * 1000000l};
  sigtimedwait(&set, NULL, &limit);
  kill(pid, SIGKILL);
  kill(-1, SIGKILL); // the first process may: everybody but itself
  while (wait(NULL) > 0 || errno == EINTR) continue;
  sigtimedwait(&set, NULL, &(struct timespec){0, 0});
}

static int unmade(const char *path, const struct stat *about, int type, struct FTW *place) {
  (void)about, (void)type;
  if (place->level > 0 && strcmp(path + place->base, "fuzz") != 0) remove(path);
  return 0;
}

/** What children have left in the file system goes, and what was there at boot comes back: nobody can tell that they were there. */
static void clean(void) {
  static char places[64][256];
  mkdir("/proc", 0755);
  if (access("/proc/mounts", R_OK) != 0) mount("proc", "/proc", "proc", 0, NULL);
  FILE *list = setmntent("/proc/mounts", "r");
  int count = 0;
  for (struct mntent *each; list != NULL && count < 64 && (each = getmntent(list)) != NULL;) snprintf(places[count++], 256, "%s", each->mnt_dir);
  if (list != NULL) endmntent(list);
  while (count-- > 0) if (strcmp(places[count], "/") != 0) umount(places[count]);
  nftw("/", unmade, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
  mkdir("/tmp", 0755), mkdir("/dev", 0755), mkdir("/proc", 0755);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL), mount("proc", "/proc", "proc", 0, NULL);
}

int main(int argc, char **argv) {
  if (getpid() != 1) return 0; // a child made a program of itself; or this is not the machine for it
  unsigned seed = argc > 1 ? atoi(argv[1]) : 1, children = argc > 2 ? atoi(argv[2]) : 100;
  for (int i = 3; i < argc; i++) loud |= strcmp(argv[i], "loud") == 0, forks |= strcmp(argv[i], "forks") == 0;
  shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sigset_t set;
  sigfillset(&set);
  for (unsigned k = 0; k < children; k++) {
    printf("\nfuzz %u\n", seed + k); // a child may have written to the console, and not ended its line
    fflush(stdout);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    pid_t pid = fork();
    if (pid == 0) child(seed + k);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pid > 0) end(pid);
  }
  clean();
  printf("\nfuzz: %lu calls, %lu without an error, %u children\n", shared->calls, shared->succeeded, children);
  fflush(stdout);
  return 0;
}
