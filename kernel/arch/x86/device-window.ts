// The device window: where physical memory outside the direct map is given an address.
//
// Device registers are mapped once and stay. Tables of firmware and boot loader are looked at through views,
// which are taken back together: `windowMark`, views, `windowRelease`. Boot and main-loop context.

import { plus, type ptr, type u32 } from '../../lib/layout.ts'
import { DEVICE_WINDOW, DEVICE_WINDOW_END, PAGE_SIZE, pageDown, pageUp } from './address-map.ts'
import { Page, mapPage, unmapPage } from './paging.ts'

const DEVICE: u32 = Page.Present | Page.Writable | Page.CacheDisable | Page.WriteThrough | Page.Global | Page.NoExecute
const VIEW: u32 = Page.Present | Page.NoExecute

let next: ptr = DEVICE_WINDOW as ptr

function windowMap(physicalLow: u32, physicalHigh: u32, bytes: u32, rights: u32): ptr {
  const free = DEVICE_WINDOW_END - next
  const offset = physicalLow - pageDown(physicalLow)
  if (bytes == 0 || bytes > free || pageUp(offset + bytes) > free) return 0 as ptr
  const first = next
  let low = pageDown(physicalLow)
  let high = physicalHigh
  const end = plus(first, pageUp(offset + bytes))
  for (let page = first; page < end; page = plus(page, PAGE_SIZE)) {
    if (!mapPage(page, low, high, rights)) return 0 as ptr
    low += PAGE_SIZE
    if (low == 0) high += 1
  }
  next = end
  return plus(first, offset)
}

/**
 * Map the registers of a device, `bytes` from a physical address given in two halves, uncached, for good.
 * Returns their address, or 0 when the window (or its page tables) is full or `bytes` is 0.
 */
export function deviceMap(physicalLow: u32, physicalHigh: u32, bytes: u32): ptr {
  return windowMap(physicalLow, physicalHigh, bytes, DEVICE)
}

/** Look at physical memory, read-only, until the window is released. 0 as for `deviceMap`. */
export function physicalView(physicalLow: u32, physicalHigh: u32, bytes: u32): ptr {
  return windowMap(physicalLow, physicalHigh, bytes, VIEW)
}

/** The window as it is now, for `windowRelease`. */
export function windowMark(): ptr {
  return next
}

/** Take back everything mapped since `mark`. */
export function windowRelease(mark: ptr): void {
  for (let page = mark; page < next; page = plus(page, PAGE_SIZE)) unmapPage(page)
  next = mark
}
