// A terminal: what was typed and not read, what is being edited, and how what is written looks. POSIX.1-2017 chapter 11.
//
//      head         committed       tail      all count bytes modulo 2^32, places are modulo TTY_BUFFER
//       v               v             v
//   | a whole line \n |  a line yet to be ended |         marks: which bytes end a line, and how
//
// In canonical mode readers get what is before `committed`, a line at a time; else everything up to `tail`. Input is the main
// loop's, the rest a process's; copies to and from a process may sleep, under a lock.

import { TTY_BUFFER } from '../../config.ts'
import { load8, store8 } from '../../lib/intrinsics.ts'
import { staticMemory, staticStruct, struct, type Embed, type Stored, type bool, type ptr, type u32 } from '../../lib/layout.ts'
import { Lock } from '../../lib/lock.ts'
import { WaitQueue, pollWake, wakeAll } from '../../lib/sleep.ts'
import { WatchList, watchesTell } from '../../lib/watch.ts'
import { Poll } from '../flags.ts'
import { LocalFlag, OutputFlag, Termios, WindowSize, termiosDefault } from './termios.ts'

const NEWLINE: u32 = 0x0a
const RETURN: u32 = 0x0d
const BACKSPACE: u32 = 0x08
const TAB: u32 = 0x09
const TAB_STOP: u32 = 8

/** What a byte that was typed means to readers. */
export const enum Mark { Plain, LineEnd, EndOfFile }

/** Sends a byte to whatever shows it. */
type TtyPut = (byte: u32) => void

@struct
export class Tty {
  termios: Embed<Termios>
  window: Embed<WindowSize>
  put: TtyPut | null
  buffer: ptr
  marks: ptr
  head: u32
  committed: u32
  tail: u32
  lines: u32 // ends of lines from `head` to `committed`
  flushes: u32 // how often input was thrown away
  column: u32 // where the next byte is shown
  lineColumn: u32 // where the line that is edited began
  literal: Stored<u32, bool> // the next byte is taken as it is
  stopped: Stored<u32, bool> // ^S
  opens: u32 // open files
  expected: Stored<u32, bool> // somebody will open it: what is typed before that is for them
  session: u32 // whose controlling terminal it is; 0: nobody's
  group: u32 // the group in the foreground
  reading: Embed<Lock>
  writing: Embed<Lock>
  readers: Embed<WaitQueue>
  writers: Embed<WaitQueue>
  watchers: Embed<WatchList>
}

const buffer = staticMemory(4096, 8) // TTY_BUFFER
const marks = staticMemory(4096, 8)
const console = staticStruct<Tty>()

/** Make the terminal on the console, which shows bytes by `put`. */
export function ttyInit(put: TtyPut): void {
  console.put = put
  console.buffer = buffer
  console.marks = marks
  termiosDefault(console.termios)
  console.window.rows = 24
  console.window.columns = 80
}

/** The terminal on the console, the only one there is. */
export function ttyConsole(): Tty {
  return console
}

export function ttyIs(tty: Tty, flag: LocalFlag): boolean {
  return (tty.termios.local & flag) != 0
}

/** The byte that was typed as the one that `position` counts. */
export function ttyByte(tty: Tty, position: u32): u32 {
  return load8(tty.buffer, position & (TTY_BUFFER - 1))
}

export function ttyMark(tty: Tty, position: u32): Mark {
  return load8(tty.marks, position & (TTY_BUFFER - 1)) as Mark
}

/** Put a byte at the end of the input: there is room. */
export function ttyAppend(tty: Tty, byte: u32, mark: Mark): void {
  store8(tty.buffer, tty.tail & (TTY_BUFFER - 1), byte)
  store8(tty.marks, tty.tail & (TTY_BUFFER - 1), mark)
  tty.tail += 1
}

/** All that was typed belongs to readers now. */
export function ttyCommit(tty: Tty): void {
  tty.committed = tty.tail
  ttyReady(tty, Poll.In | Poll.ReadNormal)
  wakeAll(tty.readers)
}

/** Some of these events hold now: who polls is told. */
export function ttyReady(tty: Tty, events: u32): void {
  watchesTell(tty.watchers, events)
  pollWake()
}

/** Output goes on, if it was stopped. */
export function ttyGoOn(tty: Tty): void {
  tty.stopped = false
  wakeAll(tty.writers)
  ttyReady(tty, Poll.Out | Poll.WriteNormal)
}

/** Bytes there is room for. */
export function ttyRoom(tty: Tty): u32 {
  return TTY_BUFFER - (tty.tail - tty.head)
}

/** Bytes a reader could get now. In canonical mode those of whole lines. */
export function ttyAvailable(tty: Tty): u32 {
  return (ttyIs(tty, LocalFlag.Canonical) ? tty.committed : tty.tail) - tty.head
}

/** Throw away what was typed and not read. */
export function ttyFlush(tty: Tty): void {
  tty.head = tty.tail
  tty.committed = tty.tail
  tty.lines = 0
  tty.flushes += 1
}

/** Canonical mode begins or ends: what was typed belongs to readers, in canonical mode as a line. */
export function ttyModeChanged(tty: Tty): void {
  for (let i = tty.head; i != tty.tail; i++) store8(tty.marks, i & (TTY_BUFFER - 1), Mark.Plain)
  tty.committed = tty.tail
  tty.lines = ttyIs(tty, LocalFlag.Canonical) && tty.head != tty.tail ? 1 : 0
  if (tty.lines != 0) store8(tty.marks, (tty.tail - 1) & (TTY_BUFFER - 1), Mark.LineEnd)
}

/** The column after a byte is shown in another. UTF-8's continuation bytes take none. */
export function ttyColumnAfter(column: u32, byte: u32): u32 {
  if (byte == TAB) return (column + TAB_STOP) & ~(TAB_STOP - 1)
  if (byte == RETURN) return 0
  if (byte == BACKSPACE) return column == 0 ? 0 : column - 1
  if (byte < 0x20 || byte == 0x7f || (byte & 0xc0) == 0x80) return column
  return column + 1
}

/** Show one byte as it is. */
export function ttyPut(tty: Tty, byte: u32): void {
  const put = tty.put
  tty.column = ttyColumnAfter(tty.column, byte)
  if (put != null) put(byte)
}

/** Show one byte that was written, as the output flags have it. */
export function ttyShow(tty: Tty, byte: u32): void {
  const flags = tty.termios.output
  if ((flags & OutputFlag.Process) == 0) return ttyPut(tty, byte)
  if (byte == NEWLINE && (flags & OutputFlag.NewlineToReturnNewline) != 0) ttyPut(tty, RETURN)
  ttyPut(tty, byte == RETURN && (flags & OutputFlag.ReturnToNewline) != 0 ? NEWLINE : byte)
}
