// Sockets over the loopback interface: streams, datagrams, messages in pieces, pairs; with poll, select and epoll.
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { BIG = 3 << 20 };

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static int bound(int type, int port) {
  struct sockaddr_in a = loopback(port);
  int s = socket(AF_INET, type, 0), on = 1;
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind(s, (void *)&a, sizeof a) == 0 ? s : -1;
}

static int port_of(int s) {
  struct sockaddr_in a;
  socklen_t length = sizeof a;
  return getsockname(s, (void *)&a, &length) == 0 && length == sizeof a ? ntohs(a.sin_port) : -1;
}

static int connected_to(int port) {
  struct sockaddr_in a = loopback(port);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (void *)&a, sizeof a) == 0) return s;
  close(s);
  return -1;
}

static unsigned pattern(unsigned i) { return (i * 2654435761u) >> 24; }

static void server(int listener) {
  int s = accept(listener, NULL, NULL);
  static unsigned char buffer[70000];
  long got;
  while ((got = read(s, buffer, sizeof buffer)) > 0) {
    for (long done = 0; done < got;) {
      long sent = write(s, buffer + done, got - done);
      if (sent <= 0) _exit(1);
      done += sent;
    }
  }
  close(s);
  _exit(got == 0 ? 0 : 2);
}

static void writer(int s) {
  unsigned char *all = malloc(BIG);
  for (unsigned i = 0; i < BIG; i++) all[i] = pattern(i);
  for (long done = 0; done < BIG;) {
    long sent = send(s, all + done, BIG - done, 0);
    if (sent <= 0) _exit(1);
    done += sent;
  }
  shutdown(s, SHUT_WR);
  _exit(0);
}

static void streams(void) {
  int listener = bound(SOCK_STREAM, 0), port = port_of(listener), status;
  check(listener >= 0 && port > 0, "a port of its own");
  equal(listen(listener, 5), 0, "listen");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) server(listener);
  int s = connected_to(port);
  check(s >= 0, "connect");
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  getpeername(s, (void *)&peer, &length);
  check(ntohs(peer.sin_port) == port && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "getpeername");
  char text[64] = "";
  equal(write(s, "hello", 5), 5, "write");
  equal(recv(s, text, sizeof text, MSG_PEEK), 5, "MSG_PEEK");
  int available = 0;
  ioctl(s, FIONREAD, &available);
  equal(available, 5, "FIONREAD");
  equal(read(s, text, sizeof text), 5, "read");
  check(memcmp(text, "hello", 5) == 0, "what was written");
  pid_t sender = fork();
  if (sender == 0) writer(s);
  unsigned char *all = malloc(BIG + 1);
  long total = recv(s, all, BIG, MSG_WAITALL);
  equal(total, BIG, "MSG_WAITALL: three megabytes there and back");
  long wrong = 0;
  for (long i = 0; i < total; i++) wrong += all[i] != pattern(i);
  equal(wrong, 0, "every byte is right");
  equal(read(s, text, 1), 0, "and then the end");
  waitpid(sender, &status, 0);
  equal(status, 0, "the sender is content");
  waitpid(pid, &status, 0);
  equal(status, 0, "and so is the server");
  free(all);
  close(s);
  close(listener);
  struct sockaddr_in nobody = loopback(port);
  s = socket(AF_INET, SOCK_STREAM, 0);
  fails(connect(s, (void *)&nobody, sizeof nobody), ECONNREFUSED, "nobody listens any more");
  close(s);
}

