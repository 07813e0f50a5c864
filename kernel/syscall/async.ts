// Signals for input: O_ASYNC, and whose they are: F_SETOWN, F_SETSIG and the like. fcntl(2).
//
//   OpenFile --async--> Owner: who gets the signal, which, and a watch in the list of those who watch the file while it has O_ASYNC
//
// What has a list of who watches it can do that: pipes, terminals, sockets, event counts and timers. Of streams nobody is told that
// there is room: every acknowledgment makes some.

import { ASYNC_LIMIT } from '../config.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import { fileAsyncEndSet, fileWatchers, type OpenFile } from '../fs/file.ts'
import { Fcntl, Open, Poll, flagsReadable, flagsWritable } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, at, sizeof, staticStruct, struct, wire, type Embed, type Le, type Stored, type bool, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Watch, watchBegin, watchEnd } from '../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { mayTell } from '../process/credentials.ts'
import type { Process } from '../process/process.ts'
import { SIGNAL_LAST, Signal } from '../process/signal-number.ts'
import { SignalCode, SignalInfo } from '../process/signal-state.ts'
import { signalSendProcess, signalSendThread } from '../process/signal.ts'
import { processFirst, processOf } from '../process/table.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import { isSocketFile } from './socket-file.ts'

/** Whom F_SETOWN_EX means. fcntl(2). */
const enum OwnerKind { Thread, Process, Group }
/** si_code of a signal that F_SETSIG chose: what has happened. sigaction(2). */
const enum Happened { Input = 1, Output = 2, Error = 4, HangUp = 6 }

/** struct f_owner_ex. fcntl(2) specification. */
@wire(8)
class UserOwner {
  kind: Le<u32>
  id: Le<u32>
}

@struct
class Owner {
  watch: Embed<Watch> // first: who finds it finds this
  file: OpenFile
  kind: u32
  id: u32 // 0: nobody
  signal: u32 // 0: InputOutput, and nothing is told with it
  descriptor: u32 // under which it was last asked for: told with a signal that was chosen
  watching: Stored<u32, bool>
  real: u32 // the user ids of who chose: they have to be such as may send signals
  effective: u32
}

const pool = staticStruct<Pool>()
const info = staticStruct<SignalInfo>()

/** Once, before the first. */
export function asyncInit(): void {
  poolInit(pool, 'async-files', sizeof<Owner>(), ASYNC_LIMIT)
  fileAsyncEndSet(ownerEnd)
}

/** Files that have an owner: none is left when no process is. */
export function asyncHeld(): u32 {
  return pool.used
}

/** Whether a command of fcntl is about whose signals are. */
export function fcntlIsOwner(command: u32): boolean {
  switch (command) {
    case Fcntl.SetOwner: case Fcntl.GetOwner: case Fcntl.SetSignal: case Fcntl.GetSignal: case Fcntl.SetOwnerKind:
    case Fcntl.GetOwnerKind: return true
    default: return false
  }
}

/** And has an address for its argument. */
export function fcntlHasOwner(command: u32): boolean {
  return command == Fcntl.SetOwnerKind || command == Fcntl.GetOwnerKind
}

/** Those commands. Errors: BadHandle, InvalidArgument, NoSuchProcess, OutOfMemory (ASYNC_LIMIT), BadAddress. May sleep. */
export function fcntlOwner(self: Process, descriptor: i32, command: u32, argument: u32): i32 {
  const asked = at<UserOwner>(scratchRest(self))
  const copied = command == Fcntl.SetOwnerKind ? userCopyIn(address(asked), argument as ptr, sizeof<UserOwner>()) : Errno.None
  if (copied != Errno.None) return copied
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null || (file.flags & Open.Path) != 0) return Errno.BadHandle
  const owner = at<Owner>(file.async)
  switch (command) {
    case Fcntl.GetOwner: return file.async == 0 ? 0 : ownerNumber(owner)
    case Fcntl.GetSignal: return (file.async == 0 ? 0 : owner.signal) as number as i32
    case Fcntl.SetSignal: return signalChoose(file, argument)
    case Fcntl.SetOwnerKind: return asked.kind > OwnerKind.Group ? Errno.InvalidArgument : ownerChoose(self, file, asked.kind, asked.id)
    case Fcntl.SetOwner: return ownerByNumber(self, file, argument as number as i32)
    default:
      asked.kind = file.async == 0 ? OwnerKind.Process : owner.kind
      asked.id = file.async == 0 ? 0 : owner.id
      return userCopyOut(argument as ptr, address(asked), sizeof<UserOwner>())
  }
}

/** F_SETOWN: a process, or as a negative number a group. */
function ownerByNumber(self: Process, file: OpenFile, number: i32): i32 {
  if (number >= 0) return ownerChoose(self, file, OwnerKind.Process, number as number as u32)
  return number == 0 - number ? Errno.InvalidArgument : ownerChoose(self, file, OwnerKind.Group, (0 - number) as number as u32)
}

