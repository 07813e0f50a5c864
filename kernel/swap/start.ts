// Swap at boot: which disk is taken. docs/contract.md, the key `swap`.
//
//   swap=none    none
//   swap=vdb     that one; without a header it gets one, whatever is on it
//   otherwise    the first disk with a valid header; else the first whose first and last MiB are all zero, which
//                gets one; else none. A disk with anything else on it is never written to.
//
// Every disk that is passed over is a line in the log, with the reason.

import { diskFirst, type Disk } from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { staticStruct, type bool, type cstring, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logQuoted, logStart, logText, logUuid } from '../lib/log.ts'
import { SwapChoice, type Options } from '../lib/options.ts'
import { Blank, diskBlank, diskByIndex, diskPages } from './disk-access.ts'
import { SwapError, swapErrorName } from './errors.ts'
import { PageReplacementAlgorithm } from './replacement.ts'
import { AreaState, areaHeader, areaLook, areaMake, areaReason } from './swap-area.ts'
import { SwapStats } from './stats.ts'
import { SwapManager } from './swap-manager.ts'

const manager = staticStruct<SwapManager>()
const stats = staticStruct<SwapStats>()

/** The kernel's swap manager; `swapStart` makes it. */
export function swapManager(): SwapManager {
  return manager
}

/** Once, after the disks were found: choose by the command line, and say in one line what came of it. */
export function swapStart(options: Options): void {
  if (manager.init(0, options.replacement as number as PageReplacementAlgorithm) != SwapError.None) {
    none(Level.Error, swapErrorName(SwapError.OutOfMemory))
    return
  }
  if (options.swap == SwapChoice.None) none(Level.Info, 'swap=none')
  else if (options.swap == SwapChoice.Named) startNamed(options.swapDisk)
  else startAutomatic()
}

function startNamed(index: u32): void {
  const disk = diskByIndex(index)
  if (disk == null) {
    none(Level.Warn, 'there is no disk of the name that swap= says')
    return
  }
  const state = areaLook(disk)
  if (state == AreaState.Valid) use(disk)
  else if (state == AreaState.NoHeader && make(disk)) use(disk)
  else {
    if (state != AreaState.NoHeader) passedOver(disk, areaReason(state))
    none(Level.Warn, 'the disk that swap= says can not be used')
  }
}

function startAutomatic(): void {
  if (diskFirst() == null) {
    none(Level.Info, 'there is no disk')
    return
  }
  const disk = firstWithHeader()
  if (disk != null) {
    use(disk)
    return
  }
  const blank = firstBlank()
  if (blank != null) use(blank)
  else none(Level.Warn, 'no disk has a swap header or is blank')
}

function firstWithHeader(): Disk | null {
  let disk = diskFirst()
  while (disk != null) {
    const state = areaLook(disk)
    if (state == AreaState.Valid) return disk
    if (state != AreaState.NoHeader) passedOver(disk, areaReason(state))
    disk = disk.next
  }
  return null
}

/** The first blank disk, with a header made. */
function firstBlank(): Disk | null {
  let disk = diskFirst()
  while (disk != null) {
    if (areaLook(disk) == AreaState.NoHeader && isBlank(disk) && make(disk)) return disk
    disk = disk.next
  }
  return null
}

/** Logs the reason if it is not. */
function isBlank(disk: Disk): bool {
  const blank = diskBlank(disk)
  if (blank == Blank.No) passedOver(disk, 'no swap header, and its first and last MiB are not all zero')
  if (blank == Blank.Unreadable) passedOver(disk, 'its first or last MiB can not be read')
  if (blank == Blank.NoMemory) passedOver(disk, 'no memory to look whether it is blank')
  return blank == Blank.Yes
}

/** Write a header. */
function make(disk: Disk): bool {
  if (areaMake(disk) != Errno.None) {
    passedOver(disk, 'its header can not be written')
    return false
  }
  if (logStart(Level.Info, 'swap', 'header-written')) {
    logText('disk', disk.name as cstring)
    logDecimal('pages', diskPages(disk))
    logUuid('uuid', areaHeader().uuid)
    logEnd()
  }
  return true
}

function use(disk: Disk): void {
  const result = manager.setSwapDevice(disk.index)
  if (result != SwapError.None) {
    passedOver(disk, swapErrorName(result))
    none(Level.Warn, 'the disk chosen can not be used')
    return
  }
  manager.getStats(stats)
  const unused: u32 = areaHeader().lastPage - manager.slots.lastSlot
  if (!logStart(Level.Info, 'swap', 'on')) return
  logText('disk', disk.name as cstring)
  logDecimal('slots', stats.totalSlots)
  if (areaHeader().badPageCount != 0) logDecimal('bad_pages', areaHeader().badPageCount)
  if (unused != 0) logDecimal('unused', unused)
  logUuid('uuid', areaHeader().uuid)
  logEnd()
}

function passedOver(disk: Disk, why: cstring): void {
  if (!logStart(Level.Warn, 'swap', 'disk-refused')) return
  logText('disk', disk.name as cstring)
  logQuoted('why', why)
  logEnd()
}

function none(level: Level, why: cstring): void {
  if (!logStart(level, 'swap', 'none')) return
  logQuoted('why', why)
  logEnd()
}
