// A client of the packetdrill library, as packetdrill is one: it loads the library and makes the calls that come on its
// standard input, a line each, answered by a line. test/packetdrill/client.ts speaks to it.
//
//   client LIBRARY FLAGS
//
// Arguments are numbers, addresses ("192.0.2.1 80" where a call takes one), and hexadecimal bytes. A line that begins
// with "&" is made by a second thread, and the client goes on when that thread is done or sleeps; its answer, whenever
// it comes, begins with "&", too. An answer is the result, errno's name or 0, and what else the call returned.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../packetdrill/interface.h"

enum { MOST_WORDS = 16, LINE = 300000, ROOM = 140000, ANSWER = 2 * ROOM + 256 };

/** One call: its words, and its answer. */
struct Request { char line[LINE], *words[MOST_WORDS]; int count; long result; int error; char more[ANSWER]; };

static struct packetdrill_interface net;

static long number(const struct Request *r, int i) { return i < r->count ? strtol(r->words[i], NULL, 0) : 0; }

static struct sockaddr_in address(const struct Request *r, int i) {
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number(r, i + 1)) };
  inet_pton(AF_INET, r->words[i], &in.sin_addr);
  return in;
}

static void addressText(struct Request *r, const struct sockaddr_in *in) {
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
  sprintf(r->more + strlen(r->more), " %s %d", text, ntohs(in->sin_port));
}

/** The bytes of a word; "-" is none, and "N*HH" is N times one byte. */
static size_t bytesOf(const char *word, unsigned char *out) {
  unsigned value;
  int times;
  if (sscanf(word, "%d*%x", &times, &value) == 2 && strchr(word, '*')) return memset(out, (int)value, (size_t)times), (size_t)times;
  size_t length = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
  for (size_t i = 0; i < length; i++) sscanf(word + 2 * i, "%2x", &value), out[i] = (unsigned char)value;
  return length;
}

static void bytesText(struct Request *r, const unsigned char *bytes, long length) {
  strcat(r->more, length > 0 ? " " : " -");
  char *to = r->more + strlen(r->more);
  for (long i = 0; i < length; i++) to += sprintf(to, "%02x", bytes[i]);
}

static void receives(struct Request *r, int fd, size_t room, int flags) {
  static __thread unsigned char bytes[ROOM];
  struct sockaddr_in from = { 0 };
  struct iovec parts[2] = { { bytes, room / 3 }, { bytes + room / 3, room - room / 3 } };
  struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = parts, .msg_iovlen = 2 };
  socklen_t length = sizeof from;
  if (strcmp(r->words[0], "read") == 0) r->result = net.read(net.userdata, fd, bytes, room);
  else if (strcmp(r->words[0], "readv") == 0) r->result = net.readv(net.userdata, fd, parts, 2);
  else if (strcmp(r->words[0], "recv") == 0) r->result = net.recv(net.userdata, fd, bytes, room, flags);
  else if (strcmp(r->words[0], "recvmsg") == 0) r->result = net.recvmsg(net.userdata, fd, &message, flags);
  else r->result = net.recvfrom(net.userdata, fd, bytes, room, flags, (struct sockaddr *)&from, &length);
  r->error = errno;
  bytesText(r, bytes, r->result < (long)room ? r->result : (long)room);
  if (from.sin_family == AF_INET) addressText(r, &from);
  if (message.msg_flags) sprintf(r->more + strlen(r->more), " flags %d", message.msg_flags);
}

