// RustOS's TCP operations (`net/tcp.rs`): connections named by their four ends. They are the stack's: what is opened here has a
// socket like any other, and what sockets opened is found here. Main-loop context only.
//
// Differences, docs/compat.md: a SYN carries the sequence number that is remembered, only listeners are connected to,
// ports in use are skipped, and TcpConnection shows what the stack does instead of doing it by itself.

import { Errno } from '../../lib/errno.ts'
import { at, address, struct, type Embed, type i32, type u32 } from '../../lib/layout.ts'
import { socketBind, socketClose, socketConnect, socketCreate, socketListen } from '../socket/api.ts'
import { SocketType } from '../socket/socket.ts'
import { socketOf } from '../socket/table.ts'
import { TcpControlBlock, receiveWindow } from '../tcp/control-block.ts'
import { listenerFind } from '../tcp/listener.ts'
import { rttSmoothed } from '../tcp/rtt.ts'
import { TcpState, mayReceive, maySend } from '../tcp/state.ts'
import { tcpFind } from '../tcp/table.ts'
import { timeWaitFind } from '../tcp/time-wait.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

/** RustOS ignores the backlog; this many connections wait at most. */
const BACKLOG: u32 = 128

/** RustOS's `TcpConnection`: the stack's block under its names. Read only. */
@struct
export class TcpConnection {
  tcb: Embed<TcpControlBlock>

  get state(): TcpState { return this.tcb.state }
  get sendSequence(): u32 { return this.tcb.snd.nxt }
  get sendAck(): u32 { return this.tcb.snd.una }
  get recvSequence(): u32 { return this.tcb.rcv.nxt }
  get recvAck(): u32 { return this.tcb.rcv.acked }
  get sendWindow(): u32 { return this.tcb.snd.wnd }
  get recvWindow(): u32 { return receiveWindow(this.tcb) }
  get mss(): u32 { return this.tcb.mss }
  /** Milliseconds. */
  get rtt(): u32 { return rttSmoothed(this.tcb) / 1000 }
  get cwnd(): u32 { return this.tcb.congestion.cwnd }
  get ssthresh(): u32 { return this.tcb.congestion.ssthresh }
  /** Milliseconds. */
  get retransmitTimeout(): u32 { return this.tcb.rtt.rto }
  get retransmitCount(): u32 { return this.tcb.backoff }
  get userTimeout(): u32 { return this.tcb.userTimeout }
  get duplicateAcks(): u32 { return this.tcb.dupAcks }
  get sackEnabled(): boolean { return this.tcb.sackPermitted }
  get timestampsEnabled(): boolean { return this.tcb.timestamps }
  get windowScale(): u32 { return this.tcb.sndScale }
}

/** Whether the user may send in a state. */
export function canSendData(state: TcpState): boolean { return maySend(state) }
/** Whether data may still come. */
export function canRecvData(state: TcpState): boolean { return mayReceive(state) }
/** Neither CLOSED nor TIME-WAIT. */
export function isActive(state: TcpState): boolean { return state != TcpState.Closed && state != TcpState.TimeWait }

/** The state after the user's CLOSE. RFC 9293 §3.10.4. */
export function onClose(state: TcpState): TcpState {
  switch (state) {
    case TcpState.Established: return TcpState.FinWait1
    case TcpState.CloseWait: return TcpState.LastAck
    default: return state
  }
}

/** The connection with these ends; null: none. */
export function tcpGetConnection(local: NetworkAddress, localPort: u32, remote: NetworkAddress, remotePort: u32): TcpConnection | null {
  if (!local.isIpv4 || !remote.isIpv4) return null
  const tcb = tcpFind(local.asIpv4, localPort, remote.asIpv4, remotePort)
  return tcb != null ? at<TcpConnection>(address(tcb)) : null
}

/**
 * Begin to connect: the ephemeral port that was taken; the connection is SYN-SENT. Errors: InvalidAddress (not IPv4, `local` not
 * an address of this host), NetworkUnreachable, InvalidArgument (port 0), InsufficientMemory. Nothing is left after one.
 */
export function tcpConnect(local: NetworkAddress, remote: NetworkAddress, remotePort: u32): NetworkResult {
  if (!local.isIpv4 || !remote.isIpv4) return NetworkError.InvalidAddress
  const handle: i32 = socketCreate(SocketType.Stream, 0)
  if (handle < 0) return networkErrorOf(handle)
  const id = handle as number as u32
  let result: i32 = local.asIpv4 != 0 ? socketBind(id, local.asIpv4, 0) : 0
  if (result == 0) result = socketConnect(id, remote.asIpv4, remotePort)
  const socket = socketOf(id)
  if (result == Errno.InProgress && socket != null) return socket.localPort as number as i32
  socketClose(id)
  return networkErrorOf(result)
}

/** Listen on an address and port. Errors: InvalidAddress (not IPv4, not ours), AddressInUse, InsufficientMemory. */
export function tcpListen(local: NetworkAddress, port: u32): NetworkResult {
  if (!local.isIpv4) return NetworkError.InvalidAddress
  const handle: i32 = socketCreate(SocketType.Stream, 0)
  if (handle < 0) return networkErrorOf(handle)
  const id = handle as number as u32
  let result: i32 = socketBind(id, local.asIpv4, port)
  if (result == 0) result = socketListen(id, BACKLOG)
  if (result != 0) socketClose(id)
  return networkErrorOf(result)
}

/**
 * CLOSE: ESTABLISHED and CLOSE-WAIT send a FIN, a listener (remote 0.0.0.0:0) and SYN-SENT are gone at once, what is closing
 * already goes on. Errors: InvalidAddress (there is no such connection).
 */
export function tcpClose(local: NetworkAddress, localPort: u32, remote: NetworkAddress, remotePort: u32): NetworkResult {
  if (!local.isIpv4 || !remote.isIpv4) return NetworkError.InvalidAddress
  if (remotePort == 0) return closeListener(local.asIpv4, localPort)
  const tcb = tcpFind(local.asIpv4, localPort, remote.asIpv4, remotePort)
  if (tcb == null) {
    const left = timeWaitFind(local.asIpv4, localPort, remote.asIpv4, remotePort)
    return left != null ? NetworkError.None : NetworkError.InvalidAddress
  }
  if (tcb.socket != null) socketClose(tcb.socket.handle)
  return NetworkError.None
}

function closeListener(local: u32, port: u32): NetworkResult {
  const listener = listenerFind(local, port)
  if (listener == null || listener.socket.boundAddress != local) return NetworkError.InvalidAddress
  socketClose(listener.socket.handle)
  return NetworkError.None
}
