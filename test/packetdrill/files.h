// File descriptors: sockets and poll sets of the stack under numbers that no file of the process has.

#pragma once
#include <errno.h>
#include <sys/epoll.h>
#include "waiting.h"

static const int FIRST_FILE = 1 << 24; // above Linux's nr_open by default, 2^20
static const int MOST_FILES = 1024, MOST_WATCHES = 1024;

enum class Kind { None, Stream, Datagram, Raw, PollSet };
struct File { Kind kind; int32_t handle; bool tellsQueue; }; // tellsQueue: TCP_INQ
struct Watch { int set, fd; epoll_data_t data; }; // set 0: free

static File files[MOST_FILES];
static Watch watches[MOST_WATCHES];

/** The file of a descriptor, or null: EBADF. */
static File *fileOf(int fd) {
  const unsigned place = (unsigned)fd - FIRST_FILE;
  return place < (unsigned)MOST_FILES && files[place].kind != Kind::None ? &files[place] : nullptr;
}

static bool isSocket(const File *file) { return file && file->kind != Kind::PollSet; }

/** The lowest free descriptor for a handle; an error passes through, and with no descriptor it is EMFILE. */
static int32_t fileMake(Kind kind, int32_t handle) {
  if (handle < 0) return handle;
  for (int i = 0; i < MOST_FILES; i++) {
    if (files[i].kind != Kind::None) continue;
    files[i] = { kind, handle, false };
    return FIRST_FILE + i;
  }
  if (kind == Kind::PollSet) pollSetClose(handle);
  else socketClose(handle);
  return -EMFILE;
}

/** The place of a socket in a set, or where there is room when `fd` is 0; -1 when there is none. */
static int watchFind(int set, int fd) {
  for (int i = 0; i < MOST_WATCHES; i++)
    if (fd == 0 ? watches[i].set == 0 : watches[i].set == set && watches[i].fd == fd) return i;
  return -1;
}

static void watchesForget(int fd) {
  for (Watch &each : watches)
    if (each.set == fd || each.fd == fd) each = {};
}

/** Close a descriptor. */
static int32_t fileEnd(int fd) {
  File *file = fileOf(fd);
  if (!file) return -EBADF;
  const int32_t result = file->kind == Kind::PollSet ? pollSetClose(file->handle) : socketClose(file->handle);
  *file = {};
  watchesForget(fd);
  return result;
}
