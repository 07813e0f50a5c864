// Users and groups: what a process may make of its ids, what files of others it may use, which processes it may signal, and what is for
// the superuser alone. Begun by the superuser; the others' part is played by children.
#include "check.h"
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>

enum { ANN = 61001, BEN = 61002, TEAM = 61050, OTHERS = 61060 };
enum { FACCESSAT2 = 439, EFFECTIVE = 0x200 };

static char folder[] = "/tmp/usersXXXXXX";

/** In a child: become a user, of a group of the same number and of `team` if that is not 0. */
static void become(int user, gid_t team) {
  if (setgroups(team != 0, &team) || setresgid(user, user, user) || setresuid(user, user, user)) _exit(99);
}

/** The end of a child whose checks count. */
static void done(void) { fflush(stdout), _exit(failures != 0); }

static int ids_are(uid_t real, uid_t effective, uid_t saved, uid_t file) {
  uid_t r, e, s;
  return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved && (uid_t)setfsuid(-1) == file && getuid() == real && geteuid() == effective;
}

static int groups_are(gid_t real, gid_t effective, gid_t saved, gid_t file) {
  gid_t r, e, s;
  return getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved && (gid_t)setfsgid(-1) == file && getgid() == real && getegid() == effective;
}

// --- Ids. -------------------------------------------------------------------------------------------------

static void user_ids(void) {
  check(ids_are(0, 0, 0, 0), "the first are all 0");
  fails(syscall(SYS_setuid, -1), EINVAL, "setuid to none");
  equal(syscall(SYS_setresuid, 1, 2, 3), 0, "the superuser sets all three");
  check(ids_are(1, 2, 3, 2), "and files go by the effective one");
  fails(syscall(SYS_setresuid, 4, -1, -1), EPERM, "who is none has no new one");
  fails(syscall(SYS_setresuid, -1, -1, 0), EPERM, "nor 0 again");
  fails(syscall(SYS_setuid, 2), EPERM, "setuid to the effective one, which is not the real or the saved");
  equal(syscall(SYS_setuid, 3), 0, "setuid to the saved one");
  check(ids_are(1, 3, 3, 3), "sets the effective one");
  fails(syscall(SYS_setreuid, 2, -1), EPERM, "setreuid to another real one");
  equal(syscall(SYS_setreuid, 3, 1), 0, "setreuid swaps two");
  check(ids_are(3, 1, 1, 1), "and the saved one follows");
  equal(syscall(SYS_setresuid, -1, 3, -1), 0, "one of the three is had at any time");
  check(ids_are(3, 3, 1, 3), "the others stay");
  equal(setfsuid(1), 3, "setfsuid tells what it was");
  check(ids_are(3, 3, 1, 1), "files go by another");
  equal(setfsuid(7), 1, "one that is not the process's");
  equal(setfsuid(-1), 1, "it does not get");
  equal(syscall(SYS_setreuid, -1, -1), 0, "setreuid that sets nothing");
  check(ids_are(3, 3, 1, 3), "but what files go by");
  done();
}

static void group_ids(void) {
  equal(syscall(SYS_setresgid, 1, 2, 3), 0, "the superuser sets three of groups");
  check(groups_are(1, 2, 3, 2), "and files go by the effective one");
  equal(syscall(SYS_setgid, 5), 0, "setgid sets all");
  check(groups_are(5, 5, 5, 5), "all of them");
  equal(syscall(SYS_setregid, 5, 6), 0, "setregid sets two");
  check(groups_are(5, 6, 6, 6), "and the saved one");
  fails(syscall(SYS_setgid, -1), EINVAL, "setgid to none");
  equal(seteuid(ANN), 0, "the superuser is somebody else for a while");
  fails(syscall(SYS_setgid, 7), EPERM, "who has no new group then");
  fails(syscall(SYS_setregid, 7, -1), EPERM, "no real one");
  equal(syscall(SYS_setresgid, -1, 5, -1), 0, "but one of its own");
  check(groups_are(5, 5, 6, 5), "as asked");
  equal(setfsgid(6), 5, "setfsgid tells what it was");
  equal(setfsgid(8), 6, "and keeps it for one that is not the process's");
  equal(seteuid(0), 0, "and is itself again");
  check(ids_are(0, 0, 0, 0), "altogether");
  fails(syscall(SYS_getresuid, 0, 8, 8), EFAULT, "getresuid to nowhere");
  done();
}

