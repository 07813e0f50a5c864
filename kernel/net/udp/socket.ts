// UDP sockets: bind, connect, send, receive. RFC 768, RFC 1122 §4.1, RFC 8085 §3; udp(7) where these leave it open.
// Main-loop context only. Nothing here waits; nothing is copied but from and to the caller's memory.
//
// Next: udpOutputWith (output.ts).

import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import { address, at, sizeof, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Checksum, packetPrepend, packetStrip } from '../../drivers/net/packet.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { multicastMember } from '../igmp/join.ts'
import {
  interfaceAt, interfaceFirst, interfaceIsBroadcast, interfaceOwning, type NetInterface,
} from '../interface.ts'
import { ADDRESS_BROADCAST, isLoopback, isMulticast, type Ipv4Address } from '../ipv4/address.ts'
import { Ipv4Sending } from '../ipv4/output.ts'
import { IpProtocol, Ipv4Header, VERSION_IHL_PLAIN } from '../ipv4/header.ts'
import { PathKind, pathFind, pathGroupOn, type Path } from '../ipv4/route.ts'
import { messageBuffers, messageBuild } from '../socket/build.ts'
import { BindRules, SocketState, type Socket } from '../socket/socket.ts'
import { socketCounters } from '../socket/table.ts'
import { socketMaySend } from '../socket/wake.ts'
import { UdpHeader } from './header.ts'
import { udpInput } from './input.ts'
import { udpOutputWith } from './output.ts'
import { udpFind } from './ports.ts'
import { udpBindConflict, udpEphemeralPort, udpTableAdd, udpTableRemove } from './table.ts'

/** The most data a datagram holds: 65,535 less the headers of IPv4 and UDP. */
export const UDP_LONGEST: u32 = 65_507
/** 127.0.0.1: what 0.0.0.0 as a destination means, as on Linux. RFC 1122 §3.2.1.3 lets nobody send to it. */
const LOOPBACK: Ipv4Address = 0x7f000001

const groupSending = staticStruct<Ipv4Sending>()

/** Whether sockets may be bound to an address: any, one of ours, a group, a broadcast of ours. */
export function addressMayBind(a: Ipv4Address): boolean {
  if (a == 0 || a == ADDRESS_BROADCAST || isMulticast(a) || isLoopback(a)) return true
  if (interfaceOwning(a) != null) return true
  let each = interfaceFirst()
  while (each != null && !interfaceIsBroadcast(each, a)) each = each.next
  return each != null
}

/**
 * Give a socket an address and a port, 0 for a free one. Errors: InvalidArgument (it has a port already, or the port
 * is none), AddressNotAvailable, AddressInUse (by the rules; or no port is free).
 */
export function udpSocketBind(socket: Socket, a: Ipv4Address, port: u32, rules: BindRules): i32 {
  if (socket.localPort != 0 || socket.state != SocketState.Closed || port > 0xffff) return Errno.InvalidArgument
  if (!addressMayBind(a)) return Errno.AddressNotAvailable
  let chosen: u32 = port
  if (port == 0) chosen = ephemeral()
  else if (kernelHas(port) || udpBindConflict(a, port, socket.reuseAddr, socket.reusePort, rules, socket)) {
    socketCounters.bindConflicts += 1
    return Errno.AddressInUse
  }
  if (chosen == 0) return Errno.AddressInUse
  socket.boundAddress = a
  socket.localAddress = a
  socket.localPort = chosen
  socket.portAsked = port != 0
  socket.rules = rules
  socket.activity = nowMilliseconds()
  udpTableAdd(socket)
  return Errno.None
}

/** Services and clients of the kernel's own have their ports to themselves. */
function kernelHas(port: u32): boolean {
  return udpFind(port) != null
}

function ephemeral(): u32 {
  const port = udpEphemeralPort(kernelHas)
  if (port == 0) socketCounters.portFailures += 1
  return port
}

