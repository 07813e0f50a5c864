// Options of sockets: what may be asked for, and what is in force. socket(7), ip(7). Main-loop context only.

import { SOCKET_BUFFER_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { interfaceAt } from '../interface.ts'
import { DEFAULT_TIME_TO_LIVE } from '../ipv4/header.ts'
import { Fragmentation } from '../ipv4/output.ts'
import { chainLength } from '../chain.ts'
import { udpUncork } from '../udp/cork.ts'
import { SizeChosen, SocketOption, SocketType, type Socket } from './socket.ts'
import { socketOf } from './table.ts'
import { streamProtocol } from './stream.ts'

/** The two bits of congestion notification in `dscpEcn`. RFC 3168 §5. */
const ECN: u32 = 3
/** The last number of SocketOption.CongestionControl. */
const MOST_CONTROL: u32 = 2
/** What MaximumSegment may be, and KeepProbes at most: Linux's. */
const LEAST_SEGMENT: u32 = 88
const MOST_SEGMENT: u32 = 32_767
const MOST_PROBES: u32 = 127
/** More octets than are ever queued: what may be asked for has to be told again as a result. */
const NOT_SENT_LOW_LIMIT: u32 = 0x7fffffff

/**
 * Change an option. Flags take 0 and anything else; a buffer size is at most SOCKET_BUFFER_LIMIT, more is cut to that.
 * Errors: BadHandle, InvalidArgument (out of range, no such interface), ProtocolOption (unknown, or read only).
 */
export function socketSetOption(handle: u32, option: SocketOption, value: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  const result: i32 = isFlag(option) ? setFlag(socket, option, value != 0) : setNumber(socket, option, value)
  const stream = streamProtocol()
  if (result == Errno.None && socket.type == SocketType.Stream && stream != null) stream.optionChanged(socket, option)
  return result
}

function isFlag(option: SocketOption): boolean {
  switch (option) {
    case SocketOption.ReuseAddr:
    case SocketOption.ReusePort:
    case SocketOption.KeepAlive:
    case SocketOption.NoDelay:
    case SocketOption.Broadcast:
    case SocketOption.MulticastLoop:
    case SocketOption.MulticastAll:
    case SocketOption.NonBlocking:
    case SocketOption.ReceiveErrors:
    case SocketOption.HeaderIncluded:
    case SocketOption.Cork:
    case SocketOption.AbortOnClose:
      return true
    default:
      return false
  }
}

function setFlag(socket: Socket, option: SocketOption, on: boolean): i32 {
  switch (option) {
    case SocketOption.ReuseAddr: socket.reuseAddr = on; break
    case SocketOption.ReusePort: socket.reusePort = on; break
    case SocketOption.KeepAlive: socket.keepAlive = on; break
    case SocketOption.NoDelay: socket.noDelay = on; break
    case SocketOption.Broadcast: socket.broadcast = on; break
    case SocketOption.MulticastLoop: socket.multicastLoop = on; break
    case SocketOption.MulticastAll: socket.multicastAll = on; break
    case SocketOption.NonBlocking: socket.nonBlocking = on; break
    case SocketOption.ReceiveErrors: socket.receiveErrors = on; break
    case SocketOption.Cork:
      socket.cork = on
      return on || socket.type != SocketType.Datagram ? Errno.None : udpUncork(socket)
    case SocketOption.AbortOnClose: socket.abortOnClose = on; break
    default:
      if (socket.type != SocketType.Raw) return Errno.ProtocolOption
      socket.headerIncluded = on
  }
  return Errno.None
}

function setNumber(socket: Socket, option: SocketOption, value: u32): i32 {
  switch (option) {
    case SocketOption.RecvBufferSize:
      socket.receiveLimit = bufferSize(value)
      socket.sizesChosen |= SizeChosen.Receive
      break
    case SocketOption.SendBufferSize:
      socket.sendLimit = bufferSize(value)
      socket.sizesChosen |= SizeChosen.Send
      break
    case SocketOption.RecvTimeout: socket.receiveTimeout = value; break
    case SocketOption.SendTimeout: socket.sendTimeout = value; break
    case SocketOption.Ttl:
      if (value == 0 || value > 255) return Errno.InvalidArgument
      socket.sending.timeToLive = value
      break
    case SocketOption.MulticastTtl:
      if (value > 255) return Errno.InvalidArgument
      socket.multicastTimeToLive = value
      break
    case SocketOption.Dscp:
      if (value > 63) return Errno.InvalidArgument
      socket.sending.dscpEcn = (value << 2) | (socket.sending.dscpEcn & ECN)
      break
    case SocketOption.TypeOfService:
      if (value > 255) return Errno.InvalidArgument
      socket.sending.dscpEcn = value
      break
    case SocketOption.MulticastInterface:
      if (value != 0 && interfaceAt(value - 1) == null) return Errno.InvalidArgument
      socket.multicastInterface = value
      break
    case SocketOption.DontFragment:
      if (value > Fragmentation.Probe) return Errno.InvalidArgument
      socket.sending.fragmentation = value as number as Fragmentation
      break
    default: return setStream(socket, option, value)
  }
  return Errno.None
}

function setStream(socket: Socket, option: SocketOption, value: u32): i32 {
  if (socket.type != SocketType.Stream) return Errno.ProtocolOption
  switch (option) {
    case SocketOption.MaximumSegment:
      if (value != 0 && (value < LEAST_SEGMENT || value > MOST_SEGMENT)) return Errno.InvalidArgument
      socket.maximumSegment = value
      break
    case SocketOption.UserTimeout: socket.userTimeout = value; break
    case SocketOption.Linger: socket.linger = value; break
    case SocketOption.NotSentLow: socket.notSentLow = value < NOT_SENT_LOW_LIMIT ? value : NOT_SENT_LOW_LIMIT; break
    case SocketOption.KeepIdle: socket.keepIdle = value; break
    case SocketOption.KeepInterval: socket.keepInterval = value; break
    case SocketOption.KeepProbes:
      if (value > MOST_PROBES) return Errno.InvalidArgument
      socket.keepProbes = value
      break
    case SocketOption.CongestionControl:
      if (value > MOST_CONTROL) return Errno.InvalidArgument
      socket.congestionControl = value
      break
    default: return Errno.ProtocolOption
  }
  return Errno.None
}

function bufferSize(value: u32): u32 {
  return value < SOCKET_BUFFER_LIMIT ? value : SOCKET_BUFFER_LIMIT
}

/** What is in force; flags are 0 or 1. Reading Error takes it. Errors: BadHandle, ProtocolOption (unknown). */
export function socketGetOption(handle: u32, option: SocketOption): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  if (isFlag(option)) return getFlag(socket, option) ? 1 : 0
  if (option == SocketOption.Error) return socketTakeError(socket)
  const value: u32 = getNumber(socket, option)
  return value == UNKNOWN ? Errno.ProtocolOption : value as number as i32
}