static void supplementary(void) {
  gid_t some[3] = {30, 10, 20}, got[40];
  equal(setgroups(3, some), 0, "supplementary groups");
  equal(getgroups(0, got), 3, "how many there are");
  equal(getgroups(40, got), 3, "they are told");
  check(got[0] == 10 && got[1] == 20 && got[2] == 30, "ascending");
  fails(getgroups(2, got), EINVAL, "with too little room");
  fails(syscall(SYS_getgroups, -1, got), EINVAL, "with less than none");
  fails(syscall(SYS_setgroups, 3, 8), EFAULT, "from nowhere");
  fails(syscall(SYS_setgroups, 0x7fffffff, some), EINVAL, "more than there can be");
  pid_t child = fork();
  if (child == 0) _exit(getgroups(40, got));
  int status;
  waitpid(child, &status, 0);
  equal(WEXITSTATUS(status), 3, "a child has them, too");
  equal(seteuid(ANN), 0, "who is not the superuser");
  fails(setgroups(0, some), EPERM, "does not set them");
  done();
}

struct capabilities { uint32_t effective, permitted, inheritable; };

static void capabilities(void) {
  uint32_t header[2] = {0x20080522, 0};
  struct capabilities sets[2];
  equal(syscall(SYS_capget, header, sets), 0, "capget");
  check((sets[0].effective & 0xff) == 0xff, "the superuser has those about files and ids");
  header[0] = 1;
  fails(syscall(SYS_capget, header, sets), EINVAL, "of another version");
  equal(header[0], 0x20080522, "it tells the last one");
  equal(seteuid(ANN), 0, "an effective user");
  equal(syscall(SYS_capget, header, sets), 0, "capget again");
  check(sets[0].effective == 0 && (sets[0].permitted & 0xff) == 0xff, "none is in force, but may be again");
  equal(syscall(SYS_capset, header, sets), 0, "capset to what they are");
  equal(seteuid(0), 0, "back");
  become(ANN, 0);
  equal(syscall(SYS_capget, header, sets), 0, "and of who is a user altogether");
  check(sets[0].effective == 0 && sets[0].permitted == 0, "there are none");
  sets[0].effective = sets[0].permitted = 1;
  fails(syscall(SYS_capset, header, sets), EPERM, "nor can there be");
  done();
}

static void *alone(void *unused) {
  (void)unused;
  return (void *)(long)(syscall(SYS_setresuid, ANN, ANN, ANN) == 0 && syscall(SYS_geteuid) == ANN);
}

static volatile int told;
static void *together(void *other) {
  (void)other;
  while (!told) sched_yield();
  return (void *)(long)(geteuid() == BEN);
}

static void threads(void) {
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, alone, NULL);
  pthread_join(thread, &result);
  check((long)result, "a thread becomes a user by the call itself");
  equal(geteuid(), 0, "alone");
  pthread_create(&thread, NULL, together, NULL);
  equal(setresuid(BEN, BEN, BEN), 0, "by the C library");
  told = 1;
  pthread_join(thread, &result);
  check((long)result, "all do");
  done();
}

// --- Files. -----------------------------------------------------------------------------------------------

static void make_file(const char *name, mode_t mode, uid_t user, gid_t group) {
  int file = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (write(file, "text", 4) != 4 || fchown(file, user, group) || fchmod(file, mode)) check(0, name);
  close(file);
}

static void make_folder(const char *name, mode_t mode, uid_t user, gid_t group) {
  if (mkdir(name, 0700) || chown(name, user, group) || chmod(name, mode)) check(0, name);
}

