// Addresses of local sockets in user memory: sockaddr_un. unix(7).
//
//   length 2                 no name
//   path that begins with 0  abstract: all of its bytes, zeros too
//   else                     a path, up to its first zero

import { Errno } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import { address, at, offsetof, plus, sizeof, wire, type Bytes, type Le, type i32, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import { copyBytes, stringLengthBounded, zeroBytes } from '../../lib/memory.ts'
import type { Process } from '../../process/process.ts'
import { userCopyIn, userCopyOut, userLoad32, userLoaded, userStore32 } from '../../vm/user-copy.ts'
import { scratchRest } from '../scratch.ts'
import { Family } from '../socket-address.ts'
import { PATH_ROOM, type LocalName } from './name.ts'

/** struct sockaddr_un, with a zero behind the longest path. unix(7) specification. */
@wire(112)
export class LocalAddress {
  family: Le<u16>
  path: Bytes<108>
  end: Bytes<2>
}

/** Bytes of an address without a name. */
export const FAMILY_SIZE: u32 = 2
/** Of any address: struct sockaddr_storage. */
const STORAGE_SIZE: u32 = 128

/** The address that the call at hand was given, in the caller's scratch until its next. */
export function localAddress(self: Process): LocalAddress {
  return at<LocalAddress>(scratchRest(self))
}

/** Copy an address of `length` bytes in. InvalidArgument (too long, too short for a family), BadAddress. May sleep. */
export function localAddressRead(self: Process, from: ptr, length: u32): i32 {
  const out = localAddress(self)
  if (length < FAMILY_SIZE || length > STORAGE_SIZE) return Errno.InvalidArgument
  zeroBytes(address(out), sizeof<LocalAddress>())
  return userCopyIn(address(out), from, length < FAMILY_SIZE + PATH_ROOM ? length : FAMILY_SIZE + PATH_ROOM)
}

/** InvalidArgument for an address of `length` bytes that names nothing. */
export function localAddressFault(given: LocalAddress, length: u32): i32 {
  if (length <= FAMILY_SIZE || length > FAMILY_SIZE + PATH_ROOM || given.family != Family.Unix) return Errno.InvalidArgument
  return Errno.None
}

/** Whether it is an abstract one. */
export function isAbstract(given: LocalAddress): boolean {
  return load8(given.path, 0) == 0
}

/** Bytes of a path with its zero. */
export function pathLength(given: LocalAddress): u32 {
  return stringLengthBounded(given.path, PATH_ROOM) + 1
}

/** Bytes that the address of a socket with this name has. */
export function localAddressLength(name: LocalName | null): u32 {
  return name == null ? FAMILY_SIZE : FAMILY_SIZE + name.length
}

/** Write up to `room` bytes of the address of a socket with this name. BadAddress. May sleep. */
export function localAddressCopy(self: Process, to: ptr, room: u32, name: LocalName | null): i32 {
  const out = localAddress(self)
  const length = localAddressLength(name)
  out.family = Family.Unix
  if (name != null) copyBytes(plus(address(out), offsetof<LocalAddress>('path')), name.path, name.length)
  return userCopyOut(to, address(out), room < length ? room : length)
}

/** The same as the length at `lengthAt` has room for, and the whole length there. InvalidArgument, BadAddress. May sleep. */
export function localAddressWrite(self: Process, to: ptr, lengthAt: ptr, name: LocalName | null): i32 {
  const error = userLoad32(lengthAt)
  if (error != Errno.None) return error
  const room: u32 = userLoaded()
  if ((room as number as i32) < 0) return Errno.InvalidArgument
  const length = localAddressLength(name)
  if (localAddressCopy(self, to, room, name) != Errno.None) return Errno.BadAddress
  return userStore32(lengthAt, length)
}
