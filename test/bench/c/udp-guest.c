// The Linux guest's end of the UDP benchmarks: a static program that its /init starts.
//
//   udp-guest sink PORT             count what comes; each time nothing has come for 300 ms, print "sink: N" if N is new
//   udp-guest send IP PORT BYTES    send as fast as it goes, for ever

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BATCH = 64, LONGEST = 2048 };
static char buffers[BATCH][LONGEST];
static struct iovec data[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(size_t bytes) {
  for (int i = 0; i < BATCH; i++) {
    data[i] = (struct iovec){ buffers[i], bytes };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &data[i], .msg_iovlen = 1 };
  }
}

static int sink(int s, int port) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
  struct timeval idle = { .tv_usec = 300000 };
  int room = 4 << 20;
  unsigned long count = 0, told = 0;
  setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
  if (bind(s, (struct sockaddr *)&here, sizeof here) < 0) return perror("udp-guest"), 1;
  prepare(LONGEST);
  for (;;) {
    int came = recvmmsg(s, messages, BATCH, MSG_WAITFORONE, NULL);
    if (came > 0) count += came;
    else if (count != told) printf("sink: %lu\n", told = count), fflush(stdout);
  }
}

static int send_all(int s, char **args) {
  struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(atoi(args[3])) };
  if (!inet_aton(args[2], &there.sin_addr) || connect(s, (struct sockaddr *)&there, sizeof there) < 0) return perror("udp-guest"), 1;
  prepare(atoi(args[4]));
  for (;;) sendmmsg(s, messages, BATCH, 0);
}

int main(int count, char **args) {
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (count == 3 && strcmp(args[1], "sink") == 0) return sink(s, atoi(args[2]));
  if (count == 5 && strcmp(args[1], "send") == 0) return send_all(s, args);
  return 2;
}
