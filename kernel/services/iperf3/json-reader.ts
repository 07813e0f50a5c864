// JSON from a network, a byte at a time as it comes: nothing of it is kept but where in it one is. RFC 8259 §2.
//
// The text is one object or array. Every number and every literal in it is told to a function, with its depth and, in an
// object, its name; strings are checked and passed over. Nesting is bounded, names are, and the length is the caller's to
// bound; anything that is not JSON ends it at the byte where that shows. Main-loop context only.

import { load8, store8 } from '../../lib/intrinsics.ts'
import {
  struct, type Bytes, type Embed, type Stored, type bool, type cstring, type ptr, type u32,
} from '../../lib/layout.ts'
import { spells } from '../../lib/memory.ts'
import { JsonNumber, jsonNumberDigit, jsonNumberEnd, jsonNumberExponent, jsonNumberStart } from './json-number.ts'

/** What a value is. */
export const enum JsonKind { Number, True, False, Null }
/** Told of a value: where it is, `reader` says: depth, name, number. */
export type JsonFound = (reader: JsonReader, kind: JsonKind) => void

const enum State {
  Value, FirstValue, FirstName, Name, Colon, After, // between tokens: white space may stand here
  Text, Escape, Unicode, Literal, Number,
  Done, Bad,
}

/** How far a number is. RFC 8259 §6. */
const enum Part { Minus, Zero, Integer, Point, Fraction, E, Sign, Exponent }

@struct
export class JsonReader {
  found: JsonFound
  context: ptr // the user's own
  number: Embed<JsonNumber> // the last one
  depth: u32 // objects and arrays around this place
  name: Bytes<24> // of the value, if it stands in an object
  nameLength: u32 // 0: none, or longer than NAME_LIMIT
  state: Stored<u32, State>
  arrays: u32 // bit n: what is open at depth n is an array
  part: Stored<u32, Part>
  textIsName: Stored<u32, bool>
  textLength: u32
  unicodeLeft: u32
  literal: cstring
  literalRead: u32
}

const NAME_LIMIT: u32 = 24
const DEPTH_LIMIT: u32 = 16

const SPACE: u32 = 0x20
const QUOTE: u32 = 0x22
const PLUS: u32 = 0x2b
const COMMA: u32 = 0x2c
const MINUS: u32 = 0x2d
const POINT: u32 = 0x2e
const ZERO: u32 = 0x30
const NINE: u32 = 0x39
const COLON: u32 = 0x3a
const OPEN_ARRAY: u32 = 0x5b
const BACKSLASH: u32 = 0x5c
const CLOSE_ARRAY: u32 = 0x5d
const LETTER_E: u32 = 0x65
const LETTER_F: u32 = 0x66
const LETTER_N: u32 = 0x6e
const LETTER_T: u32 = 0x74
const LETTER_U: u32 = 0x75
const OPEN_OBJECT: u32 = 0x7b
const CLOSE_OBJECT: u32 = 0x7d
const LOWER_CASE: u32 = 0x20

/** Before the first byte. */
export function jsonStart(reader: JsonReader, found: JsonFound, context: ptr): void {
  reader.found = found
  reader.context = context
  reader.depth = 0
  reader.nameLength = 0
  reader.arrays = 0
  reader.state = State.Value
}

/** Read on: false as soon as it is not JSON, and for ever after. */
export function jsonRead(reader: JsonReader, bytes: ptr, length: u32): boolean {
  for (let i: u32 = 0; i < length; i++) {
    if (!step(reader, load8(bytes, i))) {
      reader.state = State.Bad
      return false
    }
  }
  return reader.state != State.Bad
}

/** Whether all that was read is one object or array, complete. */
export function jsonComplete(reader: JsonReader): boolean {
  return reader.state == State.Done
}

/** Whether the value just found is called that. */
export function jsonIsNamed(reader: JsonReader, name: cstring): boolean {
  return spells(reader.name, reader.nameLength, name)
}

function step(reader: JsonReader, c: u32): boolean {
  switch (reader.state) {
    case State.Text: return text(reader, c)
    case State.Escape: return escape(reader, c)
    case State.Unicode: return unicode(reader, c)
    case State.Literal: return literal(reader, c)
    case State.Number: return number(reader, c)
    default: return isSpace(c) ? true : token(reader, c)
  }
}

function isSpace(c: u32): boolean {
  return c == SPACE || c == 0x09 || c == 0x0a || c == 0x0d
}

function isDigit(c: u32): boolean {
  return c >= ZERO && c <= NINE
}

/** The first byte of a token. */
function token(reader: JsonReader, c: u32): boolean {
  switch (reader.state) {
    case State.Value: return value(reader, c)
    case State.FirstValue: return c == CLOSE_ARRAY ? close(reader) : value(reader, c)
    case State.FirstName: return c == CLOSE_OBJECT ? close(reader) : name(reader, c)
    case State.Name: return name(reader, c)
    case State.Colon: return enter(reader, State.Value, c == COLON)
    case State.After: return after(reader, c)
    default: return false // nothing follows the end
  }
}

/** On to another state, if what came may stand here. */
function enter(reader: JsonReader, next: State, allowed: boolean): boolean {
  reader.state = next
  return allowed
}

function value(reader: JsonReader, c: u32): boolean {
  if (c == OPEN_OBJECT || c == OPEN_ARRAY) return open(reader, c == OPEN_ARRAY)
  if (reader.depth == 0) return false // a scalar alone is no message of anybody's
  if (c == QUOTE) {
    reader.textIsName = false
    return enter(reader, State.Text, true)
  }
  if (c == MINUS || isDigit(c)) return numberBegins(reader, c)
  if (c == LETTER_T) return literalBegins(reader, 'true')
  if (c == LETTER_F) return literalBegins(reader, 'false')
  return c == LETTER_N ? literalBegins(reader, 'null') : false
}

