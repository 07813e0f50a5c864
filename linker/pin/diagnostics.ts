// What pin refuses, each with a number, a file and a line. The lowering pass refuses most things earlier and in
// better words (its numbers are PY1xxx); these are the limits of the pinned form and of the compiler behind it.

import type { Position } from './program.ts'

export const PIN_MESSAGES = {
  PY2001: 'this syntax has no pinned form',
  PY2002: 'this name is not declared in the program',
  PY2003: 'this must be known at compile time',
  PY2004: 'the function has too many pinned statements; split it',
  PY2005: 'a jump here crosses too many levels; move the inner part to a function of its own',
  PY2006: 'too many cases of this switch fall into each other',
  PY2007: 'this is not an intrinsic, or has another number of arguments',
  PY2008: 'this number is not a 32-bit integer',
  PY2009: 'division by a constant zero',
  PY2010: 'static memory needs a size of at least one byte and an alignment that is a power of two up to 4096',
  PY2011: 'this is called with another number of arguments than it has parameters',
} as const

export type PinCode = keyof typeof PIN_MESSAGES

/** A refusal; `message` is `file:line: error PY2xxx: …`. */
export class PinError extends Error {
  constructor(readonly code: PinCode, readonly position: Position, readonly detail: string) {
    super(`${position.file}:${position.line}: error ${code}: ${PIN_MESSAGES[code]} (${detail})`)
    this.name = 'PinError'
  }
}
