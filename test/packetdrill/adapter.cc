// packetdrill's interface over the stack: the calls of Linux's sockets, by the socket API of kernel/net/socket, in virtual
// time. docs/packetdrill.md says how it is used and what it can not.
//
// The flags are what `eth0=` takes (docs/contract.md), "192.168.0.2/16,gw=192.168.0.1" when there are none; behind a
// semicolon may follow seed=N for the random numbers.

#include <stdarg.h>
#include <sys/syscall.h>
#include "interface.h"
#include "options.h"
#include "sysctls.h"
#include "transfer.h"

#define PUBLIC __attribute__((visibility("default")))

static const char *const ADDRESS = "192.168.0.2/16,gw=192.168.0.1";
static const uint64_t LONGEST_SILENCE = 300 * 1000000ull; // netdev_receive gives up: nothing a script waits for comes later

/** As the C library's functions: the result, or -1 and errno. */
static ssize_t answer(ssize_t result) {
  if (result >= 0) return result;
  errno = (int)-result;
  return -1;
}

#define FILE_OF(fd) File *file = fileOf(fd); if (!file) return (int)answer(-EBADF)
#define SOCKET_OF(fd) FILE_OF(fd); if (!isSocket(file)) return (int)answer(-ENOTSOCK)

static int netSocket(void *, int domain, int type, int protocol) {
  Call call;
  if (domain != AF_INET) return (int)answer(-EAFNOSUPPORT);
  sysctlsTake();
  const int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (plain < SOCK_STREAM || plain > SOCK_RAW) return (int)answer(-EINVAL);
  const int32_t handle = socketCreate(plain - SOCK_STREAM, protocol);
  if (handle >= 0 && (type & SOCK_NONBLOCK)) linuxSetNonBlocking(handle, 1);
  return (int)answer(fileMake(plain == SOCK_STREAM ? Kind::Stream : plain == SOCK_DGRAM ? Kind::Datagram : Kind::Raw, handle));
}

static int netBind(void *, int fd, const sockaddr *address, socklen_t length) {
  Call call;
  SOCKET_OF(fd);
  Name name;
  const int32_t given = nameGiven(address, length, &name);
  return (int)answer(given < 0 ? given : socketBind(file->handle, name.address, name.port));
}

static int netListen(void *, int fd, int backlog) {
  Call call;
  SOCKET_OF(fd);
  return (int)answer(socketListen(file->handle, backlog < 0 ? 0 : backlog));
}

static int netAccept(void *, int fd, sockaddr *address, socklen_t *length) {
  Call call;
  SOCKET_OF(fd);
  const uint32_t memory = messageMemory();
  const int32_t handle = blocking(patience(file, 0, false), [&] { return socketAccept(file->handle, memory); });
  if (handle < 0) return (int)answer(handle);
  const Name name = read<Name>(memory);
  nameTo(address, length, name.address, name.port);
  return (int)answer(fileMake(Kind::Stream, handle));
}

static int netConnect(void *, int fd, const sockaddr *address, socklen_t length) {
  Call call;
  SOCKET_OF(fd);
  if (address && length >= (socklen_t)sizeof(sa_family_t) && address->sa_family == AF_UNSPEC) {
    return (int)answer(socketDisconnect(file->handle));
  }
  Name name;
  const int32_t given = nameGiven(address, length, &name);
  if (given < 0) return (int)answer(given);
  const int32_t begun = socketConnect(file->handle, name.address, name.port);
  const uint64_t deadline = patience(file, 0, true);
  if (begun != -EINPROGRESS || deadline == 0) return (int)answer(begun);
  const int32_t known = blocking(deadline, [&] { return socketEvents(file->handle) & ~POLLIN ? 0 : -EAGAIN; });
  return (int)answer(known < 0 ? -EINPROGRESS : socketError(file->handle));
}

