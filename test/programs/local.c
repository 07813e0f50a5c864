// Local sockets, unix(7): names, connections, messages, ends, and what goes with a message: descriptors and credentials.
// Works in a folder of its own.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { HEAD = offsetof(struct sockaddr_un, sun_path) };

static struct sockaddr_un name_of(const char *path, int length) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  memcpy(a.sun_path, path, length);
  return a;
}

/** With the name of a path, or with a zero first an abstract one. */
static int bound(int type, const char *path, int length) {
  struct sockaddr_un a = name_of(path, length);
  int s = socket(AF_UNIX, type, 0);
  if (bind(s, (void *)&a, HEAD + length) == 0) return s;
  int why = errno;
  close(s);
  errno = why;
  return -1;
}

static int connected(int type, const char *path, int length) {
  struct sockaddr_un a = name_of(path, length);
  int s = socket(AF_UNIX, type, 0);
  if (connect(s, (void *)&a, HEAD + length) == 0) return s;
  int why = errno;
  close(s);
  errno = why;
  return -1;
}

static int events_of(int s) {
  struct pollfd one = {.fd = s, .events = POLLIN | POLLOUT | POLLRDHUP};
  poll(&one, 1, 0);
  return one.revents;
}

static int option(int s, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(s, SOL_SOCKET, name, &value, &length) == 0 ? value : -errno;
}

static int available(int s) {
  int n = -1;
  ioctl(s, FIONREAD, &n);
  return n;
}

// --- Names. ---

static void names(void) {
  struct stat st;
  struct sockaddr_un a;
  socklen_t length = sizeof a;
  umask(022);
  int s = bound(SOCK_STREAM, "there", 5);
  check(s >= 0 && stat("there", &st) == 0 && S_ISSOCK(st.st_mode), "bind makes a socket in the file system");
  equal(st.st_mode & 0777, 0755, "by the umask");
  equal(getsockname(s, (void *)&a, &length), 0, "getsockname");
  check(length == HEAD + 6 && a.sun_family == AF_UNIX && strcmp(a.sun_path, "there") == 0, "tells the path with its zero");
  length = 4;
  memset(&a, 'x', sizeof a);
  getsockname(s, (void *)&a, &length);
  check(length == HEAD + 6 && memcmp(a.sun_path, "thx", 3) == 0, "as much as there is room for, and the whole length");
  fails(bound(SOCK_STREAM, "there", 5), EADDRINUSE, "a name is somebody's");
  fails(bound(SOCK_DGRAM, "no/folder", 9), ENOENT, "a folder there is not");
  fails(open("there", O_RDWR), ENXIO, "it can not be opened");
  fails(connected(SOCK_STREAM, "nowhere", 7), ENOENT, "nobody is nowhere");
  fails(connected(SOCK_STREAM, "there", 5), ECONNREFUSED, "bound is not listening");
  fails(connected(SOCK_DGRAM, "there", 5), EPROTOTYPE, "another type");
  a = name_of("again", 5);
  fails(bind(s, (void *)&a, HEAD + 5), EINVAL, "one name is all");
  equal(listen(s, 3), 0, "listen");
  int client = connected(SOCK_STREAM, "there", 5);
  check(client >= 0, "connect");
  unlink("there");
  fails(connected(SOCK_STREAM, "there", 5), ENOENT, "unlinked, nobody finds it");
  int end = accept(s, NULL, NULL);
  check(end >= 0 && write(client, "x", 1) == 1 && read(end, &a, 1) == 1, "who has, goes on");
  close(client), close(end), close(s);
  close(bound(SOCK_STREAM, "left", 4));
  fails(connected(SOCK_STREAM, "left", 4), ECONNREFUSED, "closed, its name stays and nobody answers");
  fails(bound(SOCK_STREAM, "left", 4), EADDRINUSE, "and is still taken");
  unlink("left");
  close(open("plain", O_CREAT | O_RDWR, 0600));
  fails(connected(SOCK_STREAM, "plain", 5), ECONNREFUSED, "a file is no socket");
  fails(bound(SOCK_STREAM, "plain", 5), EADDRINUSE, "nor becomes one");
  unlink("plain");
  s = bound(SOCK_STREAM, "\0abstract\0x", 11);
  check(s >= 0, "an abstract name, zeros and all");
  length = sizeof a;
  getsockname(s, (void *)&a, &length);
  check(length == HEAD + 11 && memcmp(a.sun_path, "\0abstract\0x", 11) == 0, "is told whole");
  fails(bound(SOCK_STREAM, "\0abstract\0x", 11), EADDRINUSE, "and somebody's");
  int other = bound(SOCK_STREAM, "\0abstract\0", 10);
  check(other >= 0, "a zero less is another");
  listen(s, 0);
  client = connected(SOCK_STREAM, "\0abstract\0x", 11);
  check(client >= 0, "connect to it");
  close(s), close(other);
  fails(connected(SOCK_STREAM, "\0abstract\0x", 11), ECONNREFUSED, "closed, it is gone");
  close(client);
  s = socket(AF_UNIX, SOCK_DGRAM, 0);
  length = sizeof a;
  getsockname(s, (void *)&a, &length);
  equal(length, HEAD, "unnamed: a family is all");
  a.sun_family = AF_UNIX;
  equal(bind(s, (void *)&a, HEAD), 0, "autobind");
  length = sizeof a;
  getsockname(s, (void *)&a, &length);
  check(length == HEAD + 6 && a.sun_path[0] == 0 && strspn(a.sun_path + 1, "0123456789abcdef") >= 5, "a zero and five digits");
  a = name_of("x", 1);
  fails(bind(s, (void *)&a, 1), EINVAL, "shorter than a family");
  fails(bind(s, (void *)&a, 200), EINVAL, "longer than any address");
  fails(bind(s, (void *)&a, sizeof a + 1), EINVAL, "longer than a local one");
  a.sun_family = AF_INET;
  fails(bind(s, (void *)&a, HEAD + 1), EINVAL, "of another family");
  fails(connect(s, (void *)&a, HEAD + 1), EINVAL, "to another family");
  close(s);
  char longest[108];
  memset(longest, 'l', sizeof longest);
  s = bound(SOCK_STREAM, longest, 108);
  char terminated[109] = "";
  memcpy(terminated, longest, sizeof longest);
  check(s >= 0 && stat(terminated, &st) == 0, "a path of 108 bytes needs no zero");
  length = sizeof a;
  getsockname(s, (void *)&a, &length);
  equal(length, HEAD + 109, "and is told with one");
  close(s);
  unlink(terminated);
  symlink("target", "link");
  s = bound(SOCK_DGRAM, "target", 6);
  client = connected(SOCK_DGRAM, "link", 4);
  check(client >= 0, "connect follows a link");
  fails(bound(SOCK_DGRAM, "link", 4), EADDRINUSE, "bind does not");
  rename("target", "moved");
  fails(connected(SOCK_DGRAM, "target", 6), ENOENT, "renamed");
  other = connected(SOCK_DGRAM, "moved", 5);
  check(other >= 0, "it is found by its new name");
  close(s), close(client), close(other);
  unlink("moved"), unlink("link");
  fails(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT, "a type there is not");
  fails(socket(AF_UNIX, SOCK_STREAM, 17), EPROTONOSUPPORT, "nor protocols");
  s = socket(AF_UNIX, SOCK_RAW, AF_UNIX);
  equal(option(s, SO_TYPE), SOCK_DGRAM, "SOCK_RAW is datagrams");
  close(s);
}

