// System calls about files: paths and small structs are brought in, the call is made on kernel/fs, results are brought out.
// Names and errors are Linux's. All of them may sleep.

import { DESCRIPTOR_LIMIT, VECTOR_LIMIT } from '../config.ts'
import { descriptorClose, descriptorFile } from '../fs/descriptor.ts'
import { fileControl, fileHold, fileRead, fileRelease, fileWrite, type OpenFile } from '../fs/file.ts'
import { Errno, isError } from '../lib/errno.ts'
import { address, at, nth, plus, staticStruct, wire, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { Process } from '../process/process.ts'
import { Transfer, transferInit } from '../vm/transfer.ts'
import { userCopyIn } from '../vm/user-copy.ts'

/** The most one call moves: Linux's MAX_RW_COUNT. */
const MOVE_LIMIT: u32 = 0x7ffff000
const IOVEC: u32 = 16

/** struct iovec, in user memory. */
@wire(16)
class IoVector {
  base: Le<u32>
  baseHigh: Le<u32>
  length: Le<u32>
  lengthHigh: Le<u32>
}

/** The open file of a descriptor, held until `fileRelease`; null: BadHandle. */
export function fileOf(self: Process, descriptor: u32): OpenFile | null {
  const file = descriptorFile(self.files.table, descriptor as number as i32)
  if (file != null) fileHold(file)
  return file
}

// --- Bytes. -----------------------------------------------------------------------------------------------

/** read(2). */
export function sysRead(self: Process, descriptor: u32, to: ptr, length: u32): i32 {
  const file = fileOf(self, descriptor)
  if (file == null) return Errno.BadHandle
  transferInit(self.transfer, to, length < MOVE_LIMIT ? length : MOVE_LIMIT, false)
  const moved = fileRead(file, self.transfer)
  fileRelease(file)
  return moved
}

/** write(2). */
export function sysWrite(self: Process, descriptor: u32, from: ptr, length: u32): i32 {
  const file = fileOf(self, descriptor)
  if (file == null) return Errno.BadHandle
  transferInit(self.transfer, from, length < MOVE_LIMIT ? length : MOVE_LIMIT, false)
  const moved = fileWrite(file, self.transfer)
  fileRelease(file)
  return moved
}

/** A vector's pieces one after another, until one is moved in part: bytes moved, or an error if there are none. */
function moveVector(self: Process, file: OpenFile, vector: IoVector, count: u32, writing: boolean): i32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const length = nth(vector, i).length
    if (length == 0) continue
    transferInit(self.transfer, nth(vector, i).base as ptr, length, false)
    const moved = writing ? fileWrite(file, self.transfer) : fileRead(file, self.transfer)
    if (moved < 0) return total != 0 ? total as number as i32 : moved
    total += moved as number as u32
    if ((moved as number as u32) < length) break
  }
  return total as number as i32
}

/** Whether the lengths are lengths, and their sum is one: EINVAL otherwise, EFAULT for an address with a high half. */
function vectorFault(vector: IoVector, count: u32): i32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const each = nth(vector, i)
    if (each.lengthHigh != 0 || each.length > MOVE_LIMIT - total) return Errno.InvalidArgument
    if (each.baseHigh != 0 && each.length != 0) return Errno.BadAddress
    total += each.length
  }
  return Errno.None
}

function moveVectors(self: Process, descriptor: u32, from: ptr, count: u32, writing: boolean): i32 {
  if (count > VECTOR_LIMIT) return Errno.InvalidArgument
  const file = fileOf(self, descriptor)
  if (file == null) return Errno.BadHandle
  const vector = heapAllocate(count == 0 ? IOVEC : count * IOVEC)
  let result: i32 = vector == 0 ? Errno.OutOfMemory : userCopyIn(vector, from, count * IOVEC)
  if (result == Errno.None) result = vectorFault(at<IoVector>(vector), count)
  if (result == Errno.None) result = moveVector(self, file, at<IoVector>(vector), count, writing)
  heapFree(vector)
  fileRelease(file)
  return result
}

/** readv(2), writev(2). */
export function sysReadv(self: Process, descriptor: u32, vector: ptr, count: u32): i32 {
  return moveVectors(self, descriptor, vector, count, false)
}
export function sysWritev(self: Process, descriptor: u32, vector: ptr, count: u32): i32 {
  return moveVectors(self, descriptor, vector, count, true)
}

/** ioctl(2). */
export function sysIoctl(self: Process, descriptor: u32, request: u32, argument: u32): i32 {
  const file = fileOf(self, descriptor)
  if (file == null) return Errno.BadHandle
  const result = fileControl(file, request, argument)
  fileRelease(file)
  return result
}

/** close(2). */
export function sysClose(self: Process, descriptor: u32): i32 {
  return descriptorClose(self.files.table, descriptor as number as i32)
}
