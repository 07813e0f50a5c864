// The echo service over UDP: what comes to port 7 goes back as it came. RFC 862 p. 1. Main-loop context only.
//
// Never answered: datagrams to a broadcast or multicast address, and those from a port that would answer the
// answer (echo 7, daytime 13, quote of the day 17, chargen 19, time 37; port 0 is nobody's). Two such services
// that were once made to talk to each other never stop: CERT CA-1996-01.

import { at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { Packet } from '../drivers/net/packet.ts'
import { LinkDestination } from '../net/ethernet/header.ts'
import type { NetInterface } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { Ipv4Header } from '../net/ipv4/header.ts'
import { Drop, drop } from '../net/stats.ts'
import { udpReflect } from '../net/udp/output.ts'
import { udpBind, type UdpBinding } from '../net/udp/ports.ts'

/** IANA: echo. */
export const ECHO_PORT: u32 = 7

/** Start answering on UDP port 7. Errors: those of udpBind. */
export function echoServiceStart(): i32 {
  return udpBind(ECHO_PORT, echoDatagram, 0 as ptr)
}

function echoDatagram(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  if (packet.linkDestination != LinkDestination.Us || answersByItself(fromPort)) return drop(packet, Drop.ServiceRefused)
  udpReflect(packet, at<Ipv4Header>(packet.networkHeader).destination, from) // counted where it fails
}

/** Ports whose services answer whatever they get. */
export function answersByItself(port: u32): boolean {
  return port == 0 || port == 7 || port == 13 || port == 17 || port == 19 || port == 37
}
