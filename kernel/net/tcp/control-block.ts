// The transmission control block: all that is known of one connection. RFC 9293 §3.3.1. Main-loop context only.
//
// Only data here, and words for it: who changes which part stands beside it. Times are milliseconds since boot unless
// they say microseconds; both wrap, and only differences are compared.

import { struct, type Bytes, type Embed, type Stored, type bool, type i32, type u16, type u32, type u8 } from '../../lib/layout.ts'
import type { Timer } from '../../lib/timer.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { Ipv4Sending } from '../ipv4/output.ts'
import type { Socket } from '../socket/socket.ts'
import type { Seq } from './sequence.ts'
import type { TcpState } from './state.ts'

/** What the sender is about. RFC 5681 §3, RFC 9937 §6. */
export const enum Phase { Open, Reduced, Recovery, Loss }

/** What the retransmission timer is started for. */
export const enum TimerUse { None, Retransmit, LossProbe, Reorder, Persist }

/** Who decides cwnd: RFC 9438 §4, RFC 6582 §3, or westwood.ts. */
export const enum CongestionControl { Cubic, NewReno, Westwood }

/** Of one buffer in the send queue, which is one segment: `packet.mark`. Last: of those that are handed down together. */
export const enum Mark { None = 0, Sacked = 1, Lost = 2, Retransmitted = 4, EverRetransmitted = 8, Last = 16 }

/** What a sender waits for: acknowledgments, the peer's window, its user whose buffer is too small for the path. */
export const enum Waiting { Nothing, Busy, Window, Buffer }

/** The send sequence variables of RFC 9293 §3.3.1. */
@struct
export class SendSequence {
  una: Seq // SND.UNA  oldest octet not yet acknowledged
  nxt: Seq // SND.NXT  next octet to send
  wnd: u32 // SND.WND  the peer's window, scale already applied
  wl1: Seq // SND.WL1  SEG.SEQ of the last window update
  wl2: Seq // SND.WL2  SEG.ACK of the last window update
  iss: Seq // ISS      initial send sequence number
  end: Seq // one past the last octet queued; a FIN comes there
  mostWindow: u32 // MAX.SND.WND: RFC 5961 §5.2
}

/** The receive sequence variables of RFC 9293 §3.3.1. */
@struct
export class ReceiveSequence {
  nxt: Seq // RCV.NXT  next octet expected
  advertised: Seq // RCV.NXT + RCV.WND as the peer was told: never moves back
  acked: Seq // Last.ACK.sent, RFC 7323 §4.3
  irs: Seq // IRS      initial receive sequence number
}

/** Congestion control: congestion.ts, cubic.ts, hystart.ts. Octets. */
@struct
export class Congestion {
  cwnd: u32
  ssthresh: u32
  recover: Seq // SND.NXT when the phase began
  flight: u32 // RecoverFS, RFC 9937 §6
  delivered: u32 // prr_delivered
  out: u32 // prr_out
  priorCwnd: u32 // before the phase, should it turn out to be a mistake
  priorSsthresh: u32
  wMax: u32 // W_max, RFC 9438 §4.1
  epoch: u32 // when congestion avoidance began; 0: it did not
  k: u32 // K, hundredths of a second
  estimate: u32 // W_est
  rate: u32 // octets a second, of Westwood+; this and what follows: westwood.ts
  rateOnce: u32 // filtered once
  counted: u32 // octets, for the next sample
  countedSince: u32 // milliseconds
  used: u32 // the most that was outstanding in it, if not
  usedUntil: Seq
  roundEnd: Seq // windowEnd; this and what follows: hystart.ts, microseconds
  roundLeast: u32 // currentRoundMinRTT; 0: none
  lastLeast: u32 // lastRoundMinRTT
  baseline: u32 // cssBaselineMinRtt
  phase: Stored<u8, Phase>
  control: Stored<u8, CongestionControl>
  limited: Stored<u8, bool> // cwnd was the reason that no more was sent, in what SND.NXT was usedUntil
  spurious: Stored<u8, bool> // F-RTO looks out for a timeout that was a mistake: RFC 5682 §3
  roundSamples: u8
  conservative: u8 // rounds of conservative slow start, with this one; 0: none
  reserved: Bytes<2>
}

