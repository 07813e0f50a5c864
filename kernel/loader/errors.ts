// Why a file is not loaded: RustOS's twenty-one errors, in its order. Each is the verdict about one kind of broken file.
// A result is an error when, read as a u32, it is 0xfffff000 or more: `isError` of lib/errno.ts.

import { Errno } from '../lib/errno.ts'
import type { cstring, i32 } from '../lib/layout.ts'

export const enum ElfLoaderError {
  None = 0,
  InvalidMagic = -1,
  UnsupportedClass = -2, // not 64 bits
  UnsupportedEndianness = -3, // not least significant byte first
  UnsupportedVersion = -4,
  UnsupportedArchitecture = -5, // not x86-64
  InvalidFileType = -6, // neither EXEC nor DYN, or it asks for an interpreter
  InvalidHeaderSize = -7, // of the file's header or of a program header
  ProgramHeaderOutOfBounds = -8,
  TooManyProgramHeaders = -9, // ELF_HEADER_LIMIT
  InvalidSegmentOffset = -10, // a segment's bytes are not all in the file
  InvalidSegmentSize = -11, // less in memory than in the file, or zeros to append to what may not be written
  SegmentOverlap = -12, // two segments have a page in common
  InvalidAlignment = -13, // no power of two, or offset and address disagree
  InvalidVirtualAddress = -14, // not all of a segment is in user memory
  InvalidPermissions = -15, // none, or both to write and to execute
  MemoryAllocationFailed = -16,
  MappingFailed = -17,
  InvalidEntryPoint = -18, // not in a segment that may be executed
  FileTooLarge = -19, // ELF_FILE_LIMIT
  CorruptedBinary = -20, // nothing to load, segments out of order, or a file that ends before its length
  FileTooSmall = -21, // less than a header
}

/** What execve says of it: NotExecutable for what is wrong with the file, OutOfMemory for what is not. */
export function elfErrno(error: i32): i32 {
  switch (error) {
    case ElfLoaderError.None: return Errno.None
    case ElfLoaderError.MemoryAllocationFailed:
    case ElfLoaderError.MappingFailed:
      return Errno.OutOfMemory
    default: return Errno.NotExecutable
  }
}

/** An error in words, for the log. */
export function elfErrorName(error: i32): cstring {
  switch (error) {
    case ElfLoaderError.None: return 'No error'
    case ElfLoaderError.InvalidMagic: return 'Not an ELF file'
    case ElfLoaderError.UnsupportedClass: return 'Not a 64-bit ELF file'
    case ElfLoaderError.UnsupportedEndianness: return 'Not a little-endian ELF file'
    case ElfLoaderError.UnsupportedVersion: return 'Unknown ELF version'
    case ElfLoaderError.UnsupportedArchitecture: return 'Not for x86-64'
    case ElfLoaderError.InvalidFileType: return 'Not a static executable'
    case ElfLoaderError.InvalidHeaderSize: return 'Invalid header size'
    case ElfLoaderError.ProgramHeaderOutOfBounds: return 'Program headers past the end of the file'
    case ElfLoaderError.TooManyProgramHeaders: return 'Too many program headers'
    case ElfLoaderError.InvalidSegmentOffset: return 'Segment past the end of the file'
    case ElfLoaderError.InvalidSegmentSize: return 'Invalid segment size'
    case ElfLoaderError.SegmentOverlap: return 'Segments overlap'
    case ElfLoaderError.InvalidAlignment: return 'Invalid segment alignment'
    case ElfLoaderError.InvalidVirtualAddress: return 'Segment outside of user memory'
    case ElfLoaderError.InvalidPermissions: return 'Invalid segment permissions'
    case ElfLoaderError.MemoryAllocationFailed: return 'Out of memory'
    case ElfLoaderError.MappingFailed: return 'Segment not mapped'
    case ElfLoaderError.InvalidEntryPoint: return 'Entry point not in executable memory'
    case ElfLoaderError.FileTooLarge: return 'File too large'
    case ElfLoaderError.CorruptedBinary: return 'Corrupted file'
    case ElfLoaderError.FileTooSmall: return 'File too small for a header'
    default: return 'Unknown loader error'
  }
}
