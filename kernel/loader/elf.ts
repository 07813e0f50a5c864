// ELF64 as it lies in a file, and whether what lies there can be loaded. System V ABI (gABI) specification, chapters 4
// and 5, and its AMD64 supplement.
//
// Only memory is looked at here: a header, then the program headers behind each other. 64-bit fields are two halves; what a
// file may say (lengths, addresses, offsets) fits the low half, or is refused. Usable in every context.

import { ELF_FILE_LIMIT, ELF_HEADER_LIMIT } from '../config.ts'
import { nth, sizeof, struct, wire, type Embed, type Le, type u16, type u32, type u8 } from '../lib/layout.ts'
import { PAGE_MASK, PAGE_SIZE, USER_END, USER_START, pageCeiling, pageFloor } from '../mm/address.ts'
import { ElfLoaderError } from './errors.ts'

/** 64 bits in a file. gABI specification, chapter 4, "Data Representation". */
@wire(8)
export class Elf64Word {
  low: Le<u32>
  high: Le<u32>
}

/** Elf64_Ehdr. gABI specification, chapter 4, "ELF Header". */
@wire(64)
export class ElfHeader {
  magic: Le<u32> // 0x7f "ELF"
  fileClass: u8 // EI_CLASS
  dataEncoding: u8 // EI_DATA
  identVersion: u8 // EI_VERSION
  osAbi: u8 // EI_OSABI, not looked at: 0 and 3 (GNU) are both in use
  padding: Embed<Elf64Word>
  type: Le<u16>
  machine: Le<u16>
  version: Le<u32>
  entry: Embed<Elf64Word>
  programHeaders: Embed<Elf64Word> // e_phoff
  sectionHeaders: Embed<Elf64Word> // e_shoff
  flags: Le<u32>
  headerSize: Le<u16> // e_ehsize
  programHeaderSize: Le<u16> // e_phentsize
  programHeaderCount: Le<u16> // e_phnum
  sectionHeaderSize: Le<u16>
  sectionHeaderCount: Le<u16>
  sectionNames: Le<u16>
}

/** Elf64_Phdr. gABI specification, chapter 5, "Program Header". */
@wire(56)
export class ProgramHeader {
  type: Le<u32>
  flags: Le<u32>
  offset: Embed<Elf64Word>
  virtualAddress: Embed<Elf64Word>
  physicalAddress: Embed<Elf64Word>
  fileSize: Embed<Elf64Word>
  memorySize: Embed<Elf64Word>
  alignment: Embed<Elf64Word>
}

/** Elf64_Ehdr.type, .machine and so on: the values that are taken. */
const MAGIC: u32 = 0x464c457f
const CLASS_64: u32 = 2
const LEAST_SIGNIFICANT_FIRST: u32 = 1
const CURRENT_VERSION: u32 = 1
const X86_64: u32 = 62

export const enum ElfType { Executable = 2, Dynamic = 3 }
export const enum SegmentType { Load = 1, Interpreter = 3 }
export const enum SegmentFlag { None = 0, Execute = 1, Write = 2, Read = 4 }

/** What the program headers come to, before anything is mapped. Addresses are as in the file: add the bias. */
@struct
export class ElfLayout {
  lowest: u32 // first page of the first segment
  end: u32 // past the last byte of the last segment
  entry: u32
  headerAddress: u32 // where the program headers will be, 0: in no segment
  alignment: u32 // the largest any segment asks for, a page at least
}

/** Whether a file of `size` bytes that begins with this header is one of ours: None, or what is wrong. */
export function elfHeaderFault(header: ElfHeader, size: u32): ElfLoaderError {
  if (header.magic != MAGIC) return ElfLoaderError.InvalidMagic
  if (header.fileClass != CLASS_64) return ElfLoaderError.UnsupportedClass
  if (header.dataEncoding != LEAST_SIGNIFICANT_FIRST) return ElfLoaderError.UnsupportedEndianness
  if (header.identVersion != CURRENT_VERSION || header.version != CURRENT_VERSION) return ElfLoaderError.UnsupportedVersion
  if (header.machine != X86_64) return ElfLoaderError.UnsupportedArchitecture
  if (header.type != ElfType.Executable && header.type != ElfType.Dynamic) return ElfLoaderError.InvalidFileType
  if (header.headerSize != sizeof<ElfHeader>()) return ElfLoaderError.InvalidHeaderSize
  if (header.programHeaderCount != 0 && header.programHeaderSize != sizeof<ProgramHeader>()) return ElfLoaderError.InvalidHeaderSize
  if (header.programHeaderCount > ELF_HEADER_LIMIT) return ElfLoaderError.TooManyProgramHeaders
  const offset: u32 = header.programHeaders.low
  if (header.programHeaders.high != 0 || offset > size) return ElfLoaderError.ProgramHeaderOutOfBounds
  if (header.programHeaderCount * sizeof<ProgramHeader>() > size - offset) return ElfLoaderError.ProgramHeaderOutOfBounds
  return ElfLoaderError.None
}

/** Whether a file's length is one that is looked at at all. */
export function elfSizeFault(size: u32): ElfLoaderError {
  if (size < sizeof<ElfHeader>()) return ElfLoaderError.FileTooSmall
  return size > ELF_FILE_LIMIT ? ElfLoaderError.FileTooLarge : ElfLoaderError.None
}

