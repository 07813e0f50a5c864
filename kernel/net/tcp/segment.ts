// The segment that is being looked at: SEG.SEQ and the other variables of RFC 9293 §3.3.1, read once from a packet.
// There is one at a time: segments are taken one after another, and none is sent up from within another. Main-loop context.

import { at, sizeof, staticStruct, struct, type ptr, type u32 } from '../../lib/layout.ts'
import { packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { chainLength } from '../chain.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { ECN_CONGESTION, ECN_MASK, Ipv4Header } from '../ipv4/header.ts'
import { TcpFlag, TcpHeader } from './header.ts'
import { TcpOptions, optionsRead } from './options.ts'
import type { Seq } from './sequence.ts'

@struct
export class TcpSegment {
  remoteAddress: Ipv4Address
  localAddress: Ipv4Address
  remotePort: u32
  localPort: u32
  seq: Seq // SEG.SEQ
  ack: Seq // SEG.ACK
  window: u32 // SEG.WND, not scaled
  flags: u32 // TcpFlag bits
  length: u32 // octets of data, SYN and FIN not counted
  congestion: u32 // 1: marked "congestion experienced" on its way, RFC 3168 §5
}

/** The segment, and its options, from segmentRead on until the next. */
export const segment = staticStruct<TcpSegment>()
export const segmentOptions = staticStruct<TcpOptions>()

/** Read a segment whose header is at `head` and without fault; the header is stripped. */
export function segmentRead(packet: Packet): void {
  const tcp = at<TcpHeader>(packet.head)
  const ip = at<Ipv4Header>(packet.networkHeader)
  const header: u32 = tcp.headerLength
  segment.remoteAddress = ip.source
  segment.localAddress = ip.destination
  segment.remotePort = tcp.sourcePort
  segment.localPort = tcp.destinationPort
  segment.seq = tcp.sequence
  segment.ack = tcp.acknowledgment
  segment.window = tcp.window
  segment.flags = tcp.flags
  segment.congestion = (ip.dscpEcn & ECN_MASK) == ECN_CONGESTION ? 1 : 0
  optionsRead(segmentOptions, optionsOf(packet), header - sizeof<TcpHeader>())
  packetStrip(packet, header)
  segment.length = chainLength(packet)
}

function optionsOf(packet: Packet): ptr {
  return (packet.head + sizeof<TcpHeader>()) as ptr
}

/** Whether a control bit is set. */
export function segmentHas(flag: TcpFlag): boolean {
  return (segment.flags & flag) != 0
}

/** SEG.LEN: octets of sequence space, SYN and FIN included. RFC 9293 §3.4. */
export function segmentSpace(): u32 {
  let space: u32 = segment.length
  if ((segment.flags & TcpFlag.Syn) != 0) space += 1
  if ((segment.flags & TcpFlag.Fin) != 0) space += 1
  return space
}
