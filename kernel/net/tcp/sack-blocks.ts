// What is told of segments that came too early, or twice. RFC 2018 §4, RFC 2883 §4. Main-loop context only.

import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import type { TcpControlBlock } from './control-block.ts'
import { earlyWith } from './early.ts'
import { SACK_BLOCKS, sackBlockWrite, sackWrite } from './options.ts'

/**
 * Write a SACK option at `p`, in `room` bytes at most, if there is something to tell; returns its length. The duplicate comes
 * first (RFC 2883 §4), then the block that grew last, then the others in order (RFC 2018 §4).
 */
export function sackBlocksWrite(tcb: TcpControlBlock, p: ptr, room: u32): u32 {
  const duplicate: boolean = tcb.duplicateLeft != tcb.duplicateRight
  if (!tcb.sackPermitted || (tcb.early == null && !duplicate)) return 0
  const fit: u32 = (room - 4) / 8
  const most: u32 = fit < SACK_BLOCKS ? fit : SACK_BLOCKS
  let count: u32 = 0
  let length: u32 = 4
  if (duplicate && most != 0) {
    length += sackBlockWrite(plus(p, length), tcb.duplicateLeft, tcb.duplicateRight)
    count = 1
  }
  tcb.duplicateRight = tcb.duplicateLeft
  const latest = earlyWith(tcb, tcb.sackLatest)
  if (latest != null && count < most) {
    length += sackBlockWrite(plus(p, length), latest.left, latest.right)
    count += 1
  }
  let each = tcb.early
  while (each != null && count < most) {
    if (each != latest) {
      length += sackBlockWrite(plus(p, length), each.left, each.right)
      count += 1
    }
    each = each.next
  }
  if (count == 0) return 0
  sackWrite(p, count)
  return length
}
