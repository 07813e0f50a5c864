// Connections that have something to say at the end of the round: what many segments asked for is answered once, with
// the data that services have queued meanwhile. Main-loop context only.

import type { TcpControlBlock } from './control-block.ts'

let first: TcpControlBlock | null = null

/** None. */
export function pendingInit(): void {
  first = null
}

/** This connection has something to say. */
export function pendingAdd(tcb: TcpControlBlock): void {
  if (tcb.pending) return
  tcb.pending = true
  tcb.pendingPrevious = null
  tcb.pendingNext = first
  if (first != null) first.pendingPrevious = tcb
  first = tcb
}

/** It has not, or has said it. */
export function pendingRemove(tcb: TcpControlBlock): void {
  if (!tcb.pending) return
  tcb.pending = false
  if (tcb.pendingPrevious != null) tcb.pendingPrevious.pendingNext = tcb.pendingNext
  else first = tcb.pendingNext
  if (tcb.pendingNext != null) tcb.pendingNext.pendingPrevious = tcb.pendingPrevious
  tcb.pendingNext = null
  tcb.pendingPrevious = null
}

/** One that has, taken off the list; null when there is none. */
export function pendingTake(): TcpControlBlock | null {
  const tcb = first
  if (tcb != null) pendingRemove(tcb)
  return tcb
}
