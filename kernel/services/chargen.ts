// The character generator service over UDP: each datagram to port 19 is answered with one of 0 to 512 printable
// characters, whatever it holds. RFC 864 p. 1. Main-loop context only.
//
// As the echo service it does not answer broadcasts, groups, nor ports that would answer the answer. Its answers are
// longer than their questions, which makes it a reflector for forged ones (CERT TA14-017A): it runs only when asked for.

import { store8 } from '../lib/intrinsics.ts'
import { at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { random32 } from '../lib/random.ts'
import { packetAppend, packetFree, type Packet } from '../drivers/net/packet.ts'
import { LinkDestination } from '../net/ethernet/header.ts'
import type { NetInterface } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { Ipv4Header } from '../net/ipv4/header.ts'
import { Drop, drop } from '../net/stats.ts'
import { udpAllocate, udpOutput } from '../net/udp/output.ts'
import { udpBind, type UdpBinding } from '../net/udp/ports.ts'
import { answersByItself } from './echo.ts'

/** IANA: chargen. */
export const CHARGEN_PORT: u32 = 19
/** RFC 864 p. 1: "a random number (between 0 and 512) of characters". */
const LONGEST: u32 = 512
/** The pattern of RFC 864 p. 2: lines of 72, each beginning one character further on in the 95 that print. */
const LINE: u32 = 72
const LINE_WITH_END: u32 = 74
const PRINTING: u32 = 95
const SPACE: u32 = 0x20
const RETURN: u32 = 0x0d
const NEWLINE: u32 = 0x0a

let firstCharacter: u32 = 0

/** Start answering on UDP port 19. Errors: those of udpBind. */
export function chargenServiceStart(): i32 {
  firstCharacter = 0
  return udpBind(CHARGEN_PORT, chargenDatagram, 0 as ptr)
}

function chargenDatagram(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  if (packet.linkDestination != LinkDestination.Us || answersByItself(fromPort)) return drop(packet, Drop.ServiceRefused)
  const ours: Ipv4Address = at<Ipv4Header>(packet.networkHeader).destination
  packetFree(packet)
  const answer = udpAllocate()
  if (answer == null) return
  const length: u32 = random32() % (LONGEST + 1)
  chargenFill(packetAppend(answer, length), length, firstCharacter)
  firstCharacter = (firstCharacter + 1) % PRINTING
  udpOutput(answer, ours, CHARGEN_PORT, from, fromPort) // counted where it fails
}

/** Write `length` characters of the pattern, from the line that begins with the `first`th printing character on. */
export function chargenFill(to: ptr, length: u32, first: u32): void {
  for (let i: u32 = 0; i < length; i++) {
    const column: u32 = i % LINE_WITH_END
    let character: u32 = SPACE + (first + i / LINE_WITH_END + column) % PRINTING
    if (column == LINE) character = RETURN
    if (column == LINE + 1) character = NEWLINE
    store8(to, i, character)
  }
}
