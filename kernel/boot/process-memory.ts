// What /proc tells of a process's memory: its arguments, as they are on its stack now, and its regions. Context: a process's.

import { plus, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { writeChar, writeHexDigits, writeText, type TextWriter } from '../lib/print.ts'
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../mm/address.ts'
import { processOf } from '../process/table.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { spaceHold } from '../vm/address-space.ts'
import { MemoryRegionType, Protection, type Region } from '../vm/region.ts'
import { spaceRelease } from '../vm/unmap.ts'
import { pageWalk } from '../vm/walk.ts'

const DASH: u32 = 0x2d
const SPACE: u32 = 0x20
const ADDRESS_DIGITS: u32 = 8

/** /proc/N/cmdline: `room` bytes of the arguments at most, at `to`; how many. 0: it has ended, or its stack is gone. May sleep. */
export function processArguments(pid: u32, to: ptr, room: u32): u32 {
  const process = processOf(pid)
  if (process == null || process.space == null) return 0
  const space = process.space
  const length: u32 = process.argumentsLength < room ? process.argumentsLength : room
  spaceHold(space)
  const copied = copyFrom(space, process.argumentsStart, to, length)
  spaceRelease(space)
  return copied
}

function copyFrom(space: AddressSpace, start: u32, to: ptr, length: u32): u32 {
  let done: u32 = 0
  while (done < length) {
    const from = pageWalk(space, start + done, false)
    if (from == 0) return done
    const room: u32 = PAGE_SIZE - ((start + done) & PAGE_MASK)
    const piece: u32 = length - done < room ? length - done : room
    copyBytes(plus(to, done), from, piece)
    done += piece
  }
  return done
}

/** /proc/N/maps: a line a region. proc(5). */
export function processMaps(pid: u32, writer: TextWriter): void {
  const process = processOf(pid)
  if (process == null || process.space == null) return
  let region: Region | null = process.space.first
  while (region != null) {
    writeRegion(writer, region)
    region = region.next
  }
}

function writeRegion(writer: TextWriter, region: Region): void {
  writeHexDigits(writer, region.start, ADDRESS_DIGITS)
  writeChar(writer, DASH)
  writeHexDigits(writer, region.end, ADDRESS_DIGITS)
  writeChar(writer, SPACE)
  writeText(writer, (region.protection & Protection.Read) != 0 ? 'r' : '-')
  writeText(writer, (region.protection & Protection.Write) != 0 ? 'w' : '-')
  writeText(writer, (region.protection & Protection.Execute) != 0 ? 'x' : '-')
  writeText(writer, region.shared != 0 ? 's ' : 'p ')
  writeHexDigits(writer, region.object == null ? 0 : region.objectPage << PAGE_SHIFT, ADDRESS_DIGITS)
  writeText(writer, ' 00:00 0')
  if (region.type == MemoryRegionType.UserHeap) writeText(writer, '                          [heap]')
  if (region.type == MemoryRegionType.UserStack) writeText(writer, '                          [stack]')
  writeText(writer, '\n')
}
