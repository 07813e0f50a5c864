// Which function answers which system call. Arguments are the low halves of six registers, checked by arguments.ts; a result
// that is an error is a negative Errno. Calls that another call covers are written as that one.

import type { TrapFrame } from '../arch/x86/trap-frame.ts'
import { At, Open } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../lib/log.ts'
import type { cstring, i32, ptr, u32 } from '../lib/layout.ts'
import type { Process } from '../process/process.ts'
import { sysCapget, sysCapset } from './capability.ts'
import {
  sysGetgroups, sysGetresgid, sysGetresuid, sysSetfsgid, sysSetfsuid, sysSetgid, sysSetgroups, sysSetregid, sysSetresgid, sysSetresuid,
  sysSetreuid, sysSetuid,
} from './credentials.ts'
import { sysEventfd2 } from './eventfd.ts'
import {
  sysClose, sysDup, sysDup2, sysDup3, sysFsync, sysGetdents64, sysIoctl, sysLseek, sysPipe2, sysPread64, sysPreadv,
  sysPwrite64, sysPwritev, sysRead, sysReadv, sysSendfile, sysWrite, sysWritev,
} from './file.ts'
import { sysFcntl, sysFlock } from './lock.ts'
import { sysFutex } from './futex.ts'
import { sysBrk, sysMadvise, sysMmap, sysMprotect, sysMremap, sysMsync, sysMunmap } from './memory.ts'
import {
  sysChdir, sysChroot, sysFaccessat, sysFchdir, sysFchmod, sysFchmodat, sysFchown, sysFchownat, sysFstat, sysFstatfs,
  sysFtruncate, sysGetcwd, sysLinkat, sysMkdirat, sysMknodat, sysMount, sysNewfstatat, sysOpenat, sysReadlinkat, sysRenameat2,
  sysStatfs, sysSymlinkat, sysTruncate, sysUmask, sysUmount2, sysUnlinkat, sysUtime, sysUtimensat, sysUtimes,
} from './name.ts'
import { sysPoll, sysPpoll, sysPselect6, sysSelect } from './poll.ts'
import { sysExecve } from './execve.ts'
import { sysGetpgid, sysGetppid, sysGetsid, sysSetTidAddress, sysSetpgid, sysSetsid } from './identity.ts'
import { sysClone, sysExit, sysExitGroup, sysFork, sysVfork, sysWait4 } from './process.ts'
import {
  sysArchPrctl, sysGetcpu, sysGetpriority, sysPrctl, sysSchedGetaffinity, sysSchedSetaffinity, sysSchedYield, sysSetpriority,
} from './processor.ts'
import { sysGetitimer, sysSetitimer, sysAlarm } from './interval-timer.ts'
import { sysPrlimit64 } from './limit.ts'
import { sysGetrusage, sysTimes } from './usage.ts'
import {
  sysKill, sysPause, sysRtSigaction, sysRtSigpending, sysRtSigprocmask, sysRtSigreturn, sysRtSigsuspend, sysRtSigtimedwait,
  sysSigaltstack, sysTgkill, sysTkill,
} from './signal.ts'
import { sysSwapoff, sysSwapon } from './swap.ts'
import { socketCall } from './table-socket.ts'
import { sysGetRobustList, sysSetRobustList } from './robust.ts'
import { sysGetrandom, sysReboot, sysSysinfo, sysUname } from './system.ts'
import { sysClockGetres, sysClockGettime, sysClockNanosleep, sysGettimeofday, sysNanosleep, sysTime } from './time.ts'
import { Call } from './numbers.ts'

const AT_CWD = At.WorkingDirectory
const AT_NO_FOLLOW: u32 = At.SymlinkNoFollow
const AT_REMOVE_DIRECTORY: u32 = At.RemoveDirectory
const OPEN_CREATE: u32 = Open.Create | Open.WriteOnly | Open.Truncate

/** Make the call. May sleep, and may not return. In three parts, for no better reason than that a function has an end. */
export function systemCall(self: Process, frame: TrapFrame, number: u32): u32 {
  if (number < FIRST_LATER) return early(self, frame, number)
  return number < FIRST_LAST ? later(self, frame, number) : last(self, frame, number)
}

