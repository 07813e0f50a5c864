// TCP as its unit tests see it: the state of a connection by its ends.

import type { u32 } from '../../kernel/lib/layout.ts'
import { TcpState } from '../../kernel/net/tcp/state.ts'
import { tcpCounters } from '../../kernel/net/tcp/stats.ts'
import { tcpFind } from '../../kernel/net/tcp/table.ts'
import { timeWaitFind } from '../../kernel/net/tcp/time-wait.ts'

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
