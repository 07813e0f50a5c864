// setsockopt, getsockopt, ioctl, fcntl: the shapes values have on Linux. Which option is which: test/kernel/packetdrill-options.ts.

#pragma once
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include "files.h"

static bool isTime(int level, int name) { return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO); }

static int32_t optionSet(File *file, int level, int name, const void *value, socklen_t length) {
  if (!value) return -EFAULT;
  if (isTime(level, name)) {
    timeval time;
    if (length < (socklen_t)sizeof time) return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000) return -EDOM;
    return linuxSetOption(file->handle, level, name, time.tv_sec * 1000 + (time.tv_usec + 999) / 1000);
  }
  if (level == SOL_SOCKET && name == SO_LINGER) { // with a time close is as without: nothing here waits in it
    linger given;
    if (length < (socklen_t)sizeof given) return -EINVAL;
    memcpy(&given, value, sizeof given);
    return linuxSetOption(file->handle, level, name, given.l_onoff && given.l_linger == 0);
  }
  int32_t number = 0;
  if (length >= (socklen_t)sizeof number) memcpy(&number, value, sizeof number);
  else if (length >= 1 && level == IPPROTO_IP) number = *(const uint8_t *)value; // ip(7) takes a byte, too
  else return -EINVAL;
  if (level == SOL_SOCKET && name == SO_ZEROCOPY && file->kind == Kind::Stream) return number < 0 || number > 1 ? -EINVAL : 0; // it copies
  if (level == IPPROTO_TCP && name == TCP_INQ) {
    file->tellsQueue = number != 0;
    return number < 0 || number > 1 ? -EINVAL : 0;
  }
  return linuxSetOption(file->handle, level, name, number);
}

static int32_t tcpInfo(const File *file, void *value, socklen_t *length) {
  const uint32_t memory = exchangeMemory();
  const socklen_t size = linuxTcpInfoSize();
  const int32_t result = linuxTcpInfo(file->handle, memory);
  if (result < 0) return result;
  if (*length > size) *length = size;
  memcpy(value, memoryAt(memory), *length);
  return 0;
}

/** linux/sock_diag.h's SK_MEMINFO_…: what is received and not read, its limit; what of sent is not known here. */
static int32_t memoryInfo(const File *file, void *value, socklen_t *length) {
  uint32_t info[9] = {};
  const uint32_t memory = messageMemory();
  info[0] = linuxAvailable(file->handle);
  if (linuxGetOption(file->handle, SOL_SOCKET, SO_RCVBUF, memory) == 0) info[1] = read<uint32_t>(memory);
  if (linuxGetOption(file->handle, SOL_SOCKET, SO_SNDBUF, memory) == 0) info[3] = read<uint32_t>(memory);
  if (*length > sizeof info) *length = sizeof info;
  memcpy(value, info, *length);
  return 0;
}

static int32_t optionGet(const File *file, int level, int name, void *value, socklen_t *length) {
  if (!value || !length) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  if (level == IPPROTO_TCP && name == TCP_INFO) return tcpInfo(file, value, length);
  if (level == IPPROTO_TCP && name == TCP_CC_INFO) return *length = 0; // as Linux has it where there is nothing to say
  if (level == SOL_SOCKET && name == SO_MEMINFO) return memoryInfo(file, value, length);
  const uint32_t memory = messageMemory();
  const int32_t result = linuxGetOption(file->handle, level, name, memory);
  if (result < 0) return result;
  const int32_t number = read<int32_t>(memory);
  timeval time = { number / 1000, number % 1000 * 1000 };
  const void *from = isTime(level, name) ? (const void *)&time : &number;
  const linger lingers = { number, 0 };
  const bool pair = level == SOL_SOCKET && name == SO_LINGER;
  if (pair) from = &lingers;
  const socklen_t size = isTime(level, name) ? sizeof time : pair ? sizeof lingers : sizeof number;
  if (*length > size) *length = size;
  memcpy(value, from, *length);
  return 0;
}

static int32_t control(const File *file, unsigned long request, int *value) {
  if (!value) return -EFAULT;
  switch (request) {
    case FIONREAD: { // and SIOCINQ
      const int32_t available = linuxAvailable(file->handle);
      if (available >= 0) *value = available;
      return available < 0 ? available : 0;
    }
    case TIOCOUTQ: { // and SIOCOUTQ
      const int32_t queued = linuxUnacknowledged(file->handle);
      if (queued >= 0) *value = queued;
      return queued < 0 ? queued : 0;
    }
    case FIONBIO: return linuxSetNonBlocking(file->handle, *value != 0);
    default: return -ENOTTY;
  }
}

static int32_t descriptorControl(const File *file, int command, int value) {
  switch (command) {
    case F_GETFL: return O_RDWR | (isSocket(file) && linuxNonBlocking(file->handle) ? O_NONBLOCK : 0);
    case F_SETFL: return isSocket(file) ? linuxSetNonBlocking(file->handle, (value & O_NONBLOCK) != 0) : 0;
    case F_GETFD: return FD_CLOEXEC; // no program that is started gets a descriptor of ours
    case F_SETFD: return 0;
    default: return -EINVAL;
  }
}
