// A second packet with the same bytes, for what several sockets receive: groups, broadcasts, raw sockets. Main-loop
// context only.

import { copyBytes } from '../../lib/memory.ts'
import { distance, plus, type u32 } from '../../lib/layout.ts'
import {
  Checksum, packetAllocate, packetFree, packetsFree, packetsTotal, type Packet,
} from '../../drivers/net/packet.ts'
import { SOCKET_SEND_RESERVE } from '../../config.ts'

/**
 * A copy of a chain from `head` on, with what lies before it in the first buffer; null when too few packets are
 * free. It is a packet that was received: its checksum is the card's to vouch for no more.
 */
export function chainClone(packet: Packet): Packet | null {
  const first = clone(packet)
  if (first == null) return null
  let last: Packet = first
  let each: Packet | null = packet.nextFragment
  while (each != null) {
    const next = clone(each)
    if (next == null) {
      packetFree(first)
      return null
    }
    last.nextFragment = next
    last = next
    each = each.nextFragment
  }
  return first
}

function clone(packet: Packet): Packet | null {
  if (packetsFree() <= packetsTotal() / SOCKET_SEND_RESERVE) return null
  const used: u32 = distance(packet.base, packet.tail)
  const copy = packetAllocate(distance(packet.base, packet.head))
  if (copy == null) return null
  copyBytes(copy.base, packet.base, used)
  copy.tail = plus(copy.base, used)
  copy.totalLength = packet.totalLength
  copy.checksum = packet.checksum == Checksum.Partial ? Checksum.Partial : Checksum.Valid
  copy.checksumStart = packet.checksumStart
  copy.checksumOffset = packet.checksumOffset
  copy.segmentSize = packet.segmentSize
  copy.headerLength = packet.headerLength
  copy.linkDestination = packet.linkDestination
  copy.device = packet.device
  copy.networkHeader = packet.networkHeader == 0 ? packet.networkHeader
    : plus(copy.base, distance(packet.base, packet.networkHeader))
  return copy
}
