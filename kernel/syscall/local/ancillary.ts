// Ancillary data in user memory: cmsghdr, SCM_RIGHTS, SCM_CREDENTIALS. cmsg(3), unix(7).
//
//   | length, its own 16 bytes included | level | type | data … | up to a multiple of 8 | the next header …

import { LOCAL_CONTROL_LIMIT, LOCAL_RIGHTS_LIMIT } from '../../config.ts'
import { descriptorAllocate, descriptorClose, descriptorFile } from '../../fs/descriptor.ts'
import { fileHold, fileRelease, type OpenFile } from '../../fs/file.ts'
import { Errno } from '../../lib/errno.ts'
import { load32 } from '../../lib/intrinsics.ts'
import { address, at, plus, sizeof, wire, type Embed, type Le, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import type { Process } from '../../process/process.ts'
import { userCopyIn, userCopyOut, userStore32 } from '../../vm/user-copy.ts'
import { scratchRest } from '../scratch.ts'
import type { LocalCall } from './call.ts'
import { UserCredentials, credentialsClaimFault, peerCredentialsSet } from './credentials.ts'
import { rightsAdd, rightsCreate, rightsFile, rightsRelease, type Rights } from './rights.ts'
import type { LocalSocket } from './socket.ts'

/** struct cmsghdr. cmsg(3) specification. */
@wire(16)
class ControlHeader {
  length: Le<u32>
  lengthHigh: Le<u32>
  level: Le<u32>
  type: Le<u32>
}

/** A header and credentials. unix(7) specification. */
@wire(28)
class CredentialsControl {
  header: Embed<ControlHeader>
  credentials: Embed<UserCredentials>
}

const SOL_SOCKET: u32 = 1
const enum Control { Rights = 1, Credentials = 2 }
/** MSG_CTRUNC: there was more than room. MSG_CMSG_CLOEXEC: descriptors are closed by execve. */
export const CONTROL_TRUNCATED: u32 = 8
export const CLOSE_ON_EXEC: u32 = 0x40000000

function aligned(n: u32): u32 {
  return (n + 7) & ~7
}

// --- Out. -------------------------------------------------------------------------------------------------

/**
 * Take in `length` bytes of ancillary data at `from` for a message to be sent: descriptors and credentials into the call. Errors:
 * NoBufferSpace (LOCAL_CONTROL_LIMIT, no memory), InvalidArgument, BadHandle, NotPermitted, NoSuchProcess, BadAddress. May sleep.
 */
export function controlRead(self: Process, call: LocalCall, from: ptr, length: u32): i32 {
  if (length < sizeof<ControlHeader>()) return Errno.None
  if (length > LOCAL_CONTROL_LIMIT) return Errno.NoBufferSpace
  const memory = heapAllocate(length)
  if (memory == 0) return Errno.NoBufferSpace
  let result: i32 = userCopyIn(memory, from, length)
  if (result == Errno.None) result = headersRead(self, call, memory, length)
  heapFree(memory)
  return result
}

function headersRead(self: Process, call: LocalCall, memory: ptr, length: u32): i32 {
  let offset: u32 = 0
  while (length - offset >= sizeof<ControlHeader>()) {
    const header = at<ControlHeader>(plus(memory, offset))
    const left: u32 = length - offset
    if (header.lengthHigh != 0 || header.length < sizeof<ControlHeader>() || header.length > left) return Errno.InvalidArgument
    const error: i32 = header.level == SOL_SOCKET ? headerRead(self, call, header, length >>> 2) : Errno.None
    if (error != Errno.None) return error
    if (aligned(header.length) >= left) return Errno.None
    offset += aligned(header.length)
  }
  return Errno.None
}

/** `room` descriptors there may be in all headers. */
function headerRead(self: Process, call: LocalCall, header: ControlHeader, room: u32): i32 {
  const data = plus(address(header), sizeof<ControlHeader>())
  const bytes: u32 = header.length - sizeof<ControlHeader>()
  switch (header.type) {
    case Control.Rights: return filesRead(self, call, data, bytes >>> 2, room)
    case Control.Credentials: return bytes == sizeof<UserCredentials>() ? claimRead(self, call, data) : Errno.InvalidArgument
    default: return Errno.InvalidArgument
  }
}

function filesRead(self: Process, call: LocalCall, numbers: ptr, count: u32, room: u32): i32 {
  const before: u32 = call.rights == null ? 0 : call.rights.count
  if (count > LOCAL_RIGHTS_LIMIT - before) return Errno.InvalidArgument
  if (count == 0) return Errno.None
  if (call.rights == null) call.rights = rightsCreate(room < LOCAL_RIGHTS_LIMIT ? room : LOCAL_RIGHTS_LIMIT)
  const rights = call.rights
  if (rights == null) return Errno.NoBufferSpace
  for (let i: u32 = 0; i < count; i++) {
    const file = descriptorFile(self.files.table, load32(numbers, i << 2) as number as i32)
    if (file == null) return Errno.BadHandle
    rightsAdd(rights, file)
  }
  return Errno.None
}

function claimRead(self: Process, call: LocalCall, data: ptr): i32 {
  const claimed = at<UserCredentials>(data)
  const fault = credentialsClaimFault(self, claimed)
  if (fault == Errno.None) peerCredentialsSet(call.credentials, claimed.pid, claimed.uid, claimed.gid)
  return fault
}

// --- In. --------------------------------------------------------------------------------------------------

/** What there is to say, into up to `room` bytes at `to`: bytes written, or BadAddress. What has no room is told in the call. May sleep. */
export function controlWrite(self: Process, socket: LocalSocket, call: LocalCall, to: ptr, room: u32): i32 {
  let used: i32 = 0
  if (socket.passCredentials) used = credentialsWrite(self, call, to, room)
  const rights = call.rights
  if (used < 0 || rights == null) return used
  call.rights = null
  const before = used as number as u32
  const written = filesWrite(self, call, rights, plus(to, before), room - before)
  return written < 0 ? written : used + written
}

/** Bytes that an entry of `length` takes of `room`. */
function spaceOf(length: u32, room: u32): i32 {
  return (aligned(length) < room ? aligned(length) : room) as number as i32
}

function credentialsWrite(self: Process, call: LocalCall, to: ptr, room: u32): i32 {
  const out = at<CredentialsControl>(scratchRest(self))
  const length: u32 = room < sizeof<CredentialsControl>() ? room : sizeof<CredentialsControl>()
  if (length < sizeof<CredentialsControl>()) call.told |= CONTROL_TRUNCATED
  if (length < sizeof<ControlHeader>()) return 0
  headerSet(out.header, length, Control.Credentials)
  out.credentials.pid = call.credentials.pid
  out.credentials.uid = call.credentials.uid
  out.credentials.gid = call.credentials.gid
  return userCopyOut(to, address(out), length) == Errno.None ? spaceOf(length, room) : Errno.BadAddress
}

function headerSet(header: ControlHeader, length: u32, type: Control): void {
  header.length = length
  header.lengthHigh = 0
  header.level = SOL_SOCKET
  header.type = type
}

/** Descriptors for as many files as there is room for; the others are closed. */
function filesWrite(self: Process, call: LocalCall, rights: Rights, to: ptr, room: u32): i32 {
  const all: u32 = rights.count
  const most: u32 = room <= sizeof<ControlHeader>() ? 0 : (room - sizeof<ControlHeader>()) >>> 2
  const closeOnExec = (call.flags & CLOSE_ON_EXEC) != 0
  let given: u32 = 0
  while (given < all && given < most) {
    if (!fileGive(self, rightsFile(rights, given), plus(to, sizeof<ControlHeader>() + (given << 2)), closeOnExec)) break
    given += 1
  }
  rightsRelease(rights)
  if (given < all) call.told |= CONTROL_TRUNCATED
  if (given == 0) return 0
  const header = at<ControlHeader>(scratchRest(self))
  const length: u32 = sizeof<ControlHeader>() + (given << 2)
  headerSet(header, length, Control.Rights)
  return userCopyOut(to, address(header), sizeof<ControlHeader>()) == Errno.None ? spaceOf(length, room) : Errno.BadAddress
}

/** A descriptor for one of the files, and its number to the caller; false, and nothing is changed. */
function fileGive(self: Process, file: OpenFile, to: ptr, closeOnExec: boolean): boolean {
  const descriptor = descriptorAllocate(self.files.table, fileHold(file), 0, closeOnExec)
  if (descriptor < 0) {
    fileRelease(file)
    return false
  }
  if (userStore32(to, descriptor as number as u32) == Errno.None) return true
  descriptorClose(self.files.table, descriptor)
  return false
}
