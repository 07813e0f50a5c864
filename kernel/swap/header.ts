// The first page of a swap area, in Linux's format (util-linux mkswap(8), "SWAPSPACE2"; version 1, pages of 4 KiB):
//
//   0      boot loader's                1024   version, last page, number of bad pages
//   1036   UUID, 16 bytes               1052   label, 16 bytes
//   1536   numbers of bad pages         4086   "SWAPSPACE2"
//
// All numbers least significant byte first. Page n of the area is sectors 8n to 8n + 7: page 0 is this header.
// What is read here comes from a disk and may be anything: swapHeaderFault is the one check.

import { byteSwap32 } from '../lib/intrinsics.ts'
import { address, nth, wire, type Bytes, type Le, type Row, type cstring, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, equalBytes, zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE } from '../mm/address.ts'

@wire(4)
class BadPage {
  page: Le<u32>
}

@wire(4096)
export class SwapHeader {
  bootBits: Bytes<1024>
  version: Le<u32>
  lastPage: Le<u32>
  badPageCount: Le<u32>
  uuid: Bytes<16>
  label: Bytes<16>
  padding: Bytes<468>
  badPages: Row<BadPage, 637>
  tail: Bytes<2>
  magic: Bytes<10>
}

const SWAP_VERSION: u32 = 1
const BAD_PAGE_LIMIT: u32 = 637
const MAGIC_LENGTH: u32 = 10
/** mkswap(8) refuses to make a smaller one. */
export const SWAP_PAGES_LEAST: u32 = 10

export const enum SwapHeaderFault {
  None, NoHeader, OldFormat, ByteSwapped, Version, Empty, PastEnd, BadPageCount, BadPage,
}

/** What is wrong with a header page, on a disk of `pages` whole pages. */
export function swapHeaderFault(header: SwapHeader, pages: u32): SwapHeaderFault {
  if (equalBytes(header.magic, text('SWAP-SPACE'), MAGIC_LENGTH)) return SwapHeaderFault.OldFormat
  if (!equalBytes(header.magic, text('SWAPSPACE2'), MAGIC_LENGTH)) return SwapHeaderFault.NoHeader
  if (byteSwap32(header.version) == SWAP_VERSION) return SwapHeaderFault.ByteSwapped
  if (header.version != SWAP_VERSION) return SwapHeaderFault.Version
  if (header.lastPage == 0) return SwapHeaderFault.Empty
  if (header.lastPage >= pages) return SwapHeaderFault.PastEnd
  if (header.badPageCount > BAD_PAGE_LIMIT) return SwapHeaderFault.BadPageCount
  let i: u32 = 0
  while (i < header.badPageCount) {
    const page = swapBadPage(header, i)
    if (page == 0 || page > header.lastPage) return SwapHeaderFault.BadPage
    i += 1
  }
  return SwapHeaderFault.None
}

/** For the log. */
export function swapHeaderFaultName(fault: SwapHeaderFault): cstring {
  switch (fault) {
    case SwapHeaderFault.None:
      return 'swap header'
    case SwapHeaderFault.NoHeader:
      return 'no swap header'
    case SwapHeaderFault.OldFormat:
      return 'swap header of the old format, version 0'
    case SwapHeaderFault.ByteSwapped:
      return 'swap header of the other byte order'
    case SwapHeaderFault.Version:
      return 'swap header of an unknown version'
    case SwapHeaderFault.Empty:
      return 'swap header without pages'
    case SwapHeaderFault.PastEnd:
      return 'swap header says more pages than the disk has'
    case SwapHeaderFault.BadPageCount:
      return 'swap header says more bad pages than it can list'
    default:
      return 'swap header lists a bad page that the area does not have'
  }
}

/** The number of bad page `index` of the list. */
export function swapBadPage(header: SwapHeader, index: u32): u32 {
  return nth(header.badPages, index).page
}

/** Make `header` that of an area of `pages` pages, no bad ones, with the 16 bytes at `uuid`. */
export function swapHeaderMake(header: SwapHeader, pages: u32, uuid: ptr): void {
  zeroBytes(address(header), PAGE_SIZE)
  header.version = SWAP_VERSION
  header.lastPage = pages - 1
  copyBytes(header.uuid, uuid, 16)
  copyBytes(header.magic, text('SWAPSPACE2'), MAGIC_LENGTH)
}

function text(s: cstring): ptr {
  return s as ptr
}
