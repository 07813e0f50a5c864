// The Ethernet groups an interface listens to. RFC 1112 §6.4, IEEE 802.3 §3.2.3. Found by a hash; a full list is an
// error the caller sees. The card is told of every change. Main-loop context only.

import { LINK_GROUP_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import { nth, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { cardChanged } from './card.ts'
import { macCopy, macEqual } from './ethernet/header.ts'
import type { LinkGroup, NetInterface } from './interface.ts'

/** Lists that groups are found by: the size of NetInterface.groupLists, a power of two. */
const GROUP_LISTS: u32 = 16

/** Whether the interface listens to an Ethernet group. */
export function interfaceInGroup(netif: NetInterface, mac: ptr): boolean {
  return findGroup(netif, mac) != null
}

/** Which list: the last byte of IPv4 groups of one use often counts up. */
function groupList(mac: ptr): u32 {
  return (load8(mac, 5) ^ load8(mac, 4)) & (GROUP_LISTS - 1)
}

function findGroup(netif: NetInterface, mac: ptr): LinkGroup | null {
  let place: u32 = load8(netif.groupLists, groupList(mac))
  while (place != 0) {
    const group = nth(netif.groups, place - 1)
    if (macEqual(group.mac, mac)) return group
    place = group.next
  }
  return null
}

/** Listen to an Ethernet group, once more if it does already. Errors: NoSpace when the interface's list is full. */
export function interfaceJoin(netif: NetInterface, mac: ptr): i32 {
  const known = findGroup(netif, mac)
  if (known != null) {
    known.users += 1
    return Errno.None
  }
  if (netif.groupCount == LINK_GROUP_LIMIT) return Errno.NoSpace
  let place: u32 = 0
  while (nth(netif.groups, place).users != 0) place += 1
  const group = nth(netif.groups, place)
  const list: u32 = groupList(mac)
  group.users = 1
  macCopy(group.mac, mac)
  group.next = load8(netif.groupLists, list)
  store8(netif.groupLists, list, place + 1)
  netif.groupCount += 1
  cardChanged(netif.nic)
  return Errno.None
}

/** Undo one join. Errors: NoSuchEntry. */
export function interfaceLeave(netif: NetInterface, mac: ptr): i32 {
  const group = findGroup(netif, mac)
  if (group == null) return Errno.NoSuchEntry
  group.users -= 1
  if (group.users > 0) return Errno.None
  const list: u32 = groupList(mac)
  let before: LinkGroup | null = null
  let each = nth(netif.groups, load8(netif.groupLists, list) - 1)
  while (each != group) {
    before = each
    each = nth(netif.groups, each.next - 1)
  }
  if (before == null) store8(netif.groupLists, list, group.next)
  else before.next = group.next
  netif.groupCount -= 1
  cardChanged(netif.nic)
  return Errno.None
}