/**
 * Name the only peer from now on; another one before is forgotten. Binds a socket that has no port. On an error the
 * socket is as it was. Errors: NetworkUnreachable, AccessDenied (a broadcast address, without permission),
 * AddressInUse (no port is free), InvalidArgument (the port is none; from 127.0.0.0/8 to elsewhere).
 */
export function udpSocketConnect(socket: Socket, a: Ipv4Address, port: u32): i32 {
  if (port > 0xffff) return Errno.InvalidArgument
  const to: Ipv4Address = a == 0 ? LOOPBACK : a
  const path = pathFor(socket, to)
  if (path == null) return Errno.NetworkUnreachable
  if (leaksLoopback(socket, path)) return Errno.InvalidArgument
  if (path.kind == PathKind.Broadcast && !socket.broadcast) return Errno.AccessDenied
  const source: Ipv4Address = path.source
  if (socket.localPort == 0) {
    const bound: i32 = udpSocketBind(socket, 0, 0, socket.rules)
    if (bound != Errno.None) return bound
  }
  udpTableRemove(socket)
  if (socket.boundAddress == 0) socket.localAddress = source
  socket.remoteAddress = to
  socket.remotePort = port
  socket.state = SocketState.Connected
  udpTableAdd(socket)
  return Errno.None
}

/** Have no peer any more; a port that bind did not name is given back, too. Errors: NotConnected. */
export function udpSocketDisconnect(socket: Socket): i32 {
  if (socket.state != SocketState.Connected) return Errno.NotConnected
  udpTableRemove(socket)
  socket.state = SocketState.Closed
  socket.remoteAddress = 0
  socket.remotePort = 0
  socket.localAddress = socket.boundAddress
  if (socket.portAsked || socket.boundAddress != 0) udpTableAdd(socket)
  else socket.localPort = 0
  return Errno.None
}

/** Take a socket off its port. */
export function udpSocketUnbind(socket: Socket): void {
  if (socket.localPort != 0) udpTableRemove(socket)
  socket.state = SocketState.Closed
  socket.localPort = 0
  socket.localAddress = 0
  socket.boundAddress = 0
  socket.remoteAddress = 0
  socket.remotePort = 0
}

/** The way to an address: to a group by the interface the socket names, if it does. */
export function pathFor(socket: Socket, to: Ipv4Address): Path | null {
  if (socket.multicastInterface != 0 && isMulticast(to)) {
    const egress = interfaceAt(socket.multicastInterface - 1)
    return egress != null && egress.up ? pathGroupOn(egress, to) : null
  }
  return pathFind(to)
}

/** Whether a socket that is bound to 127.0.0.0/8 would speak to a wire: RFC 1122 §3.2.1.3 (g) forbids it. */
export function leaksLoopback(socket: Socket, path: Path): boolean {
  return isLoopback(socket.localAddress) && path.kind != PathKind.Local
}

/** How a socket sends by a path: its own way, with the other TTL to groups. */
export function sendingFor(socket: Socket, path: Path): Ipv4Sending {
  if (path.kind != PathKind.Multicast) return socket.sending
  groupSending.dscpEcn = socket.sending.dscpEcn
  groupSending.timeToLive = socket.multicastTimeToLive
  groupSending.fragmentation = socket.sending.fragmentation
  return groupSending
}

/** The address a socket sends from: the one it is bound to, unless that is a group or a broadcast. */
export function sourceOf(socket: Socket, path: Path): Ipv4Address {
  const a: Ipv4Address = socket.localAddress
  const ours: boolean = a != 0 && a != ADDRESS_BROADCAST && !isMulticast(a)
  return ours ? a : path.source
}

/**
 * Send one datagram: its length, or an error. Binds a socket that has no port. Errors: MessageTooLong (UDP_LONGEST,
 * the send limit, or what must not be fragmented), InvalidArgument (port 0; from 127.0.0.0/8 to elsewhere),
 * NetworkUnreachable, AccessDenied (broadcast without permission), WouldBlock (no packets free), AddressInUse, and
 * those of ipv4OutputWith.
 */