/** TCP_INQ: how much there is still to read, or 1 when that is the end of the stream. */
static void queueTo(const File *file, msghdr *message) {
  if (!file->tellsQueue || message->msg_controllen < CMSG_SPACE(sizeof(int32_t))) {
    message->msg_controllen = 0;
    return;
  }
  int32_t waiting = linuxAvailable(file->handle);
  if (waiting == 0 && (socketEvents(file->handle) & POLLIN)) waiting = 1;
  cmsghdr *head = CMSG_FIRSTHDR(message);
  head->cmsg_level = IPPROTO_TCP;
  head->cmsg_type = TCP_CM_INQ;
  head->cmsg_len = CMSG_LEN(sizeof waiting);
  memcpy(CMSG_DATA(head), &waiting, sizeof waiting);
  message->msg_controllen = CMSG_SPACE(sizeof waiting);
}

static ssize_t netRecvmsg(void *, int fd, msghdr *message, int flags) {
  Call call;
  SOCKET_OF(fd);
  if (!message) return answer(-EFAULT);
  Message about = {};
  const ssize_t got = receive(file, message->msg_iov, message->msg_iovlen, flags, &about);
  if (got < 0) return answer(got);
  if (file->kind != Kind::Stream) nameTo((sockaddr *)message->msg_name, &message->msg_namelen, about.address, about.port);
  else message->msg_namelen = 0;
  queueTo(file, message);
  message->msg_flags = file->kind == Kind::Stream ? 0 : (int)about.flags & MSG_TRUNC;
  return got;
}

static ssize_t netReadv(void *data, int fd, const iovec *parts, int count) {
  if (count < 0) return answer(-EINVAL);
  msghdr message = {};
  message.msg_iov = (iovec *)parts;
  message.msg_iovlen = (size_t)count;
  return netRecvmsg(data, fd, &message, 0);
}

static ssize_t netRecvfrom(void *data, int fd, void *to, size_t room, int flags, sockaddr *address, socklen_t *length) {
  iovec part = { to, room };
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = address;
  message.msg_namelen = address && length ? *length : 0;
  const ssize_t got = netRecvmsg(data, fd, &message, flags);
  if (got >= 0 && address && length) *length = message.msg_namelen;
  return got;
}

static ssize_t netRecv(void *data, int fd, void *to, size_t room, int flags) {
  return netRecvfrom(data, fd, to, room, flags, nullptr, nullptr);
}

static ssize_t netRead(void *data, int fd, void *to, size_t room) { return netRecv(data, fd, to, room, 0); }

static ssize_t netSendmsg(void *, int fd, const msghdr *message, int flags) {
  Call call;
  SOCKET_OF(fd);
  if (!message) return answer(-EFAULT);
  Name name;
  const bool named = message->msg_name && file->kind != Kind::Stream; // a stream's peer is known
  const int32_t given = named ? nameGiven((const sockaddr *)message->msg_name, message->msg_namelen, &name) : 0;
  if (given < 0) return answer(given);
  return answer(transmit(file, message->msg_iov, message->msg_iovlen, flags, named ? &name : nullptr));
}

static ssize_t netWritev(void *data, int fd, const iovec *parts, int count) {
  if (count < 0) return answer(-EINVAL);
  msghdr message = {};
  message.msg_iov = (iovec *)parts;
  message.msg_iovlen = (size_t)count;
  return netSendmsg(data, fd, &message, 0);
}

static ssize_t netSendto(void *data, int fd, const void *from, size_t bytes, int flags, const sockaddr *address, socklen_t length) {
  iovec part = { (void *)from, bytes };
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = (void *)address;
  message.msg_namelen = length;
  return netSendmsg(data, fd, &message, flags);
}

static ssize_t netSend(void *data, int fd, const void *from, size_t bytes, int flags) {
  return netSendto(data, fd, from, bytes, flags, nullptr, 0);
}

static ssize_t netWrite(void *data, int fd, const void *from, size_t bytes) { return netSend(data, fd, from, bytes, 0); }

static int netFcntl(void *, int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const int value = command == F_SETFL || command == F_SETFD ? va_arg(rest, int) : 0;
  va_end(rest);
  Call call;
  FILE_OF(fd);
  return (int)answer(descriptorControl(file, command, value));
}

static int netIoctl(void *, int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  int *value = va_arg(rest, int *);
  va_end(rest);
  Call call;
  SOCKET_OF(fd);
  return (int)answer(control(file, request, value));
}

static int netClose(void *, int fd) {
  Call call;
  return (int)answer(fileEnd(fd));
}