// --- Connections. ---

static void waits_for(int type, const char *path, int length) {
  int s = connected(type, path, length);
  char text[10];
  write(s, "late", 4);
  read(s, text, 10);
  _exit(s >= 0 && memcmp(text, "back", 4) == 0 ? 0 : 1);
}

static void connections(int type, const char *what) {
  struct sockaddr_un a = name_of("\0c", 2);
  socklen_t length = sizeof a;
  char text[100];
  int status, s = socket(AF_UNIX, type, 0);
  printf("# %s\n", what);
  fails(listen(s, 1), EINVAL, "no name, no listening");
  fails(accept(s, NULL, NULL), EINVAL, "nothing to accept");
  fails(getpeername(s, (void *)&a, &length), ENOTCONN, "no peer");
  fails(send(s, "x", 1, MSG_NOSIGNAL), ENOTCONN, "nobody to send to");
  fails(recv(s, text, 1, 0), type == SOCK_STREAM ? EINVAL : ENOTCONN, "nor to receive from");
  equal(events_of(s), POLLOUT | POLLHUP, "poll: not connected");
  a = name_of("\0c", 2);
  equal(bind(s, (void *)&a, HEAD + 2), 0, "bind");
  equal(listen(s, 1), 0, "listen");
  equal(option(s, SO_ACCEPTCONN), 1, "SO_ACCEPTCONN");
  equal(events_of(s), 0, "nobody has come");
  fcntl(s, F_SETFL, O_NONBLOCK);
  fails(accept(s, NULL, NULL), EAGAIN, "nobody to accept");
  fails(connect(s, (void *)&a, HEAD + 2), EINVAL, "who listens does not connect");
  fails(ioctl(s, FIONREAD, &status), EINVAL, "a listener has no bytes");
  int one = connected(type, "\0c", 2), two = connected(type, "\0c", 2);
  check(one >= 0 && two >= 0, "backlog 1: two may wait");
  int more = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  fails(connect(more, (void *)&a, HEAD + 2), EAGAIN, "a third does not");
  equal(events_of(s), POLLIN, "poll: somebody has come");
  equal(write(one, "early", 5), 5, "write before it is accepted");
  length = sizeof a;
  int end = accept4(s, (void *)&a, &length, SOCK_CLOEXEC);
  check(end >= 0 && length == HEAD, "accept: who has come has no name");
  equal(fcntl(end, F_GETFD), FD_CLOEXEC, "accept4");
  equal(read(end, text, 100), 5, "what was written early");
  length = sizeof a;
  equal(getsockname(end, (void *)&a, &length), 0, "getsockname");
  check(length == HEAD + 2 && memcmp(a.sun_path, "\0c", 2) == 0, "an accepted socket has the listener's name");
  length = sizeof a;
  getpeername(one, (void *)&a, &length);
  check(length == HEAD + 2, "and so its peer is told");
  a = name_of("\0c", 2);
  fails(connect(one, (void *)&a, HEAD + 2), EISCONN, "once is enough");
  equal(connect(more, (void *)&a, HEAD + 2), 0, "now there is room");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) waits_for(type, "\0c", 2);
  sleep_ms(30);
  fcntl(s, F_SETFL, 0);
  close(accept(s, NULL, NULL));
  close(accept(s, NULL, NULL));
  int third = accept(s, NULL, NULL);
  check(third >= 0 && read(third, text, 100) == 4, "connect waits until there is room");
  write(third, "back", 4);
  waitpid(pid, &status, 0);
  equal(status, 0, "and goes on");
  equal(events_of(third), POLLIN | POLLOUT | POLLRDHUP | POLLHUP, "poll: the other has closed");
  equal(read(third, text, 100), 0, "the end");
  signal(SIGPIPE, SIG_IGN);
  fails(write(third, "x", 1), EPIPE, "nobody reads");
  signal(SIGPIPE, SIG_DFL);
  equal(read(two, text, 1), 0, "accepted and closed: the end");
  close(third), close(two), close(more), close(s);
  // Ends.
  write(end, "unread", 6);
  equal(shutdown(end, SHUT_WR), 0, "shutdown");
  equal(events_of(one), POLLIN | POLLOUT | POLLRDHUP, "poll: the other writes no more");
  equal(read(one, text, 100), 6, "what it wrote before");
  equal(read(one, text, 100), 0, "and the end");
  fails(send(end, "x", 1, MSG_NOSIGNAL), EPIPE, "it may not");
  equal(send(one, "other way", 9, 0), 9, "the other direction goes on");
  close(end);
  equal(events_of(one) & (POLLERR | POLLHUP), POLLERR | POLLHUP, "closed with something unread: an error");
  equal(option(one, SO_ERROR), ECONNRESET, "ECONNRESET");
  equal(option(one, SO_ERROR), 0, "is told once");
  equal(read(one, text, 100), 0, "then the end");
  close(one);
  s = bound(type, "\0d", 2);
  listen(s, 5);
  one = connected(type, "\0d", 2);
  close(s);
  fails(read(one, text, 100), ECONNRESET, "the listener closed before it accepted");
  equal(read(one, text, 100), 0, "and then the end");
  fails(shutdown(one, 3), EINVAL, "a direction there is not");
  close(one);
}

