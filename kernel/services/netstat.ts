// What the console tells of sockets and connections, as netstat(8) and ss(8) do. Main-loop context.
//
//   netstat                               every socket that listens or takes datagrams, every connection, NETSTAT_LINES of each
//   netstat A.B.C.D:PORT A.B.C.D:PORT     all that is known of the connection between our end and its peer's
//   netstat totals                        what TCP did, all connections together, and the sockets

import { NETSTAT_LINES } from '../config.ts'
import { load8 } from '../lib/intrinsics.ts'
import { plus, staticStruct, struct, type cstring, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logIpv4Port, logStart, logText } from '../lib/log.ts'
import { stringLength } from '../lib/memory.ts'
import { addressIn } from '../net/config.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { IpProtocol } from '../net/ipv4/header.ts'
import { SocketState, SocketType, type Socket } from '../net/socket/socket.ts'
import { socketCounters, socketNext } from '../net/socket/table.ts'
import { CongestionControl, Phase, receiveWindow, type TcpControlBlock } from '../net/tcp/control-block.ts'
import { listenerOf } from '../net/tcp/listener.ts'
import { sendQueued, sendUnsent } from '../net/tcp/send-queue.ts'
import { TcpState } from '../net/tcp/state.ts'
import { tcpCounters } from '../net/tcp/stats.ts'
import { tcpFind, tcpNext } from '../net/tcp/table.ts'
import { timeWaitCount, timeWaitFind, timeWaitFirst, type TimeWait } from '../net/tcp/time-wait.ts'

/** One end of a connection, as text has it. */
@struct
class End {
  address: Ipv4Address
  port: u32
}

const COLON: u32 = 0x3a
const HIGHEST_PORT: u32 = 65_535
const NONE: u32 = 0xffffffff

const local = staticStruct<End>()
const remote = staticStruct<End>()

/** Everything there is, and how many lines were left out. */
export function netstatAll(): void {
  const left: u32 = sockets() + connections() + timeWaits()
  if (!logStart(Level.Info, 'console', 'netstat')) return
  logDecimal('sockets', socketCounters.open)
  logDecimal('connections', tcpCounters.currentConnections)
  logDecimal('time_wait', timeWaitCount())
  logDecimal('left_out', left)
  logEnd()
}

/** Those that are no connection. Returns how many were left out. */
function sockets(): u32 {
  let shown: u32 = 0
  let left: u32 = 0
  let each = socketNext(0)
  while (each != null) {
    const isConnection: boolean = each.type == SocketType.Stream && each.state != SocketState.Listening
    if (!isConnection && shown < NETSTAT_LINES) {
      shown += 1
      socketLine(each)
    } else if (!isConnection) left += 1
    each = socketNext(each.handle)
  }
  return left
}

function socketLine(socket: Socket): void {
  if (!logStart(Level.Info, 'console', 'socket')) return
  logText('protocol', protocolName(socket))
  const listening: boolean = socket.state == SocketState.Listening
  logText('state', listening ? 'LISTEN' : socket.state == SocketState.Connected ? 'CONNECTED' : 'UNCONNECTED')
  logIpv4Port('local', socket.localAddress, socket.localPort)
  logIpv4Port('remote', socket.remoteAddress, socket.remotePort)
  logDecimal('receive_queue', listening ? listenerOf(socket).made.count : socket.receiveBytes)
  logDecimal('send_queue', listening ? listenerOf(socket).backlog : 0)
  if (listening) logDecimal('being_made', listenerOf(socket).making.count)
  logEnd()
}

function protocolName(socket: Socket): cstring {
  switch (socket.type) {
    case SocketType.Stream: return 'tcp'
    case SocketType.Datagram: return 'udp'
    default: return socket.protocol == IpProtocol.Icmp ? 'icmp' : 'raw'
  }
}

function connections(): u32 {
  let shown: u32 = 0
  let each = tcpNext(null)
  while (each != null && shown < NETSTAT_LINES) {
    shown += 1
    connectionLine(each)
    each = tcpNext(each)
  }
  return tcpCounters.currentConnections - shown
}

function connectionLine(tcb: TcpControlBlock): void {
  if (!logStart(Level.Info, 'console', 'connection')) return
  ends(tcb)
  logEnd()
}