const UNKNOWN: u32 = 0xffffffff

function getFlag(socket: Socket, option: SocketOption): boolean {
  switch (option) {
    case SocketOption.ReuseAddr: return socket.reuseAddr
    case SocketOption.ReusePort: return socket.reusePort
    case SocketOption.KeepAlive: return socket.keepAlive
    case SocketOption.NoDelay: return socket.noDelay
    case SocketOption.Broadcast: return socket.broadcast
    case SocketOption.MulticastLoop: return socket.multicastLoop
    case SocketOption.MulticastAll: return socket.multicastAll
    case SocketOption.NonBlocking: return socket.nonBlocking
    case SocketOption.ReceiveErrors: return socket.receiveErrors
    case SocketOption.Cork: return socket.cork
    case SocketOption.AbortOnClose: return socket.abortOnClose
    default: return socket.headerIncluded
  }
}

function getNumber(socket: Socket, option: SocketOption): u32 {
  switch (option) {
    case SocketOption.RecvBufferSize: return socket.receiveLimit
    case SocketOption.SendBufferSize: return socket.sendLimit
    case SocketOption.RecvTimeout: return socket.receiveTimeout
    case SocketOption.SendTimeout: return socket.sendTimeout
    case SocketOption.Ttl: return socket.sending.timeToLive != 0 ? socket.sending.timeToLive : DEFAULT_TIME_TO_LIVE
    case SocketOption.MulticastTtl: return socket.multicastTimeToLive
    case SocketOption.Dscp: return socket.sending.dscpEcn >>> 2
    case SocketOption.TypeOfService: return socket.sending.dscpEcn
    case SocketOption.MulticastInterface: return socket.multicastInterface
    case SocketOption.DontFragment: return socket.sending.fragmentation
    case SocketOption.Type: return socket.type
    case SocketOption.Protocol: return socket.protocol
    case SocketOption.Available: return available(socket)
    default: return socket.type == SocketType.Stream ? getStream(socket, option) : UNKNOWN
  }
}

function getStream(socket: Socket, option: SocketOption): u32 {
  const stream = streamProtocol()
  switch (option) {
    case SocketOption.MaximumSegment: return stream != null ? stream.segmentOf(socket) : socket.maximumSegment
    case SocketOption.UserTimeout: return socket.userTimeout
    case SocketOption.Linger: return socket.linger
    case SocketOption.Unacknowledged: return stream != null && stream.unacknowledged(socket) ? 1 : 0
    case SocketOption.NotSentLow: return socket.notSentLow
    case SocketOption.KeepIdle: return socket.keepIdle
    case SocketOption.KeepInterval: return socket.keepInterval
    case SocketOption.KeepProbes: return socket.keepProbes
    case SocketOption.CongestionControl: return socket.congestionControl
    default: return UNKNOWN
  }
}

/** FIONREAD: the bytes of the next datagram, or all that a stream has. */
function available(socket: Socket): u32 {
  const stream = streamProtocol()
  if (socket.type == SocketType.Stream && stream != null) return stream.available(socket)
  const next = socket.receiveFirst
  return next != null ? chainLength(next) : 0
}

/** The pending error, which is reported once. */
export function socketTakeError(socket: Socket): i32 {
  const error: i32 = socket.error
  socket.error = Errno.None
  return error
}