// --- Bytes and messages. ---

static void streams(void) {
  int s[2];
  char text[100];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  equal(write(s[0], "abc", 3), 3, "a stream");
  equal(write(s[0], "defg", 4), 4, "in two writes");
  equal(available(s[1]), 7, "FIONREAD: all of them");
  equal(recv(s[1], text, 5, MSG_PEEK), 5, "MSG_PEEK over both");
  check(memcmp(text, "abcde", 5) == 0, "in order");
  equal(recv(s[1], text, 2, 0), 2, "a part");
  struct iovec in[3] = {{text, 2}, {text + 10, 0}, {text + 20, 50}};
  equal(readv(s[1], in, 3), 5, "the rest, in pieces");
  check(memcmp(text, "cd", 2) == 0 && memcmp(text + 20, "efg", 3) == 0, "as it was");
  fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "MSG_DONTWAIT");
  equal(write(s[0], "", 0), 0, "nothing");
  fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "is nothing");
  struct sockaddr_un a = name_of("\0x", 2);
  fails(sendto(s[0], "x", 1, 0, (void *)&a, HEAD + 2), EISCONN, "a stream is not told where to");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(20);
    write(s[0], "one", 3);
    sleep_ms(20);
    write(s[0], "two", 3);
    _exit(0);
  }
  equal(recv(s[1], text, 6, MSG_WAITALL), 6, "MSG_WAITALL");
  waitpid(pid, NULL, 0);
  // More than fits: whoever writes waits, and nothing is lost.
  enum { BIG = 2 << 20 };
  pid = fork();
  if (pid == 0) {
    char *all = malloc(BIG);
    for (int i = 0; i < BIG; i++) all[i] = i * 7 + (i >> 11);
    _exit(write(s[0], all, BIG) == BIG ? 0 : 1);
  }
  char *got = malloc(BIG);
  long total = 0, wrong = 0, n;
  while (total < BIG && (n = read(s[1], got + total, 30000)) > 0) total += n;
  for (int i = 0; i < total; i++) wrong += got[i] != (char)(i * 7 + (i >> 11));
  int status;
  waitpid(pid, &status, 0);
  check(total == BIG && wrong == 0 && status == 0, "two megabytes through it");
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  total = 0;
  while ((n = write(s[0], got, 5000)) > 0) total += n;
  check(n == -1 && errno == EAGAIN && total > 50000 && total < 1 << 20, "full is EAGAIN");
  check(!(events_of(s[0]) & POLLOUT), "and not POLLOUT");
  long left = total;
  while (left > 0 && (n = read(s[1], got, BIG)) > 0) left -= n;
  check(left == 0 && events_of(s[0]) & POLLOUT, "read, there is room");
  int small = 5000;
  setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  equal(option(s[0], SO_SNDBUF), 10000, "SO_SNDBUF is doubled");
  long before = total;
  total = 0;
  while ((n = write(s[0], got, 1000)) > 0) total += n;
  check(total > 0 && total < before / 4, "and holds");
  struct timeval limit = {0, 30000};
  setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  fcntl(s[0], F_SETFL, 0);
  long long began = now_ms();
  fails(write(s[0], got, 20000), EAGAIN, "SO_SNDTIMEO");
  check(now_ms() - began >= 29, "is not too short");
  while (recv(s[1], got, BIG, MSG_DONTWAIT) > 0) continue;
  setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fails(read(s[1], got, 1), EAGAIN, "SO_RCVTIMEO");
  close(s[0]), close(s[1]);
  free(got);
}

