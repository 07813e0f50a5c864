// The kernel stacks of processes.
//
//   slot: | guard page, not there | 16 KiB: stack, grows down ◀─ top | FPU state |      first slot at KERNEL_STACKS
//
// A stack is mapped for its frames, not part of the direct map, so that running out of it is a fault and not somebody
// else's memory: a page fault on it finds no stack for its frame and becomes a double fault, which has its own. Stacks of
// processes that ended are kept mapped for the next ones. Context: the main loop's, or a process's.

import { KERNEL_STACK_SLOT, KERNEL_STACKS, PAGE_SIZE, pageDown } from '../arch/x86/address-map.ts'
import { FPU_STATE_SIZE } from '../arch/x86/fpu.ts'
import { Page, mapPage, unmapPage } from '../arch/x86/paging.ts'
import { KERNEL_STACKS_KEPT, PROCESS_LIMIT } from '../config.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { plus, staticMemory, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { physicalOf } from '../mm/address.ts'
import { frameAllocate, frameFree, frameMemory } from '../mm/frames.ts'

/** Frames of a stack, one block of 2²: what the deepest path takes, a page fault's disk transfer under a system call, is under a half. */
const STACK_ORDER: u32 = 2
const RIGHTS: u32 = Page.Present | Page.Writable | Page.Global | Page.NoExecute

/** The block of frames of each slot, by its address in the direct map; 0 for a slot without. */
const blocks = staticMemory(PROCESS_LIMIT << 2)
/** Tops of stacks that are kept. */
const kept = staticMemory(KERNEL_STACKS_KEPT << 2)
let keptCount: u32 = 0
/** No slot below this one is free. */
let lowestFree: u32 = 0

/** The top of a stack: where its FPU state is, and below it the stack. 0: no memory, or no slot. */
export function kernelStackAllocate(): ptr {
  if (keptCount != 0) {
    keptCount -= 1
    return load32(kept, keptCount << 2) as ptr
  }
  while (lowestFree < PROCESS_LIMIT && load32(blocks, lowestFree << 2) != 0) lowestFree += 1
  if (lowestFree == PROCESS_LIMIT) return 0 as ptr
  return stackMap(lowestFree)
}

/** Give a stack back; nobody runs on it. */
export function kernelStackFree(top: ptr): void {
  if (keptCount < KERNEL_STACKS_KEPT) {
    store32(kept, keptCount << 2, top)
    keptCount += 1
    return
  }
  stackUnmap((pageDown(top) - KERNEL_STACKS) / KERNEL_STACK_SLOT)
}

/** Give back the stacks that are kept: memory is short, or is being counted. */
export function kernelStacksTrim(): void {
  while (keptCount != 0) {
    keptCount -= 1
    stackUnmap((pageDown(load32(kept, keptCount << 2)) - KERNEL_STACKS) / KERNEL_STACK_SLOT)
  }
}

function slotBottom(slot: u32): ptr {
  return (KERNEL_STACKS + slot * KERNEL_STACK_SLOT + PAGE_SIZE) as ptr
}

function stackMap(slot: u32): ptr {
  const block = frameAllocate(STACK_ORDER)
  if (block == 0) return 0 as ptr
  const bottom = slotBottom(slot)
  for (let offset: u32 = 0; offset < PAGE_SIZE << STACK_ORDER; offset += PAGE_SIZE) {
    if (mapPage(plus(bottom, offset), block + offset, 0, RIGHTS)) continue
    frameFree(block, STACK_ORDER) // no page table: what was mapped of it is mapped over the next time
    return 0 as ptr
  }
  store32(blocks, slot << 2, frameMemory(block))
  return plus(bottom, (PAGE_SIZE << STACK_ORDER) - FPU_AREA)
}

function stackUnmap(slot: u32): void {
  const bottom = slotBottom(slot)
  for (let offset: u32 = 0; offset < PAGE_SIZE << STACK_ORDER; offset += PAGE_SIZE) unmapPage(plus(bottom, offset))
  frameFree(physicalOf(load32(blocks, slot << 2) as ptr) as PhysicalAddress, STACK_ORDER)
  store32(blocks, slot << 2, 0)
  if (slot < lowestFree) lowestFree = slot
}

/** FPU_STATE_SIZE rounded up so that the stack's top is aligned to 64. */
const FPU_AREA: u32 = (FPU_STATE_SIZE + 63) & ~63
