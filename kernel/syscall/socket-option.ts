// getsockopt(2), setsockopt(2): the options of socket(7), ip(7) and tcp(7) that there are. Numbers are Linux's.

import { descriptorFile } from '../fs/descriptor.ts'
import { fileHold, fileRelease, type OpenFile } from '../fs/file.ts'
import { isSocketFile, socketOfFile } from './socket-file.ts'
import { Errno } from '../lib/errno.ts'
import { load8, store32, store8, storeBe32 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, wire, type Be, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { spells, zeroBytes } from '../lib/memory.ts'
import { interfaceAt, interfaceOwning } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { socketJoin, socketLeave } from '../net/socket/api.ts'
import { socketGetOption, socketSetOption } from '../net/socket/options.ts'
import { SocketOption, SocketState, SocketType, type Socket } from '../net/socket/socket.ts'
import { TimeSpec } from '../fs/layouts.ts'
import type { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut, userLoad32, userLoad8, userLoaded, userStore32 } from '../vm/user-copy.ts'
import { localFile } from './local/file.ts'
import { localOption, localOptionSet } from './local/option.ts'
import { localOfFile } from './local/socket.ts'
import { LevelOf, So } from './option-number.ts'
import { Family } from './socket-address.ts'
import { scratchPair, scratchRest, scratchTime } from './scratch.ts'
import { timeValueFromMilliseconds, timeValueMilliseconds, timeValueRead } from './time-value.ts'

/** The option of SOL_UDP. include/uapi/linux/udp.h */
const UDP_CORK: u32 = 1
/** SOL_IP. include/uapi/linux/in.h */
const enum Ip {
  TypeOfService = 1, TimeToLive = 2, HeaderIncluded = 3, MtuDiscover = 10, ReceiveErrors = 11, MulticastInterface = 32,
  MulticastTimeToLive = 33, MulticastLoop = 34, AddMembership = 35, DropMembership = 36, AddSource = 39, DropSource = 40,
  MulticastAll = 49,
}

/** SOL_TCP. include/uapi/linux/tcp.h */
const enum Tcp {
  NoDelay = 1, MaximumSegment = 2, Cork = 3, KeepIdle = 4, KeepInterval = 5, KeepCount = 6, QuickAck = 12, Congestion = 13,
  UserTimeout = 18,
}

/** struct ip_mreqn, and struct ip_mreq, which is its first eight bytes. ip(7) specification. */
@wire(12)
class Membership {
  group: Be<Ipv4Address>
  local: Be<Ipv4Address>
  index: Le<u32>
}

/** struct ip_mreq_source. ip(7) specification. */
@wire(12)
class SourceMembership {
  group: Be<Ipv4Address>
  local: Be<Ipv4Address>
  source: Be<Ipv4Address>
}

const MEMBERSHIP_LEAST: u32 = 8
const LINGER_SIZE: u32 = 8
const MILLISECONDS: u32 = 1000
/** Seconds: a day is longer than any connection goes unanswered. */
const MOST_LINGER: u32 = 86_400
/** TCP_CA_NAME_MAX. */
const NAME_ROOM: u32 = 16
/** No option of the core's. */
const NONE: u32 = 0xffffffff

/** The socket of a descriptor that is one of the stack's; null: it is local, or `failure` says why it is none. */
function socketFor(self: Process, descriptor: i32): Socket | null {
  const file = descriptorFile(self.files.table, descriptor)
  failure = file == null ? Errno.BadHandle : Errno.NotSocket
  return file != null && isSocketFile(file) ? socketOfFile(file) : null
}

let failure: i32 = Errno.None


/** Which of the core's options a number of Linux's is, when its value is a plain number; NONE: none. */
function plainOption(level: u32, name: u32): u32 {
  if (level == LevelOf.Socket) return plainSocket(name)
  if (level == LevelOf.Udp) return SocketOption.Cork
  return level == LevelOf.Ip ? plainIp(name) : plainTcp(name)
}

function plainSocket(name: u32): u32 {
  switch (name) {
    case So.ReuseAddress: return SocketOption.ReuseAddr
    case So.Type: return SocketOption.Type
    case So.Broadcast: return SocketOption.Broadcast
    case So.SendBuffer: return SocketOption.SendBufferSize
    case So.ReceiveBuffer: return SocketOption.RecvBufferSize
    case So.KeepAlive: return SocketOption.KeepAlive
    case So.ReusePort: return SocketOption.ReusePort
    case So.Protocol: return SocketOption.Protocol
    default: return NONE
  }
}

function plainIp(name: u32): u32 {
  switch (name) {
    case Ip.TypeOfService: return SocketOption.TypeOfService
    case Ip.TimeToLive: return SocketOption.Ttl
    case Ip.HeaderIncluded: return SocketOption.HeaderIncluded
    case Ip.MtuDiscover: return SocketOption.DontFragment
    case Ip.ReceiveErrors: return SocketOption.ReceiveErrors
    case Ip.MulticastTimeToLive: return SocketOption.MulticastTtl
    case Ip.MulticastLoop: return SocketOption.MulticastLoop
    case Ip.MulticastAll: return SocketOption.MulticastAll
    default: return NONE
  }
}

function plainTcp(name: u32): u32 {
  switch (name) {
    case Tcp.NoDelay: return SocketOption.NoDelay
    case Tcp.MaximumSegment: return SocketOption.MaximumSegment
    case Tcp.Cork: return SocketOption.Cork
    case Tcp.KeepIdle: return SocketOption.KeepIdle
    case Tcp.KeepInterval: return SocketOption.KeepInterval
    case Tcp.KeepCount: return SocketOption.KeepProbes
    case Tcp.UserTimeout: return SocketOption.UserTimeout
    default: return NONE
  }
}

/** Linux counts these two in seconds, the core in milliseconds. */
function inSeconds(option: u32): boolean {
  return option == SocketOption.KeepIdle || option == SocketOption.KeepInterval
}

/** Whether there are options of a level; of UDP's there is one, and only datagrams have it. */
function isKnownLevel(socket: Socket, level: u32, name: u32): boolean {
  if (level == LevelOf.Udp) return name == UDP_CORK && socket.type == SocketType.Datagram
  return level == LevelOf.Socket || level == LevelOf.Ip || level == LevelOf.Tcp
}

// --- Setting. ---------------------------------------------------------------------------------------------

/**
 * setsockopt(2). Errors: BadHandle, NotSocket, InvalidArgument (too short, out of range), ProtocolOption (not there), BadAddress, the
 * core's. May sleep.
 */
export function sysSetsockopt(self: Process, descriptor: i32, level: u32, name: u32, from: ptr, length: u32): i32 {
  const socket = socketFor(self, descriptor)
  if (socket == null) return setLocal(self, descriptor, level, name, from, length)
  if (!isKnownLevel(socket, level, name)) return Errno.ProtocolOption
  if ((length as number as i32) < 0) return Errno.InvalidArgument
  const option = plainOption(level, name)
  if (option != NONE) return setPlain(socket, option, from, length, level)
  if (level == LevelOf.Socket) return setSocket(self, socket, name, from, length)
  return level == LevelOf.Ip ? setIp(self, socket, name, from, length) : setTcp(self, socket, name, from, length)
}

function setLocal(self: Process, descriptor: i32, level: u32, name: u32, from: ptr, length: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return failure
  fileHold(file)
  const result: i32 = (length as number as i32) < 0
    ? Errno.InvalidArgument
    : localOptionSet(self, localOfFile(file)!, level, name, from, length)
  fileRelease(file)
  return result
}

/** A number of four bytes; for the options of ip(7) one will do. */
function numberRead(from: ptr, length: u32, level: u32): i32 {
  if (length >= 4) return userLoad32(from)
  if (length == 0 || level != LevelOf.Ip) return Errno.InvalidArgument
  return userLoad8(from)
}

function setPlain(socket: Socket, option: u32, from: ptr, length: u32, level: u32): i32 {
  const error = numberRead(from, length, level)
  if (error != Errno.None) return error
  let value: u32 = userLoaded()
  if (option == SocketOption.Type || option == SocketOption.Protocol) return Errno.ProtocolOption
  if (inSeconds(option)) {
    if (value == 0 || value > 32_767) return Errno.InvalidArgument
    value = value * MILLISECONDS
  }
  if ((option == SocketOption.MulticastTtl || option == SocketOption.Ttl) && value == NONE) value = option == SocketOption.Ttl ? 64 : 1
  return socketSetOption(socket.handle, option as number as SocketOption, value)
}

function setSocket(self: Process, socket: Socket, name: u32, from: ptr, length: u32): i32 {
  switch (name) {
    case So.ReceiveTimeout: return setTimeout(self, socket, SocketOption.RecvTimeout, from, length)
    case So.SendTimeout: return setTimeout(self, socket, SocketOption.SendTimeout, from, length)
    case So.Linger: return setLinger(self, socket, from, length)
    case So.DontRoute:
    case So.OutOfBandInline:
    case So.Priority:
      return onlyZero(from, length)
    default: return Errno.ProtocolOption
  }
}

function setTimeout(self: Process, socket: Socket, option: SocketOption, from: ptr, length: u32): i32 {
  if (length < sizeof<TimeSpec>()) return Errno.InvalidArgument
  const error = timeValueRead(from, scratchTime(self))
  return error != Errno.None ? error : socketSetOption(socket.handle, option, timeValueMilliseconds(scratchTime(self)))
}

/** What can not be switched on can be switched off. */
function onlyZero(from: ptr, length: u32): i32 {
  const error = numberRead(from, length, LevelOf.Socket)
  if (error != Errno.None) return error
  return userLoaded() == 0 ? Errno.None : Errno.ProtocolOption
}

/** struct linger: whether, and seconds. No time at all is a reset. */
function setLinger(self: Process, socket: Socket, from: ptr, length: u32): i32 {
  if (length < LINGER_SIZE) return Errno.InvalidArgument
  const linger = scratchPair(self)
  const error = userCopyIn(address(linger), from, LINGER_SIZE)
  if (error != Errno.None) return error
  const seconds: u32 = linger.seconds.low == 0 ? 0 : linger.seconds.high < MOST_LINGER ? linger.seconds.high : MOST_LINGER
  const abort: u32 = linger.seconds.low != 0 && seconds == 0 ? 1 : 0
  socketSetOption(socket.handle, SocketOption.Linger, seconds * MILLISECONDS)
  socketSetOption(socket.handle, SocketOption.AbortOnClose, abort)
  return Errno.None
}

function setIp(self: Process, socket: Socket, name: u32, from: ptr, length: u32): i32 {
  switch (name) {
    case Ip.MulticastInterface:
    case Ip.AddMembership:
    case Ip.DropMembership:
      return setMembership(self, socket, name, from, length)
    case Ip.AddSource:
    case Ip.DropSource:
      return setSource(self, socket, name, from, length)
    default: return Errno.ProtocolOption
  }
}

/** The core's name for an interface: 1 + its index; 0: as the routes say; NONE: there is none with this address. */
function choiceOf(local: Ipv4Address, index: u32): u32 {
  if (index != 0) return index
  if (local == 0) return 0
  const owner = interfaceOwning(local)
  return owner != null ? owner.index + 1 : NONE
}

function setMembership(self: Process, socket: Socket, name: u32, from: ptr, length: u32): i32 {
  const asked = at<Membership>(scratchRest(self))
  zeroBytes(address(asked), sizeof<Membership>())
  if (name == Ip.MulticastInterface && length >= 4 && length < MEMBERSHIP_LEAST) {
    const error = userCopyIn(plus(address(asked), 4), from, 4)
    if (error != Errno.None) return error
  } else {
    if (length < MEMBERSHIP_LEAST) return Errno.InvalidArgument
    const error = userCopyIn(address(asked), from, length < sizeof<Membership>() ? MEMBERSHIP_LEAST : sizeof<Membership>())
    if (error != Errno.None) return error
  }
  const choice = choiceOf(asked.local, asked.index)
  if (choice == NONE) return name == Ip.MulticastInterface ? Errno.AddressNotAvailable : Errno.NoDevice
  if (name == Ip.MulticastInterface) return socketSetOption(socket.handle, SocketOption.MulticastInterface, choice)
  if (name == Ip.AddMembership) return socketJoin(socket.handle, asked.group, choice, 0)
  return socketLeave(socket.handle, asked.group, choice, 0)
}

function setSource(self: Process, socket: Socket, name: u32, from: ptr, length: u32): i32 {
  if (length < sizeof<SourceMembership>()) return Errno.InvalidArgument
  const asked = at<SourceMembership>(scratchRest(self))
  const error = userCopyIn(address(asked), from, sizeof<SourceMembership>())
  if (error != Errno.None) return error
  const choice = choiceOf(asked.local, 0)
  if (choice == NONE) return Errno.NoDevice
  if (name == Ip.AddSource) return socketJoin(socket.handle, asked.group, choice, asked.source)
  return socketLeave(socket.handle, asked.group, choice, asked.source)
}

function setTcp(self: Process, socket: Socket, name: u32, from: ptr, length: u32): i32 {
  switch (name) {
    case Tcp.QuickAck: return numberRead(from, length, LevelOf.Tcp) // a wish: acknowledgments go when TCP finds right
    case Tcp.Congestion: return setCongestion(self, socket, from, length)
    default: return Errno.ProtocolOption
  }
}

function setCongestion(self: Process, socket: Socket, from: ptr, length: u32): i32 {
  const text = scratchRest(self)
  const most: u32 = length < NAME_ROOM ? length : NAME_ROOM - 1
  const error = userCopyIn(text, from, most)
  if (error != Errno.None) return error
  let n: u32 = 0
  while (n < most && load8(text, n) != 0) n += 1
  if (spells(text, n, 'cubic')) return socketSetOption(socket.handle, SocketOption.CongestionControl, 0)
  if (spells(text, n, 'reno')) return socketSetOption(socket.handle, SocketOption.CongestionControl, 1)
  if (spells(text, n, 'westwood')) return socketSetOption(socket.handle, SocketOption.CongestionControl, 2)
  return Errno.NoSuchEntry
}

// --- Getting. ---------------------------------------------------------------------------------------------

/** getsockopt(2). Errors: BadHandle, NotSocket, InvalidArgument, ProtocolOption, BadAddress. May sleep. */
export function sysGetsockopt(self: Process, descriptor: i32, level: u32, name: u32, to: ptr, lengthAt: ptr): i32 {
  const socket = socketFor(self, descriptor)
  const local = socket == null ? localFile(self, descriptor) : null
  if (socket == null && local == null) return failure
  if (socket != null && !isKnownLevel(socket, level, name)) return Errno.ProtocolOption
  if (local != null) fileHold(local)
  const result = tellOption(self, socket, local, level, name, to, lengthAt)
  if (local != null) fileRelease(local)
  return result
}

/** Of a socket of the stack's, or of the file of a local one. */
function tellOption(
  self: Process, socket: Socket | null, local: OpenFile | null, level: u32, name: u32, to: ptr, lengthAt: ptr,
): i32 {
  const error = userLoad32(lengthAt)
  if (error != Errno.None) return error
  const room: u32 = userLoaded()
  if ((room as number as i32) < 0) return Errno.InvalidArgument
  const out = scratchRest(self)
  zeroBytes(out, NAME_ROOM)
  const size = local != null ? localOption(localOfFile(local)!, level, name, out) : optionValue(socket!, level, name, out)
  if (size < 0) return size
  const length: u32 = room < (size as number as u32) ? room : size as number as u32
  if (userCopyOut(to, out, length) != Errno.None) return Errno.BadAddress
  return userStore32(lengthAt, length)
}

/** The value of an option at `out`: how many bytes, or ProtocolOption. */
function optionValue(socket: Socket, level: u32, name: u32, out: ptr): i32 {
  const option = plainOption(level, name)
  if (option != NONE) return plainValue(socket, option, out)
  if (level == LevelOf.Socket) return socketValue(socket, name, out)
  if (level == LevelOf.Tcp && name == Tcp.Congestion) return congestionValue(socket, out)
  if (level == LevelOf.Tcp && name == Tcp.QuickAck) return number(out, 1)
  if (level == LevelOf.Ip && name == Ip.MulticastInterface) return interfaceValue(socket, out)
  return Errno.ProtocolOption
}

function number(out: ptr, value: u32): i32 {
  store32(out, 0, value)
  return 4
}

function plainValue(socket: Socket, option: u32, out: ptr): i32 {
  const got = socketGetOption(socket.handle, option as number as SocketOption)
  if (got == Errno.ProtocolOption) return got
  if (option == SocketOption.Type) return number(out, (got as number as u32) + 1)
  return number(out, inSeconds(option) ? (got as number as u32) / MILLISECONDS : got as number as u32)
}

function socketValue(socket: Socket, name: u32, out: ptr): i32 {
  switch (name) {
    case So.Error: return number(out, (0 - socketGetOption(socket.handle, SocketOption.Error)) as number as u32)
    case So.AcceptsConnections: return number(out, socket.state == SocketState.Listening ? 1 : 0)
    case So.Domain: return number(out, Family.Inet)
    case So.ReceiveTimeout: return timeoutValue(socket.receiveTimeout, out)
    case So.SendTimeout: return timeoutValue(socket.sendTimeout, out)
    case So.Linger: return lingerValue(socket, out)
    case So.DontRoute:
    case So.OutOfBandInline:
    case So.Priority:
      return number(out, 0)
    default: return Errno.ProtocolOption
  }
}

function timeoutValue(milliseconds: u32, out: ptr): i32 {
  timeValueFromMilliseconds(at<TimeSpec>(out), milliseconds)
  return sizeof<TimeSpec>() as number as i32
}

function lingerValue(socket: Socket, out: ptr): i32 {
  store32(out, 0, socket.linger != 0 || socket.abortOnClose ? 1 : 0)
  store32(out, 4, socket.linger / MILLISECONDS)
  return LINGER_SIZE as number as i32
}

function congestionValue(socket: Socket, out: ptr): i32 {
  const chosen = socketGetOption(socket.handle, SocketOption.CongestionControl)
  if (chosen == Errno.ProtocolOption) return chosen
  const name: u32 = chosen == 0 ? 0x69627563 : chosen == 1 ? 0x6f6e6572 : 0x74736577 // "cubi", "reno", "west"
  store32(out, 0, name)
  if (chosen == 0) store8(out, 4, 0x63) // "c"
  if (chosen == 2) store32(out, 4, 0x646f6f77) // "wood"
  return NAME_ROOM as number as i32
}

/** The address of the interface that groups are reached by, 0 for none. */
function interfaceValue(socket: Socket, out: ptr): i32 {
  const choice = socketGetOption(socket.handle, SocketOption.MulticastInterface)
  const chosen = choice > 0 ? interfaceAt((choice as number as u32) - 1) : null
  storeBe32(out, 0, chosen != null ? chosen.first.address : 0)
  return 4
}
