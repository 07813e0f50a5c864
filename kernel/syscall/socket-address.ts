// Addresses of sockets in user memory: sockaddr_in. ip(7).

import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, wire, type Be, type Bytes, type Le, type i32, type ptr, type u16, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import type { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut, userLoad32, userLoaded, userStore32 } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'

export const enum Family { Unspecified = 0, Unix = 1, Inet = 2 }

/** struct sockaddr_in. ip(7) specification. */
@wire(16)
export class SocketAddress {
  family: Le<u16>
  port: Be<u16>
  address: Be<Ipv4Address>
  zero: Bytes<8>
}

/** Bytes of an address that is only a family: how connect is told to have no peer. */
const FAMILY_SIZE: u32 = 2

/** The address that the call at hand was given, in the caller's scratch until its next. */
export function socketAddress(self: Process): SocketAddress {
  return at<SocketAddress>(scratchRest(self))
}

/**
 * Copy an address of `length` bytes in. Errors: InvalidArgument (too short), AddressFamily (not IPv4; with `orNone` Unspecified is right,
 * and may be all there is), BadAddress. May sleep.
 */
export function socketAddressRead(self: Process, from: ptr, length: u32, orNone: boolean): i32 {
  const out = socketAddress(self)
  const whole: boolean = length >= sizeof<SocketAddress>()
  if (!whole && (!orNone || length < FAMILY_SIZE)) return Errno.InvalidArgument
  const error = userCopyIn(address(out), from, whole ? sizeof<SocketAddress>() : FAMILY_SIZE)
  if (error != Errno.None) return error
  if (orNone && out.family == Family.Unspecified) return Errno.None
  if (!whole) return Errno.InvalidArgument
  return out.family == Family.Inet ? Errno.None : Errno.AddressFamily
}

/**
 * Write an address to `to`, as much of it as the length at `lengthAt` has room for, and its length there. Errors: InvalidArgument,
 * BadAddress. May sleep.
 */
export function socketAddressWrite(self: Process, to: ptr, lengthAt: ptr, host: Ipv4Address, port: u32): i32 {
  const error = userLoad32(lengthAt)
  if (error != Errno.None) return error
  const room: u32 = userLoaded()
  if ((room as number as i32) < 0) return Errno.InvalidArgument
  if (socketAddressCopy(self, to, room, host, port) != Errno.None) return Errno.BadAddress
  return userStore32(lengthAt, sizeof<SocketAddress>())
}

/** Write up to `room` bytes of an address. Errors: BadAddress. May sleep. */
export function socketAddressCopy(self: Process, to: ptr, room: u32, host: Ipv4Address, port: u32): i32 {
  const out = socketAddress(self)
  zeroBytes(address(out), sizeof<SocketAddress>())
  out.family = Family.Inet
  out.port = port
  out.address = host
  return userCopyOut(to, address(out), room < sizeof<SocketAddress>() ? room : sizeof<SocketAddress>())
}
