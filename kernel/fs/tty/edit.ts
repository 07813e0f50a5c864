// What is typed at a terminal: special characters, the line that is edited, and its echo. POSIX.1-2017 §11.1.6 to §11.1.9, and
// Linux's additions: ^W, ^R, ^V, and an echo of control characters as ^X. Main-loop context; nothing sleeps.

import type { u32 } from '../../lib/layout.ts'
import { FileSignal } from '../flags.ts'
import { processSignalGroup } from '../process-hooks.ts'
import { Character, InputFlag, LocalFlag, termiosCharacter } from './termios.ts'
import {
  Mark, Tty, ttyAppend, ttyByte, ttyColumnAfter, ttyCommit, ttyFlush, ttyGoOn, ttyIs, ttyPut, ttyRoom, ttyShow,
} from './tty.ts'

const NEWLINE: u32 = 0x0a
const RETURN: u32 = 0x0d
const BACKSPACE: u32 = 0x08
const TAB: u32 = 0x09
const BELL: u32 = 0x07
const SPACE: u32 = 0x20
const CARET: u32 = 0x5e

/** Whether a byte can be taken now: a full buffer with whole lines in it waits for its readers. */
export function ttyTakes(tty: Tty): boolean {
  return ttyRoom(tty) > 1 || (ttyIs(tty, LocalFlag.Canonical) && tty.lines == 0)
}

/** One byte was typed. */
export function ttyInput(tty: Tty, typed: u32): void {
  const flags = tty.termios.input
  const byte: u32 = (flags & InputFlag.Strip) != 0 ? typed & 0x7f : typed
  if (tty.literal) {
    tty.literal = false
    return take(tty, byte)
  }
  if ((flags & InputFlag.FlowControl) != 0 && flowControl(tty, byte)) return
  if (ttyIs(tty, LocalFlag.Signals) && signalled(tty, byte)) return
  if (byte == RETURN && (flags & InputFlag.IgnoreReturn) != 0) return
  if (byte == RETURN && (flags & InputFlag.ReturnToNewline) != 0) return key(tty, NEWLINE)
  key(tty, byte == NEWLINE && (flags & InputFlag.NewlineToReturn) != 0 ? RETURN : byte)
}

function isKey(tty: Tty, byte: u32, which: Character): boolean {
  return byte != 0 && byte == termiosCharacter(tty.termios, which)
}

/** ^S stops what processes write, ^Q lets it go on. */
function flowControl(tty: Tty, byte: u32): boolean {
  const stops = isKey(tty, byte, Character.Stop)
  if (!stops && !isKey(tty, byte, Character.Start)) return false
  if (stops) tty.stopped = true
  else ttyGoOn(tty)
  return true
}

/** ^C, ^\ and ^Z: a signal to the foreground, and what was typed is gone. */
function signalled(tty: Tty, byte: u32): boolean {
  let signal: u32 = 0
  if (isKey(tty, byte, Character.Interrupt)) signal = FileSignal.Interrupt
  else if (isKey(tty, byte, Character.Quit)) signal = FileSignal.Quit
  else if (isKey(tty, byte, Character.Suspend)) signal = FileSignal.TerminalStop
  if (signal == 0) return false
  if (!ttyIs(tty, LocalFlag.NoFlush)) ttyFlush(tty)
  ttyGoOn(tty)
  if (ttyIs(tty, LocalFlag.Echo)) echo(tty, byte)
  processSignalGroup(tty.group, signal)
  return true
}

/** A byte that is no signal. */
function key(tty: Tty, byte: u32): void {
  if (!ttyIs(tty, LocalFlag.Canonical)) return take(tty, byte)
  if (isKey(tty, byte, Character.Erase)) return erase(tty)
  if (isKey(tty, byte, Character.Kill)) return kill(tty)
  if (isKey(tty, byte, Character.EndOfFile)) return endLine(tty, byte, Mark.EndOfFile)
  if (byte == NEWLINE) return newline(tty)
  if (isKey(tty, byte, Character.EndOfLine) || isKey(tty, byte, Character.EndOfLine2)) {
    if (ttyIs(tty, LocalFlag.Echo)) echo(tty, byte)
    return endLine(tty, byte, Mark.LineEnd)
  }
  if (ttyIs(tty, LocalFlag.Extended) && extended(tty, byte)) return
  take(tty, byte)
}

/** ^W, ^R, ^V. */
function extended(tty: Tty, byte: u32): boolean {
  if (isKey(tty, byte, Character.WordErase)) wordErase(tty)
  else if (isKey(tty, byte, Character.Reprint)) reprint(tty, byte)
  else if (isKey(tty, byte, Character.LiteralNext)) tty.literal = true
  else return false
  return true
}