const FIRST_LATER: u32 = 80
const FIRST_LAST: u32 = 200

function early(self: Process, frame: TrapFrame, number: u32): u32 {
  const a: u32 = frame.rdi.low
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  const e: u32 = frame.r8.low
  const f: u32 = frame.r9.low
  switch (number) {
    case Call.Read: return sysRead(self, a, b as ptr, c) as number as u32
    case Call.Write: return sysWrite(self, a, b as ptr, c) as number as u32
    case Call.Open: return sysOpenat(self, AT_CWD, a as ptr, b, c) as number as u32
    case Call.Close: return sysClose(self, a) as number as u32
    case Call.Stat: return sysNewfstatat(self, AT_CWD, a as ptr, b as ptr, 0) as number as u32
    case Call.Fstat: return sysFstat(self, a, b as ptr) as number as u32
    case Call.Lstat: return sysNewfstatat(self, AT_CWD, a as ptr, b as ptr, AT_NO_FOLLOW) as number as u32
    case Call.Poll: return sysPoll(self, a as ptr, b, c as number as i32) as number as u32
    case Call.Lseek: return sysLseek(self, a, b as number as i32, c) as number as u32
    case Call.Mmap: return sysMmap(self, a as ptr, b, c, d, e as number as i32, f)
    case Call.Mprotect: return sysMprotect(self, a as ptr, b, c) as number as u32
    case Call.Munmap: return sysMunmap(self, a as ptr, b) as number as u32
    case Call.Brk: return sysBrk(self, a as ptr)
    case Call.RtSigaction: return sysRtSigaction(self, a, b as ptr, c as ptr, d) as number as u32
    case Call.RtSigprocmask: return sysRtSigprocmask(self, a, b as ptr, c as ptr, d) as number as u32
    case Call.RtSigreturn: return sysRtSigreturn(self)
    case Call.Ioctl: return sysIoctl(self, a, b, c) as number as u32
    case Call.Pread64: return sysPread64(self, a, b as ptr, c, d as number as i32) as number as u32
    case Call.Pwrite64: return sysPwrite64(self, a, b as ptr, c, d as number as i32) as number as u32
    case Call.Readv: return sysReadv(self, a, b as ptr, c) as number as u32
    case Call.Writev: return sysWritev(self, a, b as ptr, c) as number as u32
    case Call.Access: return sysFaccessat(self, AT_CWD, a as ptr, b, 0) as number as u32
    case Call.Pipe: return sysPipe2(self, a as ptr, 0) as number as u32
    case Call.Select: return sysSelect(self, a as number as i32, b as ptr, c as ptr, d as ptr, e as ptr) as number as u32
    case Call.SchedYield: return sysSchedYield() as number as u32
    case Call.Mremap: return sysMremap(self, a as ptr, b, c, d, e as ptr)
    case Call.Msync: return sysMsync(self, a as ptr, b, c) as number as u32
    case Call.Madvise: return sysMadvise(self, a as ptr, b, c) as number as u32
    case Call.Dup: return sysDup(self, a) as number as u32
    case Call.Dup2: return sysDup2(self, a, b) as number as u32
    case Call.Pause: return sysPause() as number as u32
    case Call.Nanosleep: return sysNanosleep(self, a as ptr, b as ptr) as number as u32
    case Call.Getitimer: return sysGetitimer(self, a, b as ptr) as number as u32
    case Call.Alarm: return sysAlarm(self, a)
    case Call.Setitimer: return sysSetitimer(self, a, b as ptr, c as ptr) as number as u32
    case Call.Getpid: return self.group
    case Call.Sendfile: return sysSendfile(self, a, b, c as ptr, d) as number as u32
    case Call.Clone: return sysClone(self, a, b as ptr, c as ptr, d as ptr, e as ptr) as number as u32
    case Call.Fork: return sysFork(self) as number as u32
    case Call.Vfork: return sysVfork(self) as number as u32
    case Call.Execve: return sysExecve(self, a as ptr, b as ptr, c as ptr, frame) as number as u32
    case Call.Exit: sysExit(a)
    case Call.Wait4: return sysWait4(self, a as number as i32, b as ptr, c, d as ptr) as number as u32
    case Call.Kill: return sysKill(self, a as number as i32, b) as number as u32
    case Call.Uname: return sysUname(a as ptr) as number as u32
    case Call.Fcntl: return sysFcntl(self, a, b, c) as number as u32
    case Call.Flock: return sysFlock(self, a, b) as number as u32
    case Call.Fsync: return sysFsync(self, a) as number as u32
    case Call.Fdatasync: return sysFsync(self, a) as number as u32
    case Call.Truncate: return sysTruncate(self, a as ptr, b as number as i32) as number as u32
    case Call.Ftruncate: return sysFtruncate(self, a, b as number as i32) as number as u32
    case Call.Getcwd: return sysGetcwd(self, a as ptr, b) as number as u32
    default: return other(self, frame, number)
  }
}

