// A local socket as an open file: read and write, poll, ioctl, close. unix(7).

import { descriptorFile, descriptorForNew } from '../../fs/descriptor.ts'
import { fileAdriftSet, fileCreate, type OpenFile } from '../../fs/file.ts'
import { Open, Poll } from '../../fs/flags.ts'
import { Errno } from '../../lib/errno.ts'
import { address, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { scatterOne } from '../../vm/scatter.ts'
import type { Transfer } from '../../vm/transfer.ts'
import { userStore32 } from '../../vm/user-copy.ts'
import { callBegin, callEnd, localCallsInit, localCallsUsed } from './call.ts'
import { cyclesCollect } from './cycles.ts'
import { localEnd } from './end.ts'
import { localMessagesInit } from './message.ts'
import { localNamesInit, localNamesUsed } from './name.ts'
import { localReceive } from './receive.ts'
import { localSend } from './send.ts'
import {
  LocalShut, LocalState, LocalType, localConnects, localOfFile, localOperations, localSocketsInit, localSocketsUsed, type LocalSocket,
} from './socket.ts'

/** ioctl's: bytes to read, and bytes of memory of what was sent. include/uapi/asm-generic/ioctls.h */
const enum Request { Available = 0x541b, Sent = 0x5411 }

/** Once, before the first local socket. */
export function localFilesInit(): void {
  const operations = localOperations()
  localSocketsInit()
  localNamesInit()
  localMessagesInit()
  localCallsInit()
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.control = control
  operations.close = close
  fileAdriftSet(cyclesCollect)
}

/** What there is of local sockets: nothing of it is left when no process is. */
export function localHeld(): u32 {
  return localSocketsUsed() + localNamesUsed() + localCallsUsed()
}

/** The file of a descriptor that is a local socket, null: BadHandle, or it is none. Not held. */
export function localFile(self: Process, descriptor: i32): OpenFile | null {
  const file = descriptorFile(self.files.table, descriptor)
  return file != null && localOfFile(file) != null ? file : null
}

/** What it means that a descriptor is no socket at all. */
export function noSocket(self: Process, descriptor: i32): i32 {
  return descriptorFile(self.files.table, descriptor) == null ? Errno.BadHandle : Errno.NotSocket
}

/** A file of a socket's, which is ended without one; null: FileTableFull. `flags` may have NonBlock. May sleep. */
export function localFileCreate(socket: LocalSocket, flags: u32): OpenFile | null {
  const file = fileCreate(localOperations(), Open.ReadWrite | (flags & Open.NonBlock))
  if (file == null) {
    localEnd(socket)
    return null
  }
  file.data = address(socket)
  socket.file = file
  return file
}

/** A descriptor for a socket, which is ended if there is none to be had. FileTableFull, TooManyFiles, OutOfMemory. May sleep. */
export function localDescriptor(self: Process, socket: LocalSocket, flags: u32): i32 {
  const file = localFileCreate(socket, flags)
  if (file == null) return Errno.FileTableFull
  return descriptorForNew(self.files.table, file, (flags & Open.CloseOnExec) != 0)
}

function read(file: OpenFile, transfer: Transfer): i32 {
  return transfer.left == 0 ? 0 : move(file, transfer, false)
}

function write(file: OpenFile, transfer: Transfer): i32 {
  return move(file, transfer, true)
}

/** What comes along with bytes that are read is closed. */
function move(file: OpenFile, transfer: Transfer, sends: boolean): i32 {
  const socket = localOfFile(file)!
  const call = callBegin(file, 0)
  if (call == null) return Errno.NoBufferSpace
  scatterOne(call.bytes, transfer.address, transfer.left, transfer.kernel)
  const moved = sends ? localSend(socket, call) : localReceive(socket, call)
  callEnd(call)
  return moved
}

/** Which events hold: of a datagram socket with a peer Out only if that would take a message. */
function poll(file: OpenFile): u32 {
  const socket = localOfFile(file)!
  let events: u32 = 0
  if (socket.error != Errno.None) events |= Poll.Error
  if (socket.shut == LocalShut.Both) events |= Poll.HangUp
  if ((socket.shut & LocalShut.Receive) != 0) events |= Poll.In | Poll.ReadNormal | Poll.ReadHangUp
  if (socket.queued != 0) events |= Poll.In | Poll.ReadNormal
  if (localConnects(socket) && socket.state == LocalState.Closed) events |= Poll.HangUp
  if (isWritable(socket)) events |= Poll.Out | Poll.WriteNormal
  return events
}

/** A quarter of what may be sent is not taken: Linux's unix_writable. */
function isWritable(socket: LocalSocket): boolean {
  if (socket.state == LocalState.Listening || socket.sent << 2 > socket.sendLimit) return false
  const peer = socket.peer
  return socket.type == LocalType.Stream || peer == null || peer.peer == socket || peer.queued <= peer.backlog
}

/** Errors: NotTerminal (what sockets do not know), InvalidArgument (a listener has no bytes), BadAddress. */
function control(file: OpenFile, request: u32, argument: u32): i32 {
  const socket = localOfFile(file)!
  switch (request) {
    case Request.Available:
      if (socket.state == LocalState.Listening) return Errno.InvalidArgument
      return userStore32(argument as ptr, available(socket))
    case Request.Sent: return userStore32(argument as ptr, socket.sent)
    default: return Errno.NotTerminal
  }
}

/** Bytes that can be read: of datagrams those of the next. */
function available(socket: LocalSocket): u32 {
  if (localConnects(socket)) return socket.unread
  return socket.first == null ? 0 : socket.first.length
}

function close(file: OpenFile): void {
  localEnd(localOfFile(file)!)
}
