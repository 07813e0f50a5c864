// Bytes between the caller's memory and the stack's, by the memory they exchange; addresses; what waits meanwhile.

#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "files.h"

static const size_t EXCHANGE = 131072; // test/kernel/packetdrill.ts

struct Name { uint32_t address, port; };
struct Message { uint32_t address, port, length, flags, destination, interface, timeToLive, dscpEcn, timestamp; };

/** An IPv4 address of the caller's, or the error: EFAULT, EINVAL, EAFNOSUPPORT. */
static int32_t nameGiven(const sockaddr *address, socklen_t length, Name *out) {
  if (!address) return -EFAULT;
  if (length < (socklen_t)sizeof(sa_family_t)) return -EINVAL;
  if (address->sa_family != AF_INET) return -EAFNOSUPPORT;
  if (length < (socklen_t)sizeof(sockaddr_in)) return -EINVAL;
  const sockaddr_in *in = (const sockaddr_in *)address;
  *out = { ntohl(in->sin_addr.s_addr), ntohs(in->sin_port) };
  return 0;
}

/** Fill in an address for the caller, as much of it as there is room for. */
static void nameTo(sockaddr *address, socklen_t *length, uint32_t ip, uint32_t port) {
  if (!address || !length) return;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(ip);
  in.sin_port = htons((uint16_t)port);
  memcpy(address, &in, *length < (socklen_t)sizeof in ? *length : sizeof in);
  *length = sizeof in;
}

/** Until when a call on a socket may wait: 0 not at all. */
static uint64_t patience(const File *file, int flags, bool sends) {
  if ((flags & MSG_DONTWAIT) || linuxNonBlocking(file->handle)) return 0;
  const uint32_t milliseconds = linuxTimeout(file->handle, sends);
  return milliseconds == 0 ? NEVER : now() + milliseconds * 1000ull;
}

/** All bytes of a list, or EFAULT. */
static ssize_t lengthOf(const iovec *parts, size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (!parts[i].iov_base && parts[i].iov_len) return -EFAULT;
    sum += parts[i].iov_len;
  }
  return (ssize_t)sum;
}

/** Copy between a list, from its byte `done` on, and `memory`: `length` bytes at most. Returns how many. */
static size_t copyParts(const iovec *parts, size_t count, size_t done, uint8_t *memory, size_t length, bool toMemory) {
  size_t copied = 0;
  for (size_t i = 0; i < count && copied < length; i++) {
    if (done >= parts[i].iov_len) { done -= parts[i].iov_len; continue; }
    uint8_t *part = (uint8_t *)parts[i].iov_base + done;
    size_t here = parts[i].iov_len - done;
    if (here > length - copied) here = length - copied;
    if (toMemory) memcpy(memory + copied, part, here);
    else memcpy(part, memory + copied, here);
    copied += here;
    done = 0;
  }
  return copied;
}

/** Send a list: of a stream all of it, if it may wait; a datagram at once or not at all. */
static ssize_t transmit(const File *file, const iovec *parts, size_t count, int flags, const Name *to) {
  const ssize_t total = lengthOf(parts, count);
  if (total < 0) return total;
  const bool stream = file->kind == Kind::Stream;
  if (!stream && (size_t)total > EXCHANGE) return -EMSGSIZE;
  const uint32_t memory = exchangeMemory();
  const uint64_t deadline = patience(file, flags, true);
  ssize_t done = 0;
  bool refused = false; // then a stream is tried again only when poll would say so, as on Linux
  do {
    const int32_t sent = blocking(deadline, [&]() -> int32_t {
      if (stream && refused && !(socketEvents(file->handle) & POLLOUT)) return -EAGAIN;
      refused = true;
      const size_t length = copyParts(parts, count, done, memoryAt(memory), EXCHANGE, true);
      return to && !stream ? socketSendTo(file->handle, memory, length, flags, to->address, to->port)
        : socketSend(file->handle, memory, length, flags);
    });
    if (sent < 0) return done > 0 ? done : sent;
    done += sent;
    refused = false;
  } while (done < total);
  return done;
}

/** Receive into a list: of a stream what there is, or all of it with MSG_WAITALL; one datagram. */
static ssize_t receive(const File *file, const iovec *parts, size_t count, int flags, Message *about) {
  const ssize_t total = lengthOf(parts, count);
  if (total < 0) return total;
  const bool stream = file->kind == Kind::Stream;
  if (stream && total == 0) return 0;
  const uint32_t memory = exchangeMemory(), message = messageMemory();
  uint64_t deadline = patience(file, flags, false);
  ssize_t done = 0;
  do {
    const size_t room = (size_t)(total - done) < EXCHANGE ? total - done : EXCHANGE;
    const int32_t got = blocking(deadline, [&] { return socketReceiveFrom(file->handle, memory, room, flags, message); });
    if (got < 0) return done > 0 ? done : got;
    if (about) *about = read<Message>(message);
    copyParts(parts, count, done, memoryAt(memory), (size_t)got < room ? got : room, false);
    done += got;
    if (!stream || got == 0 || (flags & MSG_PEEK)) break;
    if (!(flags & MSG_WAITALL)) deadline = 0;
  } while (done < total);
  return done;
}
