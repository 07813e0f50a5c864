// What came and was not read: in the buffers the card filled, in order; and what came too early, by sequence number.
// RFC 9293 §3.10.7.4, the seventh step. Main-loop context only.
//
// Of a packet that is too early `owner` is the sequence number of its first octet. All count against the packets sockets may
// hold together (socket/queue.ts): a connection whose share is used up drops what comes, and says so in its window.

import { PACKET_BUFFER_SIZE } from '../../config.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import {
  packetAlone, packetAppend, packetFree, packetLength, packetStrip, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { chainCount, chainLast, chainLength, chainTrim } from '../chain.ts'
import { socketPacketsChange, socketPacketsLeft } from '../socket/queue.ts'
import type { TcpControlBlock } from './control-block.ts'
import { seqAtMost, seqLess, seqPlus, type Seq } from './sequence.ts'

/** Data up to this long is copied behind what waits already, if there is room: small segments do not use up the packets. */
const COALESCE: u32 = 512

/** Octets that may be promised to the peer: what the user's limit leaves, and the packets. */
export function receiveSpace(tcb: TcpControlBlock): u32 {
  const limit: u32 = tcb.receiveLimit > tcb.receiveBytes ? tcb.receiveLimit - tcb.receiveBytes : 0
  const packets: u32 = socketPacketsLeft() * (PACKET_BUFFER_SIZE / 2)
  return limit < packets ? limit : packets
}

/** Drop the first `bytes` of a chain: buffers that are used up go back; the first that is left is returned. */
export function chainStrip(packet: Packet, bytes: u32): Packet {
  let first: Packet = packet
  let left: u32 = bytes
  while (left >= packetLength(first)) {
    const following: Packet | null = first.nextFragment
    if (following == null) break
    left -= packetLength(first)
    first.nextFragment = null
    packetFree(first)
    first = following
  }
  packetStrip(first, left)
  return first
}

/** Queue data that is next in order; false if there is no room for its packets. The packet is the callee's if true. */
export function receiveAppend(tcb: TcpControlBlock, packet: Packet): boolean {
  const length: u32 = chainLength(packet)
  if (coalesced(tcb, packet, length)) return true
  const buffers: u32 = chainCount(packet)
  if (buffers > socketPacketsLeft()) return false
  hold(tcb, buffers)
  append(tcb, packet, length)
  return true
}

function coalesced(tcb: TcpControlBlock, packet: Packet, length: u32): boolean {
  const last = tcb.receiveLast
  if (last == null || length > COALESCE || packet.nextFragment != null) return false
  const to = chainLast(last)
  if (!packetAlone(to) || packetTailRoom(to) < length) return false
  copyBytes(packetAppend(to, length), packet.head, length)
  tcb.receiveBytes += length
  packetFree(packet)
  return true
}

function append(tcb: TcpControlBlock, packet: Packet, length: u32): void {
  packet.next = null
  if (tcb.receiveLast == null) tcb.receiveFirst = packet
  else tcb.receiveLast.next = packet
  tcb.receiveLast = packet
  tcb.receiveBytes += length
}

function hold(tcb: TcpControlBlock, buffers: u32): void {
  tcb.receiveBuffers += buffers
  socketPacketsChange(buffers)
}

function letGo(tcb: TcpControlBlock, packet: Packet): void {
  const buffers: u32 = chainCount(packet)
  tcb.receiveBuffers -= buffers
  socketPacketsChange(0 - buffers)
}

/**
 * Keep data that is too early. What others have already is taken off it; false if nothing of it was new, or there is no
 * room. The packet is the callee's.
 */
export function receiveEarly(tcb: TcpControlBlock, packet: Packet, sequence: Seq): boolean {
  let before: Packet | null = null
  let after: Packet | null = tcb.outOfOrder
  while (after != null && seqAtMost(after.owner as Seq, sequence)) {
    before = after
    after = after.next
  }
  let mine: Packet = packet
  let left: Seq = sequence
  if (before != null && seqLess(left, chainEnd(before))) {
    if (seqAtMost(seqPlus(left, chainLength(mine)), chainEnd(before))) return refused(mine)
    mine = chainStrip(mine, chainEnd(before) - left)
    left = chainEnd(before)
  }
  while (after != null && seqAtMost(chainEnd(after), seqPlus(left, chainLength(mine)))) after = swallow(tcb, before, after)
  if (after != null && seqLess(after.owner as Seq, seqPlus(left, chainLength(mine)))) chainTrim(mine, (after.owner as Seq) - left)
  const buffers: u32 = chainCount(mine)
  if (chainLength(mine) == 0 || buffers > socketPacketsLeft() / 2) return refused(mine)
  hold(tcb, buffers)
  mine.owner = left
  mine.next = after
  if (before == null) tcb.outOfOrder = mine
  else before.next = mine
  return true
}

