// The disk of virtio: several requests in flight, each a chain of header, data and status. virtio 1.2 §5.2.6.
// Finding and starting the device is in virtio-blk-probe.ts.
//
// A request waits for the device in the slot its driverTag names: the slot's header and status byte lie in one frame
// the device can reach. A request that ends without the device (a write to a read-only disk) waits in `finished`,
// so that it too is completed from poll. Indirect descriptors are not used: a ring of 256 has room for more requests
// than there are slots. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { compilerBarrier, load8, store8 } from '../../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, struct,
  type Embed, type PhysicalAddress, type Stored, type bool, type cstring, type i32, type ptr, type u16, type u32,
  type u8,
} from '../../lib/layout.ts'
import {
  QueueFault, Virtqueue, queueAbandon, queueAdd, queueArm, queueDisarm, queueElement, queueOffer, queueReady, queueTake,
} from '../virtio/queue.ts'
import { DescriptorFlag } from '../virtio/ring.ts'
import { VirtioDevice, virtioBreak, virtioHealthy } from '../virtio/transport.ts'
import { Disk, DiskOperation, DiskRequest, SECTOR_SIZE } from './disk.ts'
import { BlkHeader, BlkStatus, BlkStatusByte, BlkType } from './virtio-blk-header.ts'

/** Requests in flight, at most: what one frame has headers and status bytes for, with room to spare. */
export const BLK_DEPTH_LIMIT: u32 = 64

@struct
export class VirtioBlk {
  disk: Embed<Disk>
  device: Embed<VirtioDevice>
  queue: Embed<Virtqueue>
  headers: BlkHeader // a row of BLK_DEPTH_LIMIT
  headersPhysical: PhysicalAddress
  statuses: BlkStatusByte // a row of BLK_DEPTH_LIMIT
  statusesPhysical: PhysicalAddress
  finished: DiskRequest | null // done without the device, newest first
  segmentSize: u32 // most bytes in one descriptor
  segments: u32 // most descriptors of data in one request
  freeSlots: ptr // a stack of slot numbers, a byte each
  freeCount: u16
  broken: Stored<u8, bool> // the device did what it must not, or asked to be reset: down for good
  reserved: u8
}

/** The driver's state of a disk. */
export function virtioBlkOf(disk: Disk): VirtioBlk {
  return at<VirtioBlk>(disk.driver)
}

/** See DiskSubmit in disk.ts. */
export function virtioBlkSubmit(disk: Disk, request: DiskRequest): i32 {
  const blk = virtioBlkOf(disk)
  if (requestFault(blk, request)) return Errno.InvalidArgument
  const early: Errno = outcomeWithoutDevice(blk, request)
  if (early != Errno.None) {
    finishEarly(blk, request, early)
    return Errno.None
  }
  const segments: u32 = segmentsOf(blk, request)
  if (blk.freeCount == 0 || segments + 2 > blk.queue.free) return Errno.Busy
  count(disk, request)
  enqueue(blk, request)
  queueOffer(blk.queue)
  return Errno.None
}

/** Descriptors of data: as few as SIZE_MAX allows. */
function segmentsOf(blk: VirtioBlk, request: DiskRequest): u32 {
  const pieces = request.pieces
  if (pieces == null) return segmentsOfPiece(blk, request.sectors * SECTOR_SIZE)
  let segments: u32 = 0
  for (let i: u32 = 0; i < request.pieceCount; i++) segments += segmentsOfPiece(blk, nth(pieces, i).bytes)
  return segments
}

function segmentsOfPiece(blk: VirtioBlk, bytes: u32): u32 {
  return bytes == 0 ? 0 : (bytes - 1) / blk.segmentSize + 1
}

/** Sectors whose bytes still count in 32 bits: 2 GiB, more than any buffer here. */
const SECTORS_LIMIT: u32 = 0x400000

/** Whether the request makes no sense: nothing to move, too much, or past the end. §5.2.6.1. */
function requestFault(blk: VirtioBlk, request: DiskRequest): boolean {
  if (request.operation == DiskOperation.Flush) return request.sectors != 0
  const sectors: u32 = request.sectors
  const capacity: u32 = blk.disk.sectors
  if (sectors == 0 || sectors > SECTORS_LIMIT) return true
  if (sectors > capacity || request.sector > capacity - sectors) return true
  if (piecesFault(request)) return true
  return segmentsOf(blk, request) > blk.segments
}