static void messages(int type, const char *what) {
  int s[2], room = 1 << 20;
  char text[100];
  printf("# %s\n", what);
  equal(socketpair(AF_UNIX, type, 0, s), 0, "socketpair");
  equal(write(s[0], "first", 5), 5, "a message");
  equal(write(s[0], "second one", 10), 10, "another");
  equal(write(s[0], "", 0), 0, "an empty one");
  equal(available(s[1]), type == SOCK_DGRAM ? 5 : 15, "FIONREAD");
  equal(recv(s[1], text, 3, MSG_PEEK), 3, "MSG_PEEK");
  equal(recv(s[1], text, 100, 0), 5, "one at a time");
  equal(recv(s[1], text, 4, MSG_TRUNC), 10, "MSG_TRUNC: how long it was");
  struct iovec in[2] = {{text, 1}, {text + 50, 3}}, out[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
  struct msghdr m = {.msg_iov = in, .msg_iovlen = 2};
  equal(recvmsg(s[1], &m, MSG_DONTWAIT), 0, "the empty one");
  equal(sendmsg(s[0], &(struct msghdr){.msg_iov = out, .msg_iovlen = 3}, 0), 6, "one of three pieces");
  equal(recvmsg(s[1], &m, 0), 4, "into two, too small");
  check(m.msg_flags == MSG_TRUNC && text[0] == 'a' && memcmp(text + 50, "bcd", 3) == 0, "the rest is gone, and that is said");
  fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "nothing more");
  equal(option(s[0], SO_SNDBUF), option(s[1], SO_SNDBUF), "SO_SNDBUF");
  char *large = calloc(1, room);
  setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  int most = option(s[0], SO_SNDBUF);
  fails(send(s[0], large, most, 0), EMSGSIZE, "longer than SO_SNDBUF");
  memset(large, 'L', 100000);
  equal(send(s[0], large, 100000, 0), 100000, "a long one");
  memset(large, 0, 100000);
  equal(recv(s[1], large, room, 0), 100000, "comes whole");
  long wrong = 0;
  for (int i = 0; i < 100000; i++) wrong += large[i] != 'L';
  equal(wrong, 0, "and right");
  int count = 0;
  while (send(s[0], large, 3000, MSG_DONTWAIT) == 3000) count++;
  check(errno == EAGAIN && count >= 10 && count < 1000, "full is EAGAIN");
  check(!(events_of(s[0]) & POLLOUT), "and not POLLOUT");
  for (int i = 0; i < count; i++) recv(s[1], large, room, MSG_DONTWAIT);
  check(events_of(s[0]) & POLLOUT, "read, there is room");
  equal(shutdown(s[0], SHUT_WR), 0, "shutdown");
  fails(send(s[0], "x", 1, 0), EPIPE, "EPIPE, and no signal");
  close(s[0]);
  if (type == SOCK_DGRAM) {
    fails(send(s[1], "x", 1, 0), ECONNREFUSED, "a datagram's peer is gone");
    fails(send(s[1], "x", 1, 0), ENOTCONN, "and then there is none");
  } else {
    equal(recv(s[1], text, 1, 0), 0, "the end");
    fails(send(s[1], "x", 1, 0), EPIPE, "nobody is there");
  }
  close(s[1]);
  free(large);
}

