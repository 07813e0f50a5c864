// One transfer at a time, waited for: the header of a swap area, looking at a disk before it is taken, flushing.
// Pages go through transfer.ts. Main loop or boot; may wait for the disk.

import {
  DiskOperation, DiskRequest, SECTOR_SIZE, diskFirst, diskWait, type Disk,
} from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { idle } from '../lib/idle.ts'
import { allZero } from '../lib/memory.ts'
import { staticStruct, type PhysicalAddress, type i32, type u32 } from '../lib/layout.ts'
import { PAGE_SIZE, virtualOf } from '../mm/address.ts'
import { frameAllocate, frameFree } from '../mm/frames.ts'

/** Sectors of a page: page n of a disk is sectors 8n to 8n + 7. */
export const SECTORS_PER_PAGE: u32 = 8
const SECTORS_PER_MEGABYTE: u32 = 2048
/** 128 KiB: a blank disk is looked at in 16 requests. */
const LOOK_ORDER: u32 = 5

const request = staticStruct<DiskRequest>()

/** Read whole sectors. Errno.None, InputOutput, or InvalidArgument when they are not all on the disk. */
export function diskRead(disk: Disk, sector: u32, sectors: u32, buffer: PhysicalAddress): i32 {
  return transfer(disk, DiskOperation.Read, sector, sectors, buffer)
}

/** Write whole sectors. As `diskRead`, and ReadOnly. */
export function diskWrite(disk: Disk, sector: u32, sectors: u32, buffer: PhysicalAddress): i32 {
  return transfer(disk, DiskOperation.Write, sector, sectors, buffer)
}

/** What was written is on the medium after this. A disk that has no such operation keeps nothing back. */
export function diskFlush(disk: Disk): i32 {
  if (!disk.canFlush) return Errno.None
  return transfer(disk, DiskOperation.Flush, 0, 0, 0 as PhysicalAddress)
}

function transfer(disk: Disk, operation: DiskOperation, sector: u32, sectors: u32, buffer: PhysicalAddress): i32 {
  request.operation = operation
  request.sector = sector
  request.sectors = sectors
  request.buffer = buffer
  request.result = Errno.None
  request.completed = null
  request.done = false
  let accepted = disk.submit(disk, request)
  while (accepted == Errno.Busy) {
    if (disk.poll(disk) == 0) idle()
    accepted = disk.submit(disk, request)
  }
  if (accepted != Errno.None) return accepted
  diskWait(disk, request)
  return request.result
}

export const enum Blank { No, Yes, Unreadable, NoMemory }

/** Whether the first and the last MiB of a disk are all zero; of a disk with less, all there is. */
export function diskBlank(disk: Disk): Blank {
  const buffer = frameAllocate(LOOK_ORDER)
  if (buffer == 0) return Blank.NoMemory
  const size: u32 = disk.sectors < SECTORS_PER_MEGABYTE ? disk.sectors : SECTORS_PER_MEGABYTE
  let result = zeroSectors(disk, 0, size, buffer)
  // Whole pages: a disk of 4 KiB blocks reads no less.
  if (result == Blank.Yes) {
    const last: u32 = (disk.sectors - size) & ~(SECTORS_PER_PAGE - 1)
    result = zeroSectors(disk, last, disk.sectors - last, buffer)
  }
  frameFree(buffer, LOOK_ORDER)
  return result
}

function zeroSectors(disk: Disk, first: u32, count: u32, buffer: PhysicalAddress): Blank {
  const most: u32 = (PAGE_SIZE << LOOK_ORDER) / SECTOR_SIZE
  let done: u32 = 0
  while (done < count) {
    const sectors: u32 = count - done < most ? count - done : most
    if (diskRead(disk, first + done, sectors, buffer) != Errno.None) return Blank.Unreadable
    if (!allZero(virtualOf(buffer), sectors * SECTOR_SIZE)) return Blank.No
    done += sectors
  }
  return Blank.Yes
}

/** Whole pages on a disk. */
export function diskPages(disk: Disk): u32 {
  return disk.sectors / SECTORS_PER_PAGE
}

/** The disk with this number (0 for vda), or null. */
export function diskByIndex(index: u32): Disk | null {
  let disk = diskFirst()
  while (disk != null && disk.index != index) disk = disk.next
  return disk
}