function refused(packet: Packet): boolean {
  packetFree(packet)
  return false
}

/** A packet that a new one covers is not needed; returns the one after it. */
function swallow(tcb: TcpControlBlock, before: Packet | null, covered: Packet): Packet | null {
  const following: Packet | null = covered.next
  if (before == null) tcb.outOfOrder = following
  else before.next = following
  letGo(tcb, covered)
  covered.next = null
  packetFree(covered)
  return following
}

/** One past the last octet of a chain that came too early. */
export function chainEnd(packet: Packet): Seq {
  return seqPlus(packet.owner as Seq, chainLength(packet))
}

/** What came too early and is next now moves to the other queue; RCV.NXT moves with it. */
export function receiveMerge(tcb: TcpControlBlock): void {
  let first = tcb.outOfOrder
  while (first != null && seqAtMost(first.owner as Seq, tcb.rcv.nxt)) {
    tcb.outOfOrder = first.next
    const old: u32 = tcb.rcv.nxt - (first.owner as Seq)
    const length: u32 = chainLength(first)
    if (old >= length) {
      letGo(tcb, first)
      first.next = null
      packetFree(first)
    } else {
      letGo(tcb, first)
      const rest: Packet = chainStrip(first, old)
      hold(tcb, chainCount(rest))
      append(tcb, rest, length - old)
      tcb.rcv.nxt = seqPlus(tcb.rcv.nxt, length - old)
    }
    first = tcb.outOfOrder
  }
}

/** Copy up to `room` octets from the front to `to`, 0 for nowhere; returns how many there were. They stay. */
export function receivePeek(tcb: TcpControlBlock, to: ptr, room: u32): u32 {
  let done: u32 = 0
  let each: Packet | null = tcb.receiveFirst
  while (each != null && done < room) {
    let fragment: Packet | null = each
    while (fragment != null && done < room) {
      const length: u32 = packetLength(fragment)
      const take: u32 = length < room - done ? length : room - done
      copyBytes(plus(to, done), fragment.head, take)
      done += take
      fragment = fragment.nextFragment
    }
    each = each.next
  }
  return done
}

/** Take up to `room` octets off the front, copied to `to` unless that is 0; returns how many there were. */
export function receiveTake(tcb: TcpControlBlock, to: ptr, room: u32): u32 {
  let done: u32 = 0
  while (done < room) {
    const first = tcb.receiveFirst
    if (first == null) break
    const length: u32 = packetLength(first)
    const take: u32 = length < room - done ? length : room - done
    if (to != 0) copyBytes(plus(to, done), first.head, take)
    done += take
    if (take < length) packetStrip(first, take)
    else takeFragment(tcb, first)
  }
  tcb.receiveBytes -= done
  return done
}

/** The first buffer is used up. What is left of its chain takes its place. */
function takeFragment(tcb: TcpControlBlock, packet: Packet): void {
  const rest: Packet | null = packet.nextFragment
  const following: Packet | null = packet.next
  packet.next = null
  packet.nextFragment = null
  if (rest != null) {
    rest.next = following
    tcb.receiveFirst = rest
    if (tcb.receiveLast == packet) tcb.receiveLast = rest
  } else {
    tcb.receiveFirst = following
    if (following == null) tcb.receiveLast = null
  }
  letGo(tcb, packet)
  packetFree(packet)
}

/** Give up everything, read or not. */
export function receiveClear(tcb: TcpControlBlock): void {
  clearList(tcb.receiveFirst)
  clearList(tcb.outOfOrder)
  tcb.receiveFirst = null
  tcb.receiveLast = null
  tcb.outOfOrder = null
  tcb.receiveBytes = 0
  socketPacketsChange(0 - tcb.receiveBuffers)
  tcb.receiveBuffers = 0
}

function clearList(first: Packet | null): void {
  let each: Packet | null = first
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    packetFree(each)
    each = following
  }
}