/** RACK-TLP: rack.ts, probe.ts. RFC 8985 §5.2. Microseconds. */
@struct
export class Rack {
  sentAt: u32 // RACK.xmit_ts
  stamped: u32 // the latest time that a segment was said to be sent at: rackStamp
  end: Seq // RACK.end_seq
  rtt: u32
  least: u32 // RACK.min_RTT; 0: none
  leastAt: u32 // milliseconds
  highest: Seq // RACK.fack
  multiplier: u8 // RACK.reo_wnd_mult
  persist: u8
  reordered: Stored<u8, bool> // RACK.reordering_seen
  valid: Stored<u8, bool> // something was delivered
  dsackRound: Seq // one widening of the window a round trip
  guessed: Seq // SND.NXT when a timer last had something sent again
  probeEnd: Seq // TLP.end_seq
  probing: Stored<u8, bool>
  probeRepeats: Stored<u8, bool> // TLP.is_retrans
  used: Stored<u8, bool> // one probe until something new is sent or acknowledged
  reserved: u8
}

/** Looking for longer segments: segment-size.ts. */
@struct
export class SizeSearch {
  start: Seq // of the probe that is on its way
  end: Seq // the same: there is none
  triedAt: u32 // milliseconds: the last probe that was lost
  high: u16 // a length that the path does not take; 0: none is known
  tries: u8 // probes of one length that were lost
  wanted: Stored<u8, bool> // segments are shorter than the ends take
}

/** RTO: rtt.ts. RFC 6298 §2. */
@struct
export class RoundTrip {
  srtt: u32 // microseconds, scaled by 8; 0: nothing measured
  rttvar: u32 // microseconds, scaled by 4
  rto: u32 // milliseconds, doublings included
  startedAt: u32 // when the timer was last set, milliseconds
}

/** Octets that came before their turn, without a gap: early.ts. `left` the first, `right` one past the last. */
@struct
export class Island {
  next: Island | null // the one behind the gap that follows
  first: Packet
  last: Packet
  left: Seq
  right: Seq
}

/** What one connection did. Counters wrap at 2^32. */
@struct
export class TcpConnectionStats {
  segmentsIn: u32
  segmentsOut: u32
  retransmitted: u32
  timeouts: u32
  recoveries: u32
  outOfOrder: u32
  reordering: u32 // octets that one was overtaken by, at most
  busy: u32 // milliseconds that something was queued, and of these
  windowLimited: u32 // that the peer's window held it up
  bufferLimited: u32 // that all of it was sent, and cwnd and window had room for more than the buffer
}

@struct
export class TcpControlBlock {
  // Look-up: table.ts, listener.ts. Fixed when the block is made.
  hashNext: TcpControlBlock | null
  localAddress: Ipv4Address
  remoteAddress: Ipv4Address
  localPort: u16
  remotePort: u16
  socket: Socket | null // null: not accepted, or its user has closed it
  listener: Socket | null // until it is accepted: the socket that listens
  queueNext: TcpControlBlock | null // in the listener's queue
  queuePrevious: TcpControlBlock | null
  pendingNext: TcpControlBlock | null // has something to send at the end of the round: pending.ts
  pendingPrevious: TcpControlBlock | null

  // Everything below changes with each segment.
  snd: Embed<SendSequence>
  rcv: Embed<ReceiveSequence>

  // The send queue: send-queue.ts.
  sendFirst: Packet | null // holds SND.UNA
  sendLast: Packet | null
  sendNext: Packet | null // holds SND.NXT: the first one never sent
  sendLimit: u32 // octets
  pipe: u32 // octets believed to be on their way, RFC 6675 §2
  sackedBuffers: u32
  lostBuffers: u32 // to be sent again
  notSentLow: u32 // octets never sent from which on its user is to wait: tcp(7), TCP_NOTSENT_LOWAT
  smallEnd: Seq // end of the last segment that was less than full: Nagle

  // The receive queue: receive-queue.ts, early.ts.
  receiveFirst: Packet | null
  receiveLast: Packet | null
  early: Island | null // by sequence number
  receiveBytes: u32 // in order, not read
  receiveBuffers: u32 // of both queues
  receiveLimit: u32 // octets
  finSequence: Seq // of the peer's FIN, if finSeen
  sackLatest: Seq // in the block that is reported first
  earlyEnd: Seq // of the segment that came early last
  duplicateLeft: Seq // D-SACK to report, RFC 2883 §4; empty: none
  duplicateRight: Seq
  readBytes: u32 // read in this measurement: autotune.ts
  readSince: u32

