// System calls about local sockets but those that move bytes: socket, bind, listen, accept, connect, names, shutdown. socket.ts
// asks here for descriptors that are no internet sockets. unix(7), and Linux's errors.
//
// A call that may sleep holds the file, so that another thread that closes the descriptor meanwhile does not take it away.

import { fileHold, fileRelease, type OpenFile } from '../../fs/file.ts'
import { Access, At, Open } from '../../fs/flags.ts'
import { fsMknodAt, fsUnlinkAt } from '../../fs/calls/names.ts'
import { inodeAt } from '../../fs/calls/place.ts'
import { inodeRelease, type Inode } from '../../fs/inode.ts'
import { Mode, modeType } from '../../fs/mode.ts'
import { Follow } from '../../fs/path.ts'
import { inodePermission } from '../../fs/permission.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { address, at, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { Family } from '../socket-address.ts'
import {
  FAMILY_SIZE, isAbstract, localAddress, localAddressFault, localAddressRead, localAddressWrite, pathLength, type LocalAddress,
} from './address.ts'
import { accepted, localAccept, localConnect, localDisconnect, localListen } from './connect.ts'
import { localEnd, localShutdown } from './end.ts'
import { localDescriptor, localFile, noSocket } from './file.ts'
import { nameAbstract, nameChoose, nameFind, nameHold, nameOfInode, nameRelease, type LocalName } from './name.ts'
import { LocalType, localConnects, localCreate, localHold, localOfFile, localRelease, type LocalSocket } from './socket.ts'

/** SOCK_RAW, which stands for datagrams here. */
const RAW: u32 = 3
/** Permissions of a socket in the file system, before the umask. */
const PERMISSIONS: u32 = 0o777

/** A socket of a kind of socket(2)'s; null: `failure` says why. */
export function localNew(kind: u32, protocol: u32): LocalSocket | null {
  const type: u32 = kind == RAW ? LocalType.Datagram : kind
  failure = Errno.ProtocolNotSupported
  if (protocol != 0 && protocol != Family.Unix) return null
  failure = Errno.SocketTypeNotSupported
  if (type != LocalType.Stream && type != LocalType.Datagram && type != LocalType.SequencedPacket) return null
  failure = Errno.FileTableFull
  return localCreate(type as number as LocalType)
}

let failure: i32 = Errno.None

/** Why `localNew` made none: ProtocolNotSupported, SocketTypeNotSupported, FileTableFull. */
export function localNewFailure(): i32 {
  return failure
}

/** socket(2). Errors: localNew's, FileTableFull, TooManyFiles, OutOfMemory. */
export function localSocket(self: Process, kind: u32, flags: u32, protocol: u32): i32 {
  const socket = localNew(kind, protocol)
  return socket == null ? failure : localDescriptor(self, socket, flags)
}

/** Whether a call on this file waits. */
function waits(file: OpenFile): boolean {
  return (file.flags & Open.NonBlock) == 0
}

function done(file: OpenFile, result: i32): i32 {
  fileRelease(file)
  return result
}

// --- Names. -----------------------------------------------------------------------------------------------

/**
 * bind(2). Errors: BadHandle, NotSocket, InvalidArgument (it has a name; the address is none), AddressInUse, BadAddress, OutOfMemory, and
 * those of making a file. May sleep.
 */
export function localBind(self: Process, descriptor: i32, from: ptr, length: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  fileHold(file)
  const socket = localOfFile(file)!
  let error: i32 = localAddressRead(self, from, length)
  if (error == Errno.None) error = bindTo(self, socket, length)
  return done(file, error)
}

function bindTo(self: Process, socket: LocalSocket, length: u32): i32 {
  const given = localAddress(self)
  if (socket.binding) return Errno.InvalidArgument
  if (length == FAMILY_SIZE && given.family == Family.Unix) return nameChoose(socket)
  const fault = localAddressFault(given, length)
  if (fault != Errno.None) return fault
  if (socket.name != null) return Errno.InvalidArgument
  if (isAbstract(given)) return nameAbstract(socket, given.path, length - FAMILY_SIZE)
  socket.binding = true
  const error = bindPath(self, socket, given)
  socket.binding = false
  return error
}

function bindPath(self: Process, socket: LocalSocket, given: LocalAddress): i32 {
  const made = fsMknodAt(self.files, At.WorkingDirectory, given.path, Mode.Socket | PERMISSIONS, 0)
  if (made != Errno.None) return made == Errno.Exists ? Errno.AddressInUse : made
  const found = inodeAt(self.files, At.WorkingDirectory, given.path, 0, Follow.NotLast)
  if (isError(found)) return errorOf(found)
  const inode = at<Inode>(found as ptr)
  const error = bindInode(socket, inode, given)
  inodeRelease(inode)
  if (error != Errno.None && error != Errno.AddressInUse) fsUnlinkAt(self.files, At.WorkingDirectory, given.path, 0)
  return error
}

