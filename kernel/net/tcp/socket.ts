// Stream sockets: what the socket core asks of a stream protocol (net/socket/stream.ts), answered by TCP. RFC 9293 §3.9.1,
// §3.10; tcp(7) and socket(7) where these leave it open. Nothing here waits. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import { address, at, plus, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { interfaceOwning } from '../interface.ts'
import { isLoopback, isUnicast, type Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol } from '../ipv4/header.ts'
import { PathKind, pathFind } from '../ipv4/route.ts'
import {
  MessageFlag, Shut, SocketEvent, SocketOption, SocketState, SocketType, type Socket, type SocketName,
} from '../socket/socket.ts'
import { socketMake, socketOf } from '../socket/table.ts'
import { socketMaySend, socketWake } from '../socket/wake.ts'
import { TcpControlBlock, TimerUse, stateOf } from './control-block.ts'
import { tcpAbort, tcpEnd, tcpRelease } from './end.ts'
import { DEFAULT_MSS, firstWindow, tcbStart, tcbTakeOptions } from './establish.ts'
import { finWaitStart, keepAliveStart } from './life.ts'
import { listenerMake, listenerOf, listenerSetBacklog, listenerUnmake, queueRemove } from './listener.ts'
import { tcpOutput } from './output.ts'
import { isFree, portAdd, portForBind, portForConnect, portListening, portRemove, portTaken } from './ports.ts'
import { receivePeek, receiveTake } from './receive-queue.ts'
import { ackSoon } from './receive.ts'
import { synSend } from './retransmit.ts'
import { sendAppend, sendHasRoom, sendRoom, sendUnsent } from './send-queue.ts'
import { seqPlus } from './sequence.ts'
import { TcpState, isSynchronized, maySend } from './state.ts'
import { tcpCounters } from './stats.ts'
import { tcpMake } from './table.ts'
import { timerFor } from './timer.ts'
import { EcnUse, tcpTuning } from './tuning.ts'
import { windowTune, windowWorthTelling } from './window.ts'

/** 127.0.0.1: what 0.0.0.0 as a destination means, as on Linux. RFC 1122 §3.2.1.3 lets nobody send to it. */
const LOOPBACK: Ipv4Address = 0x7f000001

/** The connection of a socket that does not listen; null: it has none. */
export function tcbOf(socket: Socket): TcpControlBlock | null {
  if (socket.state == SocketState.Listening || socket.protocolState == 0) return null
  return at<TcpControlBlock>(socket.protocolState)
}

/** A socket without connection and without port. */
export function streamOpen(socket: Socket): i32 {
  socket.state = SocketState.Closed
  socket.protocolState = 0 as ptr
  socket.localPort = 0
  socket.localAddress = 0
  socket.boundAddress = 0
  socket.remoteAddress = 0
  socket.remotePort = 0
  return Errno.None
}

/** Take a port. Errors: InvalidArgument (it has one, or is connected), AddressNotAvailable (not ours), AddressInUse. */
export function streamBind(socket: Socket, a: Ipv4Address, port: u32): i32 {
  if (socket.localPort != 0 || socket.state != SocketState.Closed || port > 0xffff) return Errno.InvalidArgument
  if (a != 0 && !isLoopback(a) && interfaceOwning(a) == null) return Errno.AddressNotAvailable
  const chosen: u32 = port != 0 ? port : portForBind()
  if (chosen == 0 || (port != 0 && portTaken(socket, a, port))) return Errno.AddressInUse
  socket.boundAddress = a
  socket.localAddress = a
  socket.localPort = chosen
  socket.portAsked = port != 0
  portAdd(socket)
  return Errno.None
}

/** Passive OPEN. Errors: InvalidArgument (a connection), AddressInUse (somebody listens there), NoSpace (TCP_LISTENER_LIMIT). */
export function streamListen(socket: Socket, backlog: u32): i32 {
  if (socket.state == SocketState.Listening) {
    listenerSetBacklog(listenerOf(socket), backlog)
    return Errno.None
  }
  if (socket.state != SocketState.Closed || socket.protocolState != 0) return Errno.InvalidArgument
  if (socket.localPort == 0) {
    const bound: i32 = streamBind(socket, 0, 0)
    if (bound != Errno.None) return bound
  }
  if (portListening(socket)) return Errno.AddressInUse
  return listenerMake(socket, backlog) != null ? Errno.None : Errno.NoSpace
}

