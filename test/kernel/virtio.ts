// What the tests of kernel/drivers call: the drivers themselves, and doubles of what is around them. Configuration
// space is tables the test fills in; device memory is plain memory, so a register holds what was written last;
// interrupts are raised by call; packets and requests that come back are kept in order.

import { load32, store32, store8, load8 } from '../../kernel/lib/intrinsics.ts'
import {
  address, at, nth, plus, staticMemory, staticRow, struct,
  type PhysicalAddress, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { clockSet } from '../../kernel/lib/clock.ts'
import { Level, logLevelSet, logRecent } from '../../kernel/lib/log.ts'
import { timersRun } from '../../kernel/lib/timer.ts'
import { Disk, DiskPiece, DiskRequest, diskFirst } from '../../kernel/drivers/block/disk.ts'
import { nicFirst, type Nic } from '../../kernel/drivers/net/nic.ts'
import {
  packetAllocate, packetAppend, packetFree, packetLength, packetPoolAdd, type Packet,
} from '../../kernel/drivers/net/packet.ts'
import { virtioNetOf } from '../../kernel/drivers/net/virtio-net.ts'
import { virtioBlkOf } from '../../kernel/drivers/block/virtio-blk.ts'
import { Bar, barDecode } from '../../kernel/drivers/pci/bar.ts'
import { configAccess } from '../../kernel/drivers/pci/config.ts'
import { pciFunctionClaim, regionFault, regionMap } from '../../kernel/drivers/pci/function.ts'
import { intxAttach } from '../../kernel/drivers/pci/intx.ts'
import { MsixTable, msixClose, msixOpen, msixSet, msixStart } from '../../kernel/drivers/pci/msix.ts'
import { platformSet, type InterruptHandler } from '../../kernel/drivers/pci/platform.ts'
import { pciFunctionAt } from '../../kernel/drivers/pci/probe.ts'
import { Virtqueue, queueInit } from '../../kernel/drivers/virtio/queue.ts'

export { clockSet, timersRun }
export * from './virtio-control.ts'
export { driversProbe } from '../../kernel/drivers/probe.ts'
export { virtioRngCount } from '../../kernel/drivers/rng/virtio-rng.ts'
export { capabilityFind, capabilityFits } from '../../kernel/drivers/pci/capability.ts'
export { configRead16, configRead8, placeName } from '../../kernel/drivers/pci/config.ts'
export { pciCount, pciProbe } from '../../kernel/drivers/pci/probe.ts'
export { framesAddRegion } from '../../kernel/mm/frames.ts'
export { packetFree, packetsFree } from '../../kernel/drivers/net/packet.ts'
export { randomBytes, randomSeed, randomSeeds } from '../../kernel/lib/random.ts'
export { ringBytes, usedOffset } from '../../kernel/drivers/virtio/ring.ts'
export {
  eventReached, queueAbandon, queueAdd, queueAddOne, queueArm, queueDisarm, queueElement, queueKick, queueOffer,
  queueReady, queueTake, slotBytes,
} from '../../kernel/drivers/virtio/queue.ts'

// --- Configuration space. ----------------------------------------------------------------------------------

@struct
class FakeFunction {
  place: u32
  data: ptr // 256 bytes
  writable: ptr // 256 bytes: the bits that stick
}

const FAKE_LIMIT: u32 = 100
const fakes = staticRow<FakeFunction>(FAKE_LIMIT)
let fakeCount: u32 = 0

function fakeAt(place: u32): FakeFunction | null {
  for (let i: u32 = 0; i < fakeCount; i++) {
    if (nth(fakes, i).place == place) return nth(fakes, i)
  }
  return null
}

function fakeRead(place: u32, offset: u32): u32 {
  const fake = fakeAt(place)
  return fake == null ? 0xffffffff : load32(fake.data, offset)
}

function fakeWrite(place: u32, offset: u32, value: u32): void {
  const fake = fakeAt(place)
  if (fake == null) return
  const mask: u32 = load32(fake.writable, offset)
  store32(fake.data, offset, (load32(fake.data, offset) & ~mask) | (value & mask))
}

/** Put a function on the fake bus. */
export function fakeAdd(place: u32, data: ptr, writable: ptr): void {
  const fake = nth(fakes, fakeCount)
  fakeCount += 1
  fake.place = place
  fake.data = data
  fake.writable = writable
}

/** Claim the function found `index`th. */
export function claim(index: u32): void {
  pciFunctionClaim(pciFunctionAt(index))
}

/** A field of a function: 0 place, 1 vendor, 2 device, 3 subsystem, 4 class, 5 header type, 6 line, 7 pin. */
export function functionField(index: u32, field: u32): u32 {
  const fn = pciFunctionAt(index)
  switch (field) {
    case 0: return fn.place
    case 1: return fn.vendor
    case 2: return fn.device
    case 3: return fn.subsystem
    case 4: return fn.classCode
    case 5: return fn.headerType
    case 6: return fn.interruptLine
    default: return fn.interruptPin
  }
}

function barField(bar: Bar, field: u32): u32 {
  switch (field) {
    case 0: return bar.kind
    case 1: return bar.low
    case 2: return bar.high
    case 3: return bar.length
    case 4: return bar.wide ? 1 : 0
    default: return bar.prefetchable ? 1 : 0
  }
}

/** A field of a BAR of a claimed function: 0 kind, 1 low, 2 high, 3 length, 4 wide, 5 prefetchable. */
export function functionBar(index: u32, bar: u32, field: u32): u32 {
  return barField(nth(pciFunctionAt(index).bars, bar), field)
}

const decoded = staticRow<Bar>(1)

/** The same of a BAR decoded from these registers. */
export function decodedBar(value: u32, mask: u32, nextValue: u32, nextMask: u32, field: u32): u32 {
  barDecode(decoded, value, mask, nextValue, nextMask)
  return barField(decoded, field)
}

/** regionFault of a claimed function. */
export function regionFaultOf(index: u32, bar: u32, offset: u32, length: u32): u32 {
  return regionFault(pciFunctionAt(index), bar, offset, length)
}

/** regionMap of a claimed function. */
export function regionMapOf(index: u32, bar: u32, offset: u32, length: u32): ptr {
  return regionMap(pciFunctionAt(index), bar, offset, length)
}

// --- The platform. -------------------------------------------------------------------------------------------

@struct
class Vector {
  handler: InterruptHandler
  context: u32
  line: u32 // routed here, plus 1; 0: none
}

const VECTOR_BASE: u32 = 0x30
const VECTOR_LIMIT: u32 = 16
const vectors = staticRow<Vector>(VECTOR_LIMIT)
let vectorCount: u32 = 0
let vectorsLeft: u32 = 16
let mappedHigh: u32 = 0
let mappedBytes: u32 = 0
let calls: u32 = 0
let lastContext: u32 = 0

/** Physical memory is the arena; above 4 GiB the high half is noted and dropped. */
function fakeMap(physicalLow: u32, physicalHigh: u32, bytes: u32): ptr {
  mappedHigh = physicalHigh
  mappedBytes = bytes
  return (physicalLow + 0x80000000) as ptr
}

function fakeVector(handler: InterruptHandler, context: u32): u32 {
  if (vectorsLeft == 0) return 0
  vectorsLeft -= 1
  const vector = nth(vectors, vectorCount)
  vector.handler = handler
  vector.context = context
  vector.line = 0
  vectorCount += 1
  return VECTOR_BASE + vectorCount - 1
}

function fakeRoute(line: u32, vector: u32): boolean {
  if (line > 23) return false
  nth(vectors, vector - VECTOR_BASE).line = line + 1
  return true
}

/** Everything the drivers stand on. `vectorsToGive`: how many vectors there are; `level`: of the log. */
export function setUp(vectorsToGive: u32, level: Level): void {
  configAccess(fakeRead, fakeWrite)
  platformSet(fakeMap, fakeVector, fakeRoute, 3)
  vectorsLeft = vectorsToGive
  logLevelSet(level)
}

/** What was mapped last: 0 the high half of the address, 1 bytes. */
export function mapped(field: u32): u32 {
  return field == 0 ? mappedHigh : mappedBytes
}

/** Vectors given out. */
export function vectorsGiven(): u32 {
  return vectorCount
}

/** Deliver an interrupt. */
export function raiseVector(vector: u32): void {
  const which = nth(vectors, vector - VECTOR_BASE)
  which.handler(which.context)
}

/** Deliver the interrupt of a line; false if nobody routed it. */
export function raiseLine(line: u32): bool {
  for (let i: u32 = 0; i < vectorCount; i++) {
    if (nth(vectors, i).line == line + 1) {
      raiseVector(VECTOR_BASE + i)
      return true
    }
  }
  return false
}

function noteCall(context: u32): void {
  calls += 1
  lastContext = context
}

/** intxAttach with a handler that counts. */
export function attachCounted(line: u32, context: u32): bool {
  return intxAttach(line, noteCall, context)
}

/** Calls of counting handlers. */
export function handlerCalls(): u32 {
  return calls
}

/** What the last of them was given. */
export function handlerContext(): u32 {
  return lastContext
}

const msix = staticRow<MsixTable>(1)

/** msixOpen on a claimed function: the size of its table, 0 if that failed. */
export function openMsix(index: u32): u32 {
  return msixOpen(msix, pciFunctionAt(index)) ? msix.size : 0
}

/** msixSet with a handler that counts. */
export function setMsix(entry: u32, context: u32): bool {
  return msixSet(msix, entry, noteCall, context)
}

/** msixStart, or msixClose. */
export function startMsix(start: bool): void {
  if (start) msixStart(msix)
  else msixClose(msix)
}

/** The newest log lines: their bytes at `out`, how many. */
export function logText(out: ptr, capacity: u32): u32 {
  return logRecent(out, capacity)
}

// --- A queue by itself. ---------------------------------------------------------------------------------------

const queues = staticRow<Virtqueue>(1)

/** A queue over memory of the test's; its address. */
export function queueMake(index: u32, size: u32, ring: ptr, slots: ptr, notify: ptr, eventIndex: bool): ptr {
  queueInit(queues, index, size, ring, (ring - 0x80000000) as PhysicalAddress, slots, eventIndex)
  queues.notify = notify
  return address(queues)
}

/** A field: 0 free, 1 inFlight, 2 fault, 3 usedLength, 4 notifications, 5 size, 6 descriptors, 7 available, 8 used. */
export function queueField(queue: ptr, field: u32): u32 {
  const q = at<Virtqueue>(queue)
  switch (field) {
    case 0: return q.free
    case 1: return q.inFlight
    case 2: return q.fault
    case 3: return q.usedLength
    case 4: return q.notifications
    case 5: return q.size
    case 6: return address(q.descriptors)
    case 7: return address(q.available)
    default: return address(q.used)
  }
}

// --- A card. ---------------------------------------------------------------------------------------------------

const kept = staticMemory(1024) // packets handed up, an address each, oldest first
const KEPT_LIMIT: u32 = 256
let keptCount: u32 = 0

function keep(nic: Nic, packet: Packet): void {
  packet.device = address(nic)
  if (keptCount == KEPT_LIMIT) {
    packetFree(packet)
    return
  }
  store32(plus(kept, keptCount * 4), 0, address(packet))
  keptCount += 1
}

/** Give the pool `count` buffers of `size` bytes at `buffers`, described at `descriptors` (128 bytes each). */
export function poolFill(descriptors: ptr, buffers: ptr, count: u32, size: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const buffer = plus(buffers, i * size)
    packetPoolAdd(plus(descriptors, i * 128), buffer, (buffer - 0x80000000) as PhysicalAddress, size)
  }
}