static void prepare(void) {
  make_file("secret", 0600, 0, 0);
  make_file("shown", 0644, 0, 0);
  make_file("team", 0660, 0, TEAM);
  make_file("own", 0600, ANN, ANN);
  make_file("not-own", 0077, ANN, ANN);
  make_file("not-group", 0604, 0, ANN);
  make_file("wide", 0666, 0, 0);
  make_folder("closed", 0700, 0, 0);
  make_file("closed/file", 0644, 0, 0);
  make_folder("listed", 0744, 0, 0);
  make_file("listed/file", 0644, 0, 0);
  make_folder("passed", 0711, 0, 0);
  make_file("passed/file", 0644, 0, 0);
  make_folder("open", 0777, 0, 0);
  make_file("open/theirs", 0644, 0, 0);
  make_folder("sticky", 01777, 0, 0);
  make_file("sticky/theirs", 0666, 0, 0);
  make_file("sticky/own", 0666, ANN, ANN);
  make_folder("grouped", 02777, 0, OTHERS);
  make_folder("homeless", 0755, 0, 0);
  make_folder("open/tree", 0755, 0, 0);
  symlink("closed/file", "link");
  mkfifo("fifo", 0600);
}

static struct stat seen;
static long owner(const char *name) { return lstat(name, &seen) ? -1 : (long)seen.st_uid; }
static long group(const char *name) { return lstat(name, &seen) ? -1 : (long)seen.st_gid; }
static long mode(const char *name) { return lstat(name, &seen) ? -1 : (long)(seen.st_mode & 07777); }

static void searching(void) {
  become(ANN, 0);
  fails(stat("closed/file", &seen), EACCES, "a name in a folder that may not be searched");
  fails(stat("closed/.", &seen), EACCES, "not even its own");
  fails(stat("closed/none", &seen), EACCES, "nor one that is not there");
  fails(stat("closed/file/..", &seen), EACCES, "nor through one");
  fails(stat("link", &seen), EACCES, "nor by a link");
  equal(lstat("link", &seen), 0, "the link itself is to be seen");
  equal(stat("closed/", &seen), 0, "and so is the folder");
  fails(open("closed", O_RDONLY | O_DIRECTORY), EACCES, "which may not be read");
  fails(chdir("closed"), EACCES, "or gone to");
  check(open("listed", O_RDONLY | O_DIRECTORY) >= 0, "one that may be read, but not searched");
  fails(open("listed/file", O_RDONLY), EACCES, "has no names to open");
  fails(fchdir(open("listed", O_RDONLY | O_DIRECTORY)), EACCES, "fchdir asks, too");
  check(open("passed/file", O_RDONLY) >= 0, "one that may be searched, but not read, has");
  fails(open("passed", O_RDONLY | O_DIRECTORY), EACCES, "but does not tell them");
  fails(truncate("closed/file", 0), EACCES, "every call on a path asks");
  fails(readlink("closed/file", (char[9]){0}, 9), EACCES, "readlink");
  fails(link("closed/file", "open/x"), EACCES, "link");
  fails(rename("open/theirs", "closed/x"), EACCES, "rename");
  fails(execl("closed/file", "x", NULL), EACCES, "execve");
  done();
}