function ends(tcb: TcpControlBlock): void {
  logText('protocol', 'tcp')
  logText('state', tcpStateName(tcb.state))
  logIpv4Port('local', tcb.localAddress, tcb.localPort)
  logIpv4Port('remote', tcb.remoteAddress, tcb.remotePort)
  logDecimal('receive_queue', tcb.receiveBytes)
  logDecimal('send_queue', sendQueued(tcb))
}

function timeWaits(): u32 {
  let shown: u32 = 0
  let each = timeWaitFirst()
  while (each != null && shown < NETSTAT_LINES) {
    shown += 1
    timeWaitLine(each)
    each = each.next
  }
  return timeWaitCount() - shown
}

function timeWaitLine(entry: TimeWait): void {
  if (!logStart(Level.Info, 'console', 'connection')) return
  logText('protocol', 'tcp')
  logText('state', tcpStateName(TcpState.TimeWait))
  logIpv4Port('local', entry.localAddress, entry.localPort)
  logIpv4Port('remote', entry.remoteAddress, entry.remotePort)
  logEnd()
}

/** RFC 9293 §3.3.2. */
function tcpStateName(state: TcpState): cstring {
  switch (state) {
    case TcpState.Listen: return 'LISTEN'
    case TcpState.SynSent: return 'SYN-SENT'
    case TcpState.SynReceived: return 'SYN-RECEIVED'
    case TcpState.Established: return 'ESTABLISHED'
    case TcpState.FinWait1: return 'FIN-WAIT-1'
    case TcpState.FinWait2: return 'FIN-WAIT-2'
    case TcpState.CloseWait: return 'CLOSE-WAIT'
    case TcpState.Closing: return 'CLOSING'
    case TcpState.LastAck: return 'LAST-ACK'
    case TcpState.TimeWait: return 'TIME-WAIT'
    default: return 'CLOSED'
  }
}

/** The connection between two ends, each an address and a port. False if the texts are none, or there is none. */
export function netstatOne(localText: cstring, remoteText: cstring): boolean {
  if (!endIn(local, localText) || !endIn(remote, remoteText)) return false
  const tcb = tcpFind(local.address, local.port, remote.address, remote.port)
  const entry = timeWaitFind(local.address, local.port, remote.address, remote.port)
  if (tcb != null) detail(tcb)
  else if (entry != null) timeWaitLine(entry)
  return tcb != null || entry != null
}

/** 10.0.0.2:80 */
function endIn(end: End, text: cstring): boolean {
  const bytes = text as ptr
  const length: u32 = stringLength(text)
  let colon: u32 = 0
  while (colon < length && load8(bytes, colon) != COLON) colon += 1
  if (colon == length) return false
  end.address = addressIn(bytes, colon)
  end.port = portIn(plus(bytes, colon + 1), length - colon - 1)
  return end.address != 0 && end.port != NONE
}

function portIn(text: ptr, length: u32): u32 {
  let port: u32 = 0
  for (let i: u32 = 0; i < length; i++) {
    const digit: u32 = load8(text, i) - 0x30
    if (digit > 9 || port > HIGHEST_PORT) return NONE
    port = port * 10 + digit
  }
  return length == 0 || port > HIGHEST_PORT ? NONE : port
}

/** Three lines: its ends and queues; how it sends; what it did. */
function detail(tcb: TcpControlBlock): void {
  connectionLine(tcb)
  sending(tcb)
  if (!logStart(Level.Info, 'console', 'counters')) return
  logDecimal('segments_in', tcb.stats.segmentsIn)
  logDecimal('segments_out', tcb.stats.segmentsOut)
  logDecimal('retransmitted', tcb.stats.retransmitted)
  logDecimal('timeouts', tcb.stats.timeouts)
  logDecimal('recoveries', tcb.stats.recoveries)
  logDecimal('out_of_order', tcb.stats.outOfOrder)
  logDecimal('backoff', tcb.backoff)
  logDecimal('keep_alives', tcb.keepSent)
  logEnd()
}

