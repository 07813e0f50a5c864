// The usable RAM handed to the frame allocator, and what is taken from it at boot: the heap, the packet buffers.

import { pageTablesFrom } from '../arch/x86/paging.ts'
import { memoryRangeCount, memoryRangeEnd, memoryRangeStart } from '../arch/x86/memory-init.ts'
import {
  PACKET_BUFFER_SIZE, PACKET_COUNT, PACKET_COUNT_LARGE, PACKET_COUNT_LARGE_MEMORY, PACKET_COUNT_MEMORY, PACKET_COUNT_SMALL,
} from '../config.ts'
import { Packet, packetPoolAdd } from '../drivers/net/packet.ts'
import { plus, sizeof, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart } from '../lib/log.ts'
import { PAGE_SHIFT, PAGE_SIZE, virtualOf } from '../mm/address.ts'
import { frameAllocate, frameAllocateZeroed, framesAddRegion, framesFree, framesTotal } from '../mm/frames.ts'
import { heapInit } from '../mm/heap.ts'

/** Give all usable RAM to the allocators. */
export function memoryManagerInit(): void {
  let i: u32 = 0
  while (i < memoryRangeCount()) {
    framesAddRegion(memoryRangeStart(i), memoryRangeEnd(i))
    i += 1
  }
  heapInit()
  pageTablesFrom(frameAllocateZeroed)
  const packets = packetPoolInit()
  if (!logStart(Level.Info, 'memory', 'ready')) return
  logDecimal('frames', framesTotal())
  logDecimal('free', framesFree())
  logDecimal('packets', packets)
  logEnd()
}

function packetsWanted(): u32 {
  if (framesTotal() < PACKET_COUNT_MEMORY >>> PAGE_SHIFT) return PACKET_COUNT_SMALL
  return framesTotal() < PACKET_COUNT_LARGE_MEMORY >>> PAGE_SHIFT ? PACKET_COUNT : PACKET_COUNT_LARGE
}

/** Fill the packet pool; returns how many buffers it has, fewer than wanted when memory is short. */
function packetPoolInit(): u32 {
  const wanted: u32 = packetsWanted()
  const perPage: u32 = PAGE_SIZE / PACKET_BUFFER_SIZE
  let made: u32 = 0
  while (made < wanted) {
    const descriptors = frameAllocateZeroed()
    if (descriptors == 0) return made
    const inPage: u32 = PAGE_SIZE / sizeof<Packet>()
    let i: u32 = 0
    while (i + perPage <= inPage && made < wanted) {
      const frame = frameAllocate(0)
      if (frame == 0) return made
      addPackets(plus(virtualOf(descriptors), i * sizeof<Packet>()), frame, perPage)
      i += perPage
      made += perPage
    }
  }
  return made
}

/** Cut one frame into packet buffers, described by consecutive descriptors. */
function addPackets(descriptors: ptr, frame: PhysicalAddress, count: u32): void {
  let i: u32 = 0
  while (i < count) {
    const physical = (frame + i * PACKET_BUFFER_SIZE) as PhysicalAddress
    packetPoolAdd(plus(descriptors, i * sizeof<Packet>()), virtualOf(physical), physical, PACKET_BUFFER_SIZE)
    i += 1
  }
}
