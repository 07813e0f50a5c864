// What came in order and was not read, in the buffers the card filled; early.ts has what came before its turn.
// RFC 9293 §3.10.7.4, the seventh step. Main-loop context only.
//
// All count against the packets sockets may hold together (socket/queue.ts): a connection whose share is used up drops what comes, and
// says so in its window.

import { PACKET_BUFFER_SIZE } from '../../config.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import {
  packetAlone, packetAppend, packetFree, packetLength, packetStrip, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { chainCount, chainLast, chainLength } from '../chain.ts'
import { socketPacketsChange, socketPacketsLeft } from '../socket/queue.ts'
import type { TcpControlBlock } from './control-block.ts'

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
  receiveHold(tcb, buffers)
  packet.next = null
  receiveAppendAll(tcb, packet, packet, length)
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

/** Queue packets that are held already, `first` to `last`, of so many octets. */
export function receiveAppendAll(tcb: TcpControlBlock, first: Packet, last: Packet, octets: u32): void {
  if (tcb.receiveLast == null) tcb.receiveFirst = first
  else tcb.receiveLast.next = first
  tcb.receiveLast = last
  tcb.receiveBytes += octets
}

/** So many buffers more are held. */
export function receiveHold(tcb: TcpControlBlock, buffers: u32): void {
  tcb.receiveBuffers += buffers
  socketPacketsChange(buffers)
}

/** The buffers of a packet are not held any more: it is about to be freed, or to lose some. */
export function receiveLetGo(tcb: TcpControlBlock, packet: Packet): void {
  const buffers: u32 = chainCount(packet)
  tcb.receiveBuffers -= buffers
  socketPacketsChange(0 - buffers)
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
  receiveLetGo(tcb, packet)
  packetFree(packet)
}

/** Give up packets that are held, `first` and those behind it. */
export function receiveDrop(tcb: TcpControlBlock, first: Packet | null): void {
  let each: Packet | null = first
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    receiveLetGo(tcb, each)
    packetFree(each)
    each = following
  }
}

/** Give up what was not read. */
export function receiveClear(tcb: TcpControlBlock): void {
  const first = tcb.receiveFirst
  tcb.receiveFirst = null
  tcb.receiveLast = null
  tcb.receiveBytes = 0
  receiveDrop(tcb, first)
}
