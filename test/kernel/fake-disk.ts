// A disk in memory that behaves as drivers/block/disk.ts says, with faults on order: sectors that fail, a queue of
// any depth, completions that take several polls and come in any order, read-only, any capacity and block size.

import { Disk, DiskOperation, DiskRequest, SECTOR_SIZE, diskRegister } from '../../kernel/drivers/block/disk.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import {
  address, nth, plus, staticRow, struct, type Embed, type PhysicalAddress, type Stored, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { copyBytes } from '../../kernel/lib/memory.ts'
import { virtualOf } from '../../kernel/mm/address.ts'

const DISKS: u32 = 4

@struct
class FakeDisk {
  disk: Embed<Disk>
  contents: ptr
  first: DiskRequest | null // in flight, in the order they came
  delay: u32 // polls before anything is done
  waited: u32
  newestFirst: Stored<u32, bool>
  failReadFrom: u32 // sectors from here up to failReadTo can not be read
  failReadTo: u32
  failWriteFrom: u32
  failWriteTo: u32
  failFlush: Stored<u32, bool>
  loseWrites: Stored<u32, bool> // say they are done, and do nothing
  mostInFlight: u32
  tearWrites: u32 // the writes from now on of which only the first half arrives, and that fail
  largest: u32 // sectors of the largest request
}

const disks = staticRow<FakeDisk>(DISKS)
let count: u32 = 0

/** A disk of `sectors` sectors at `contents`, as the next of vda, vdb, …; at most four. */
export function addDisk(contents: ptr, sectors: u32, blockSize: u32, depth: u32): void {
  const fake = nth(disks, count)
  const disk = fake.disk
  count += 1
  fake.contents = contents
  disk.submit = submit
  disk.poll = poll
  disk.ready = isReady
  disk.arm = isReady
  disk.driver = address(fake)
  disk.sectors = sectors
  disk.blockSize = blockSize
  disk.depth = depth
  disk.canFlush = true
  disk.pieceLimit = 64
  diskRegister(disk)
}

export function setReadOnly(index: u32, readOnly: bool): void { nth(disks, index).disk.readOnly = readOnly }
export function setCanFlush(index: u32, canFlush: bool): void { nth(disks, index).disk.canFlush = canFlush }
export function setDelay(index: u32, polls: u32, newestFirst: bool): void {
  nth(disks, index).delay = polls
  nth(disks, index).newestFirst = newestFirst
}

/** Sectors from `from` up to `to` fail; `from` = `to`: none. */
export function failReads(index: u32, from: u32, to: u32): void {
  nth(disks, index).failReadFrom = from
  nth(disks, index).failReadTo = to
}

export function failWrites(index: u32, from: u32, to: u32): void {
  nth(disks, index).failWriteFrom = from
  nth(disks, index).failWriteTo = to
}

export function failFlushes(index: u32, fail: bool): void { nth(disks, index).failFlush = fail }
export function loseWrites(index: u32, lose: bool): void { nth(disks, index).loseWrites = lose }
/** Of the next `count` writes only the first half arrives, and they fail. */
export function tearWrites(index: u32, count: u32): void { nth(disks, index).tearWrites = count }
export function setPieceLimit(index: u32, pieces: u32): void { nth(disks, index).disk.pieceLimit = pieces }
export function diskLargest(index: u32): u32 { return nth(disks, index).largest }
export function diskReads(index: u32): u32 { return nth(disks, index).disk.reads }
export function diskWrites(index: u32): u32 { return nth(disks, index).disk.writes }
export function diskFlushes(index: u32): u32 { return nth(disks, index).disk.flushes }
export function diskInFlight(index: u32): u32 { return nth(disks, index).disk.inFlight }
export function diskMostInFlight(index: u32): u32 { return nth(disks, index).mostInFlight }
export function pollDisk(index: u32): u32 { return poll(nth(disks, index).disk) }

function fakeOf(disk: Disk): FakeDisk {
  return nth(disks, disk.index)
}

