// The initial RAM disk: an archive of format cpio newc, unpacked into the file system. Linux,
// Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5).
//
//    | header, 110 bytes | name, zero-terminated | padding to 4 | contents | padding to 4 | next header … | TRAILER!!!
//
// A header is a magic and 13 numbers of eight hexadecimal digits. Archives may follow one another, with zeros between. Names of
// one inode (hard links) are one file, and any of them may have its contents. Nothing is believed: what is malformed ends
// it, what can not be made is skipped and counted. Boot context; contents of files are given to pages as they are written.

import { PATH_LIMIT } from '../config.ts'
import { Errno, isError } from '../lib/errno.ts'
import { load8, store32, store8 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, staticStruct, struct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, spells, stringLengthBounded, zeroBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { Transfer, transferInit } from '../vm/transfer.ts'
import { fsMkdirAt, fsMknodAt, fsSymlinkAt, fsUnlinkAt } from './calls/names.ts'
import { fsFileOpen } from './calls/open.ts'
import { inodeAt } from './calls/place.ts'
import { cpioLinkFind, cpioLinkNote, cpioLinksForget } from './cpio-links.ts'
import type { FileContext } from './context.ts'
import { fileRelease, fileWrite, type OpenFile } from './file.ts'
import { At, Open } from './flags.ts'
import { inodeIsDirectory, inodeRelease, type Inode } from './inode.ts'
import { Mode, deviceNumber, modeType } from './mode.ts'
import { Follow } from './path.ts'

const HEADER_BYTES: u32 = 110
const MAGIC_BYTES: u32 = 6
const FIELDS: u32 = 13
const FIELD_BYTES: u32 = 8

/** The numbers of a header, in their order. */
@struct
export class CpioHeader {
  inode: u32
  mode: u32
  uid: u32
  gid: u32
  links: u32
  modified: u32
  size: u32
  major: u32
  minor: u32
  deviceMajor: u32
  deviceMinor: u32
  nameSize: u32 // with its zero
  check: u32
}

/** What came of it. */
@struct
export class CpioResult {
  files: u32 // names made
  bytes: u32 // of contents
  skipped: u32 // names that could not be made
  rest: ptr // where it ended
}

const header = staticStruct<CpioHeader>()
const transfer = staticStruct<Transfer>()

/**
 * Unpack the `length` bytes at `start`, as `context` sees the file system. InvalidArgument: it is no archive, or ends in the
 * middle of one; what came before stays. Otherwise None, whatever was skipped.
 */
export function cpioLoad(context: FileContext, start: ptr, length: u32, result: CpioResult): i32 {
  zeroBytes(address(result), sizeof<CpioResult>())
  result.rest = start
  const scratch = heapAllocate(PATH_LIMIT)
  if (scratch == 0) return Errno.OutOfMemory
  const umask = context.umask
  context.umask = 0
  let left: u32 = length
  let fault: i32 = Errno.None
  while (fault == Errno.None && left != 0) {
    const used = load8(result.rest, 0) == 0 ? 1 : member(context, result, left, scratch)
    if (used == 0) fault = Errno.InvalidArgument
    result.rest = plus(result.rest, used)
    left -= used
  }
  cpioLinksForget()
  context.umask = umask
  heapFree(scratch)
  return fault
}

/** One file of the archive: bytes it takes, 0 when it is none. */
function member(context: FileContext, result: CpioResult, left: u32, scratch: ptr): u32 {
  const start = result.rest
  if (left < HEADER_BYTES || !isMagic(start) || !headerRead(start)) return 0
  const contents: u32 = padded(HEADER_BYTES + header.nameSize)
  if (header.nameSize == 0 || header.nameSize > left - HEADER_BYTES || contents > left) return 0
  if (header.size > left - contents) return 0
  const name = plus(start, HEADER_BYTES)
  const bytes: u32 = padded(contents + header.size)
  const used: u32 = bytes > left ? left : bytes // the padding behind the last one may be missing
  if (spells(name, header.nameSize - 1, 'TRAILER!!!')) cpioLinksForget()
  else if (stringLengthBounded(name, header.nameSize) != header.nameSize - 1) result.skipped += 1
  else if (make(context, name, plus(start, contents), scratch)) count(result)
  else result.skipped += 1
  return used
}

function count(result: CpioResult): void {
  result.files += 1
  if (modeType(header.mode) == Mode.Regular) result.bytes += header.size
}

function padded(bytes: u32): u32 {
  return (bytes + 3) & ~3
}

/** 070701, or 070702 for one with checksums, which are not looked at: memory does not lose bits between GRUB and here. */
function isMagic(p: ptr): boolean {
  return spells(p, MAGIC_BYTES, '070701') || spells(p, MAGIC_BYTES, '070702')
}

/** The numbers of a header; false when one has a digit that is none. */
function headerRead(start: ptr): boolean {
  for (let i: u32 = 0; i < FIELDS; i++) {
    let value: u32 = 0
    for (let j: u32 = 0; j < FIELD_BYTES; j++) {
      const digit = hexValue(load8(start, MAGIC_BYTES + i * FIELD_BYTES + j))
      if (digit > 15) return false
      value = (value << 4) | digit
    }
    store32(address(header), i << 2, value)
  }
  return true
}

function hexValue(char: u32): u32 {
  if (char >= 0x30 && char <= 0x39) return char - 0x30
  const letter: u32 = char | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16
}

/** Make what the header says: whether it is there now. */
function make(context: FileContext, name: ptr, contents: ptr, scratch: ptr): boolean {
  let made = false
  switch (modeType(header.mode)) {
    case 0: return false
    case Mode.Directory: made = makeDirectory(context, name); break
    case Mode.Regular: made = makeRegular(context, name, contents); break
    case Mode.SymbolicLink: return makeLink(context, name, contents, scratch)
    default: made = makeNode(context, name)
  }
  return made && attributesSet(context, name)
}

/** One that is there already gets other attributes. */
function makeDirectory(context: FileContext, name: ptr): boolean {
  const result = fsMkdirAt(context, At.WorkingDirectory, name, 0o700)
  if (result != Errno.Exists) return result == Errno.None
  const found = inodeAt(context, At.WorkingDirectory, name, 0, Follow.NotLast)
  if (isError(found)) return false
  const isIt = inodeIsDirectory(at<Inode>(found as ptr))
  inodeRelease(at<Inode>(found as ptr))
  return isIt
}

/** What had the name before is gone, unless it is a directory. */
function cleared(context: FileContext, name: ptr): boolean {
  const result = fsUnlinkAt(context, At.WorkingDirectory, name, 0)
  return result == Errno.None || result == Errno.NoSuchEntry
}

function makeRegular(context: FileContext, name: ptr, contents: ptr): boolean {
  const isLinked = header.links > 1
  if (!cleared(context, name)) return false
  const isKnown = isLinked && cpioLinkFind(context, header, name)
  const flags: u32 = Open.WriteOnly | Open.Create | (header.size != 0 ? Open.Truncate : 0)
  const opened = fsFileOpen(context, At.WorkingDirectory, name, flags, 0o600)
  if (isError(opened)) return false
  const file = at<OpenFile>(opened as ptr)
  if (isLinked && !isKnown) cpioLinkNote(header, file.inode!)
  transferInit(transfer, contents, header.size, true)
  const written = header.size == 0 ? 0 : fileWrite(file, transfer)
  fileRelease(file)
  if (written == (header.size as number as i32)) return true
  cleared(context, name) // half a file is worse than none, and takes the room of the next
  return false
}

function makeLink(context: FileContext, name: ptr, contents: ptr, scratch: ptr): boolean {
  if (header.size >= PATH_LIMIT || !cleared(context, name)) return false
  copyBytes(scratch, contents, header.size)
  store8(scratch, header.size, 0)
  return fsSymlinkAt(context, scratch, At.WorkingDirectory, name) == Errno.None && attributesSet(context, name)
}

function makeNode(context: FileContext, name: ptr): boolean {
  const device = deviceNumber(header.deviceMajor, header.deviceMinor)
  return cleared(context, name) && fsMknodAt(context, At.WorkingDirectory, name, header.mode, device) == Errno.None
}

/** Mode, owner and time of what was made. */
function attributesSet(context: FileContext, name: ptr): boolean {
  const found = inodeAt(context, At.WorkingDirectory, name, 0, Follow.NotLast)
  if (isError(found)) return false
  const inode = at<Inode>(found as ptr)
  inode.uid = header.uid
  inode.gid = header.gid
  inode.mode = modeType(inode.mode) | (header.mode & Mode.Permissions)
  inode.modified.seconds = header.modified
  inode.modified.nanoseconds = 0
  inodeRelease(inode)
  return true
}