  rtt: Embed<RoundTrip>
  congestion: Embed<Congestion>
  rack: Embed<Rack>
  search: Embed<SizeSearch>
  stats: Embed<TcpConnectionStats>

  // Timestamps, RFC 7323 §4.
  tsRecent: u32
  tsRecentAt: u32
  tsOffset: u32

  // Timers and what they count: timers.ts, retransmit.ts.
  retransmitTimer: Embed<Timer>
  ackTimer: Embed<Timer>
  burstTimer: Embed<Timer> // the rest of what may be sent: output.ts
  lifeTimer: Embed<Timer> // keep-alive, the wait for a FIN, the wait to be accepted
  burstAt: u32 // in this millisecond
  burst: u32 // so many octets were sent
  heldSince: u32 // when `waiting` began
  waitingSince: u32 // when the oldest octet without acknowledgment was sent, or the window closed
  receivedAt: u32 // the last segment
  sentAt: u32 // the last data
  progressAt: u32 // ARP was told that the next hop carries what is sent: progress.ts
  challengedAt: u32
  userTimeout: u32
  keepIdle: u32
  keepInterval: u32
  keepProbes: u8
  keepSent: u8
  backoff: u8 // doublings of the RTO, RFC 6298 §5.5
  timerUse: Stored<u8, TimerUse>

  error: i32 // why it ended; 0
  softError: i32 // what ICMP said, told if it ends: RFC 1122 §4.2.3.9
  sending: Embed<Ipv4Sending>
  mss: u16 // octets of data in a full segment, options taken off
  peerMss: u16 // what the peer said, RFC 9293 §3.7.1
  userMss: u16 // what the user allows, 0: anything
  largest: u16 // the largest segment that came: what "full-sized" means for its acknowledgment
  islands: u16 // in `early`
  unackedBytes: u16 // arrived in order since the last acknowledgment, up to 65,535
  state: Stored<u8, TcpState>
  dupAcks: u8 // RFC 5681 §3.2
  sndScale: u8 // RFC 7323 §2.2
  rcvScale: u8
  earlyAcks: u8 // of segments that came early, since one came in order
  quickAcks: u8 // acknowledgments that do not wait
  passive: Stored<u8, bool> // opened by its peer
  scaling: Stored<u8, bool>
  timestamps: Stored<u8, bool>
  sackPermitted: Stored<u8, bool>
  ecn: Stored<u8, bool> // asked for, then agreed on: RFC 3168 §6.1.1
  ecnEcho: Stored<u8, bool> // ECE until a CWR comes: RFC 3168 §6.1.3
  ecnReduced: Stored<u8, bool> // CWR on the next new data: RFC 3168 §6.1.2
  ackNow: Stored<u8, bool>
  pending: Stored<u8, bool> // in the list of pending.ts
  finQueued: Stored<u8, bool>
  finSent: Stored<u8, bool>
  finSeen: Stored<u8, bool>
  shutReceive: Stored<u8, bool> // the user reads no more
  fixedSend: Stored<u8, bool> // the user chose the size of the buffer
  fixedReceive: Stored<u8, bool>
  sendFull: Stored<u8, bool> // somebody was refused: woken when there is room
  noDelay: Stored<u8, bool>
  keepAlive: Stored<u8, bool>
  persisting: u8 // probes of a closed window
  cork: Stored<u8, bool> // the user has more to say: only full segments
  more: Stored<u8, bool> // likewise, of what was queued last: MSG_MORE
  push: Stored<u8, bool> // what waits for company goes
  finAlone: Stored<u8, bool> // the FIN was sent behind all data, not with it
  waiting: Stored<u8, Waiting>
  hold: Stored<u8, bool> // `more`, and no acknowledgment has come since
  reserved: u8
}

/** Whether a FIN of ours was acknowledged. */
export function finAcked(tcb: TcpControlBlock): boolean {
  return tcb.finSent && tcb.snd.una == tcb.snd.nxt
}

/** RCV.WND: what the peer may still send. */
export function receiveWindow(tcb: TcpControlBlock): u32 {
  return tcb.rcv.advertised - tcb.rcv.nxt
}

/** The state, for who looks again after a call: TypeScript believes that a field does not change in one. */
export function stateOf(tcb: TcpControlBlock): TcpState {
  return tcb.state
}

/** Likewise the phase. */
export function phaseOf(tcb: TcpControlBlock): Phase {
  return tcb.congestion.phase
}