export function udpSocketSend(socket: Socket, data: ptr, length: u32, a: Ipv4Address, port: u32): i32 {
  if (length > UDP_LONGEST || length > socket.sendLimit) return Errno.MessageTooLong
  if (port == 0 || port > 0xffff) return Errno.InvalidArgument
  if (socket.localPort == 0) {
    const bound: i32 = udpSocketBind(socket, 0, 0, socket.rules)
    if (bound != Errno.None) return bound
  }
  const to: Ipv4Address = a == 0 ? LOOPBACK : a
  const path = pathFor(socket, to)
  if (path == null) return Errno.NetworkUnreachable
  if (leaksLoopback(socket, path)) return Errno.InvalidArgument
  if (path.kind == PathKind.Broadcast && !socket.broadcast) return Errno.AccessDenied // RFC 1122 §4.1.3.6, socket(7)
  if (!socketMaySend(socket, messageBuffers(length, path.mtu))) return Errno.WouldBlock
  socket.activity = nowMilliseconds()
  const result: i32 = output(socket, path, data, length, to, port)
  if (result != Errno.None) return result
  increase64(socket.statistics.bytesSent, length)
  increase64(socket.statistics.packetsSent, 1)
  return length as number as i32
}

function output(socket: Socket, path: Path, data: ptr, length: u32, to: Ipv4Address, port: u32): i32 {
  const source: Ipv4Address = sourceOf(socket, path)
  const egress = path.egress // `path` is not ours to use after something was sent
  const kind: PathKind = path.kind
  const mtu: u32 = path.mtu
  let result: i32 = Errno.None
  if (kind != PathKind.Multicast || socket.multicastTimeToLive != 0) { // RFC 1112 §6.1: with TTL 0 it stays here
    const packet = messageBuild(data, length, sizeof<UdpHeader>(), mtu)
    if (packet == null) return Errno.WouldBlock
    result = udpOutputWith(path, packet, source, socket.localPort, to, port, sendingFor(socket, path))
  }
  const toMany: boolean = kind == PathKind.Broadcast || (kind == PathKind.Multicast && socket.multicastLoop)
  if (toMany && result == Errno.None) loopBack(socket, egress, mtu, data, length, source, to, port)
  return result
}

/**
 * What goes to all, or to a group this host is in, is for this host, too: RFC 1112 §7.1. A second packet, up from here
 * as if the interface had received it; for want of packets there is none, as on a wire that loses one.
 */
function loopBack(
  socket: Socket, egress: NetInterface, mtu: u32, data: ptr, length: u32, source: Ipv4Address, to: Ipv4Address, port: u32,
): void {
  const group: boolean = isMulticast(to)
  if (group && !multicastMember(egress, to)) return
  if (!socketMaySend(socket, messageBuffers(length, mtu))) return
  const packet = messageBuild(data, length, sizeof<UdpHeader>(), mtu)
  if (packet == null) return
  const udp = at<UdpHeader>(packetPrepend(packet, sizeof<UdpHeader>()))
  udp.sourcePort = socket.localPort
  udp.destinationPort = port
  udp.length = length + sizeof<UdpHeader>()
  udp.checksum = 0
  const ip = at<Ipv4Header>(packetPrepend(packet, sizeof<Ipv4Header>()))
  zeroBytes(address(ip), sizeof<Ipv4Header>())
  ip.versionIhl = VERSION_IHL_PLAIN
  ip.dscpEcn = socket.sending.dscpEcn
  ip.totalLength = length + sizeof<UdpHeader>() + sizeof<Ipv4Header>()
  ip.timeToLive = group ? socket.multicastTimeToLive : socket.sending.timeToLive
  ip.protocol = IpProtocol.Udp
  ip.source = source
  ip.destination = to
  packet.networkHeader = packet.head
  packetStrip(packet, sizeof<Ipv4Header>())
  packet.checksum = Checksum.Valid
  packet.linkDestination = group ? LinkDestination.Multicast : LinkDestination.Broadcast
  packet.device = address(egress)
  udpInput(egress, packet)
}
