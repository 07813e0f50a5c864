// The 64 bits of each argument, cut to 32 in one place: what does not fit is refused, never truncated.
//
// Most calls of most programs have nothing in any high half. Only when one has is it looked up what the argument is: an
// int uses the low half, whatever is above it; a pointer does not exist up there (EFAULT), and neither does a size
// (EINVAL). An offset is signed: its high half repeats the sign, or it is past everything here (EINVAL; lseek: EOVERFLOW's place).

import type { Register64 } from '../arch/x86/cpu.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { fcntlIsLock } from '../fs/calls/locks.ts'
import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { Clone } from '../process/create.ts'
import { MapFlag } from '../vm/map.ts'
import { RemapFlag } from '../vm/remap.ts'
import { fcntlHasOwner } from './async.ts'
import { EpollControl } from './epoll.ts'
import { FutexOperation } from './futex.ts'
import { Call } from './numbers.ts'

/** What an argument is; two bits each, the first argument lowest. An int is 0. */
const enum Kind { Int, Pointer, Size, Offset }

/** Which bits of a futex operation say which it is. */
const FUTEX_OPERATION: u32 = 0x7f

const P0: u32 = Kind.Pointer
const P1: u32 = Kind.Pointer << 2
const P2: u32 = Kind.Pointer << 4
const P3: u32 = Kind.Pointer << 6
const P4: u32 = Kind.Pointer << 8
const P5: u32 = Kind.Pointer << 10
const Z1: u32 = Kind.Size << 2
const Z2: u32 = Kind.Size << 4
const Z3: u32 = Kind.Size << 6
const O1: u32 = Kind.Offset << 2
const O2: u32 = Kind.Offset << 4
const O3: u32 = Kind.Offset << 6
const O5: u32 = Kind.Offset << 10

/** None, or the error for an argument whose high half means something. */
export function argumentFault(frame: TrapFrame, number: u32): i32 {
  const any: u32 = frame.rdi.high | frame.rsi.high | frame.rdx.high | frame.r10.high | frame.r8.high | frame.r9.high
  if (any == 0) return Errno.None
  return number == Call.Mmap ? mapFault(frame) : wideFault(frame, kindsFor(frame, number))
}

/** mmap: where it would like to be is a wish; where it has to be, and how much, can be no place that there is (ENOMEM). */
function mapFault(frame: TrapFrame): i32 {
  const fixed: boolean = (frame.r10.low & (MapFlag.Fixed | MapFlag.FixedNoReplace)) != 0
  if ((fixed && frame.rdi.high != 0) || frame.rsi.high != 0) return Errno.OutOfMemory
  return wideFault(frame, O5)
}

function wideFault(frame: TrapFrame, kinds: u32): i32 {
  let fault: i32 = fieldFault(frame.rdi, kinds)
  if (fault == Errno.None) fault = fieldFault(frame.rsi, kinds >>> 2)
  if (fault == Errno.None) fault = fieldFault(frame.rdx, kinds >>> 4)
  if (fault == Errno.None) fault = fieldFault(frame.r10, kinds >>> 6)
  if (fault == Errno.None) fault = fieldFault(frame.r8, kinds >>> 8)
  if (fault == Errno.None) fault = fieldFault(frame.r9, kinds >>> 10)
  return fault
}

function fieldFault(register: Register64, kinds: u32): i32 {
  if (register.high == 0) return Errno.None
  switch (kinds & 3) {
    case Kind.Pointer: return Errno.BadAddress
    case Kind.Size: return Errno.InvalidArgument
    case Kind.Offset: return register.high == 0xffffffff && (register.low & 0x80000000) != 0 ? Errno.None : Errno.InvalidArgument
    default: return Errno.None
  }
}

/** Some calls have arguments that count only with certain others. Where they do not, programs leave anything in the register. */
function kindsFor(frame: TrapFrame, number: u32): u32 {
  switch (number) {
    case Call.Clone: return cloneKinds(frame.rdi.low)
    case Call.Futex: return futexKinds(frame.rsi.low & FUTEX_OPERATION)
    case Call.Mremap: return P0 | Z1 | Z2 | ((frame.r10.low & RemapFlag.Fixed) != 0 ? P4 : 0)
    case Call.Fcntl: return fcntlIsLock(frame.rsi.low) || fcntlHasOwner(frame.rsi.low) ? P2 : 0
    case Call.EpollCtl: return frame.rsi.low == EpollControl.Delete ? 0 : P3
    default: return kindsOf(number)
  }
}

function cloneKinds(flags: u32): u32 {
  const parent: u32 = (flags & Clone.ParentSetTid) != 0 ? P2 : 0
  const child: u32 = (flags & (Clone.ChildSetTid | Clone.ChildClearTid)) != 0 ? P3 : 0
  return P1 | parent | child | ((flags & Clone.SetTls) != 0 ? P4 : 0)
}