function open(reader: JsonReader, array: boolean): boolean {
  if (reader.depth == DEPTH_LIMIT) return false
  reader.depth += 1
  const bit: u32 = 1 << reader.depth
  if (array) reader.arrays |= bit
  else reader.arrays &= ~bit
  reader.nameLength = 0
  return enter(reader, array ? State.FirstValue : State.FirstName, true)
}

function close(reader: JsonReader): boolean {
  reader.depth -= 1
  reader.nameLength = 0
  return enter(reader, reader.depth == 0 ? State.Done : State.After, true)
}

function inArray(reader: JsonReader): boolean {
  return (reader.arrays & (1 << reader.depth)) != 0
}

/** Behind a value. */
function after(reader: JsonReader, c: u32): boolean {
  if (c == COMMA) return enter(reader, inArray(reader) ? State.Value : State.Name, true)
  return c == (inArray(reader) ? CLOSE_ARRAY : CLOSE_OBJECT) ? close(reader) : false
}

function tell(reader: JsonReader, kind: JsonKind): boolean {
  reader.found(reader, kind)
  return enter(reader, State.After, true)
}

// --- Strings. RFC 8259 §7. ---------------------------------------------------------------------------------------

function name(reader: JsonReader, c: u32): boolean {
  reader.textIsName = true
  reader.textLength = 0
  return enter(reader, State.Text, c == QUOTE)
}

function text(reader: JsonReader, c: u32): boolean {
  if (c == BACKSLASH) return enter(reader, State.Escape, true)
  if (c != QUOTE) return keep(reader, c)
  if (reader.textIsName) reader.nameLength = reader.textLength <= NAME_LIMIT ? reader.textLength : 0
  return enter(reader, reader.textIsName ? State.Colon : State.After, true)
}

/** A character of a string: of a name it is remembered, while there is room. */
function keep(reader: JsonReader, c: u32): boolean {
  if (reader.textIsName) {
    if (reader.textLength < NAME_LIMIT) store8(reader.name, reader.textLength, c)
    if (reader.textLength <= NAME_LIMIT) reader.textLength += 1
  }
  return c >= SPACE
}

/** Behind a backslash. No name of ours has one: what is meant makes no difference. */
function escape(reader: JsonReader, c: u32): boolean {
  keep(reader, BACKSLASH)
  if (c == LETTER_U) {
    reader.unicodeLeft = 4
    return enter(reader, State.Unicode, true)
  }
  const known: boolean = c == QUOTE || c == BACKSLASH || c == 0x2f || c == 0x62 || c == LETTER_F || c == LETTER_N || c == 0x72
  return enter(reader, State.Text, known || c == LETTER_T)
}

function unicode(reader: JsonReader, c: u32): boolean {
  const lower: u32 = c | LOWER_CASE
  reader.unicodeLeft -= 1
  return enter(reader, reader.unicodeLeft == 0 ? State.Text : State.Unicode, isDigit(c) || (lower >= 0x61 && lower <= LETTER_F))
}

// --- Literals and numbers. RFC 8259 §3, §6. ----------------------------------------------------------------------

function literalBegins(reader: JsonReader, word: cstring): boolean {
  reader.literal = word
  reader.literalRead = 1
  return enter(reader, State.Literal, true)
}

function literal(reader: JsonReader, c: u32): boolean {
  const word = reader.literal as ptr
  if (c != load8(word, reader.literalRead)) return false
  reader.literalRead += 1
  if (load8(word, reader.literalRead) != 0) return true
  const first: u32 = load8(word, 0)
  return tell(reader, first == LETTER_T ? JsonKind.True : first == LETTER_F ? JsonKind.False : JsonKind.Null)
}

function numberBegins(reader: JsonReader, c: u32): boolean {
  jsonNumberStart(reader.number, c == MINUS)
  reader.part = c == MINUS ? Part.Minus : c == ZERO ? Part.Zero : Part.Integer
  if (c != MINUS) jsonNumberDigit(reader.number, c - ZERO, false)
  return enter(reader, State.Number, true)
}

function number(reader: JsonReader, c: u32): boolean {
  if (isDigit(c)) return digit(reader, c - ZERO)
  const part: Part = reader.part
  const mayEnd: boolean = part == Part.Zero || part == Part.Integer || part == Part.Fraction || part == Part.Exponent
  if (c == POINT) return on(reader, Part.Point, part == Part.Zero || part == Part.Integer)
  if ((c | LOWER_CASE) == LETTER_E) return on(reader, Part.E, mayEnd && part != Part.Exponent)
  if (c == PLUS || c == MINUS) {
    reader.number.exponentNegative = c == MINUS
    return on(reader, Part.Sign, part == Part.E)
  }
  if (!mayEnd) return false
  jsonNumberEnd(reader.number)
  tell(reader, JsonKind.Number)
  return isSpace(c) ? true : after(reader, c)
}

function on(reader: JsonReader, next: Part, allowed: boolean): boolean {
  reader.part = next
  return allowed
}

function digit(reader: JsonReader, value: u32): boolean {
  switch (reader.part) {
    case Part.Zero: return false // 01 is no number
    case Part.Minus:
    case Part.Integer:
      jsonNumberDigit(reader.number, value, false)
      return on(reader, value == 0 && reader.part == Part.Minus ? Part.Zero : Part.Integer, true)
    case Part.Point:
    case Part.Fraction:
      jsonNumberDigit(reader.number, value, true)
      return on(reader, Part.Fraction, true)
    default:
      jsonNumberExponent(reader.number, value)
      return on(reader, Part.Exponent, true)
  }
}
