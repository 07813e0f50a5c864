// System calls about locks on files, and fcntl(2), whose commands are those of files, of locks, and of signals for input. Names and
// errors are Linux's. May sleep.

import { fcntlIsLock, fsFlock, fsLock } from '../fs/calls/locks.ts'
import { fsFcntl } from '../fs/calls/descriptors.ts'
import { RecordLock } from '../fs/layouts.ts'
import { Fcntl } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { asyncFollow, fcntlIsOwner, fcntlOwner } from './async.ts'
import { scratchRest } from './scratch.ts'

/** fcntl(2). Errors: BadAddress, and those of fsFcntl, fsLock and fcntlOwner. */
export function sysFcntl(self: Process, descriptor: u32, command: u32, argument: u32): i32 {
  if (fcntlIsOwner(command)) return fcntlOwner(self, descriptor as number as i32, command, argument)
  if (!fcntlIsLock(command)) return plain(self, descriptor as number as i32, command, argument)
  const record = at<RecordLock>(scratchRest(self))
  if (userCopyIn(address(record), argument as ptr, sizeof<RecordLock>()) != Errno.None) return Errno.BadAddress
  const result = fsLock(self.files, descriptor as number as i32, command, record)
  if (result != Errno.None || (command != Fcntl.GetLock && command != Fcntl.GetOpenLock)) return result
  return userCopyOut(argument as ptr, address(record), sizeof<RecordLock>())
}

function plain(self: Process, descriptor: i32, command: u32, argument: u32): i32 {
  const result = fsFcntl(self.files, descriptor, command, argument)
  return result == Errno.None && command == Fcntl.SetFlags ? asyncFollow(self, descriptor) : result
}

/** flock(2). */
export function sysFlock(self: Process, descriptor: u32, operation: u32): i32 {
  return fsFlock(self.files, descriptor as number as i32, operation)
}