/** Making the file may have slept: another thread may have sent, and got the socket a name, or put another file there. */
function bindInode(socket: LocalSocket, inode: Inode, given: LocalAddress): i32 {
  if (socket.name != null) return Errno.InvalidArgument
  if (modeType(inode.mode) != Mode.Socket || inode.special != 0) return Errno.AddressInUse
  return nameOfInode(socket, inode, given.path, pathLength(given))
}

/**
 * The socket of a type that has the address in the caller's scratch, held: a LocalSocket, or ConnectionRefused, WrongProtocolType,
 * AccessDenied (who may not write to it), NoSuchEntry and what else a path leads to. May sleep.
 */
export function localFind(self: Process, type: u32, length: u32): u32 {
  const given = localAddress(self)
  if (!isAbstract(given)) return findPath(self, given, type)
  const socket = nameFind(given.path, length - FAMILY_SIZE, type)
  return socket == null ? Errno.ConnectionRefused as number as u32 : address(localHold(socket))
}

function findPath(self: Process, given: LocalAddress, type: u32): u32 {
  const found = inodeAt(self.files, At.WorkingDirectory, given.path, 0, Follow.Last)
  if (isError(found)) return found
  const inode = at<Inode>(found as ptr)
  const refused: i32 = inodePermission(self.files.credentials, inode, Access.Write)
  let result: u32 = (refused != Errno.None ? refused : Errno.ConnectionRefused) as number as u32
  if (refused == Errno.None && modeType(inode.mode) == Mode.Socket && inode.special != 0) {
    result = heldOfType(at<LocalSocket>(inode.special), type)
  }
  inodeRelease(inode)
  return result
}

function heldOfType(socket: LocalSocket, type: u32): u32 {
  return socket.type == type ? address(localHold(socket)) : Errno.WrongProtocolType as number as u32
}

/** getsockname(2), with `peer` getpeername(2). Errors: BadHandle, NotSocket, NotConnected, InvalidArgument, BadAddress. May sleep. */
export function localNameTell(self: Process, descriptor: i32, to: ptr, lengthAt: ptr, peer: boolean): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  const socket = localOfFile(file)!
  const whose: LocalSocket | null = peer ? socket.peer : socket
  return whose == null ? Errno.NotConnected : tellName(self, to, lengthAt, whose.name)
}

/** The name is held meanwhile. */
function tellName(self: Process, to: ptr, lengthAt: ptr, name: LocalName | null): i32 {
  if (name != null) nameHold(name)
  const error = localAddressWrite(self, to, lengthAt, name)
  if (name != null) nameRelease(name)
  return error
}

// --- Connecting. ------------------------------------------------------------------------------------------

/** listen(2). Errors: BadHandle, NotSocket, localListen's. */
export function localListenCall(self: Process, descriptor: i32, backlog: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  return localListen(localOfFile(file)!, backlog)
}

/** accept4(2), its flags checked. Errors: BadHandle, NotSocket, localAccept's, localDescriptor's, localAddressWrite's. May sleep. */
export function localAcceptCall(self: Process, descriptor: i32, to: ptr, lengthAt: ptr, flags: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  fileHold(file)
  const error = localAccept(localOfFile(file)!, waits(file))
  if (error != Errno.None) return done(file, error)
  return done(file, acceptTell(self, accepted(), to, lengthAt, flags))
}

function acceptTell(self: Process, socket: LocalSocket, to: ptr, lengthAt: ptr, flags: u32): i32 {
  const peer = socket.peer!
  const told: i32 = to == 0 ? Errno.None : tellName(self, to, lengthAt, peer.name)
  if (told == Errno.None) return localDescriptor(self, socket, flags)
  localEnd(socket)
  return told
}

/**
 * connect(2); with AF_UNSPEC a datagram socket has no peer any more. Errors: BadHandle, NotSocket, InvalidArgument, BadAddress,
 * localFind's, localConnect's. May sleep.
 */
export function localConnectCall(self: Process, descriptor: i32, from: ptr, length: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  fileHold(file)
  const error = localAddressRead(self, from, length)
  return done(file, error != Errno.None ? error : connectTo(self, file, length))
}

function connectTo(self: Process, file: OpenFile, length: u32): i32 {
  const socket = localOfFile(file)!
  if (localAddress(self).family == Family.Unspecified && !localConnects(socket)) {
    localDisconnect(socket)
    return Errno.None
  }
  let error: i32 = localAddressFault(localAddress(self), length)
  if (error == Errno.None && socket.passCredentials) error = nameChoose(socket)
  if (error != Errno.None) return error
  const found = localFind(self, socket.type, length)
  if (isError(found)) return errorOf(found)
  const to = at<LocalSocket>(found as ptr)
  error = localConnect(socket, to, waits(file))
  localRelease(to)
  return error
}

/** shutdown(2). Errors: BadHandle, NotSocket, InvalidArgument. */
export function localShutdownCall(self: Process, descriptor: i32, how: u32): i32 {
  const file = localFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  return localShutdown(localOfFile(file)!, how)
}
