// How long segments are: what both ends take and what the path does, and how more is looked for when it seemed to take less.
// RFC 9293 §3.7.1, RFC 6691 §2, RFC 4821 §7. Main-loop context only.
//
// A probe is one segment that is longer than the others. If it arrives they are as long from then on; if nothing but the probe is
// lost it is sent again in segments as usual, and cwnd does not hear of it. First all that the ends take is tried, then the middle
// between what arrives and what does not.

import { PATH_MTU_AGE } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import { pathFind } from '../ipv4/route.ts'
import type { TcpControlBlock } from './control-block.ts'
import { TIMESTAMPS_SIZE } from './options.ts'
import { bufferIsLost } from './send-queue.ts'
import { seqAtMost, seqLess, seqPlus, type Seq } from './sequence.ts'
import { tcpCounters } from './stats.ts'
import { segmentAsked } from './transmit.ts'

/** No segment is cut smaller, whatever the peer says: the 68 bytes of RFC 791 §3.2, less the headers; Linux's TCP_MIN_SND_MSS. */
const LEAST_MSS: u32 = 48
/** IPv4's and TCP's fixed headers. */
export const HEADERS: u32 = 40
/** Probes of one length that are lost before it is believed: RFC 8899 §5.1.2, MAX_PROBES. */
const MOST_TRIES: u32 = 3
/** Milliseconds after one that was lost. */
const PAUSE: u32 = 1000
/** A search is over when it is this near: RFC 4821 §7.1. */
const NEAR: u32 = 32

/** The connection begins: segments are as long as the ends take, and the path, as far as is known. */
export function sizeStart(tcb: TcpControlBlock): void {
  tcb.mss = mssMost(tcb)
  tcb.search.wanted = tcb.mss < mssOf(tcb, segmentAsked(tcb))
}

/** Eff.snd.MSS: what the peer takes and the path does, less our options. RFC 9293 §3.7.1, RFC 6691 §2. */
function mssMost(tcb: TcpControlBlock): u32 {
  const asked: u32 = segmentAsked(tcb)
  const path = pathFind(tcb.remoteAddress)
  return mssOf(tcb, path != null && path.mtu < asked + HEADERS ? path.mtu - HEADERS : asked)
}

function mssOf(tcb: TcpControlBlock, room: u32): u32 {
  const mss: u32 = tcb.peerMss < room ? tcb.peerMss : room
  return (mss > LEAST_MSS ? mss : LEAST_MSS) - (tcb.timestamps ? TIMESTAMPS_SIZE : 0)
}

/** Segments are no longer than `mss` for now. */
export function sizeReduce(tcb: TcpControlBlock, mss: u32): void {
  const search = tcb.search
  tcb.mss = mss
  search.wanted = true
  search.end = search.start
  search.high = 0
  search.tries = 0
  search.triedAt = nowMilliseconds() - PAUSE
}

/** How long a probe should be now; 0: none is to be sent. RFC 4821 §7.3, §7.4. */
export function sizeProbe(tcb: TcpControlBlock): u32 {
  const search = tcb.search
  if (!search.wanted || search.start != search.end || !tcb.sackPermitted) return 0
  const over: boolean = search.high != 0 && search.high - tcb.mss <= NEAR
  if (nowMilliseconds() - search.triedAt < (over ? PATH_MTU_AGE : PAUSE)) return 0
  if (over) search.high = 0 // it may be another path by now: RFC 1191 §6.3
  const most: u32 = mssMost(tcb)
  if (most <= tcb.mss) {
    search.triedAt = nowMilliseconds()
    return 0
  }
  return search.high == 0 || search.high > most ? most : tcb.mss + ((search.high - tcb.mss) >>> 1)
}

/** A probe is on its way: `length` octets at `start`. */
export function sizeProbed(tcb: TcpControlBlock, start: Seq, length: u32): void {
  tcb.search.start = start
  tcb.search.end = seqPlus(start, length)
  tcpCounters.pathMtuProbes += 1
}

/** SND.UNA has moved: behind the probe, if there is one, it has arrived, and segments are as long from now on. RFC 4821 §7.6.1. */
export function sizeAcked(tcb: TcpControlBlock): void {
  const search = tcb.search
  if (search.start == search.end || !seqAtMost(search.end, tcb.snd.una)) return
  tcb.mss = search.end - search.start
  search.end = search.start
  search.tries = 0
  search.wanted = tcb.mss < mssOf(tcb, segmentAsked(tcb))
}

/** A buffer is sent again: if it was part of the probe, that is lost. RFC 4821 §7.6.2, §7.6.3. */
export function sizeAgain(tcb: TcpControlBlock, packet: Packet): void {
  const search = tcb.search
  if (!isOfProbe(tcb, packet)) return
  search.tries += 1
  search.triedAt = nowMilliseconds()
  if (search.tries >= MOST_TRIES) {
    search.high = search.end - search.start
    search.tries = 0
  }
  search.end = search.start
}

/** Whether all that is lost was in the probe: that is its length, and no congestion. RFC 4821 §7.6.2. */
export function sizeIsLost(tcb: TcpControlBlock): boolean {
  if (tcb.search.start == tcb.search.end) return false
  let left: u32 = tcb.lostBuffers
  let each = tcb.sendFirst
  while (each != null && each != tcb.sendNext && left != 0) {
    if (bufferIsLost(each)) {
      if (!isOfProbe(tcb, each)) return false
      left -= 1
    }
    each = each.next
  }
  return true
}

function isOfProbe(tcb: TcpControlBlock, packet: Packet): boolean {
  const seq = packet.owner as Seq
  return seqAtMost(tcb.search.start, seq) && seqLess(seq, tcb.search.end)
}
