// signalfd(2): signals taken by reading a descriptor. They are those of who reads, and have to be blocked, or they are delivered first.
//
// Whose signals a file has depends on who asks, so it has no list of who watches it: in an epoll it is asked whenever anything polled
// has changed, and while there are such files every signal is such a change.

import { SIGNAL_FILE_LIMIT } from '../config.ts'
import { descriptorFile, descriptorForNew } from '../fs/descriptor.ts'
import { FileOperations, fileCreate, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, at, sizeof, staticStruct, struct, wire, type Bytes, type Embed, type Le, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { SLEEP_FOR_EVER, pollWake } from '../lib/sleep.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Process } from '../process/process.ts'
import { processCurrent, processSelf } from '../process/scheduler.ts'
import { UserWord } from '../process/signal-frame.ts'
import { SYNCHRONOUS, Signal, SignalSet, UNSTOPPABLE } from '../process/signal-number.ts'
import { SignalCode, SignalInfo, signalTakeOf } from '../process/signal-state.ts'
import { signalsListen } from '../process/signal.ts'
import { transferOut, type Transfer } from '../vm/transfer.ts'
import { userCopyIn, userPin } from '../vm/user-copy.ts'
import { scratchRest, scratchSet } from './scratch.ts'
import { SET_SIZE, signalSleep } from './signal.ts'

/** struct signalfd_siginfo. signalfd(2) specification. */
@wire(128)
class SignalRecord {
  number: Le<u32>
  error: Le<i32>
  code: Le<i32>
  pid: Le<u32>
  uid: Le<u32>
  descriptor: Le<u32>
  timer: Le<u32>
  band: Le<u32>
  overrun: Le<u32>
  trap: Le<u32>
  status: Le<u32>
  int: Le<u32>
  value: Embed<UserWord>
  userTime: Embed<UserWord>
  systemTime: Embed<UserWord>
  where: Embed<UserWord>
  rest: Bytes<48>
}

/** Which signals a file is for. */
@struct
class SignalFile {
  set: Embed<SignalSet>
}

const pool = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()

/** Once, before the first. */
export function signalFilesInit(): void {
  poolInit(pool, 'signal-files', sizeof<SignalFile>(), SIGNAL_FILE_LIMIT)
  operations.read = read
  operations.poll = poll
  operations.close = close
}

/**
 * signalfd4(2): a descriptor for these signals, or with one of the kind another set for it. Errors: InvalidArgument, BadHandle,
 * TooManyFiles, FileTableFull, OutOfMemory, BadAddress. May sleep.
 */
export function sysSignalfd4(self: Process, descriptor: i32, mask: ptr, size: u32, flags: u32): i32 {
  if (size != SET_SIZE || (flags & ~(Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  const set = scratchSet(self)
  const error: i32 = userCopyIn(address(set), mask, SET_SIZE)
  if (error != Errno.None) return error
  if (descriptor == -1) return make(self, set, flags)
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.operations != operations) return Errno.InvalidArgument
  choose(at<SignalFile>(file.data), set)
  pollWake()
  return descriptor
}

function choose(file: SignalFile, set: UserWord): void {
  file.set.low = set.low & ~UNSTOPPABLE
  file.set.high = set.high
}

function make(self: Process, set: UserWord, flags: u32): i32 {
  const memory = poolAllocate(pool)
  if (memory == 0) return Errno.OutOfMemory
  const file = fileCreate(operations, Open.ReadWrite | (flags & Open.NonBlock))
  if (file == null) {
    poolFree(pool, memory)
    return Errno.FileTableFull
  }
  choose(at<SignalFile>(memory), set)
  file.data = memory
  signalsListen(pollWake)
  return descriptorForNew(self.files.table, file, (flags & Open.CloseOnExec) != 0)
}

/** As many records as there are signals and room. Errors: InvalidArgument (room for none), WouldBlock, Interrupted, BadAddress. */
function read(file: OpenFile, transfer: Transfer): i32 {
  if (transfer.left < sizeof<SignalRecord>()) return Errno.InvalidArgument
  const self = processSelf()
  const set = at<SignalFile>(file.data).set
  let done: u32 = 0
  let slept: i32 = Errno.None
  while (transfer.left >= sizeof<SignalRecord>()) {
    const pinned: i32 = transfer.kernel ? Errno.None : userPin(transfer.address, sizeof<SignalRecord>(), true)
    if (pinned != Errno.None) return done != 0 ? told(done) : Errno.BadAddress
    if (signalTakeOf(self.signals, set.low, set.high) != 0) {
      const moved = give(self, transfer)
      if (moved < 0) return moved
      done += sizeof<SignalRecord>()
      continue
    }
    if (done != 0) break
    if ((file.flags & Open.NonBlock) != 0) return Errno.WouldBlock
    if (slept != Errno.None) return slept
    slept = signalSleep(self, set.low, set.high, SLEEP_FOR_EVER)
  }
  return told(done)
}

function told(bytes: u32): i32 {
  return bytes as number as i32
}

/** The signal that was taken, as a record; its place is there. */
function give(self: Process, transfer: Transfer): i32 {
  const record = at<SignalRecord>(scratchRest(self))
  recordMake(record, self.signals.taken)
  return transferOut(transfer, address(record), sizeof<SignalRecord>())
}

/** What of siginfo_t's words means what depends on where the signal is from. sigaction(2). */
function recordMake(record: SignalRecord, info: SignalInfo): void {
  zeroBytes(address(record), sizeof<SignalRecord>())
  record.number = info.number
  record.error = info.error
  record.code = info.code
  if (info.code == SignalCode.Timer) {
    record.timer = info.first
    record.overrun = info.second
  } else if (info.code > 0 && isFault(info.number)) {
    record.where.low = info.first
    record.where.high = info.second
    return
  } else {
    record.pid = info.first
    record.uid = info.second
  }
  if (info.code > 0 && info.number == Signal.Child) record.status = info.third
  if (info.code >= 0) return
  record.int = info.third
  record.value.low = info.third
  record.value.high = info.fourth
}

function isFault(number: u32): boolean {
  return number < Signal.FirstRealTime && ((SYNCHRONOUS >>> (number - 1)) & 1) != 0
}

/** Whether who asks has one of them. */
function poll(file: OpenFile): u32 {
  const self = processCurrent()
  if (self == null) return 0
  const set = at<SignalFile>(file.data).set
  const own = self.signals.pending.set
  const shared = self.signals.group.pending.set
  const any: u32 = ((own.low | shared.low) & set.low) | ((own.high | shared.high) & set.high)
  return any != 0 ? Poll.In | Poll.ReadNormal : 0
}

function close(file: OpenFile): void {
  poolFree(pool, file.data)
}