function futexKinds(operation: u32): u32 {
  switch (operation) {
    case FutexOperation.Wake: case FutexOperation.WakeBits: return P0
    case FutexOperation.Requeue: case FutexOperation.CompareRequeue: return P0 | P4
    default: return P0 | P3
  }
}

/** What the arguments of a call are. Here by shape, calls of one shape together. */
function kindsOf(number: u32): u32 {
  switch (number) {
    case Call.Read: case Call.Write: case Call.Getdents64: case Call.Readv: case Call.Writev: return P1 | Z2
    case Call.Pread64: case Call.Pwrite64: case Call.Preadv: case Call.Pwritev: return P1 | Z2 | O3
    case Call.Open: case Call.Access: case Call.Chmod: case Call.Mkdir: case Call.Rmdir: case Call.Unlink: case Call.Chdir:
    case Call.Creat:
    case Call.Chown: case Call.Lchown: case Call.Mknod: case Call.Pipe: case Call.Pipe2: case Call.Uname:
    case Call.Sysinfo: case Call.Times:
    case Call.Time: case Call.SetTidAddress: case Call.Umount2: case Call.Swapon: case Call.Swapoff: return P0
    case Call.Stat: case Call.Lstat: case Call.Rename: case Call.Link: case Call.Symlink: case Call.Statfs: case Call.Nanosleep:
    case Call.Gettimeofday: case Call.Sigaltstack: case Call.Utime: case Call.Utimes: case Call.Capget: case Call.Capset: return P0 | P1
    case Call.Execve: case Call.Getresuid: case Call.Getresgid: return P0 | P1 | P2
    case Call.Fstat: case Call.Fstatfs: case Call.Getrlimit: case Call.Setrlimit: case Call.Getrusage: case Call.Openat: case Call.Mkdirat:
    case Call.Mknodat: case Call.Fchownat: case Call.Unlinkat: case Call.Fchmodat: case Call.Faccessat: case Call.Faccessat2:
    case Call.ClockGettime: case Call.ClockGetres: case Call.ClockSettime: case Call.Getitimer: case Call.SchedGetparam:
    case Call.ArchPrctl: case Call.Getgroups: case Call.Setgroups: case Call.Connect:
    case Call.Bind: case Call.Sendmsg: case Call.Recvmsg: return P1
    case Call.Futimesat: case Call.Utimensat: case Call.Newfstatat: case Call.RtSigaction: case Call.RtSigprocmask:
    case Call.Setitimer: case Call.Accept: case Call.Accept4: case Call.Getsockname: case Call.Getpeername: return P1 | P2
    case Call.Symlinkat: return P0 | P2
    case Call.Renameat: case Call.Renameat2: case Call.Linkat: return P1 | P3
    case Call.Readlink: return P0 | P1 | Z2
    case Call.Readlinkat: return P1 | P2 | Z3
    case Call.Getcwd: case Call.Getrandom: case Call.SetRobustList: case Call.RtSigpending: case Call.RtSigsuspend:
    case Call.Sethostname: return P0 | Z1
    case Call.Poll: return P0 | Z1
    case Call.Ppoll: return P0 | Z1 | P2 | P3
    case Call.Select: case Call.Pselect6: return P1 | P2 | P3 | P4 | P5
    case Call.Lseek: case Call.Ftruncate: return O1
    case Call.Truncate: return P0 | O1
    case Call.Fallocate: return O2 | O3
    case Call.Fadvise64: return O1 | O2
    case Call.Mprotect: case Call.Munmap: case Call.Msync: case Call.Madvise: return P0 | Z1
    case Call.Getcpu: return P0 | P1
    case Call.Chroot: return P0
    case Call.Prctl: return P1
    case Call.Mincore: return P0 | Z1 | P2
    case Call.Brk: return P0
    case Call.Wait4: return P1 | P3
    case Call.Waitid: return P2 | P4
    case Call.Prlimit64: return P2 | P3
    case Call.SchedGetaffinity: case Call.SchedSetaffinity: return Z1 | P2
    case Call.ClockNanosleep: return P2 | P3
    case Call.EpollWait: case Call.EpollPwait: return P1 | P4
    case Call.TimerCreate: return P1 | P2
    case Call.TimerSettime: case Call.TimerfdSettime: return P2 | P3
    case Call.TimerGettime: case Call.TimerfdGettime: return P1
    case Call.Signalfd: case Call.Signalfd4: return P1 | Z2
    case Call.EpollPwait2: return P1 | P3 | P4
    case Call.Sendto: case Call.Recvfrom: return P1 | Z2 | P4 | P5
    case Call.Setsockopt: case Call.Getsockopt: return P3 | P4
    case Call.Socketpair: return P3
    case Call.RtSigqueueinfo: return P2
    case Call.Sendfile: return P2 | Z3
    case Call.RtSigtimedwait: return P0 | P1 | P2
    case Call.Execveat: return P1 | P2 | P3
    case Call.Statx: return P1 | P4
    case Call.GetRobustList: return P1 | P2
    default: return 0
  }
}
