// The kernel's page tables. Intel SDM vol. 3 §4.5 (4-level paging), §4.6 (access rights).
//
// Every page is either writable or executable, never both: text is read-only and executable, rodata and the
// symbol table read-only, all else writable and not executable. The kernel image lies inside the direct map and
// has no second mapping, so there is no writable alias of its text. The page below each kernel stack is not
// present. Nothing is mapped below KERNEL_BASE.
//
// The tables are static: two directories reach all of the kernel's half, and a small pool of page tables serves
// the image, the ends of RAM that are not whole 2 MiB pages, and the device window; more are frames. Boot and main-loop context.

import { invlpg, linkerSymbol, load32, store64, writeCr3 } from '../../lib/intrinsics.ts'
import { plus, staticMemory, type PhysicalAddress, type ptr, type u32 } from '../../lib/layout.ts'
import {
  KERNEL_BASE, KERNEL_STACKS, KERNEL_STACK_SLOT, LARGE_PAGE_SIZE, PAGE_SIZE, directPhysical, directVirtual, pageDown,
} from './address-map.ts'
import { Cpu, cpuAllowNoExecute, cpuHas, cpuProtect } from './cpu.ts'

/** Rights and caching of a mapping; the bits of a table entry, NoExecute apart. SDM vol. 3 table 4-20. */
export const enum Page {
  Present = 1,
  Writable = 2,
  WriteThrough = 8,
  CacheDisable = 16,
  Large = 0x80,
  Global = 0x100,
  /** Bit 63 of the entry; stands in an ignored bit here. */
  NoExecute = 0x200,
}

const DATA: u32 = Page.Present | Page.Writable | Page.Global | Page.NoExecute
const READ_ONLY: u32 = Page.Present | Page.Global | Page.NoExecute
const TEXT: u32 = Page.Present | Page.Global
/** Entries of one table. */
const ENTRIES: u32 = 512
/** Page tables in the pool: 3 for the image, 2 for each stretch of RAM, the rest 2 MiB of device window each. */
const TABLE_COUNT: u32 = 24

const root = staticMemory(4096, 4096)
const pointers = staticMemory(4096, 4096)
const directoryLow = staticMemory(4096, 4096) // physical 0 to 1 GiB
const directoryHigh = staticMemory(4096, 4096) // 1 GiB to 1.5 GiB, and the device window
const tables = staticMemory(98304, 4096) // TABLE_COUNT of them
let tablesUsed: u32 = 0
let tableSource: TableSource | null = null

function setEntry(table: ptr, index: u32, low: u32, high: u32, rights: u32): void {
  const noExecute: u32 = (rights & Page.NoExecute) != 0 && cpuHas(Cpu.NoExecute) ? 0x80000000 : 0
  store64(table, index << 3, low | (rights & ~Page.NoExecute), high | noExecute)
}

function directoryOf(virtual: ptr): ptr {
  return virtual >= 0xc0000000 ? directoryHigh : directoryLow
}

function directoryIndex(virtual: ptr): u32 {
  return (virtual >>> 21) & (ENTRIES - 1)
}

function tableIndex(virtual: ptr): u32 {
  return (virtual >>> 12) & (ENTRIES - 1)
}

/** The page table for `virtual`, 0 if there is none; a large page has none. */
function tableOf(virtual: ptr): ptr {
  const entry = load32(directoryOf(virtual), directoryIndex(virtual) << 3)
  if ((entry & Page.Present) == 0 || (entry & Page.Large) != 0) return 0 as ptr
  return directVirtual(pageDown(entry) as PhysicalAddress)
}

/** A zeroed frame for a page table, or 0. */
export type TableSource = () => PhysicalAddress

/** Where page tables come from once the pool is used up: the frame allocator, from when it has frames. */
export function pageTablesFrom(source: TableSource): void {
  tableSource = source
}

function newTable(): PhysicalAddress {
  if (tablesUsed == TABLE_COUNT) return tableSource == null ? 0 as PhysicalAddress : tableSource()
  tablesUsed += 1
  return directPhysical(plus(tables, (tablesUsed - 1) << 12))
}