static void sends(struct Request *r, int fd, int flags) {
  static __thread unsigned char bytes[ROOM];
  const size_t length = bytesOf(r->words[2], bytes);
  struct sockaddr_in to = { 0 };
  if (r->count > 5) to = address(r, 4);
  struct iovec parts[2] = { { bytes, length / 3 }, { bytes + length / 3, length - length / 3 } };
  struct msghdr message = { .msg_name = r->count > 5 ? &to : NULL, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 2 };
  if (strcmp(r->words[0], "write") == 0) r->result = net.write(net.userdata, fd, bytes, length);
  else if (strcmp(r->words[0], "writev") == 0) r->result = net.writev(net.userdata, fd, parts, 2);
  else if (strcmp(r->words[0], "send") == 0) r->result = net.send(net.userdata, fd, bytes, length, flags);
  else if (strcmp(r->words[0], "sendmsg") == 0) r->result = net.sendmsg(net.userdata, fd, &message, flags);
  else r->result = net.sendto(net.userdata, fd, bytes, length, flags, (struct sockaddr *)&to, sizeof to);
}

static void polls(struct Request *r) {
  struct pollfd entries[MOST_WORDS];
  int count = 0;
  for (; count + 2 < r->count; count++) {
    int events = 0;
    sscanf(r->words[count + 2], "%d:%i", &entries[count].fd, &events);
    entries[count].events = (short)events;
  }
  r->result = net.poll(net.userdata, entries, (nfds_t)count, (int)number(r, 1));
  r->error = errno;
  for (int i = 0; i < count; i++) sprintf(r->more + strlen(r->more), " %d", entries[i].revents);
}

static void waits(struct Request *r) {
  struct epoll_event events[8];
  r->result = net.epoll_wait(net.userdata, (int)number(r, 1), events, (int)number(r, 2), (int)number(r, 3));
  r->error = errno;
  for (long i = 0; i < r->result; i++) sprintf(r->more + strlen(r->more), " %u:%llu", events[i].events, (unsigned long long)events[i].data.u64);
}

static void netdev(struct Request *r) {
  static __thread unsigned char packet[ROOM];
  if (strcmp(r->words[0], "netdev_send") == 0) {
    r->result = net.netdev_send(net.userdata, packet, bytesOf(r->words[1], packet));
    return;
  }
  size_t length = sizeof packet;
  long long time = 0;
  r->result = net.netdev_receive(net.userdata, packet, &length, &time);
  bytesText(r, packet, r->result == 0 ? (long)length : 0);
  sprintf(r->more + strlen(r->more), " %lld", time);
}

static void options(struct Request *r, int fd) {
  unsigned char value[512];
  if (strcmp(r->words[0], "setsockopt") == 0) {
    const socklen_t length = (socklen_t)bytesOf(r->words[4], value);
    r->result = net.setsockopt(net.userdata, fd, (int)number(r, 2), (int)number(r, 3), value, length);
    return;
  }
  socklen_t room = (socklen_t)number(r, 4);
  r->result = net.getsockopt(net.userdata, fd, (int)number(r, 2), (int)number(r, 3), value, &room);
  r->error = errno;
  bytesText(r, value, r->result == 0 ? (long)room : 0);
}

