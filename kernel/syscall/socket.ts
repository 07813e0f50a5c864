// System calls about sockets: IPv4 streams, datagrams and raw sockets on the kernel's stack. Names and errors are Linux's: socket(2),
// connect(2), accept(2), send(2), recv(2) and so on. Options are socket-option.ts's. Each call asks once whether its socket is one of
// the stack's; what is not is local/'s, or none.
//
// A call that may sleep holds the file, so that another thread that closes the descriptor meanwhile does not take it away.

import { isSuperuser } from '../fs/credentials.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import { fileHold, fileRelease, type OpenFile } from '../fs/file.ts'
import { Open } from '../fs/flags.ts'
import { lookedInVain } from '../lib/attention.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import {
  socketAccept, socketBind, socketClose, socketConnect, socketCreate, socketDisconnect, socketError, socketListen, socketShutdown,
} from '../net/socket/api.ts'
import {
  MessageFlag, Shut, SocketEvent, SocketMessage, SocketName, SocketState, SocketType, type Socket,
} from '../net/socket/socket.ts'
import { socketOf } from '../net/socket/table.ts'
import type { Process } from '../process/process.ts'
import {
  localAcceptCall, localBind, localConnectCall, localListenCall, localNameTell, localShutdownCall, localSocket,
} from './local/calls.ts'
import { localFile, noSocket } from './local/file.ts'
import { localRecvfrom, localSendto } from './local/transfer.ts'
import { Family, socketAddress, socketAddressRead, socketAddressWrite } from './socket-address.ts'
import { fileWaits, isSocketFile, socketDescriptor, socketHandleOf, socketOfFile } from './socket-file.ts'
import { OUT_OF_BAND, socketGive, socketTake } from './socket-transfer.ts'
import { socketAwait } from './socket-wait.ts'

/** `type` of socket(2): the type in four bits, and two flags. */
const TYPE_MASK: u32 = 0xf
const enum Type { Stream = 1, Datagram = 2, Raw = 3 }
/** MSG_ERRQUEUE: there is none. */
const ERROR_QUEUE: u32 = 0x2000
/** Backlogs are cut to this: Linux's somaxconn. */
const MOST_BACKLOG: u32 = 4096

/** The first port that everybody may have. */
const FIRST_FREE_PORT: u32 = 1024

const name = staticStruct<SocketName>()

/** The file of a descriptor that is a socket of the stack, or null. Not held. */
export function socketFile(self: Process, descriptor: i32): OpenFile | null {
  const file = descriptorFile(self.files.table, descriptor)
  return file != null && isSocketFile(file) ? file : null
}

// --- Making. ----------------------------------------------------------------------------------------------

/**
 * socket(2): a descriptor. Errors: AddressFamily (IPv4 and local ones are what there is), InvalidArgument (flags),
 * SocketTypeNotSupported, NotPermitted (raw), ProtocolNotSupported, TooManyFiles, FileTableFull, OutOfMemory.
 */
