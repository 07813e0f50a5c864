// RustOS's UdpSocket (`net/udp.rs`): a datagram socket with eleven options and groups; the same memory as Socket and
// as the stack's. Main-loop context only.

import { address, at, struct, type Embed, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { socketConnect, socketDisconnect, socketJoin, socketLeave, socketReceiveFrom } from '../socket/api.ts'
import {
  MessageFlag, Socket as StackSocket, SocketOption, SocketState, type SocketMessage, type SocketStatistics,
} from '../socket/socket.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import { Socket } from './socket.ts'

/** What both buffer sizes read as while nobody has set them; the stack sizes them itself then. */
export const DEFAULT_UDP_BUFFER: u32 = 65536

/** RustOS's `UdpSocketOption`, in its order. */
export const enum UdpSocketOption {
  ReuseAddr, ReusePort, Broadcast, RecvBufferSize, SendBufferSize, RecvTimeout, SendTimeout, Ttl, MulticastTtl,
  MulticastLoop, Dscp,
}

/** The stack's option of the same name. */
export function socketOptionOf(option: UdpSocketOption): SocketOption {
  switch (option) {
    case UdpSocketOption.ReuseAddr: return SocketOption.ReuseAddr
    case UdpSocketOption.ReusePort: return SocketOption.ReusePort
    case UdpSocketOption.Broadcast: return SocketOption.Broadcast
    case UdpSocketOption.RecvBufferSize: return SocketOption.RecvBufferSize
    case UdpSocketOption.SendBufferSize: return SocketOption.SendBufferSize
    case UdpSocketOption.RecvTimeout: return SocketOption.RecvTimeout
    case UdpSocketOption.SendTimeout: return SocketOption.SendTimeout
    case UdpSocketOption.Ttl: return SocketOption.Ttl
    case UdpSocketOption.MulticastTtl: return SocketOption.MulticastTtl
    case UdpSocketOption.MulticastLoop: return SocketOption.MulticastLoop
    default: return SocketOption.Dscp
  }
}

@struct
export class UdpSocket {
  stack: Embed<StackSocket>

  get socket(): Socket { return at<Socket>(address(this)) }
  get localAddr(): u32 { return this.stack.boundAddress }
  get localPort(): u32 { return this.stack.localPort }
  get remoteAddr(): u32 { return this.stack.remoteAddress }
  get remotePort(): u32 { return this.stack.remotePort }
  get broadcast(): boolean { return this.stack.broadcast }

  /** Set an option. Errors: InvalidArgument (a value out of range). */
  setOption(option: UdpSocketOption, value: u32): NetworkResult {
    return this.socket.setOption(socketOptionOf(option), value)
  }

  /** What an option is. */
  getOption(option: UdpSocketOption): NetworkResult {
    return this.socket.optionOr(socketOptionOf(option), DEFAULT_UDP_BUFFER)
  }

  /** Have a peer, another one if there was one. Errors: InvalidAddress (not IPv4), PermissionDenied, NetworkUnreachable. */
  connect(to: NetworkAddress, port: u32): NetworkResult {
    if (!to.isIpv4) return NetworkError.InvalidAddress
    return networkErrorOf(socketConnect(this.stack.handle, to.asIpv4, port))
  }

  /** Have none; without one it is nothing. */
  disconnect(): void {
    if (this.stack.state == SocketState.Connected) socketDisconnect(this.stack.handle)
  }

  getStats(): SocketStatistics { return this.stack.statistics }

  /** The oldest datagram: as Socket.recvFrom, with all that is known of it in `message`. Errors: Timeout (none there). */
  getDatagram(to: ptr, room: u32, about: SocketMessage): NetworkResult {
    return networkErrorOf(socketReceiveFrom(this.stack.handle, to, room, MessageFlag.DontWait, about))
  }

  hasData(): boolean { return this.stack.receiveFirst != null }

  /** Whether for more than so many milliseconds it was not bound, sent nothing and received nothing. */
  isIdle(timeout: u32): boolean { return nowMilliseconds() - this.stack.activity > timeout }

  /** Hear a group; twice is once. Errors: InvalidAddress (no IPv4 group), InsufficientMemory or Busy (limits). */
  joinMulticast(group: NetworkAddress): NetworkResult {
    if (!group.isIpv4 || !group.isMulticast()) return NetworkError.InvalidAddress
    const result: i32 = socketJoin(this.stack.handle, group.asIpv4, 0, 0)
    return result == Errno.AddressInUse ? NetworkError.None : networkErrorOf(result)
  }

  /** Hear it no more. Always Ok. */
  leaveMulticast(group: NetworkAddress): NetworkResult {
    if (group.isIpv4) socketLeave(this.stack.handle, group.asIpv4, 0, 0)
    return NetworkError.None
  }
}