static int netShutdown(void *, int fd, int how) {
  Call call;
  SOCKET_OF(fd);
  return (int)answer(socketShutdown(file->handle, how));
}

static int netGetsockopt(void *, int fd, int level, int name, void *value, socklen_t *length) {
  Call call;
  SOCKET_OF(fd);
  return (int)answer(optionGet(file, level, name, value, length));
}

static int netSetsockopt(void *, int fd, int level, int name, const void *value, socklen_t length) {
  Call call;
  SOCKET_OF(fd);
  return (int)answer(optionSet(file, level, name, value, length));
}

/** poll(2)'s and epoll_wait(2)'s time: milliseconds, negative for no limit. */
static uint64_t until(int milliseconds) {
  return milliseconds < 0 ? NEVER : milliseconds == 0 ? 0 : now() + milliseconds * 1000ull;
}

static int pollOnce(pollfd *entries, nfds_t count) {
  int found = 0;
  for (nfds_t i = 0; i < count; i++) {
    const File *file = fileOf(entries[i].fd);
    entries[i].revents = 0;
    if (entries[i].fd < 0) continue;
    if (!isSocket(file)) entries[i].revents = POLLNVAL;
    else entries[i].revents = (short)(socketEvents(file->handle) & (entries[i].events | POLLERR | POLLHUP));
    if (entries[i].revents) found++;
  }
  return found;
}

static int netPoll(void *, pollfd *entries, nfds_t count, int milliseconds) {
  Call call;
  if (!entries && count > 0) return (int)answer(-EFAULT);
  const int32_t found = blocking(until(milliseconds), [&]() -> int32_t {
    const int ready = pollOnce(entries, count);
    return ready > 0 ? ready : -EAGAIN;
  });
  return found < 0 ? 0 : found;
}

static int netEpollCreate(void *, int size) {
  Call call;
  return (int)answer(size <= 0 ? -EINVAL : fileMake(Kind::PollSet, pollSetCreate()));
}

/** PollFlag of kernel/net/socket/poll.ts: Edge 1, OneShot 2. */
static uint32_t pollFlags(uint32_t events) { return ((events & EPOLLET) ? 1 : 0) | ((events & EPOLLONESHOT) ? 2 : 0); }

static int32_t watchSet(int set, const File *sets, int operation, int fd, const File *socket, const epoll_event *event) {
  const bool adds = operation == EPOLL_CTL_ADD;
  int place = watchFind(set, fd);
  if (adds && place >= 0) return -EEXIST;
  if (!adds && place < 0) return -ENOENT;
  if (operation == EPOLL_CTL_DEL) {
    watches[place] = {};
    return pollSetRemove(sets->handle, socket->handle);
  }
  if (!event) return -EFAULT;
  if (adds && (place = watchFind(0, 0)) < 0) return -ENOSPC;
  const uint32_t events = event->events & ~(EPOLLET | EPOLLONESHOT), flags = pollFlags(event->events);
  const int32_t result = adds ? pollSetAdd(sets->handle, socket->handle, events, flags, place)
    : pollSetModify(sets->handle, socket->handle, events, flags, place);
  if (result >= 0) watches[place] = { set, fd, event->data };
  return result;
}

static int netEpollCtl(void *, int set, int operation, int fd, epoll_event *event) {
  Call call;
  const File *sets = fileOf(set), *file = fileOf(fd);
  if (!sets || !file) return (int)answer(-EBADF);
  if (isSocket(sets) || set == fd || operation < EPOLL_CTL_ADD || operation > EPOLL_CTL_MOD) return (int)answer(-EINVAL);
  if (!isSocket(file)) return (int)answer(-EPERM);
  return (int)answer(watchSet(set, sets, operation, fd, file, event));
}

static int netEpollWait(void *, int set, epoll_event *events, int room, int milliseconds) {
  Call call;
  FILE_OF(set);
  if (isSocket(file) || room <= 0) return (int)answer(-EINVAL);
  struct Ready { uint32_t handle, events, data; };
  const uint32_t memory = exchangeMemory(), most = EXCHANGE / sizeof(Ready);
  const int32_t taken = blocking(until(milliseconds), [&]() -> int32_t {
    const int32_t ready = pollSetTake(file->handle, memory, (uint32_t)room < most ? room : most);
    return ready != 0 ? ready : -EAGAIN;
  });
  if (taken == -EAGAIN) return 0;
  for (int32_t i = 0; i < taken; i++) {
    const Ready ready = read<Ready>(memory + i * sizeof(Ready));
    events[i].events = ready.events;
    events[i].data = watches[ready.data].data;
  }
  return (int)answer(taken);
}

