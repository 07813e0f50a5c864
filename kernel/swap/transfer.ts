// One page on its way to or from its slot. Several may be on their way at once: SwapManager.swapOutBegin and
// swapInBegin start one, the disk's poll finishes it. Main-loop context.

import { DiskOperation, DiskRequest, type Disk } from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { idle } from '../lib/idle.ts'
import {
  address, at, offsetof, plus, struct, type Embed, type Stored, type bool, type i32, type ptr, type u16, type u32,
  type u8,
} from '../lib/layout.ts'
import { physicalOf } from '../mm/address.ts'
import { SECTORS_PER_PAGE } from './disk-access.ts'
import { SwapError } from './errors.ts'

/** Called once, when `result` is set: from the disk's poll, or before Begin returns if no transfer was needed. */
export type SwapTransferFinished = (transfer: SwapTransfer) => void

/** Zeroed memory is ready for use. From Begin until `finished` it and the page are the manager's. */
@struct
export class SwapTransfer {
  request: Embed<DiskRequest>
  settle: SwapTransferFinished // the manager's: brings its tables up to date
  notify: SwapTransferFinished | null // the caller's own; may be null, and may begin the next
  manager: ptr // the SwapManager
  context: ptr // the caller's own
  page: ptr // the page's bytes
  pageAddress: u32
  slot: u32
  result: i32 // SwapError, once finished
  keep: Stored<u8, bool> // swapping in: the slot keeps its copy
  finished: Stored<u8, bool>
  reserved: u16
}

/**
 * Start the disk on a transfer whose page and slot are set. SwapError.None; DeviceBusy when the disk's queue is
 * full, or `refused` when the disk does not take it: then nothing was started.
 */
export function transferStart(transfer: SwapTransfer, disk: Disk, operation: DiskOperation, refused: SwapError): i32 {
  const request = transfer.request
  request.operation = operation
  request.sector = transfer.slot * SECTORS_PER_PAGE
  request.sectors = SECTORS_PER_PAGE
  request.buffer = physicalOf(transfer.page)
  request.result = Errno.None
  request.completed = requestCompleted
  request.done = false
  transfer.finished = false
  const accepted = disk.submit(disk, request)
  if (accepted == Errno.None) return SwapError.None
  return accepted == Errno.Busy ? SwapError.DeviceBusy : refused
}

/** Called by the disk. */
function requestCompleted(request: DiskRequest): void {
  const transfer = at<SwapTransfer>(plus(address(request), 0 - offsetof<SwapTransfer>('request')))
  transfer.settle(transfer)
  transferFinish(transfer, transfer.result)
}

/** The transfer is over: the caller's again. */
export function transferFinish(transfer: SwapTransfer, result: i32): void {
  transfer.result = result
  transfer.finished = true
  if (transfer.notify != null) transfer.notify(transfer)
}

/** Wait until a transfer that was begun is finished. */
export function transferWait(transfer: SwapTransfer, disk: Disk): void {
  while (!transfer.finished) transferLetRun(disk)
}

/** Let the disk finish something, or sleep until it may have. */
export function transferLetRun(disk: Disk): void {
  if (disk.poll(disk) == 0) idle()
}
