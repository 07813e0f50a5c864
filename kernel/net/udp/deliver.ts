// A checked UDP datagram to its sockets: one for an address of ours, all that want it for a broadcast or a group.
// RFC 1122 §4.1.3, §3.3.6; who of several sockets is meant: udp/table.ts. Main-loop context only.
//
// A group's datagram is queued at several sockets as several packets: all but the last get copies. One socket, the
// usual case, gets the packet itself.
//
// Next: socketQueue (socket/queue.ts).

import type { u32 } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import { chainClone } from '../socket/clone.ts'
import { interfaceIsBroadcast, type NetInterface } from '../interface.ts'
import { ADDRESS_BROADCAST, isMulticast, type Ipv4Address } from '../ipv4/address.ts'
import { groupWanted } from '../socket/groups.ts'
import { socketQueue } from '../socket/queue.ts'
import { BindRules, isConnected, type Socket } from '../socket/socket.ts'
import { Drop, countDrop } from '../stats.ts'
import { udpSocketFor, udpSocketsWith } from './table.ts'

/**
 * Queue a datagram, its data at `head`, at the sockets it is for: the packet is theirs then. False when there are
 * none: it stays the caller's.
 */
export function udpDeliver(
  ingress: NetInterface, packet: Packet, local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
): boolean {
  if (local != ingress.first.address && isGroup(ingress, local)) {
    return deliverToGroup(ingress, packet, local, localPort, remote, remotePort)
  }
  const socket = udpSocketFor(local, localPort, remote, remotePort)
  if (socket == null) return false
  socketQueue(socket, packet)
  return true
}

function isGroup(ingress: NetInterface, a: Ipv4Address): boolean {
  return isMulticast(a) || a == ADDRESS_BROADCAST || interfaceIsBroadcast(ingress, a)
}

/** Every socket on the port that wants it. Each is given its packet when the next one is found: the last gets the original. */
function deliverToGroup(
  ingress: NetInterface, packet: Packet, group: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
): boolean {
  let wanting: Socket | null = null
  let each: Socket | null = udpSocketsWith(localPort)
  while (each != null) {
    if (each.localPort == localPort && wants(each, ingress, group, remote, remotePort)) {
      if (wanting != null) queueCopy(wanting, packet)
      wanting = each
    }
    each = each.portNext
  }
  if (wanting == null) wanting = lastResort(ingress, group, localPort, remote, remotePort)
  if (wanting == null) return false
  socketQueue(wanting, packet)
  return true
}

function queueCopy(socket: Socket, packet: Packet): void {
  const copy = chainClone(packet)
  if (copy == null) return countDrop(Drop.SocketCopy)
  socketQueue(socket, copy)
}

/** Bound to the group or to any address, connected to nobody else, and a member where it has to be. */
function wants(socket: Socket, ingress: NetInterface, group: Ipv4Address, remote: Ipv4Address, remotePort: u32): boolean {
  const bound: Ipv4Address = socket.boundAddress
  if (bound != 0 && bound != group) return false
  return hears(socket, remote, remotePort) && (!isMulticast(group) || groupWanted(socket, ingress, group, remote))
}

function hears(socket: Socket, remote: Ipv4Address, remotePort: u32): boolean {
  if (!isConnected(socket)) return true
  return socket.remoteAddress == remote && socket.remotePort == remotePort
}

/**
 * RustOS's last choice, for sockets bound by its rules: to an address of ours, and permitted to broadcast or in the
 * group. Linux gives such sockets nothing.
 */
function lastResort(
  ingress: NetInterface, group: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
): Socket | null {
  let each: Socket | null = udpSocketsWith(localPort)
  while (each != null) {
    if (each.rules == BindRules.RustOs && each.localPort == localPort && hears(each, remote, remotePort)) {
      if (group == ADDRESS_BROADCAST && each.broadcast) return each
      if (isMulticast(group) && each.groups != null && groupWanted(each, ingress, group, remote)) return each
    }
    each = each.portNext
  }
  return null
}
