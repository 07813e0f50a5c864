// Calls about signals, time, waiting and sockets by their numbers, as kernel/syscall/table.ts makes them, for unit tests: without
// what a call of table.ts's would bring with it.

import type { TrapFrame } from '../../kernel/arch/x86/trap-frame.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import type { i32, ptr, u32 } from '../../kernel/lib/layout.ts'
import type { Process } from '../../kernel/process/process.ts'
import { sysCapget, sysCapset } from '../../kernel/syscall/capability.ts'
import {
  sysGetgroups, sysGetresgid, sysGetresuid, sysSetfsgid, sysSetfsuid, sysSetgid, sysSetgroups, sysSetregid, sysSetresgid, sysSetresuid,
  sysSetreuid, sysSetuid,
} from '../../kernel/syscall/credentials.ts'
import { sysEpollCreate, sysEpollCreate1, sysEpollCtl, sysEpollPwait, sysEpollPwait2, sysEpollWait } from '../../kernel/syscall/epoll.ts'
import { sysEventfd, sysEventfd2 } from '../../kernel/syscall/eventfd.ts'
import { sysFutex } from '../../kernel/syscall/futex.ts'
import { sysAlarm, sysGetitimer, sysSetitimer } from '../../kernel/syscall/interval-timer.ts'
import { sysFcntl } from '../../kernel/syscall/lock.ts'
import { sysPrlimit64 } from '../../kernel/syscall/limit.ts'
import { Call } from '../../kernel/syscall/numbers.ts'
import { sysPoll, sysPpoll, sysPselect6, sysSelect } from '../../kernel/syscall/poll.ts'
import { sysGetpriority, sysSchedSetaffinity, sysSetpriority } from '../../kernel/syscall/processor.ts'
import { sysGetRobustList } from '../../kernel/syscall/robust.ts'
import {
  sysKill, sysPause, sysRtSigaction, sysRtSigpending, sysRtSigprocmask, sysRtSigqueueinfo, sysRtSigreturn, sysRtSigsuspend,
  sysRtSigtimedwait, sysSigaltstack, sysTgkill, sysTkill,
} from '../../kernel/syscall/signal.ts'
import { sysRecvmsg, sysSendmsg } from '../../kernel/syscall/socket-message.ts'
import { sysGetsockopt, sysSetsockopt } from '../../kernel/syscall/socket-option.ts'
import { sysSocketpair } from '../../kernel/syscall/local/pair.ts'
import {
  sysAccept, sysAccept4, sysBind, sysConnect, sysGetpeername, sysGetsockname, sysListen, sysRecvfrom, sysSendto, sysShutdown, sysSocket,
} from '../../kernel/syscall/socket.ts'
import { sysSwapoff, sysSwapon } from '../../kernel/syscall/swap.ts'
import { sysReboot } from '../../kernel/syscall/system.ts'
import { timerCall } from '../../kernel/syscall/table-timer.ts'
import { sysClockGetres, sysClockGettime, sysClockNanosleep, sysGettimeofday, sysNanosleep, sysTime } from '../../kernel/syscall/time.ts'
import { sysGetrusage, sysTimes } from '../../kernel/syscall/usage.ts'

/** Make the call; NotImplemented: it is none of these. May sleep. */
export function systemCallEvents(self: Process, frame: TrapFrame, number: u32): u32 {
  const a: u32 = frame.rdi.low
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  const e: u32 = frame.r8.low
  const f: u32 = frame.r9.low
  switch (number) {
    case Call.Time: return sysTime(self, a as ptr)
    case Call.Times: return sysTimes(self, a as ptr)
    case Call.Alarm: return sysAlarm(self, a)
    case Call.Getrusage: return sysGetrusage(self, a as number as i32, b as ptr) as number as u32
    case Call.Prlimit64: return sysPrlimit64(self, a, b, c as ptr, d as ptr) as number as u32
    case Call.RtSigreturn: return sysRtSigreturn(self)
    case Call.Socket: case Call.Connect: case Call.Accept: case Call.Sendto: case Call.Recvfrom: case Call.Sendmsg: case Call.Recvmsg:
    case Call.Shutdown: case Call.Bind: case Call.Listen: case Call.Getsockname: case Call.Getpeername: case Call.Socketpair:
    case Call.Setsockopt: case Call.Getsockopt: case Call.Accept4:
      return socketCall(self, number, a as number as i32, b, c, d, e, f) as number as u32
    case Call.TimerCreate: case Call.TimerSettime: case Call.TimerGettime: case Call.TimerGetoverrun: case Call.TimerDelete:
    case Call.TimerfdCreate: case Call.TimerfdSettime: case Call.TimerfdGettime: case Call.Signalfd: case Call.Signalfd4:
      return timerCall(self, frame, number) as number as u32
    default: return otherCall(self, number, a, b, c, d, e, f) as number as u32
  }
}

function socketCall(self: Process, number: u32, a: i32, b: u32, c: u32, d: u32, e: u32, f: u32): i32 {
  switch (number) {
    case Call.Socket: return sysSocket(self, a as number as u32, b, c)
    case Call.Connect: return sysConnect(self, a, b as ptr, c)
    case Call.Accept: return sysAccept(self, a, b as ptr, c as ptr)
    case Call.Sendto: return sysSendto(self, a, b as ptr, c, d, e as ptr, f)
    case Call.Recvfrom: return sysRecvfrom(self, a, b as ptr, c, d, e as ptr, f as ptr)
    case Call.Sendmsg: return sysSendmsg(self, a, b as ptr, c)
    case Call.Recvmsg: return sysRecvmsg(self, a, b as ptr, c)
    case Call.Shutdown: return sysShutdown(self, a, b)
    case Call.Bind: return sysBind(self, a, b as ptr, c)
    case Call.Listen: return sysListen(self, a, b as number as i32)
    case Call.Getsockname: return sysGetsockname(self, a, b as ptr, c as ptr)
    case Call.Getpeername: return sysGetpeername(self, a, b as ptr, c as ptr)
    case Call.Socketpair: return sysSocketpair(self, a as number as u32, b, c, d as ptr)
    case Call.Setsockopt: return sysSetsockopt(self, a, b, c, d as ptr, e)
    case Call.Getsockopt: return sysGetsockopt(self, a, b, c, d as ptr, e as ptr)
    default: return sysAccept4(self, a, b as ptr, c as ptr, d)
  }
}

