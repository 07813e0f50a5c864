// packetdrill's interface to a stack in a shared object: the library fills this struct in, and packetdrill calls the
// stack by it instead of the system. Names, order and types are packetdrill's; the rest is in its documentation.

#pragma once
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct packetdrill_interface {
  void *userdata; // the first argument of each call
  void (*free)(void *);
  int (*socket)(void *, int domain, int type, int protocol);
  int (*bind)(void *, int fd, const struct sockaddr *, socklen_t);
  int (*listen)(void *, int fd, int backlog);
  int (*accept)(void *, int fd, struct sockaddr *, socklen_t *);
  int (*connect)(void *, int fd, const struct sockaddr *, socklen_t);
  ssize_t (*read)(void *, int fd, void *, size_t);
  ssize_t (*readv)(void *, int fd, const struct iovec *, int count);
  ssize_t (*recv)(void *, int fd, void *, size_t, int flags);
  ssize_t (*recvfrom)(void *, int fd, void *, size_t, int flags, struct sockaddr *, socklen_t *);
  ssize_t (*recvmsg)(void *, int fd, struct msghdr *, int flags);
  ssize_t (*write)(void *, int fd, const void *, size_t);
  ssize_t (*writev)(void *, int fd, const struct iovec *, int count);
  ssize_t (*send)(void *, int fd, const void *, size_t, int flags);
  ssize_t (*sendto)(void *, int fd, const void *, size_t, int flags, const struct sockaddr *, socklen_t);
  ssize_t (*sendmsg)(void *, int fd, const struct msghdr *, int flags);
  int (*fcntl)(void *, int fd, int command, ...);
  int (*ioctl)(void *, int fd, unsigned long request, ...);
  int (*close)(void *, int fd);
  int (*shutdown)(void *, int fd, int how);
  int (*getsockopt)(void *, int fd, int level, int name, void *, socklen_t *);
  int (*setsockopt)(void *, int fd, int level, int name, const void *, socklen_t);
  int (*poll)(void *, struct pollfd *, nfds_t, int milliseconds);
  int (*netdev_send)(void *, const void *packet, size_t); // to the stack, from its IP header on
  int (*netdev_receive)(void *, void *packet, size_t *, long long *microseconds); // from the stack; 0 bytes: nothing came
  int (*usleep)(void *, useconds_t);
  int (*gettimeofday)(void *, struct timeval *, struct timezone *);
  int (*epoll_create)(void *, int size);
  int (*epoll_ctl)(void *, int set, int operation, int fd, struct epoll_event *);
  int (*epoll_wait)(void *, int set, struct epoll_event *, int room, int milliseconds);
  int (*pipe)(void *, int ends[2]);
  int (*splice)(void *, int from, loff_t *, int to, loff_t *, size_t, unsigned flags);
};

typedef void packetdrill_interface_init_function(const char *flags, struct packetdrill_interface *);
packetdrill_interface_init_function packetdrill_interface_init;

#ifdef __cplusplus
}
#endif
