// What a driver needs of the processor and the board: device memory mapped, interrupts delivered. kernel/main.ts
// hands over kernel/arch's functions at boot, tests hand over their own; so no driver imports kernel/arch, and
// all of them run on the host.

import type { ptr, u32 } from '../../lib/layout.ts'

/** Called in interrupt context with what was registered; the arch ends the interrupt afterwards. */
export type InterruptHandler = (context: u32) => void
/** Map `bytes` of device memory at a page-aligned 64-bit physical address, uncached; 0 when there is no room. */
export type DeviceMap = (physicalLow: u32, physicalHigh: u32, bytes: u32) => ptr
/** Take a free vector that calls `handler`: the vector, to be put in a message; 0 when none is left. */
export type InterruptAllocate = (handler: InterruptHandler, context: u32) => u32
/** Deliver the level-triggered interrupt `line` (see interruptLine) as `vector`; false: no such line. */
export type InterruptRoute = (line: u32, vector: u32) => boolean

let mapDevice: DeviceMap | null = null
let allocateVector: InterruptAllocate | null = null
let routeLine: InterruptRoute | null = null
let processor: u32 = 0

/** Register the platform. `localApicId`: the processor that takes the interrupts. */
export function platformSet(
  map: DeviceMap, allocate: InterruptAllocate, route: InterruptRoute, localApicId: u32,
): void {
  mapDevice = map
  allocateVector = allocate
  routeLine = route
  processor = localApicId
}

/** See DeviceMap; 0 too when there is no platform. */
export function platformMap(physicalLow: u32, physicalHigh: u32, bytes: u32): ptr {
  return mapDevice == null ? 0 as ptr : mapDevice(physicalLow, physicalHigh, bytes)
}

/** See InterruptAllocate; 0 too when there is no platform. */
export function platformVector(handler: InterruptHandler, context: u32): u32 {
  return allocateVector == null ? 0 : allocateVector(handler, context)
}

/** See InterruptRoute; false too when there is no platform. */
export function platformRoute(line: u32, vector: u32): boolean {
  return routeLine == null ? false : routeLine(line, vector)
}

const MESSAGE_BASE: u32 = 0xfee00000
const DESTINATION_SHIFT: u32 = 12

/** Where a device writes a message-signalled interrupt, the vector being the data. Intel SDM vol. 3 §11.11.1. */
export function messageAddress(): u32 {
  return MESSAGE_BASE | processor << DESTINATION_SHIFT
}
