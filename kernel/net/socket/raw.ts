// Raw sockets: IPv4 packets of one protocol, header and all, as they come; payloads or whole packets out. raw(7).
// Main-loop context only.
//
// What is delivered is a copy: the packet goes its usual way as if nobody had looked. A machine without raw sockets pays
// one comparison a packet.
//
// Next: ipv4OutputWith, ipv4OutputPrepared (ipv4/output.ts).

import { Errno } from '../../lib/errno.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import { at, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { packetLength, type Packet } from '../../drivers/net/packet.ts'
import type { NetInterface } from '../interface.ts'
import { isMulticast, type Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol, Ipv4Header, LONGEST_PACKET } from '../ipv4/header.ts'
import { ipv4OutputPrepared, ipv4OutputWith } from '../ipv4/output.ts'
import { PathKind, type Path } from '../ipv4/route.ts'
import { Drop, countDrop, drop } from '../stats.ts'
import { addressMayBind, leaksLoopback, pathFor, sendingFor, sourceOf } from '../udp/socket.ts'
import { messageBuffers, messageBuild } from './build.ts'
import { chainClone } from './clone.ts'
import { groupWanted } from './groups.ts'
import { socketQueue } from './queue.ts'
import { SocketState, type Socket } from './socket.ts'
import { socketMaySend } from './wake.ts'

/** IPPROTO_RAW: only sends, and always whole packets. */
export const PROTOCOL_RAW: u32 = 255

let first: Socket | null = null

/** No raw sockets. */
export function rawInit(): void {
  first = null
}

/** A new raw socket hears its protocol at once. */
export function rawOpen(socket: Socket): void {
  socket.hashNext = first
  first = socket
}

/** It hears nothing more. */
export function rawClose(socket: Socket): void {
  if (first == socket) {
    first = socket.hashNext
    return
  }
  let before: Socket | null = first
  while (before != null && before.hashNext != socket) before = before.hashNext
  if (before != null) before.hashNext = socket.hashNext
}

/** The first raw socket; follow `hashNext`. */
export function rawFirst(): Socket | null {
  return first
}

/**
 * Give copies of a packet, `head` after its IPv4 header at `networkHeader`, to the raw sockets of its protocol. The
 * packet stays the caller's. True when there was one: then its protocol is known here (no ICMP 3/2).
 */
export function rawDeliver(ingress: NetInterface, packet: Packet): boolean {
  let each: Socket | null = first
  if (each == null) return false
  const ip = at<Ipv4Header>(packet.networkHeader)
  const after: ptr = packet.head
  let heard = false
  packet.head = packet.networkHeader
  while (each != null) {
    if (each.protocol == ip.protocol && wants(each, ingress, ip)) {
      heard = true
      const copy = chainClone(packet)
      if (copy != null) socketQueue(each, copy)
      else countDrop(Drop.SocketCopy)
    }
    each = each.hashNext
  }
  packet.head = after
  return heard
}

function wants(socket: Socket, ingress: NetInterface, ip: Ipv4Header): boolean {
  if (socket.localAddress != 0 && socket.localAddress != ip.destination) return false
  if (socket.remoteAddress != 0 && socket.remoteAddress != ip.source) return false
  return !isMulticast(ip.destination) || groupWanted(socket, ingress, ip.destination, ip.source)
}

/** Hear only what is sent to an address. Errors: AddressNotAvailable, InvalidArgument (connected). */
export function rawBind(socket: Socket, a: Ipv4Address): i32 {
  if (socket.state != SocketState.Closed) return Errno.InvalidArgument
  if (!addressMayBind(a)) return Errno.AddressNotAvailable
  socket.boundAddress = a
  socket.localAddress = a
  return Errno.None
}

/** Hear only one peer, and send to it. Errors: NetworkUnreachable, AccessDenied. */
export function rawConnect(socket: Socket, a: Ipv4Address): i32 {
  const path = pathFor(socket, a)
  if (path == null) return Errno.NetworkUnreachable
  if (path.kind == PathKind.Broadcast && !socket.broadcast) return Errno.AccessDenied
  if (socket.boundAddress == 0) socket.localAddress = path.source
  socket.remoteAddress = a
  socket.state = SocketState.Connected
  return Errno.None
}

/** Hear everybody again. Errors: NotConnected. */
export function rawDisconnect(socket: Socket): i32 {
  if (socket.state != SocketState.Connected) return Errno.NotConnected
  socket.state = SocketState.Closed
  socket.remoteAddress = 0
  socket.localAddress = socket.boundAddress
  return Errno.None
}

/**
 * Send a payload, or with headerIncluded a whole packet: its length, or an error. Errors: MessageTooLong,
 * InvalidArgument (a header that is none, or from 127.0.0.0/8 to elsewhere), NetworkUnreachable, AccessDenied,
 * WouldBlock, and those of the output.
 */
export function rawSend(socket: Socket, data: ptr, length: u32, to: Ipv4Address): i32 {
  const whole: boolean = socket.headerIncluded || socket.protocol == PROTOCOL_RAW
  const most: u32 = whole ? LONGEST_PACKET : LONGEST_PACKET - sizeof<Ipv4Header>()
  if (length > most || length > socket.sendLimit) return Errno.MessageTooLong
  const path = pathFor(socket, to)
  if (path == null) return Errno.NetworkUnreachable
  if (leaksLoopback(socket, path)) return Errno.InvalidArgument
  if (path.kind == PathKind.Broadcast && !socket.broadcast) return Errno.AccessDenied
  if (!socketMaySend(socket, messageBuffers(length, path.mtu))) return Errno.WouldBlock
  const packet = messageBuild(data, length, 0, path.mtu)
  if (packet == null) return Errno.WouldBlock
  const result: i32 = whole ? sendWhole(socket, path, packet)
    : ipv4OutputWith(path, packet, sourceOf(socket, path), to, socket.protocol as number as IpProtocol, sendingFor(socket, path))
  if (result != Errno.None) return result
  increase64(socket.statistics.bytesSent, length)
  increase64(socket.statistics.packetsSent, 1)
  return length as number as i32
}

/** IP_HDRINCL: a source of 0 is filled in, and where it is sent to is where the caller said. */
function sendWhole(socket: Socket, path: Path, packet: Packet): i32 {
  if (packetLength(packet) < sizeof<Ipv4Header>()) {
    drop(packet, Drop.OutputHeader)
    return Errno.InvalidArgument
  }
  const ip = at<Ipv4Header>(packet.head)
  if (ip.source == 0) ip.source = sourceOf(socket, path)
  return ipv4OutputPrepared(path, packet)
}
