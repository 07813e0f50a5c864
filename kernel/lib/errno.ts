// Error numbers, Linux's values, as the stack and the system calls return them: negative, and 0 is success.
//
// A function that returns a value or an error returns the value, or an error code that read as a u32 is
// 0xfffff000 or more: the last page of the address space is never mapped, so no address looks like one.

import type { i32, u32 } from './layout.ts'

export const enum Errno {
  None = 0,
  NotPermitted = -1, // EPERM
  NoSuchEntry = -2, // ENOENT
  NoSuchProcess = -3, // ESRCH
  Interrupted = -4, // EINTR
  InputOutput = -5, // EIO
  NoSuchDevice = -6, // ENXIO
  ArgumentsTooLong = -7, // E2BIG
  NotExecutable = -8, // ENOEXEC
  BadHandle = -9, // EBADF
  NoChild = -10, // ECHILD
  WouldBlock = -11, // EAGAIN
  OutOfMemory = -12, // ENOMEM
  AccessDenied = -13, // EACCES
  BadAddress = -14, // EFAULT
  Busy = -16, // EBUSY
  Exists = -17, // EEXIST
  CrossDevice = -18, // EXDEV
  NoDevice = -19, // ENODEV
  NotDirectory = -20, // ENOTDIR
  IsDirectory = -21, // EISDIR
  InvalidArgument = -22, // EINVAL
  FileTableFull = -23, // ENFILE
  TooManyFiles = -24, // EMFILE
  NotTerminal = -25, // ENOTTY
  TextBusy = -26, // ETXTBSY
  FileTooLarge = -27, // EFBIG
  NoSpace = -28, // ENOSPC
  IllegalSeek = -29, // ESPIPE
  ReadOnly = -30, // EROFS
  TooManyLinks = -31, // EMLINK
  BrokenPipe = -32, // EPIPE
  OutOfRange = -34, // ERANGE
  Deadlock = -35, // EDEADLK
  NameTooLong = -36, // ENAMETOOLONG
  NoLocks = -37, // ENOLCK
  NotImplemented = -38, // ENOSYS
  NotEmpty = -39, // ENOTEMPTY
  SymbolicLinkLoop = -40, // ELOOP
  NotOnNetwork = -64, // ENONET
  ProtocolError = -71, // EPROTO
  Overflow = -75, // EOVERFLOW
  NotSocket = -88, // ENOTSOCK
  DestinationRequired = -89, // EDESTADDRREQ
  MessageTooLong = -90, // EMSGSIZE
  WrongProtocolType = -91, // EPROTOTYPE
  ProtocolOption = -92, // ENOPROTOOPT
  ProtocolNotSupported = -93, // EPROTONOSUPPORT
  SocketTypeNotSupported = -94, // ESOCKTNOSUPPORT
  NotSupported = -95, // EOPNOTSUPP
  AddressFamily = -97, // EAFNOSUPPORT
  AddressInUse = -98, // EADDRINUSE
  AddressNotAvailable = -99, // EADDRNOTAVAIL
  NetworkDown = -100, // ENETDOWN
  NetworkUnreachable = -101, // ENETUNREACH
  ConnectionAborted = -103, // ECONNABORTED
  ConnectionReset = -104, // ECONNRESET
  NoBufferSpace = -105, // ENOBUFS
  IsConnected = -106, // EISCONN
  NotConnected = -107, // ENOTCONN
  TooManyReferences = -109, // ETOOMANYREFS
  TimedOut = -110, // ETIMEDOUT
  ConnectionRefused = -111, // ECONNREFUSED
  HostDown = -112, // EHOSTDOWN
  HostUnreachable = -113, // EHOSTUNREACH
  Already = -114, // EALREADY
  InProgress = -115, // EINPROGRESS
}

/** Whether a result is an error code: the last page of the number space. */
export function isError(result: u32): boolean {
  return result >= 0xfffff000
}

/** The error in a result that `isError`, as a negative number. */
export function errorOf(result: u32): i32 {
  return result as number as i32
}
