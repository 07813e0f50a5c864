// What was given to be sent and is not acknowledged: a list of buffers, each of which is one segment. RFC 9293 §3.8.
//
//   SND.UNA                     SND.NXT                 SND.END
//      | sent, waiting for ACKs    | never sent            |
//      [buffer][buffer][buffer]    [buffer][buffer][buffer]
//       sendFirst                   sendNext      sendLast
//
// The caller's bytes are copied once, into these buffers. They are sent as views of the buffers (`packetShare`), so a card
// may still read what is acknowledged meanwhile. Of a buffer `owner` is the sequence number of its first octet,
// `stamp` when it was last sent (microseconds), `mark` what is known of it. Main-loop context only.

import { PACKET_BUFFER_SIZE } from '../../config.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import {
  packetAllocate, packetAlone, packetAppend, packetFree, packetLength, packetShare, packetStrip, packetTailRoom, packetTrim,
  type Packet,
} from '../../drivers/net/packet.ts'
import { HEAD_ROOM } from '../ipv4/transmit.ts'
import { socketMaySend } from '../socket/wake.ts'
import { Mark, type TcpControlBlock } from './control-block.ts'
import { TCP_HEADER_LIMIT } from './header.ts'
import { seqAtMost, seqPlus, type Seq } from './sequence.ts'

/** Room in front of the data of a buffer: it may be sent in its own buffer, headers before it. */
export const SEND_ROOM: u32 = HEAD_ROOM + TCP_HEADER_LIMIT

/** What a full segment takes of memory: a packet buffer, and an eighth of that for what describes it. */
export const SEGMENT_COST: u32 = PACKET_BUFFER_SIZE / 8 * 9
/** Octets handed over at once, at most: what one packet holds (segment.ts). */
const CHUNK_LIMIT: u32 = 0xffff - 120

/** Octets queued, sent or not. */
export function sendQueued(tcb: TcpControlBlock): u32 {
  const first = tcb.sendFirst
  return first == null ? 0 : tcb.snd.end - (first.owner as Seq)
}

/** Octets never sent. */
export function sendUnsent(tcb: TcpControlBlock): u32 {
  const next = tcb.sendNext
  return next == null ? 0 : tcb.snd.end - (next.owner as Seq)
}

/** One past the last octet of a buffer. */
export function bufferEnd(packet: Packet): Seq {
  return seqPlus(packet.owner as Seq, packetLength(packet))
}

/** Octets of a buffer that count as being on their way. RFC 6675 §4, SetPipe. */
export function bufferPipe(packet: Packet): u32 {
  const mark: u32 = packet.mark
  if ((mark & Mark.Sacked) != 0) return 0
  const length: u32 = packetLength(packet)
  const original: u32 = (mark & Mark.Lost) != 0 ? 0 : length
  return (mark & Mark.Retransmitted) != 0 ? original + length : original
}

/** Whether a buffer is to be sent again: lost, and not on its way again. */
export function bufferIsLost(packet: Packet): boolean {
  return (packet.mark & (Mark.Lost | Mark.Retransmitted | Mark.Sacked)) == Mark.Lost
}

/** Change what is known of a buffer that was sent; the counts that depend on it follow. */
export function bufferMark(tcb: TcpControlBlock, packet: Packet, set: u32, clear: u32): void {
  uncount(tcb, packet)
  packet.mark = (packet.mark & ~clear) | set
  count(tcb, packet)
}

/** A buffer that was sent counts. */
function count(tcb: TcpControlBlock, packet: Packet): void {
  tcb.pipe += bufferPipe(packet)
  if ((packet.mark & Mark.Sacked) != 0) tcb.sackedBuffers += 1
  if (bufferIsLost(packet)) tcb.lostBuffers += 1
}

function uncount(tcb: TcpControlBlock, packet: Packet): void {
  tcb.pipe -= bufferPipe(packet)
  if ((packet.mark & Mark.Sacked) != 0) tcb.sackedBuffers -= 1
  if (bufferIsLost(packet)) tcb.lostBuffers -= 1
}

/** The next buffer was sent for the first time. */
export function sendAdvance(tcb: TcpControlBlock, packet: Packet): void {
  packet.mark &= Mark.Last
  count(tcb, packet)
  tcb.sendNext = packet.next
  tcb.snd.nxt = bufferEnd(packet)
}

/** What is queued takes of the limit: a twelfth more than its octets, for headers. */
function sendCost(tcb: TcpControlBlock): u32 {
  const octets: u32 = sendQueued(tcb)
  return octets + octets / 12
}

/** Whether a third of the limit is free: who was refused is not told before. */
export function sendHasRoom(tcb: TcpControlBlock): boolean {
  return sendCost(tcb) <= tcb.sendLimit - tcb.sendLimit / 3
}

