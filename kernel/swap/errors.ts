// What can go wrong with swap: RustOS's six errors with its texts and in its order, then ours.
// A result is an error when, read as a u32, it is 0xfffff000 or more: `isError` of lib/errno.ts.

import type { cstring, i32 } from '../lib/layout.ts'

export const enum SwapError {
  None = 0,
  NoSlots = -1,
  /** RustOS's; not returned here: a disk of disk.ts transfers all of a request or fails it. */
  IncompleteWrite = -2,
  WriteFailed = -3,
  InvalidSlot = -4,
  /** As IncompleteWrite. */
  IncompleteRead = -5,
  ReadFailed = -6,
  NoDevice = -7,
  DeviceInUse = -8,
  ReadOnlyDevice = -9,
  BadHeader = -10,
  SlotNotInUse = -11,
  SlotBusy = -12,
  Corrupt = -13,
  OwnerLimit = -14,
  OutOfMemory = -15,
  DeviceBusy = -16,
  BadPage = -17,
}

/** RustOS's text of an error, or ours. */
export function swapErrorName(error: i32): cstring {
  switch (error) {
    case SwapError.None:
      return 'No error'
    case SwapError.NoSlots:
      return 'No swap slots available'
    case SwapError.IncompleteWrite:
      return 'Incomplete swap write operation'
    case SwapError.WriteFailed:
      return 'Storage write failed during swap out'
    case SwapError.InvalidSlot:
      return 'Invalid swap slot'
    case SwapError.IncompleteRead:
      return 'Incomplete swap read operation'
    case SwapError.ReadFailed:
      return 'Storage read failed during swap in'
    case SwapError.NoDevice:
      return 'No swap device'
    case SwapError.DeviceInUse:
      return 'Swap device in use'
    case SwapError.ReadOnlyDevice:
      return 'Swap device is read-only'
    case SwapError.BadHeader:
      return 'No valid swap header'
    case SwapError.SlotNotInUse:
      return 'Swap slot not in use'
    case SwapError.SlotBusy:
      return 'Swap slot is being transferred'
    case SwapError.Corrupt:
      return 'Swap page checksum mismatch'
    case SwapError.OwnerLimit:
      return 'Swap limit of the process reached'
    case SwapError.OutOfMemory:
      return 'Out of memory for swap tables'
    case SwapError.DeviceBusy:
      return 'Swap device queue is full'
    case SwapError.BadPage:
      return 'Page is not in the direct map'
    default:
      return 'Unknown swap error'
  }
}