/** The page table for `virtual`, made if there is none; 0 when there is no memory for it. */
function tableFor(virtual: ptr): ptr {
  const found = tableOf(virtual)
  if (found != 0) return found
  const made = newTable()
  if (made == 0) return 0 as ptr
  setEntry(directoryOf(virtual), directoryIndex(virtual), made, 0, Page.Present | Page.Writable)
  return directVirtual(made)
}

/**
 * Map one page of the kernel's half. False when there is no memory for a table. A mapping that was there is
 * replaced.
 */
export function mapPage(virtual: ptr, physicalLow: u32, physicalHigh: u32, rights: u32): boolean {
  const table = tableFor(virtual)
  if (table == 0) return false
  setEntry(table, tableIndex(virtual), physicalLow, physicalHigh, rights)
  invlpg(virtual)
  return true
}

/** Take one page of the kernel's half away. It may not have been there. */
export function unmapPage(virtual: ptr): void {
  const table = tableOf(virtual)
  if (table == 0) return
  setEntry(table, tableIndex(virtual), 0, 0, 0)
  invlpg(virtual)
}

/** Whether an address of the kernel's half can be read without a fault. */
export function isMapped(virtual: ptr): boolean {
  if (virtual < KERNEL_BASE) return false
  const entry = load32(directoryOf(virtual), directoryIndex(virtual) << 3)
  if ((entry & Page.Present) == 0) return false
  if ((entry & Page.Large) != 0) return true
  const table = directVirtual(pageDown(entry) as PhysicalAddress)
  return (load32(table, tableIndex(virtual) << 3) & Page.Present) != 0
}

/** Whether an address lies in the page below one of the kernel's stacks. */
export function isGuardPage(virtual: ptr): boolean {
  const page = pageDown(virtual)
  if (virtual >= KERNEL_STACKS) return (page - KERNEL_STACKS) % KERNEL_STACK_SLOT == 0
  return page == linkerSymbol('stack_guard') || page == linkerSymbol('double_fault_stack_guard')
    || page == linkerSymbol('nmi_stack_guard') || page == linkerSymbol('machine_check_stack_guard')
}

function imageRights(virtual: ptr): u32 {
  if (virtual < linkerSymbol('text_end')) return TEXT
  if (virtual < linkerSymbol('rodata_end')) return READ_ONLY
  if (virtual < linkerSymbol('bss_end')) return isGuardPage(virtual) ? 0 : DATA
  return READ_ONLY
}

/** Every page of the image with the rights of its section; the pool holds tables for 12 MiB and more of it. */
function mapImage(): void {
  const end = linkerSymbol('kernel_image_end')
  for (let page = linkerSymbol('kernel_image'); page < end; page = plus(page, PAGE_SIZE)) {
    const rights = imageRights(page)
    if (rights != 0) mapPage(page, directPhysical(page), 0, rights)
  }
}

/**
 * Add RAM to the direct map: `start` up to `end`, whole pages below 1.5 GiB, outside the kernel image.
 * Returns where it stopped: `end`, or less when the pool of tables is used up.
 */
export function directMapAdd(start: PhysicalAddress, end: PhysicalAddress): PhysicalAddress {
  let each: u32 = start
  while (each < end) {
    const virtual = directVirtual(each as PhysicalAddress)
    const large = (each & (LARGE_PAGE_SIZE - 1)) == 0 && end - each >= LARGE_PAGE_SIZE && tableOf(virtual) == 0
    if (large) {
      setEntry(directoryOf(virtual), directoryIndex(virtual), each, 0, DATA | Page.Large)
      each += LARGE_PAGE_SIZE
    } else {
      if (!mapPage(virtual, each, 0, DATA)) return each as PhysicalAddress
      each += PAGE_SIZE
    }
  }
  return end
}

/** Build the tables and leave the boot loader's: from here on only the image and what is added is mapped. */
export function pagingInit(): void {
  cpuAllowNoExecute()
  setEntry(root, 511, directPhysical(pointers), 0, Page.Present | Page.Writable)
  setEntry(pointers, 510, directPhysical(directoryLow), 0, Page.Present | Page.Writable)
  setEntry(pointers, 511, directPhysical(directoryHigh), 0, Page.Present | Page.Writable)
  mapImage()
  writeCr3(directPhysical(root))
  cpuProtect()
}

/** The kernel's root table, for address spaces that share its upper half. */
export function kernelRoot(): PhysicalAddress {
  return directPhysical(root)
}