static void opening(void) {
  become(ANN, TEAM);
  fails(open("secret", O_RDONLY), EACCES, "another's file");
  fails(open("secret", O_WRONLY), EACCES, "to write");
  check(open("secret", O_PATH) >= 0, "its path is not it");
  check(open("shown", O_RDONLY) >= 0, "one that all may read");
  fails(open("shown", O_RDWR), EACCES, "is not to be written");
  fails(open("shown", O_RDONLY | O_TRUNC), EACCES, "nor cut");
  equal(stat("shown", &seen) || seen.st_size != 4, 0, "nor was it");
  fails(open("shown", O_WRONLY | O_CREAT, 0666), EACCES, "nor if it were made");
  fails(open("shown", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST, "that it is there comes first");
  check(open("team", O_RDWR) >= 0, "one of a supplementary group");
  check(open("own", O_RDWR) >= 0, "one's own");
  fails(open("not-own", O_RDONLY), EACCES, "the owner is judged as the owner, whatever others may");
  fails(open("not-group", O_RDONLY), EACCES, "the group as the group");
  fails(open("fifo", O_RDONLY | O_NONBLOCK), EACCES, "a fifo");
  fails(open("wide", O_RDONLY | O_NOATIME), EPERM, "O_NOATIME is the owner's");
  int wide = open("wide", O_RDONLY);
  fails(fcntl(wide, F_SETFL, O_NOATIME), EPERM, "afterwards, too");
  check(open("own", O_RDONLY | O_NOATIME) >= 0, "who has it");
  fails(open("new", O_WRONLY | O_CREAT, 0666), EACCES, "a new one in another's folder");
  int new = open("open/new", O_RDONLY | O_CREAT, 0);
  check(new >= 0, "a new one is open to who makes it, whatever its mode");
  check(owner("open/new") == ANN && group("open/new") == ANN, "and is theirs");
  fails(open("open/new", O_RDONLY), EACCES, "opened again it is judged");
  fails(truncate("shown", 0), EACCES, "truncate asks");
  fails(truncate("open", 0), EISDIR, "for a file first");
  equal(truncate("wide", 3), 0, "and may where all may");
  int ends[2];
  check(pipe(ends) == 0 && fstat(ends[0], &seen) == 0 && seen.st_uid == ANN, "a pipe is who made it's");
  check(open("/dev/null", O_RDWR) >= 0, "/dev/null is everybody's");
  done();
}

static void naming(void) {
  become(ANN, 0);
  fails(mkdir("mine", 0777), EACCES, "mkdir in another's folder");
  fails(mkdir("shown", 0777), EEXIST, "that it is there comes first");
  fails(symlink("x", "mine"), EACCES, "symlink");
  fails(mkfifo("mine", 0666), EACCES, "mknod");
  fails(link("wide", "mine"), EACCES, "link");
  fails(unlink("shown"), EACCES, "unlink");
  fails(unlink("none"), ENOENT, "of what is not there");
  fails(rmdir("homeless"), EACCES, "rmdir");
  fails(rmdir("shown"), EACCES, "even of a file");
  fails(rename("shown", "open/shown"), EACCES, "rename, from there");
  fails(rename("open/theirs", "theirs"), EACCES, "and to there");
  equal(mkdir("open/mine", 0777), 0, "in a folder for all");
  equal(owner("open/mine"), ANN, "what is made is the maker's");
  equal(rename("open/theirs", "open/mine/moved"), 0, "and another's file may be moved");
  equal(unlink("open/mine/moved"), 0, "and removed");
  fails(rename("open/tree", "open/mine/tree"), EACCES, "a folder that may not be written keeps its \"..\"");
  equal(rename("open/tree", "open/bush"), 0, "but may be called something else");
  fails(mknod("open/device", S_IFCHR | 0666, 0x103), EPERM, "devices are the superuser's to make");
  equal(mkfifo("open/fifo", 0666), 0, "fifos are not");
  fails(unlink("sticky/theirs"), EPERM, "in a sticky folder others' names stay");
  fails(rename("sticky/theirs", "open/theirs"), EPERM, "there");
  fails(rename("sticky/own", "sticky/theirs"), EPERM, "nor are they replaced");
  equal(rename("sticky/own", "open/own"), 0, "one's own goes");
  equal(rename("open/own", "sticky/own"), 0, "and comes");
  equal(unlink("sticky/own"), 0, "and is removed");
  done();
}

static void owning(void) {
  become(ANN, TEAM);
  fails(chmod("wide", 0600), EPERM, "another's mode");
  equal(chmod("own", 0640), 0, "one's own");
  fails(chown("own", BEN, -1), EPERM, "a file is not given away");
  fails(chown("wide", ANN, -1), EPERM, "nor taken");
  fails(chown("own", -1, OTHERS), EPERM, "nor given to a group one is not in");
  equal(chown("own", ANN, TEAM), 0, "but to one's own");
  equal(group("own"), TEAM, "which has it then");
  equal(chmod("own", 06755), 0, "set-user and set-group");
  equal(mode("own"), 06755, "where one is in the group");
  equal(chown("own", -1, ANN), 0, "another group");
  equal(mode("own"), 0755, "takes both away");
  equal(chown("wide", -1, -1), 0, "to set no owner is nobody's privilege");
  equal(chmod("own", 06711), 0, "set again");
  int own = open("own", O_WRONLY);
  equal(write(own, "x", 1), 1, "something is written");
  equal(mode("own"), 0711, "and both are gone");
  equal(chmod("own", 04711), 0, "and again");
  equal(ftruncate(own, 1), 0, "it is cut");
  equal(mode("own"), 0711, "and gone again");
  close(open("grouped/file", O_CREAT | O_WRONLY, 02775));
  equal(group("grouped/file"), OTHERS, "in a folder with set-group all is its group's");
  equal(mode("grouped/file"), 0755, "but runs as it only if its maker is in it");
  equal(mkdir("grouped/folder", 0755), 0, "a folder there");
  check(group("grouped/folder") == OTHERS && mode("grouped/folder") == 02755, "goes on so");
  equal(chmod("grouped/file", 02755), 0, "nor later");
  equal(mode("grouped/file"), 0755, "does it");
  struct timespec then[2] = {{5, 0}, {6, 0}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}},
    neither[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
  fails(utimensat(AT_FDCWD, "wide", then, 0), EPERM, "times are the owner's");
  fails(utimensat(AT_FDCWD, "wide", half, 0), EPERM, "one alone, too");
  equal(utimensat(AT_FDCWD, "wide", now, 0), 0, "but the present is who writes'");
  equal(utimensat(AT_FDCWD, "wide", NULL, 0), 0, "however it is said");
  fails(utimensat(AT_FDCWD, "shown", NULL, 0), EACCES, "not who only reads'");
  equal(utimensat(AT_FDCWD, "closed/file", neither, 0), 0, "to set neither is nothing");
  equal(utimensat(AT_FDCWD, "own", then, 0), 0, "one's own");
  done();
}

static void asking(void) {
  equal(setresgid(ANN, 0, 0) || setresuid(ANN, 0, 0), 0, "a real user with another's effective id");
  fails(access("secret", R_OK), EACCES, "access asks for the real one");
  fails(access("closed/file", F_OK), EACCES, "on the path as well");
  equal(syscall(FACCESSAT2, AT_FDCWD, "secret", R_OK | W_OK, EFFECTIVE), 0, "or for the effective one");
  equal(access("own", R_OK | W_OK), 0, "what is the real one's");
  check(ids_are(ANN, 0, 0, 0), "nothing is left of that");
  equal(setresuid(0, ANN, 0), 0, "the other way round");
  equal(access("secret", R_OK), 0, "the real superuser may");
  fails(open("secret", O_RDONLY), EACCES, "but not now");
  equal(access("secret", F_OK), 0, "that it is there is no secret");
  equal(setresuid(0, 0, 0), 0, "the superuser");
  fails(access("secret", X_OK), EACCES, "may run only what somebody may");
  equal(access("closed", X_OK), 0, "and search everything");
  equal(setfsuid(ANN), 0, "files by another user");
  fails(open("secret", O_RDONLY), EACCES, "are that one's");
  equal(setfsuid(0), ANN, "and");
  check(open("secret", O_RDONLY) >= 0, "one's own again");
  done();
}

// --- Programs. --------------------------------------------------------------------------------------------

/** What a program that is run says of itself. */
struct report { uid_t real, effective, saved, file; gid_t group, effective_group, saved_group; unsigned long secure, vector[4]; int groups; };

static int reported(const char *to) {
  struct report r = {0};
  getresuid(&r.real, &r.effective, &r.saved);
  getresgid(&r.group, &r.effective_group, &r.saved_group);
  r.file = setfsuid(-1);
  r.secure = getauxval(AT_SECURE);
  for (int i = 0; i < 4; i++) r.vector[i] = getauxval(AT_UID + i);
  r.groups = getgroups(0, NULL);
  return write(atoi(to), &r, sizeof r) != sizeof r;
}

static int runs(const char *path, struct report *r) {
  int ends[2];
  if (pipe(ends)) return -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char to[16];
    sprintf(to, "%d", ends[1]);
    execl(path, path, "report", to, NULL);
    _exit(errno);
  }
  close(ends[1]);
  int status, bytes = read(ends[0], r, sizeof *r);
  close(ends[0]);
  waitpid(child, &status, 0);
  return bytes == sizeof *r && status == 0 ? 0 : WEXITSTATUS(status);
}