function sending(tcb: TcpControlBlock): void {
  if (!logStart(Level.Info, 'console', 'sending')) return
  logText('control', controlName(tcb.congestion.control))
  logText('phase', phaseName(tcb.congestion.phase))
  logDecimal('cwnd', tcb.congestion.cwnd)
  logDecimal('ssthresh', tcb.congestion.ssthresh)
  logDecimal('pipe', tcb.pipe)
  logDecimal('unsent', sendUnsent(tcb))
  logDecimal('mss', tcb.mss)
  logDecimal('snd_wnd', tcb.snd.wnd)
  logDecimal('rcv_wnd', receiveWindow(tcb))
  logDecimal('srtt_us', tcb.rtt.srtt >>> 3)
  logDecimal('rttvar_us', tcb.rtt.rttvar >>> 2)
  logDecimal('min_rtt_us', tcb.rack.least)
  logDecimal('rto_ms', tcb.rtt.rto)
  logDecimal('sack', tcb.sackPermitted ? 1 : 0)
  logDecimal('timestamps', tcb.timestamps ? 1 : 0)
  logDecimal('ecn', tcb.ecn ? 1 : 0)
  logEnd()
}

function controlName(control: CongestionControl): cstring {
  switch (control) {
    case CongestionControl.Cubic: return 'cubic'
    case CongestionControl.NewReno: return 'newreno'
    default: return 'westwood'
  }
}

function phaseName(phase: Phase): cstring {
  switch (phase) {
    case Phase.Reduced: return 'reduced'
    case Phase.Recovery: return 'recovery'
    case Phase.Loss: return 'loss'
    default: return 'open'
  }
}

/** RFC 4022 §5's names where it has one. */
export function netstatTotals(): void {
  if (logStart(Level.Info, 'console', 'tcp')) {
    logDecimal('active_opens', tcpCounters.activeOpens)
    logDecimal('passive_opens', tcpCounters.passiveOpens)
    logDecimal('attempt_fails', tcpCounters.attemptFails)
    logDecimal('established_resets', tcpCounters.establishedResets)
    logDecimal('connections', tcpCounters.currentConnections)
    logDecimal('time_wait', timeWaitCount())
    logDecimal('segments_in', tcpCounters.segmentsIn)
    logDecimal('segments_out', tcpCounters.segmentsOut)
    logDecimal('retransmitted', tcpCounters.segmentsRetransmitted)
    logDecimal('errors_in', tcpCounters.errorsIn)
    logDecimal('resets_out', tcpCounters.resetsOut)
    logEnd()
  }
  recovery()
  if (!logStart(Level.Info, 'console', 'defence')) return
  logDecimal('cookies_sent', tcpCounters.cookiesSent)
  logDecimal('cookies_accepted', tcpCounters.cookiesAccepted)
  logDecimal('cookies_bad', tcpCounters.cookiesBad)
  logDecimal('listen_overflows', tcpCounters.listenOverflows)
  logDecimal('challenges', tcpCounters.challenges)
  logDecimal('challenges_limited', tcpCounters.challengesLimited)
  logDecimal('time_wait_reused', tcpCounters.timeWaitReused)
  logDecimal('time_wait_evicted', tcpCounters.timeWaitEvicted)
  logDecimal('no_memory', tcpCounters.noMemory)
  logEnd()
}

function recovery(): void {
  if (!logStart(Level.Info, 'console', 'recovery')) return
  logDecimal('timeouts', tcpCounters.timeouts)
  logDecimal('spurious_timeouts', tcpCounters.spuriousTimeouts)
  logDecimal('recoveries', tcpCounters.recoveries)
  logDecimal('loss_probes', tcpCounters.lossProbes)
  logDecimal('out_of_order', tcpCounters.outOfOrder)
  logDecimal('duplicates', tcpCounters.duplicates)
  logDecimal('delayed_acks', tcpCounters.delayedAcks)
  logDecimal('pure_acks', tcpCounters.pureAcks)
  logDecimal('window_probes', tcpCounters.windowProbes)
  logDecimal('keep_alives', tcpCounters.keepAlives)
  logDecimal('path_mtu_reduced', tcpCounters.pathMtuReduced)
  logDecimal('path_mtu_probes', tcpCounters.pathMtuProbes)
  logEnd()
}
