// socketpair(2): two local sockets that are each other's peers. unix(7).

import { descriptorAllocate, descriptorClose } from '../../fs/descriptor.ts'
import { fileRelease, type OpenFile } from '../../fs/file.ts'
import { Open } from '../../fs/flags.ts'
import { Errno } from '../../lib/errno.ts'
import { address, at, sizeof, wire, type Le, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { userCopyOut } from '../../vm/user-copy.ts'
import { scratchRest } from '../scratch.ts'
import { Family } from '../socket-address.ts'
import { localNew, localNewFailure } from './calls.ts'
import { localPair } from './connect.ts'
import { localEnd } from './end.ts'
import { localFileCreate } from './file.ts'

/** `type` of socketpair(2): the type in four bits, and two flags. */
const TYPE_MASK: u32 = 0xf

/** The two descriptors as socketpair(2) tells them: int sv[2]. socketpair(2) specification. */
@wire(8)
class Descriptors {
  first: Le<i32>
  second: Le<i32>
}

/**
 * socketpair(2). Errors: AddressFamily and NotSupported (only AF_UNIX), SocketTypeNotSupported, InvalidArgument, ProtocolNotSupported,
 * TooManyFiles, FileTableFull, OutOfMemory, BadAddress. May sleep.
 */
export function sysSocketpair(self: Process, family: u32, type: u32, protocol: u32, to: ptr): i32 {
  if ((type & ~(TYPE_MASK | Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  if (family != Family.Unix) return family == Family.Inet ? Errno.NotSupported : Errno.AddressFamily
  const one = localNew(type & TYPE_MASK, protocol)
  if (one == null) return localNewFailure()
  const other = localNew(type & TYPE_MASK, protocol)
  if (other == null) {
    localEnd(one)
    return Errno.FileTableFull
  }
  localPair(one, other)
  const first = localFileCreate(one, type)
  const second = localFileCreate(other, type)
  if (first != null && second != null) return tell(self, first, second, (type & Open.CloseOnExec) != 0, to)
  if (first != null) fileRelease(first)
  if (second != null) fileRelease(second)
  return Errno.FileTableFull
}

/** Descriptors for both, and their numbers to the caller: all of it or nothing. */
function tell(self: Process, one: OpenFile, other: OpenFile, closeOnExec: boolean, to: ptr): i32 {
  const table = self.files.table
  const first = descriptorAllocate(table, one, 0, closeOnExec)
  if (first < 0) {
    fileRelease(one)
    fileRelease(other)
    return first
  }
  const second = descriptorAllocate(table, other, 0, closeOnExec)
  if (second < 0) {
    descriptorClose(table, first)
    fileRelease(other)
    return second
  }
  const out = at<Descriptors>(scratchRest(self))
  out.first = first
  out.second = second
  if (userCopyOut(to, address(out), sizeof<Descriptors>()) == Errno.None) return Errno.None
  descriptorClose(table, first)
  descriptorClose(table, second)
  return Errno.BadAddress
}