/**
 * Octets that may be queued now; after that it is to be asked again. The limits are looked at for each chunk, which is then taken
 * whole, so that segments are full: half of the peer's window, one packet and the limit itself at most. What is whole is not handed
 * down together with what comes behind it. socket(7), SO_SNDBUF.
 */
export function sendRoom(tcb: TcpControlBlock): u32 {
  const unsent: u32 = sendUnsent(tcb)
  const chunk: u32 = chunkOf(tcb)
  const begun: u32 = unsent % chunk
  if (begun != 0) return chunk - begun
  if (sendCost(tcb) >= tcb.sendLimit || unsent >= tcb.notSentLow) return 0
  if (tcb.sendLast != null) tcb.sendLast.mark |= Mark.Last
  return chunk
}

function chunkOf(tcb: TcpControlBlock): u32 {
  const half: u32 = tcb.snd.mostWindow >>> 1
  let most: u32 = half < CHUNK_LIMIT ? half : CHUNK_LIMIT
  if (most > tcb.sendLimit) most = tcb.sendLimit
  return most < tcb.mss ? tcb.mss : most - most % tcb.mss
}

/**
 * Queue up to `wanted` bytes, in buffers of at most a full segment: how many were taken, less for want of packets; the socket is
 * woken when there are some again.
 */
export function sendAppend(tcb: TcpControlBlock, data: ptr, wanted: u32): u32 {
  let done: u32 = 0
  while (done < wanted) {
    const buffer = bufferWithRoom(tcb)
    if (buffer == null) break
    const space: u32 = bufferRoom(tcb, buffer)
    const here: u32 = wanted - done < space ? wanted - done : space
    copyBytes(packetAppend(buffer, here), plus(data, done), here)
    tcb.snd.end = seqPlus(tcb.snd.end, here)
    done += here
  }
  return done
}

/** What still goes into a buffer: up to a full segment. */
function bufferRoom(tcb: TcpControlBlock, packet: Packet): u32 {
  const length: u32 = packetLength(packet)
  const left: u32 = length < tcb.mss ? tcb.mss - length : 0
  const room: u32 = packetTailRoom(packet)
  return left < room ? left : room
}

/** The last buffer, if it was never sent and has room, or a new one; null when there are too few packets. */
function bufferWithRoom(tcb: TcpControlBlock): Packet | null {
  const last = tcb.sendLast
  const unsent: boolean = last != null && tcb.sendNext != null
  if (last != null && unsent && packetAlone(last) && bufferRoom(tcb, last) != 0) return last
  const socket = tcb.socket
  if (socket == null || !socketMaySend(socket, 1)) return null
  const buffer = packetAllocate(SEND_ROOM)
  if (buffer == null) return null
  buffer.owner = tcb.snd.end
  if (last == null) tcb.sendFirst = buffer
  else last.next = buffer
  tcb.sendLast = buffer
  if (tcb.sendNext == null) tcb.sendNext = buffer
  return buffer
}

/**
 * Cut a buffer in two behind its first `length` octets; nothing is copied. False when there are too many views of
 * buffers: then it is as it was.
 */
export function bufferSplit(tcb: TcpControlBlock, packet: Packet, length: u32): boolean {
  const rest = packetShare(packet, length, packetLength(packet) - length)
  if (rest == null) return false
  const sent: boolean = seqAtMost(bufferEnd(packet), tcb.snd.nxt)
  if (sent) uncount(tcb, packet)
  rest.owner = seqPlus(packet.owner as Seq, length)
  rest.mark = packet.mark
  packet.mark &= ~Mark.Last
  rest.stamp = packet.stamp
  rest.next = packet.next
  packet.next = rest
  packetTrim(packet, length)
  if (tcb.sendLast == packet) tcb.sendLast = rest
  if (!sent) return true
  count(tcb, packet)
  count(tcb, rest)
  return true
}

/** Take the first buffer, all of which was acknowledged, off the queue. The packet is the caller's. */
export function sendTake(tcb: TcpControlBlock, packet: Packet): void {
  uncount(tcb, packet)
  tcb.sendFirst = packet.next
  if (packet.next == null) tcb.sendLast = null
  packet.next = null
}

/** The first `length` octets of the first buffer were acknowledged, the others were not. */
export function sendStrip(tcb: TcpControlBlock, packet: Packet, length: u32): void {
  uncount(tcb, packet)
  packetStrip(packet, length)
  packet.owner = seqPlus(packet.owner as Seq, length)
  count(tcb, packet)
}

/** Give up everything. */
export function sendClear(tcb: TcpControlBlock): void {
  let each: Packet | null = tcb.sendFirst
  while (each != null) {
    const following: Packet | null = each.next
    packetFree(each)
    each = following
  }
  tcb.sendFirst = null
  tcb.sendLast = null
  tcb.sendNext = null
  tcb.pipe = 0
  tcb.sackedBuffers = 0
  tcb.lostBuffers = 0
}
