// Reading from a terminal: a line at a time, or as MIN and TIME have it. POSIX.1-2017 §11.1.6, §11.1.7. A process's context.

import { TTY_BUFFER } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { plus, type i32, type u32 } from '../../lib/layout.ts'
import { lockRelease, lockTake } from '../../lib/lock.ts'
import { SLEEP_FOR_EVER, sleepFor } from '../../lib/sleep.ts'
import { transferOut, type Transfer } from '../../vm/transfer.ts'
import { Character, LocalFlag, termiosCharacter } from './termios.ts'
import { Mark, Tty, ttyAvailable, ttyIs, ttyMark } from './tty.ts'

/** TIME is in tenths of a second. */
const MILLISECONDS_PER_TIME: u32 = 100

/** Bytes read, 0 at an end of file or after TIME; WouldBlock, Interrupted, BadAddress. May sleep. */
export function ttyRead(tty: Tty, transfer: Transfer, nonBlock: boolean): i32 {
  const want = transfer.left
  if (want == 0) return 0
  while (true) {
    const ready = waitReady(tty, want, nonBlock)
    if (ready <= 0) return ready
    lockTake(tty.reading)
    const moved = ttyAvailable(tty) == 0 ? Errno.WouldBlock : take(tty, transfer)
    lockRelease(tty.reading)
    if (moved != Errno.WouldBlock) return moved // else another reader was faster
  }
}

/** Wait until there is something to read: 1; 0 when TIME passed first; or an error. */
function waitReady(tty: Tty, want: u32, nonBlock: boolean): i32 {
  if (ttyIs(tty, LocalFlag.Canonical)) return waitFor(tty, 1, SLEEP_FOR_EVER, nonBlock)
  const minimum = termiosCharacter(tty.termios, Character.Minimum)
  const time: u32 = termiosCharacter(tty.termios, Character.Time) * MILLISECONDS_PER_TIME
  if (minimum == 0) return time == 0 ? ready(tty) : waitFor(tty, 1, time, nonBlock)
  const first = waitFor(tty, 1, SLEEP_FOR_EVER, nonBlock)
  if (first <= 0 || nonBlock) return first
  let bytes: u32 = minimum < want ? minimum : want
  if (bytes > TTY_BUFFER >>> 1) bytes = TTY_BUFFER >>> 1
  let had: u32 = 0
  while (ttyAvailable(tty) < bytes && ttyAvailable(tty) != had) { // TIME starts anew with each byte
    had = ttyAvailable(tty)
    const more = waitFor(tty, had + 1, time == 0 ? SLEEP_FOR_EVER : time, false)
    if (more < 0) return ttyAvailable(tty) != 0 ? 1 : more
  }
  return ready(tty)
}

function ready(tty: Tty): i32 {
  return ttyAvailable(tty) != 0 ? 1 : 0
}

/** Wait for `bytes`: 1; 0 when the time is over; WouldBlock, Interrupted. */
function waitFor(tty: Tty, bytes: u32, milliseconds: u32, nonBlock: boolean): i32 {
  while (ttyAvailable(tty) < bytes) {
    if (nonBlock) return Errno.WouldBlock
    const result = sleepFor(tty.readers, milliseconds)
    if (result == Errno.TimedOut) return ready(tty)
    if (result != Errno.None) return result
  }
  return 1
}

/** Copy out what may be read at once. */
function take(tty: Tty, transfer: Transfer): i32 {
  const canonical = ttyIs(tty, LocalFlag.Canonical)
  const available = canonical ? lineLength(tty) : ttyAvailable(tty)
  if (available == 0) { // nothing but an end of file
    consume(tty, 1)
    return 0
  }
  const flushes = tty.flushes
  let done: u32 = 0
  while (done != available && transfer.left != 0) {
    const place: u32 = (tty.head + done) & (TTY_BUFFER - 1)
    const whole: u32 = available - done
    const moved = transferOut(transfer, plus(tty.buffer, place), whole < TTY_BUFFER - place ? whole : TTY_BUFFER - place)
    if (moved <= 0) return moved
    if (tty.flushes != flushes) return (done + (moved as number as u32)) as number as i32
    done += moved as number as u32
  }
  const next: u32 = tty.head + done
  const endsThere = canonical && done == available && next != tty.committed && ttyMark(tty, next) == Mark.EndOfFile
  consume(tty, endsThere && ttyMark(tty, next - 1) == Mark.Plain ? done + 1 : done)
  return done as number as i32
}

/** Bytes of the first line; an end of file ends it and is none of it. */
function lineLength(tty: Tty): u32 {
  let length: u32 = 0
  while (tty.head + length != tty.committed) {
    const mark = ttyMark(tty, tty.head + length)
    if (mark == Mark.EndOfFile) return length
    length += 1
    if (mark == Mark.LineEnd) return length
  }
  return length
}

/** The first bytes were read. */
function consume(tty: Tty, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    if (ttyMark(tty, tty.head) != Mark.Plain) tty.lines -= 1
    tty.head += 1
  }
}
