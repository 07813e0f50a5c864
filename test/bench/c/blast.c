// Send datagrams of one size by UDP, as fast as the interface takes them or at a rate, as finished frames: what the
// sender's own stack would cost is not measured with the receiver's.
//
//   blast IFACE DESTINATION-MAC SOURCE-IP DESTINATION-IP PORT BYTES SECONDS RATE
//
// RATE is datagrams a second; 0 sends as many as go, -N sends N. Prints how many were offered to the interface, how many it
// took (a queue that is full drops the rest) and how many microseconds that lasted.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, HEADERS = 42, LONGEST = 1514 };

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t start) {
  for (size_t i = 0; i + 1 < n; i += 2) start += (uint32_t)p[i] << 8 | p[i + 1];
  return n & 1 ? start + ((uint32_t)p[n - 1] << 8) : start;
}

static void put16(uint8_t *p, uint32_t value) { p[0] = value >> 8; p[1] = value; }

static void put_checksum(uint8_t *p, uint32_t total) {
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  put16(p, ~total & 0xffff);
}

/* Ethernet, IPv4 (RFC 791 §3.1) and UDP (RFC 768) headers and `bytes` of data; the frame's length. */
static size_t build(uint8_t *f, const uint8_t *to, const uint8_t *from, char **args, size_t bytes) {
  memcpy(f, to, 6), memcpy(f + 6, from, 6), put16(f + 12, 0x0800);
  uint8_t *ip = f + 14, *udp = f + 34;
  ip[0] = 0x45, put16(ip + 2, 28 + bytes), put16(ip + 6, 0x4000), ip[8] = 64, ip[9] = 17;
  if (!inet_aton(args[3], (struct in_addr *)(ip + 12)) || !inet_aton(args[4], (struct in_addr *)(ip + 16))) exit(2);
  put_checksum(ip + 10, sum(ip, 20, 0));
  put16(udp, 40000), put16(udp + 2, atoi(args[5])), put16(udp + 4, 8 + bytes);
  for (size_t i = 0; i < bytes; i++) udp[8 + i] = i;
  put_checksum(udp + 6, sum(udp, 8 + bytes, sum(ip + 12, 8, 17 + 8 + bytes)));
  return HEADERS + bytes;
}

/* Offer each message once; how many were taken. */
static int send_batch(int s, struct mmsghdr *messages, int count) {
  int taken = 0;
  for (int next = 0; next < count;) {
    int went = sendmmsg(s, messages + next, count - next, 0);
    if (went > 0) taken += went, next += went;
    else next++;
  }
  return taken;
}

int main(int count, char **args) {
  static uint8_t frame[LONGEST];
  uint8_t to[6];
  if (count != 9 || sscanf(args[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5) != 6) return 2;
  int s = socket(AF_PACKET, SOCK_RAW, 0), on = 1;
  struct ifreq request = {0};
  strncpy(request.ifr_name, args[1], IFNAMSIZ - 1);
  if (s < 0 || ioctl(s, SIOCGIFHWADDR, &request) < 0) return perror("blast"), 1;
  size_t length = build(frame, to, (uint8_t *)request.ifr_hwaddr.sa_data, args, atoi(args[6]));
  struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(args[1]) };
  if (bind(s, (struct sockaddr *)&where, sizeof where) < 0) return perror("blast"), 1;
  setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  struct iovec data = { frame, length };
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) messages[i].msg_hdr = (struct msghdr){ .msg_iov = &data, .msg_iovlen = 1 };
  int64_t rate = atoll(args[8]);
  uint64_t start = now(), end = start + atof(args[7]) * 1e6, offered = 0, sent = 0, t;
  while ((t = now()) < end) {
    uint64_t due = rate > 0 ? (t - start) * rate / 1000000 : rate < 0 ? (uint64_t)-rate : offered + BATCH;
    int batch = due - offered < BATCH ? due - offered : BATCH;
    if (batch == 0) {
      if (rate < 0) break;
      nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
      continue;
    }
    sent += send_batch(s, messages, batch);
    offered += batch;
  }
  printf("%llu %llu %llu\n", (unsigned long long)offered, (unsigned long long)sent, (unsigned long long)(now() - start));
  return 0;
}
