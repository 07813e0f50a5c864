// TCP_INFO as Linux lays it out, linux/tcp.h, up to tcpi_rehash: of a connection, what the stack knows; of the rest 0.
// Windows and what is in flight are in segments there, in octets here.

import { nowMilliseconds } from '../../kernel/lib/clock.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { multiplyHigh, store64 } from '../../kernel/lib/intrinsics.ts'
import { zeroBytes } from '../../kernel/lib/memory.ts'
import { at, sizeof, wire, type Bytes, type Le, type i32, type ptr, type u32, type u8 } from '../../kernel/lib/layout.ts'
import type { Packet } from '../../kernel/drivers/net/packet.ts'
import { SocketType } from '../../kernel/net/socket/socket.ts'
import { socketOf } from '../../kernel/net/socket/table.ts'
import { Mark, Phase, Waiting, receiveWindow, type TcpControlBlock } from '../../kernel/net/tcp/control-block.ts'
import { sendUnsent } from '../../kernel/net/tcp/send-queue.ts'
import { TcpState } from '../../kernel/net/tcp/state.ts'
import { segmentAsked } from '../../kernel/net/tcp/transmit.ts'

@wire(280)
class LinuxTcpInfo {
  state: u8
  congestionState: u8
  retransmits: u8
  probes: u8
  backoff: u8
  options: u8
  scales: u8 // ours in the upper four bits
  flags: u8
  rto: Le<u32> // microseconds, as all times here but the four `last…`
  ato: Le<u32>
  sendMss: Le<u32>
  receiveMss: Le<u32>
  unacked: Le<u32>
  sacked: Le<u32>
  lost: Le<u32>
  retrans: Le<u32>
  fackets: Le<u32>
  lastDataSent: Le<u32> // milliseconds ago
  lastAckSent: Le<u32>
  lastDataReceived: Le<u32>
  lastAckReceived: Le<u32>
  pmtu: Le<u32>
  receiveThreshold: Le<u32>
  rtt: Le<u32>
  rttVariance: Le<u32>
  sendThreshold: Le<u32>
  sendWindow: Le<u32>
  advertisedMss: Le<u32>
  reordering: Le<u32>
  receiveRtt: Le<u32>
  receiveSpace: Le<u32>
  totalRetrans: Le<u32>
  rates: Bytes<16>
  bytesAcked: Bytes<8>
  bytesReceived: Bytes<8>
  segmentsOut: Le<u32>
  segmentsIn: Le<u32>
  notSentBytes: Le<u32>
  leastRtt: Le<u32>
  dataSegmentsIn: Le<u32>
  dataSegmentsOut: Le<u32>
  deliveryRate: Bytes<8>
  busyTime: Bytes<8>
  windowLimited: Bytes<8>
  bufferLimited: Bytes<8>
  delivered: Bytes<36>
  peerWindow: Le<u32>
  ourWindow: Le<u32>
  rehash: Le<u32>
  newer: Bytes<40> // what Linux has added since
}

/** tcpi_options. */
const enum InfoOption { Timestamps = 1, Sack = 2, WindowScale = 4, Ecn = 8 }
/** tcpi_ca_state. */
const enum InfoPhase { Open, Disorder, Reduced, Recovery, Loss }

const UNLIMITED: u32 = 0x7fffffff
/** RFC 5681 §3.2: the duplicates that mean a loss; RACK makes nothing of more. */
const DUPLICATES: u32 = 3

/** Bytes that linuxTcpInfo writes. */
export function linuxTcpInfoSize(): u32 {
  return sizeof<LinuxTcpInfo>()
}

/** TCP_INFO of a socket, at `out`. Errors: BadHandle, ProtocolOption (no stream). */
export function linuxTcpInfo(handle: u32, out: ptr): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  if (socket.type != SocketType.Stream) return Errno.ProtocolOption
  zeroBytes(out, sizeof<LinuxTcpInfo>())
  const info = at<LinuxTcpInfo>(out)
  info.state = linuxState(TcpState.Closed)
  if (socket.protocolState == 0) return Errno.None
  const tcb = at<TcpControlBlock>(socket.protocolState)
  describe(info, tcb)
  describeQueue(info, tcb)
  describeTimes(info, tcb)
  return Errno.None
}