static void copy(const char *to, mode_t mode, uid_t user, gid_t group) {
  static char bytes[4096];
  int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0700);
  for (long n; (n = read(in, bytes, sizeof bytes)) > 0;) if (write(out, bytes, n) != n) check(0, to);
  if (fchown(out, user, group) || fchmod(out, mode)) check(0, to);
  close(in), close(out);
}

static void running(void) {
  struct report r;
  become(ANN, TEAM);
  equal(runs("plain", &r), 0, "a program that all may run");
  check(r.real == ANN && r.effective == ANN && r.saved == ANN && r.file == ANN && r.group == ANN && r.groups == 1, "has its caller's ids");
  check(!r.secure && r.vector[0] == ANN && r.vector[1] == ANN && r.vector[2] == ANN && r.vector[3] == ANN, "and is told them");
  equal(runs("unreadable", &r), 0, "one that may be run and not read");
  equal(runs("unrunnable", &r), EACCES, "one that others may run");
  equal(runs("set-user", &r), 0, "one with set-user");
  check(r.real == ANN && r.effective == BEN && r.saved == BEN && r.file == BEN && r.group == ANN && r.effective_group == ANN, "runs as its owner");
  check(r.secure && r.vector[0] == ANN && r.vector[1] == BEN, "and is told not to trust");
  equal(runs("set-group", &r), 0, "one with set-group");
  check(r.real == ANN && r.effective == ANN && r.group == ANN && r.effective_group == TEAM && r.saved_group == TEAM && r.secure, "runs as its group");
  equal(runs("locked", &r), 0, "set-group without the group's x");
  check(r.effective_group == ANN && !r.secure, "means something else");
  equal(runs("set-root", &r), 0, "one of the superuser's");
  check(r.real == ANN && r.effective == 0 && r.saved == 0, "makes who runs it that");
  done();
}