static void make(struct Request *r) {
  const char *name = r->words[0];
  const int fd = (int)number(r, 1);
  struct sockaddr_in in = { 0 };
  socklen_t length = sizeof in;
  int value = 0;
  errno = 0;
  r->error = 0;
  r->more[0] = 0;
#define IS(what) (strcmp(name, what) == 0)
  if (IS("socket")) r->result = net.socket(net.userdata, fd, (int)number(r, 2), (int)number(r, 3));
  else if (IS("bind")) in = address(r, 2), r->result = net.bind(net.userdata, fd, (struct sockaddr *)&in, sizeof in);
  else if (IS("connect")) in = address(r, 2), r->result = net.connect(net.userdata, fd, (struct sockaddr *)&in, sizeof in);
  else if (IS("listen")) r->result = net.listen(net.userdata, fd, (int)number(r, 2));
  else if (IS("accept")) r->result = net.accept(net.userdata, fd, (struct sockaddr *)&in, &length), r->error = errno, addressText(r, &in);
  else if (IS("close")) r->result = net.close(net.userdata, fd);
  else if (IS("shutdown")) r->result = net.shutdown(net.userdata, fd, (int)number(r, 2));
  else if (IS("fcntl")) r->result = net.fcntl(net.userdata, fd, (int)number(r, 2), (int)number(r, 3));
  else if (IS("ioctl")) r->result = net.ioctl(net.userdata, fd, (unsigned long)number(r, 2), &value), r->error = errno, sprintf(r->more, " %d", value);
  else if (IS("usleep")) r->result = net.usleep(net.userdata, (useconds_t)number(r, 1));
  else if (IS("poll")) polls(r);
  else if (IS("epoll_create")) r->result = net.epoll_create(net.userdata, fd);
  else if (IS("epoll_ctl")) {
    struct epoll_event event = { (uint32_t)number(r, 4), { .u64 = (uint64_t)number(r, 5) } };
    r->result = net.epoll_ctl(net.userdata, fd, (int)number(r, 2), (int)number(r, 3), &event);
  } else if (IS("epoll_wait")) waits(r);
  else if (IS("setsockopt") || IS("getsockopt")) options(r, fd);
  else if (IS("netdev_send") || IS("netdev_receive")) netdev(r);
  else if (strncmp(name, "re", 2) == 0) receives(r, fd, (size_t)number(r, 2), (int)number(r, 3));
  else if (IS("gettimeofday")) {
    struct timeval time;
    r->result = net.gettimeofday(net.userdata, &time, NULL);
    sprintf(r->more, " %lld", (long long)time.tv_sec * 1000000 + time.tv_usec);
  } else if (IS("pipe")) r->result = net.pipe(net.userdata, (int[2]) { 0, 0 });
  else sends(r, fd, (int)number(r, 3));
  if (r->error == 0) r->error = errno;
}

static void answer(const struct Request *r, const char *mark) {
  printf("%s%ld %s%s\n", mark, r->result, r->result < 0 ? strerrorname_np(r->error) : "0", r->more);
  fflush(stdout);
}

static pid_t second; // the second thread, while it has a call to make

static void *inSecond(void *request) {
  __atomic_store_n(&second, gettid(), __ATOMIC_RELEASE);
  make(request);
  answer(request, "&");
  free(request);
  return NULL;
}

/** Start the second thread with a call, and wait until it sleeps or has ended. */
static void begin(struct Request *r) {
  pthread_t thread;
  char path[64], line[256], *name;
  second = 0;
  if (pthread_create(&thread, NULL, inSecond, r) != 0) abort();
  pthread_detach(thread);
  while (__atomic_load_n(&second, __ATOMIC_ACQUIRE) == 0) sched_yield();
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", second);
  for (int sleeps = 0; !sleeps;) {
    FILE *file = fopen(path, "r");
    if (!file) return;
    sleeps = fgets(line, sizeof line, file) && (name = strrchr(line, ')')) && name[2] == 'S';
    fclose(file);
  }
}

int main(int count, char **words) {
  if (count < 3) return fprintf(stderr, "usage: client LIBRARY FLAGS\n"), 2;
  void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 2;
  packetdrill_interface_init_function *init = (packetdrill_interface_init_function *)dlsym(library, "packetdrill_interface_init");
  if (!init) return fprintf(stderr, "%s\n", dlerror()), 2;
  init(*words[2] ? words[2] : NULL, &net);
  for (;;) {
    struct Request *r = calloc(1, sizeof *r);
    if (!fgets(r->line, sizeof r->line, stdin)) return net.free(net.userdata), 0;
    for (char *word = strtok(r->line, " \n"); word && r->count < MOST_WORDS; word = strtok(NULL, " \n")) r->words[r->count++] = word;
    const int apart = strcmp(r->words[0], "&") == 0;
    if (apart) {
      memmove(r->words, r->words + 1, sizeof r->words - sizeof r->words[0]);
      r->count--;
      begin(r);
      puts("0 0");
      fflush(stdout);
      continue;
    }
    make(r);
    answer(r, "");
    free(r);
  }
}
