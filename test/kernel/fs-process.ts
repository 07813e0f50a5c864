// Processes as files know them, played by a test: who runs, which signals were sent, and what happens while something sleeps.
//
// A test says beforehand, one after another, what comes about in each sleep; a sleep with nothing left is interrupted.

import { fsClose, fsRead, fsWrite } from '../../kernel/fs/calls/descriptors.ts'
import { fsLock } from '../../kernel/fs/calls/locks.ts'
import type { Credentials } from '../../kernel/fs/credentials.ts'
import { Fcntl } from '../../kernel/fs/flags.ts'
import { RecordLock } from '../../kernel/fs/layouts.ts'
import { ProcessFacts, procHooks } from '../../kernel/fs/proc/facts.ts'
import { kernelFiles } from '../../kernel/fs/start.ts'
import { ttyInput, ttyTakes } from '../../kernel/fs/tty/edit.ts'
import { ttyConsole, ttyInit } from '../../kernel/fs/tty/tty.ts'
import { processHooks } from '../../kernel/fs/process-hooks.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { load8, store8 } from '../../kernel/lib/intrinsics.ts'
import {
  address, nth, sizeof, staticMemory, staticRow, staticStruct, struct, type PhysicalAddress, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { zeroBytes } from '../../kernel/lib/memory.ts'
import { setSleep, type Sleeper, type WaitQueue } from '../../kernel/lib/sleep.ts'
import { spaceCreate } from '../../kernel/vm/address-space.ts'
import { spaceMap } from '../../kernel/vm/map.ts'
import { spaceCurrentSet } from '../../kernel/vm/page-table.ts'
import { vmInit } from '../../kernel/vm/start.ts'
import { Transfer, transferInit } from '../../kernel/vm/transfer.ts'
import { userCopyIn, userCopyOut } from '../../kernel/vm/user-copy.ts'

export const enum Happens { Nothing, Write, Read, Close, Type, TimePasses, Interrupt, Lock }

@struct
class Event {
  what: u32
  descriptor: i32
  bytes: ptr
  count: u32
}

const EVENTS: u32 = 64
const SHOWN: u32 = 65536

const events = staticRow<Event>(EVENTS)
const shown = staticMemory(65536)
/** Of what happens in a sleep; that of the call that sleeps is at work. */
const transfer = staticStruct<Transfer>()
let planned: u32 = 0
let happened: u32 = 0
let shownBytes: u32 = 0
let self: u32 = 0
let group: u32 = 0
let session: u32 = 0
let lastSignal: u32 = 0
let lastGroup: u32 = 0
const asked = staticStruct<RecordLock>()
let lockedMeanwhile: i32 = 0
let ignored: u32 = 0
let limit: u32 = 0xffffffff
let areClosed: u32 = 0

/** Use all of this. */
export function processesInit(): void {
  setSleep(sleeping, waking)
  ttyInit(show)
  const hooks = processHooks()
  hooks.self = selfOf
  hooks.group = groupOf
  hooks.session = sessionOf
  hooks.signalSelf = signalSelf
  hooks.signalGroup = signalGroup
  hooks.signalIgnored = isIgnored
  hooks.fileLimit = fileLimit
  hooks.credentials = credentialsOf
}

/** The next sleep brings this about. */
export function plan(what: Happens, descriptor: i32, bytes: ptr, count: u32): void {
  const event = nth(events, planned)
  event.what = what
  event.descriptor = descriptor
  event.bytes = bytes
  event.count = count
  planned += 1
}

/** Sleeps that are planned and did not come. */
export function plansLeft(): u32 {
  const left = planned - happened
  planned = 0
  happened = 0
  return left
}

function sleeping(_queue: WaitQueue | null, _milliseconds: u32, _interruptible: boolean): i32 {
  if (happened == planned) return Errno.Interrupted
  const event = nth(events, happened)
  happened += 1
  transferInit(transfer, event.bytes, event.count, true)
  switch (event.what) {
    case Happens.Write: fsWrite(kernelFiles(), event.descriptor, transfer); break
    case Happens.Read: fsRead(kernelFiles(), event.descriptor, transfer); break
    case Happens.Close: fsClose(kernelFiles(), event.descriptor); break
    case Happens.Type: type(event.bytes, event.count); break
    case Happens.Lock: lockMeanwhile(event.descriptor, event.count); break
    case Happens.TimePasses: return Errno.TimedOut
    case Happens.Interrupt: return Errno.Interrupted
  }
  return Errno.None
}

/** Another process asks for all of a file by F_SETLKW, or gives it up. */
function lockMeanwhile(descriptor: i32, type: u32): void {
  zeroBytes(address(asked), sizeof<RecordLock>())
  asked.type = type
  lockedMeanwhile = fsLock(kernelFiles(), descriptor, Fcntl.SetLockWait, asked)
}
export function meanwhileResult(): i32 { return lockedMeanwhile }

function waking(_sleeper: Sleeper): void { return }

/** Type at the console: how many bytes were taken. */
export function type(p: ptr, n: u32): u32 {
  for (let i: u32 = 0; i < n; i++) {
    if (!ttyTakes(ttyConsole())) return i
    ttyInput(ttyConsole(), load8(p, i))
  }
  return n
}

function show(byte: u32): void {
  if (shownBytes == SHOWN) return
  store8(shown, shownBytes, byte)
  shownBytes += 1
}

/** What the console shows since the last question: its address, and how many bytes. */
export function shownAt(): ptr { return shown }
export function shownCount(): u32 {
  const count = shownBytes
  shownBytes = 0
  return count
}

/** Who runs. */
export function run(pid: u32, processGroup: u32, processSession: u32): void {
  self = pid
  group = processGroup
  session = processSession
}
export function ignoreSignal(signal: u32): void { ignored = signal }
/** The last signal, 256 times the group (0: the process itself) and its number; forgotten then. */
export function signalSent(): u32 {
  const sent: u32 = lastSignal | (lastGroup << 8)
  lastSignal = 0
  lastGroup = 0
  return sent
}

function selfOf(): u32 { return self }
function groupOf(): u32 { return group }
function sessionOf(): u32 { return session }
function signalSelf(signal: u32): void { lastSignal = signal }
function signalGroup(to: u32, signal: u32): void {
  lastSignal = signal
  lastGroup = to
}
/** The most bytes of a file. */
export function limitFiles(bytes: u32): void { limit = bytes }
function fileLimit(): u32 { return limit }
function credentialsOf(): Credentials | null { return kernelFiles().credentials }
function isIgnored(signal: u32): boolean { return signal == ignored }

/** Process 7 runs, and /proc knows it: it has the files that the test's calls are made with. */
export function selfIsThere(): void {
  run(7, 7, 7)
  procHooks().next = nextPid
  procHooks().tell = tell
  procHooks().inspect = inspected
}
/** Whether processes may be looked into. */
export function closeProcesses(closed: u32): void { areClosed = closed }
function inspected(_pid: u32): boolean { return areClosed == 0 }
function nextPid(after: u32): u32 { return after < 7 ? 7 : 0 }
function tell(pid: u32, out: ProcessFacts): boolean {
  out.files = kernelFiles()
  out.credentials = kernelFiles().credentials
  return pid == 7
}

// --- The memory of the process that runs: two pages, for calls that take an address. ----------------------

const USER_PLACE: u32 = 0x10000
const USER_BYTES: u32 = 0x2000
const READ_WRITE: u32 = 3
/** MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS. */
const PRIVATE_FIXED: u32 = 0x32

let hasSpace = false

/** Make it, once. */
export function userSpace(): void {
  if (hasSpace) return
  hasSpace = true
  vmInit(0 as PhysicalAddress, true, invalidatePage, invalidateAll)
  const space = spaceCreate()!
  spaceMap(space, USER_PLACE, USER_BYTES, READ_WRITE, PRIVATE_FIXED, null, 0)
  spaceCurrentSet(space)
}
function invalidatePage(_page: ptr): void { return }
function invalidateAll(): void { return }

export function userPlace(): u32 { return USER_PLACE }
export function userPut(from: ptr, n: u32): i32 { return userCopyOut(USER_PLACE as ptr, from, n) }
export function userGet(to: ptr, n: u32): i32 { return userCopyIn(to, USER_PLACE as ptr, n) }
