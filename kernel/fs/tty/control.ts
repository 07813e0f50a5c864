// ioctl on a terminal. Linux's numbers and meaning: include/uapi/asm-generic/ioctls.h, ioctl_tty(2). A process's context.

import { Errno } from '../../lib/errno.ts'
import { load32 } from '../../lib/intrinsics.ts'
import { address, at, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes, equalBytes } from '../../lib/memory.ts'
import { wakeAll } from '../../lib/sleep.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { userCopyIn, userCopyOut, userStore32 } from '../../vm/user-copy.ts'
import { FileSignal, Poll } from '../flags.ts'
import { processSession, processSignalGroup } from '../process-hooks.ts'
import { ttyControl, ttyForegroundSet, ttyMayChange, ttySessionEnd } from './job.ts'
import { LocalFlag, Termios, WindowSize } from './termios.ts'
import { Tty, ttyAvailable, ttyFlush, ttyGoOn, ttyIs, ttyModeChanged, ttyReady } from './tty.ts'

const enum Request {
  GetAttributes = 0x5401, SetAttributes = 0x5402, SetAttributesWait = 0x5403, SetAttributesFlush = 0x5404,
  SendBreak = 0x5409, Flow = 0x540a, Flush = 0x540b, SetControlling = 0x540e, GetGroup = 0x540f, SetGroup = 0x5410,
  OutputQueue = 0x5411, GetWindow = 0x5413, SetWindow = 0x5414, InputQueue = 0x541b, GiveUp = 0x5422, GetSession = 0x5429,
}

/** What TCFLSH throws away: 0 input, 1 output, 2 both. */
const FLUSH_OUTPUT: u32 = 1

/** 0 or more, or NotTerminal for what is no request, BadAddress, Interrupted, NotPermitted, InvalidArgument. May sleep. */
export function ttyIoctl(tty: Tty, request: u32, argument: u32): i32 {
  const p = argument as ptr
  switch (request) {
    case Request.GetAttributes: return userCopyOut(p, address(tty.termios), sizeof<Termios>())
    case Request.SetAttributes:
    case Request.SetAttributesWait:
    case Request.SetAttributesFlush: return setAttributes(tty, p, request == Request.SetAttributesFlush)
    case Request.SendBreak: return Errno.None
    case Request.Flush: return flush(tty, argument)
    case Request.Flow: return flow(tty, argument)
    case Request.SetControlling: return ttyControl(tty)
    case Request.GiveUp: return giveUp(tty)
    case Request.GetGroup: return ofSession(tty, p, tty.group)
    case Request.SetGroup: return setGroup(tty, p)
    case Request.GetSession: return ofSession(tty, p, tty.session)
    case Request.GetWindow: return userCopyOut(p, address(tty.window), sizeof<WindowSize>())
    case Request.SetWindow: return setWindow(tty, p)
    case Request.InputQueue: return userStore32(p, ttyAvailable(tty))
    case Request.OutputQueue: return userStore32(p, 0)
    default: return Errno.NotTerminal
  }
}

function setAttributes(tty: Tty, from: ptr, flushes: boolean): i32 {
  const refused = ttyMayChange(tty)
  if (refused != Errno.None) return refused
  const scratch = heapAllocate(sizeof<Termios>())
  if (scratch == 0) return Errno.OutOfMemory
  const copied = userCopyIn(scratch, from, sizeof<Termios>())
  if (copied == Errno.None) attributesSet(tty, at<Termios>(scratch), flushes)
  heapFree(scratch)
  return copied
}

function attributesSet(tty: Tty, termios: Termios, flushes: boolean): void {
  if (flushes) ttyFlush(tty)
  const changesMode = ttyIs(tty, LocalFlag.Canonical) != ((termios.local & LocalFlag.Canonical) != 0)
  copyBytes(address(tty.termios), address(termios), sizeof<Termios>())
  if (changesMode) ttyModeChanged(tty)
  ttyGoOn(tty)
  ttyReady(tty, Poll.In | Poll.ReadNormal)
  wakeAll(tty.readers)
}

function flush(tty: Tty, which: u32): i32 {
  if (which > 2) return Errno.InvalidArgument
  if (which != FLUSH_OUTPUT) ttyFlush(tty)
  return Errno.None
}

/** TCXONC: 0 stops output, 1 lets it go on; 2 and 3 are about the other end, and there is none that listens. */
function flow(tty: Tty, action: u32): i32 {
  if (action > 3) return Errno.InvalidArgument
  if (action == 0) tty.stopped = true
  if (action == 1) ttyGoOn(tty)
  return Errno.None
}

function giveUp(tty: Tty): i32 {
  if (tty.session == 0 || tty.session != processSession()) return Errno.NotTerminal
  ttySessionEnd(tty, tty.session)
  return Errno.None
}

/** What only those of the terminal's session are told. */
function ofSession(tty: Tty, to: ptr, value: u32): i32 {
  if (tty.session == 0 || tty.session != processSession()) return Errno.NotTerminal
  return userStore32(to, value)
}

function setGroup(tty: Tty, from: ptr): i32 {
  const scratch = heapAllocate(4)
  if (scratch == 0) return Errno.OutOfMemory
  const copied = userCopyIn(scratch, from, 4)
  const result = copied == Errno.None ? ttyForegroundSet(tty, load32(scratch, 0)) : copied
  heapFree(scratch)
  return result
}

function setWindow(tty: Tty, from: ptr): i32 {
  const scratch = heapAllocate(sizeof<WindowSize>())
  if (scratch == 0) return Errno.OutOfMemory
  const copied = userCopyIn(scratch, from, sizeof<WindowSize>())
  if (copied == Errno.None && !equalBytes(address(tty.window), scratch, sizeof<WindowSize>())) {
    copyBytes(address(tty.window), scratch, sizeof<WindowSize>())
    processSignalGroup(tty.group, FileSignal.WindowChange)
  }
  heapFree(scratch)
  return copied
}