static int netdevSend(void *, const void *packet, size_t length) {
  Call call;
  if (length > EXCHANGE) return (int)answer(-EMSGSIZE);
  const uint32_t memory = exchangeMemory();
  memcpy(memoryAt(memory), packet, length);
  return (int)answer(linkSend(memory, length));
}

static int netdevReceive(void *, void *packet, size_t *length, long long *microseconds) {
  Locked locked;
  bool taken = false;
  pass(now() + LONGEST_SILENCE, [&] { return taken || (taken = linkTake()); });
  const size_t room = *length;
  *length = taken ? linkLength() : 0;
  if (*length > room) return (int)answer(-EMSGSIZE);
  if (!taken) return 0;
  memcpy(packet, memoryAt(linkPacket()), *length);
  *microseconds = (long long)read<uint64_t>(linkTime());
  return 0;
}

static int netUsleep(void *, useconds_t microseconds) {
  Locked locked;
  pass(now() + microseconds, [] { return false; });
  return 0;
}

/** A microsecond passes: packetdrill calls this until it is time. */
static int netGettimeofday(void *, timeval *time, struct timezone *) {
  Locked locked;
  if (!moving && !settling) pass(now() + 1, [] { return false; });
  *time = { (time_t)(now() / 1000000), (suseconds_t)(now() % 1000000) };
  return 0;
}

static int netPipe(void *, int *) { return (int)answer(-ENOSYS); }
static int netSplice(void *, int, loff_t *, int, loff_t *, size_t, unsigned) { return (int)answer(-ENOSYS); }
static void netFree(void *) {}

static uint32_t upTo16(uint32_t address) { return (address + 15) & ~15u; }

static void begin(const char *flags) {
  if (porphyry_kernel) porphyry_fault("one stack a process: packetdrill_interface_init was called twice");
  programLoad();
  const char *given = flags && *flags ? flags : ADDRESS, *more = strchr(given, ';');
  const size_t length = more ? (size_t)(more - given) : strlen(given);
  unsigned seed = 1;
  if (more && sscanf(more, ";seed=%u", &seed) != 1) porphyry_fault("the flags are ADDRESS[;seed=N]");
  const uint32_t text = exchangeMemory();
  if (length >= EXCHANGE) porphyry_fault("the address is too long");
  memcpy(memoryAt(text), given, length);
  if (stackBegin(upTo16(porphyry_end), KERNEL_BASE + KERNEL_SIZE, seed, text) != 0) porphyry_fault("not an address of an interface");
}

extern "C" PUBLIC void packetdrill_interface_init(const char *flags, packetdrill_interface *interface) {
  Locked locked;
  begin(flags);
  *interface = {
    nullptr, netFree, netSocket, netBind, netListen, netAccept, netConnect, netRead, netReadv, netRecv, netRecvfrom, netRecvmsg,
    netWrite, netWritev, netSend, netSendto, netSendmsg, netFcntl, netIoctl, netClose, netShutdown, netGetsockopt,
    netSetsockopt, netPoll, netdevSend, netdevReceive, netUsleep, netGettimeofday, netEpollCreate, netEpollCtl, netEpollWait,
    netPipe, netSplice,
  };
}

// packetdrill asks for TCP_INFO, and closes in the end what a script left open, past its interface, by the C library. With
// the library preloaded as well (LD_PRELOAD) these calls come here; those about descriptors that are not ours go on to the system.

extern "C" PUBLIC int getsockopt(int fd, int level, int name, void *value, socklen_t *length) noexcept {
  if (fd >= FIRST_FILE) return netGetsockopt(nullptr, fd, level, name, value, length);
  return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
}

extern "C" PUBLIC int close(int fd) {
  return fd >= FIRST_FILE ? netClose(nullptr, fd) : (int)syscall(SYS_close, fd);
}
