// Pages that may leave for the swap disk, those of a process's own memory and those of memory that processes share: where they are,
// the list from which victims are taken, and the slot that has the same contents. The pages of files are not of these.
//
//   first ─▶ page ◀─▶ page ◀─▶ … ◀─ last      the next victim first; what arrives, or was used, is last
//
// A page leaves the list while it is being written or read, and when it is gone.

import { address, staticStruct, struct, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_MASK, pageFloor } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageFrameGone } from '../mm/page-frame.ts'
import { pageSlotFrameSet, pageSlotPut } from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'

/** The state of a page, in the low bits of PageFrame.page. */
export const enum PageState {
  /** It is on the list of victims. */
  Listed = 1,
  /** It is on its way to its slot, and the transfer holds a reference. */
  Writing = 2,
  /** It is on its way from its slot, mapped nowhere, and the transfer holds the only reference. */
  Reading = 4,
  /** It is mapped nowhere: its only reference is that its slot knows it. */
  Cached = 8,
  /** It is of shared memory: `family` is the object, and its address its number there. shared-pages.ts. */
  Shared = 16,
  /** Its process does not need it (MADV_FREE): as long as nobody has written to it since, it may be forgotten. */
  Lazy = 32,
}

@struct
class PageList {
  first: PageFrame | null
  last: PageFrame | null
  pages: u32
}

const list = staticStruct<PageList>()
let withSlot: u32 = 0
let lazy: u32 = 0

/** Once. */
export function pagesInit(): void {
  withSlot = 0
  lazy = 0
  pageFrameGone(pageGone)
}

/** The next victim, or null. */
export function pageFirst(): PageFrame | null {
  return list.first
}

/** Pages on the list. */
export function pagesListed(): u32 {
  return list.pages
}

export function pageHas(page: PageFrame, state: PageState): boolean {
  return (page.page & state) != 0
}

export function pageSet(page: PageFrame, state: PageState): void {
  page.page |= state
}

export function pageUnset(page: PageFrame, state: PageState): void {
  page.page &= ~state
}

/** Whether a page is of a process's own memory. */
export function pageIsOwn(page: PageFrame): boolean {
  return (page.family as u32) != 0 && !pageHas(page, PageState.Shared)
}

/** Where a page is mapped, in all spaces of its family that map it. */
export function pageAddress(page: PageFrame): u32 {
  return pageFloor(page.page)
}

/** A fresh page, with the caller's reference, is at `where` of a space from now on. */
export function pageAdopt(page: PageFrame, space: AddressSpace, where: u32): void {
  page.family = address(space.family)
  page.page = where | (page.page & PAGE_MASK)
  if (!pageHas(page, PageState.Listed)) pageAppend(page)
}

/** Onto the end of the list. */
export function pageAppend(page: PageFrame): void {
  const last = list.last
  page.previous = last
  page.next = null
  if (last == null) list.first = page
  else last.next = page
  list.last = page
  list.pages += 1
  pageSet(page, PageState.Listed)
}

/** Off the list, if it is on it. */
export function pageUnlist(page: PageFrame): void {
  if (!pageHas(page, PageState.Listed)) return
  if (page.previous == null) list.first = page.next
  else page.previous.next = page.next
  if (page.next == null) list.last = page.previous
  else page.next.previous = page.previous
  list.pages -= 1
  pageUnset(page, PageState.Listed)
}

/** The next victim is tried last. */
export function pageMoveLast(page: PageFrame): void {
  pageUnlist(page)
  pageAppend(page)
}

/** Back onto the beginning of the list. */
export function pagePutFirst(page: PageFrame): void {
  const first = list.first
  page.previous = null
  page.next = first
  if (first == null) list.last = page
  else first.previous = page
  list.first = page
  list.pages += 1
  pageSet(page, PageState.Listed)
}

/** Pages in memory that have a slot with the same contents, or are on their way to one. */
export function pagesWithSlot(): u32 {
  return withSlot
}

/** A slot has, or is going to have, the contents of a page; the page takes over a reference of the slot's. */
export function pageSetSlot(page: PageFrame, slot: u32): void {
  page.slot = slot
  withSlot += 1
  pageSlotFrameSet(slot, page.physical)
}

/** A page and its slot have nothing to do with one another any more: the page was written to. */
export function pageForgetSlot(page: PageFrame): void {
  const slot: u32 = page.slot
  if (slot == 0) return
  page.slot = 0
  withSlot -= 1
  pageSlotFrameSet(slot, 0 as PhysicalAddress)
  pageSlotPut(slot)
}

/** Whether a page may be forgotten, from now on. */
export function pageLazySet(page: PageFrame, may: boolean): void {
  if (pageHas(page, PageState.Lazy) == may) return
  page.page ^= PageState.Lazy
  if (may) lazy += 1
  else lazy -= 1
}

/** Pages that may be forgotten, as far as is known: some may have been written to. */
export function pagesLazy(): u32 {
  return lazy
}

function pageGone(page: PageFrame): void {
  pageLazySet(page, false)
  pageUnlist(page)
  pageForgetSlot(page)
  page.family = 0 as ptr
}
