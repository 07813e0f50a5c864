// /dev/null, zero, full, random, urandom: devices that are nothing but code. A process's context; may sleep.

import { Errno } from '../../lib/errno.ts'
import { nth, staticRow, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { randomBytes, randomSeed } from '../../lib/random.ts'
import { PAGE_SIZE } from '../../mm/address.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { transferIn, transferOut, transferZero, type Transfer } from '../../vm/transfer.ts'
import { CharacterDevice, deviceRegister } from '../device.ts'
import { FileOperations, type OpenFile } from '../file.ts'
import { deviceNumber } from '../mode.ts'

const MEMORY_MAJOR: u32 = 1
const DEVICES: u32 = 5
/** The place of /dev/zero among them. */
const ZERO: u32 = 1
const enum Minor { Null = 3, Zero = 5, Full = 7, Random = 8, URandom = 9 }

const operations = staticRow<FileOperations>(DEVICES)
const devices = staticRow<CharacterDevice>(DEVICES)

/** Once, before /dev is filled. */
export function memoryDevicesInit(): void {
  register(0, 'null', Minor.Null, readNothing, writeAnything)
  register(ZERO, 'zero', Minor.Zero, readZeros, writeAnything)
  register(2, 'full', Minor.Full, readZeros, writeNothing)
  register(3, 'random', Minor.Random, readRandom, writeRandom)
  register(4, 'urandom', Minor.URandom, readRandom, writeRandom)
}

type Move = (file: OpenFile, transfer: Transfer) => i32

function register(index: u32, name: cstring, minor: Minor, read: Move, write: Move): void {
  const table = nth(operations, index)
  table.read = read
  table.write = write
  table.seek = seek
  const device = nth(devices, index)
  device.name = name
  device.number = deviceNumber(MEMORY_MAJOR, minor)
  device.mode = 0o666
  device.operations = table
  deviceRegister(device)
}

/** Whether it is /dev/zero, which is mapped as memory without a file is. */
export function isZeroDevice(file: OpenFile): boolean {
  return file.operations == nth(operations, ZERO)
}

/** Every position is as good as 0. */
function seek(_file: OpenFile, _offset: i32, _whence: u32): i32 {
  return 0
}

function readNothing(_file: OpenFile, _transfer: Transfer): i32 {
  return 0
}

function writeAnything(_file: OpenFile, transfer: Transfer): i32 {
  return transfer.left as number as i32
}

function writeNothing(_file: OpenFile, _transfer: Transfer): i32 {
  return Errno.NoSpace
}

function readZeros(_file: OpenFile, transfer: Transfer): i32 {
  return transferZero(transfer, transfer.left)
}

/** What is handed out is made in a place of its own, and wiped. */
function readRandom(_file: OpenFile, transfer: Transfer): i32 {
  return pageByPage(transfer, fillRandom)
}

/** Something to stir into the generator; it can not make it worse. */
function writeRandom(_file: OpenFile, transfer: Transfer): i32 {
  return pageByPage(transfer, takeSeed)
}

type Step = (transfer: Transfer, page: ptr, bytes: u32) => i32

function pageByPage(transfer: Transfer, step: Step): i32 {
  const page = heapAllocate(PAGE_SIZE)
  if (page == 0) return Errno.OutOfMemory
  let done: u32 = 0
  let moved: i32 = 0
  while (transfer.left != 0) {
    moved = step(transfer, page, transfer.left < PAGE_SIZE ? transfer.left : PAGE_SIZE)
    if (moved <= 0) break
    done += moved as number as u32
  }
  heapFree(page)
  return done != 0 ? done as number as i32 : moved
}

function fillRandom(transfer: Transfer, page: ptr, bytes: u32): i32 {
  randomBytes(page, bytes)
  const moved = transferOut(transfer, page, bytes)
  zeroBytes(page, bytes)
  return moved
}

function takeSeed(transfer: Transfer, page: ptr, bytes: u32): i32 {
  const moved = transferIn(transfer, page, bytes)
  if (moved > 0) randomSeed(page, moved as number as u32)
  return moved
}
