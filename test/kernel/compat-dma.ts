// RustOS's DMA rings as their test calls them; the test is the card.

import { address, at, plus, staticMemory, staticStruct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { load32 } from '../../kernel/lib/intrinsics.ts'
import { virtualOf } from '../../kernel/mm/address.ts'
import { DmaBuffer, DmaDescriptor, DmaOperations, createEthernetDma } from '../../kernel/net/compat/dma.ts'
import { PacketBuffer } from '../../kernel/net/compat/packet-buffer.ts'

export { framesAddRegion, framesFree } from '../../kernel/mm/frames.ts'
export { heapInit } from '../../kernel/mm/heap.ts'

const dma = staticStruct<DmaOperations>()
const buffer = staticStruct<DmaBuffer>()
const packet = staticStruct<PacketBuffer>()
const sizes = staticMemory(8)

export function dmaCreate(tx: u32, rx: u32, size: u32): i32 { return createEthernetDma(tx, rx, size, dma) }
export function dmaRelease(): void {
  dma.tx.release()
  dma.rx.release()
}
export function dmaTransmit(from: ptr, length: u32): i32 {
  packet.fromData(from, length)
  return dma.transmitPacket(packet)
}
export function dmaReceive(to: ptr, room: u32): i32 {
  packet.fromData(to, room)
  return dma.receivePacket(packet)
}
/** Where the card finds descriptor `index`. */
export function dmaDescriptor(receive: boolean, index: u32): ptr {
  return plus(virtualOf(receive ? dma.getRxRingAddr() : dma.getTxRingAddr()), index * 16)
}
/** Where the card finds the bytes of a descriptor. */
export function dmaMemory(descriptor: ptr): ptr { return virtualOf(at<DmaDescriptor>(descriptor).bufferAddress) }
export function dmaField(field: u32): u32 {
  dma.getRingSizes(sizes)
  switch (field) {
    case 0: return load32(sizes, 0)
    case 1: return load32(sizes, 4)
    case 2: return dma.tx.availableSlots()
    default: return load32(address(dma.stats), (field - 3) * 4)
  }
}

export function bufferAllocate(size: u32, alignment: u32): i32 { return buffer.allocate(size, alignment) }
export function bufferRelease(): void { buffer.release() }
export function bufferCopyIn(from: ptr, n: u32): i32 { return buffer.copyFromSlice(from, n) }
export function bufferCopyOut(to: ptr, n: u32): u32 { return buffer.copyToSlice(to, n) }
export function bufferPhysical(): u32 { return buffer.physicalAddr() }
export function bufferVirtual(): ptr { return buffer.virtualAddr() }
