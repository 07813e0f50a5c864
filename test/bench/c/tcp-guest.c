// The Linux guest's end of the connection benchmark: a static program that its /init starts.
//
//   tcp-guest PORT    take connections one after another, throw away what comes, close when the peer has closed

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **args) {
  static char thrown[65536];
  struct sockaddr_in here = { .sin_family = AF_INET };
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (count != 2) return 2;
  here.sin_port = htons(atoi(args[1]));
  if (bind(s, (struct sockaddr *)&here, sizeof here) < 0 || listen(s, 128) < 0) return perror("tcp-guest"), 1;
  for (;;) {
    int c = accept(s, NULL, NULL);
    if (c < 0) continue;
    while (read(c, thrown, sizeof thrown) > 0);
    close(c);
  }
}
