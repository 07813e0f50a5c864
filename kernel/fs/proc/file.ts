// A file of /proc, open: what it says is written out whole when it is read from its beginning, and given from there. So a
// reader sees one moment. A process's context; may sleep.

import { Errno } from '../../lib/errno.ts'
import { at, plus, sizeof, staticStruct, struct, type Embed, type i32, type u32 } from '../../lib/layout.ts'
import { TextWriter, writerInit, writerLength } from '../../lib/print.ts'
import { PAGE_SIZE } from '../../mm/address.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { transferIn, transferOut, type Transfer } from '../../vm/transfer.ts'
import { FileOperations, type OpenFile } from '../file.ts'
import { Seek } from '../flags.ts'
import { seekFrom } from '../regular.ts'
import type { ProcTake, ProcText } from './nodes.ts'

/** The longest text: what the maps of a process with a thousand regions take. */
const TEXT_LIMIT: u32 = 1 << 18
/** And the longest that is written. */
const VALUE_LIMIT: u32 = 128

/** In the heap; the text is in memory of its own. */
@struct
class ProcOpen {
  text: ProcText
  take: ProcTake | null
  pid: u32
  writer: Embed<TextWriter>
}

const operations = staticStruct<FileOperations>()

/** Once. */
export function procFilesInit(): void {
  operations.read = read
  operations.write = write
  operations.seek = seek
  operations.close = close
}

/** Make an open file one of these; `take` gets what is written. OutOfMemory. */
export function procFileOpen(file: OpenFile, text: ProcText, take: ProcTake | null, pid: u32): i32 {
  const memory = heapAllocate(sizeof<ProcOpen>())
  if (memory == 0) return Errno.OutOfMemory
  at<ProcOpen>(memory).text = text
  at<ProcOpen>(memory).take = take
  at<ProcOpen>(memory).pid = pid
  file.operations = operations
  file.data = memory
  return Errno.None
}

function openOf(file: OpenFile): ProcOpen {
  return at<ProcOpen>(file.data)
}

/** Write it all, with twice the room as long as that is not enough. */
function make(open: ProcOpen): i32 {
  let room: u32 = PAGE_SIZE
  while (room <= TEXT_LIMIT) {
    heapFree(open.writer.start)
    const memory = heapAllocate(room)
    writerInit(open.writer, memory, memory == 0 ? 0 : room)
    if (memory == 0) return Errno.OutOfMemory
    const text = open.text
    text(open.writer, open.pid)
    if (!open.writer.cut) return Errno.None
    room <<= 1
  }
  return Errno.None // the last is cut at a whole item
}

function read(file: OpenFile, transfer: Transfer): i32 {
  const open = openOf(file)
  if (file.position == 0 || open.writer.start == 0) {
    const made = make(open)
    if (made != Errno.None) return made
  }
  const length = writerLength(open.writer)
  if (file.position >= length) return 0
  const moved = transferOut(transfer, plus(open.writer.start, file.position), length - file.position)
  if (moved > 0) file.position += moved as number as u32
  return moved
}

/** One write is one value: InvalidArgument for what is none, or is longer than any. */
function write(file: OpenFile, transfer: Transfer): i32 {
  const take = openOf(file).take
  const bytes = transfer.left
  if (take == null) return Errno.InputOutput
  if (bytes > VALUE_LIMIT) return Errno.InvalidArgument
  const memory = heapAllocate(VALUE_LIMIT)
  if (memory == 0) return Errno.OutOfMemory
  const moved = transferIn(transfer, memory, bytes)
  const result = moved == (bytes as number as i32) ? take(memory, bytes) : Errno.BadAddress
  heapFree(memory)
  return result == Errno.None ? moved : result
}

function seek(file: OpenFile, offset: i32, whence: u32): i32 {
  let position: i32 = Errno.InvalidArgument
  if (whence == Seek.Set) position = seekFrom(0, offset)
  else if (whence == Seek.Current) position = seekFrom(file.position, offset)
  if (position >= 0) file.position = position as number as u32
  return position
}

function close(file: OpenFile): void {
  if (file.data == 0) return
  heapFree(openOf(file).writer.start)
  heapFree(file.data)
}

