// RustOS's NetworkError, its texts, and the way to it from the error numbers of the stack. docs/compat.md.
//
// A result of this folder is a value, or one of these read as a u32 of 0xfffff000 or more (`isError`). The numbers
// are RustOS's order, not Linux's: a function of this folder never returns an Errno, and no other returns these.

import { Errno } from '../../lib/errno.ts'
import type { cstring, i32, ptr } from '../../lib/layout.ts'

/** RustOS's `NetworkResult<T>`: a T that is a number of 0 or more, or an error. */
export type NetworkResult = i32

/** The 24 variants, minus the place of each; `None` is `Ok(())`. */
export const enum NetworkError {
  None = 0,
  InvalidPacket = -1,
  BufferOverflow = -2,
  NetworkUnreachable = -3,
  HostUnreachable = -4,
  PortUnreachable = -5,
  ConnectionRefused = -6,
  Timeout = -7,
  ConnectionReset = -8,
  InvalidAddress = -9,
  NotSupported = -10,
  Busy = -11,
  NoRoute = -12,
  AddressInUse = -13,
  PermissionDenied = -14,
  InvalidArgument = -15,
  HardwareError = -16,
  InvalidState = -17,
  InsufficientMemory = -18,
  BufferTooSmall = -19,
  ProtocolError = -20,
  NotConnected = -21,
  NotImplemented = -22,
  InternalError = -23,
  NotFound = -24,
}

/** An error where the value would have been an address. */
export function errorAddress(error: NetworkError): ptr {
  return error as number as ptr
}

/** RustOS's text of an error. */
export function errorName(error: i32): cstring {
  switch (error) {
    case NetworkError.None: return 'No error'
    case NetworkError.InvalidPacket: return 'Invalid packet format'
    case NetworkError.BufferOverflow: return 'Buffer overflow'
    case NetworkError.NetworkUnreachable: return 'Network unreachable'
    case NetworkError.HostUnreachable: return 'Host unreachable'
    case NetworkError.PortUnreachable: return 'Port unreachable'
    case NetworkError.ConnectionRefused: return 'Connection refused'
    case NetworkError.Timeout: return 'Connection timeout'
    case NetworkError.ConnectionReset: return 'Connection reset'
    case NetworkError.InvalidAddress: return 'Invalid address'
    case NetworkError.NotSupported: return 'Operation not supported'
    case NetworkError.Busy: return 'Resource busy'
    case NetworkError.NoRoute: return 'No route to host'
    case NetworkError.AddressInUse: return 'Address already in use'
    case NetworkError.PermissionDenied: return 'Permission denied'
    case NetworkError.InvalidArgument: return 'Invalid argument'
    case NetworkError.HardwareError: return 'Hardware error'
    case NetworkError.InvalidState: return 'Invalid state'
    case NetworkError.InsufficientMemory: return 'Insufficient memory'
    case NetworkError.BufferTooSmall: return 'Buffer too small'
    case NetworkError.ProtocolError: return 'Protocol error'
    case NetworkError.NotConnected: return 'Not connected'
    case NetworkError.NotImplemented: return 'Not implemented'
    case NetworkError.InternalError: return 'Internal error'
    case NetworkError.NotFound: return 'Resource not found'
    default: return 'Unknown network error'
  }
}

/**
 * RustOS's word for what the stack answered: Errno.None or a value stays what it is. What RustOS has no word for
 * becomes the nearest: a full table InsufficientMemory, a message over a limit BufferOverflow, an unknown handle or
 * a name InvalidAddress, nothing there yet Timeout (as its recv_from says).
 */
export function networkErrorOf(result: i32): NetworkResult {
  if (result >= 0) return result
  switch (result as Errno) {
    case Errno.NotPermitted:
    case Errno.AccessDenied: return NetworkError.PermissionDenied
    case Errno.NoSuchEntry:
    case Errno.NoDevice:
    case Errno.NoSuchDevice:
    case Errno.BadHandle:
    case Errno.AddressNotAvailable:
    case Errno.DestinationRequired: return NetworkError.InvalidAddress
    case Errno.WouldBlock:
    case Errno.TimedOut: return NetworkError.Timeout
    case Errno.InvalidArgument:
    case Errno.BadAddress:
    case Errno.OutOfRange:
    case Errno.ProtocolOption: return NetworkError.InvalidArgument
    case Errno.OutOfMemory:
    case Errno.NoSpace:
    case Errno.FileTableFull: return NetworkError.InsufficientMemory
    case Errno.Busy:
    case Errno.NoBufferSpace: return NetworkError.Busy
    default: return linkErrorOf(result as Errno)
  }
}

/** The rest: routes, peers, protocols. */
function linkErrorOf(result: Errno): NetworkResult {
  switch (result) {
    case Errno.MessageTooLong: return NetworkError.BufferOverflow
    case Errno.Exists:
    case Errno.AddressInUse: return NetworkError.AddressInUse
    case Errno.NotSupported:
    case Errno.ProtocolNotSupported: return NetworkError.NotSupported
    case Errno.NetworkDown:
    case Errno.NetworkUnreachable: return NetworkError.NetworkUnreachable
    case Errno.HostDown:
    case Errno.HostUnreachable: return NetworkError.HostUnreachable
    case Errno.ConnectionRefused: return NetworkError.ConnectionRefused
    case Errno.ConnectionReset:
    case Errno.ConnectionAborted: return NetworkError.ConnectionReset
    case Errno.BrokenPipe:
    case Errno.NotConnected: return NetworkError.NotConnected
    case Errno.IsConnected:
    case Errno.Already:
    case Errno.InProgress: return NetworkError.InvalidState
    case Errno.ProtocolError: return NetworkError.ProtocolError
    case Errno.InputOutput: return NetworkError.HardwareError
    default: return NetworkError.InternalError
  }
}
