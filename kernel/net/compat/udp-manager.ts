// RustOS's UdpManager (`net/udp.rs`): what is bound where, and who would receive what. Main-loop context only.

import { copy64 } from '../../lib/intrinsics.ts'
import { address, at, nth, staticStruct, struct, type Bytes, type u32 } from '../../lib/layout.ts'
import { isMulticast } from '../ipv4/address.ts'
import { socketClose } from '../socket/api.ts'
import { SocketStatistics, SocketType, type Socket as StackSocket } from '../socket/socket.ts'
import { socketCounters, socketNext, socketTotals } from '../socket/table.ts'
import { udpFind } from '../udp/ports.ts'
import { udpEphemeralPort, udpSocketFor, udpSocketsWith } from '../udp/table.ts'
import type { NetworkAddress } from './address.ts'
import type { NetworkResult } from './error.ts'
import type { SocketAddress } from './socket-address.ts'
import { udpBindWithOptions, udpClose, udpSocketAt } from './udp.ts'
import { UdpSocket } from './udp-socket.ts'

const ADDRESS_BROADCAST: u32 = 0xffffffff

/** Of all sockets, closed ones included in what was sent and received. */
@struct
export class UdpGlobalStats {
  totalSockets: u32 // datagram sockets open
  activeSockets: u32 // of these, bound
  totalPacketsSent: Bytes<8>
  totalPacketsReceived: Bytes<8>
  totalBytesSent: Bytes<8>
  totalBytesReceived: Bytes<8>
  portAllocationFailures: u32
  bindingConflicts: u32
}

const totals = staticStruct<SocketStatistics>()

@struct
export class UdpManager {
  unused: u32 // there is one, and its state is the stack's

  /** A port nobody has now, 0 when all are taken. Random (RFC 6056 §3.3.1), where RustOS counts upward. */
  static allocatePort(): u32 { return udpEphemeralPort(kernelHas) }

  /** Bind without sharing. Errors: as udpBindWithOptions. */
  static bindSocket(local: NetworkAddress, port: u32): NetworkResult {
    return udpBindWithOptions(local, port, false, false)
  }

  static bindSocketWithOptions(local: NetworkAddress, port: u32, reuseAddr: boolean, reusePort: boolean): NetworkResult {
    return udpBindWithOptions(local, port, reuseAddr, reusePort)
  }

  /** Errors: InvalidAddress (no such socket). */
  static unbindSocket(local: NetworkAddress, port: u32): NetworkResult { return udpClose(local, port) }

  /** The live socket, to look at or to change; null for none. RustOS gives a copy, and `update_socket` to change. */
  static getSocket(local: NetworkAddress, port: u32): UdpSocket | null { return udpSocketAt(local, port) }

  /** Close every bound datagram socket that is idle (UdpSocket.isIdle); returns how many. */
  static cleanupIdleSockets(timeout: u32): u32 {
    let closed: u32 = 0
    let each = socketNext(0)
    while (each != null) {
      const following = socketNext(each.handle)
      const bound: boolean = each.type == SocketType.Datagram && each.localPort != 0
      if (bound && at<UdpSocket>(address(each)).isIdle(timeout)) {
        socketClose(each.handle)
        closed += 1
      }
      each = following
    }
    return closed
  }

  static getGlobalStats(out: UdpGlobalStats): void {
    socketTotals(totals)
    copy64(out.totalPacketsSent, 0, totals.packetsSent, 0)
    copy64(out.totalPacketsReceived, 0, totals.packetsReceived, 0)
    copy64(out.totalBytesSent, 0, totals.bytesSent, 0)
    copy64(out.totalBytesReceived, 0, totals.bytesReceived, 0)
    out.portAllocationFailures = socketCounters.portFailures
    out.bindingConflicts = socketCounters.bindConflicts
    out.totalSockets = 0
    out.activeSockets = 0
    let each = socketNext(0)
    while (each != null) {
      if (each.type == SocketType.Datagram) {
        out.totalSockets += 1
        if (each.localPort != 0) out.activeSockets += 1
      }
      each = socketNext(each.handle)
    }
  }

  /**
   * Who could receive a datagram to an address: all sockets bound to just that; else all bound to 0.0.0.0; else, for the
   * limited broadcast or a group, those that may hear it. The first `room` are written at `out`; returns how many there are.
   */
  static findReceivingSockets(to: NetworkAddress, port: u32, out: SocketAddress, room: u32): u32 {
    if (!to.isIpv4) return 0
    for (let tier: u32 = 0; tier < 3; tier++) {
      const found: u32 = receiversOf(tier, to.asIpv4, port, out, room)
      if (found > 0) return found
    }
    return 0
  }

  /** The one socket that does receive a datagram to one of our addresses, spread by the flow's hash; null for none. */
  static routePacketAdvanced(to: NetworkAddress, port: u32, from: NetworkAddress, fromPort: u32): StackSocket | null {
    return to.isIpv4 && from.isIpv4 ? udpSocketFor(to.asIpv4, port, from.asIpv4, fromPort) : null
  }
}

function kernelHas(port: u32): boolean {
  return udpFind(port) != null
}

function receiversOf(tier: u32, to: u32, port: u32, out: SocketAddress, room: u32): u32 {
  let found: u32 = 0
  let each = udpSocketsWith(port)
  while (each != null) {
    if (each.localPort == port && receives(tier, each, to)) {
      if (found < room) {
        nth(out, found).address.setIpv4(each.boundAddress)
        nth(out, found).port = port
      }
      found += 1
    }
    each = each.portNext
  }
  return found
}

function receives(tier: u32, socket: StackSocket, to: u32): boolean {
  if (tier == 0) return socket.boundAddress == to
  if (tier == 1) return socket.boundAddress == 0
  if (to == ADDRESS_BROADCAST) return socket.broadcast
  return isMulticast(to) && isMember(socket, to)
}

function isMember(socket: StackSocket, group: u32): boolean {
  let each = socket.groups
  while (each != null && each.group != group) each = each.next
  return each != null
}
