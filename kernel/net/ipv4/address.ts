// IPv4 addresses as numbers: 10.0.2.15 is 0x0a00020f. RFC 1122 §3.2.1.3. Pure functions: any context.

import { countLeadingZeros, storeBe32, store8 } from '../../lib/intrinsics.ts'
import type { ptr, u32 } from '../../lib/layout.ts'

/** An address with the first octet on top. */
export type Ipv4Address = u32

/** "This host on this network": RFC 1122 §3.2.1.3 (a). */
export const ADDRESS_ANY: u32 = 0
/** Limited broadcast, never forwarded: RFC 1122 §3.2.1.3 (c). */
export const ADDRESS_BROADCAST: u32 = 0xffffffff
/** 224.0.0.1, every host of the link, joined for ever: RFC 1112 §4. */
export const ADDRESS_ALL_HOSTS: u32 = 0xe0000001

/** 224.0.0.0/4. RFC 1112 §4. */
export function isMulticast(a: Ipv4Address): boolean {
  return (a & 0xf0000000) == 0xe0000000
}

/** 127.0.0.0/8, which is never on a wire: RFC 1122 §3.2.1.3 (g). */
export function isLoopback(a: Ipv4Address): boolean {
  return (a & 0xff000000) == 0x7f000000
}

/** 0.0.0.0/8. RFC 1122 §3.2.1.3 (a), (b). */
export function isThisNetwork(a: Ipv4Address): boolean {
  return (a & 0xff000000) == 0
}

/** 169.254.0.0/16, which is on one link only: RFC 3927 §2.1. */
export function isLinkLocal(a: Ipv4Address): boolean {
  return (a & 0xffff0000) == 0xa9fe0000
}

/** One host somewhere: what may be the address of an interface. 240.0.0.0/4 is not (RFC 1112 §4, class E). */
export function isUnicast(a: Ipv4Address): boolean {
  return a < 0xe0000000 && !isThisNetwork(a) && !isLoopback(a)
}

/** The netmask of a prefix of `length` bits, 0 to 32. */
export function maskOf(length: u32): Ipv4Address {
  if (length == 0) return 0
  return 0xffffffff << (32 - length)
}

/** The prefix length of a netmask; 33 if its ones are not contiguous (RFC 950 §2.2 lets them be; nobody else does). */
export function prefixOf(mask: Ipv4Address): u32 {
  const length: u32 = countLeadingZeros(mask ^ 0xffffffff)
  return maskOf(length) == mask ? length : 33
}

/** Write the Ethernet group of an IPv4 group at `mac`: 01:00:5e and the low 23 bits. RFC 1112 §6.4. */
export function macOfGroup(mac: ptr, group: Ipv4Address): void {
  storeBe32(mac, 0, 0x01005e00 | ((group >>> 16) & 0x7f))
  store8(mac, 4, (group >>> 8) & 0xff)
  store8(mac, 5, group & 0xff)
}

/**
 * Whether an address is usable as that of a host in a network: not its all-zeros and not its all-ones
 * (RFC 1122 §3.2.1.3), of which a /31 has none (RFC 3021 §2.1).
 */
export function isHostOf(a: Ipv4Address, length: u32): boolean {
  if (!isUnicast(a)) return false
  if (length >= 31) return true
  const host: u32 = a & (maskOf(length) ^ 0xffffffff)
  return host != 0 && host != (maskOf(length) ^ 0xffffffff)
}