function otherCall(self: Process, number: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32): i32 {
  switch (number) {
    case Call.Poll: return sysPoll(self, a as ptr, b, c as number as i32)
    case Call.Ppoll: return sysPpoll(self, a as ptr, b, c as ptr, d as ptr, e)
    case Call.Select: return sysSelect(self, a as number as i32, b as ptr, c as ptr, d as ptr, e as ptr)
    case Call.Pselect6: return sysPselect6(self, a as number as i32, b as ptr, c as ptr, d as ptr, e as ptr, f as ptr)
    case Call.RtSigaction: return sysRtSigaction(self, a, b as ptr, c as ptr, d)
    case Call.RtSigprocmask: return sysRtSigprocmask(self, a, b as ptr, c as ptr, d)
    case Call.RtSigpending: return sysRtSigpending(self, a as ptr, b)
    case Call.RtSigtimedwait: return sysRtSigtimedwait(self, a as ptr, b as ptr, c as ptr, d)
    case Call.RtSigqueueinfo: return sysRtSigqueueinfo(self, a, b, c as ptr)
    case Call.RtSigsuspend: return sysRtSigsuspend(self, a as ptr, b)
    case Call.Sigaltstack: return sysSigaltstack(self, a as ptr, b as ptr)
    case Call.Pause: return sysPause()
    case Call.Kill: return sysKill(self, a as number as i32, b)
    case Call.Tkill: return sysTkill(self, a as number as i32, b)
    case Call.Tgkill: return sysTgkill(self, a as number as i32, b as number as i32, c)
    case Call.Nanosleep: return sysNanosleep(self, a as ptr, b as ptr)
    case Call.ClockNanosleep: return sysClockNanosleep(self, a, b, c as ptr, d as ptr)
    case Call.ClockGettime: return sysClockGettime(self, a, b as ptr)
    case Call.ClockGetres: return sysClockGetres(self, a, b as ptr)
    case Call.ClockSettime: return Errno.NotPermitted
    case Call.Gettimeofday: return sysGettimeofday(self, a as ptr, b as ptr)
    case Call.Getitimer: return sysGetitimer(self, a, b as ptr)
    case Call.Setitimer: return sysSetitimer(self, a, b as ptr, c as ptr)
    case Call.Futex: return sysFutex(self, a as ptr, b, c, d as ptr, e as ptr, f)
    case Call.EpollCreate: return sysEpollCreate(self, a as number as i32)
    case Call.EpollCreate1: return sysEpollCreate1(self, a)
    case Call.EpollCtl: return sysEpollCtl(self, a as number as i32, b, c as number as i32, d as ptr)
    case Call.EpollWait: return sysEpollWait(self, a as number as i32, b as ptr, c as number as i32, d as number as i32)
    case Call.EpollPwait: return sysEpollPwait(self, a as number as i32, b as ptr, c as number as i32, d as number as i32, e as ptr, f)
    case Call.EpollPwait2: return sysEpollPwait2(self, a as number as i32, b as ptr, c as number as i32, d as ptr, e as ptr, f)
    case Call.Fcntl: return sysFcntl(self, a, b, c)
    case Call.Eventfd: return sysEventfd(self, a)
    case Call.Eventfd2: return sysEventfd2(self, a, b)
    default: return userCall(self, number, a, b, c)
  }
}

/** Calls about users, and those that ask who calls. */
function userCall(self: Process, number: u32, a: u32, b: u32, c: u32): i32 {
  switch (number) {
    case Call.Setuid: return sysSetuid(self, a)
    case Call.Setgid: return sysSetgid(self, a)
    case Call.Setreuid: return sysSetreuid(self, a, b)
    case Call.Setregid: return sysSetregid(self, a, b)
    case Call.Setresuid: return sysSetresuid(self, a, b, c)
    case Call.Setresgid: return sysSetresgid(self, a, b, c)
    case Call.Getresuid: return sysGetresuid(self, a as ptr, b as ptr, c as ptr)
    case Call.Getresgid: return sysGetresgid(self, a as ptr, b as ptr, c as ptr)
    case Call.Setfsuid: return sysSetfsuid(self, a) as number as i32
    case Call.Setfsgid: return sysSetfsgid(self, a) as number as i32
    case Call.Getgroups: return sysGetgroups(self, a as number as i32, b as ptr)
    case Call.Setgroups: return sysSetgroups(self, a, b as ptr)
    case Call.Capget: return sysCapget(self, a as ptr, b as ptr)
    case Call.Capset: return sysCapset(self, a as ptr, b as ptr)
    case Call.Getpriority: return sysGetpriority(self, a, b)
    case Call.Setpriority: return sysSetpriority(self, a, b, c as number as i32)
    case Call.SchedSetaffinity: return sysSchedSetaffinity(self, a, b, c as ptr)
    case Call.GetRobustList: return sysGetRobustList(self, a, b as ptr, c as ptr)
    case Call.Swapon: return sysSwapon(self, a as ptr, b)
    case Call.Swapoff: return sysSwapoff(self, a as ptr)
    case Call.Reboot: return sysReboot(self, a, b, c)
    default: return Errno.NotImplemented
  }
}