/** include/net/tcp_states.h's numbers. */
function linuxState(state: TcpState): u32 {
  switch (state) {
    case TcpState.Established: return 1
    case TcpState.SynSent: return 2
    case TcpState.SynReceived: return 3
    case TcpState.FinWait1: return 4
    case TcpState.FinWait2: return 5
    case TcpState.TimeWait: return 6
    case TcpState.CloseWait: return 8
    case TcpState.LastAck: return 9
    case TcpState.Listen: return 10
    case TcpState.Closing: return 11
    default: return 7
  }
}

function describe(info: LinuxTcpInfo, tcb: TcpControlBlock): void {
  info.state = linuxState(tcb.state)
  info.congestionState = phaseOf(tcb)
  info.backoff = tcb.backoff
  info.probes = tcb.persisting
  info.options = (tcb.timestamps ? InfoOption.Timestamps : 0) | (tcb.sackPermitted ? InfoOption.Sack : 0) |
    (tcb.scaling ? InfoOption.WindowScale : 0) | (tcb.ecn ? InfoOption.Ecn : 0)
  info.scales = (tcb.rcvScale << 4) | tcb.sndScale
  info.sendMss = tcb.mss
  info.receiveMss = tcb.largest
  info.sendWindow = segments(tcb.congestion.cwnd, tcb.mss)
  info.sendThreshold = tcb.congestion.ssthresh > UNLIMITED >>> 1 ? UNLIMITED : segments(tcb.congestion.ssthresh, tcb.mss)
  info.advertisedMss = segmentAsked(tcb)
  const overtaken: u32 = segments(tcb.stats.reordering, tcb.mss) + 1
  info.reordering = overtaken > DUPLICATES ? overtaken : DUPLICATES
  info.totalRetrans = tcb.stats.retransmitted
  info.segmentsOut = tcb.stats.segmentsOut
  info.segmentsIn = tcb.stats.segmentsIn
  info.notSentBytes = sendUnsent(tcb)
  info.peerWindow = tcb.snd.wnd
  info.ourWindow = receiveWindow(tcb)
}

function phaseOf(tcb: TcpControlBlock): InfoPhase {
  switch (tcb.congestion.phase) {
    case Phase.Reduced: return InfoPhase.Reduced
    case Phase.Recovery: return InfoPhase.Recovery
    case Phase.Loss: return InfoPhase.Loss
    default: return tcb.sackedBuffers != 0 || tcb.dupAcks != 0 ? InfoPhase.Disorder : InfoPhase.Open
  }
}

function segments(octets: u32, mss: u32): u32 {
  return octets / (mss == 0 ? 1 : mss)
}

/** What of the send queue was sent: every buffer is a segment. */
function describeQueue(info: LinuxTcpInfo, tcb: TcpControlBlock): void {
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext) {
    const mark: u32 = each.mark
    info.unacked += 1
    if ((mark & Mark.Sacked) != 0) info.sacked += 1
    else if ((mark & Mark.Lost) != 0) info.lost += 1
    if ((mark & Mark.Retransmitted) != 0) info.retrans += 1
    each = each.next
  }
}

function describeTimes(info: LinuxTcpInfo, tcb: TcpControlBlock): void {
  const now: u32 = nowMilliseconds()
  info.rto = tcb.rtt.rto * 1000
  info.rtt = tcb.rtt.srtt >>> 3
  info.rttVariance = tcb.rtt.rttvar >>> 2
  info.leastRtt = tcb.rack.least
  describeWaiting(info, tcb, now - tcb.heldSince)
  info.lastDataSent = now - tcb.sentAt
  info.lastDataReceived = now - tcb.receivedAt
  info.lastAckReceived = now - tcb.receivedAt
}

/** What it waited for in all; `since`, milliseconds, goes on. */
function describeWaiting(info: LinuxTcpInfo, tcb: TcpControlBlock, since: u32): void {
  const stats = tcb.stats
  milliseconds(info.busyTime, stats.busy + (tcb.waiting != Waiting.Nothing ? since : 0))
  milliseconds(info.windowLimited, stats.windowLimited + (tcb.waiting == Waiting.Window ? since : 0))
  milliseconds(info.bufferLimited, stats.bufferLimited + (tcb.waiting == Waiting.Buffer ? since : 0))
}

/** 64 bits of microseconds. */
function milliseconds(out: ptr, value: u32): void {
  store64(out, 0, value * 1000, multiplyHigh(value, 1000))
}