/** Whether there are pieces, and they are not whole sectors, as many as the request says. */
function piecesFault(request: DiskRequest): boolean {
  const pieces = request.pieces
  if (pieces == null) return false
  if (request.pieceCount > request.sectors) return true
  let left: u32 = request.sectors * SECTOR_SIZE
  for (let i: u32 = 0; i < request.pieceCount; i++) {
    const bytes: u32 = nth(pieces, i).bytes
    if (bytes == 0 || bytes > left || bytes % SECTOR_SIZE != 0) return true
    left -= bytes
  }
  return left != 0
}

/** How a request ends that the device is not asked about; None if it is. */
function outcomeWithoutDevice(blk: VirtioBlk, request: DiskRequest): Errno {
  if (blk.broken) return Errno.InputOutput
  if (request.operation == DiskOperation.Write && blk.disk.readOnly) return Errno.ReadOnly
  if (request.operation == DiskOperation.Flush && !blk.disk.canFlush) return Errno.NotSupported
  return Errno.None
}

function finishEarly(blk: VirtioBlk, request: DiskRequest, result: Errno): void {
  request.result = result
  request.done = false
  request.next = blk.finished
  blk.finished = request
  blk.disk.inFlight += 1
  blk.disk.pending = 1
}

function count(disk: Disk, request: DiskRequest): void {
  if (request.operation == DiskOperation.Flush) {
    disk.flushes += 1
  } else if (request.operation == DiskOperation.Read) {
    disk.reads += 1
    disk.sectorsRead += request.sectors
  } else {
    disk.writes += 1
    disk.sectorsWritten += request.sectors
  }
}

function typeOf(operation: DiskOperation): BlkType {
  switch (operation) {
    case DiskOperation.Read: return BlkType.In
    case DiskOperation.Write: return BlkType.Out
    default: return BlkType.Flush
  }
}

/** Header, data, status: §5.2.6. The caller has seen that there is a slot and room in the ring. */
function enqueue(blk: VirtioBlk, request: DiskRequest): void {
  const slot: u32 = takeSlot(blk)
  const header = nth(blk.headers, slot)
  const reading: boolean = request.operation == DiskOperation.Read
  header.type = typeOf(request.operation)
  header.reserved = 0
  header.sectorLow = request.operation == DiskOperation.Flush ? 0 : request.sector
  header.sectorHigh = 0
  nth(blk.statuses, slot).status = BlkStatus.Unset
  request.driverTag = slot
  request.done = false
  blk.disk.inFlight += 1
  queueElement(blk.queue, slotHeader(blk, slot), sizeof<BlkHeader>(), DescriptorFlag.None)
  enqueueData(blk, request, reading ? DescriptorFlag.Write : DescriptorFlag.None)
  queueElement(blk.queue, slotStatus(blk, slot), 1, DescriptorFlag.Write)
  queueAdd(blk.queue, address(request))
}

function enqueueData(blk: VirtioBlk, request: DiskRequest, flag: DescriptorFlag): void {
  const pieces = request.pieces
  if (pieces == null) return enqueuePiece(blk, request.buffer, request.sectors * SECTOR_SIZE, flag)
  for (let i: u32 = 0; i < request.pieceCount; i++) {
    const piece = nth(pieces, i)
    enqueuePiece(blk, piece.address, piece.bytes, flag)
  }
}

function enqueuePiece(blk: VirtioBlk, address: PhysicalAddress, bytes: u32, flag: DescriptorFlag): void {
  let left: u32 = bytes
  let from: u32 = address
  while (left != 0) {
    const size: u32 = left > blk.segmentSize ? blk.segmentSize : left
    queueElement(blk.queue, from as PhysicalAddress, size, flag)
    from += size
    left -= size
  }
}

function slotHeader(blk: VirtioBlk, slot: u32): PhysicalAddress {
  return (blk.headersPhysical + slot * sizeof<BlkHeader>()) as PhysicalAddress
}

