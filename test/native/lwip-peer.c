// lwIP as a neighbour of the kernel: TCP of somebody else, with its frames on standard input and output, each behind its length in
// four bytes, most significant first. test/boot/lwip.ts starts it, and reads a line for each thing it did on standard error.
//
//   lwip-peer ADDRESS OF-THE-KERNEL BYTES

#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/sockets.h>
#include <lwip/tcpip.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ECHO = 1, SEND, TAKE }; // the orders of test/kernel/boot-connect.ts
enum { ORDER_PORT = 5001, PIECE = 8192, LONGEST = 2048 };

static struct netif card;
static ip4_addr_t ours, mask, kernel;
static uint32_t total;
static sem_t ready;

static void need(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fail %s\n", what);
  exit(1);
}

static void writeAll(const uint8_t *from, size_t n) {
  while (n != 0) {
    ssize_t taken = write(1, from, n);
    if (taken <= 0) exit(0); // the test is over
    from += taken;
    n -= taken;
  }
}

static int readAll(uint8_t *to, size_t n) {
  while (n != 0) {
    ssize_t got = read(0, to, n);
    if (got <= 0) return 0;
    to += got;
    n -= got;
  }
  return 1;
}

static err_t send_frame(struct netif *netif, struct pbuf *p) {
  uint8_t frame[4 + LONGEST] = { 0, 0, p->tot_len >> 8, p->tot_len & 0xff };
  pbuf_copy_partial(p, frame + 4, p->tot_len, 0);
  writeAll(frame, 4 + p->tot_len);
  return ERR_OK;
}

static void *receive_frames(void *netif) {
  uint8_t head[4], frame[LONGEST];
  while (readAll(head, 4)) {
    size_t length = head[2] << 8 | head[3];
    if (length > sizeof frame || !readAll(frame, length)) break;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, length, PBUF_RAM); // Debian's PBUF_POOL has buffers of 616 bytes and fills them beyond
    if (p == NULL) continue;
    pbuf_take(p, frame, length);
    if (card.input(p, &card) != ERR_OK) pbuf_free(p);
  }
  exit(0);
}

static err_t card_init(struct netif *netif) {
  static const uint8_t mac[6] = { 2, 0, 0, 0x77, 0, 1 };
  memcpy(netif->hwaddr, mac, sizeof mac);
  netif->hwaddr_len = sizeof mac;
  netif->name[0] = netif->name[1] = 'e';
  netif->mtu = 1500;
  netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  netif->output = etharp_output;
  netif->linkoutput = send_frame;
  return ERR_OK;
}

static void started(void *nothing) {
  netif_add(&card, &ours, &mask, &kernel, NULL, card_init, tcpip_input);
  netif_set_default(&card);
  netif_set_up(&card);
  sem_post(&ready);
}

/** Numbers counted up: what /bytes/N of the kernel gives, too. `at` is a multiple of four. */
static void counted(uint8_t *to, uint32_t at, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) {
    uint32_t number = (at + i) / 4;
    to[i] = number >> 24, to[i + 1] = number >> 16, to[i + 2] = number >> 8, to[i + 3] = number;
  }
}

static void *send_counted(void *socket) {
  uint8_t piece[PIECE];
  for (uint32_t at = 0; at < total; at += PIECE) {
    counted(piece, at, PIECE);
    uint32_t n = total - at < PIECE ? total - at : PIECE, done = 0;
    while (done < n) {
      int taken = lwip_send(*(int *)socket, piece + done, n - done, 0);
      need(taken > 0, "send");
      done += taken;
    }
  }
  return NULL;
}

/** Read `n` numbers' bytes; then, with `end`, the end. */
static void take_counted(int socket, uint32_t n, int end) {
  uint8_t got[PIECE], want[PIECE + 8];
  uint32_t at = 0;
  while (at < n) {
    int now = lwip_recv(socket, got, n - at < PIECE ? n - at : PIECE, 0);
    need(now > 0, "receive");
    counted(want, at & ~3u, PIECE + 8);
    need(memcmp(got, want + (at & 3), now) == 0, "equal bytes");
    at += now;
  }
  if (end) need(lwip_recv(socket, got, 1, 0) == 0, "the end");
}

/** Send all while as much is read back. */
static void both_ways(int socket) {
  pthread_t sender;
  pthread_create(&sender, NULL, send_counted, &socket);
  take_counted(socket, total, 0);
  pthread_join(sender, NULL);
  lwip_shutdown(socket, SHUT_WR);
  take_counted(socket, 0, 1);
}

static int dial(int port) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = lwip_htons(port), .sin_addr.s_addr = kernel.addr };
  int socket = lwip_socket(AF_INET, SOCK_STREAM, 0);
  need(lwip_connect(socket, (struct sockaddr *)&to, sizeof to) == 0, "connect");
  return socket;
}

static void skip_head(int socket) {
  uint32_t last = 0;
  uint8_t byte;
  while (last != 0x0d0a0d0a) {
    need(lwip_recv(socket, &byte, 1, 0) == 1, "head");
    last = last << 8 | byte;
  }
}

static void as_client(void) {
  int socket = dial(7);
  both_ways(socket);
  lwip_close(socket);
  fprintf(stderr, "ok echo\n");

  char request[128];
  socket = dial(80);
  int length = snprintf(request, sizeof request, "GET /bytes/%u HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n", total);
  need(lwip_send(socket, request, length, 0) == length, "request");
  skip_head(socket);
  sleep(2); // its window closes
  take_counted(socket, total, 1);
  lwip_close(socket);
  fprintf(stderr, "ok get\n");
}

static int order(int listener, uint32_t job, uint32_t milliseconds) {
  int socket = lwip_accept(listener, NULL, NULL);
  need(socket >= 0, "accept");
  uint32_t words[3] = { lwip_htonl(job), lwip_htonl(total), lwip_htonl(milliseconds) };
  need(lwip_send(socket, words, sizeof words, 0) == sizeof words, "order");
  return socket;
}

static void as_server(void) {
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = lwip_htons(ORDER_PORT) };
  int listener = lwip_socket(AF_INET, SOCK_STREAM, 0);
  need(lwip_bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && lwip_listen(listener, 1) == 0, "listen");

  int socket = order(listener, ECHO, 0);
  both_ways(socket);
  lwip_close(socket);
  fprintf(stderr, "ok serve-echo\n");

  socket = order(listener, SEND, 0);
  take_counted(socket, total, 1);
  lwip_close(socket);
  fprintf(stderr, "ok serve-send\n");

  socket = order(listener, TAKE, 2000); // the kernel's window closes
  send_counted(&socket);
  lwip_shutdown(socket, SHUT_WR);
  uint32_t answer[2] = { 0, 0 };
  need(lwip_recv(socket, answer, sizeof answer, 0) == sizeof answer, "answer");
  need(lwip_ntohl(answer[0]) == total, "its length");
  lwip_close(socket);
  fprintf(stderr, "ok serve-take crc32=%08x\n", lwip_ntohl(answer[1]));
  lwip_close(listener);
}

int main(int count, char **words) {
  need(count == 4, "ADDRESS OF-THE-KERNEL BYTES");
  need(ip4addr_aton(words[1], &ours) && ip4addr_aton(words[2], &kernel) && ip4addr_aton("255.255.255.0", &mask), "addresses");
  total = atoi(words[3]) & ~3u;
  sem_init(&ready, 0, 0);
  tcpip_init(started, NULL);
  sem_wait(&ready);
  pthread_t receiver;
  pthread_create(&receiver, NULL, receive_frames, NULL);
  as_client();
  as_server();
  pause();
}