static void datagrams(void) {
  char text[100];
  struct sockaddr_un a = name_of("\0da", 3), b = name_of("\0db", 3), from, none = {.sun_family = AF_UNSPEC};
  socklen_t length = sizeof from;
  int one = bound(SOCK_DGRAM, "\0da", 3), two = bound(SOCK_DGRAM, "\0db", 3), nobody = socket(AF_UNIX, SOCK_DGRAM, 0);
  fails(send(one, "x", 1, 0), ENOTCONN, "where to?");
  equal(sendto(one, "hello", 5, 0, (void *)&b, HEAD + 3), 5, "sendto");
  equal(recvfrom(two, text, 100, 0, (void *)&from, &length), 5, "recvfrom");
  check(length == HEAD + 3 && memcmp(from.sun_path, "\0da", 3) == 0, "and from whom");
  sendto(nobody, "x", 1, 0, (void *)&b, HEAD + 3);
  length = sizeof from;
  recvfrom(two, text, 100, 0, (void *)&from, &length);
  equal(length, 0, "from somebody without a name");
  fails(sendto(one, "x", 1, 0, (void *)&none, HEAD), EINVAL, "to no address");
  from = name_of("gone", 4);
  fails(sendto(one, "x", 1, 0, (void *)&from, HEAD + 4), ENOENT, "to a path there is not");
  from = name_of("\0gone", 5);
  fails(sendto(one, "x", 1, 0, (void *)&from, HEAD + 5), ECONNREFUSED, "to an abstract name there is not");
  equal(connect(one, (void *)&b, HEAD + 3), 0, "connect");
  equal(send(one, "y", 1, 0), 1, "send");
  equal(recv(two, text, 100, 0), 1, "arrives");
  length = sizeof from;
  equal(getpeername(one, (void *)&from, &length), 0, "getpeername");
  equal(length, HEAD + 3, "is whom it is connected to");
  fails(sendto(nobody, "x", 1, 0, (void *)&a, HEAD + 3), EPERM, "who has a peer hears nobody else");
  fails(connect(nobody, (void *)&a, HEAD + 3), EPERM, "nor is connected to");
  equal(sendto(two, "z", 1, 0, (void *)&a, HEAD + 3), 1, "but by its peer");
  equal(connect(one, (void *)&none, sizeof none), 0, "AF_UNSPEC ends it");
  fails(send(one, "x", 1, 0), ENOTCONN, "where to?");
  equal(sendto(one, "self", 4, 0, (void *)&a, HEAD + 3), 4, "to itself");
  equal(recv(one, text, 100, MSG_DONTWAIT), 4, "arrives: what its peer had sent is gone");
  fcntl(one, F_SETFL, O_NONBLOCK);
  connect(one, (void *)&b, HEAD + 3);
  int count = 0;
  while (count < 1000 && send(one, "q", 1, 0) == 1) count++;
  check(errno == EAGAIN && count > 5 && count < 1000, "a queue is bounded");
  check(!(events_of(one) & POLLOUT), "poll knows");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(30);
    _exit(recv(two, text, 100, 0) == 1 ? 0 : 1);
  }
  struct pollfd wait = {.fd = one, .events = POLLOUT};
  equal(poll(&wait, 1, 5000), 1, "and wakes when one is taken");
  fcntl(one, F_SETFL, 0);
  equal(send(one, "q", 1, 0), 1, "there is room for one");
  waitpid(pid, NULL, 0);
  equal(shutdown(two, SHUT_RD), 0, "shutdown for reading");
  fails(send(one, "x", 1, 0), EPIPE, "EPIPE");
  close(two);
  fails(send(one, "x", 1, 0), ECONNREFUSED, "closed");
  two = bound(SOCK_DGRAM, "\0db", 3);
  connect(one, (void *)&b, HEAD + 3), connect(two, (void *)&a, HEAD + 3);
  send(two, "lost", 4, 0);
  connect(one, (void *)&none, sizeof none);
  fails(send(two, "x", 1, 0), ECONNRESET, "left by its peer, which had not read all");
  close(one), close(two), close(nobody);
}

// --- What goes with a message. ---

union Control {
  struct cmsghdr head;
  char bytes[2048];
};

/** Send a byte and this; the call itself, since musl's takes no more than a kilobyte of ancillary data. */
static long give(int s, int type, const void *data, int size, int flags) {
  union Control c = {0};
  struct iovec byte = {"r", 1};
  c.head.cmsg_len = CMSG_LEN(size), c.head.cmsg_level = SOL_SOCKET, c.head.cmsg_type = type;
  memcpy(CMSG_DATA(&c.head), data, size);
  return syscall(SYS_sendmsg, s, &(struct msghdr){.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(size)}, flags);
}

static struct msghdr taken;

/** Receive a byte and up to `room` bytes of ancillary data. */
static long take(int s, union Control *c, int room, int flags) {
  static char byte[100];
  static struct iovec in = {byte, sizeof byte};
  memset(c, 0, sizeof *c);
  taken = (struct msghdr){.msg_iov = &in, .msg_iovlen = 1, .msg_control = room ? c : NULL, .msg_controllen = room};
  return recvmsg(s, &taken, flags);
}

