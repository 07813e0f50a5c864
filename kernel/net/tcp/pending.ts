// Connections that have something to say at the end of the round: what many segments asked for is answered once, with
// the data that services have queued meanwhile. Who is added while the list is worked off has its turn in the next
// round. Main-loop context only.

import type { TcpControlBlock } from './control-block.ts'

let first: TcpControlBlock | null = null
/** Those of this round that have not had their turn. */
let turn: TcpControlBlock | null = null

/** None. */
export function pendingInit(): void {
  first = null
  turn = null
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
  else if (first == tcb) first = tcb.pendingNext
  else turn = tcb.pendingNext
  if (tcb.pendingNext != null) tcb.pendingNext.pendingPrevious = tcb.pendingPrevious
  tcb.pendingNext = null
  tcb.pendingPrevious = null
}

/** The turn of all that are in the list now. */
export function pendingBegin(): void {
  if (turn != null) return
  turn = first
  first = null
}

/** One whose turn it is, taken off the list; null when all had theirs. */
export function pendingTake(): TcpControlBlock | null {
  const tcb = turn
  if (tcb != null) pendingRemove(tcb)
  return tcb
}
