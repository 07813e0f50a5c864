// A machine with memory and fake disks, for the unit tests of kernel/swap.

import type { Engine, Instance } from './engine-instance.ts'

export const PAGE = 4096
const BASE = 0x80000000

/** SwapError of kernel/swap/errors.ts, as the numbers it returns. */
export const SwapError = {
  None: 0, NoSlots: -1, WriteFailed: -3, InvalidSlot: -4, ReadFailed: -6, NoDevice: -7, DeviceInUse: -8,
  ReadOnlyDevice: -9, BadHeader: -10, SlotNotInUse: -11, SlotBusy: -12, Corrupt: -13, OwnerLimit: -14,
  OutOfMemory: -15, DeviceBusy: -16, BadPage: -17,
} as const

export const Algorithm = { LRU: 0, Clock: 1, FIFO: 2 } as const

/** What SwapManager.getStats says, in this order. */
const STATS = ['totalSlots', 'usedSlots', 'freeSlots', 'algorithm', 'totalSwappedPages', 'keptPages', 'suspectSlots',
  'trackedPages', 'written', 'read', 'unchanged', 'writeErrors', 'readErrors', 'checksumErrors'] as const
export type Stat = typeof STATS[number]

export interface DiskOptions {
  contents?: Uint8Array
  blockSize?: number
  depth?: number
}

export class SwapMachine {
  readonly m: Instance
  /** Where the contents of each disk are. */
  readonly disks: number[] = []

  constructor(engine: Engine, pages = 600) {
    this.m = engine.start()
    const start = this.m.alloc(pages * PAGE, PAGE) - BASE
    this.m.call('framesAddRegion', start, start + pages * PAGE)
    this.m.call('heapInit')
    this.m.call('keepLog')
    this.m.call('randomSeed', this.m.cstring('a seed'), 6)
  }

  /** Add vda, vdb, … of `bytes` bytes; blank unless there are contents. */
  addDisk(bytes: number, { contents, blockSize = 512, depth = 16 }: DiskOptions = {}): number {
    const at = this.m.alloc(bytes, PAGE)
    if (contents !== undefined) this.m.write(at, contents)
    this.m.call('addDisk', at, bytes / 512, blockSize, depth)
    return this.disks.push(at) - 1
  }

  /** The bytes of a page of a disk; a view. */
  diskPage(disk: number, page: number): Uint8Array { return this.m.bytes(this.disks[disk]! + page * PAGE, PAGE) }

  /** A page of RAM that holds `seed` in a pattern. */
  page(seed: number): number {
    const at = this.m.alloc(PAGE, PAGE)
    this.m.write(at, pattern(seed))
    return at
  }

  /** Whether a page of RAM, or of a disk, is `pattern(seed)`. */
  holds(page: number, seed: number): boolean { return Buffer.compare(this.m.bytes(page, PAGE), pattern(seed)) === 0 }
  diskHolds(disk: number, page: number, seed: number): boolean { return Buffer.compare(this.diskPage(disk, page), pattern(seed)) === 0 }
  call(name: string, ...args: number[]): number { return this.m.call(name, ...args) }
  stat(which: Stat): number { return this.m.call('stat', STATS.indexOf(which)) }
  kernelStat(which: Stat): number { return this.m.call('kernelStat', STATS.indexOf(which)) }

  /** RustOS's three numbers. */
  slots(): [used: number, free: number, total: number] {
    return [this.stat('usedSlots'), this.stat('freeSlots'), this.stat('totalSlots')]
  }

  victim(...candidates: number[]): number {
    const list = this.m.alloc(candidates.length * 4 + 4)
    candidates.forEach((page, i) => this.m.write32(list + i * 4, page))
    return this.m.call('selectVictimPage', list, candidates.length)
  }

  /** Start the kernel's swap by a command line; the log's lines from `swap:` on, with the level. */
  start(line = ''): string[] {
    this.m.call('start', this.m.cstring(line))
    return this.log()
  }

  log(): string[] {
    const text = Buffer.from(this.m.bytes(this.m.call('keptAddress'), this.m.call('keptBytes'))).toString('latin1')
    return text.split('\n').slice(0, -1).map(line => line.slice(15))
  }
}

/** 4,096 bytes that are different for every seed. */
export function pattern(seed: number): Uint8Array {
  const words = Uint32Array.from({ length: PAGE / 4 }, (_, i) => Math.imul(seed + 1, 0x9e3779b1) + Math.imul(i, 0x85ebca6b))
  return new Uint8Array(words.buffer)
}

export interface HeaderOptions {
  version?: number
  lastPage?: number
  bad?: number[]
  badCount?: number
  magic?: string
}

/** A valid header page, as mkswap writes it, for an area of `pages` pages. */
export function header(pages: number, options: HeaderOptions = {}): Uint8Array {
  const { version = 1, lastPage = pages - 1, bad = [], badCount = bad.length, magic = 'SWAPSPACE2' } = options
  const page = Buffer.alloc(PAGE)
  page.writeUInt32LE(version, 1024)
  page.writeUInt32LE(lastPage >>> 0, 1028)
  page.writeUInt32LE(badCount, 1032)
  Buffer.from('00112233445566778899aabbccddeeff', 'hex').copy(page, 1036)
  bad.forEach((each, i) => page.writeUInt32LE(each, 1536 + i * 4))
  page.write(magic, 4086, 'latin1')
  return page
}

/** A machine whose manager (LRU unless said) swaps to a disk of `pages` pages. */
export function swapping(engine: Engine, pages = 64, options: DiskOptions & { algorithm?: number, bad?: number[] } = {}): SwapMachine {
  const machine = new SwapMachine(engine)
  machine.addDisk(pages * PAGE, { contents: header(pages, { bad: options.bad ?? [] }), ...options })
  machine.call('init', 0, options.algorithm ?? Algorithm.LRU)
  const result = machine.call('setSwapDevice', 0)
  if (result !== 0) throw new Error(`setSwapDevice: ${result}`)
  return machine
}
