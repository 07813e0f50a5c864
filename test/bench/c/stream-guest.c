// A server as an ordinary program, on both guests: the Linux one's /init starts it, on Porphyry it is the first program.
//
//   stream-guest [PORT]    one connection after another; on PORT (9000) what comes is thrown away, on the next one octets are sent until
//                          nobody takes them, on the one after that whatever comes goes back

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAKE, GIVE, ECHO, PORTS };

static char data[131072];

static int listening(int port) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s, (struct sockaddr *)&here, sizeof here) < 0 || listen(s, 128) < 0) exit((perror("stream-guest"), 1));
  return s;
}

static void serve(int what, int c) {
  ssize_t got = 1;
  if (what == GIVE) while (write(c, data, sizeof data) > 0);
  else while (got > 0 && (got = read(c, data, sizeof data)) > 0) {
    if (what == ECHO) got = write(c, data, got);
  }
  close(c);
}

int main(int count, char **args) {
  int port = count > 1 ? atoi(args[1]) : 9000;
  struct pollfd each[PORTS];
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < PORTS; i++) each[i] = (struct pollfd){ .fd = listening(port + i), .events = POLLIN };
  puts("stream-guest: ready");
  fflush(stdout);
  for (;;) {
    poll(each, PORTS, -1);
    for (int i = 0; i < PORTS; i++) {
      if (!(each[i].revents & POLLIN)) continue;
      int c = accept(each[i].fd, NULL, NULL);
      if (c >= 0) serve(i, c);
    }
  }
}
