// RustOS's Socket (`net/socket.rs`): its checks, in its order, in front of the stack's sockets. A Socket here *is* the
// stack's (net/socket/socket.ts), looked at under RustOS's names: nothing is kept twice. Main-loop context only.
//
// Differences, docs/compat.md: an error leaves the state as it was; a full queue drains; `recv` tells the end of a
// stream (0) from nothing there (Timeout); a timeout that is set makes a call wait, one that is not makes it return.
//
// Next: net/socket/api.ts.

import { Errno } from '../../lib/errno.ts'
import { address, at, struct, type Embed, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import {
  socketAccept, socketBindBy, socketConnect, socketListen, socketReceive, socketReceiveFrom, socketReset, socketSend,
  socketSendTo,
} from '../socket/api.ts'
import { socketGetOption, socketSetOption } from '../socket/options.ts'
import { socketEvents } from '../socket/poll.ts'
import {
  BindRules, MessageFlag, Socket as StackSocket, SocketEvent, SocketOption, SocketState, SocketType,
  type SocketStatistics,
} from '../socket/socket.ts'
import { socketOf } from '../socket/table.ts'
import {
  socketAcceptWait, socketConnectWait, socketReceiveFromWait, socketReceiveWait, socketSendToWait, socketSendWait,
} from '../socket/wait.ts'
import { udpSocketUnbind } from '../udp/socket.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import type { SocketAddress } from './socket-address.ts'
import { message } from './message.ts'

/** What RustOS's `SocketOptions` says of both buffers while nobody has set them; the stack sizes them itself then. */
export const DEFAULT_SOCKET_BUFFER: u32 = 8192

/** Bits of the stack socket's `owner`: which sizes somebody set. */
export const enum Chosen { RecvBufferSize = 1, SendBufferSize = 2 }

@struct
export class Socket {
  stack: Embed<StackSocket>

  get id(): u32 { return this.stack.handle }
  get socketType(): SocketType { return this.stack.type }
  get protocol(): u32 { return this.stack.protocol }
  get state(): SocketState { return this.stack.state }
  get stats(): SocketStatistics { return this.stack.statistics }
  get isBound(): boolean { return this.stack.localPort != 0 || this.stack.boundAddress != 0 }
  get isConnected(): boolean { return this.stack.state == SocketState.Connected }

  /** The socket's own end; false while it has none. */
  localAddress(out: SocketAddress): boolean {
    out.address.setIpv4(this.stack.localAddress)
    out.port = this.stack.localPort
    return this.isBound
  }

  /** The peer's end; false while there is none. */
  remoteAddress(out: SocketAddress): boolean {
    out.address.setIpv4(this.stack.remoteAddress)
    out.port = this.stack.remotePort
    return this.stack.remoteAddress != 0
  }

  /**
   * Take an address. Errors: InvalidAddress (not Closed; not IPv4; not an address of this host), InvalidArgument (a
   * datagram socket and port 0), AddressInUse. A bound socket that is Closed still moves.
   */
  bind(to: SocketAddress): NetworkResult {
    if (this.stack.state != SocketState.Closed) return NetworkError.InvalidAddress
    if (this.stack.type == SocketType.Datagram && to.port == 0) return NetworkError.InvalidArgument
    if (!to.address.isIpv4) return NetworkError.InvalidAddress
    if (this.stack.type == SocketType.Datagram && this.stack.localPort != 0) return this.rebind(to)
    return networkErrorOf(socketBindBy(this.stack.handle, to.address.asIpv4, to.port, BindRules.RustOs))
  }

  /** To another address; when that fails the socket keeps what it has. The same again is in use, as in RustOS. */
  rebind(to: SocketAddress): NetworkResult {
    const had: u32 = this.stack.boundAddress
    const hadPort: u32 = this.stack.localPort
    if (had == to.address.asIpv4 && hadPort == to.port) return NetworkError.AddressInUse
    udpSocketUnbind(this.stack)
    const result: i32 = socketBindBy(this.stack.handle, to.address.asIpv4, to.port, BindRules.RustOs)
    if (result != 0) socketBindBy(this.stack.handle, had, hadPort, BindRules.RustOs)
    return networkErrorOf(result)
  }

  /** Wait for connections; again is a new backlog. Errors: NotSupported (no stream), InvalidAddress (not bound), AddressInUse. */
  listen(backlog: u32): NetworkResult {
    if (this.stack.type != SocketType.Stream) return NetworkError.NotSupported
    if (!this.isBound) return NetworkError.InvalidAddress
    return networkErrorOf(socketListen(this.stack.handle, backlog))
  }

  /**
   * Have a peer. Errors: InvalidAddress (not Closed; a stream that is not bound; not IPv4), NotSupported (raw),
   * PermissionDenied (a broadcast address, without permission), NetworkUnreachable; the socket is Closed still.
   */
  connect(to: SocketAddress): NetworkResult {
    if (this.stack.state != SocketState.Closed) return NetworkError.InvalidAddress
    if (this.stack.type == SocketType.Raw) return NetworkError.NotSupported
    if (this.stack.type == SocketType.Stream && !this.isBound) return NetworkError.InvalidAddress
    if (!to.address.isIpv4) return NetworkError.InvalidAddress
    const waits: boolean = this.stack.type == SocketType.Stream && this.stack.sendTimeout != 0
    const a: u32 = to.address.asIpv4
    if (waits) return networkErrorOf(socketConnectWait(this.stack.handle, a, to.port))
    const begun: i32 = socketConnect(this.stack.handle, a, to.port)
    return begun == Errno.InProgress ? NetworkError.None : networkErrorOf(begun) // the state tells: Connecting, then Connected
  }

  /** The id of the next connection, 0 while there is none. Errors: NotSupported (not a stream that listens). */
  accept(): NetworkResult {
    const listens: boolean = this.stack.type == SocketType.Stream && this.stack.state == SocketState.Listening
    if (!listens) return NetworkError.NotSupported
    const result: i32 = this.stack.receiveTimeout != 0 ? socketAcceptWait(this.stack.handle, null) : socketAccept(this.stack.handle, null)
    const mapped = networkErrorOf(result)
    return mapped == NetworkError.Timeout ? 0 : mapped
  }

  /**
   * Send to the peer: the bytes taken. Errors: ConnectionRefused (not Connected, or the peer said so), BufferOverflow
   * (more than the send buffer size somebody set, or than a datagram holds), NotSupported (raw), NotConnected (shut).
   */
  send(data: ptr, length: u32): NetworkResult {
    if (!this.isConnected) return NetworkError.ConnectionRefused
    if (this.chose(Chosen.SendBufferSize) && length > this.stack.sendLimit) return NetworkError.BufferOverflow
    if (this.stack.type == SocketType.Raw) return NetworkError.NotSupported
    if (this.stack.sendTimeout == 0) return networkErrorOf(socketSend(this.stack.handle, data, length, MessageFlag.DontWait))
    return networkErrorOf(socketSendWait(this.stack.handle, data, length, MessageFlag.None))
  }

  /**
   * Receive from the peer: bytes, 0 at the end of a stream. Errors: ConnectionRefused (neither Connected nor
   * Listening, or the peer said so), Timeout (nothing there), and what else befell what was sent.
   */
  recv(to: ptr, room: u32): NetworkResult {
    if (this.stack.state == SocketState.Listening) return NetworkError.Timeout
    if (!this.isConnected) return NetworkError.ConnectionRefused
    if (this.stack.receiveTimeout == 0) return networkErrorOf(socketReceive(this.stack.handle, to, room, MessageFlag.DontWait))
    return networkErrorOf(socketReceiveWait(this.stack.handle, to, room, MessageFlag.None))
  }

  /** Send a datagram to anybody. Errors: NotSupported (no datagram socket), InvalidAddress (not bound; not IPv4), as send. */
  sendTo(data: ptr, length: u32, to: SocketAddress): NetworkResult {
    if (this.stack.type != SocketType.Datagram) return NetworkError.NotSupported
    if (!this.isBound || !to.address.isIpv4) return NetworkError.InvalidAddress
    const a: u32 = to.address.asIpv4
    if (this.stack.sendTimeout == 0) {
      return networkErrorOf(socketSendTo(this.stack.handle, data, length, MessageFlag.DontWait, a, to.port))
    }
    return networkErrorOf(socketSendToWait(this.stack.handle, data, length, MessageFlag.None, a, to.port))
  }

  /**
   * The next datagram and who sent it, `from` may be null: its bytes, what is more than `room` lost. Errors:
   * NotSupported (no datagram socket), InvalidAddress (not bound), Timeout (none there).
   */
  recvFrom(to: ptr, room: u32, from: SocketAddress | null): NetworkResult {
    if (this.stack.type != SocketType.Datagram) return NetworkError.NotSupported
    if (!this.isBound) return NetworkError.InvalidAddress
    const result: i32 = this.stack.receiveTimeout == 0
      ? socketReceiveFrom(this.stack.handle, to, room, MessageFlag.DontWait, message)
      : socketReceiveFromWait(this.stack.handle, to, room, MessageFlag.None, message)
    if (result >= 0 && from != null) {
      from.address.setIpv4(message.address)
      from.port = message.port
    }
    return networkErrorOf(result)
  }

  /** Closed, with empty queues, without address, peer and groups; options and statistics stay. Always Ok. */
  close(): NetworkResult {
    socketReset(this.stack.handle)
    return NetworkError.None
  }

  /** Set one of the eight options of RustOS, or one more of the stack's. Errors: InvalidArgument (no such option or value). */
  setOption(option: SocketOption, value: u32): NetworkResult {
    const result: i32 = socketSetOption(this.stack.handle, option, value)
    if (result != 0) return networkErrorOf(result)
    if (option == SocketOption.RecvBufferSize) this.choose(Chosen.RecvBufferSize)
    if (option == SocketOption.SendBufferSize) this.choose(Chosen.SendBufferSize)
    return NetworkError.None
  }

  /** What an option is. Errors: InvalidArgument (no such option). */
  getOption(option: SocketOption): NetworkResult {
    return this.optionOr(option, DEFAULT_SOCKET_BUFFER)
  }

  /** As getOption, with what a buffer size reads as while nobody set it. */
  optionOr(option: SocketOption, size: u32): NetworkResult {
    if (option == SocketOption.RecvBufferSize && !this.chose(Chosen.RecvBufferSize)) return size as number as i32
    if (option == SocketOption.SendBufferSize && !this.chose(Chosen.SendBufferSize)) return size as number as i32
    return networkErrorOf(socketGetOption(this.stack.handle, option))
  }

  /** Something can be received. */
  hasData(): boolean { return (socketEvents(this.stack.handle) & SocketEvent.In) != 0 }
  /** Something would be taken to be sent, as far as room goes. */
  canSend(): boolean { return (socketEvents(this.stack.handle) & SocketEvent.Out) != 0 }
  /** Bytes received and not read. */
  availableBytes(): u32 { return this.stack.receiveBytes }

  chose(which: Chosen): boolean { return ((this.stack.owner as u32) & which) != 0 }
  choose(which: Chosen): void { this.stack.owner = ((this.stack.owner as u32) | which) as ptr }
}

/** The live socket of an id, or null. RustOS's `get_socket` gives a copy. */
export function socketById(id: u32): Socket | null {
  const found = socketOf(id)
  return found == null ? null : at<Socket>(address(found))
}
