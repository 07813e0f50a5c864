// Answers to segments that belong to no connection. RFC 9293 §3.5.2, §3.5.3, §3.10.7.1. Main-loop context only.

import { plus, staticMemory, type u32 } from '../../lib/layout.ts'
import { TcpFlag } from './header.ts'
import { NO_SCALE, mssWrite, synOptionsWrite, timestampsWrite } from './options.ts'
import { segment, segmentHas, segmentOptions, segmentSpace } from './segment.ts'
import { seqPlus, type Seq } from './sequence.ts'
import { segmentRoom, segmentTransmitBare } from './transmit.ts'

const options = staticMemory(40)

/** A reset for the segment at hand, unless it is one itself. RFC 9293 §3.10.7.1. */
export function answerReset(): void {
  if (segmentHas(TcpFlag.Rst)) return
  if (segmentHas(TcpFlag.Ack)) return bare(segment.ack, 0 as Seq, TcpFlag.Rst, 0, 0)
  bare(0 as Seq, seqPlus(segment.seq, segmentSpace()), TcpFlag.Rst | TcpFlag.Ack, 0, 0)
}

/** An acknowledgment for the segment at hand, from what is left of a connection. */
export function answerAck(seq: Seq, ack: Seq, window: u32, timestamps: boolean, value: u32, echo: u32): void {
  const length: u32 = timestamps ? timestampsWrite(options, value, echo) : 0
  bare(seq, ack, TcpFlag.Ack, window, length)
}

/** A SYN+ACK that nothing here remembers: `seq` is a cookie, `value` the timestamp. RFC 4987 §3.6. */
export function answerSyn(seq: Seq, window: u32, shift: u32, value: u32): void {
  let length: u32 = mssWrite(options, segmentRoom(segment.remoteAddress))
  if (segmentOptions.hasTimestamps) { // a cookie has no room for the rest: it is in the timestamp
    const scale: u32 = segmentOptions.hasScale ? shift : NO_SCALE
    length += synOptionsWrite(plus(options, length), segmentOptions.sackPermitted, true, value, segmentOptions.value, scale)
  }
  bare(seq, seqPlus(segment.seq, 1), TcpFlag.Syn | TcpFlag.Ack, window, length)
}

function bare(seq: Seq, ack: Seq, flags: u32, window: u32, length: u32): void {
  segmentTransmitBare(
    segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort,
    seq, ack, flags, window, options, length,
  )
}