function ownerNumber(owner: Owner): i32 {
  const id = owner.id as number as i32
  return owner.kind == OwnerKind.Group ? 0 - id : id
}

/** Who has the signals of a file, made if there was nobody; null without memory. */
function ownerOf(file: OpenFile): Owner | null {
  if (file.async == 0) {
    file.async = poolAllocate(pool)
    if (file.async == 0) return null
    at<Owner>(file.async).file = file
    at<Owner>(file.async).kind = OwnerKind.Process
  }
  return at<Owner>(file.async)
}

function ownerChoose(self: Process, file: OpenFile, kind: u32, id: u32): i32 {
  if (id != 0 && !exists(kind, id)) return Errno.NoSuchProcess
  const owner = ownerOf(file)
  if (owner == null) return Errno.OutOfMemory
  owner.kind = kind
  owner.id = id
  owner.real = self.files.credentials.user.real
  owner.effective = self.files.credentials.user.effective
  return Errno.None
}

function exists(kind: u32, id: u32): boolean {
  if (kind != OwnerKind.Group) return processOf(id) != null
  let each = processFirst()
  while (each != null && each.processGroup != id) each = each.nextOfAll
  return each != null
}

function signalChoose(file: OpenFile, signal: u32): i32 {
  if (signal > SIGNAL_LAST) return Errno.InvalidArgument
  const owner = ownerOf(file)
  if (owner == null) return Errno.OutOfMemory
  owner.signal = signal
  return Errno.None
}

// --- O_ASYNC. ---------------------------------------------------------------------------------------------

/** A file's O_ASYNC may have changed, under this descriptor: it is watched, or no more. Errors: OutOfMemory (ASYNC_LIMIT). */
export function asyncFollow(self: Process, descriptor: i32): i32 {
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.None
  const wanted: boolean = (file.flags & Open.Async) != 0 && file.operations.watchers != null
  if (file.async == 0 && !wanted) return Errno.None
  const owner = ownerOf(file)
  if (owner == null) {
    file.flags &= ~Open.Async
    return Errno.OutOfMemory
  }
  owner.descriptor = descriptor as number as u32
  if (owner.watching == wanted) return Errno.None
  owner.watching = wanted
  if (!wanted) watchEnd(owner.watch)
  else {
    owner.watch.told = told
    owner.watch.events = eventsOf(file)
    watchBegin(owner.watch, fileWatchers(file))
  }
  return Errno.None
}

function eventsOf(file: OpenFile): u32 {
  let events: u32 = Poll.Error | Poll.HangUp | Poll.ReadHangUp
  if (flagsReadable(file.flags)) events |= Poll.In
  if (flagsWritable(file.flags) && !isSocketFile(file)) events |= Poll.Out
  return events
}

/** The file is closed for good. */
function ownerEnd(file: OpenFile): void {
  const owner = at<Owner>(file.async)
  if (owner.watching) watchEnd(owner.watch)
  poolFree(pool, file.async)
}

function told(watch: Watch, events: u32): void {
  const owner = at<Owner>(address(watch))
  if (owner.id == 0) return
  infoMake(owner, events)
  if (owner.kind == OwnerKind.Group) return toGroup(owner)
  const process = processOf(owner.id)
  if (process == null || !mayTell(process, owner.real, owner.effective)) return
  if (owner.kind == OwnerKind.Thread) signalSendThread(process, info)
  else signalSendProcess(process, info)
}

function toGroup(owner: Owner): void {
  let each = processFirst()
  while (each != null) {
    const isIn = each.processGroup == owner.id && each.pid == each.group
    if (isIn && mayTell(each, owner.real, owner.effective)) signalSendProcess(each, info)
    each = each.nextOfAll
  }
}

/** siginfo_t's si_band and si_fd, with a signal that was chosen. sigaction(2). */
function infoMake(owner: Owner, events: u32): void {
  zeroBytes(address(info), sizeof<SignalInfo>())
  info.number = owner.signal == 0 ? Signal.InputOutput : owner.signal
  info.code = SignalCode.Kernel
  if (owner.signal == 0) return
  info.code = happened(events) as number as i32
  info.first = bandOf(events)
  info.third = owner.descriptor
}

function happened(events: u32): Happened {
  if ((events & Poll.In) != 0) return Happened.Input
  if ((events & Poll.Out) != 0) return Happened.Output
  return (events & Poll.Error) != 0 ? Happened.Error : Happened.HangUp
}

function bandOf(events: u32): u32 {
  switch (happened(events)) {
    case Happened.Input: return Poll.In | Poll.ReadNormal
    case Happened.Output: return Poll.Out | Poll.WriteNormal
    case Happened.Error: return Poll.Error
    default: return Poll.HangUp | Poll.Error
  }
}
