// The discard service over UDP: what comes to port 9 is thrown away, without an answer. RFC 863 p. 1. Main-loop
// context only.

import type { i32, ptr, u32 } from '../lib/layout.ts'
import { packetFree, type Packet } from '../drivers/net/packet.ts'
import type { NetInterface } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { udpBind, type UdpBinding } from '../net/udp/ports.ts'

/** IANA: discard. */
export const DISCARD_PORT: u32 = 9

let datagrams: u32 = 0

/** Start taking datagrams on UDP port 9. Errors: those of udpBind. */
export function discardServiceStart(): i32 {
  datagrams = 0
  return udpBind(DISCARD_PORT, discardDatagram, 0 as ptr)
}

/** How many came, modulo 2^32. */
export function discardCount(): u32 {
  return datagrams
}

function discardDatagram(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  datagrams += 1
  packetFree(packet)
}