/** A byte of a line, or, outside of canonical mode, for the readers. A line that is too long is refused with a bell. */
function take(tty: Tty, byte: u32): void {
  if (ttyRoom(tty) <= 1) return ttyPut(tty, BELL)
  if (tty.tail == tty.committed) tty.lineColumn = tty.column
  ttyAppend(tty, byte, Mark.Plain)
  if (ttyIs(tty, LocalFlag.Echo)) echo(tty, byte)
  if (!ttyIs(tty, LocalFlag.Canonical)) ttyCommit(tty)
}

function newline(tty: Tty): void {
  if (ttyIs(tty, LocalFlag.Echo) || ttyIs(tty, LocalFlag.EchoNewline)) ttyShow(tty, NEWLINE)
  endLine(tty, NEWLINE, Mark.LineEnd)
}

function endLine(tty: Tty, byte: u32, mark: Mark): void {
  if (ttyRoom(tty) == 0) return ttyPut(tty, BELL)
  ttyAppend(tty, byte, mark)
  tty.lines += 1
  ttyCommit(tty)
}

/** Whether a byte is shown as two, ^ and a letter. */
function isShownAsControl(tty: Tty, byte: u32): boolean {
  return ttyIs(tty, LocalFlag.EchoControl) && (byte < SPACE || byte == 0x7f) && byte != TAB && byte != NEWLINE
}

function echo(tty: Tty, byte: u32): void {
  if (!isShownAsControl(tty, byte)) return ttyShow(tty, byte)
  ttyPut(tty, CARET)
  ttyPut(tty, byte ^ 0x40)
}

/** The column after a byte of the line is echoed in another. */
function columnAfterEcho(tty: Tty, column: u32, byte: u32): u32 {
  return isShownAsControl(tty, byte) ? column + 2 : ttyColumnAfter(column, byte)
}

/** The column in which the line ends. */
function endColumn(tty: Tty): u32 {
  let column = tty.lineColumn
  for (let i = tty.committed; i != tty.tail; i++) column = columnAfterEcho(tty, column, ttyByte(tty, i))
  return column
}

function isContinuation(tty: Tty, byte: u32): boolean {
  return (tty.termios.input & InputFlag.Utf8) != 0 && (byte & 0xc0) == 0x80
}

/** The last character of the line, all bytes of it, without an echo. */
function dropCharacter(tty: Tty): void {
  while (tty.tail != tty.committed) {
    tty.tail -= 1
    if (!isContinuation(tty, ttyByte(tty, tty.tail))) return
  }
}

/** Make the screen as it is without what was dropped. */
function wipe(tty: Tty): void {
  const column = endColumn(tty)
  while (tty.column > column) {
    ttyPut(tty, BACKSPACE)
    ttyPut(tty, SPACE)
    ttyPut(tty, BACKSPACE)
  }
}

function erase(tty: Tty): void {
  if (tty.tail == tty.committed) return
  dropCharacter(tty)
  if (!ttyIs(tty, LocalFlag.Echo)) return
  if (ttyIs(tty, LocalFlag.EchoErase)) wipe(tty)
  else echo(tty, termiosCharacter(tty.termios, Character.Erase))
}

/** Blanks, then the word before them. */
function wordErase(tty: Tty): void {
  while (tty.tail != tty.committed && isBlank(ttyByte(tty, tty.tail - 1))) tty.tail -= 1
  while (tty.tail != tty.committed && !isBlank(ttyByte(tty, tty.tail - 1))) tty.tail -= 1
  if (ttyIs(tty, LocalFlag.Echo)) wipe(tty)
}

function isBlank(byte: u32): boolean {
  return byte == SPACE || byte == TAB
}

/** The whole line. */
function kill(tty: Tty): void {
  tty.tail = tty.committed
  if (!ttyIs(tty, LocalFlag.Echo)) return
  if (ttyIs(tty, LocalFlag.EchoKillErase)) return wipe(tty)
  echo(tty, termiosCharacter(tty.termios, Character.Kill))
  if (ttyIs(tty, LocalFlag.EchoKill)) ttyShow(tty, NEWLINE)
}

/** Show the line once more, on a new one. */
function reprint(tty: Tty, byte: u32): void {
  echo(tty, byte)
  ttyShow(tty, NEWLINE)
  tty.lineColumn = tty.column
  for (let i = tty.committed; i != tty.tail; i++) echo(tty, ttyByte(tty, i))
}
