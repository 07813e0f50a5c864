// The states of a connection. RFC 9293 §3.3.2. Pure functions: any context.

/** In RustOS's order, which is that of RFC 9293 §3.3.2 but for the first two. */
export const enum TcpState {
  Closed, Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait,
}

/** Whether both SYNs were seen. */
export function isSynchronized(state: TcpState): boolean {
  return state >= TcpState.Established
}

/** Whether the user may still send. */
export function maySend(state: TcpState): boolean {
  return state == TcpState.Established || state == TcpState.CloseWait
}

/** Whether the peer may still send: its FIN was not seen. */
export function mayReceive(state: TcpState): boolean {
  return state == TcpState.Established || state == TcpState.FinWait1 || state == TcpState.FinWait2
}

/** Whether a FIN is queued or sent. */
export function isClosing(state: TcpState): boolean {
  return state == TcpState.FinWait1 || state == TcpState.Closing || state == TcpState.LastAck
}
