// What the tests of kernel/loader call: the checks of a file that lies in memory; files loaded into a space, and their stacks.

import { fsClose, fsWrite } from '../../kernel/fs/calls/descriptors.ts'
import { fsFileOpen, fsOpenAt } from '../../kernel/fs/calls/open.ts'
import { fileRelease, type OpenFile } from '../../kernel/fs/file.ts'
import { At, Open } from '../../kernel/fs/flags.ts'
import { fsInit, kernelFiles } from '../../kernel/fs/start.ts'
import { Errno, isError } from '../../kernel/lib/errno.ts'
import {
  at, plus, sizeof, staticStruct, type PhysicalAddress, type bool, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { panic } from '../../kernel/lib/panic.ts'
import { setSleep, type Sleeper, type WaitQueue } from '../../kernel/lib/sleep.ts'
import { Arguments, argumentsAdd, argumentsFree, argumentsInit } from '../../kernel/loader/arguments.ts'
import { ElfHeader, ElfLayout, ProgramHeader, elfHeaderFault, elfLayoutFault, elfSizeFault } from '../../kernel/loader/elf.ts'
import { ElfLoaderError } from '../../kernel/loader/errors.ts'
import { Image, elfLoad } from '../../kernel/loader/load.ts'
import { Identity, stackBuild } from '../../kernel/loader/stack.ts'
import { spaceCreate, type AddressSpace } from '../../kernel/vm/address-space.ts'
import { spaceBrk } from '../../kernel/vm/brk.ts'
import { spaceCurrentSet } from '../../kernel/vm/page-table.ts'
import { MemoryRegionType, regionFind } from '../../kernel/vm/region.ts'
import { vmInit } from '../../kernel/vm/start.ts'
import { Transfer, transferInit } from '../../kernel/vm/transfer.ts'
import { spaceRelease } from '../../kernel/vm/unmap.ts'

export { randomSeed } from '../../kernel/lib/random.ts'
export { frameAllocate, frameFree, framesAddRegion, framesFree } from '../../kernel/mm/frames.ts'
export { heapAllocate, heapFree, heapInit } from '../../kernel/mm/heap.ts'
export { spaceCount } from '../../kernel/vm/address-space.ts'
export { userCopyIn } from '../../kernel/vm/user-copy.ts'
export { elfErrno, elfErrorName } from '../../kernel/loader/errors.ts'

const layout = staticStruct<ElfLayout>()

/** Everything that is checked before anything is mapped, of the `size` bytes at `file`. */
export function elfFault(file: ptr, size: u32): ElfLoaderError {
  const sized: ElfLoaderError = elfSizeFault(size)
  if (sized != ElfLoaderError.None) return sized
  const header = at<ElfHeader>(file)
  const fault: ElfLoaderError = elfHeaderFault(header, size)
  if (fault != ElfLoaderError.None) return fault
  return elfLayoutFault(header, at<ProgramHeader>(plus(file, header.programHeaders.low)), size, layout)
}

export function layoutLowest(): u32 { return layout.lowest }
export function layoutEnd(): u32 { return layout.end }
export function layoutEntry(): u32 { return layout.entry }
export function layoutHeaders(): u32 { return layout.headerAddress }
export function layoutAlignment(): u32 { return layout.alignment }
export function elfHeaderSize(): u32 { return sizeof<ElfHeader>() }

// --- A file in the root, loaded into a space. ----------------------------------------------------------------
const image = staticStruct<Image>()
const transfer = staticStruct<Transfer>()
const who = staticStruct<Identity>()
let space: AddressSpace | null = null

/** Frames, heap and randomness are there: virtual memory and files. */
export function loaderStart(): void {
  setSleep(sleep, wake)
  vmInit(0 as number as PhysicalAddress, true, nothing, nothingAtAll)
  if (fsInit() != Errno.None) panic('no root')
}

function sleep(_queue: WaitQueue | null, _milliseconds: u32, _interruptible: boolean): i32 { return Errno.None }
function wake(_sleeper: Sleeper): void { }
function nothing(_page: ptr): void { }
function nothingAtAll(): void { }

/** /program has these bytes. */
export function programSet(bytes: ptr, n: u32): i32 {
  const descriptor = fsOpenAt(kernelFiles(), At.WorkingDirectory, '/program' as cstring as ptr, Open.ReadWrite | Open.Create | Open.Truncate, 0o755)
  if (descriptor < 0) return descriptor
  transferInit(transfer, bytes, n, true)
  const written = fsWrite(kernelFiles(), descriptor, transfer)
  fsClose(kernelFiles(), descriptor)
  return written
}

let opened: OpenFile | null = null

/** Load it into a new space: an ElfLoaderError; the space is current then. */
export function programLoad(): i32 {
  programOpen()
  return programLoadOpen()
}

/** Everything up to the loading itself. */
export function programOpen(): void {
  const result = fsFileOpen(kernelFiles(), At.WorkingDirectory, '/program' as cstring as ptr, Open.ReadOnly, 0)
  if (isError(result)) panic('no program')
  opened = at<OpenFile>(result as ptr)
  space = spaceCreate()
  if (space == null) panic('no space')
  spaceCurrentSet(space)
}

export function programLoadOpen(): i32 {
  const result = elfLoad(space!, opened!, image)
  fileRelease(opened!)
  return result
}

/** Give it back. */
export function programGone(): void {
  const old = space!
  spaceCurrentSet(null)
  spaceRelease(old)
  space = null
}

export function imageEntry(): u32 { return image.entry }
export function imageHeaders(): u32 { return image.headers }
export function imageHeaderCount(): u32 { return image.headerCount }
export function imageBase(): u32 { return image.base }
export function imageEnd(): u32 { return image.end }
/** Rights of the region at an address, -1: there is none, -2: a guard page. */
export function rightsAt(where: u32): i32 {
  const region = regionFind(space!, where)
  if (region == null) return -1
  return region.type == MemoryRegionType.GuardPage ? -2 : region.protection as number as i32
}
export function brkNow(): u32 { return spaceBrk(space!, 0) }

// --- Its stack. ---------------------------------------------------------------------------------------------
const from = staticStruct<Arguments>()

export function argumentsBegin(): i32 { return argumentsInit(from) }
/** One more string, an argument or, with `environment`, of the environment. */
export function argumentAdd(text: ptr, n: u32, environment: bool): i32 {
  const result = argumentsAdd(from, text, n)
  if (result != Errno.None) return result
  if (environment) from.environmentCount += 1
  else from.argumentCount += 1
  return result
}
/** The path comes last. */
export function argumentPath(text: ptr, n: u32): i32 {
  from.path = from.used
  return argumentsAdd(from, text, n)
}
/** The stack of a program that user `real`, of the group after that, has started and that runs as `effective`. */
export function stackOf(real: u32, effective: u32, secure: bool, capabilities: u32): u32 {
  who.user = real
  who.effectiveUser = effective
  who.group = real + 1
  who.effectiveGroup = effective + 1
  who.secure = secure
  return stackBuild(space!, from, image, who, capabilities)
}
export function argumentsEnd(): void { argumentsFree(from) }