static void running_as_superuser(void) {
  struct report r;
  equal(runs("unrunnable", &r), 0, "the superuser runs what somebody may");
  equal(runs("secret", &r), EACCES, "and not what nobody may");
  equal(setresuid(ANN, BEN, 0), 0, "three users");
  chmod("plain", 0755);
  equal(runs("plain", &r), 0, "and a program");
  check(r.real == ANN && r.effective == BEN && r.saved == BEN && r.secure, "the saved one is the effective one then");
  done();
}

static void running_from_elsewhere(void) {
  struct report r;
  become(ANN, 0);
  equal(runs("nosuid/set-user", &r), 0, "set-user on a file system without");
  check(r.real == ANN && r.effective == ANN && !r.secure, "means nothing");
  done();
}

/** Where the superuser may not mount, as in some containers, there is nothing to see. */
static void without_set_ids(void) {
  make_folder("nosuid", 0755, 0, 0);
  if (mount("none", "nosuid", "tmpfs", MS_NOSUID, NULL)) return;
  copy("nosuid/set-user", 04755, BEN, 0);
  equal(child_status(running_from_elsewhere), 0, "running from elsewhere");
  equal(umount2("nosuid", 0), 0, "unmounted");
}

// --- Other processes. -------------------------------------------------------------------------------------

static pid_t anns, bens, roots;

static pid_t sleeper(int user) {
  int ends[2];
  char ready;
  if (pipe(ends)) return -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (user) become(user, 0);
    if (write(ends[1], "x", 1) != 1) _exit(1);
    while (1) pause();
  }
  check(read(ends[0], &ready, 1) == 1, "somebody sleeps");
  close(ends[0]), close(ends[1]);
  return child;
}

