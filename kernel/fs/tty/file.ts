// A terminal as a file: /dev/console, /dev/ttyS0, and /dev/tty, which is the controlling terminal of who opens it.
// A process's context; may sleep.

import { Errno } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import { address, at, nth, staticRow, staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { lockRelease, lockTake } from '../../lib/lock.ts'
import { sleepOn } from '../../lib/sleep.ts'
import type { WatchList } from '../../lib/watch.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { transferIn, type Transfer } from '../../vm/transfer.ts'
import { CharacterDevice, deviceRegister } from '../device.ts'
import { FileOperations, type OpenFile } from '../file.ts'
import { Open, Poll } from '../flags.ts'
import { deviceNumber } from '../mode.ts'
import { processSession } from '../process-hooks.ts'
import { ttyIoctl } from './control.ts'
import { ttyControl, ttyMayRead, ttyMayWrite } from './job.ts'
import { ttyRead } from './read.ts'
import { Tty, ttyAvailable, ttyConsole, ttyShow } from './tty.ts'

/** Bytes taken from a process at a time. */
const CHUNK: u32 = 512
const TTY_AUX_MAJOR: u32 = 5
const TTY_MAJOR: u32 = 4
const SERIAL_MINOR: u32 = 64

const operations = staticStruct<FileOperations>()
const devices = staticRow<CharacterDevice>(3)

/** Once, before /dev is filled. */
export function ttyDevicesInit(): void {
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.watchers = watchers
  operations.control = control
  operations.close = close
  register(0, 'tty', deviceNumber(TTY_AUX_MAJOR, 0), 0o666, openControlling)
  register(1, 'console', deviceNumber(TTY_AUX_MAJOR, 1), 0o600, openConsole)
  register(2, 'ttyS0', deviceNumber(TTY_MAJOR, SERIAL_MINOR), 0o600, openConsole)
}

function register(index: u32, name: cstring, number: u32, mode: u32, open: (file: OpenFile) => i32): void {
  const device = nth(devices, index)
  device.name = name
  device.number = number
  device.mode = mode
  device.operations = operations
  device.open = open
  deviceRegister(device)
}

/** A session's leader without a terminal gets this one, unless it says NoTerminal. */
function openConsole(file: OpenFile): i32 {
  return opened(file, ttyConsole())
}

function openControlling(file: OpenFile): i32 {
  const tty = ttyConsole()
  if (tty.session == 0 || tty.session != processSession()) return Errno.NoSuchDevice
  return opened(file, tty)
}

function opened(file: OpenFile, tty: Tty): i32 {
  file.data = address(tty)
  tty.opens += 1
  if ((file.flags & Open.NoTerminal) == 0) ttyControl(tty) // whether it may or not, the file is open
  return Errno.None
}

function ttyOf(file: OpenFile): Tty {
  return at<Tty>(file.data)
}

function close(file: OpenFile): void {
  if (file.data != 0) ttyOf(file).opens -= 1 // 0: it was not opened after all
}

function read(file: OpenFile, transfer: Transfer): i32 {
  const tty = ttyOf(file)
  const refused = ttyMayRead(tty)
  return refused == Errno.None ? ttyRead(tty, transfer, (file.flags & Open.NonBlock) != 0) : refused
}

function write(file: OpenFile, transfer: Transfer): i32 {
  const tty = ttyOf(file)
  const refused = ttyMayWrite(tty)
  if (refused != Errno.None) return refused
  const chunk = heapAllocate(CHUNK)
  if (chunk == 0) return Errno.OutOfMemory
  lockTake(tty.writing)
  const moved = show(tty, transfer, chunk, (file.flags & Open.NonBlock) != 0)
  lockRelease(tty.writing)
  heapFree(chunk)
  return moved
}

function show(tty: Tty, transfer: Transfer, chunk: ptr, nonBlock: boolean): i32 {
  let done: u32 = 0
  while (transfer.left != 0) {
    const waited = whileStopped(tty, nonBlock)
    const moved = waited == Errno.None ? transferIn(transfer, chunk, CHUNK < transfer.left ? CHUNK : transfer.left) : waited
    if (moved <= 0) return done != 0 ? done as number as i32 : moved
    for (let i: u32 = 0; i < (moved as number as u32); i++) ttyShow(tty, load8(chunk, i))
    done += moved as number as u32
  }
  return done as number as i32
}

/** Wait while ^S holds output back: WouldBlock, Interrupted. */
function whileStopped(tty: Tty, nonBlock: boolean): i32 {
  while (tty.stopped) {
    const result = nonBlock ? Errno.WouldBlock : sleepOn(tty.writers)
    if (result != Errno.None) return result
  }
  return Errno.None
}

function poll(file: OpenFile): u32 {
  const tty = ttyOf(file)
  const readable: u32 = ttyAvailable(tty) != 0 ? Poll.In | Poll.ReadNormal : 0
  return readable | (tty.stopped ? 0 : Poll.Out | Poll.WriteNormal)
}

function watchers(file: OpenFile): WatchList {
  return ttyOf(file).watchers
}

function control(file: OpenFile, request: u32, argument: u32): i32 {
  return ttyIoctl(ttyOf(file), request, argument)
}