/** Whether one segment can be loaded from a file of `size` bytes, wherever a DYN file is put. */
export function segmentFault(each: ProgramHeader, type: ElfType, size: u32): ElfLoaderError {
  const permissions: u32 = each.flags & (SegmentFlag.Read | SegmentFlag.Write | SegmentFlag.Execute)
  if (permissions == 0) return ElfLoaderError.InvalidPermissions
  if ((permissions & SegmentFlag.Write) != 0 && (permissions & SegmentFlag.Execute) != 0) return ElfLoaderError.InvalidPermissions
  if (each.offset.high != 0 || each.offset.low > size) return ElfLoaderError.InvalidSegmentOffset
  if (each.fileSize.high != 0 || each.fileSize.low > size - each.offset.low) return ElfLoaderError.InvalidSegmentOffset
  if (each.memorySize.high == 0 && each.memorySize.low < each.fileSize.low) return ElfLoaderError.InvalidSegmentSize
  if (each.memorySize.low > each.fileSize.low && (permissions & SegmentFlag.Write) == 0) return ElfLoaderError.InvalidSegmentSize
  if (isMisaligned(each)) return ElfLoaderError.InvalidAlignment
  return isOutside(each, type) ? ElfLoaderError.InvalidVirtualAddress : ElfLoaderError.None
}

/** Pages come from the file as they are, so offset and address agree within a page; the rest is the specification's. */
function isMisaligned(each: ProgramHeader): boolean {
  const alignment: u32 = each.alignment.low
  if (each.alignment.high != 0 || (alignment & (alignment - 1)) != 0 || alignment >= USER_END) return true
  const agree: u32 = alignment > PAGE_SIZE ? alignment - 1 : PAGE_MASK
  return ((each.virtualAddress.low - each.offset.low) & agree) != 0
}

function isOutside(each: ProgramHeader, type: ElfType): boolean {
  const start: u32 = each.virtualAddress.low
  if (each.virtualAddress.high != 0 || each.memorySize.high != 0 || start >= USER_END) return true
  if (type == ElfType.Executable && start < USER_START) return true
  return each.memorySize.low > USER_END - start
}

/**
 * Look at all program headers and work out `layout`. Errors: those of segmentFault, and InvalidFileType (an interpreter is
 * asked for), CorruptedBinary (nothing to load, or not in the order of addresses), SegmentOverlap, InvalidEntryPoint.
 */
export function elfLayoutFault(header: ElfHeader, first: ProgramHeader, size: u32, layout: ElfLayout): ElfLoaderError {
  let last: ProgramHeader | null = null
  let entered = false
  layout.headerAddress = 0
  layout.alignment = PAGE_SIZE
  layout.entry = header.entry.low
  for (let i: u32 = 0; i < header.programHeaderCount; i++) {
    const each = nth(first, i)
    if (each.type == SegmentType.Interpreter) return ElfLoaderError.InvalidFileType
    if (each.type != SegmentType.Load) continue
    const fault: ElfLoaderError = segmentFault(each, header.type as number as ElfType, size)
    if (fault != ElfLoaderError.None) return fault
    if (each.memorySize.low == 0) continue
    if (last == null) layout.lowest = pageFloor(each.virtualAddress.low)
    else {
      const order: ElfLoaderError = orderFault(last, each)
      if (order != ElfLoaderError.None) return order
    }
    if (each.alignment.low > layout.alignment) layout.alignment = each.alignment.low
    if (isEntered(header, each)) entered = true
    if (holdsHeaders(header, each)) layout.headerAddress = each.virtualAddress.low + (header.programHeaders.low - each.offset.low)
    layout.end = each.virtualAddress.low + each.memorySize.low
    last = each
  }
  if (last == null) return ElfLoaderError.CorruptedBinary
  return entered ? ElfLoaderError.None : ElfLoaderError.InvalidEntryPoint
}

/** Segments stand in the order of their addresses (gABI specification, PT_LOAD), and here none shares a page with the next. */
function orderFault(before: ProgramHeader, each: ProgramHeader): ElfLoaderError {
  if (each.virtualAddress.low < before.virtualAddress.low) return ElfLoaderError.CorruptedBinary
  const end: u32 = pageCeiling(before.virtualAddress.low + before.memorySize.low)
  return pageFloor(each.virtualAddress.low) < end ? ElfLoaderError.SegmentOverlap : ElfLoaderError.None
}

/** Whether the entry point is in this segment, and may be executed there. */
function isEntered(header: ElfHeader, each: ProgramHeader): boolean {
  if ((each.flags & SegmentFlag.Execute) == 0 || header.entry.high != 0) return false
  return header.entry.low - each.virtualAddress.low < each.memorySize.low && header.entry.low >= each.virtualAddress.low
}

/** Whether the program headers are among the bytes this segment brings into memory. */
function holdsHeaders(header: ElfHeader, each: ProgramHeader): boolean {
  const offset: u32 = header.programHeaders.low
  if (offset < each.offset.low) return false
  const within: u32 = offset - each.offset.low
  const length: u32 = header.programHeaderCount * sizeof<ProgramHeader>()
  return within <= each.fileSize.low && length <= each.fileSize.low - within
}
