// CONTRACT: what a block device (virtio-blk) does. A driver imports this file; swap and file systems import it;
// neither imports the other.
//
// Context: everything here runs in the main loop. An interrupt handler only sets `pending`.
// A sector is 512 bytes, whatever the device's own block size (virtio 1.2 §5.2.4); positions are in sectors,
// 32 bits: 2 TiB. Buffers are given by physical address, as devices see them.

import { idle } from '../../lib/idle.ts'
import { store8 } from '../../lib/intrinsics.ts'
import {
  struct,
  type Bytes, type PhysicalAddress, type Stored, type bool, type i32, type ptr, type u32, type u8,
} from '../../lib/layout.ts'

export const SECTOR_SIZE: u32 = 512

export const enum DiskOperation { Read, Write, Flush }

/** A piece of a transfer's memory, physically contiguous: whole sectors. */
@struct
export class DiskPiece {
  address: PhysicalAddress
  bytes: u32
}

/** One transfer. The caller owns it and its buffer again once `done`; until then neither may be touched. */
@struct
export class DiskRequest {
  next: DiskRequest | null // for whoever owns it: the driver while in flight, the caller otherwise
  sector: u32
  sectors: u32 // 1 or more; for Flush 0
  buffer: PhysicalAddress // physically contiguous, sectors × 512 bytes; not used with pieces
  result: i32 // once done: Errno.None, InputOutput, ReadOnly, NotSupported
  context: u32 // the caller's own
  completed: DiskCompleted | null // called once, from poll, after result and done are set; may be null
  operation: Stored<u8, DiskOperation>
  done: Stored<u8, bool>
  driverTag: u8 // the driver's own
  reserved: u8
  pieces: DiskPiece | null // a row of them, together sectors × 512 bytes, the caller's until done; null: `buffer` is all
  pieceCount: u32 // `pieceLimit` of the disk at most; 0 without pieces
}
export type DiskCompleted = (request: DiskRequest) => void

/**
 * Start a transfer. Returns Errno.None when it was accepted (`done` becomes true in a later poll, or already
 * is, whatever the outcome: see `result`); Errno.Busy when the queue is full: poll, then try again;
 * Errno.InvalidArgument when it reaches past `sectors`, has no length, or pieces that are none. Not accepted: the request is untouched.
 */
export type DiskSubmit = (disk: Disk, request: DiskRequest) => i32
/** Finish what the device has completed. Returns how many requests. The device may not interrupt from then on: see `DiskArm`. */
export type DiskPoll = (disk: Disk) => u32
/** Whether `poll` would find something. Sees to it that the device knows of everything submitted. */
export type DiskReady = (disk: Disk) => boolean
/**
 * Have the device interrupt when it next completes something: asked before waiting for that. While the main loop runs it asks
 * `ready`, and an interrupt would be paid for nothing. True when there is something already, which may have come without one.
 */
export type DiskArm = (disk: Disk) => boolean

@struct
export class Disk {
  next: Disk | null // all disks, in the order found; see diskRegister
  submit: DiskSubmit // set by the driver
  poll: DiskPoll
  ready: DiskReady
  arm: DiskArm
  driver: ptr // the driver's own state
  index: u32 // 0 for vda
  sectors: u32 // capacity; what is past 2^32 - 1 sectors is not used
  blockSize: u32 // the device's own, bytes; 512 unless it says otherwise
  depth: u32 // requests it accepts at once
  pieceLimit: u32 // most pieces of one request, of a page each
  inFlight: u32
  readOnly: Stored<u8, bool>
  canFlush: Stored<u8, bool>
  pending: u8 // set by the interrupt handler, cleared by poll
  reserved: u8
  name: Bytes<4> // "vda", zero-terminated
  // Counters; wrap at 2^32.
  reads: u32
  writes: u32
  flushes: u32
  errors: u32
  sectorsRead: u32
  sectorsWritten: u32
}

let first: Disk | null = null
let last: Disk | null = null
let count: u32 = 0

/** Add a disk, as vd<a + number of disks so far>; at most 26. Called by drivers at boot. */
export function diskRegister(disk: Disk): void {
  disk.next = null
  disk.index = count
  storeName(disk.name, count)
  count += 1
  if (last == null) first = disk
  else last.next = disk
  last = disk
}

function storeName(name: ptr, index: u32): void {
  store8(name, 0, 0x76) // v
  store8(name, 1, 0x64) // d
  store8(name, 2, 0x61 + index) // a, b, …
  store8(name, 3, 0)
}

/** The first disk, or null; follow `next`. */
export function diskFirst(): Disk | null {
  return first
}

/** Wait until a request that was accepted is done. Sleeps between interrupts; other disks' completions run too. */
export function diskWait(disk: Disk, request: DiskRequest): void {
  while (!isDone(request)) {
    if (disk.poll(disk) == 0) idle()
  }
}

function isDone(request: DiskRequest): boolean {
  return request.done
}
