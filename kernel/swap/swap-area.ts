// A disk as a swap area: whether it can be one, whether it has a header, and making one. header.ts has the format.
// Boot, or setSwapDevice; waits for the disk.

import type { Disk } from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { at, staticMemory, type cstring, type i32 } from '../lib/layout.ts'
import { randomBytes } from '../lib/random.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import { SECTORS_PER_PAGE, diskFlush, diskPages, diskRead, diskWrite } from './disk-access.ts'
import {
  SWAP_PAGES_LEAST, SwapHeader, SwapHeaderFault, swapHeaderFault, swapHeaderFaultName, swapHeaderMake,
} from './header.ts'

/** What a disk turned out to be. */
export const enum AreaState { Valid, NoHeader, BadHeader, ReadOnly, BlockSize, TooSmall, Unreadable }

/** The header of the disk looked at last; a page to itself, as aligned as any disk may want. */
const page = staticMemory(PAGE_SIZE, PAGE_SIZE)
const uuid = staticMemory(16, 8)
let fault: SwapHeaderFault = SwapHeaderFault.None

/** Look at a disk: its properties, then its first page. */
export function areaLook(disk: Disk): AreaState {
  fault = SwapHeaderFault.NoHeader
  if (disk.readOnly) return AreaState.ReadOnly
  if (disk.blockSize > PAGE_SIZE) return AreaState.BlockSize
  if (diskPages(disk) < SWAP_PAGES_LEAST) return AreaState.TooSmall
  if (diskRead(disk, 0, SECTORS_PER_PAGE, physicalOf(page)) != Errno.None) return AreaState.Unreadable
  fault = swapHeaderFault(areaHeader(), diskPages(disk))
  if (fault == SwapHeaderFault.None) return AreaState.Valid
  return fault == SwapHeaderFault.NoHeader ? AreaState.NoHeader : AreaState.BadHeader
}

/** The header that `areaLook` read, or `areaMake` wrote, last; read only. */
export function areaHeader(): SwapHeader {
  return at<SwapHeader>(page)
}

/** Why a disk in this state is not used: of the disk that `areaLook` saw last. */
export function areaReason(state: AreaState): cstring {
  switch (state) {
    case AreaState.ReadOnly:
      return 'read-only'
    case AreaState.BlockSize:
      return 'its blocks are larger than a page'
    case AreaState.TooSmall:
      return 'smaller than 10 pages'
    case AreaState.Unreadable:
      return 'its first page can not be read'
    default:
      return swapHeaderFaultName(fault)
  }
}

/**
 * Give a disk a header over all its pages, with a fresh random UUID, and have it on the medium. Errno.None or
 * what the disk answered. Whether it may be written to is the caller's to know.
 */
export function areaMake(disk: Disk): i32 {
  freshUuid()
  swapHeaderMake(areaHeader(), diskPages(disk), uuid)
  const written = diskWrite(disk, 0, SECTORS_PER_PAGE, physicalOf(page))
  if (written != Errno.None) return written
  fault = SwapHeaderFault.None
  return diskFlush(disk)
}

/** Version 4, variant 10: RFC 9562 §5.4. */
function freshUuid(): void {
  randomBytes(uuid, 16)
  store8(uuid, 6, (load8(uuid, 6) & 0x0f) | 0x40)
  store8(uuid, 8, (load8(uuid, 8) & 0x3f) | 0x80)
}
