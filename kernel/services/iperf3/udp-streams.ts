// Streams of datagrams: the client's are counted where they come in, the server's are sent by the clock. A stream is the
// address and port that a greeting came from. Main-loop context only.

import { IPERF3_DATAGRAM_BURST, SOCKET_SEND_RESERVE } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { increase64, load32, store32 } from '../../lib/intrinsics.ts'
import { sizeof, staticMemory, staticStruct, type i32, type u32 } from '../../lib/layout.ts'
import { packetAppend, packetFree, packetsFree, packetsTotal, type Packet } from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../../net/chain.ts'
import type { Ipv4Address } from '../../net/ipv4/address.ts'
import { Ipv4Sending } from '../../net/ipv4/output.ts'
import { pathFind } from '../../net/ipv4/route.ts'
import { messageBuffers, messageBuild } from '../../net/socket/build.ts'
import { UdpHeader } from '../../net/udp/header.ts'
import { udpAllocate, udpOutput, udpOutputWith } from '../../net/udp/output.ts'
import { datagramArrived, datagramNext, datagramTakeBack } from './datagram.ts'
import { paceAdvance, paceAllows, paceForfeit, paceSpend } from './pace.ts'
import { datagramHeaderLength, isPaced, type Parameters } from './parameters.ts'
import { IPERF3_PORT, UDP_HELLO, UDP_HELLO_BEFORE, UDP_WELCOME, UDP_WELCOME_BEFORE } from './protocol.ts'
import { streamsFirst, type Stream } from './stream.ts'

const GREETING_LENGTH: u32 = 4
const HEADER_ROOM: u32 = 16
const DATAGRAM_ROOM: u32 = 65_536

const sending = staticStruct<Ipv4Sending>()
const beginning = staticMemory(HEADER_ROOM, 8)
/** What is sent: a header, and zeros. */
const datagram = staticMemory(DATAGRAM_ROOM, 16)
/** Whose the last datagram was: so is the next, most of the time. */
let last: Stream | null = null

/** No stream is known. */
export function udpStreamsClear(): void {
  last = null
}

/** The stream of an address and port, or null. */
export function udpStreamFind(from: Ipv4Address, port: u32): Stream | null {
  if (last != null && last.remote == from && last.remotePort == port) return last
  let each = streamsFirst()
  while (each != null && (each.remote != from || each.remotePort != port)) each = each.next
  last = each
  return each
}

/** The word that answers a greeting, 0 if the datagram is none. */
export function udpGreetingAnswer(packet: Packet): u32 {
  if (chainLength(packet) != GREETING_LENGTH) return 0
  chainCopy(beginning, packet, GREETING_LENGTH)
  const word: u32 = load32(beginning, 0)
  if (word == UDP_HELLO) return UDP_WELCOME
  return word == UDP_HELLO_BEFORE ? UDP_WELCOME_BEFORE : 0
}

/** Answer a stream's greeting with a word, from the address that was greeted. */
export function udpStreamWelcome(stream: Stream, word: u32): void {
  const packet = udpAllocate()
  if (packet == null) return
  store32(packetAppend(packet, GREETING_LENGTH), 0, word)
  udpOutput(packet, stream.local, IPERF3_PORT, stream.remote, stream.remotePort) // counted where it fails
}

/** A datagram of a stream: counted, and freed. */
export function udpStreamReceive(stream: Stream, packet: Packet, p: Parameters): void {
  const length: u32 = chainLength(packet)
  const header: u32 = datagramHeaderLength(p)
  const whole: boolean = length >= header
  if (whole) chainCopy(beginning, packet, header)
  packetFree(packet)
  increase64(stream.bytes, length)
  if (whole) datagramArrived(stream.arrivals, beginning, p.wideCounts)
}

/** A millisecond has passed: send what the rate allows by now. True when something was sent. */
export function udpStreamTick(stream: Stream, p: Parameters): boolean {
  const paced: boolean = isPaced(p)
  let sent: u32 = 0
  if (paced) paceAdvance(stream.pace, p.rate)
  while (sent < IPERF3_DATAGRAM_BURST && (!paced || paceAllows(stream.pace, p.length))) {
    if (!sendOne(stream, p)) {
      if (paced) paceForfeit(stream.pace)
      return sent != 0
    }
    if (paced) paceSpend(stream.pace, p.length)
    sent += 1
  }
  return sent != 0
}

/** Send the next datagram; false if there is no room for it now, or no way. */
function sendOne(stream: Stream, p: Parameters): boolean {
  const path = pathFind(stream.remote)
  if (path == null) return false
  if (packetsFree() < messageBuffers(p.length, path.mtu) + packetsTotal() / SOCKET_SEND_RESERVE) return false
  datagramNext(stream.arrivals, datagram, p.wideCounts)
  const packet = messageBuild(datagram, p.length, sizeof<UdpHeader>(), path.mtu)
  let result: i32 = Errno.NoBufferSpace
  sending.dscpEcn = p.service
  if (packet != null) {
    result = udpOutputWith(path, packet, stream.local, IPERF3_PORT, stream.remote, stream.remotePort, sending)
  }
  if (result != Errno.None) datagramTakeBack(stream.arrivals)
  else increase64(stream.bytes, p.length)
  return result == Errno.None
}
