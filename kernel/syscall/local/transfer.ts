// System calls that move bytes of local sockets: send and receive in all their forms. send(2), recv(2), unix(7).
//
// The file is held meanwhile: another thread may close its descriptor.

import { fileHold, fileRelease, type OpenFile } from '../../fs/file.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, offsetof, plus, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { scatterMany, scatterOne } from '../../vm/scatter.ts'
import { userStore32 } from '../../vm/user-copy.ts'
import { MessageHeader, messagePieces, type Message } from '../message-header.ts'
import { OUT_OF_BAND } from '../socket-transfer.ts'
import { localAddress, localAddressCopy, localAddressFault, localAddressLength, localAddressRead, localAddressWrite } from './address.ts'
import { CLOSE_ON_EXEC, CONTROL_TRUNCATED, controlRead, controlWrite } from './ancillary.ts'
import { callBegin, callEnd, type LocalCall } from './call.ts'
import { localFind } from './calls.ts'
import { localReceive } from './receive.ts'
import { localSend } from './send.ts'
import { LocalType, localOfFile, type LocalSocket } from './socket.ts'

/** A call on a file, which is held; null: there is no memory for it. */
function begin(file: OpenFile, flags: u32): LocalCall | null {
  const call = callBegin(file, flags)
  if (call != null) fileHold(file)
  return call
}

function end(file: OpenFile, call: LocalCall, result: i32): i32 {
  callEnd(call)
  fileRelease(file)
  return result
}

// --- Out. -------------------------------------------------------------------------------------------------

/** sendto(2), send(2). Errors: localSend's, and as `addressee`. May sleep. */
export function localSendto(self: Process, file: OpenFile, from: ptr, length: u32, flags: u32, to: ptr, toLength: u32): i32 {
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  const call = begin(file, flags)
  if (call == null) return Errno.NoBufferSpace
  let result: i32 = addressee(self, localOfFile(file)!, call, to, toLength)
  scatterOne(call.bytes, from, length, false)
  if (result == Errno.None) result = localSend(localOfFile(file)!, call)
  return end(file, call, result)
}

/** sendmsg(2), and writev(2) with a header of nothing but pieces. Errors: as sendto, and controlRead's. May sleep. */
export function localSendMessage(self: Process, file: OpenFile, message: Message, flags: u32): i32 {
  const header = message.header
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  if (header.name.high != 0) return Errno.BadAddress
  const call = begin(file, flags)
  if (call == null) return Errno.NoBufferSpace
  let result: i32 = controlOf(self, call, header)
  if (result == Errno.None) result = addressee(self, localOfFile(file)!, call, header.name.low as ptr, header.nameLength)
  scatterMany(call.bytes, messagePieces(message), message.count, message.bytes)
  if (result == Errno.None) result = localSend(localOfFile(file)!, call)
  return end(file, call, result)
}

function controlOf(self: Process, call: LocalCall, header: MessageHeader): i32 {
  if (header.controlLength.high != 0) return Errno.NoBufferSpace
  if (header.control.high != 0) return Errno.BadAddress
  return header.control.low == 0 ? Errno.None : controlRead(self, call, header.control.low as ptr, header.controlLength.low)
}

/**
 * Whom a message is for: the socket at the address of `length` bytes at `name`, into the call; nobody in particular if that is 0, or the
 * socket has sequenced packets. A stream is told that it is not asked. Errors: InvalidArgument, BadAddress, localFind's. May sleep.
 */
function addressee(self: Process, socket: LocalSocket, call: LocalCall, name: ptr, length: u32): i32 {
  if (name == 0 || length == 0 || socket.type == LocalType.SequencedPacket) return Errno.None
  if (socket.type == LocalType.Stream) return socket.peer == null ? Errno.NotSupported : Errno.IsConnected
  const read = localAddressRead(self, name, length)
  if (read != Errno.None) return read
  const fault = localAddressFault(localAddress(self), length)
  if (fault != Errno.None) return fault
  const found = localFind(self, socket.type, length)
  if (isError(found)) return errorOf(found)
  call.to = at<LocalSocket>(found as ptr)
  return Errno.None
}

// --- In. --------------------------------------------------------------------------------------------------

/** recvfrom(2), recv(2): what comes along is closed. Errors: localReceive's, and as localAddressWrite. May sleep. */
export function localRecvfrom(self: Process, file: OpenFile, to: ptr, room: u32, flags: u32, from: ptr, lengthAt: ptr): i32 {
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  const call = begin(file, flags)
  if (call == null) return Errno.NoBufferSpace
  scatterOne(call.bytes, to, room, false)
  const got = localReceive(localOfFile(file)!, call)
  const named: boolean = got >= 0 && from != 0
  let told: i32 = Errno.None
  if (named && call.from != null) told = localAddressWrite(self, from, lengthAt, call.from)
  else if (named) told = userStore32(lengthAt, 0)
  return end(file, call, told != Errno.None ? told : got)
}

/** recvmsg(2), whose header is at `to`. Errors: localReceive's, BadAddress. May sleep. */
export function localReceiveMessage(self: Process, file: OpenFile, message: Message, flags: u32, to: ptr): i32 {
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  if (message.header.name.high != 0 || message.header.control.high != 0) return Errno.BadAddress
  const call = begin(file, flags)
  if (call == null) return Errno.NoBufferSpace
  scatterMany(call.bytes, messagePieces(message), message.count, message.bytes)
  const got = localReceive(localOfFile(file)!, call)
  const told: i32 = got < 0 ? got : headerTell(self, localOfFile(file)!, call, message.header, to)
  return end(file, call, told != Errno.None ? told : got)
}

/** readv(2): as recvmsg, and nothing is told. */
export function localReceivePieces(file: OpenFile, message: Message): i32 {
  const call = begin(file, 0)
  if (call == null) return Errno.NoBufferSpace
  scatterMany(call.bytes, messagePieces(message), message.count, message.bytes)
  return end(file, call, localReceive(localOfFile(file)!, call))
}

/** Who sent it, what came along, and what else there is to say, into the caller's msghdr. */
function headerTell(self: Process, socket: LocalSocket, call: LocalCall, header: MessageHeader, to: ptr): i32 {
  const name = call.from
  const length: u32 = name == null ? 0 : localAddressLength(name)
  let used: i32 = 0
  if (header.control.low != 0) used = controlWrite(self, socket, call, header.control.low as ptr, controlRoom(header))
  else if (call.rights != null || socket.passCredentials) call.told |= CONTROL_TRUNCATED
  if (used < 0) return used
  if (header.name.low != 0) {
    const room: u32 = header.nameLength < length ? header.nameLength : length
    if (localAddressCopy(self, header.name.low as ptr, room, name) != Errno.None) return Errno.BadAddress
    if (userStore32(plus(to, offsetof<MessageHeader>('nameLength')), length) != Errno.None) return Errno.BadAddress
  }
  if (userStore32(plus(to, offsetof<MessageHeader>('controlLength')), used as number as u32) != Errno.None) return Errno.BadAddress
  if (userStore32(plus(to, offsetof<MessageHeader>('controlLength') + 4), 0) != Errno.None) return Errno.BadAddress
  return userStore32(plus(to, offsetof<MessageHeader>('flags')), call.told | (call.flags & CLOSE_ON_EXEC))
}

/** Ancillary data is never more than LOCAL_RIGHTS_LIMIT descriptors: more room than an i32 counts is as good. */
function controlRoom(header: MessageHeader): u32 {
  return header.controlLength.high != 0 || header.controlLength.low > MOST_ROOM ? MOST_ROOM : header.controlLength.low
}

const MOST_ROOM: u32 = 0x10000
