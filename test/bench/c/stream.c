// One stream against stream-guest.c, for so many seconds; prints what was counted, and the microseconds.
//
//   stream in|out IP PORT SECONDS     octets the guest took, or gave
//   stream turns IP PORT SECONDS      times 100 octets went there and came back

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TURN = 100 };

static char data[1 << 17];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/** What one step moved: octets, or a turn. */
static ssize_t step(const char *what, int s) {
  if (!strcmp(what, "in")) return write(s, data, sizeof data);
  if (!strcmp(what, "out")) return read(s, data, sizeof data);
  if (write(s, data, TURN) != TURN) return -1;
  for (ssize_t back = 0, got; back < TURN; back += got) if ((got = read(s, data, TURN - back)) <= 0) return -1;
  return 1;
}

int main(int count, char **args) {
  struct sockaddr_in there = { .sin_family = AF_INET };
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  long counted = 0;
  if (count != 5 || !inet_aton(args[2], &there.sin_addr)) return 2;
  there.sin_port = htons(atoi(args[3]));
  if (connect(s, (struct sockaddr *)&there, sizeof there) < 0) return perror("connect"), 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  double start = now(), end = start + atof(args[4]);
  while (now() < end) {
    ssize_t moved = step(args[1], s);
    if (moved <= 0) return perror("stream"), 1;
    counted += moved;
  }
  // What lies in our own buffer did not arrive yet: "in" ends when the guest has taken all of it.
  shutdown(s, SHUT_WR);
  if (!strcmp(args[1], "in")) while (read(s, data, sizeof data) > 0);
  printf("%ld %.0f\n", counted, (now() - start) * 1e6);
  return 0;
}
