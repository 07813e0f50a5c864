// Physical and virtual addresses of RAM. The kernel is linked in the top 2 GiB, where the first 1.5 GiB of
// physical memory are mapped in order; an address is 32 bits and sign-extended by every access.
//
//   0x00000000 .. 0x7fffffff   the current process
//   0x80000000 .. 0xdfffffff   RAM: virtual = physical + 0x80000000
//   0xe0000000 .. 0xffffefff   device memory, mapped by kernel/arch
//   0xfffff000 .. 0xffffffff   never mapped: error values look like addresses here

import { DIRECT_MAP_LIMIT } from '../config.ts'
import type { PhysicalAddress, ptr, u32 } from '../lib/layout.ts'

/** Where physical address 0 is mapped. */
export const KERNEL_BASE: u32 = 0x80000000
/** Where user memory begins and ends: page 0 is never mapped, and an address from USER_END on is negative as an i32. */
export const USER_START: u32 = 0x1000
export const USER_END: u32 = 0x80000000
/** Bytes of a page and of a frame. Intel SDM vol. 3 §4.5. */
export const PAGE_SIZE: u32 = 4096
export const PAGE_SHIFT: u32 = 12
export const PAGE_MASK: u32 = 0xfff

/** Where the kernel sees a byte of RAM. The address is below DIRECT_MAP_LIMIT. */
export function virtualOf(physical: PhysicalAddress): ptr {
  return (physical + KERNEL_BASE) as ptr
}

/** Where devices see a byte of RAM. `p` is in the direct map: see `isDirectMapped`. */
export function physicalOf(p: ptr): PhysicalAddress {
  return (p - KERNEL_BASE) as PhysicalAddress
}

/** Whether all `bytes` at `p` are RAM by their address. */
export function isDirectMapped(p: ptr, bytes: u32): boolean {
  const offset: u32 = p - KERNEL_BASE
  return offset < DIRECT_MAP_LIMIT && bytes <= DIRECT_MAP_LIMIT - offset
}

/** The page boundary at or below `address`. */
export function pageFloor(address: u32): u32 {
  return address & ~PAGE_MASK
}

/** The page boundary at or above `address`; 0 for one in the last page of the address space. */
export function pageCeiling(address: u32): u32 {
  return (address + PAGE_MASK) & ~PAGE_MASK
}
