// What a program pays for the kernel: nanoseconds of a null system call, of fork, exit and wait, of a byte there and back
// through two pipes, of the first touch of a page, of a signal and its handler, of a datagram there and back between two sockets of the
// loopback interface, of an epoll_wait that finds one of 500 sockets ready. The first program of either guest; a line a figure, then the end.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, CALLS = 100000, FORKS = 300, TURNS = 5000, PAGES = 4096, SIGNALS = 10000, WAITS = 5000, SOCKETS = 500 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static double null_call(void) {
  double start = now();
  for (int i = 0; i < CALLS; i++) syscall(SYS_getppid);
  return (now() - start) / CALLS;
}

static double fork_exit_wait(void) {
  double start = now();
  for (int i = 0; i < FORKS; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid < 0 || waitpid(pid, 0, 0) != pid) exit(1);
  }
  return (now() - start) / FORKS;
}

static double pipe_turn(void) {
  int there[2], back[2];
  char byte = 0;
  if (pipe(there) != 0 || pipe(back) != 0) exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < TURNS; i++) if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  double start = now();
  for (int i = 0; i < TURNS; i++) if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) exit(1);
  double taken = (now() - start) / TURNS / 2; // two switches a turn
  waitpid(pid, 0, 0);
  for (int i = 0; i < 2; i++) close(there[i]), close(back[i]);
  return taken;
}

static double first_touch(void) {
  char *memory = mmap(0, PAGES * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  madvise(memory, PAGES * 4096ul, MADV_NOHUGEPAGE);
  double start = now();
  for (int i = 0; i < PAGES; i++) memory[i * 4096ul] = 1;
  double taken = (now() - start) / PAGES;
  munmap(memory, PAGES * 4096ul);
  return taken;
}

static volatile int handled;
static void handler(int number) { handled = number; }

static double signal_handled(void) {
  signal(SIGUSR1, handler);
  pid_t self = getpid();
  double start = now();
  for (int i = 0; i < SIGNALS; i++) kill(self, SIGUSR1);
  double taken = (now() - start) / SIGNALS;
  if (handled != SIGUSR1) exit(1);
  return taken;
}

/** The loopback interface of a Linux that has just begun is down. */
static void loopback_up(void) {
  struct ifreq request = {.ifr_flags = IFF_UP};
  strcpy(request.ifr_name, "lo");
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  ioctl(s, SIOCSIFFLAGS, &request);
  close(s);
}

static int datagram_socket(struct sockaddr_in *name) {
  socklen_t length = sizeof *name;
  memset(name, 0, sizeof *name);
  name->sin_family = AF_INET;
  name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(s, (void *)name, sizeof *name) != 0 || getsockname(s, (void *)name, &length) != 0) exit(1);
  return s;
}

static double datagram_turn(void) {
  struct sockaddr_in here, there;
  int s = datagram_socket(&here), other = datagram_socket(&there);
  char bytes[64] = "";
  if (connect(s, (void *)&there, sizeof there) != 0 || connect(other, (void *)&here, sizeof here) != 0) exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < TURNS; i++) if (recv(other, bytes, 64, 0) != 64 || send(other, bytes, 64, 0) != 64) _exit(1);
    _exit(0);
  }
  double start = now();
  for (int i = 0; i < TURNS; i++) if (send(s, bytes, 64, 0) != 64 || recv(s, bytes, 64, 0) != 64) exit(1);
  double taken = (now() - start) / TURNS / 2; // two datagrams a turn
  waitpid(pid, 0, 0);
  close(s), close(other);
  return taken;
}

static double epoll_found(void) {
  int set = epoll_create1(0), all[SOCKETS];
  struct sockaddr_in name;
  for (int i = 0; i < SOCKETS; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    all[i] = datagram_socket(&name);
    if (epoll_ctl(set, EPOLL_CTL_ADD, all[i], &event) != 0) exit(1);
  }
  struct epoll_event ready[8];
  if (sendto(all[0], "x", 1, 0, (void *)&name, sizeof name) != 1 || epoll_wait(set, ready, 8, 1000) != 1) exit(1);
  double start = now();
  for (int i = 0; i < WAITS; i++) if (epoll_wait(set, ready, 8, -1) != 1) exit(1);
  double taken = (now() - start) / WAITS;
  for (int i = 0; i < SOCKETS; i++) close(all[i]);
  close(set);
  return taken;
}

int main(void) {
  loopback_up();
  setvbuf(stdout, 0, _IONBF, 0);
  for (int i = 0; i < ROUNDS; i++) {
    printf("calls: null %.0f\n", null_call());
    printf("calls: fork %.0f\n", fork_exit_wait());
    printf("calls: pipe %.0f\n", pipe_turn());
    printf("calls: touch %.0f\n", first_touch());
    printf("calls: signal %.0f\n", signal_handled());
    printf("calls: datagram %.0f\n", datagram_turn());
    printf("calls: epoll %.0f\n", epoll_found());
  }
  printf("calls: done\n");
  if (getpid() == 1) reboot(RB_POWER_OFF);
  return 0;
}
