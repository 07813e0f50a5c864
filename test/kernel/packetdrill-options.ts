// Linux's numbers of socket options, and what they are here: socket(7), ip(7), tcp(7). Lengths and structs are the
// adapter's affair (test/packetdrill/adapter.cc): a value here is one number.

import { Errno } from '../../kernel/lib/errno.ts'
import { store32 } from '../../kernel/lib/intrinsics.ts'
import type { i32, ptr, u32 } from '../../kernel/lib/layout.ts'
import { socketGetOption, socketSetOption } from '../../kernel/net/socket/options.ts'
import { SocketOption, SocketState, SocketType } from '../../kernel/net/socket/socket.ts'
import { socketOf } from '../../kernel/net/socket/table.ts'
import { sendQueued } from '../../kernel/net/tcp/send-queue.ts'
import { tcbOf } from '../../kernel/net/tcp/socket.ts'

const enum OptionLevel { Ip = 0, Socket = 1, Tcp = 6 }

/** asm-generic/socket.h's numbers of SOL_SOCKET. */
const enum SocketLevel {
  ReuseAddr = 2, Type = 3, Error = 4, Broadcast = 6, SendBuffer = 7, ReceiveBuffer = 8, KeepAlive = 9,
  Linger = 13, ReusePort = 15, ReceiveTimeout = 20, SendTimeout = 21, AcceptConnections = 30, Protocol = 38, Domain = 39,
}

/** linux/in.h's of IPPROTO_IP. */
const enum IpLevel {
  TypeOfService = 1, TimeToLive = 2, HeaderIncluded = 3, MtuDiscover = 10, ReceiveErrors = 11,
  MulticastTtl = 33, MulticastLoop = 34, MulticastAll = 49,
}

/** linux/tcp.h's of IPPROTO_TCP. */
const enum TcpLevel {
  NoDelay = 1, MaximumSegment = 2, Cork = 3, KeepIdle = 4, KeepInterval = 5, KeepProbes = 6, UserTimeout = 18, NotSentLow = 25,
}

/** No option of ours. */
const NONE: i32 = -1
const DOMAIN_INET: u32 = 2

/** Which option a pair of Linux's numbers means, or NONE. */
function optionOf(level: u32, name: u32): i32 {
  switch (level) {
    case OptionLevel.Socket: return socketLevel(name)
    case OptionLevel.Ip: return ipLevel(name)
    case OptionLevel.Tcp: return tcpLevel(name)
    default: return NONE
  }
}

function socketLevel(name: u32): i32 {
  switch (name) {
    case SocketLevel.ReuseAddr: return SocketOption.ReuseAddr
    case SocketLevel.Type: return SocketOption.Type
    case SocketLevel.Error: return SocketOption.Error
    case SocketLevel.Broadcast: return SocketOption.Broadcast
    case SocketLevel.SendBuffer: return SocketOption.SendBufferSize
    case SocketLevel.ReceiveBuffer: return SocketOption.RecvBufferSize
    case SocketLevel.KeepAlive: return SocketOption.KeepAlive
    case SocketLevel.Linger: return SocketOption.AbortOnClose
    case SocketLevel.ReusePort: return SocketOption.ReusePort
    case SocketLevel.ReceiveTimeout: return SocketOption.RecvTimeout
    case SocketLevel.SendTimeout: return SocketOption.SendTimeout
    case SocketLevel.Protocol: return SocketOption.Protocol
    default: return NONE
  }
}

function ipLevel(name: u32): i32 {
  switch (name) {
    case IpLevel.TypeOfService: return SocketOption.TypeOfService
    case IpLevel.TimeToLive: return SocketOption.Ttl
    case IpLevel.HeaderIncluded: return SocketOption.HeaderIncluded
    case IpLevel.MtuDiscover: return SocketOption.DontFragment
    case IpLevel.ReceiveErrors: return SocketOption.ReceiveErrors
    case IpLevel.MulticastTtl: return SocketOption.MulticastTtl
    case IpLevel.MulticastLoop: return SocketOption.MulticastLoop
    case IpLevel.MulticastAll: return SocketOption.MulticastAll
    default: return NONE
  }
}

