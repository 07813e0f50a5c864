// A checked ELF file into an address space: each segment mapped with its own rights, its pages brought in when they are
// touched, zeros behind what the file has. gABI specification, chapter 5. Context: a process's, whose space is current.

import { ELF_HEADER_LIMIT } from '../config.ts'
import type { OpenFile } from '../fs/file.ts'
import { inodeRead } from '../fs/regular.ts'
import { Errno, isError } from '../lib/errno.ts'
import { address, at, nth, sizeof, struct, type Embed, type Row, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_MASK, PAGE_SHIFT, pageCeiling, pageFloor } from '../mm/address.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { spaceBrkInit } from '../vm/brk.ts'
import { MapFlag, spaceMap } from '../vm/map.ts'
import type { MemoryObject } from '../vm/object.ts'
import { Protection } from '../vm/region.ts'
import { Transfer, transferInit } from '../vm/transfer.ts'
import { spaceUnmap } from '../vm/unmap.ts'
import { userZero } from '../vm/user-copy.ts'
import {
  ElfHeader, ElfLayout, ElfType, ProgramHeader, SegmentFlag, SegmentType, elfHeaderFault, elfLayoutFault, elfSizeFault,
} from './elf.ts'
import { ElfLoaderError } from './errors.ts'

/** What a loaded program has to be told, or is started with. */
@struct
export class Image {
  entry: u32
  headers: u32 // where its program headers are; 0: nowhere
  headerCount: u32
  base: u32 // what was added to the addresses of its file
  end: u32 // past its last segment
}

/** A file at work: its headers as they were read, once. */
@struct
class Loading {
  space: AddressSpace
  file: OpenFile
  object: MemoryObject
  bias: u32
  layout: Embed<ElfLayout>
  transfer: Embed<Transfer>
  header: Embed<ElfHeader>
  headers: Row<ProgramHeader, 64> // ELF_HEADER_LIMIT
}

/**
 * Load a file into `space`, which is empty and current: None, and `image` filled in; or the ElfLoaderError that the file earns: then
 * the space is of no use. May sleep.
 */
export function elfLoad(space: AddressSpace, file: OpenFile, image: Image): i32 {
  const memory = heapAllocate(sizeof<Loading>())
  if (memory == 0) return ElfLoaderError.MemoryAllocationFailed
  const loading = at<Loading>(memory)
  loading.space = space
  loading.file = file
  loading.bias = 0
  let result: i32 = headersRead(loading)
  if (result == ElfLoaderError.None) result = segmentsMap(loading)
  if (result == ElfLoaderError.None) imageFill(loading, image)
  heapFree(memory)
  return result
}

/** Bytes of the file to `to`: false when it ends before, or can not be read. */
function readAt(loading: Loading, position: u32, to: ptr, length: u32): boolean {
  transferInit(loading.transfer, to, length, true)
  const moved = inodeRead(loading.file.inode!, position, loading.transfer)
  return moved >= 0 && (moved as number as u32) == length
}

function headersRead(loading: Loading): i32 {
  const inode = loading.file.inode
  const objectOf = loading.file.operations.object
  if (inode == null || objectOf == null) return ElfLoaderError.CorruptedBinary
  const object = objectOf(loading.file)
  if (object == null) return ElfLoaderError.CorruptedBinary
  loading.object = object
  const size = inode.size
  let fault: ElfLoaderError = elfSizeFault(size)
  if (fault != ElfLoaderError.None) return fault
  const header = loading.header
  if (!readAt(loading, 0, address(header), sizeof<ElfHeader>())) return ElfLoaderError.CorruptedBinary
  fault = elfHeaderFault(header, size)
  if (fault != ElfLoaderError.None) return fault
  const length: u32 = header.programHeaderCount * sizeof<ProgramHeader>()
  if (header.programHeaderCount > ELF_HEADER_LIMIT) return ElfLoaderError.TooManyProgramHeaders
  if (length != 0 && !readAt(loading, header.programHeaders.low, address(loading.headers), length)) return ElfLoaderError.CorruptedBinary
  return elfLayoutFault(header, loading.headers, size, loading.layout)
}

function segmentsMap(loading: Loading): i32 {
  if ((loading.header.type as number as ElfType) == ElfType.Dynamic && !biasFind(loading)) return ElfLoaderError.MappingFailed
  for (let i: u32 = 0; i < loading.header.programHeaderCount; i++) {
    const each = nth(loading.headers, i)
    if (each.type != SegmentType.Load || each.memorySize.low == 0) continue
    if (!segmentMap(loading, each)) return ElfLoaderError.MappingFailed
  }
  spaceBrkInit(loading.space, pageCeiling(loading.layout.end + loading.bias))
  return ElfLoaderError.None
}

/** A place for a file that can be anywhere: found by mapping all of it, and giving that up again; nobody else is in the space. */
function biasFind(loading: Loading): boolean {
  const layout = loading.layout
  const span: u32 = pageCeiling(layout.end) - layout.lowest + layout.alignment
  const found = spaceMap(loading.space, 0, span, Protection.None, MapFlag.Anonymous | MapFlag.Private, null, 0)
  if (isError(found)) return false
  const aligned: u32 = (found + layout.alignment - 1) & ~(layout.alignment - 1)
  loading.bias = aligned - (layout.lowest & ~(layout.alignment - 1))
  return spaceUnmap(loading.space, found, span) == Errno.None
}

function protectionOf(flags: u32): u32 {
  let protection: u32 = Protection.None
  if ((flags & SegmentFlag.Read) != 0) protection |= Protection.Read
  if ((flags & SegmentFlag.Write) != 0) protection |= Protection.Write
  if ((flags & SegmentFlag.Execute) != 0) protection |= Protection.Execute
  return protection
}

/** The pages that the file has, then those it has not; the last of the first is zeros from where the file's bytes end. */
function segmentMap(loading: Loading, each: ProgramHeader): boolean {
  const start: u32 = each.virtualAddress.low + loading.bias
  const fileEnd: u32 = start + each.fileSize.low
  const end: u32 = pageCeiling(start + each.memorySize.low)
  const protection = protectionOf(each.flags)
  let mapped: u32 = pageFloor(start)
  if (each.fileSize.low != 0) {
    const length: u32 = pageCeiling(fileEnd) - mapped
    const page: u32 = each.offset.low >>> PAGE_SHIFT
    if (isError(spaceMap(loading.space, mapped, length, protection, FIXED, loading.object, page))) return false
    mapped += length
    const mixed = (fileEnd & PAGE_MASK) != 0 && (protection & Protection.Write) != 0
    if (mixed && userZero(fileEnd as ptr, mapped - fileEnd) != Errno.None) return false
  }
  return mapped == end || !isError(spaceMap(loading.space, mapped, end - mapped, protection, FIXED | MapFlag.Anonymous, null, 0))
}

const FIXED: u32 = MapFlag.Fixed | MapFlag.Private

function imageFill(loading: Loading, image: Image): void {
  const layout = loading.layout
  image.entry = layout.entry + loading.bias
  image.headers = layout.headerAddress == 0 ? 0 : layout.headerAddress + loading.bias
  image.headerCount = loading.header.programHeaderCount
  image.base = loading.bias
  image.end = layout.end + loading.bias
}
