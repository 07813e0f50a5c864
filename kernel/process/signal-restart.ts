// Which system calls are begun again after a signal: signal(7), "Interruption of system calls and library functions by
// signal handlers".

import type { u32 } from '../lib/layout.ts'

/** Numbers of Linux's calls on x86-64, those of this file. */
const enum Restartable {
  Read = 0, Write = 1, Open = 2, Ioctl = 16, Readv = 19, Writev = 20, Pause = 34, Sendfile = 40, Connect = 42, Accept = 43, Sendto = 44,
  Recvfrom = 45, Sendmsg = 46, Recvmsg = 47, Wait4 = 61, Fcntl = 72, Flock = 73, RtSigsuspend = 130, Futex = 202, Waitid = 247,
  Openat = 257, Accept4 = 288, Preadv = 295, Pwritev = 296, Getrandom = 318,
}

/**
 * Whether call `number`, interrupted, is begun again: after a handler that asked for it (`handled`), or when no handler ran. `never` is
 * what the call itself had to say: a time limit that it could not go on with.
 */
export function restarts(number: u32, never: boolean, handled: boolean): boolean {
  if (never) return false
  switch (number) {
    case Restartable.Pause:
    case Restartable.RtSigsuspend:
      return !handled
    case Restartable.Read:
    case Restartable.Write:
    case Restartable.Open:
    case Restartable.Ioctl:
    case Restartable.Readv:
    case Restartable.Writev:
    case Restartable.Sendfile:
    case Restartable.Connect:
    case Restartable.Accept:
    case Restartable.Sendto:
    case Restartable.Recvfrom:
    case Restartable.Sendmsg:
    case Restartable.Recvmsg:
    case Restartable.Wait4:
    case Restartable.Fcntl:
    case Restartable.Flock:
    case Restartable.Futex:
    case Restartable.Waitid:
    case Restartable.Openat:
    case Restartable.Accept4:
    case Restartable.Preadv:
    case Restartable.Pwritev:
    case Restartable.Getrandom:
      return true
    default:
      return false
  }
}
