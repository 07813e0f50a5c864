// What is told of segments that came too early, or twice. RFC 2018 §4, RFC 2883 §4. Main-loop context only.

import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import type { TcpControlBlock } from './control-block.ts'
import { SACK_BLOCKS, sackBlockWrite, sackWrite } from './options.ts'
import { chainEnd } from './receive-queue.ts'
import { seqAtMost, seqLess, type Seq } from './sequence.ts'

/**
 * Write a SACK option at `p`, in `room` bytes at most, if there is something to tell; returns its length. The duplicate comes
 * first (RFC 2883 §4), then the block that grew last, then the others in order (RFC 2018 §4).
 */
export function sackBlocksWrite(tcb: TcpControlBlock, p: ptr, room: u32): u32 {
  const duplicate: boolean = tcb.duplicateLeft != tcb.duplicateRight
  if (!tcb.sackPermitted || (tcb.outOfOrder == null && !duplicate)) return 0
  const fit: u32 = (room - 4) / 8
  const most: u32 = fit < SACK_BLOCKS ? fit : SACK_BLOCKS
  let count: u32 = 0
  let length: u32 = 4
  if (duplicate && most != 0) {
    length += sackBlockWrite(plus(p, length), tcb.duplicateLeft, tcb.duplicateRight)
    count = 1
  }
  tcb.duplicateRight = tcb.duplicateLeft
  const latest = islandWith(tcb, tcb.sackLatest)
  if (latest != null && count < most) {
    length += sackBlockWrite(plus(p, length), latest.owner as Seq, islandEnd(latest))
    count += 1
  }
  let each: Packet | null = tcb.outOfOrder
  while (each != null && count < most) {
    const last = islandLast(each)
    if (each != latest) {
      length += sackBlockWrite(plus(p, length), each.owner as Seq, chainEnd(last))
      count += 1
    }
    each = last.next
  }
  if (count == 0) return 0
  sackWrite(p, count)
  return length
}

/** The last packet of those that follow one another without a gap. */
function islandLast(first: Packet): Packet {
  let last: Packet = first
  let following: Packet | null = first.next
  while (following != null && following.owner == chainEnd(last)) {
    last = following
    following = last.next
  }
  return last
}

function islandEnd(first: Packet): Seq {
  return chainEnd(islandLast(first))
}

/** The first packet of the island that an octet is in, or null. */
function islandWith(tcb: TcpControlBlock, octet: Seq): Packet | null {
  let each: Packet | null = tcb.outOfOrder
  while (each != null) {
    const last = islandLast(each)
    if (seqAtMost(each.owner as Seq, octet) && seqLess(octet, chainEnd(last))) return each
    each = last.next
  }
  return null
}
