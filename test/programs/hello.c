// The least a program does: argv, the environment, a line on standard output, an exit status.

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("arg %d is %s\n", i, argv[i]);
  printf("pid %d parent %d path %s\n", getpid(), getppid(), getenv("PATH"));
  return argc > 1 ? atoi(argv[1]) : 0;
}