/** Keep what the first card hands up. */
export function nicAttach(): void {
  nicFirst()!.received = keep
}

/** Packets kept and not yet taken by keptTake. */
export function keptPackets(): u32 {
  return keptCount
}

/** The oldest packet kept. */
export function keptTake(): ptr {
  const packet = load32(kept, 0) as ptr
  keptCount -= 1
  for (let i: u32 = 0; i < keptCount; i++) store32(plus(kept, i * 4), 0, load32(plus(kept, i * 4 + 4), 0))
  return packet
}

/** A packet: 0 length, 1 head, 2 totalLength, 3 checksum, 4 checksumStart, 5 checksumOffset, 6 nextFragment, 7 base, 8 segmentSize. */
export function packetField(p: ptr, field: u32): u32 {
  const packet = at<Packet>(p)
  switch (field) {
    case 0: return packetLength(packet)
    case 1: return packet.head
    case 2: return packet.totalLength
    case 3: return packet.checksum
    case 4: return packet.checksumStart
    case 5: return packet.checksumOffset
    case 6: return packet.nextFragment == null ? 0 : address(packet.nextFragment)
    case 8: return packet.segmentSize
    default: return packet.base
  }
}

/** A packet with `headRoom`, holding a copy of `length` bytes. */
export function packetMake(headRoom: u32, from: ptr, length: u32): ptr {
  const packet = packetAllocate(headRoom)
  if (packet == null) return 0 as ptr
  const to = packetAppend(packet, length)
  for (let i: u32 = 0; i < length; i++) store8(to, i, load8(from, i))
  return address(packet)
}