function submit(disk: Disk, request: DiskRequest): i32 {
  const fake = fakeOf(disk)
  if (request.operation != DiskOperation.Flush) {
    if (request.sectors == 0) return Errno.InvalidArgument
    if (request.sector >= disk.sectors) return Errno.InvalidArgument
    if (request.sectors > disk.sectors - request.sector) return Errno.InvalidArgument
    const unit: u32 = disk.blockSize / SECTOR_SIZE
    if (request.sector % unit != 0 || request.sectors % unit != 0) return Errno.InvalidArgument
  }
  if (request.pieceCount > disk.pieceLimit) return Errno.InvalidArgument
  if (disk.inFlight >= disk.depth) return Errno.Busy
  if (request.sectors > fake.largest) fake.largest = request.sectors
  disk.inFlight += 1
  if (disk.inFlight > fake.mostInFlight) fake.mostInFlight = disk.inFlight
  request.done = false
  request.next = null
  if (fake.first == null) {
    fake.first = request
    return Errno.None
  }
  let last = fake.first
  while (last.next != null) last = last.next
  last.next = request
  return Errno.None
}

/** Only a poll lets time pass. */
function isReady(disk: Disk): boolean {
  return fakeOf(disk).first != null
}

/** Finish one request, once `delay` polls have passed since the last. */
function poll(disk: Disk): u32 {
  const fake = fakeOf(disk)
  fake.disk.pending = 0
  if (fake.first == null) return 0
  fake.waited += 1
  if (fake.waited <= fake.delay) return 0
  fake.waited = 0
  const request = take(fake)
  disk.inFlight -= 1
  request.result = carryOut(fake, request)
  if (request.result != Errno.None) disk.errors += 1
  request.done = true
  if (request.completed != null) request.completed(request)
  return 1
}

/** The oldest request, or the newest. */
function take(fake: FakeDisk): DiskRequest {
  let before: DiskRequest | null = null
  let request = fake.first!
  while (fake.newestFirst && request.next != null) {
    before = request
    request = request.next
  }
  if (before == null) fake.first = request.next
  else before.next = request.next
  return request
}

function carryOut(fake: FakeDisk, request: DiskRequest): i32 {
  const place = plus(fake.contents, request.sector * SECTOR_SIZE)
  const bytes: u32 = request.sectors * SECTOR_SIZE
  if (request.operation == DiskOperation.Flush) {
    fake.disk.flushes += 1
    return fake.failFlush ? Errno.InputOutput : Errno.None
  }
  if (request.operation == DiskOperation.Read) {
    fake.disk.reads += 1
    if (hits(request, fake.failReadFrom, fake.failReadTo)) return Errno.InputOutput
    move(request, place, bytes, false)
    return Errno.None
  }
  fake.disk.writes += 1
  if (fake.disk.readOnly) return Errno.ReadOnly
  if (hits(request, fake.failWriteFrom, fake.failWriteTo)) return Errno.InputOutput
  if (fake.tearWrites != 0) {
    fake.tearWrites -= 1
    move(request, place, bytes >> 1, true)
    return Errno.InputOutput
  }
  if (!fake.loseWrites) move(request, place, bytes, true)
  return Errno.None
}

/** The first `bytes` bytes of a request, piece by piece. */
function move(request: DiskRequest, place: ptr, bytes: u32, writing: bool): void {
  const pieces = request.pieces
  if (pieces == null) return movePiece(request.buffer, place, bytes, writing)
  let done: u32 = 0
  let i: u32 = 0
  while (done < bytes) {
    const piece = nth(pieces, i)
    const length: u32 = piece.bytes < bytes - done ? piece.bytes : bytes - done
    movePiece(piece.address, plus(place, done), length, writing)
    done += length
    i += 1
  }
}

function movePiece(memory: PhysicalAddress, place: ptr, bytes: u32, writing: bool): void {
  if (writing) copyBytes(place, virtualOf(memory), bytes)
  else copyBytes(virtualOf(memory), place, bytes)
}

function hits(request: DiskRequest, from: u32, to: u32): bool {
  return request.sector < to && request.sector + request.sectors > from
}