/** The oldest connection that waits gets a socket. Errors: InvalidArgument (it does not listen), WouldBlock, FileTableFull, OutOfMemory. */
export function streamAccept(socket: Socket, name: SocketName | null): i32 {
  if (socket.state != SocketState.Listening) return Errno.InvalidArgument
  const listener = listenerOf(socket)
  const tcb = listener.made.first
  if (tcb == null) return Errno.WouldBlock
  const handle: i32 = socketMake(SocketType.Stream, IpProtocol.Tcp)
  if (handle < 0) return handle
  queueRemove(listener.made, tcb)
  tcb.listener = null
  attach(socketOf(handle as number as u32) as Socket, tcb, socket)
  if (name != null) {
    name.address = tcb.remoteAddress
    name.port = tcb.remotePort
  }
  return handle
}

/** A new socket for a connection, with the options of the one that listened. */
function attach(socket: Socket, tcb: TcpControlBlock, parent: Socket): void {
  socket.localAddress = tcb.localAddress
  socket.boundAddress = tcb.localAddress
  socket.localPort = tcb.localPort
  socket.remoteAddress = tcb.remoteAddress
  socket.remotePort = tcb.remotePort
  socket.reuseAddr = parent.reuseAddr
  socket.reusePort = parent.reusePort
  socket.noDelay = parent.noDelay
  socket.keepAlive = parent.keepAlive
  socket.congestionControl = parent.congestionControl
  socket.cork = parent.cork
  socket.abortOnClose = parent.abortOnClose
  socket.maximumSegment = parent.maximumSegment
  socket.userTimeout = parent.userTimeout
  socket.linger = parent.linger
  socket.notSentLow = parent.notSentLow
  socket.keepIdle = parent.keepIdle
  socket.keepInterval = parent.keepInterval
  socket.keepProbes = parent.keepProbes
  socket.receiveTimeout = parent.receiveTimeout
  socket.sendTimeout = parent.sendTimeout
  socket.receiveLimit = parent.receiveLimit
  socket.sendLimit = parent.sendLimit
  socket.sizesChosen = parent.sizesChosen
  socket.sending.dscpEcn = parent.sending.dscpEcn
  socket.sending.timeToLive = parent.sending.timeToLive
  socket.state = SocketState.Connected
  socket.protocolState = address(tcb)
  tcb.socket = socket
  if (stateOf(tcb) == TcpState.Established) keepAliveStart(tcb)
}

/**
 * Active OPEN: InProgress. Errors: IsConnected, Already, InvalidArgument (it listens; port 0; from 127/8 to elsewhere),
 * NetworkUnreachable, AddressNotAvailable (no port is free, or these ends have a connection), OutOfMemory.
 */
export function streamConnect(socket: Socket, a: Ipv4Address, port: u32): i32 {
  if (socket.state == SocketState.Connected) return Errno.IsConnected
  if (socket.state == SocketState.Connecting) return Errno.Already
  if (socket.state == SocketState.Listening || port == 0 || port > 0xffff) return Errno.InvalidArgument
  const to: Ipv4Address = a == 0 ? LOOPBACK : a
  const path = pathFind(to)
  if (path == null || (!isUnicast(to) && !isLoopback(to)) || path.kind == PathKind.Broadcast) return Errno.NetworkUnreachable
  const from: Ipv4Address = socket.boundAddress != 0 ? socket.boundAddress : path.source
  if (from == 0) return Errno.NetworkUnreachable
  if (isLoopback(from) && path.kind != PathKind.Local) return Errno.InvalidArgument // RFC 1122 §3.2.1.3 (g)
  const old = tcbOf(socket)
  if (old != null) tcpRelease(old)
  return begin(socket, from, to, port)
}

function begin(socket: Socket, from: Ipv4Address, to: Ipv4Address, port: u32): i32 {
  const mine: u32 = socket.localPort != 0 ? socket.localPort : portForConnect(from, to, port)
  if (mine == 0 || !isFree(from, mine, to, port)) return Errno.AddressNotAvailable
  const tcb = tcpMake(from, mine, to, port)
  if (tcb == null) return Errno.OutOfMemory
  if (socket.localPort == 0) {
    socket.localPort = mine
    portAdd(socket)
  }
  socket.localAddress = from
  socket.remoteAddress = to
  socket.remotePort = port
  socket.state = SocketState.Connecting
  socket.protocolState = address(tcb)
  socket.error = Errno.None
  tcpCounters.activeOpens += 1
  tcbStart(tcb)
  tcbTakeOptions(tcb, socket)
  tcb.socket = socket
  tcb.state = TcpState.SynSent
  tcb.ecn = tcpTuning.ecn == EcnUse.Ask
  tcb.rcv.advertised = seqPlus(tcb.rcv.nxt, firstWindow(tcb))
  synSend(tcb)
  timerFor(tcb, TimerUse.Retransmit, tcb.rtt.rto)
  return Errno.InProgress
}

/**
 * Queue bytes: how many were taken. Errors: NotConnected, WouldBlock (no room, or not connected yet), BrokenPipe (our side is
 * shut, or the connection has ended). RFC 9293 §3.10.2.
 */