export function sysSocket(self: Process, family: u32, type: u32, protocol: u32): i32 {
  if ((type & ~(TYPE_MASK | Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  const kind: u32 = type & TYPE_MASK
  if (family == Family.Unix) return localSocket(self, kind, type, protocol)
  if (family != Family.Inet) return Errno.AddressFamily
  if (kind == 0 || kind > Type.Raw) return Errno.SocketTypeNotSupported
  if (kind == Type.Raw && !isSuperuser(self.files.credentials)) return Errno.NotPermitted
  const handle = socketCreate((kind - 1) as number as SocketType, protocol)
  if (handle < 0) return handle
  return socketDescriptor(self, handle as number as u32, (type & Open.NonBlock) != 0, (type & Open.CloseOnExec) != 0)
}

/** bind(2). Errors: BadHandle, NotSocket, InvalidArgument, AddressFamily, BadAddress, AccessDenied, socketBind's. May sleep. */
export function sysBind(self: Process, descriptor: i32, from: ptr, length: u32): i32 {
  if (socketFile(self, descriptor) == null) return localBind(self, descriptor, from, length)
  const error = socketAddressRead(self, from, length, false)
  const file = socketFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  if (error != Errno.None) return error
  const wanted = socketAddress(self)
  if (wanted.port != 0 && wanted.port < FIRST_FREE_PORT && !isSuperuser(self.files.credentials)) return Errno.AccessDenied
  return socketBind(socketHandleOf(file), wanted.address, wanted.port)
}

/** listen(2). Errors: BadHandle, NotSocket, socketListen's. */
export function sysListen(self: Process, descriptor: i32, backlog: i32): i32 {
  const file = socketFile(self, descriptor)
  const asked: u32 = backlog as number as u32
  const most: u32 = asked < MOST_BACKLOG ? asked : MOST_BACKLOG
  return file == null ? localListenCall(self, descriptor, most) : socketListen(socketHandleOf(file), most)
}

/**
 * accept4(2): a descriptor. Errors: BadHandle, NotSocket, InvalidArgument, WouldBlock, Interrupted, socketAccept's,
 * socketDescriptor's. May sleep.
 */
export function sysAccept4(self: Process, descriptor: i32, to: ptr, lengthAt: ptr, flags: u32): i32 {
  if ((flags & ~(Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  const file = socketFile(self, descriptor)
  if (file == null) return localAcceptCall(self, descriptor, to, lengthAt, flags)
  fileHold(file)
  const handle = acceptOne(file)
  fileRelease(file)
  if (handle < 0) return handle
  const socket = socketOf(handle as number as u32) as Socket
  const host: u32 = socket.remoteAddress
  const port: u32 = socket.remotePort
  if (to != 0) {
    const error = socketAddressWrite(self, to, lengthAt, host, port)
    if (error != Errno.None) {
      socketClose(handle as number as u32)
      return error
    }
  }
  return socketDescriptor(self, handle as number as u32, (flags & Open.NonBlock) != 0, (flags & Open.CloseOnExec) != 0)
}

/** accept(2). */
export function sysAccept(self: Process, descriptor: i32, to: ptr, lengthAt: ptr): i32 {
  return sysAccept4(self, descriptor, to, lengthAt, 0)
}

/** The handle of a connection, waited for if the file says so. */
function acceptOne(file: OpenFile): i32 {
  const listener = socketHandleOf(file)
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (true) {
    const handle = socketAccept(listener, name)
    if (handle != Errno.WouldBlock) return handle
    if (!fileWaits(file)) {
      lookedInVain()
      return handle
    }
    const error = socketAwait(listener, SocketEvent.In, socketOfFile(file).receiveTimeout, since)
    if (error != Errno.None) return error
  }
}

// --- Connecting. ------------------------------------------------------------------------------------------

/**
 * connect(2); with AF_UNSPEC a datagram socket has no peer any more. Errors: BadHandle, NotSocket, InvalidArgument,
 * AddressFamily, BadAddress, InProgress, Already, Interrupted, socketConnect's, and what the network says. May sleep.
 */
export function sysConnect(self: Process, descriptor: i32, from: ptr, length: u32): i32 {
  if (socketFile(self, descriptor) == null) return localConnectCall(self, descriptor, from, length)
  const error = socketAddressRead(self, from, length, true)
  const file = socketFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  if (error != Errno.None) return error
  const wanted = socketAddress(self)
  if (wanted.family == Family.Unspecified) {
    const result = socketDisconnect(socketHandleOf(file))
    return result == Errno.NotConnected ? Errno.None : result
  }
  fileHold(file)
  const result = connectTo(file, wanted.address, wanted.port)
  fileRelease(file)
  return result
}

/** A connection that is under way was begun by an earlier call: its end is this call's, too. `position` remembers that there is one. */
function connectTo(file: OpenFile, host: u32, port: u32): i32 {
  const handle = socketHandleOf(file)
  clockUpdate()
  const since: u32 = nowMilliseconds()
  const begun: boolean = file.position != 0
  if (begun && socketOfFile(file).error != Errno.None) {
    file.position = 0
    return socketError(handle)
  }
  const result = socketConnect(handle, host, port)
  if (result == Errno.IsConnected && begun) {
    file.position = 0
    return Errno.None
  }
  if (result != Errno.InProgress && result != Errno.Already) return result
  file.position = 1
  if (!fileWaits(file)) return result
  const error = connected(handle, socketOfFile(file).sendTimeout, since)
  if (error != Errno.Interrupted && error != Errno.InProgress) file.position = 0
  return error
}

/** Wait for a handshake to end: None, its error, InProgress when the socket's time is up, Interrupted. */
function connected(handle: u32, timeout: u32, since: u32): i32 {
  while (true) {
    const socket = socketOf(handle)
    if (socket == null) return Errno.BadHandle
    if (socket.error != Errno.None) return socketError(handle)
    if (stateOf(socket) != SocketState.Connecting) return Errno.None
    const error = socketAwait(handle, SocketEvent.Out, timeout, since)
    if (error == Errno.WouldBlock) return Errno.InProgress
    if (error != Errno.None) return error
  }
}

function stateOf(socket: Socket): SocketState {
  return socket.state
}

/** shutdown(2). Errors: BadHandle, NotSocket, InvalidArgument, NotConnected. */
export function sysShutdown(self: Process, descriptor: i32, how: u32): i32 {
  const file = socketFile(self, descriptor)
  if (file == null) return localShutdownCall(self, descriptor, how)
  return socketShutdown(socketHandleOf(file), how as number as Shut)
}

// --- Names. -----------------------------------------------------------------------------------------------

/** getsockname(2). Errors: BadHandle, NotSocket, InvalidArgument, BadAddress. May sleep. */
export function sysGetsockname(self: Process, descriptor: i32, to: ptr, lengthAt: ptr): i32 {
  const file = socketFile(self, descriptor)
  if (file == null) return localNameTell(self, descriptor, to, lengthAt, false)
  const socket = socketOfFile(file)
  return socketAddressWrite(self, to, lengthAt, socket.localAddress, socket.localPort)
}

/** getpeername(2). Errors: BadHandle, NotSocket, NotConnected, InvalidArgument, BadAddress. May sleep. */
export function sysGetpeername(self: Process, descriptor: i32, to: ptr, lengthAt: ptr): i32 {
  const file = socketFile(self, descriptor)
  if (file == null) return localNameTell(self, descriptor, to, lengthAt, true)
  const socket = socketOfFile(file)
  if (socket.state != SocketState.Connected) return Errno.NotConnected
  return socketAddressWrite(self, to, lengthAt, socket.remoteAddress, socket.remotePort)
}

// --- Bytes. -----------------------------------------------------------------------------------------------

/**
 * sendto(2), and send(2) without an address. Errors: BadHandle, NotSocket, NotSupported (MSG_OOB), InvalidArgument,
 * AddressFamily, socketGive's. May sleep.
 */
export function sysSendto(self: Process, descriptor: i32, from: ptr, length: u32, flags: u32, to: ptr, toLength: u32): i32 {
  let file = socketFile(self, descriptor)
  if (file == null) return localSend(self, descriptor, from, length, flags, to, toLength)
  const named: boolean = to != 0
  let error: i32 = Errno.None
  if (named) {
    error = socketAddressRead(self, to, toLength, false)
    file = socketFile(self, descriptor) // reading may have slept
    if (file == null) return noSocket(self, descriptor)
  }
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  if (error != Errno.None) return error
  const wanted = socketAddress(self)
  return giveHeld(file, from, length, false, flags, named, wanted.address, wanted.port)
}

function localSend(self: Process, descriptor: i32, from: ptr, length: u32, flags: u32, to: ptr, toLength: u32): i32 {
  const file = localFile(self, descriptor)
  return file == null ? noSocket(self, descriptor) : localSendto(self, file, from, length, flags, to, toLength)
}

/** socketGive, the file held meanwhile. A stream that is connected is not asked where to. */
export function giveHeld(
  file: OpenFile, from: ptr, length: u32, kernel: boolean, flags: u32, named: boolean, host: u32, port: u32,
): i32 {
  const socket = socketOfFile(file)
  const wait: boolean = fileWaits(file) && (flags & MessageFlag.DontWait) == 0
  const to: boolean = named && !(socket.type == SocketType.Stream && socket.state == SocketState.Connected)
  fileHold(file)
  const result = socketGive(socket, from, length, kernel, flags, wait, to, host, port)
  fileRelease(file)
  return result
}

/** What is known of the message that was taken last. Nothing sleeps between its arrival here and its use. */
const message = staticStruct<SocketMessage>()

/**
 * recvfrom(2), and recv(2) without an address. Errors: BadHandle, NotSocket, InvalidArgument (MSG_OOB), WouldBlock (MSG_ERRQUEUE,
 * which is always empty), BadAddress, socketTake's. May sleep.
 */
export function sysRecvfrom(self: Process, descriptor: i32, to: ptr, room: u32, flags: u32, from: ptr, lengthAt: ptr): i32 {
  const file = socketFile(self, descriptor)
  if (file == null) return localReceive(self, descriptor, to, room, flags, from, lengthAt)
  const got = takeHeld(file, to, room, false, flags)
  if (got < 0 || from == 0) return got
  const error = socketOfFile(file).type == SocketType.Stream
    ? Errno.None
    : socketAddressWrite(self, from, lengthAt, message.address, message.port)
  return error != Errno.None ? error : got
}

function localReceive(self: Process, descriptor: i32, to: ptr, room: u32, flags: u32, from: ptr, lengthAt: ptr): i32 {
  const file = localFile(self, descriptor)
  return file == null ? noSocket(self, descriptor) : localRecvfrom(self, file, to, room, flags, from, lengthAt)
}

/** socketTake, the file held meanwhile; what is known of a message is in `takenMessage`. */
export function takeHeld(file: OpenFile, to: ptr, room: u32, kernel: boolean, flags: u32): i32 {
  if ((flags & OUT_OF_BAND) != 0) return Errno.InvalidArgument
  if ((flags & ERROR_QUEUE) != 0) return Errno.WouldBlock
  const wait: boolean = fileWaits(file) && (flags & MessageFlag.DontWait) == 0
  fileHold(file)
  const got = socketTake(socketOfFile(file), to, room, kernel, flags, wait, message)
  fileRelease(file)
  return got
}

/** What is known of the message that `takeHeld` took, until something sleeps. */
export function takenMessage(): SocketMessage {
  return message
}
