// A socket as an open file: read and write, poll, ioctl, close. socket(7).

import { FileOperations, fileCreate, type OpenFile } from '../fs/file.ts'
import { descriptorForNew } from '../fs/descriptor.ts'
import { Open, Poll } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import type { WatchList } from '../lib/watch.ts'
import { plus, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { socketClose } from '../net/socket/api.ts'
import { socketEventsOf } from '../net/socket/events.ts'
import { socketGetOption } from '../net/socket/options.ts'
import { SocketOption, type Socket } from '../net/socket/socket.ts'
import { socketOf } from '../net/socket/table.ts'
import { socketPolled } from '../net/socket/wake.ts'
import type { Process } from '../process/process.ts'
import { userStore32 } from '../vm/user-copy.ts'
import type { Transfer } from '../vm/transfer.ts'
import { socketLinger } from './socket-linger.ts'
import { socketGive, socketTake } from './socket-transfer.ts'

/** ioctl's: bytes to read. include/uapi/asm-generic/ioctls.h */
const FIONREAD: u32 = 0x541b

const operations = staticStruct<FileOperations>()

/** Once, before the first socket of a process. */
export function socketFilesInit(): void {
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.watchers = watchers
  operations.control = control
  operations.close = close
}

export function isSocketFile(file: OpenFile): boolean {
  return file.operations == operations
}

/** The handle of a socket's file. */
export function socketHandleOf(file: OpenFile): u32 {
  return file.data as u32
}

/** The socket of its file. */
export function socketOfFile(file: OpenFile): Socket {
  return socketOf(socketHandleOf(file)) as Socket
}

/** Whether a call on this file waits: by what fcntl has set. */
export function fileWaits(file: OpenFile): boolean {
  return (file.flags & Open.NonBlock) == 0
}

/** A descriptor for a socket, which is closed if there is none to be had. Errors: FileTableFull, TooManyFiles, OutOfMemory. */
export function socketDescriptor(self: Process, handle: u32, nonBlocking: boolean, closeOnExec: boolean): i32 {
  const file = fileCreate(operations, Open.ReadWrite | (nonBlocking ? Open.NonBlock : 0))
  if (file == null) {
    socketClose(handle)
    return Errno.FileTableFull
  }
  file.data = handle as ptr
  return descriptorForNew(self.files.table, file, closeOnExec)
}

function read(file: OpenFile, transfer: Transfer): i32 {
  const got = socketTake(socketOfFile(file), transfer.address, transfer.left, transfer.kernel, 0, fileWaits(file), null)
  return moved(transfer, got)
}

function write(file: OpenFile, transfer: Transfer): i32 {
  const sent = socketGive(socketOfFile(file), transfer.address, transfer.left, transfer.kernel, 0, fileWaits(file), false, 0, 0)
  return moved(transfer, sent)
}

function moved(transfer: Transfer, result: i32): i32 {
  if (result > 0) {
    transfer.address = plus(transfer.address, result as number as u32)
    transfer.left -= result as number as u32
  }
  return result
}

function poll(file: OpenFile): u32 {
  socketPolled(socketOfFile(file))
  return socketPoll(socketOfFile(file))
}

/** What holds of a socket; unlike poll it does not ask for the next event. */
export function socketPoll(socket: Socket): u32 {
  let events: u32 = socketEventsOf(socket)
  if ((events & Poll.In) != 0) events |= Poll.ReadNormal
  if ((events & Poll.Out) != 0) events |= Poll.WriteNormal
  return events
}

/** They are told of In and Out, and of no band apart. */
function watchers(file: OpenFile): WatchList {
  return socketOfFile(file).watchers
}

/** Errors: NotTerminal (what sockets do not know), BadAddress. */
function control(file: OpenFile, request: u32, argument: u32): i32 {
  if (request != FIONREAD) return Errno.NotTerminal
  return userStore32(argument as ptr, socketGetOption(socketHandleOf(file), SocketOption.Available) as number as u32)
}

/** May sleep. */
function close(file: OpenFile): void {
  socketLinger(socketHandleOf(file))
  socketClose(socketHandleOf(file))
}