export function streamSend(socket: Socket, data: ptr, length: u32, flags: u32): i32 {
  const tcb = tcbOf(socket)
  if (tcb == null) return socket.state == SocketState.Listening || socket.remotePort == 0 ? Errno.NotConnected : Errno.BrokenPipe
  const state: TcpState = stateOf(tcb)
  if (state == TcpState.SynSent || state == TcpState.SynReceived) return Errno.WouldBlock
  if (!maySend(state) || tcb.finQueued) return Errno.BrokenPipe
  if (length == 0) return 0
  const taken: u32 = queue(tcb, data, length)
  if (taken < length) tcb.sendFull = true
  if (taken == 0) return Errno.WouldBlock
  tcb.more = (flags & MessageFlag.More) != 0
  tcb.hold = tcb.more
  tcpOutput(tcb)
  increase64(socket.statistics.bytesSent, taken)
  increase64(socket.statistics.packetsSent, 1)
  return taken as number as i32
}

/** Queue as many as there is room for; full segments of them go meanwhile. */
function queue(tcb: TcpControlBlock, data: ptr, length: u32): u32 {
  let done: u32 = 0
  while (done < length) {
    if (done != 0) {
      tcb.hold = true
      tcb.more = true
      tcpOutput(tcb)
    }
    const room: u32 = sendRoom(tcb)
    const wanted: u32 = length - done < room ? length - done : room
    const taken: u32 = sendAppend(tcb, plus(data, done), wanted)
    done += taken
    if (taken == 0 || taken < wanted) break
  }
  return done
}

/**
 * Take bytes: how many; 0 when the peer has ended its stream. With MessageFlag.Truncate they are not copied, with Peek they stay.
 * Errors: NotConnected, WouldBlock, the error that ended the connection. RFC 9293 §3.10.3.
 */
export function streamReceive(socket: Socket, to: ptr, room: u32, flags: u32): i32 {
  const tcb = tcbOf(socket)
  if (tcb == null) return socket.remotePort == 0 || socket.state == SocketState.Listening ? Errno.NotConnected : 0
  if (tcb.receiveBytes == 0) return nothing(socket, tcb)
  if ((flags & MessageFlag.Peek) != 0) return receivePeek(tcb, to, room) as number as i32
  const taken: u32 = receiveTake(tcb, (flags & MessageFlag.Truncate) != 0 ? 0 as ptr : to, room)
  increase64(socket.statistics.bytesReceived, taken)
  increase64(socket.statistics.packetsReceived, 1)
  windowTune(tcb, taken)
  if (stateOf(tcb) != TcpState.Closed && windowWorthTelling(tcb)) ackSoon(tcb)
  return taken as number as i32
}

function nothing(socket: Socket, tcb: TcpControlBlock): i32 {
  const state: TcpState = stateOf(tcb)
  if (socket.error != Errno.None) {
    const error: i32 = socket.error
    socket.error = Errno.None
    increase64(socket.statistics.receiveErrors, 1)
    return error
  }
  if (state == TcpState.Closed || tcb.shutReceive || isEnded(state)) return 0
  return Errno.WouldBlock
}

/** Whether the peer's FIN was seen. */
function isEnded(state: TcpState): boolean {
  return state == TcpState.CloseWait || state == TcpState.LastAck || state == TcpState.Closing || state == TcpState.TimeWait
}

/** End one direction or both. Errors: NotConnected. RFC 9293 §3.10.4: what is queued is sent first. */
export function streamShutdown(socket: Socket, how: Shut): i32 {
  if (socket.state == SocketState.Listening) {
    if (how != Shut.Send) stopListening(socket)
    return Errno.None
  }
  const tcb = tcbOf(socket)
  if (tcb == null || socket.state != SocketState.Connected) return Errno.NotConnected
  if (how != Shut.Send) {
    tcb.shutReceive = true
    socket.shutReceive = true
  }
  if (how != Shut.Receive) {
    socket.shutSend = true
    finish(tcb)
  }
  socketWake(socket, SocketEvent.In | SocketEvent.Out | SocketEvent.HangUp | SocketEvent.PeerEnded)
  return Errno.None
}

/** A FIN behind what is queued. */
function finish(tcb: TcpControlBlock): void {
  switch (stateOf(tcb)) {
    case TcpState.Established:
      tcb.state = TcpState.FinWait1
      break
    case TcpState.CloseWait:
      tcb.state = TcpState.LastAck
      break
    default: return
  }
  tcb.finQueued = true
  tcpOutput(tcb)
}

