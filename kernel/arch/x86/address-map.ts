// Where things are: the four parts of the kernel's half of the address space. Intel SDM vol. 3 §4.5.
//
//   0x80000000 .. 0xdfffffff   the direct map: virtual = physical + KERNEL_BASE, the first 1.5 GiB of RAM
//   0xe0000000 .. 0xefffffff   the device window: device registers, and short views of any physical memory
//   0xf0000000 .. 0xffffefff   the kernel stacks of processes, each above a page that is not there
//   0xfffff000 .. 0xffffffff   never mapped: error values and wrap-around
//
// As 64-bit addresses these are 0xffffffff_80000000 and up: loads and stores sign-extend. Pure: runs on the host.

import { plus, type PhysicalAddress, type ptr, type u32 } from '../../lib/layout.ts'

/** Virtual address of physical 0 in the direct map. */
export const KERNEL_BASE: u32 = 0x80000000
/** First address of the device window, and so the end of the direct map. */
export const DEVICE_WINDOW: u32 = 0xe0000000
/** End of the device window. */
export const DEVICE_WINDOW_END: u32 = 0xf0000000
/** Bytes from one kernel stack to the next, and those of the page at its bottom that is not there. */
export const KERNEL_STACK_SLOT: u32 = 0x5000
/** First address of the kernel stacks. The last page of all is never mapped. */
export const KERNEL_STACKS: u32 = 0xf0000000
export const PAGE_SIZE: u32 = 4096
export const LARGE_PAGE_SIZE: u32 = 0x200000

/** Where the direct map has a physical address. */
export function directVirtual(physical: PhysicalAddress): ptr {
  return plus(KERNEL_BASE as ptr, physical)
}

/** The physical address of something in the direct map, the kernel image included. */
export function directPhysical(p: ptr): PhysicalAddress {
  return (p - KERNEL_BASE) as PhysicalAddress
}

/** `value` up to the next page boundary; past the last page it wraps to 0. */
export function pageUp(value: u32): u32 {
  return (value + (PAGE_SIZE - 1)) & ~(PAGE_SIZE - 1)
}

/** `value` down to a page boundary. */
export function pageDown(value: u32): u32 {
  return value & ~(PAGE_SIZE - 1)
}
