// The window that is advertised, and how it grows. RFC 9293 §3.8.6, RFC 7323 §2.3. Main-loop context only.

import { SOCKET_PACKET_SHARE } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import { packetsTotal } from '../../drivers/net/packet.ts'
import { receiveWindow, type TcpControlBlock } from './control-block.ts'
import { receiveSpace } from './receive-queue.ts'
import { rttSmoothed } from './rtt.ts'
import { seqPlus } from './sequence.ts'
import { tcpTuning } from './tuning.ts'

const WINDOW_FIELD: u32 = 0xffff

/** The shift that lets a buffer that has grown to its most be advertised whole: RFC 7323 §2.3. */
export function windowScale(): u32 {
  let shift: u32 = 0
  while ((WINDOW_FIELD << shift) < tcpTuning.receiveMost) shift += 1
  return shift
}

/**
 * SEG.WND for the next segment, scaled, and RCV.WND with it. It moves forward by half the buffer or a full segment at
 * least (RFC 9293 §3.8.6.2.2), and never back (§3.8.6).
 */
export function windowAdvertise(tcb: TcpControlBlock): u32 {
  const now: u32 = receiveWindow(tcb)
  const could: u32 = receiveSpace(tcb)
  const wanted: u32 = could > now && could - now >= windowStep(tcb) ? could : now
  let field: u32 = (wanted + (1 << tcb.rcvScale) - 1) >>> tcb.rcvScale
  if (field > WINDOW_FIELD) field = WINDOW_FIELD
  if ((field << tcb.rcvScale) > now) tcb.rcv.advertised = seqPlus(tcb.rcv.nxt, field << tcb.rcvScale)
  return field
}

/** The least step that is worth a word. */
function windowStep(tcb: TcpControlBlock): u32 {
  const half: u32 = tcb.receiveLimit >>> 1
  return tcb.largest < half ? tcb.largest : half
}

/** What could be advertised: what there is room for, as far as the field can say it. */
function windowPossible(tcb: TcpControlBlock): u32 {
  const space: u32 = receiveSpace(tcb)
  const most: u32 = WINDOW_FIELD << tcb.rcvScale
  return space < most ? space : most
}

/** Whether reading has made so much room that the peer should hear of it at once: two segments and a quarter of the buffer. */
export function windowWorthTelling(tcb: TcpControlBlock): boolean {
  const now: u32 = receiveWindow(tcb)
  const could: u32 = windowPossible(tcb)
  if (could <= now || could - now < windowStep(tcb)) return false
  return now < tcb.largest || could - now >= tcb.receiveLimit >>> 2
}

/**
 * `bytes` were read. Whoever reads more than half of the buffer in a round trip is held up by it: it doubles, up to
 * receiveMost of tuning.ts and an eighth of the packets sockets may hold, unless the user chose its size.
 */
export function windowTune(tcb: TcpControlBlock, bytes: u32): void {
  if (tcb.fixedReceive) return
  tcb.readBytes += bytes
  const period: u32 = rttSmoothed(tcb) / 1000 + 1
  if (nowMilliseconds() - tcb.readSince < period) return
  if (tcb.readBytes > tcb.receiveLimit >>> 1) tcb.receiveLimit = windowLimit(tcb.receiveLimit << 1, tcpTuning.receiveMost)
  tcb.readBytes = 0
  tcb.readSince = nowMilliseconds()
}

/** No more than `most`, nor than the packets there are should hold for one connection. */
export function windowLimit(wanted: u32, most: u32): u32 {
  const share: u32 = (packetsTotal() / SOCKET_PACKET_SHARE >>> 1) * 1024
  const limit: u32 = share < most ? share : most
  return wanted < limit ? wanted : limit
}
