// Octets that came before their turn: islands, with gaps between them, in order of their sequence numbers. RFC 9293 §3.10.7.4, the
// seventh step. Main-loop context only.
//
// Looking for a place costs a step for each island, not for each packet, and a connection has TCP_ISLANDS_EACH at most: a peer
// that sends a window in the worst order makes nobody count it. The packets lie in the order of their octets, none of which is held
// twice; they count against those that sockets may hold together, as the others do (receive-queue.ts).

import { TCP_ISLANDS_EACH, TCP_ISLAND_LIMIT } from '../../config.ts'
import { address, at, sizeof, staticStruct, type ptr, type u32 } from '../../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { chainCount, chainLength, chainTrim } from '../chain.ts'
import { socketPacketsLeft } from '../socket/queue.ts'
import { Island, type TcpControlBlock } from './control-block.ts'
import { chainStrip, receiveAppendAll, receiveDrop, receiveHold, receiveLetGo } from './receive-queue.ts'
import { seqAtMost, seqDistance, seqLess, seqPlus, type Seq } from './sequence.ts'

/** What became of a packet that came early. */
export const enum Early {
  Kept,
  /** All of it was there already. */
  Known,
  /** No room for its packets, or for one more island. */
  NoRoom,
}

const pool = staticStruct<Pool>()

/** No islands. */
export function earlyInit(): void {
  poolInit(pool, 'tcp-islands', sizeof<Island>(), TCP_ISLAND_LIMIT)
}

/** Keep data that begins behind RCV.NXT, at `sequence`, without what is there already. The packet is the callee's. */
export function earlyKeep(tcb: TcpControlBlock, packet: Packet, sequence: Seq): Early {
  const end: Seq = seqPlus(sequence, chainLength(packet))
  const before = islandBefore(tcb, sequence)
  let left: Seq = sequence
  let mine: Packet = packet
  if (before != null && seqAtMost(sequence, before.right)) {
    if (seqAtMost(end, before.right)) {
      packetFree(packet)
      return Early.Known
    }
    left = before.right
    if (left != sequence) mine = chainStrip(packet, seqDistance(sequence, left))
  }
  const after = coveredDrop(tcb, before, end)
  if (after != null && seqLess(after.left, end)) chainTrim(mine, seqDistance(left, after.left))
  if (chainCount(mine) <= socketPacketsLeft() / 2 && place(tcb, before, after, mine, left)) return Early.Kept
  packetFree(mine)
  return Early.NoRoom
}

/** The last island that begins at `sequence` or before it; null when there is none. */
function islandBefore(tcb: TcpControlBlock, sequence: Seq): Island | null {
  let before: Island | null = null
  let each = tcb.early
  while (each != null && seqAtMost(each.left, sequence)) {
    before = each
    each = each.next
  }
  return before
}

/** The islands behind `before` (null: all) that end at `end` or before it are not needed. Returns the one that then follows. */
function coveredDrop(tcb: TcpControlBlock, before: Island | null, end: Seq): Island | null {
  let each: Island | null = before == null ? tcb.early : before.next
  while (each != null && seqAtMost(each.right, end)) {
    const following: Island | null = each.next
    receiveDrop(tcb, each.first)
    islandFree(tcb, each)
    each = following
  }
  link(tcb, before, each)
  return each
}

/** Put a packet between two islands, or onto one, or both, if it touches them. False: it would need one more, and there is none. */
function place(tcb: TcpControlBlock, before: Island | null, after: Island | null, packet: Packet, left: Seq): boolean {
  const right: Seq = seqPlus(left, chainLength(packet))
  const buffers: u32 = chainCount(packet)
  packet.next = null
  if (before != null && before.right == left) {
    before.last.next = packet
    before.last = packet
    before.right = right
    if (after != null && after.left == right) join(tcb, before, after)
  } else if (after != null && after.left == right) {
    packet.next = after.first
    after.first = packet
    after.left = left
  } else {
    const island = islandMake(tcb)
    if (island == null) return false
    island.first = packet
    island.last = packet
    island.left = left
    island.right = right
    island.next = after
    link(tcb, before, island)
  }
  receiveHold(tcb, buffers)
  return true
}

/** Two islands that touch become one. */
function join(tcb: TcpControlBlock, before: Island, after: Island): void {
  before.last.next = after.first
  before.last = after.last
  before.right = after.right
  before.next = after.next
  islandFree(tcb, after)
}

function link(tcb: TcpControlBlock, before: Island | null, island: Island | null): void {
  if (before == null) tcb.early = island
  else before.next = island
}

function islandMake(tcb: TcpControlBlock): Island | null {
  if (tcb.islands == TCP_ISLANDS_EACH) return null
  const p: ptr = poolAllocate(pool)
  if (p == 0) return null
  tcb.islands += 1
  return at<Island>(p)
}

function islandFree(tcb: TcpControlBlock, island: Island): void {
  tcb.islands -= 1
  poolFree(pool, address(island))
}

/** What has become next in order moves to the receive queue; RCV.NXT moves with it. */
export function earlyMerge(tcb: TcpControlBlock): void {
  let first = tcb.early
  while (first != null && seqAtMost(first.left, tcb.rcv.nxt)) {
    tcb.early = first.next
    if (seqAtMost(first.right, tcb.rcv.nxt)) {
      receiveDrop(tcb, first.first)
    } else {
      strip(tcb, first, seqDistance(first.left, tcb.rcv.nxt))
      receiveAppendAll(tcb, first.first, first.last, seqDistance(tcb.rcv.nxt, first.right))
      tcb.rcv.nxt = first.right
    }
    islandFree(tcb, first)
    first = tcb.early
  }
}

/** Drop the first octets of an island, of which there are more. */
function strip(tcb: TcpControlBlock, island: Island, octets: u32): void {
  let left: u32 = octets
  let packet: Packet = island.first
  while (left >= chainLength(packet)) {
    const following: Packet | null = packet.next
    if (following == null) break
    left -= chainLength(packet)
    packet.next = null
    receiveLetGo(tcb, packet)
    packetFree(packet)
    packet = following
  }
  const following: Packet | null = packet.next
  if (left != 0) {
    receiveLetGo(tcb, packet)
    packet.next = null
    packet = chainStrip(packet, left)
    packet.next = following
    receiveHold(tcb, chainCount(packet))
  }
  if (following == null) island.last = packet
  island.first = packet
}

/** The island an octet is on; null when it is on none. */
export function earlyWith(tcb: TcpControlBlock, octet: Seq): Island | null {
  const island = islandBefore(tcb, octet)
  return island != null && seqLess(octet, island.right) ? island : null
}

/** Give all of them up. */
export function earlyClear(tcb: TcpControlBlock): void {
  let each = tcb.early
  tcb.early = null
  while (each != null) {
    const following: Island | null = each.next
    receiveDrop(tcb, each.first)
    islandFree(tcb, each)
    each = following
  }
}
