// virtio-blk: from a PCI function to a disk. virtio 1.2 §5.2.4, §5.2.5.

import {
  address, at, nth, offsetof, plus, sizeof, staticRow, type PhysicalAddress, type cstring, type u32,
} from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logLine, logStart, logText } from '../../lib/log.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { PAGE_SIZE, virtualOf } from '../../mm/address.ts'
import { frameAllocate } from '../../mm/frames.ts'
import { placeName } from '../pci/config.ts'
import type { PciFunction } from '../pci/function.ts'
import { virtioInterrupts } from '../virtio/interrupts.ts'
import { queueArm } from '../virtio/queue.ts'
import { virtioQueue } from '../virtio/queue-setup.ts'
import { FEATURE_EVENT_INDEX } from '../virtio/registers.ts'
import {
  CONFIGURATION_TRIES, interruptName, virtioConfigurationGeneration, virtioConfigurationSame, virtioHas,
  virtioNegotiate, virtioOpen, virtioRefuse, virtioStart,
} from '../virtio/transport.ts'
import { Disk, SECTOR_SIZE, diskRegister } from './disk.ts'
import { BlkConfiguration, BlkFeature, BlkHeader, BlkStatusByte } from './virtio-blk-header.ts'
import {
  BLK_DEPTH_LIMIT, VirtioBlk, virtioBlkArm, virtioBlkFreeSlot, virtioBlkPoll, virtioBlkReady, virtioBlkSubmit,
} from './virtio-blk.ts'

/** Disks: vda to vdh. */
const DISK_LIMIT: u32 = 8
/** Descriptors a request takes besides its data. */
const FRAMING: u32 = 2
/** Without SIZE_MAX a descriptor may be as long as its length field says. */
const SEGMENT_UNLIMITED: u32 = 0x80000000

const disks = staticRow<VirtioBlk>(DISK_LIMIT)
let count: u32 = 0

/** Bring up the disk behind `fn` and register it. False: it is left alone, and the log says why. */
export function virtioBlkProbe(fn: PciFunction): boolean {
  if (count == DISK_LIMIT) {
    logLine(Level.Warn, 'virtio-blk', 'more disks than DISK_LIMIT')
    return false
  }
  const blk = nth(disks, count)
  const device = blk.device
  const disk = blk.disk
  const wanted: u32 = FEATURE_EVENT_INDEX | BlkFeature.SizeMax | BlkFeature.SegMax | BlkFeature.ReadOnly
    | BlkFeature.BlockSize | BlkFeature.Flush
  if (!virtioOpen(device, fn)) return false
  if (device.configurationLength < sizeof<BlkConfiguration>()) {
    return virtioRefuse(device, 'its configuration is too short for a disk')
  }
  if (!virtioNegotiate(device, wanted)) return false
  if (!virtioInterrupts(device, plus(address(disk), offsetof<Disk>('pending')))) return false
  if (!virtioQueue(device, blk.queue, 0, true)) return false
  if (!allocateSlots(blk)) return virtioRefuse(device, 'no memory for requests')
  const why = readConfiguration(blk)
  if (why != null) return virtioRefuse(device, why)
  count += 1
  blk.broken = false
  disk.submit = virtioBlkSubmit
  disk.poll = virtioBlkPoll
  disk.ready = virtioBlkReady
  disk.arm = virtioBlkArm
  disk.driver = address(blk)
  virtioStart(device)
  if (queueArm(blk.queue)) disk.pending = 1
  diskRegister(disk)
  logFound(blk)
  return true
}

/** One frame: headers from its start, then the status bytes, then the stack of free slots. */
function allocateSlots(blk: VirtioBlk): boolean {
  const frame: PhysicalAddress = frameAllocate(0)
  if (frame == 0) return false
  const memory = virtualOf(frame)
  const statuses: u32 = BLK_DEPTH_LIMIT * sizeof<BlkHeader>()
  zeroBytes(memory, PAGE_SIZE)
  blk.headers = at<BlkHeader>(memory)
  blk.headersPhysical = frame
  blk.statuses = at<BlkStatusByte>(plus(memory, statuses))
  blk.statusesPhysical = (frame + statuses) as PhysicalAddress
  blk.freeSlots = plus(memory, statuses + BLK_DEPTH_LIMIT)
  blk.freeCount = 0
  blk.disk.depth = blk.queue.size / (FRAMING + 1)
  if (blk.disk.depth > BLK_DEPTH_LIMIT) blk.disk.depth = BLK_DEPTH_LIMIT
  for (let slot: u32 = 0; slot < blk.disk.depth; slot++) virtioBlkFreeSlot(blk, slot)
  return true
}

/** Take over capacity, limits and block size. Returns why they make no sense, or null. */
function readConfiguration(blk: VirtioBlk): cstring | null {
  const device = blk.device
  const disk = blk.disk
  const configuration = at<BlkConfiguration>(device.configuration)
  let steady: boolean = false
  for (let i: u32 = 0; i < CONFIGURATION_TRIES && !steady; i++) {
    const generation: u32 = virtioConfigurationGeneration(device)
    disk.sectors = configuration.capacityHigh == 0 ? configuration.capacityLow : 0xffffffff
    disk.blockSize = virtioHas(device, BlkFeature.BlockSize) ? configuration.blockSize : SECTOR_SIZE
    blk.segmentSize = virtioHas(device, BlkFeature.SizeMax) ? configuration.sizeMax : SEGMENT_UNLIMITED
    blk.segments = virtioHas(device, BlkFeature.SegMax) ? configuration.segMax : 1
    steady = virtioConfigurationSame(device, generation)
  }
  disk.readOnly = virtioHas(device, BlkFeature.ReadOnly)
  disk.canFlush = virtioHas(device, BlkFeature.Flush)
  if (disk.blockSize < SECTOR_SIZE || (disk.blockSize & (disk.blockSize - 1)) != 0) disk.blockSize = SECTOR_SIZE
  const room: u32 = blk.queue.size - FRAMING
  if (blk.segments > room) blk.segments = room
  disk.pieceLimit = blk.segmentSize < PAGE_SIZE ? 1 : blk.segments
  if (blk.queue.size <= FRAMING) return 'its queue is too short for a request'
  if (blk.segments == 0 || blk.segmentSize == 0) return 'its limits leave no room for data'
  return null
}

function logFound(blk: VirtioBlk): void {
  const disk = blk.disk
  if (!logStart(Level.Info, 'virtio-blk', 'found')) return
  logText('disk', disk.name as cstring)
  logText('pci', placeName(blk.device.fn.place))
  logDecimal('sectors', disk.sectors)
  logDecimal('block', disk.blockSize)
  logText('access', disk.readOnly ? 'ro' : 'rw')
  logText('flush', disk.canFlush ? 'yes' : 'no')
  logText('interrupts', interruptName(blk.device))
  logDecimal('depth', disk.depth)
  logEnd()
}
