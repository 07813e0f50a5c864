// Errors from the network, brought to the sockets they are about. RFC 1122 §3.2.2, §4.1.3.3: UDP must pass them on.
//
// As on Linux: a connected socket's next call reports an error that will not go away by itself ("hard"); with
// SocketOption.ReceiveErrors every error is reported, on unconnected sockets too. The last one can be looked at.
// Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import type { i32, ptr, u32 } from '../../lib/layout.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol } from '../ipv4/header.ts'
import { Fragmentation } from '../ipv4/output.ts'
import { udpSocketFor } from '../udp/table.ts'
import { rawFirst } from './raw.ts'
import { SocketEvent, SocketType, isConnected, type Socket } from './socket.ts'
import { streamProtocol } from './stream.ts'
import { socketWake } from './wake.ts'

/** Codes of IcmpType.Unreachable beyond those of icmp/header.ts. RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1. */
const enum Code {
  SourceRoute = 5, NetUnknown = 6, HostUnknown = 7, Isolated = 8, NetProhibited = 9, HostProhibited = 10,
  NetService = 11, HostService = 12, Filtered = 13, Precedence = 14, Cutoff = 15,
}

/**
 * An ICMP error about a packet of ours from `local`:`localPort` to `remote`:`remotePort`; `mtu` of a "fragmentation
 * needed", `quoted` the first 8 bytes of its transport header. True when some socket could have sent that packet.
 */
export function socketIcmpError(
  protocol: u32, local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
  type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  let known = rawErrors(protocol, local, remote, type, code, mtu)
  const stream = streamProtocol()
  if (protocol == IpProtocol.Tcp && stream != null) {
    return stream.error(local, localPort, remote, remotePort, type, code, mtu, quoted) || known
  }
  if (protocol != IpProtocol.Udp) return known
  const socket = udpSocketFor(local, localPort, remote, remotePort)
  if (socket == null) return known
  report(socket, remote, remotePort, type, code, mtu)
  return true
}

function rawErrors(protocol: u32, local: Ipv4Address, remote: Ipv4Address, type: u32, code: u32, mtu: u32): boolean {
  let known = false
  let each: Socket | null = rawFirst()
  while (each != null) {
    const ours: boolean = each.localAddress == 0 || each.localAddress == local
    const theirs: boolean = each.remoteAddress == 0 || each.remoteAddress == remote
    if (each.protocol == protocol && ours && theirs) {
      known = true
      report(each, remote, 0, type, code, mtu)
    }
    each = each.hashNext
  }
  return known
}

function report(socket: Socket, remote: Ipv4Address, remotePort: u32, type: u32, code: u32, mtu: u32): void {
  const error: i32 = errorOf(type, code)
  if (error == Errno.None) return
  socket.errorRemote = remote
  socket.errorPort = remotePort
  socket.errorType = type
  socket.errorCode = code
  socket.errorMtu = mtu
  const wanted: boolean = socket.receiveErrors || (isConnected(socket) && isHard(socket, type, code))
  if (!wanted || socket.type == SocketType.Stream) return
  socket.error = error
  socketWake(socket, SocketEvent.Error)
}

/** What a message means to a program: Linux's choice. RFC 1122 §3.2.2 lets source quench and redirects be silent. */
function errorOf(type: u32, code: u32): i32 {
  switch (type) {
    case IcmpType.TimeExceeded: return Errno.HostUnreachable
    case IcmpType.ParameterProblem: return Errno.ProtocolError
    case IcmpType.Unreachable: return unreachableError(code)
    default: return Errno.None
  }
}

function unreachableError(code: u32): i32 {
  switch (code) {
    case Unreachable.Net: return Errno.NetworkUnreachable
    case Unreachable.Protocol: return Errno.ProtocolOption
    case Unreachable.Port: return Errno.ConnectionRefused
    case Unreachable.FragmentationNeeded: return Errno.MessageTooLong
    case Code.SourceRoute: return Errno.NotSupported
    case Code.NetUnknown: return Errno.NetworkUnreachable
    case Code.HostUnknown: return Errno.HostDown
    case Code.Isolated: return Errno.NotOnNetwork
    case Code.NetProhibited: return Errno.NetworkUnreachable
    case Code.NetService: return Errno.NetworkUnreachable
    default: return Errno.HostUnreachable
  }
}

/** Whether trying again is of no use. RFC 1122 §4.2.3.9 draws the line for TCP; Linux draws the same for all. */
function isHard(socket: Socket, type: u32, code: u32): boolean {
  if (type == IcmpType.ParameterProblem) return true
  if (type != IcmpType.Unreachable) return false
  switch (code) {
    case Unreachable.Net: return false
    case Unreachable.Host: return false
    case Unreachable.FragmentationNeeded: return socket.sending.fragmentation != Fragmentation.Allowed
    case Code.SourceRoute: return false
    case Code.NetService: return false
    case Code.HostService: return false
    default: return true
  }
}
