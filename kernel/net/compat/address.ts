// RustOS's NetworkAddress and Protocol (`net/mod.rs`). An address of any family is 20 bytes, a tag and 16 bytes,
// those that the family does not use zero: two addresses are equal if their bytes are. Pure functions: any context.

import { load8, loadBe32, storeBe32 } from '../../lib/intrinsics.ts'
import { copyBytes, equalBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, sizeof, struct, type Bytes, type Stored, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { writeChar, writeHexDigits, writeIpv4, writeMac, type TextWriter } from '../../lib/print.ts'
import type { Ipv4Address } from '../ipv4/address.ts'

/** The variant of an address, in RustOS's order, which is also how addresses sort. */
export const enum AddressKind { IPv4, IPv6, Mac }

/** IANA, protocol numbers: those RustOS names. */
export const enum Protocol { ICMP = 1, TCP = 6, UDP = 17, IPv6inIPv4 = 41, GRE = 47, ICMPv6 = 58 }

/**
 * The protocol of a number, or 0 for one that is none of RustOS's. RustOS makes an unknown one TCP; a packet of an
 * unknown protocol is none here (RFC 1122 §3.2.2.1).
 */
export function protocolFrom(number: u32): u32 {
  switch (number) {
    case Protocol.ICMP:
    case Protocol.TCP:
    case Protocol.UDP:
    case Protocol.IPv6inIPv4:
    case Protocol.GRE:
    case Protocol.ICMPv6:
      return number
    default:
      return 0
  }
}

@struct
export class NetworkAddress {
  kind: Stored<u32, AddressKind>
  octets: Bytes<16> // the first 4, 16 or 6 are used

  /** Make this the IPv4 address a.b.c.d. */
  ipv4(a: u32, b: u32, c: u32, d: u32): void {
    this.setIpv4(((a & 0xff) << 24) | ((b & 0xff) << 16) | ((c & 0xff) << 8) | (d & 0xff))
  }

  /** Make this the IPv4 address that the stack holds as a number. */
  setIpv4(a: Ipv4Address): void {
    this.clear(AddressKind.IPv4)
    storeBe32(this.octets, 0, a)
  }

  /** Make this the IPv6 address whose 16 bytes are at `from`. */
  ipv6(from: ptr): void {
    this.clear(AddressKind.IPv6)
    copyBytes(this.octets, from, 16)
  }

  /** Make this the link address whose 6 bytes are at `from`. */
  mac(from: ptr): void {
    this.clear(AddressKind.Mac)
    copyBytes(this.octets, from, 6)
  }

  clear(kind: AddressKind): void {
    this.kind = kind
    zeroBytes(this.octets, 16)
  }

  /** Make this what `from` is. */
  set(from: NetworkAddress): void {
    copyBytes(address(this), address(from), sizeof<NetworkAddress>())
  }

  get isIpv4(): boolean { return this.kind == AddressKind.IPv4 }
  get isMac(): boolean { return this.kind == AddressKind.Mac }
  /** The number that the stack holds an IPv4 address as; of another family, nothing that means anything. */
  get asIpv4(): Ipv4Address { return loadBe32(this.octets, 0) }

  /** 255.255.255.255 or ff:ff:ff:ff:ff:ff; never IPv6, never the broadcast address of a subnet. */
  isBroadcast(): boolean {
    if (this.kind == AddressKind.IPv4) return loadBe32(this.octets, 0) == 0xffffffff
    if (this.kind != AddressKind.Mac) return false
    for (let i: u32 = 0; i < 6; i++) {
      if (load8(this.octets, i) != 0xff) return false
    }
    return true
  }

  /** IPv4 224.0.0.0/4, IPv6 ff00::/8, or a link address with the group bit, broadcast included. */
  isMulticast(): boolean {
    const first: u32 = load8(this.octets, 0)
    if (this.kind == AddressKind.IPv4) return (first & 0xf0) == 0xe0
    if (this.kind == AddressKind.IPv6) return first == 0xff
    return (first & 1) != 0
  }

  equals(other: NetworkAddress): boolean {
    return equalBytes(address(this), address(other), sizeof<NetworkAddress>())
  }

  /** -1, 0 or 1 as this sorts before, with or after the other: by variant, then by bytes. */
  compare(other: NetworkAddress): i32 {
    if (this.kind != other.kind) return this.kind < other.kind ? -1 : 1
    for (let i: u32 = 0; i < 16; i++) {
      const a: u32 = load8(this.octets, i)
      const b: u32 = load8(other.octets, i)
      if (a != b) return a < b ? -1 : 1
    }
    return 0
  }

  /** As RustOS's Display: dotted; eight groups of four digits, never `::`; six pairs with colons. */
  write(writer: TextWriter): void {
    if (this.kind == AddressKind.IPv4) return writeIpv4(writer, loadBe32(this.octets, 0))
    if (this.kind == AddressKind.Mac) return writeMac(writer, this.octets)
    for (let i: u32 = 0; i < 16; i += 2) {
      if (i != 0) writeChar(writer, 0x3a) // a colon
      writeHexDigits(writer, load8(this.octets, i), 2)
      writeHexDigits(writer, load8(this.octets, i + 1), 2)
    }
  }
}

/** The prefix length of a mask as RustOS counts it: the leading ones. */
export function leadingOnes(mask: NetworkAddress): u32 {
  let ones: u32 = 0
  for (let i: u32 = 0; i < 4; i++) {
    let bit: u32 = 0x80
    const octet: u32 = load8(mask.octets, i)
    while (bit != 0 && (octet & bit) != 0) {
      ones += 1
      bit = bit >> 1
    }
    if (bit != 0) return ones
  }
  return ones
}