static void non_blocking(void) {
  int listener = bound(SOCK_STREAM, 0), error = -1;
  socklen_t length = sizeof error;
  listen(listener, 5);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  fails(accept(listener, NULL, NULL), EAGAIN, "nobody has come");
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  check(fcntl(s, F_GETFL) & O_NONBLOCK, "SOCK_NONBLOCK");
  equal(fcntl(s, F_GETFD), FD_CLOEXEC, "SOCK_CLOEXEC");
  struct sockaddr_in a = loopback(port_of(listener));
  long result = connect(s, (void *)&a, sizeof a);
  check(result == 0 || errno == EINPROGRESS, "connect goes on by itself");
  struct pollfd wait = {.fd = s, .events = POLLOUT};
  equal(poll(&wait, 1, 2000), 1, "poll says when");
  equal(wait.revents, POLLOUT, "POLLOUT");
  getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length);
  equal(error, 0, "SO_ERROR");
  char byte;
  fails(recv(s, &byte, 1, 0), EAGAIN, "nothing to read");
  wait = (struct pollfd){.fd = listener, .events = POLLIN};
  equal(poll(&wait, 1, 2000), 1, "the listener is ready");
  int other = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  check(other >= 0 && fcntl(other, F_GETFL) & O_NONBLOCK, "accept4");
  fd_set reading;
  FD_ZERO(&reading);
  FD_SET(other, &reading);
  struct timeval limit = {0, 20000};
  long long began = now_ms();
  equal(select(other + 1, &reading, NULL, NULL, &limit), 0, "select, and the time is up");
  check(now_ms() - began >= 20, "no sooner");
  write(s, "x", 1);
  FD_SET(other, &reading);
  equal(select(other + 1, &reading, NULL, NULL, NULL), 1, "select sees the byte");
  check(FD_ISSET(other, &reading), "at its socket");
  shutdown(s, SHUT_WR);
  wait = (struct pollfd){.fd = other, .events = POLLIN | POLLRDHUP};
  sleep_ms(20);
  poll(&wait, 1, 2000);
  check(wait.revents & POLLRDHUP, "POLLRDHUP");
  struct linger linger = {0, 0};
  equal(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0, "SO_LINGER off");
  read(other, &byte, 1);
  write(other, "y", 1);
  sleep_ms(20);
  read(s, &byte, 1);
  close(s);
  sleep_ms(20);
  signal(SIGPIPE, SIG_IGN);
  send(other, "z", 1, 0);
  sleep_ms(50);
  result = send(other, "z", 1, 0);
  check(result == -1 && (errno == EPIPE || errno == ECONNRESET), "the peer is gone");
  fails(send(other, "z", 1, MSG_NOSIGNAL), EPIPE, "EPIPE from then on");
  signal(SIGPIPE, SIG_DFL);
  close(other);
  close(listener);
}

static void broken(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  close(pair[1]);
  write(pair[0], "x", 1);
}

static void datagrams(void) {
  int a = bound(SOCK_DGRAM, 0), b = bound(SOCK_DGRAM, 0);
  struct sockaddr_in to = loopback(port_of(b)), from;
  socklen_t length = sizeof from;
  char text[100];
  equal(sendto(a, "one", 3, 0, (void *)&to, sizeof to), 3, "sendto");
  equal(recvfrom(b, text, sizeof text, 0, (void *)&from, &length), 3, "recvfrom");
  check(ntohs(from.sin_port) == port_of(a) && length == sizeof from, "and from whom");
  sendto(a, "longer than that", 16, 0, (void *)&to, sizeof to);
  equal(recv(b, text, 4, MSG_TRUNC), 16, "MSG_TRUNC: how long it was");
  connect(a, (void *)&to, sizeof to);
  struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}}, in[2] = {{text, 3}, {text + 50, 50}};
  struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
  equal(sendmsg(a, &message, 0), 5, "sendmsg of three pieces");
  message = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = in, .msg_iovlen = 2};
  equal(recvmsg(b, &message, 0), 5, "recvmsg into two");
  check(memcmp(text, "abc", 3) == 0 && memcmp(text + 50, "de", 2) == 0, "piece by piece");
  check(message.msg_namelen == sizeof from && ntohs(from.sin_port) == port_of(a) && message.msg_flags == 0, "and from whom");
  sendmsg(a, &(struct msghdr){.msg_iov = out, .msg_iovlen = 3}, 0);
  message = (struct msghdr){.msg_iov = in, .msg_iovlen = 1};
  equal(recvmsg(b, &message, 0), 3, "less room");
  equal(message.msg_flags, MSG_TRUNC, "MSG_TRUNC is said");
  equal(writev(a, out, 3), 5, "writev: one datagram");
  equal(readv(b, in, 2), 5, "and readv takes one");
  struct timeval limit = {0, 30000};
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  long long began = now_ms();
  fails(recv(b, text, sizeof text, 0), EAGAIN, "SO_RCVTIMEO");
  check(now_ms() - began >= 29, "is not too short");
  fails(recv(b, text, sizeof text, MSG_DONTWAIT), EAGAIN, "MSG_DONTWAIT");
  static char large[70000];
  fails(send(a, large, sizeof large, 0), EMSGSIZE, "longer than a datagram can be");
  equal(send(a, large, 60000, 0), 60000, "one in fragments");
  equal(recv(b, large, sizeof large, 0), 60000, "comes whole");
  equal(send(a, "", 0, 0), 0, "an empty one");
  equal(recv(b, text, sizeof text, 0), 0, "comes, too");
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  equal(connect(a, &none, sizeof none), 0, "AF_UNSPEC ends the connection");
  fails(send(a, "x", 1, 0), EDESTADDRREQ, "where to?");
  close(a);
  close(b);
}

