// Which function answers which system call, continued: calls about sockets and epoll. table.ts asks here for what it has not.

import { Errno } from '../lib/errno.ts'
import type { TrapFrame } from '../arch/x86/trap-frame.ts'
import type { i32, ptr, u32 } from '../lib/layout.ts'
import type { Process } from '../process/process.ts'
import { sysEpollCreate, sysEpollCreate1, sysEpollCtl, sysEpollPwait, sysEpollPwait2, sysEpollWait } from './epoll.ts'
import { sysSocketpair } from './local/pair.ts'
import { Call } from './numbers.ts'
import { sysRtSigqueueinfo } from './signal.ts'
import { sysRecvmsg, sysSendmsg } from './socket-message.ts'
import { sysGetsockopt, sysSetsockopt } from './socket-option.ts'
import { timerCall } from './table-timer.ts'
import {
  sysAccept, sysAccept4, sysBind, sysConnect, sysGetpeername, sysGetsockname, sysListen, sysRecvfrom, sysSendto, sysShutdown, sysSocket,
} from './socket.ts'

/** Make the call; NotImplemented: it is none of these. May sleep. */
export function socketCall(self: Process, frame: TrapFrame, number: u32): i32 {
  const a: i32 = frame.rdi.low as number as i32
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  const e: u32 = frame.r8.low
  const f: u32 = frame.r9.low
  switch (number) {
    case Call.Socket: return sysSocket(self, frame.rdi.low, b, c)
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
    case Call.Socketpair: return sysSocketpair(self, frame.rdi.low, b, c, d as ptr)
    case Call.Setsockopt: return sysSetsockopt(self, a, b, c, d as ptr, e)
    case Call.Getsockopt: return sysGetsockopt(self, a, b, c, d as ptr, e as ptr)
    case Call.Accept4: return sysAccept4(self, a, b as ptr, c as ptr, d)
    case Call.EpollCreate: return sysEpollCreate(self, a)
    case Call.EpollCreate1: return sysEpollCreate1(self, frame.rdi.low)
    case Call.EpollCtl: return sysEpollCtl(self, a, b, c as number as i32, d as ptr)
    case Call.EpollWait: return sysEpollWait(self, a, b as ptr, c as number as i32, d as number as i32)
    case Call.EpollPwait: return sysEpollPwait(self, a, b as ptr, c as number as i32, d as number as i32, e as ptr, f)
    case Call.EpollPwait2: return sysEpollPwait2(self, a, b as ptr, c as number as i32, d as ptr, e as ptr, f)
    case Call.RtSigqueueinfo: return sysRtSigqueueinfo(self, frame.rdi.low, b, c as ptr)
    case Call.ClockSettime: return Errno.NotPermitted
    default: return timerCall(self, frame, number)
  }
}
