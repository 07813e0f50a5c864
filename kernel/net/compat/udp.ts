// RustOS's UDP operations (`net/udp.rs`): sockets named by their own address and port. They are the stack's sockets:
// one bound here is found by its id, too, and one bound by its id is found here. Main-loop context only.

import { address, at, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { pathFind } from '../ipv4/route.ts'
import { messageBuild } from '../socket/build.ts'
import { socketBindBy, socketClose, socketCreate } from '../socket/api.ts'
import { BindRules, SocketOption, SocketType } from '../socket/socket.ts'
import { socketOf } from '../socket/table.ts'
import { udpSocketsWith } from '../udp/table.ts'
import { udpOutput } from '../udp/output.ts'
import { socketSetOption } from '../socket/options.ts'
import { Protocol, type NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import { SocketAddress } from './socket-address.ts'
import { UDP_HEADER_SIZE } from './udp-header.ts'
import { UdpSocket } from './udp-socket.ts'

const LONGEST_DATAGRAM: u32 = 65535
const destination = staticStruct<SocketAddress>()

/** The socket bound to exactly this address and port, the first of several; null for none. */
export function udpSocketAt(local: NetworkAddress, port: u32): UdpSocket | null {
  let each = udpSocketsWith(port)
  while (each != null) {
    if (each.localPort == port && local.isIpv4 && each.boundAddress == local.asIpv4) return at<UdpSocket>(address(each))
    each = each.portNext
  }
  return null
}

/**
 * A socket bound with these two options: RustOS's rules of who may share. Errors: InvalidArgument (port 0),
 * InvalidAddress (not IPv4, not an address of this host), AddressInUse, InsufficientMemory.
 */
export function udpBindWithOptions(local: NetworkAddress, port: u32, reuseAddr: boolean, reusePort: boolean): NetworkResult {
  if (port == 0) return NetworkError.InvalidArgument
  if (!local.isIpv4) return NetworkError.InvalidAddress
  const result: i32 = bindNew(local.asIpv4, port, reuseAddr, reusePort)
  return result < 0 ? networkErrorOf(result) : NetworkError.None
}

/** The handle of a new bound socket; nothing is left of it on an error. */
function bindNew(local: u32, port: u32, reuseAddr: boolean, reusePort: boolean): i32 {
  const handle: i32 = socketCreate(SocketType.Datagram, Protocol.UDP)
  if (handle < 0) return handle
  const id = handle as number as u32
  socketSetOption(id, SocketOption.ReuseAddr, reuseAddr ? 1 : 0)
  socketSetOption(id, SocketOption.ReusePort, reusePort ? 1 : 0)
  const result: i32 = socketBindBy(id, local, port, BindRules.RustOs)
  if (result == 0) return handle
  socketClose(id)
  return result
}

/** Bind without sharing. Errors: as udpBindWithOptions. */
export function udpBind(local: NetworkAddress, port: u32): NetworkResult {
  return udpBindWithOptions(local, port, false, false)
}

/** A socket at 0.0.0.0 and a free port, which are written at `out`. Errors: AddressInUse (no port free), InsufficientMemory. */
export function udpSocket(out: SocketAddress): NetworkResult {
  const handle: i32 = bindNew(0, 0, false, false)
  if (handle < 0) return networkErrorOf(handle)
  const made = socketOf(handle as number as u32)
  out.address.setIpv4(0)
  out.port = made != null ? made.localPort : 0
  return NetworkError.None
}

/** Name the peer of a socket. Errors: InvalidAddress (no such socket; not IPv4), PermissionDenied, NetworkUnreachable. */
export function udpConnect(local: NetworkAddress, port: u32, remote: NetworkAddress, remotePort: u32): NetworkResult {
  const found = udpSocketAt(local, port)
  return found == null ? NetworkError.InvalidAddress : found.connect(remote, remotePort)
}

/** Send to the peer: bytes. Errors: InvalidAddress (no such socket), NotSupported (no peer), and those of Socket.send. */
export function udpSend(local: NetworkAddress, port: u32, data: ptr, length: u32): NetworkResult {
  const found = udpSocketAt(local, port)
  if (found == null) return NetworkError.InvalidAddress
  return found.socket.isConnected ? found.socket.send(data, length) : NetworkError.NotSupported
}

/** Send to anybody: bytes. Errors: InvalidAddress (no such socket; not IPv4), and those of Socket.sendTo. */
export function udpSendTo(
  local: NetworkAddress, port: u32, remote: NetworkAddress, remotePort: u32, data: ptr, length: u32,
): NetworkResult {
  const found = udpSocketAt(local, port)
  if (found == null) return NetworkError.InvalidAddress
  destination.init(remote, remotePort)
  return found.socket.sendTo(data, length, destination)
}

/** The oldest datagram: its bytes, its sender at `from`. Errors: InvalidAddress (no such socket), Timeout (none there: RustOS's None). */
export function udpRecv(local: NetworkAddress, port: u32, to: ptr, room: u32, from: SocketAddress | null): NetworkResult {
  const found = udpSocketAt(local, port)
  return found == null ? NetworkError.InvalidAddress : found.socket.recvFrom(to, room, from)
}

/** Whether a datagram waits; no socket has none. */
export function udpHasData(local: NetworkAddress, port: u32): boolean {
  const found = udpSocketAt(local, port)
  return found != null && found.hasData()
}

/** Close a socket and free its port. Errors: InvalidAddress (no such socket). */
export function udpClose(local: NetworkAddress, port: u32): NetworkResult {
  const found = udpSocketAt(local, port)
  return found == null ? NetworkError.InvalidAddress : networkErrorOf(socketClose(found.stack.handle))
}

/** Let a socket send to broadcast addresses, or not. Errors: InvalidAddress (no such socket). */
export function udpSetBroadcast(local: NetworkAddress, port: u32, on: boolean): NetworkResult {
  const found = udpSocketAt(local, port)
  return found == null ? NetworkError.InvalidAddress : found.socket.setOption(SocketOption.Broadcast, on ? 1 : 0)
}

/** Have a socket hear a group; what is no group is swallowed, as in RustOS. Errors: InvalidAddress (no such socket), limits. */
export function udpJoinMulticast(local: NetworkAddress, port: u32, group: NetworkAddress): NetworkResult {
  const found = udpSocketAt(local, port)
  if (found == null) return NetworkError.InvalidAddress
  return group.isIpv4 && group.isMulticast() ? found.joinMulticast(group) : NetworkError.None
}

/** And no more. Errors: InvalidAddress (no such socket). */
export function udpLeaveMulticast(local: NetworkAddress, port: u32, group: NetworkAddress): NetworkResult {
  const found = udpSocketAt(local, port)
  return found == null ? NetworkError.InvalidAddress : found.leaveMulticast(group)
}

/**
 * Send one datagram without a socket. 0.0.0.0 as the source stands for the address of the interface it leaves by.
 * Errors: BufferOverflow (more than 65,527 bytes), InvalidAddress (not IPv4), NetworkUnreachable, Busy (no packets free).
 */
export function sendUdpPacket(
  source: NetworkAddress, sourcePort: u32, remote: NetworkAddress, remotePort: u32, data: ptr, length: u32,
): NetworkResult {
  if (length > LONGEST_DATAGRAM - UDP_HEADER_SIZE) return NetworkError.BufferOverflow
  if (!source.isIpv4 || !remote.isIpv4) return NetworkError.InvalidAddress
  const path = pathFind(remote.asIpv4)
  if (path == null) return NetworkError.NetworkUnreachable
  const packet = messageBuild(data, length, UDP_HEADER_SIZE, path.mtu)
  if (packet == null) return NetworkError.Busy
  return networkErrorOf(udpOutput(packet, source.asIpv4, sourcePort, remote.asIpv4, remotePort))
}
