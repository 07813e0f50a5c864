// Base address registers: where a function's memory and ports are, and how much there is of them.
// PCI Local Bus 3.0 §6.2.5.1. Sizing writes all ones and reads back which bits stick; decoding is off meanwhile.
//
//   memory   31                         4  3  2 1  0       I/O   31                    2  1  0
//            |       base address       |pre|type| 0 |           |    base address     | 0 | 1 |
//
// type 00: 32 bits; 10: 64 bits, the next register holds the upper half.

import { nth, struct, type Stored, type bool, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { Command, ConfigRegister, commandRead, commandWrite, configRead32, configWrite32 } from './config.ts'

export const enum BarKind {
  /** Not there, or the upper half of the one before. */
  None,
  Memory,
  Port,
}

/** Registers in a header of type 0. */
export const BAR_COUNT: u32 = 6
/** What `length` says of more than it can hold. */
export const BAR_LENGTH_LIMIT: u32 = 0xfffff000

@struct
export class Bar {
  low: u32 // address, lower half; 0 with high 0: the firmware gave it none
  high: u32
  length: u32 // bytes; BAR_LENGTH_LIMIT: that or more
  kind: Stored<u16, BarKind>
  wide: Stored<u8, bool> // 64 bits: takes two registers
  prefetchable: Stored<u8, bool>
}

const PORT_SPACE: u32 = 1
const TYPE_MASK: u32 = 6
const TYPE_64: u32 = 4
const PREFETCHABLE: u32 = 8
const MEMORY_FLAGS: u32 = 15
const PORT_FLAGS: u32 = 3

/**
 * Fill in `bar` from what its register holds (`value`) and which bits of it stick (`mask`), and the same of the
 * next register, looked at only if this one is 64 bits wide. A register without a bit that sticks is None.
 */
export function barDecode(bar: Bar, value: u32, mask: u32, nextValue: u32, nextMask: u32): void {
  bar.kind = BarKind.None
  bar.low = 0
  bar.high = 0
  bar.length = 0
  bar.wide = false
  bar.prefetchable = false
  if (mask == 0) return
  if ((mask & PORT_SPACE) != 0) portDecode(bar, value, mask)
  else memoryDecode(bar, value, mask, nextValue, nextMask)
}

/** Bits 16 up need not stick: a port is 16 bits wide on a PC. PCI Local Bus 3.0 §6.2.5.1. */
function portDecode(bar: Bar, value: u32, mask: u32): void {
  bar.kind = BarKind.Port
  bar.low = value & ~PORT_FLAGS
  bar.length = (~(mask & ~PORT_FLAGS) & 0xffff) + 1
}

function memoryDecode(bar: Bar, value: u32, mask: u32, nextValue: u32, nextMask: u32): void {
  bar.kind = BarKind.Memory
  bar.prefetchable = (mask & PREFETCHABLE) != 0
  bar.wide = (mask & TYPE_MASK) == TYPE_64
  bar.low = value & ~MEMORY_FLAGS
  bar.length = ~(mask & ~MEMORY_FLAGS) + 1
  if (!isWide(bar)) return
  bar.high = nextValue
  if (nextMask != 0xffffffff) bar.length = BAR_LENGTH_LIMIT // 4 GiB and more
}

function isWide(bar: Bar): boolean {
  return bar.wide
}

/** The bits of a register that stick. */
function barMask(place: u32, register: u32, value: u32): u32 {
  configWrite32(place, register, 0xffffffff)
  const mask: u32 = configRead32(place, register)
  configWrite32(place, register, value)
  return mask
}

/**
 * Decode all registers of the function at `place` (header type 0) into the row of BAR_COUNT at `bars`. Afterwards
 * the bits `enable` of the command register are set besides those that were: one write, for a hypervisor redraws
 * its map of memory at each.
 */
export function barsRead(place: u32, bars: Bar, enable: u32): void {
  const command: u32 = commandRead(place)
  commandWrite(place, command & ~(Command.MemorySpace | Command.PortSpace))
  let i: u32 = 0
  while (i < BAR_COUNT) {
    const bar = nth(bars, i)
    readOne(place, bar, i)
    i += 1
    if (isWide(bar) && i < BAR_COUNT) {
      barDecode(nth(bars, i), 0, 0, 0, 0)
      i += 1
    }
  }
  commandWrite(place, command | enable)
}

function readOne(place: u32, bar: Bar, index: u32): void {
  const register: u32 = ConfigRegister.Bar0 + index * 4
  const value: u32 = configRead32(place, register)
  const mask: u32 = barMask(place, register, value)
  if ((mask & (PORT_SPACE | TYPE_MASK)) != TYPE_64) {
    barDecode(bar, value, mask, 0, 0)
    return
  }
  if (index + 1 == BAR_COUNT) { // says 64 bits, and there is no register left for the upper half
    barDecode(bar, 0, 0, 0, 0)
    return
  }
  const next: u32 = configRead32(place, register + 4)
  barDecode(bar, value, mask, next, barMask(place, register + 4, next))
}
