// What the tests of kernel/loader call: the checks of a file that lies in memory.

import { at, plus, sizeof, staticStruct, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { ElfHeader, ElfLayout, ProgramHeader, elfHeaderFault, elfLayoutFault, elfSizeFault } from '../../kernel/loader/elf.ts'
import { ElfLoaderError } from '../../kernel/loader/errors.ts'

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