static void signalling(void) {
  become(ANN, 0);
  equal(kill(anns, 0), 0, "one's own process is there");
  fails(kill(bens, 0), EPERM, "another's may not be asked for");
  fails(kill(bens, SIGTERM), EPERM, "nor ended");
  fails(kill(roots, SIGTERM), EPERM, "nor the superuser's");
  equal(kill(bens, SIGCONT), 0, "in one's session it may be told to go on");
  fails(syscall(SYS_tkill, bens, SIGTERM), EPERM, "tkill asks");
  fails(syscall(SYS_tgkill, bens, bens, SIGTERM), EPERM, "tgkill asks");
  fails(sigqueue(bens, SIGTERM, (union sigval){0}), EPERM, "sigqueue asks");
  fails(kill(-bens, 0), ESRCH, "a group that there is not");
  equal(kill(-1, 0), 0, "everybody: those that may be");
  equal(kill(0, SIGCONT), 0, "one's group: those that may be");
  equal(syscall(SYS_tgkill, getpid(), getpid(), 0), 0, "oneself always");
  equal(setpriority(PRIO_PROCESS, 0, 5), 0, "nicer");
  fails(setpriority(PRIO_PROCESS, 0, 0), EACCES, "and not less nice again");
  errno = 0;
  equal(getpriority(PRIO_PROCESS, bens), 0, "how nice another's is may be asked");
  fails(setpriority(PRIO_PROCESS, bens, 5), EPERM, "and not said");
  equal(setpriority(PRIO_PROCESS, anns, 7), 0, "of one's own it may");
  equal(getpriority(PRIO_USER, 0), 5, "the least nice of one's own");
  equal(getpriority(PRIO_USER, ANN), 5, "by its number");
  cpu_set_t all;
  memset(&all, 0xff, sizeof all);
  fails(sched_setaffinity(bens, sizeof all, &all), EPERM, "another's processors");
  struct rlimit limit;
  fails(prlimit(bens, RLIMIT_CORE, NULL, &limit), EPERM, "another's limits");
  equal(prlimit(anns, RLIMIT_FSIZE, NULL, &limit), 0, "one's own");
  limit.rlim_cur = limit.rlim_max = 1 << 20;
  equal(setrlimit(RLIMIT_FSIZE, &limit), 0, "are lowered");
  limit.rlim_cur = 1 << 19;
  equal(setrlimit(RLIMIT_FSIZE, &limit), 0, "in force");
  limit.rlim_cur = 1 << 20;
  equal(setrlimit(RLIMIT_FSIZE, &limit), 0, "and not");
  limit.rlim_max = 1 << 21;
  fails(setrlimit(RLIMIT_FSIZE, &limit), EPERM, "and not raised for good");
  void *head;
  size_t length;
  fails(syscall(SYS_get_robust_list, bens, &head, &length), EPERM, "another's list of locks");
  done();
}

static void many_processes(void) {
  struct rlimit few = {3, 3};
  become(ANN, 0);
  equal(setrlimit(RLIMIT_NPROC, &few), 0, "three processes: this one, and one that sleeps");
  pid_t third = fork();
  if (third == 0) {
    pause();
    _exit(0);
  }
  check(third > 0, "a third");
  fails(fork(), EAGAIN, "and no fourth");
  kill(third, SIGKILL);
  waitpid(third, NULL, 0);
  third = fork();
  if (third == 0) _exit(0);
  check(third > 0, "until one has ended");
  waitpid(third, NULL, 0);
  done();
}

static void sender(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    if (setresuid(ANN, 0, 0)) _exit(1);
    kill(parent, SIGUSR1);
    sleep_ms(20);
    _exit(0);
  }
  check(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_uid == ANN, "a signal tells its sender's real user");
  check(sigwaitinfo(&set, &info) == SIGCHLD && info.si_uid == ANN, "and that a child has ended, the child's");
  waitpid(child, NULL, 0);
  done();
}

static void looking(void) {
  char path[64], text[256], line[64];
  pid_t parent = getppid();
  become(ANN, TEAM);
  sprintf(path, "/proc/%d", getpid());
  equal(owner(path), ANN, "a process's place in /proc is its user's");
  sprintf(path, "/proc/%d/exe", parent);
  fails(readlink(path, text, sizeof text), EACCES, "another's program is not told");
  fails(open(path, O_RDONLY), EACCES, "nor opened");
  sprintf(path, "/proc/%d/fd/0", parent);
  fails(open(path, O_RDONLY), EACCES, "nor its files");
  sprintf(path, "/proc/%d/maps", parent);
  fails(open(path, O_RDONLY), EACCES, "nor its memory");
  sprintf(path, "/proc/%d/stat", parent);
  check(open(path, O_RDONLY) >= 0, "that it is there is");
  check(readlink("/proc/self/exe", text, sizeof text) > 0, "one's own program is told");
  check(open("/proc/self/maps", O_RDONLY) >= 0, "and one's own memory");
  FILE *status = fopen("/proc/self/status", "r");
  int users = 0, groups = 0, others = 0;
  while (fgets(line, sizeof line, status)) {
    users |= strcmp(line, "Uid:\t61001\t61001\t61001\t61001\n") == 0;
    groups |= strcmp(line, "Gid:\t61001\t61001\t61001\t61001\n") == 0;
    others |= strncmp(line, "Groups:\t61050", 13) == 0;
  }
  check(users && groups && others, "/proc/self/status has the ids");
  done();
}

