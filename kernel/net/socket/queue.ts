// What has arrived at a socket and was not read yet: a list of the packets themselves, in the buffers the card filled.
// Nothing is copied until somebody reads. Main-loop context.
//
// Bounds: the socket's own limit in bytes of data, where the oldest goes when the newest does not fit; and, for all sockets
// together, one SOCKET_PACKET_SHARE-th of the packet pool, so that programs that do not read can not keep cards from
// receiving; nor do they take the last free packets, whoever has the others. Of that share no socket may hold more than is
// left of it (Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998): one alone gets
// half, and there is always room for another.

import { SOCKET_PACKET_SHARE, SOCKET_RECEIVE_RESERVE } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'
import { packetFree, packetsFree, packetsTotal, type Packet } from '../../drivers/net/packet.ts'
import { chainCount, chainLength } from '../chain.ts'
import { Drop, countDrop, drop } from '../stats.ts'
import { SocketEvent, type Socket } from './socket.ts'
import { socketIsWatched, socketWake } from './wake.ts'

let held: u32 = 0

/** Nothing is held. */
export function socketQueueInit(): void {
  held = 0
}

/** Packets that wait in sockets. */
export function socketPacketsHeld(): u32 {
  return held
}

/** So many more wait, in a queue that is not this file's; less as 0 - n. */
export function socketPacketsChange(by: u32): void {
  held += by
}

/** Packets that a queue may still take: what is left of the share of all, if there are so many above the reserve. */
export function socketPacketsLeft(): u32 {
  const left: u32 = above(packetsTotal() / SOCKET_PACKET_SHARE, held)
  const free: u32 = above(packetsFree(), packetsTotal() / SOCKET_RECEIVE_RESERVE)
  return left < free ? left : free
}

function above(count: u32, least: u32): u32 {
  return count > least ? count - least : 0
}

/** Queue a datagram, its data at `head`; the packet is the callee's. What was dropped for it is counted. */
export function socketQueue(socket: Socket, packet: Packet): void {
  if (socket.shutReceive) return refuse(socket, packet, Drop.SocketShut)
  const bytes: u32 = chainLength(packet)
  if (bytes > socket.receiveLimit) return refuse(socket, packet, Drop.SocketFull)
  while (socket.receiveFirst != null && socket.receiveBytes + bytes > socket.receiveLimit) {
    dropOldest(socket, Drop.SocketFull)
  }
  const buffers: u32 = chainCount(packet)
  while (socket.receiveFirst != null && socket.receiveBuffers + buffers > socketPacketsLeft()) {
    dropOldest(socket, Drop.SocketShare)
  }
  if (buffers > socketPacketsLeft()) return refuse(socket, packet, Drop.SocketShare)

  packet.owner = nowMilliseconds()
  socket.activity = packet.owner
  packet.next = null
  const last = socket.receiveLast
  if (last == null) socket.receiveFirst = packet
  else last.next = packet
  socket.receiveLast = packet
  socket.receiveBytes += bytes
  socket.receiveBuffers += buffers
  held += buffers
  if (socketIsWatched(socket)) socketWake(socket, SocketEvent.In)
}

function refuse(socket: Socket, packet: Packet, why: Drop): void {
  increase64(socket.statistics.dropped, 1)
  drop(packet, why)
}

function dropOldest(socket: Socket, why: Drop): void {
  const oldest = socketUnqueue(socket)
  if (oldest == null) return
  increase64(socket.statistics.dropped, 1)
  countDrop(why)
  packetFree(oldest)
}

/** Take the oldest packet from the queue; null when it is empty. The packet is the caller's. */
export function socketUnqueue(socket: Socket): Packet | null {
  const packet = socket.receiveFirst
  if (packet == null) return null
  const buffers: u32 = chainCount(packet)
  socket.receiveFirst = packet.next
  if (packet.next == null) socket.receiveLast = null
  packet.next = null
  socket.receiveBytes -= chainLength(packet)
  socket.receiveBuffers -= buffers
  held -= buffers
  return packet
}

/** Give up everything that waits. */
export function socketQueueClear(socket: Socket): void {
  while (socket.receiveFirst != null) dropOldest(socket, Drop.SocketShut)
}