function later(self: Process, frame: TrapFrame, number: u32): u32 {
  const a: u32 = frame.rdi.low
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  switch (number) {
    case Call.Chdir: return sysChdir(self, a as ptr) as number as u32
    case Call.Fchdir: return sysFchdir(self, a) as number as u32
    case Call.Rename: return sysRenameat2(self, AT_CWD, a as ptr, AT_CWD, b as ptr, 0) as number as u32
    case Call.Mkdir: return sysMkdirat(self, AT_CWD, a as ptr, b) as number as u32
    case Call.Rmdir: return sysUnlinkat(self, AT_CWD, a as ptr, AT_REMOVE_DIRECTORY) as number as u32
    case Call.Creat: return sysOpenat(self, AT_CWD, a as ptr, OPEN_CREATE, b) as number as u32
    case Call.Link: return sysLinkat(self, AT_CWD, a as ptr, AT_CWD, b as ptr, 0) as number as u32
    case Call.Unlink: return sysUnlinkat(self, AT_CWD, a as ptr, 0) as number as u32
    case Call.Symlink: return sysSymlinkat(self, a as ptr, AT_CWD, b as ptr) as number as u32
    case Call.Readlink: return sysReadlinkat(self, AT_CWD, a as ptr, b as ptr, c) as number as u32
    case Call.Chmod: return sysFchmodat(self, AT_CWD, a as ptr, b) as number as u32
    case Call.Fchmod: return sysFchmod(self, a, b) as number as u32
    case Call.Chown: return sysFchownat(self, AT_CWD, a as ptr, b, c, 0) as number as u32
    case Call.Fchown: return sysFchown(self, a, b, c) as number as u32
    case Call.Lchown: return sysFchownat(self, AT_CWD, a as ptr, b, c, AT_NO_FOLLOW) as number as u32
    case Call.Umask: return sysUmask(self, a)
    case Call.Gettimeofday: return sysGettimeofday(self, a as ptr, b as ptr) as number as u32
    case Call.Getrlimit: return (b == 0 ? Errno.BadAddress : sysPrlimit64(self, 0, a, 0 as ptr, b as ptr)) as number as u32
    case Call.Getrusage: return sysGetrusage(self, a as number as i32, b as ptr) as number as u32
    case Call.Sysinfo: return sysSysinfo(a as ptr) as number as u32
    case Call.Times: return sysTimes(self, a as ptr)
    case Call.Getuid: return self.files.credentials.user.real
    case Call.Getgid: return self.files.credentials.group.real
    case Call.Setuid: return sysSetuid(self, a) as number as u32
    case Call.Setgid: return sysSetgid(self, a) as number as u32
    case Call.Geteuid: return self.files.credentials.user.effective
    case Call.Getegid: return self.files.credentials.group.effective
    case Call.Setpgid: return sysSetpgid(self, a as number as i32, b as number as i32) as number as u32
    case Call.Getppid: return sysGetppid(self)
    case Call.Getpgrp: return self.processGroup
    case Call.Setsid: return sysSetsid(self)
    case Call.Setreuid: return sysSetreuid(self, a, b) as number as u32
    case Call.Setregid: return sysSetregid(self, a, b) as number as u32
    case Call.Getgroups: return sysGetgroups(self, a as number as i32, b as ptr) as number as u32
    case Call.Setgroups: return sysSetgroups(self, a, b as ptr) as number as u32
    case Call.Setresuid: return sysSetresuid(self, a, b, c) as number as u32
    case Call.Getresuid: return sysGetresuid(self, a as ptr, b as ptr, c as ptr) as number as u32
    case Call.Setresgid: return sysSetresgid(self, a, b, c) as number as u32
    case Call.Getresgid: return sysGetresgid(self, a as ptr, b as ptr, c as ptr) as number as u32
    case Call.Getpgid: return sysGetpgid(self, a)
    case Call.Setfsuid: return sysSetfsuid(self, a)
    case Call.Setfsgid: return sysSetfsgid(self, a)
    case Call.Getsid: return sysGetsid(self, a)
    case Call.Capget: return sysCapget(self, a as ptr, b as ptr) as number as u32
    case Call.Capset: return sysCapset(self, a as ptr, b as ptr) as number as u32
    case Call.RtSigpending: return sysRtSigpending(self, a as ptr, b) as number as u32
    case Call.RtSigsuspend: return sysRtSigsuspend(self, a as ptr, b) as number as u32
    case Call.RtSigtimedwait: return sysRtSigtimedwait(self, a as ptr, b as ptr, c as ptr, d) as number as u32
    case Call.Sigaltstack: return sysSigaltstack(self, a as ptr, b as ptr) as number as u32
    case Call.Utime: return sysUtime(self, a as ptr, b as ptr) as number as u32
    case Call.Mknod: return sysMknodat(self, AT_CWD, a as ptr, b, c) as number as u32
    case Call.Statfs: return sysStatfs(self, a as ptr, b as ptr) as number as u32
    case Call.Fstatfs: return sysFstatfs(self, a, b as ptr) as number as u32
    case Call.Getpriority: return sysGetpriority(self, a, b) as number as u32
    case Call.Setpriority: return sysSetpriority(self, a, b, c as number as i32) as number as u32
    case Call.Prctl: return sysPrctl(self, a, b as ptr) as number as u32
    case Call.ArchPrctl: return sysArchPrctl(self, a, b as ptr) as number as u32
    case Call.Setrlimit: return sysPrlimit64(self, 0, a, b as ptr, 0 as ptr) as number as u32
    case Call.Sync: return 0
    case Call.Chroot: return sysChroot(self, a as ptr) as number as u32
    case Call.Mount: return sysMount(self, a as ptr, b as ptr, c as ptr, d) as number as u32
    case Call.Umount2: return sysUmount2(self, a as ptr, b) as number as u32
    case Call.Swapon: return sysSwapon(self, a as ptr, b) as number as u32
    case Call.Swapoff: return sysSwapoff(self, a as ptr) as number as u32
    case Call.Reboot: return sysReboot(self, a, b, c) as number as u32
    case Call.Gettid: return self.pid
    default: return other(self, frame, number)
  }
}

