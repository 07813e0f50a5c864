// What goes from one user to another: local sockets and who speaks there, signals for input, names exchanged in folders that several
// share, and the signal at a parent's end. Begun by the superuser; the others' part is played by children. users.c has the rest.
#include "check.h"
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { ANN = 61001, BEN = 61002 };

static char folder[] = "/tmp/betweenXXXXXX";

static void become(int user) {
  if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user)) _exit(99);
}

/** The end of a child whose checks count. */
static void done(void) { fflush(stdout), _exit(failures != 0); }

static void make_file(const char *name, int user) {
  int f = open(name, O_CREAT | O_WRONLY, 0600);
  check(f >= 0 && fchown(f, user, user) == 0 && close(f) == 0, name);
}

static void make_folder(const char *name, mode_t mode) { check(mkdir(name, 0700) == 0 && chmod(name, mode) == 0, name); }

// --- Names that change places. ----------------------------------------------------------------------------

static int exchange(const char *one, const char *other) { return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2); }

static void exchanging(void) {
  become(ANN);
  equal(exchange("shared/ann", "shared/ann2"), 0, "two of one's own change places in a sticky folder");
  fails(exchange("shared/ann", "shared/ben"), EPERM, "one's own and another's do not");
  fails(exchange("shared/ben", "shared/ann"), EPERM, "nor the other way round");
  fails(exchange("shared/ann", "closed/ann"), EACCES, "nor with one in a folder that may not be written");
  fails(exchange("closed/ann", "shared/ann"), EACCES, "either way");
  fails(exchange("open/folder", "shared/ann"), EACCES, "a folder that moves has to be one's own to write");
  done();
}

// --- Local sockets. ---------------------------------------------------------------------------------------

static struct sockaddr_un place(const char *name) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, name);
  return a;
}

static int reach(const char *name) {
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un a = place(name);
  if (connect(s, (void *)&a, sizeof a) == 0) return s;
  int why = errno;
  close(s);
  errno = why;
  return -1;
}

/** Send a byte that says who sends it: 0, or what was wrong. */
static int claim(int s, struct ucred who) {
  char room[CMSG_SPACE(sizeof who)] = {0}, byte = 'x';
  struct iovec piece = {&byte, 1};
  struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof who);
  memcpy(CMSG_DATA(c), &who, sizeof who);
  return sendmsg(s, &m, 0) == 1 ? 0 : errno;
}

/** Who sent the next byte. */
static struct ucred told(int s) {
  char room[CMSG_SPACE(sizeof(struct ucred))], byte;
  struct iovec piece = {&byte, 1};
  struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct ucred who = {0, -1, -1};
  if (recvmsg(s, &m, 0) != 1) return who;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  if (c != NULL && c->cmsg_type == SCM_CREDENTIALS) memcpy(&who, CMSG_DATA(c), sizeof who);
  return who;
}

static void speaking(void) {
  if (setgroups(0, NULL) || setresgid(ANN, ANN, ANN) || setresuid(ANN, BEN, ANN)) _exit(99);
  int s = reach("shared/all");
  struct ucred peer;
  socklen_t length = sizeof peer;
  check(s >= 0, "whose socket all may write to can be reached");
  equal(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0, "who listens there");
  check(peer.uid == 0 && peer.gid == 0, "is the superuser");
  fails(reach("shared/private"), EACCES, "whose socket only its owner may write to can not");
  equal(write(s, "x", 1), 1, "a byte without a word");
  equal(claim(s, (struct ucred){getpid(), ANN, ANN}), 0, "one as the real user");
  equal(claim(s, (struct ucred){getpid(), BEN, ANN}), 0, "one as the effective");
  equal(claim(s, (struct ucred){getpid(), 0, ANN}), EPERM, "none as the superuser");
  equal(claim(s, (struct ucred){getpid(), ANN, BEN}), EPERM, "none as another group");
  equal(claim(s, (struct ucred){getppid(), ANN, ANN}), EPERM, "none as another process");
  struct sockaddr_un a = place("shared/bens");
  struct stat about;
  equal(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&a, sizeof a), 0, "a name of one's own");
  check(stat("shared/bens", &about) == 0 && about.st_uid == BEN && about.st_gid == ANN, "is who one acts as");
  a = place("closed/bens");
  fails(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&a, sizeof a), EACCES, "none where one may not write");
  done();
}