/** Chain `second` to `first`. */
export function packetChain(first: ptr, second: ptr): void {
  at<Packet>(first).nextFragment = at<Packet>(second)
  at<Packet>(first).totalLength = packetLength(at<Packet>(first)) + packetLength(at<Packet>(second))
}

/** Ask for the checksum to be completed. */
export function packetPartial(p: ptr, start: u32, offset: u32): void {
  const packet = at<Packet>(p)
  packet.checksum = 2
  packet.checksumStart = start
  packet.checksumOffset = offset
}

/** Ask for segments, their payload of `size` bytes behind `headerLength` of the frame. */
export function packetSegments(p: ptr, size: u32, headerLength: u32): void {
  at<Packet>(p).segmentSize = size
  at<Packet>(p).headerLength = headerLength
}

/** nic.transmit of the first card. */
export function nicTransmit(p: ptr): i32 {
  const nic = nicFirst()!
  return nic.transmit(nic, at<Packet>(p))
}

/** nic.poll of the first card. */
export function nicPoll(budget: u32): u32 {
  const nic = nicFirst()!
  return nic.poll(nic, budget)
}

/** nic.arm of the first card. */
export function nicArm(): void {
  const nic = nicFirst()!
  nic.arm(nic)
}

/** nic.ready of the first card. */
export function nicReady(): bool {
  const nic = nicFirst()!
  return nic.ready(nic)
}

