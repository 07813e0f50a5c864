// The pure parts of kernel/arch/x86 for unit tests, over a physical memory the test fills: `MEMORY_SIZE` bytes that
// lie at a physical address of the test's choice, with nothing around them.

import { CalendarDate, calendarDate, daysInMonth, secondsSince1970 } from '../../kernel/arch/x86/calendar.ts'
import { AcpiInfo, acpiDefaults, acpiTake, checksumRight, isRsdp, madtTake, fadtTake, rsdpSearch } from '../../kernel/arch/x86/acpi.ts'
import { BootInfo } from '../../kernel/arch/x86/boot-info.ts'
import { memoryRanges, ramKib } from '../../kernel/arch/x86/memory-map.ts'
import { multiboot2Take } from '../../kernel/arch/x86/multiboot2.ts'
import { pvhTake } from '../../kernel/arch/x86/pvh.ts'
import { RangeSet, rangeAt, rangesAdd, rangesCut, rangesLimit, rangesTotal } from '../../kernel/arch/x86/ranges.ts'
import { CodePlace, InlinedCall, LineReader, symbolFind } from '../../kernel/arch/x86/symbols.ts'
import { address, nth, plus, staticMemory, staticStruct, type cstring, type ptr, type u32 } from '../../kernel/lib/layout.ts'

const date = staticStruct<CalendarDate>()

export { daysInMonth, secondsSince1970, checksumRight, rsdpSearch }

const MEMORY_SIZE: u32 = 16384
const memory = staticMemory(16384, 16)
let baseLow: u32 = 0
let baseHigh: u32 = 0
let reads: u32 = 0

function read(low: u32, high: u32, bytes: u32): ptr {
  reads += 1
  if (high != baseHigh || low < baseLow || low - baseLow > MEMORY_SIZE) return 0 as ptr
  if (bytes > MEMORY_SIZE - (low - baseLow)) return 0 as ptr
  return plus(memory, low - baseLow)
}

export function physicalMemory(): ptr { return memory }
export function physicalAt(low: u32, high: u32): void { baseLow = low; baseHigh = high }
export function physicalReads(): u32 { return reads }

const info = staticStruct<BootInfo>()
export function takePvh(low: u32): void { pvhTake(low, read, info) }
export function takeMultiboot2(low: u32): void { multiboot2Take(low, read, info) }
export function bootFaultOf(): u32 { return info.fault }
export function bootProtocolOf(): u32 { return info.protocol }
export function commandLine(): ptr { return info.commandLine }
export function commandLineCut(): boolean { return info.commandLineCut }
export function regionCount(): u32 { return info.regionCount }
export function regionWord(index: u32, word: u32): u32 {
  const region = nth(info.regions, index)
  switch (word) {
    case 0: return region.base.low
    case 1: return region.base.high
    case 2: return region.length.low
    case 3: return region.length.high
    default: return region.type
  }
}
export function moduleCount(): u32 { return info.moduleCount }
export function moduleLow(index: u32): u32 { return nth(info.modules, index).base.low }
export function moduleHigh(index: u32): u32 { return nth(info.modules, index).base.high }
export function moduleLength(index: u32): u32 { return nth(info.modules, index).length }
export function rsdpLow(): u32 { return info.rsdp.low }
export function rsdpHigh(): u32 { return info.rsdp.high }
export function hasRsdpCopy(): boolean { return info.hasRsdpCopy }
export function rsdpCopy(): ptr { return info.rsdpCopy }
export function ramKibOf(): u32 { return ramKib(info) }

const set = staticStruct<RangeSet>()
export function usable(limit: u32, imageStart: u32, imageEnd: u32): void { memoryRanges(set, info, limit, imageStart, imageEnd) }
export function add(start: u32, end: u32): void { rangesAdd(set, start, end) }
export function cut(start: u32, end: u32): void { rangesCut(set, start, end) }
export function limitTo(bytes: u32): void { rangesLimit(set, bytes) }
export function total(): u32 { return rangesTotal(set) }
export function rangeCount(): u32 { return set.count }
export function rangeStart(index: u32): u32 { return rangeAt(set, index).start }
export function rangeEnd(index: u32): u32 { return rangeAt(set, index).end }
export function bytesLost(): u32 { return set.lost }

const acpi = staticStruct<AcpiInfo>()
export function rsdpIs(p: ptr, available: u32): boolean { return isRsdp(p, available) }
export function takeAcpi(rsdp: ptr): void { acpiDefaults(acpi); acpiTake(rsdp, read, acpi) }
export function takeMadt(p: ptr, length: u32): void { acpiDefaults(acpi); madtTake(p, length, acpi) }
export function takeFadt(p: ptr, length: u32): void { fadtTake(p, length, acpi) }
export function hasMadt(): boolean { return acpi.hasMadt }
export function hasFadt(): boolean { return acpi.hasFadt }
export function processors(): u32 { return acpi.processors }
export function localApic(): u32 { return acpi.localApic.low }
export function localApicHigh(): u32 { return acpi.localApic.high }
export function ioApicCount(): u32 { return acpi.ioApicCount }
export function ioApicAddress(index: u32): u32 { return nth(acpi.ioApics, index).address }
export function ioApicFirst(index: u32): u32 { return nth(acpi.ioApics, index).firstGsi }
export function isaGsi(irq: u32): u32 { return nth(acpi.isa, irq).gsi }
export function isaLevel(irq: u32): boolean { return nth(acpi.isa, irq).level }
export function isaLow(irq: u32): boolean { return nth(acpi.isa, irq).low }
export function pmTimer(): u32 { return acpi.pmTimer }
export function resetPort(): u32 { return acpi.resetPort }
export function resetValue(): u32 { return acpi.resetValue }

const place = staticStruct<CodePlace>()
const reader = staticStruct<LineReader>()
const call = staticStruct<InlinedCall>()
export function find(table: ptr, bytes: u32, code: u32, depth: u32): boolean {
  return symbolFind(table, bytes, code, depth, reader, call, place)
}
export function placeName(): cstring { return place.name }
export function placeFile(): cstring { return place.file }
export function placeLine(): u32 { return place.line }
export function placeOffset(): u32 { return place.offset }
export function placeInlined(): boolean { return place.inlined }
export function placeAddress(): ptr { return address(place) }

/** year, month, day, weekday, hour, minute, second of a moment: words at the address that is returned. */
export function dateOf(seconds: u32): ptr {
  calendarDate(date, seconds)
  return address(date)
}
