// RustOS's SocketAddress (`net/socket.rs`): an address and a port. Any context.

import { writeChar, writeDecimal, type TextWriter } from '../../lib/print.ts'
import { struct, type Embed, type ptr, type u32 } from '../../lib/layout.ts'
import { AddressKind, NetworkAddress } from './address.ts'

/** RustOS's, unused there and here: IPv4 is what there is. */
export const enum SocketDomain { IPv4, IPv6, Unix }

@struct
export class SocketAddress {
  address: Embed<NetworkAddress>
  port: u32

  /** RustOS's `new`. */
  init(address: NetworkAddress, port: u32): void {
    this.address.set(address)
    this.port = port & 0xffff
  }

  ipv4(a: u32, b: u32, c: u32, d: u32, port: u32): void {
    this.address.ipv4(a, b, c, d)
    this.port = port & 0xffff
  }

  ipv6(octets: ptr, port: u32): void {
    this.address.ipv6(octets)
    this.port = port & 0xffff
  }

  /** An IPv4 or IPv6 address; the port is not looked at. */
  isValid(): boolean {
    return this.address.kind != AddressKind.Mac
  }

  equals(other: SocketAddress): boolean {
    return this.port == other.port && this.address.equals(other.address)
  }

  /** `address:port`, without brackets around IPv6, as RustOS's Display. */
  write(writer: TextWriter): void {
    this.address.write(writer)
    writeChar(writer, 0x3a) // a colon
    writeDecimal(writer, this.port)
  }
}