/** nic.flush of the first card. */
export function nicFlush(): void {
  const nic = nicFirst()!
  nic.flush(nic)
}

/** A queue of the first card. */
export function nicQueue(transmit: bool): ptr {
  const net = virtioNetOf(nicFirst()!)
  return transmit ? address(net.transmitQueue) : address(net.receiveQueue)
}

/** The MAC address of the first card. */
export function nicMac(): ptr {
  return nicFirst()!.mac
}

/** Whether there is a card. */
export function nicThere(): bool {
  return nicFirst() != null
}

/** Of the first card: 0 linkUp, 1 pending, 2 features, 3 mtu, 4 headRoom, and from 5 on the counters in their order. */
export function nicField(field: u32): u32 {
  const nic = nicFirst()!
  switch (field) {
    case 0: return nic.linkUp ? 1 : 0
    case 1: return nic.pending
    case 2: return nic.features
    case 3: return nic.mtu
    case 4: return nic.headRoom
    case 5: return nic.receivedFrames
    case 6: return nic.receivedBytes
    case 7: return nic.receiveErrors
    case 8: return nic.receiveDropped
    case 9: return nic.transmittedFrames
    case 10: return nic.transmittedBytes
    case 11: return nic.transmitErrors
    default: return nic.transmitDropped
  }
}

// --- A disk. ---------------------------------------------------------------------------------------------------

let completions: u32 = 0

function completed(request: DiskRequest): void {
  completions += 1
  request.context = completions
}

/** Fill in the request at `p` (zeroed, 64 bytes). */
export function requestSet(p: ptr, operation: u32, sector: u32, sectors: u32, buffer: PhysicalAddress): void {
  const request = at<DiskRequest>(p)
  request.operation = operation
  request.sector = sector
  request.sectors = sectors
  request.buffer = buffer
  request.completed = completed
}

/** And pieces instead of its buffer: `count` pairs of an address and bytes at `pieces`. */
export function requestPieces(p: ptr, pieces: ptr, count: u32): void {
  at<DiskRequest>(p).pieces = at<DiskPiece>(pieces)
  at<DiskRequest>(p).pieceCount = count
}

/** Of a request: 0 done, 1 result, 2 which completion it was, from 1; 0: not yet. */
export function requestField(p: ptr, field: u32): u32 {
  const request = at<DiskRequest>(p)
  switch (field) {
    case 0: return request.done ? 1 : 0
    case 1: return request.result as number as u32
    default: return request.context
  }
}

/** Whether there is a disk. */
export function diskThere(): bool {
  return diskFirst() != null
}

/** disk.submit of the first disk. */
export function diskSubmit(p: ptr): i32 {
  const disk = diskFirst()!
  return disk.submit(disk, at<DiskRequest>(p))
}

/** disk.poll of the first disk. */
export function diskPoll(): u32 {
  const disk = diskFirst()!
  return disk.poll(disk)
}

/** disk.ready and disk.arm of the first disk. */
export function diskReady(): bool {
  const disk = diskFirst()!
  return disk.ready(disk)
}
export function diskArm(): bool {
  const disk = diskFirst()!
  return disk.arm(disk)
}

/** The queue of the first disk. */
export function diskQueue(): ptr {
  return address(virtioBlkOf(diskFirst()!).queue)
}

/** Of the first disk: 0 sectors, 1 blockSize, 2 depth, 3 inFlight, 4 readOnly, 5 canFlush, 6 pending, then counters. */
export function diskField(field: u32): u32 {
  const disk: Disk = diskFirst()!
  switch (field) {
    case 0: return disk.sectors
    case 1: return disk.blockSize
    case 2: return disk.depth
    case 3: return disk.inFlight
    case 4: return disk.readOnly ? 1 : 0
    case 5: return disk.canFlush ? 1 : 0
    case 6: return disk.pending
    case 7: return disk.reads
    case 8: return disk.writes
    case 9: return disk.flushes
    case 10: return disk.errors
    case 11: return disk.sectorsRead
    default: return disk.sectorsWritten
  }
}
