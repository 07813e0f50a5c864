// capget(2) and capset(2). Linux's capabilities follow from the ids here (fs/credentials.ts): they can be asked for; to set them to what
// they are succeeds, and to anything else is refused. Errors are Linux's.

import { SUPERUSER, isSuperuser, type Credentials } from '../fs/credentials.ts'
import { Errno } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { plus, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { Process } from '../process/process.ts'
import { processOf } from '../process/table.ts'
import { userCopyIn, userCopyOut, userLoad32, userLoaded, userStore32 } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'

/** The three layouts: in the first each set is one word, in the others two. include/uapi/linux/capability.h */
const VERSION1: u32 = 0x19980330
const VERSION2: u32 = 0x20071026
const VERSION3: u32 = 0x20080522
/** All that there are, up to CAP_CHECKPOINT_RESTORE, 40. */
const ALL_LOW: u32 = 0xffffffff
const ALL_HIGH: u32 = 0x1ff
/** The effective set, the permitted, the inheritable, which is empty: the low words of all three, then the high ones. */
const WORDS: u32 = 6
const WORD: u32 = 4

function setsWrite(to: ptr, of: Credentials): void {
  const user = of.user
  const effective = isSuperuser(of)
  const permitted: boolean = effective || user.real == SUPERUSER || user.saved == SUPERUSER
  store32(to, 0, effective ? ALL_LOW : 0)
  store32(to, 4, permitted ? ALL_LOW : 0)
  store32(to, 8, 0)
  store32(to, 12, effective ? ALL_HIGH : 0)
  store32(to, 16, permitted ? ALL_HIGH : 0)
  store32(to, 20, 0)
}

/** Bytes of the sets in the layout that the caller names: InvalidArgument for another, and the best there is is told; BadAddress. */
function sizeAsked(header: ptr): i32 {
  if (userLoad32(header) != Errno.None) return Errno.BadAddress
  const version = userLoaded()
  if (version == VERSION1) return 12
  if (version == VERSION2 || version == VERSION3) return 24
  return userStore32(header, VERSION3) == Errno.None ? Errno.InvalidArgument : Errno.BadAddress
}

/** Whose sets are meant; BadAddress. */
function pidAsked(header: ptr): i32 {
  return userLoad32(plus(header, WORD)) == Errno.None ? userLoaded() as number as i32 : Errno.BadAddress
}

/** capget(2); without `to` only the layout is asked for. Errors: InvalidArgument, NoSuchProcess, BadAddress. May sleep. */
export function sysCapget(self: Process, header: ptr, to: ptr): i32 {
  const size = sizeAsked(header)
  if (to == 0 && size == Errno.InvalidArgument) return Errno.None
  if (size < 0 || to == 0) return size < 0 ? size : Errno.None
  const pid = pidAsked(header)
  if (pid < 0) return pid == Errno.BadAddress ? pid : Errno.InvalidArgument
  const process = pid == 0 ? self : processOf(pid as number as u32)
  if (process == null) return Errno.NoSuchProcess
  setsWrite(scratchRest(self), process.files.credentials)
  return userCopyOut(to, scratchRest(self), size as number as u32)
}

/** capset(2). Errors: NotPermitted (other sets than there are, another process), InvalidArgument, BadAddress. May sleep. */
export function sysCapset(self: Process, header: ptr, from: ptr): i32 {
  const size = sizeAsked(header)
  if (size < 0) return size
  const pid = pidAsked(header)
  if (pid == Errno.BadAddress) return pid
  if (pid != 0 && pid != (self.pid as number as i32)) return Errno.NotPermitted
  const present = scratchRest(self)
  const wanted = plus(present, WORDS * WORD)
  if (userCopyIn(wanted, from, size as number as u32) != Errno.None) return Errno.BadAddress
  setsWrite(present, self.files.credentials)
  for (let at: u32 = 0; at < (size as number as u32); at += WORD) {
    if (load32(wanted, at) != load32(present, at)) return Errno.NotPermitted
  }
  return Errno.None
}
