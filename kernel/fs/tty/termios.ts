// How a terminal behaves, as TCGETS and TCSETS tell it: Linux's struct termios and its numbers on x86-64.
// include/uapi/asm-generic/termbits.h, include/uapi/asm-generic/termios.h. What each flag means: POSIX.1-2017 chapter 11.

import { load8, store8 } from '../../lib/intrinsics.ts'
import { wire, type Bytes, type Le, type u16, type u32, type u8 } from '../../lib/layout.ts'

@wire(36)
export class Termios {
  input: Le<u32>
  output: Le<u32>
  hardware: Le<u32>
  local: Le<u32>
  line: u8
  characters: Bytes<19>
}

@wire(8)
export class WindowSize {
  rows: Le<u16>
  columns: Le<u16>
  width: Le<u16> // pixels; nobody asks
  height: Le<u16>
}

export const enum InputFlag {
  Strip = 0o40, NewlineToReturn = 0o100, IgnoreReturn = 0o200, ReturnToNewline = 0o400, FlowControl = 0o2000, Utf8 = 0o40000,
}

export const enum OutputFlag { Process = 1, NewlineToReturnNewline = 4, ReturnToNewline = 0o10 }

export const enum LocalFlag {
  Signals = 1,
  Canonical = 2,
  Echo = 0o10,
  EchoErase = 0o20,
  EchoKill = 0o40,
  EchoNewline = 0o100,
  NoFlush = 0o200,
  StopBackground = 0o400,
  EchoControl = 0o1000,
  EchoKillErase = 0o4000,
  Extended = 0o100000,
}

/** Places in `characters`. */
export const enum Character {
  Interrupt = 0, Quit = 1, Erase = 2, Kill = 3, EndOfFile = 4, Time = 5, Minimum = 6, Start = 8, Stop = 9, Suspend = 10,
  EndOfLine = 11, Reprint = 12, WordErase = 14, LiteralNext = 15, EndOfLine2 = 16,
}

/** CS8, CREAD, CLOCAL, B115200. */
const HARDWARE: u32 = 0o60 | 0o200 | 0o4000 | 0o10002

/** As a terminal is when it is new: lines, echo, signals. */
export function termiosDefault(termios: Termios): void {
  termios.input = InputFlag.ReturnToNewline | InputFlag.FlowControl | InputFlag.Utf8
  termios.output = OutputFlag.Process | OutputFlag.NewlineToReturnNewline
  termios.hardware = HARDWARE
  termios.local = LocalFlag.Signals | LocalFlag.Canonical | LocalFlag.Echo | LocalFlag.EchoErase | LocalFlag.EchoKill
    | LocalFlag.EchoControl | LocalFlag.EchoKillErase | LocalFlag.Extended
  const characters = termios.characters
  store8(characters, Character.Interrupt, 3) // ^C
  store8(characters, Character.Quit, 28) // ^\
  store8(characters, Character.Erase, 127) // backspace
  store8(characters, Character.Kill, 21) // ^U
  store8(characters, Character.EndOfFile, 4) // ^D
  store8(characters, Character.Minimum, 1)
  store8(characters, Character.Start, 17) // ^Q
  store8(characters, Character.Stop, 19) // ^S
  store8(characters, Character.Suspend, 26) // ^Z
  store8(characters, Character.Reprint, 18) // ^R
  store8(characters, Character.WordErase, 23) // ^W
  store8(characters, Character.LiteralNext, 22) // ^V
}

/** A control character; 0 is none. */
export function termiosCharacter(termios: Termios, which: Character): u32 {
  return load8(termios.characters, which)
}
