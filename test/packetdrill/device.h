// What a script did to tun0, the device that stands for the stack's link in the namespace: ethtool's gso off, after which a card
// cuts nothing, and a queue of no packets (tc's pfifo limit 0), after which it takes nothing. Asked anew at every call.

#pragma once
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "program.h"

static const char *const DEVICE = "tun0";

/** Whether segments of more than a frame may be handed to the device; without one, they may. */
static bool deviceCuts(int socket) {
  ethtool_value value = { ETHTOOL_GGSO, 1 };
  ifreq request = {};
  strcpy(request.ifr_name, DEVICE);
  request.ifr_data = (char *)&value;
  return ioctl(socket, SIOCETHTOOL, &request) < 0 || value.data != 0;
}

static bool isFull(const nlmsghdr *head, int device) {
  const tcmsg *queue = (const tcmsg *)NLMSG_DATA(head);
  if (head->nlmsg_type != RTM_NEWQDISC || queue->tcm_ifindex != device) return false;
  bool fifo = false, empty = false;
  int length = (int)TCA_PAYLOAD(head);
  for (const rtattr *each = TCA_RTA(queue); RTA_OK(each, length); each = RTA_NEXT(each, length)) {
    if (each->rta_type == TCA_KIND) fifo = strcmp((const char *)RTA_DATA(each), "pfifo") == 0;
    if (each->rta_type == TCA_OPTIONS && RTA_PAYLOAD(each) >= 4) empty = *(const uint32_t *)RTA_DATA(each) == 0;
  }
  return fifo && empty;
}

/** Whether the device's queue holds nothing. */
static bool deviceFull(int device) {
  const int link = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (link < 0) return false;
  struct { nlmsghdr head; tcmsg queue; } ask = {};
  ask.head = { sizeof ask, RTM_GETQDISC, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 };
  bool full = false, more = send(link, &ask, sizeof ask, 0) == (ssize_t)sizeof ask;
  while (more) {
    alignas(nlmsghdr) char answer[8192];
    int length = (int)recv(link, answer, sizeof answer, 0);
    more = length > 0;
    for (const nlmsghdr *head = (const nlmsghdr *)answer; NLMSG_OK(head, (unsigned)length); head = NLMSG_NEXT(head, length)) {
      if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR) more = false;
      else if (isFull(head, device)) full = true;
    }
  }
  ::close(link);
  return full;
}

/** Tell the stack's card. Without the device it is as it was made. */
static void deviceTake() {
  const int device = (int)if_nametoindex(DEVICE);
  if (device == 0) return;
  const int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (plain < 0) return;
  linkCuts(deviceCuts(plain));
  ::close(plain);
  linkFull(deviceFull(device));
}
