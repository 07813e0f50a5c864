// TCP as its unit tests see it: the state of a connection by its ends.

import type { u32 } from '../../kernel/lib/layout.ts'
import { socketOf } from '../../kernel/net/socket/table.ts'
import { tcbOf } from '../../kernel/net/tcp/socket.ts'
import { TcpState } from '../../kernel/net/tcp/state.ts'
import { tcpCounters } from '../../kernel/net/tcp/stats.ts'
import { tcpFind } from '../../kernel/net/tcp/table.ts'
import { timeWaitFind } from '../../kernel/net/tcp/time-wait.ts'
import { tcpTuning, type EcnUse } from '../../kernel/net/tcp/tuning.ts'

/** Milliseconds that a stream socket's connection had something queued (0), and of these waited for the peer's window (1), for more to send (2). */
export function tcpWaited(handle: u32, which: u32): u32 {
  const socket = socketOf(handle)
  const tcb = socket != null ? tcbOf(socket) : null
  if (tcb == null) return 0
  return which == 0 ? tcb.stats.busy : which == 1 ? tcb.stats.windowLimited : tcb.stats.bufferLimited
}

const enum Tunable { Strict, Ecn }

/** Choose for the connections that begin from now on. */
export function tcpTune(which: Tunable, value: u32): void {
  switch (which) {
    case Tunable.Strict: tcpTuning.strict = value != 0; break
    case Tunable.Ecn: tcpTuning.ecn = value as number as EcnUse; break
  }
}

/** The TcpState of the connection between two ends; Closed when there is none. */
export function tcpStateBetween(local: u32, localPort: u32, remote: u32, remotePort: u32): u32 {
  const tcb = tcpFind(local, localPort, remote, remotePort)
  if (tcb != null && tcb.state != TcpState.Closed) return tcb.state // one that is closed may still be read
  return timeWaitFind(local, localPort, remote, remotePort) != null ? TcpState.TimeWait : TcpState.Closed
}

/** Connections there are, those in TIME-WAIT not counted. */
export function tcpConnections(): u32 {
  return tcpCounters.currentConnections
}
