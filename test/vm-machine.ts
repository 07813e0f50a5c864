// A machine with memory and address spaces, for the unit tests of kernel/vm.

import type { Engine, Instance } from './engine-instance.ts'
import { header } from './swap-machine.ts'

export const PAGE = 4096
const BASE = 0x80000000

export const Prot = { None: 0, Read: 1, Write: 2, ReadWrite: 3, Execute: 4, ReadExecute: 5 } as const
export const Map = { Shared: 1, Private: 2, Fixed: 0x10, Stack: 0x20000, NoReplace: 0x100000 } as const
export const Errno = { OutOfMemory: -12, BadAddress: -14, Exists: -17, InvalidArgument: -22, NameTooLong: -36 } as const
export const MemoryError = {
  OutOfMemory: -1, InvalidAddress: -7, WriteViolation: -8, PrivilegeViolation: -9, ExecuteViolation: -10, GuardPageViolation: -11,
  PastEnd: -18, InputOutput: -19,
} as const
export const Algorithm = { LRU: 0, Clock: 1, FIFO: 2 } as const
const SLOTS = ['total', 'used', 'paged', 'retired', 'checksumErrors', 'readErrors', 'writeErrors'] as const
const FIELDS = ['regions', 'pages', 'resident', 'swapped', 'root', 'family'] as const
const REGION = ['start', 'end', 'protection', 'type', 'shared', 'objectPage'] as const
const STATS = ['faults', 'demandZero', 'zeroShared', 'filePages', 'copied', 'reused', 'violations', 'pageTables', 'swapIns', 'readAhead',
  'cacheHits', 'swapOuts', 'dropped', 'refaults', 'reclaims', 'stalls', 'writeRetries', 'readErrors', 'outOfMemory'] as const
export type Stat = typeof STATS[number]

export class VmMachine {
  readonly m: Instance

  constructor(engine: Engine, pages = 1200) {
    this.m = engine.start()
    const start = this.m.alloc(pages * PAGE, PAGE) - BASE
    this.m.call('framesAddRegion', start, start + pages * PAGE)
    this.m.call('heapInit')
    this.m.call('keepLog')
    this.m.call('rememberPanics')
    this.m.call('randomSeed', this.m.cstring('a seed'), 6)
    this.m.call('start')
  }

  call(name: string, ...args: number[]): number { return this.m.call(name, ...args) }
  free(): number { return this.m.call('framesFree') }
  stat(which: Stat): number { return this.m.call('stat', STATS.indexOf(which)) }
  field(space: number, which: typeof FIELDS[number]): number { return this.m.call('spaceField', space, FIELDS.indexOf(which)) >>> 0 }
  region(space: number, where: number, which: typeof REGION[number]): number {
    return this.m.call('regionField', space, where, REGION.indexOf(which)) >>> 0
  }

  create(space: number): void { if (this.m.call('create', space) !== 1) throw new Error('no space') }

  /** Private memory at an address; a failure is an error. */
  mapAt(space: number, where: number, bytes: number, protection: number = Prot.ReadWrite, flags = Map.Private | Map.Fixed): void {
    const result = this.m.call('map', space, where, bytes, protection, flags)
    if (result >>> 0 !== where) throw new Error(`map: ${result}`)
  }

  /** The byte read, or a negative MemoryError. */
  read(space: number, where: number): number { return this.m.call('touch', space, where, 0, 0) }
  write(space: number, where: number, value: number): number { return this.m.call('touch', space, where, 1, value) }

  /** What the four levels of tables say of a page, read as the processor does; null: nothing. */
  entry(space: number, where: number): { present: boolean, low: number, frame: number, writable: boolean, user: boolean, noExecute: boolean } | null {
    let table = this.field(space, 'root')
    let low = 0
    let high = 0
    for (const shift of [39, 30, 21, 12]) {
      const at = BASE + table + Number((BigInt(where) >> BigInt(shift)) & 511n) * 8
      low = this.m.read32(at)
      high = this.m.read32(at + 4)
      if (shift !== 12 && (low & 7) !== 7) return null
      table = (low & 0xfffff000) >>> 0
    }
    if (low === 0 && high === 0) return null
    const present = (low & 1) === 1
    return { present, low, frame: table, writable: (low & 2) !== 0, user: (low & 4) !== 0, noExecute: high >>> 31 === 1 }
  }

  /** Swap to a disk of `pages` pages, the first of them its header; where its contents are. */
  swap(pages: number, { depth = 4, delay = 0, newestFirst = 0, algorithm = Algorithm.LRU as number } = {}): number {
    const contents = this.m.alloc(pages * PAGE, PAGE)
    this.m.write(contents, header(pages))
    this.m.call('addDisk', contents, pages * 8, 512, depth)
    this.m.call('setDelay', 0, delay, newestFirst)
    const result = this.m.call('swapStart')
    if (result !== 0) throw new Error(`swapStart: ${result}`)
    this.m.call('replacementSet', algorithm)
    return contents
  }

  slots(which: typeof SLOTS[number]): number { return this.m.call('slots', SLOTS.indexOf(which)) }

  /** Let every transfer end. */
  settle(): void {
    for (let i = 0; i < 1000 && this.m.call('clustersInFlight') > 0; i++) this.m.call('pollDisk', 0)
    if (this.m.call('clustersInFlight') > 0) throw new Error('transfers do not end')
  }

  /** Starts of all regions. */
  regions(space: number): number[] {
    const starts: number[] = []
    for (let n = 0; ; n++) {
      const start = this.m.call('regionStart', space, n) >>> 0
      if (start === 0) return starts
      starts.push(start)
    }
  }
}

export const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}
