// Error numbers, Linux's values, as the stack and the system calls return them: negative, and 0 is success.
//
// A function that returns a value or an error returns the value, or an error code that read as a u32 is
// 0xfffff000 or more: the last page of the address space is never mapped, so no address looks like one.

import type { i32, u32 } from './layout.ts'

export const enum Errno {
  None = 0,
  NotPermitted = -1, // EPERM
  NoSuchEntry = -2, // ENOENT
  InputOutput = -5, // EIO
  NoSuchDevice = -6, // ENXIO
  WouldBlock = -11, // EAGAIN
  OutOfMemory = -12, // ENOMEM
  BadAddress = -14, // EFAULT
  Busy = -16, // EBUSY
  Exists = -17, // EEXIST
  NoDevice = -19, // ENODEV
  InvalidArgument = -22, // EINVAL
  NoSpace = -28, // ENOSPC
  ReadOnly = -30, // EROFS
  OutOfRange = -34, // ERANGE
  MessageTooLong = -90, // EMSGSIZE
  NotSupported = -95, // EOPNOTSUPP
  AddressInUse = -98, // EADDRINUSE
  AddressNotAvailable = -99, // EADDRNOTAVAIL
  NetworkDown = -100, // ENETDOWN
  NetworkUnreachable = -101, // ENETUNREACH
  NoBufferSpace = -105, // ENOBUFS
  TimedOut = -110, // ETIMEDOUT
  HostUnreachable = -113, // EHOSTUNREACH
}

/** Whether a result is an error code: the last page of the number space. */
export function isError(result: u32): boolean {
  return result >= 0xfffff000
}

/** The error in a result that `isError`, as a negative number. */
export function errorOf(result: u32): i32 {
  return result as number as i32
}