static int first_of(union Control *c) { return *(int *)CMSG_DATA(&c->head); }

/** Descriptors that are open. */
static int open_count(void) {
  int n = 0;
  for (int i = 0; i < 300; i++) n += fcntl(i, F_GETFD) != -1;
  return n;
}

static void rights(int type, const char *what) {
  int s[2], ends[2], before = open_count();
  union Control c;
  char text[10];
  printf("# descriptors, %s\n", what);
  socketpair(AF_UNIX, type, 0, s);
  (void)!pipe(ends);
  equal(give(s[0], SCM_RIGHTS, ends, 8, 0), 1, "two descriptors");
  close(ends[0]), close(ends[1]);
  equal(take(s[1], &c, sizeof c, 0), 1, "come");
  check(taken.msg_controllen == CMSG_SPACE(8) && c.head.cmsg_len == CMSG_LEN(8) && c.head.cmsg_level == SOL_SOCKET && c.head.cmsg_type == SCM_RIGHTS, "as they went");
  memcpy(ends, CMSG_DATA(&c.head), 8);
  check(write(ends[1], "pipe", 4) == 4 && read(ends[0], text, 10) == 4, "and work");
  equal(fcntl(ends[0], F_GETFD), 0, "not closed by execve");
  give(s[0], SCM_RIGHTS, ends, 8, 0);
  take(s[1], &c, CMSG_LEN(4), MSG_CMSG_CLOEXEC);
  equal(taken.msg_flags & MSG_CTRUNC, MSG_CTRUNC, "room for one of two: MSG_CTRUNC");
  equal(c.head.cmsg_len, CMSG_LEN(4), "and one comes");
  equal(fcntl(first_of(&c), F_GETFD), FD_CLOEXEC, "MSG_CMSG_CLOEXEC");
  close(first_of(&c));
  give(s[0], SCM_RIGHTS, ends, 8, 0);
  take(s[1], &c, 0, 0);
  equal(taken.msg_flags & MSG_CTRUNC, MSG_CTRUNC, "no room at all");
  give(s[0], SCM_RIGHTS, ends, 8, 0);
  equal(read(s[1], text, 10), 1, "read takes the byte alone");
  give(s[0], SCM_RIGHTS, ends, 4, 0);
  equal(take(s[1], &c, sizeof c, MSG_PEEK), 1, "MSG_PEEK");
  int looked = first_of(&c);
  check(looked >= 0 && write(ends[1], "p", 1) == 1 && read(looked, text, 1) == 1, "gives a descriptor");
  equal(take(s[1], &c, sizeof c, 0), 1, "and taking it another");
  check(first_of(&c) != looked, "of its own");
  close(looked), close(first_of(&c));
  int bad[2] = {ends[0], 250};
  fails(give(s[0], SCM_RIGHTS, bad, 8, 0), EBADF, "one that is not open");
  static int many[254];
  for (int i = 0; i < 254; i++) many[i] = ends[0];
  fails(give(s[0], SCM_RIGHTS, many, sizeof many, 0), EINVAL, "254 are too many");
  equal(give(s[0], SCM_RIGHTS, many, 253 * 4, 0), 1, "253 are not");
  equal(recv(s[1], text, 1, 0), 1, "and are closed with their message");
  fails(give(s[0], 77, many, 4, 0), EINVAL, "a type there is not");
  union Control wrong = {.head = {.cmsg_len = 5, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  struct iovec byte = {"r", 1};
  fails(sendmsg(s[0], &(struct msghdr){.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &wrong, .msg_controllen = 24}, 0), EINVAL, "shorter than its head");
  wrong.head.cmsg_len = 100;
  fails(sendmsg(s[0], &(struct msghdr){.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &wrong, .msg_controllen = 24}, 0), EINVAL, "longer than there is");
  wrong.head.cmsg_len = 24, wrong.head.cmsg_level = SOL_SOCKET + 1000;
  equal(sendmsg(s[0], &(struct msghdr){.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &wrong, .msg_controllen = 24}, 0), 1, "of another level: not looked at");
  take(s[1], &c, sizeof c, 0);
  equal(taken.msg_controllen, 0, "nothing came with it");
  // Closed with what is on its way.
  int other[2];
  (void)!pipe(other);
  give(s[0], SCM_RIGHTS, &other[1], 4, 0);
  close(other[1]);
  fcntl(other[0], F_SETFL, O_NONBLOCK);
  fails(read(other[0], text, 1), EAGAIN, "somebody may still write");
  close(s[1]);
  equal(read(other[0], text, 1), 0, "the socket closed: nobody does");
  close(s[0]), close(other[0]), close(ends[0]), close(ends[1]);
  equal(open_count(), before, "no descriptor is left");
  if (type != SOCK_STREAM) return;
  socketpair(AF_UNIX, type, 0, s);
  (void)!pipe(ends);
  write(s[0], "ab", 2);
  give(s[0], SCM_RIGHTS, ends, 4, 0);
  write(s[0], "cd", 2);
  equal(take(s[1], &c, sizeof c, 0), 3, "a stream stops behind descriptors");
  close(first_of(&c));
  equal(take(s[1], &c, sizeof c, 0), 2, "and goes on");
  close(s[0]), close(s[1]), close(ends[0]), close(ends[1]);
}

/** Whether a pipe whose writing end went along with something that is lost ends soon. */
static int ends_soon(int reader) {
  char byte;
  struct pollfd wait = {.fd = reader, .events = POLLIN};
  return poll(&wait, 1, 2000) == 1 && read(reader, &byte, 1) == 0;
}

static void cycles(void) {
  int s[2], t[2], ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  (void)!pipe(ends);
  give(s[0], SCM_RIGHTS, &s[1], 4, 0); // into its own queue
  give(s[0], SCM_RIGHTS, &ends[1], 4, 0);
  close(ends[1]), close(s[1]), close(s[0]);
  close(socket(AF_UNIX, SOCK_DGRAM, 0));
  check(ends_soon(ends[0]), "a socket in its own queue is found lost");
  close(ends[0]);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s), socketpair(AF_UNIX, SOCK_DGRAM, 0, t);
  (void)!pipe(ends);
  give(s[0], SCM_RIGHTS, &t[1], 4, 0), give(t[0], SCM_RIGHTS, &s[1], 4, 0);
  give(t[0], SCM_RIGHTS, &ends[1], 4, 0);
  close(ends[1]), close(s[1]), close(t[1]), close(s[0]);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  close(t[0]);
  close(socket(AF_UNIX, SOCK_DGRAM, 0));
  check(ends_soon(ends[0]), "two in each other's");
  close(ends[0]);
  union Control c;
  socketpair(AF_UNIX, SOCK_STREAM, 0, s), socketpair(AF_UNIX, SOCK_STREAM, 0, t);
  give(s[0], SCM_RIGHTS, &t[1], 4, 0), give(t[0], SCM_RIGHTS, &s[0], 4, 0);
  close(t[1]), close(s[0]), close(t[0]);
  equal(take(s[1], &c, sizeof c, 0), 1, "what can be reached is not");
  int kept = first_of(&c);
  equal(take(kept, &c, sizeof c, 0), 1, "nor what it has");
  close(first_of(&c)), close(kept), close(s[1]);
  // A listener on its way has what waits at it, and that has what was sent to it.
  int listener = bound(SOCK_STREAM, "\0cycle", 6);
  listen(listener, 3);
  int client = connected(SOCK_STREAM, "\0cycle", 6);
  (void)!pipe(ends);
  give(client, SCM_RIGHTS, &listener, 4, 0), give(client, SCM_RIGHTS, &ends[1], 4, 0);
  close(ends[1]), close(listener), close(client);
  close(socket(AF_UNIX, SOCK_DGRAM, 0));
  check(ends_soon(ends[0]), "a listener in the queue of a connection that waits at it");
  close(ends[0]);
  // A chain, one in the queue of the next: closing the last closes all, one after another.
  (void)!pipe(ends);
  int previous = ends[1];
  for (int i = 0; i < 3000; i++) {
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    if (give(s[0], SCM_RIGHTS, &previous, 4, 0) != 1) {
      close(s[0]), close(s[1]);
      break; // Linux before 5.x says ETOOMANYREFS after a few
    }
    close(previous), close(s[0]);
    previous = s[1];
  }
  close(previous);
  check(ends_soon(ends[0]), "a long chain");
  close(ends[0]);
}

static void credentials(void) {
  int s[2], on = 1;
  struct ucred peer, claimed = {.pid = getpid(), .uid = getuid(), .gid = getgid()};
  socklen_t length = sizeof peer;
  union Control c;
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  equal(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0, "SO_PEERCRED");
  check(length == sizeof peer && peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid(), "of a pair: who made it");
  equal(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0, "SO_PASSCRED");
  equal(option(s[1], SO_PASSCRED), 1, "is on");
  equal(option(s[0], SO_PASSCRED), 0, "at this end");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(write(s[0], "child", 5) == 5 ? 0 : 1);
  waitpid(pid, NULL, 0);
  write(s[0], "parent", 6);
  equal(take(s[1], &c, sizeof c, 0), 5, "bytes of two writers are kept apart");
  struct ucred *told = (void *)CMSG_DATA(&c.head);
  check(c.head.cmsg_type == SCM_CREDENTIALS && c.head.cmsg_len == CMSG_LEN(sizeof *told) && taken.msg_controllen == CMSG_SPACE(sizeof *told), "SCM_CREDENTIALS");
  check(told->pid == pid && told->uid == getuid() && told->gid == getgid(), "say who");
  equal(take(s[1], &c, sizeof c, 0), 6, "the other's");
  equal(told->pid, getpid(), "are the parent's");
  equal(give(s[0], SCM_CREDENTIALS, &claimed, sizeof claimed, 0), 1, "one's own, told");
  take(s[1], &c, 20, 0);
  check(taken.msg_flags & MSG_CTRUNC && c.head.cmsg_len == 20, "MSG_CTRUNC without room for all of them");
  fails(give(s[0], SCM_CREDENTIALS, &claimed, 8, 0), EINVAL, "half of them");
  claimed.pid = 1 << 22;
  check(give(s[0], SCM_CREDENTIALS, &claimed, sizeof claimed, 0) == -1 && (errno == ESRCH || errno == EPERM), "a process there is not");
  int ends[2];
  (void)!pipe(ends);
  give(s[0], SCM_RIGHTS, ends, 4, 0);
  take(s[1], &c, sizeof c, 0);
  struct cmsghdr *second = CMSG_NXTHDR(&taken, CMSG_FIRSTHDR(&taken));
  check(second != NULL && second->cmsg_type == SCM_RIGHTS && second->cmsg_level == SOL_SOCKET, "credentials, and then descriptors");
  if (second != NULL) close(*(int *)CMSG_DATA(second));
  close(ends[0]), close(ends[1]), close(s[0]), close(s[1]);
  int listener = bound(SOCK_SEQPACKET, "\0cred", 5);
  getsockopt(listener, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  check(peer.pid == 0 && (int)peer.uid == -1 && (int)peer.gid == -1, "without a peer: nobody");
  listen(listener, 3);
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    int client = connected(SOCK_SEQPACKET, "\0cred", 5);
    getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    _exit(write(client, "x", 1) == 1 && peer.pid == getppid() ? 0 : 1);
  }
  int status, end = accept(listener, NULL, NULL);
  getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  equal(peer.pid, pid, "an accepted socket: who connected");
  waitpid(pid, &status, 0);
  equal(status, 0, "and who connected: who listens");
  close(end), close(listener);
}

static void broken(void) {
  int s[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  close(s[1]);
  send(s[0], "x", 1, MSG_NOSIGNAL);
  write(s[0], "x", 1);
}

static void others(void) {
  int s[2], set = epoll_create1(0);
  char text[10];
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u32 = 7}, got;
  int status = child_status(broken);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "SIGPIPE of a stream");
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
  check(fcntl(s[0], F_GETFL) == (O_RDWR | O_NONBLOCK), "SOCK_NONBLOCK");
  epoll_ctl(set, EPOLL_CTL_ADD, s[1], &event);
  equal(epoll_wait(set, &got, 1, 0), 0, "epoll: nothing");
  write(s[0], "x", 1);
  equal(epoll_wait(set, &got, 1, 1000), 1, "epoll: a byte");
  check(got.data.u32 == 7 && got.events == EPOLLIN, "EPOLLIN");
  read(s[1], text, 1);
  close(s[0]);
  equal(epoll_wait(set, &got, 1, 1000), 1, "epoll: the end");
  equal(got.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP, "EPOLLIN, EPOLLRDHUP, EPOLLHUP");
  close(s[1]), close(set);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  check(option(s[0], SO_TYPE) == SOCK_STREAM && option(s[0], SO_DOMAIN) == AF_UNIX && option(s[0], SO_PROTOCOL) == 0, "SO_TYPE, SO_DOMAIN, SO_PROTOCOL");
  check(option(s[0], SO_ACCEPTCONN) == 0 && option(s[0], SO_ERROR) == 0 && option(s[0], SO_RCVBUF) > 2000, "SO_ACCEPTCONN, SO_ERROR, SO_RCVBUF");
  int on = 1;
  equal(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0, "SO_REUSEADDR");
  check(option(s[0], SO_REUSEADDR) == 1 && option(s[0], SO_KEEPALIVE) == 0, "is on, and others are not");
  fails(setsockopt(s[0], SOL_SOCKET, 999, &on, sizeof on), ENOPROTOOPT, "an option there is not");
  fails(setsockopt(s[0], 6, 1, &on, sizeof on), EOPNOTSUPP, "another level's");
  fails(lseek(s[0], 0, SEEK_SET), ESPIPE, "no positions");
  ioctl(s[0], FIONBIO, &on);
  fails(read(s[0], text, 1), EAGAIN, "FIONBIO");
  close(s[0]), close(s[1]);
}

int main(void) {
  char folder[] = "/tmp/local-XXXXXX";
  mkdir("/tmp", 01777);
  if (mkdtemp(folder) == NULL || chdir(folder) != 0) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  names();
  connections(SOCK_STREAM, "a stream");
  connections(SOCK_SEQPACKET, "sequenced packets");
  streams();
  messages(SOCK_DGRAM, "datagrams");
  messages(SOCK_SEQPACKET, "sequenced packets");
  datagrams();
  rights(SOCK_STREAM, "a stream");
  rights(SOCK_DGRAM, "datagrams");
  cycles();
  credentials();
  others();
  chdir("/");
  rmdir(folder);
  return finish();
}