static void pairs(void) {
  int pair[2];
  char text[100];
  equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0, "socketpair");
  equal(write(pair[0], "there", 5), 5, "one way");
  equal(recv(pair[1], text, sizeof text, 0), 5, "arrives");
  int type = 0;
  socklen_t length = sizeof type;
  getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &type, &length);
  equal(type, SOCK_STREAM, "SO_TYPE of a pair");
  equal(send(pair[1], "back", 4, 0), 4, "the other way");
  equal(read(pair[0], text, sizeof text), 4, "arrives");
  fails(recv(pair[0], text, 1, MSG_DONTWAIT), EAGAIN, "nothing more");
  struct iovec pieces[2] = {{"ab", 2}, {"cd", 2}};
  equal(sendmsg(pair[0], &(struct msghdr){.msg_iov = pieces, .msg_iovlen = 2}, 0), 4, "in pieces");
  struct pollfd wait[2] = {{.fd = pair[1], .events = POLLIN | POLLOUT}, {.fd = pair[0], .events = POLLIN}};
  equal(poll(wait, 2, 0), 1, "poll of both");
  equal(wait[0].revents, POLLIN | POLLOUT, "one can be read and written");
  equal(read(pair[1], text, sizeof text), 4, "four bytes");
  shutdown(pair[0], SHUT_WR);
  equal(read(pair[1], text, sizeof text), 0, "shut, it ends");
  equal(write(pair[1], "still", 5), 5, "but not the other direction");
  equal(read(pair[0], text, sizeof text), 5, "which arrives");
  close(pair[0]);
  poll(wait, 1, 0);
  check(wait[0].revents & POLLHUP, "POLLHUP");
  signal(SIGPIPE, SIG_IGN);
  fails(write(pair[1], "x", 1), EPIPE, "nobody is there");
  signal(SIGPIPE, SIG_DFL);
  close(pair[1]);
  int status = child_status(broken);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "SIGPIPE");
}

static void options(void) {
  int s = socket(AF_INET, SOCK_STREAM, 0), value = 0;
  socklen_t length = sizeof value;
  struct { int level, name, set; const char *what; } each[] = {
    {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"}, {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"}, {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
    {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"}, {IPPROTO_TCP, TCP_KEEPIDLE, 77, "TCP_KEEPIDLE"}, {IPPROTO_TCP, TCP_KEEPCNT, 5, "TCP_KEEPCNT"},
    {IPPROTO_TCP, TCP_KEEPINTVL, 9, "TCP_KEEPINTVL"}, {IPPROTO_TCP, TCP_CORK, 1, "TCP_CORK"}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 4000, "TCP_USER_TIMEOUT"},
    {IPPROTO_IP, IP_TTL, 33, "IP_TTL"}, {IPPROTO_IP, IP_TOS, 0x10, "IP_TOS"},
  };
  for (unsigned i = 0; i < sizeof each / sizeof *each; i++) {
    setsockopt(s, each[i].level, each[i].name, &each[i].set, sizeof(int));
    value = -1;
    getsockopt(s, each[i].level, each[i].name, &value, &length);
    equal(value, each[i].set, each[i].what);
  }
  getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &length);
  equal(value, SOCK_STREAM, "SO_TYPE");
  getsockopt(s, SOL_SOCKET, SO_DOMAIN, &value, &length);
  equal(value, AF_INET, "SO_DOMAIN");
  getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &value, &length);
  equal(value, IPPROTO_TCP, "SO_PROTOCOL");
  char name[16] = "";
  length = sizeof name;
  equal(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0, "TCP_CONGESTION");
  getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &length);
  check(strcmp(name, "reno") == 0, "is what was chosen");
  fails(setsockopt(s, SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT, "an option there is not");
  fails(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &value, 1), EINVAL, "too short");
  struct sockaddr_in a = loopback(0);
  fails(getpeername(s, (void *)&a, &length), ENOTCONN, "no peer");
  fails(shutdown(s, SHUT_RD), ENOTCONN, "nothing to shut");
  fails(send(s, "x", 1, MSG_NOSIGNAL), EPIPE, "not connected");
  fails(bind(s, (void *)&a, 4), EINVAL, "half an address");
  a.sin_family = AF_INET6;
  fails(bind(s, (void *)&a, sizeof a), EAFNOSUPPORT, "an address of another family");
  close(s);
  fails(listen(s, 1), EBADF, "closed");
  int ends[2];
  if (pipe(ends) == 0) fails(listen(ends[0], 1), ENOTSOCK, "no socket");
  fails(socket(AF_INET, 9, 0), ESOCKTNOSUPPORT, "no such type");
  fails(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT, "a protocol of another type");
}

