// The groups a socket is in. RFC 1112 §7.1, RFC 3376 §3.1 (sources to include; a socket that names none hears all).
//
// The interface's own membership, and what IGMP says of it, is net/igmp/: it counts users, one for each entry here.
// Main-loop context.

import { SOCKET_GROUPS, SOCKET_GROUP_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { address, at, sizeof, staticStruct, type i32, type u32 } from '../../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { multicastJoin, multicastLeave } from '../igmp/join.ts'
import { interfaceAt, type NetInterface } from '../interface.ts'
import { ADDRESS_ALL_HOSTS, isMulticast, type Ipv4Address } from '../ipv4/address.ts'
import { pathFind } from '../ipv4/route.ts'
import { SocketGroup, type Socket } from './socket.ts'

const pool = staticStruct<Pool>()

/** No memberships. */
export function groupsInit(): void {
  poolInit(pool, 'groups', sizeof<SocketGroup>(), SOCKET_GROUPS)
}

/** Whether a socket wants a group's datagram from `source`: a member's, or, with multicastAll, any that reached the host. */
export function groupWanted(socket: Socket, ingress: NetInterface, group: Ipv4Address, source: Ipv4Address): boolean {
  let member = false
  let each = socket.groups
  while (each != null) {
    if (each.group == group && each.netif == ingress) {
      if (each.source == 0 || each.source == source) return true
      member = true // of this group, but from others
    }
    each = each.next
  }
  return !member && (socket.multicastAll || group == ADDRESS_ALL_HOSTS)
}

function find(socket: Socket, group: Ipv4Address, netif: NetInterface, source: Ipv4Address): SocketGroup | null {
  let each = socket.groups
  while (each != null) {
    if (each.group == group && each.netif == netif && each.source == source) return each
    each = each.next
  }
  return null
}

/** The interface that is meant: `choice` is 1 + its index, or 0 for the one that routes to the group leave by. */
function interfaceFor(group: Ipv4Address, choice: u32): NetInterface | null {
  if (choice != 0) return interfaceAt(choice - 1)
  const path = pathFind(group)
  return path != null ? path.egress : null
}

/**
 * Become a member. Errors: InvalidArgument (no group), NoSuchDevice (no such interface), AddressInUse (is already),
 * NoBufferSpace (SOCKET_GROUP_LIMIT, SOCKET_GROUPS), and those of multicastJoin.
 */
export function groupJoin(socket: Socket, group: Ipv4Address, choice: u32, source: Ipv4Address): i32 {
  if (!isMulticast(group)) return Errno.InvalidArgument
  const netif = interfaceFor(group, choice)
  if (netif == null) return Errno.NoSuchDevice
  if (find(socket, group, netif, source) != null) return Errno.AddressInUse
  if (socket.groupCount >= SOCKET_GROUP_LIMIT) return Errno.NoBufferSpace
  const memory = poolAllocate(pool)
  if (memory == 0) return Errno.NoBufferSpace
  const joined: i32 = multicastJoin(netif, group, source)
  if (joined != Errno.None) {
    poolFree(pool, memory)
    return joined
  }
  const entry = at<SocketGroup>(memory)
  entry.group = group
  entry.source = source
  entry.netif = netif
  entry.next = socket.groups
  socket.groups = entry
  socket.groupCount += 1
  return Errno.None
}

/** End a membership. Errors: InvalidArgument (no group), AddressNotAvailable (is no member). */
export function groupLeave(socket: Socket, group: Ipv4Address, choice: u32, source: Ipv4Address): i32 {
  if (!isMulticast(group)) return Errno.InvalidArgument
  const netif = interfaceFor(group, choice)
  if (netif == null) return Errno.AddressNotAvailable
  const entry = find(socket, group, netif, source)
  if (entry == null) return Errno.AddressNotAvailable
  unlink(socket, entry)
  return Errno.None
}

/** End all memberships of a socket. */
export function groupLeaveAll(socket: Socket): void {
  while (socket.groups != null) unlink(socket, socket.groups)
}

function unlink(socket: Socket, entry: SocketGroup): void {
  if (socket.groups == entry) socket.groups = entry.next
  else {
    let before: SocketGroup | null = socket.groups
    while (before != null && before.next != entry) before = before.next
    if (before != null) before.next = entry.next
  }
  socket.groupCount -= 1
  multicastLeave(entry.netif, entry.group, entry.source)
  poolFree(pool, address(entry))
}