function stopListening(socket: Socket): void {
  const listener = listenerOf(socket)
  let each = listener.making.first
  while (each != null) {
    tcpEnd(each, Errno.None)
    each = listener.making.first
  }
  each = listener.made.first
  while (each != null) {
    tcpAbort(each, Errno.None)
    each = listener.made.first
  }
  listenerUnmake(socket)
}

/**
 * The socket goes; its connection ends in good order by itself, or by a reset: if there was something unread (RFC 2525 §2.17), or its
 * user wants it so.
 */
export function streamClose(socket: Socket): void {
  if (socket.state == SocketState.Listening) stopListening(socket)
  const tcb = tcbOf(socket)
  if (tcb != null) leave(tcb, socket.abortOnClose)
  if (socket.portHeld) portRemove(socket)
  streamOpen(socket)
}

function leave(tcb: TcpControlBlock, abort: boolean): void {
  const state: TcpState = stateOf(tcb)
  if (state == TcpState.Closed) return tcpRelease(tcb)
  const unread: boolean = tcb.receiveBytes != 0
  if ((unread || abort) && state != TcpState.SynSent) {
    tcb.socket = null
    return tcpAbort(tcb, Errno.None)
  }
  if (state == TcpState.SynSent || state == TcpState.SynReceived) {
    tcb.socket = null
    return state == TcpState.SynSent ? tcpEnd(tcb, Errno.None) : tcpAbort(tcb, Errno.None)
  }
  finish(tcb)
  tcb.socket = null
  tcb.sendFull = false
  if (stateOf(tcb) == TcpState.FinWait2) finWaitStart(tcb)
}

/** What holds of the socket. poll(2), tcp(7). */
export function streamEvents(socket: Socket): u32 {
  if (socket.state == SocketState.Listening) return listenerOf(socket).made.count != 0 ? SocketEvent.In : SocketEvent.None
  const tcb = tcbOf(socket)
  if (tcb == null) return SocketEvent.Out | SocketEvent.HangUp
  const state: TcpState = stateOf(tcb)
  if (state == TcpState.Closed) return SocketEvent.In | SocketEvent.Out | SocketEvent.HangUp | SocketEvent.PeerEnded
  if (state == TcpState.SynSent || state == TcpState.SynReceived) return SocketEvent.None
  let events: u32 = SocketEvent.None
  const ended: boolean = isEnded(state) || tcb.shutReceive
  if (tcb.receiveBytes != 0 || ended) events |= SocketEvent.In
  if (ended) events |= SocketEvent.PeerEnded
  if (ended && tcb.finQueued) events |= SocketEvent.HangUp
  if (tcb.finQueued || hasRoom(socket, tcb)) events |= SocketEvent.Out
  return events
}

/** A third of the buffer is free, and so is a packet; if not, the socket is woken when it is. */
function hasRoom(socket: Socket, tcb: TcpControlBlock): boolean {
  if (!sendHasRoom(tcb) || sendUnsent(tcb) >= tcb.notSentLow) {
    tcb.sendFull = true
    return false
  }
  return socketMaySend(socket, 1)
}

/** Send what waits for company. */
function push(tcb: TcpControlBlock): void {
  if (!isSynchronized(stateOf(tcb))) return
  tcb.push = true
  tcpOutput(tcb)
  tcb.push = false
}

/** An option has a new value. */
export function streamOptionChanged(socket: Socket, option: SocketOption): void {
  const tcb = tcbOf(socket)
  if (tcb == null) return
  tcbTakeOptions(tcb, socket)
  switch (option) {
    case SocketOption.NoDelay: return push(tcb)
    case SocketOption.Cork:
      if (!socket.cork) push(tcb)
      return
    case SocketOption.KeepAlive: return keepAliveStart(tcb)
  }
}

/** Octets of a full segment. RFC 9293 §3.7.1: 536 until a peer has said more. */
export function streamSegment(socket: Socket): u32 {
  const tcb = tcbOf(socket)
  if (tcb != null && stateOf(tcb) != TcpState.SynSent && stateOf(tcb) != TcpState.Closed) return tcb.mss
  return socket.maximumSegment != 0 ? socket.maximumSegment : DEFAULT_MSS
}

/** Segments sent again so far, modulo 2^32. */
export function streamRetransmits(socket: Socket): u32 {
  const tcb = tcbOf(socket)
  return tcb != null ? tcb.stats.retransmitted : 0
}

/** Bytes that can be read now. */
export function streamAvailable(socket: Socket): u32 {
  const tcb = tcbOf(socket)
  return tcb != null ? tcb.receiveBytes : 0
}

/** Whether something that is queued, or the FIN, is not acknowledged. */
export function streamUnacknowledged(socket: Socket): boolean {
  const tcb = tcbOf(socket)
  if (tcb == null || !isSynchronized(stateOf(tcb))) return false
  return tcb.snd.una != tcb.snd.nxt || tcb.sendNext != null
}