function last(self: Process, frame: TrapFrame, number: u32): u32 {
  const a: u32 = frame.rdi.low
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  const e: u32 = frame.r8.low
  const f: u32 = frame.r9.low
  switch (number) {
    case Call.Tkill: return sysTkill(self, a as number as i32, b) as number as u32
    case Call.Time: return sysTime(self, a as ptr)
    case Call.Futex: return sysFutex(self, a as ptr, b, c, d as ptr, e as ptr, f) as number as u32
    case Call.SchedSetaffinity: return sysSchedSetaffinity(self, a, b, c as ptr) as number as u32
    case Call.SchedGetaffinity: return sysSchedGetaffinity(a, b, c as ptr)
    case Call.Getdents64: return sysGetdents64(self, a, b as ptr, c) as number as u32
    case Call.SetTidAddress: return sysSetTidAddress(self, a as ptr)
    case Call.ClockGettime: return sysClockGettime(self, a, b as ptr) as number as u32
    case Call.ClockGetres: return sysClockGetres(self, a, b as ptr) as number as u32
    case Call.ClockNanosleep: return sysClockNanosleep(self, a, b, c as ptr, d as ptr) as number as u32
    case Call.ExitGroup: sysExitGroup(a)
    case Call.Tgkill: return sysTgkill(self, a as number as i32, b as number as i32, c) as number as u32
    case Call.Utimes: return sysUtimes(self, a as ptr, b as ptr) as number as u32
    case Call.Openat: return sysOpenat(self, a as number as i32, b as ptr, c, d) as number as u32
    case Call.Mkdirat: return sysMkdirat(self, a as number as i32, b as ptr, c) as number as u32
    case Call.Mknodat: return sysMknodat(self, a as number as i32, b as ptr, c, d) as number as u32
    case Call.Fchownat: return sysFchownat(self, a as number as i32, b as ptr, c, d, e) as number as u32
    case Call.Newfstatat: return sysNewfstatat(self, a as number as i32, b as ptr, c as ptr, d) as number as u32
    case Call.Unlinkat: return sysUnlinkat(self, a as number as i32, b as ptr, c) as number as u32
    case Call.Renameat: return sysRenameat2(self, a as number as i32, b as ptr, c as number as i32, d as ptr, 0) as number as u32
    case Call.Linkat: return sysLinkat(self, a as number as i32, b as ptr, c as number as i32, d as ptr, e) as number as u32
    case Call.Symlinkat: return sysSymlinkat(self, a as ptr, b as number as i32, c as ptr) as number as u32
    case Call.Readlinkat: return sysReadlinkat(self, a as number as i32, b as ptr, c as ptr, d) as number as u32
    case Call.Fchmodat: return sysFchmodat(self, a as number as i32, b as ptr, c) as number as u32
    case Call.Faccessat: return sysFaccessat(self, a as number as i32, b as ptr, c, 0) as number as u32
    case Call.Pselect6: return sysPselect6(self, a as number as i32, b as ptr, c as ptr, d as ptr, e as ptr, f as ptr) as number as u32
    case Call.Ppoll: return sysPpoll(self, a as ptr, b, c as ptr, d as ptr, e) as number as u32
    case Call.SetRobustList: return sysSetRobustList(self, a as ptr, b) as number as u32
    case Call.GetRobustList: return sysGetRobustList(self, a, b as ptr, c as ptr) as number as u32
    case Call.Utimensat: return sysUtimensat(self, a as number as i32, b as ptr, c as ptr, d) as number as u32
    case Call.Eventfd: return sysEventfd2(self, a, 0) as number as u32
    case Call.Eventfd2: return sysEventfd2(self, a, b) as number as u32
    case Call.Dup3: return sysDup3(self, a, b, c) as number as u32
    case Call.Pipe2: return sysPipe2(self, a as ptr, b) as number as u32
    case Call.Preadv: return sysPreadv(self, a, b as ptr, c, d as number as i32) as number as u32
    case Call.Pwritev: return sysPwritev(self, a, b as ptr, c, d as number as i32) as number as u32
    case Call.Prlimit64: return sysPrlimit64(self, a, b, c as ptr, d as ptr) as number as u32
    case Call.Getcpu: return sysGetcpu(a as ptr, b as ptr) as number as u32
    case Call.Renameat2: return sysRenameat2(self, a as number as i32, b as ptr, c as number as i32, d as ptr, e) as number as u32
    case Call.Getrandom: return sysGetrandom(a as ptr, b, c)
    case Call.Rseq: return Errno.NotImplemented as number as u32 // every C library asks, and does without
    case Call.Faccessat2: return sysFaccessat(self, a as number as i32, b as ptr, c, d) as number as u32
    default: return other(self, frame, number)
  }
}

/** A call about sockets; else ENOSYS, and a line in the log: the first time only, of each process. */
function other(self: Process, frame: TrapFrame, number: u32): u32 {
  const result = socketCall(self, frame, number)
  if (result != Errno.NotImplemented) return result as number as u32
  if (!self.unknownCall && logStart(Level.Info, 'process', 'unknown-call')) {
    logDecimal('pid', self.pid)
    logText('name', self.name as cstring)
    logDecimal('number', number)
    logEnd()
  }
  self.unknownCall = true
  return Errno.NotImplemented as number as u32
}