// --- What is the superuser's. -----------------------------------------------------------------------------

static int bound(int port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0), result = bind(socket_, (void *)&name, sizeof name), why = errno;
  close(socket_);
  errno = why;
  return result;
}

static void privileges(void) {
  struct timespec now;
  become(ANN, 0);
  fails(mount("none", "open", "tmpfs", 0, NULL), EPERM, "mount");
  fails(mount("none", "nowhere", "tmpfs", 0, NULL), ENOENT, "where nothing is");
  fails(umount2("open", 0), EPERM, "umount2");
  fails(chroot("open"), EPERM, "chroot");
  fails(chroot("closed"), EACCES, "to a folder that may not be searched");
  fails(swapon("shown", 0), EPERM, "swapon");
  fails(swapoff("shown"), EPERM, "swapoff");
  fails(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM, "reboot");
  clock_gettime(CLOCK_REALTIME, &now);
  fails(clock_settime(CLOCK_REALTIME, &now), EPERM, "the time");
  fails(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM, "raw sockets");
  fails(bound(1023), EACCES, "the ports below 1024");
  equal(bound(0), 0, "but not one of the others");
  done();
}

static int gone(const char *path, const struct stat *status, int flag, struct FTW *place) {
  (void)status, (void)flag, (void)place;
  return remove(path);
}

int main(int count, char **arguments) {
  if (count == 3 && strcmp(arguments[1], "report") == 0) return reported(arguments[2]);
  if (geteuid() != 0) return printf("# begun by somebody else than the superuser\n"), 1;
  mkdir("/tmp", 01777);
  umask(022);
  if (mkdtemp(folder) == NULL || chmod(folder, 0755) || chdir(folder)) return 1;
  prepare();
  copy("plain", 0755, 0, 0);
  copy("unreadable", 0711, 0, 0);
  copy("unrunnable", 0610, 0, 0);
  copy("set-user", 04755, BEN, 0);
  copy("set-group", 02755, 0, TEAM);
  copy("locked", 02745, 0, OTHERS);
  copy("set-root", 04755, 0, 0);
  equal(child_status(user_ids), 0, "user ids");
  equal(child_status(group_ids), 0, "group ids");
  equal(child_status(supplementary), 0, "supplementary groups");
  equal(child_status(capabilities), 0, "capabilities");
  equal(child_status(threads), 0, "threads");
  equal(child_status(searching), 0, "searching");
  equal(child_status(opening), 0, "opening");
  equal(child_status(naming), 0, "naming");
  equal(child_status(owning), 0, "owning");
  equal(child_status(asking), 0, "asking");
  equal(child_status(running), 0, "running");
  equal(child_status(running_as_superuser), 0, "running as the superuser");
  without_set_ids();
  anns = sleeper(ANN), bens = sleeper(BEN), roots = sleeper(0);
  equal(child_status(signalling), 0, "signalling");
  equal(child_status(many_processes), 0, "many processes");
  equal(kill(anns, SIGTERM) || kill(bens, SIGTERM) || kill(roots, SIGTERM), 0, "the superuser ends anybody's");
  while (wait(NULL) > 0) continue;
  equal(child_status(sender), 0, "senders");
  equal(child_status(looking), 0, "looking");
  equal(child_status(privileges), 0, "privileges");
  equal(chdir("/") || nftw(folder, gone, 8, FTW_DEPTH | FTW_PHYS), 0, "nothing is left");
  return finish();
}
