// What can go wrong with virtual memory: RustOS's 17 errors with its texts and in its order, then ours.
// A result is an error when, read as a u32, it is 0xfffff000 or more: `isError` of lib/errno.ts.

import type { cstring, i32 } from '../lib/layout.ts'

export const enum MemoryError {
  None = 0,
  OutOfMemory = -1,
  MappingFailed = -2,
  RegionOverlap = -3,
  RegionNotFound = -4,
  NoVirtualSpace = -5,
  HeapInitFailed = -6,
  InvalidAddress = -7,
  WriteViolation = -8,
  PrivilegeViolation = -9,
  ExecuteViolation = -10,
  GuardPageViolation = -11,
  /** RustOS's; not returned here: what is not there yet is made when it is touched. */
  LazyAllocationNotImplemented = -12,
  ProtectionFailed = -13,
  InvalidOrder = -14,
  BuddyAllocationFailed = -15,
  FragmentationLimitExceeded = -16,
  PermissionDenied = -17,
  /** The page lies past the end of the file. */
  PastEnd = -18,
  /** The page could not be read from its file, or came back from the swap disk wrong or not at all. */
  InputOutput = -19,
}

/** Not a result of a fault: something slept, look again. */
export const FAULT_AGAIN: i32 = 1

/** Whether Linux would send SIGBUS for a fault that ends so, not SIGSEGV. */
export function memoryErrorIsBus(error: i32): boolean {
  return error == MemoryError.PastEnd || error == MemoryError.InputOutput
}

/** RustOS's text of an error, or ours. */
export function memoryErrorName(error: i32): cstring {
  switch (error) {
    case MemoryError.None: return 'No error'
    case MemoryError.OutOfMemory: return 'Out of physical memory'
    case MemoryError.MappingFailed: return 'Failed to map virtual memory'
    case MemoryError.RegionOverlap: return 'Memory region overlap detected'
    case MemoryError.RegionNotFound: return 'Memory region not found'
    case MemoryError.NoVirtualSpace: return 'No available virtual address space'
    case MemoryError.HeapInitFailed: return 'Heap initialization failed'
    case MemoryError.InvalidAddress: return 'Invalid memory address'
    case MemoryError.WriteViolation: return 'Write access violation'
    case MemoryError.PrivilegeViolation: return 'Privilege violation'
    case MemoryError.ExecuteViolation: return 'Execute access violation'
    case MemoryError.GuardPageViolation: return 'Guard page access violation'
    case MemoryError.LazyAllocationNotImplemented: return 'Lazy allocation not implemented'
    case MemoryError.ProtectionFailed: return 'Failed to change memory protection'
    case MemoryError.InvalidOrder: return 'Invalid buddy allocator order'
    case MemoryError.BuddyAllocationFailed: return 'Buddy allocation failed'
    case MemoryError.FragmentationLimitExceeded: return 'Memory fragmentation limit exceeded'
    case MemoryError.PermissionDenied: return 'Permission denied'
    case MemoryError.PastEnd: return 'Page past the end of its file'
    case MemoryError.InputOutput: return 'Page can not be read'
    default: return 'Unknown memory error'
  }
}