function slotStatus(blk: VirtioBlk, slot: u32): PhysicalAddress {
  return (blk.statusesPhysical + slot) as PhysicalAddress
}

function takeSlot(blk: VirtioBlk): u32 {
  blk.freeCount -= 1
  return load8(blk.freeSlots, blk.freeCount)
}

/** Make a slot free again. */
export function virtioBlkFreeSlot(blk: VirtioBlk, slot: u32): void {
  store8(blk.freeSlots, blk.freeCount, slot)
  blk.freeCount += 1
}

/** See DiskPoll in disk.ts. */
export function virtioBlkPoll(disk: Disk): u32 {
  const blk = virtioBlkOf(disk)
  disk.pending = 0
  compilerBarrier() // before the ring is looked at: an interrupt in between sets it again
  let done: u32 = completeFinished(blk)
  if (isBroken(blk)) return done
  if (blk.device.configurationChanged != 0 && !virtioHealthy(blk.device)) {
    fail(blk, 'the device needs a reset')
    return done + completeFinished(blk)
  }
  done += completeUsed(blk)
  if (blk.queue.fault == QueueFault.None) {
    queueDisarm(blk.queue)
    queueOffer(blk.queue) // what completions have submitted, and wishes overlooked before
    return done
  }
  fail(blk, 'its used ring makes no sense')
  return done + completeFinished(blk)
}

/** See DiskReady in disk.ts. */
export function virtioBlkReady(disk: Disk): boolean {
  const blk = virtioBlkOf(disk)
  if (blk.finished != null) return true
  if (isBroken(blk)) return false
  queueOffer(blk.queue)
  return queueReady(blk.queue) != 0 || blk.queue.fault != QueueFault.None || blk.device.configurationChanged != 0
}

/** See DiskArm in disk.ts. */
export function virtioBlkArm(disk: Disk): boolean {
  const blk = virtioBlkOf(disk)
  if (!isBroken(blk)) queueArm(blk.queue)
  return virtioBlkReady(disk)
}

function isBroken(blk: VirtioBlk): boolean {
  return blk.broken
}

/** Complete what the device has used. Returns how many requests. */
function completeUsed(blk: VirtioBlk): u32 {
  let done: u32 = 0
  let token: u32 = queueTake(blk.queue)
  while (token != 0) {
    const request = at<DiskRequest>(token as ptr)
    const status: u32 = nth(blk.statuses, request.driverTag).status
    virtioBlkFreeSlot(blk, request.driverTag)
    complete(blk, request, errnoOf(status))
    done += 1
    token = queueTake(blk.queue)
  }
  return done
}

/** Any status the specification does not know, and one that was never written, is an error of the device. */
function errnoOf(status: u32): Errno {
  if (status == BlkStatus.Ok) return Errno.None
  return status == BlkStatus.Unsupported ? Errno.NotSupported : Errno.InputOutput
}

/** Complete what ended without the device, oldest last. Returns how many requests. */
function completeFinished(blk: VirtioBlk): u32 {
  let done: u32 = 0
  let request: DiskRequest | null = blk.finished
  blk.finished = null
  while (request != null) {
    const following: DiskRequest | null = request.next
    complete(blk, request, request.result)
    done += 1
    request = following
  }
  return done
}

function complete(blk: VirtioBlk, request: DiskRequest, result: i32): void {
  blk.disk.inFlight -= 1
  if (result != Errno.None) blk.disk.errors += 1
  request.next = null
  request.result = result
  request.done = true
  const completed = request.completed
  if (completed != null) completed(request)
}

/** Give the disk up: the device is reset, so that it touches no buffer; what is in flight ends in an error. */
function fail(blk: VirtioBlk, why: cstring): void {
  blk.broken = true
  if (!virtioBreak(blk.device, why)) return // it may still write to the buffers: they stay in flight for good
  let token: u32 = queueAbandon(blk.queue)
  while (token != 0) {
    blk.disk.inFlight -= 1
    finishEarly(blk, at<DiskRequest>(token as ptr), Errno.InputOutput)
    token = queueAbandon(blk.queue)
  }
}
