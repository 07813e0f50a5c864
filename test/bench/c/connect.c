// Connections made and closed, one after another, for so many seconds; prints how many, and the microseconds.
//
//   connect IP PORT SECONDS    each is closed here first, and then read until the peer has closed it, too

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **args) {
  struct sockaddr_in there = { .sin_family = AF_INET };
  if (count != 4 || !inet_aton(args[1], &there.sin_addr)) return 2;
  there.sin_port = htons(atoi(args[2]));
  double start = now(), end = start + atof(args[3]);
  long made = 0;
  for (; now() < end; made++) {
    char byte;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&there, sizeof there) < 0) return perror("connect"), 1;
    shutdown(s, SHUT_WR);
    if (read(s, &byte, 1) != 0) return perror("the peer's end"), 1;
    close(s);
  }
  printf("%ld %.0f\n", made, (now() - start) * 1e6);
  return 0;
}
