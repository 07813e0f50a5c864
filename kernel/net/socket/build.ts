// A message from the caller's memory into packets: the one copy on the way out. Main-loop context only.
//
// What does not fit one buffer becomes a chain. Its buffers are filled so that, with the transport header in front,
// each holds what one fragment can carry: ipv4/fragment.ts then cuts between buffers, and copies nothing.

import { PACKET_BUFFER_SIZE } from '../../config.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, sizeof, type ptr, type u32 } from '../../lib/layout.ts'
import { packetAppend, packetFree, packetTailRoom, type Packet } from '../../drivers/net/packet.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { ipv4Allocate } from '../ipv4/output.ts'
import { HEAD_ROOM } from '../ipv4/transmit.ts'

/** Bytes that fit a buffer behind the room for headers, in eights. */
const BUFFER_DATA: u32 = (PACKET_BUFFER_SIZE - HEAD_ROOM - 8) & ~7

/** How many packets a message of `length` bytes takes at most, on a path of this MTU. */
export function messageBuffers(length: u32, mtu: u32): u32 {
  const piece: u32 = pieceOf(mtu)
  return length / (piece < BUFFER_DATA ? piece : BUFFER_DATA) + 1
}

/** What one fragment carries: a multiple of 8. RFC 791 §3.2. */
function pieceOf(mtu: u32): u32 {
  return (mtu - sizeof<Ipv4Header>()) & ~7
}

/**
 * A packet or a chain with the `length` bytes at `data`, and room in front for a transport header of `header` bytes
 * and all below; null when there are not enough packets.
 */
export function messageBuild(data: ptr, length: u32, header: u32, mtu: u32): Packet | null {
  const first = ipv4Allocate(header)
  if (first == null) return null
  const whole: boolean = length + header + sizeof<Ipv4Header>() <= mtu && length <= packetTailRoom(first)
  let done: u32 = fill(first, data, length, whole ? length : pieceOf(mtu) - header)
  let last: Packet = first
  while (done < length) {
    const next = ipv4Allocate(0)
    if (next == null) {
      packetFree(first)
      return null
    }
    last.nextFragment = next
    last = next
    done += fill(next, plus(data, done), length - done, pieceOf(mtu))
  }
  first.totalLength = length
  return first
}

/** Put the next bytes into a buffer: as many as there are, as `most` lets, as there is room for in eights. Returns how many. */
function fill(packet: Packet, from: ptr, left: u32, most: u32): u32 {
  let length: u32 = left < most ? left : most
  const room: u32 = packetTailRoom(packet)
  if (length > room) length = room & ~7
  copyBytes(packetAppend(packet, length), from, length)
  return length
}