static void many(void) {
  enum { COUNT = 100 };
  int set = epoll_create1(EPOLL_CLOEXEC), all[COUNT], ready = 0;
  struct epoll_event event, events[16];
  for (int i = 0; i < COUNT; i++) {
    all[i] = bound(SOCK_DGRAM, 0);
    event = (struct epoll_event){.events = i % 2 ? EPOLLIN : EPOLLIN | EPOLLET, .data.u64 = 0x123400000000 + i};
    epoll_ctl(set, EPOLL_CTL_ADD, all[i], &event);
  }
  equal(epoll_wait(set, events, 16, 0), 0, "a hundred sockets, and nothing on any");
  fails(epoll_ctl(set, EPOLL_CTL_ADD, all[0], &event), EEXIST, "twice the same");
  struct sockaddr_in to = loopback(port_of(all[41]));
  sendto(all[0], "x", 1, 0, (void *)&to, sizeof to);
  to.sin_port = htons(port_of(all[42]));
  sendto(all[0], "x", 1, 0, (void *)&to, sizeof to);
  for (int i = 0; i < 50 && ready < 2; i++) ready = epoll_wait(set, events, 16, 20);
  equal(ready, 2, "two have something");
  long sum = 0;
  for (int i = 0; i < ready; i++) sum += events[i].data.u64 - 0x123400000000;
  equal(sum, 83, "the two that do, with what was given for them");
  equal(epoll_wait(set, events, 16, 0), 1, "the one with EPOLLET is told once");
  equal(events[0].data.u64 & 0xffff, 41, "the other as long as it is ready");
  event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 7};
  equal(epoll_ctl(set, EPOLL_CTL_MOD, all[41], &event), 0, "EPOLL_CTL_MOD");
  equal(epoll_wait(set, events, 16, 100), 1, "EPOLLONESHOT: once");
  equal(epoll_wait(set, events, 16, 20), 0, "and not again");
  epoll_ctl(set, EPOLL_CTL_MOD, all[41], &event);
  equal(epoll_wait(set, events, 16, 100), 1, "until it is asked for");
  close(all[41]);
  equal(epoll_ctl(set, EPOLL_CTL_DEL, all[42], NULL), 0, "EPOLL_CTL_DEL");
  equal(epoll_wait(set, events, 16, 20), 0, "what was closed or taken out is told no more");
  fails(epoll_ctl(set, EPOLL_CTL_DEL, all[42], NULL), ENOENT, "it is out");
  for (int i = 0; i < COUNT; i++) close(all[i]);
  close(set);
}

/** Looking again and again without waiting finds what is under way, and soon: nobody has to sleep for it to come. */
static void looking(void) {
  enum { LOOKS = 200 };
  int listener = bound(SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), server = -1;
  struct sockaddr_in to = loopback(port_of(listener));
  listen(listener, 1);
  connect(client, (void *)&to, sizeof to);
  for (int i = 0; i < LOOKS && server < 0; i++) server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  check(server >= 0, "accept that does not wait finds a connection");
  char byte;
  int got = -1, ready = 0, set = epoll_create1(0);
  send(client, "a", 1, 0);
  for (int i = 0; i < LOOKS && got < 0; i++) got = recv(server, &byte, 1, 0);
  equal(got, 1, "recv finds a byte");
  struct pollfd one = {server, POLLIN, 0};
  send(client, "b", 1, 0);
  for (int i = 0; i < LOOKS && ready == 0; i++) ready = poll(&one, 1, 0);
  equal(ready, 1, "so does poll");
  recv(server, &byte, 1, 0);
  send(client, "c", 1, 0);
  ready = 0;
  for (int i = 0; i < LOOKS && ready == 0; i++) {
    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(server, &reading);
    ready = select(server + 1, &reading, NULL, NULL, &(struct timeval){0, 0});
  }
  equal(ready, 1, "so does select");
  recv(server, &byte, 1, 0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(set, EPOLL_CTL_ADD, server, &event);
  send(client, "d", 1, 0);
  ready = 0;
  for (int i = 0; i < LOOKS && ready == 0; i++) ready = epoll_wait(set, &event, 1, 0);
  equal(ready, 1, "so does epoll_wait");
  close(set), close(server), close(client), close(listener);
}

int main(void) {
  streams();
  non_blocking();
  datagrams();
  pairs();
  options();
  many();
  looking();
  return finish();
}