function tcpLevel(name: u32): i32 {
  switch (name) {
    case TcpLevel.NoDelay: return SocketOption.NoDelay
    case TcpLevel.MaximumSegment: return SocketOption.MaximumSegment
    case TcpLevel.Cork: return SocketOption.Cork
    case TcpLevel.KeepIdle: return SocketOption.KeepIdle
    case TcpLevel.KeepInterval: return SocketOption.KeepInterval
    case TcpLevel.KeepProbes: return SocketOption.KeepProbes
    case TcpLevel.UserTimeout: return SocketOption.UserTimeout
    case TcpLevel.NotSentLow: return SocketOption.NotSentLow
    default: return NONE
  }
}

/** setsockopt(2) of a number; times are milliseconds. Errors: ProtocolOption (not an option here), socketSetOption's. */
export function linuxSetOption(handle: u32, level: u32, name: u32, value: u32): i32 {
  const option: i32 = optionOf(level, name)
  if (option == NONE) return Errno.ProtocolOption
  return socketSetOption(handle, option as number as SocketOption, given(option as number as SocketOption, value))
}

/** From Linux's units: seconds, and the order of IP_PMTUDISC_DONT, WANT, DO. */
function given(option: SocketOption, value: u32): u32 {
  switch (option) {
    case SocketOption.SendBufferSize: return value << 1
    case SocketOption.DontFragment: return value < 3 ? (value + 2) % 3 : value
    case SocketOption.KeepIdle:
    case SocketOption.KeepInterval:
      return value * 1000
    default: return value
  }
}

/** getsockopt(2) of a number, which goes to `out`. Errors: ProtocolOption (not an option here), socketGetOption's. */
export function linuxGetOption(handle: u32, level: u32, name: u32, out: ptr): i32 {
  if (level == OptionLevel.Socket && (name == SocketLevel.Domain || name == SocketLevel.AcceptConnections)) {
    return special(handle, name, out)
  }
  const option: i32 = optionOf(level, name)
  if (option == NONE) return Errno.ProtocolOption
  const value: i32 = socketGetOption(handle, option as number as SocketOption)
  if (value < 0 && option != SocketOption.Error) return value
  store32(out, 0, translated(option as number as SocketOption, value))
  return Errno.None
}

function special(handle: u32, name: u32, out: ptr): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  const listens: boolean = socket.state == SocketState.Listening
  store32(out, 0, name == SocketLevel.Domain ? DOMAIN_INET : listens ? 1 : 0)
  return Errno.None
}

/**
 * What Linux shows: errors without their sign, types from 1 on, buffers with the half that is for itself (socket(7)),
 * and IP_PMTUDISC_DONT, WANT, DO where Fragmentation has Usual, Never, Allowed.
 */
function translated(option: SocketOption, value: i32): u32 {
  switch (option) {
    case SocketOption.Error: return (0 - value) as number as u32
    case SocketOption.Type: return (value + 1) as number as u32
    case SocketOption.KeepIdle:
    case SocketOption.KeepInterval:
      return (value as number as u32) / 1000
    case SocketOption.RecvBufferSize:
      return (value as number as u32) << 1
    case SocketOption.NotSentLow: return value == 0x7fffffff ? 0xffffffff : value as number as u32 // no limit
    case SocketOption.DontFragment: return value < 3 ? ((value as number as u32) + 1) % 3 : value as number as u32
    default: return value as number as u32
  }
}

/** FIONREAD: bytes that can be read, or BadHandle. */
export function linuxAvailable(handle: u32): i32 {
  return socketGetOption(handle, SocketOption.Available)
}

/** SIOCOUTQ: octets given to be sent and not acknowledged, or BadHandle. */
export function linuxUnacknowledged(handle: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  const tcb = socket.type == SocketType.Stream ? tcbOf(socket) : null
  return tcb != null ? sendQueued(tcb) as number as i32 : 0
}

/** Whether O_NONBLOCK is set: 1 or 0, or BadHandle. */
export function linuxNonBlocking(handle: u32): i32 {
  return socketGetOption(handle, SocketOption.NonBlocking)
}

/** Set O_NONBLOCK or clear it. Errors: BadHandle. */
export function linuxSetNonBlocking(handle: u32, on: u32): i32 {
  return socketSetOption(handle, SocketOption.NonBlocking, on)
}

/** SO_RCVTIMEO, or SO_SNDTIMEO when `sends` is not 0: milliseconds, 0 for none, or BadHandle. */
export function linuxTimeout(handle: u32, sends: u32): i32 {
  return socketGetOption(handle, sends != 0 ? SocketOption.SendTimeout : SocketOption.RecvTimeout)
}