static void local_sockets(void) {
  int one = 1, all = socket(AF_UNIX, SOCK_STREAM, 0), mine = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un a = place("shared/all"), b = place("shared/private");
  equal(bind(all, (void *)&a, sizeof a) || chmod("shared/all", 0666) || listen(all, 1), 0, "a listener for all");
  equal(bind(mine, (void *)&b, sizeof b) || chmod("shared/private", 0600) || listen(mine, 1), 0, "and one for the superuser");
  setsockopt(all, SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) speaking();
  int status, s = accept(all, NULL, NULL);
  equal(waitpid(child, &status, 0), child, "the child has spoken");
  equal(status, 0, "speaking");
  struct ucred peer;
  socklen_t length = sizeof peer;
  equal(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0, "who is at the other end");
  check(peer.pid == child && peer.uid == BEN && peer.gid == ANN, "acted as that user");
  struct ucred first = told(s), second = told(s), third = told(s);
  check(first.pid == child && first.uid == ANN && first.gid == ANN, "what one is really, unless one says");
  check(second.pid == child && second.uid == ANN && second.gid == ANN, "what one said");
  check(third.uid == BEN && third.gid == ANN, "both times");
  close(s), close(all), close(mine);
}

// --- Signals. ---------------------------------------------------------------------------------------------

static volatile sig_atomic_t heard;
static void hear(int number) { heard = number; }

/** A pipe that tells process `who` of what `user` writes into it: whether it heard. */
static int hears(int user, pid_t who) {
  int ends[2];
  fflush(stdout);
  if (pipe(ends)) return -1;
  pid_t child = fork();
  if (child == 0) {
    if (user) become(user);
    if (fcntl(ends[0], F_SETOWN, who) || fcntl(ends[0], F_SETFL, O_ASYNC)) _exit(2);
    _exit(write(ends[1], "x", 1) != 1);
  }
  int status = -1;
  while (waitpid(child, &status, 0) == -1 && errno == EINTR) continue;
  close(ends[0]), close(ends[1]);
  int was = heard;
  heard = 0;
  return status ? -1 : was == SIGIO;
}

static void listening(void) {
  struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
  sigaction(SIGIO, &action, NULL);
  equal(hears(0, getpid()), 1, "the superuser has oneself told of input");
  become(BEN);
  equal(hears(0, getpid()), 1, "one's own child does");
  done();
}

/** The one who is told is the superuser's; the one who asks is not. */
static void listening_to_others(void) {
  struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
  sigaction(SIGIO, &action, NULL);
  equal(hears(ANN, getpid()), 0, "another user has nobody told");
}

static void parting(void) {
  int signal = -1;
  equal(prctl(PR_SET_PDEATHSIG, SIGTERM), 0, "a signal for the parent's end");
  equal(setresuid(-1, 0, -1), 0, "the same user");
  check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM, "it stays");
  equal(setresuid(-1, ANN, -1), 0, "another");
  check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0, "it is gone");
  done();
}

int main(void) {
  if (geteuid() != 0) return printf("# begun by somebody else than the superuser\n"), 1;
  mkdir("/tmp", 01777);
  umask(022);
  if (mkdtemp(folder) == NULL || chmod(folder, 0755) || chdir(folder)) return 1;
  make_folder("shared", 01777), make_folder("open", 0777), make_folder("closed", 0755), make_folder("open/folder", 0755);
  make_file("shared/ann", ANN), make_file("shared/ann2", ANN), make_file("shared/ben", BEN), make_file("closed/ann", ANN), make_file("open/file", ANN);
  check(chown("open/folder", BEN, BEN) == 0, "a folder of another's");
  equal(child_status(exchanging), 0, "exchanging");
  local_sockets();
  equal(child_status(listening), 0, "listening");
  listening_to_others();
  equal(child_status(parting), 0, "parting");
  equal(chdir("/"), 0, "away");
  const char names[] = "shared/all\0shared/private\0shared/bens\0shared/ann\0shared/ann2\0shared/ben\0closed/ann\0open/file\0open/folder\0shared\0open\0closed\0";
  int left = chdir(folder);
  for (const char *name = names; *name; name += strlen(name) + 1) left |= remove(name);
  equal(left || chdir("/") || rmdir(folder), 0, "nothing is left");
  return finish();
}
