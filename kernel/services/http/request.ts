// An HTTP/1.1 request, read as it comes: bytes in, in pieces of any size, and a state out. RFC 9112 §2. Pure: it knows
// neither sockets nor answers. Of the target and of each field a bounded part is kept; the rest is only counted.
//
//   request line, fields --> HeadDone  (the caller looks, and goes on with httpBody)
//   content, or chunks   --> each piece at `piece`, `pieceLength`
//   the end              --> Done      (the next request begins with httpBegin)
//   anything wrong       --> Failed, with the status to answer; what follows can not be told apart any more
//
// A lone LF ends a line as CR LF does (§2.2), but not around chunks. Folded fields, blanks before a colon, control
// characters, two lengths, a length beside a coding: refused, not guessed at (§5.1, §5.2, §6.3, §11.2).

import { HTTP_FIELDS_LIMIT, HTTP_TARGET_LIMIT } from '../../config.ts'
import { load8, store8 } from '../../lib/intrinsics.ts'
import { address, plus, sizeof, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { chunkByte } from './chunk.ts'
import { httpField, httpFieldsEnd } from './fields.ts'
import { HTTP_KEPT, HTTP_TARGET_KEPT, HttpParser, HttpState, httpFail } from './parser.ts'
import { HttpMethod, HttpStatus, httpMethodOf } from './status.ts'

/** Bytes of empty lines before a request line: RFC 9112 §2.2 asks for one such line at least. */
const EMPTY_LIMIT: u32 = 16
/** `HTTP/1.1`. */
const VERSION_LENGTH: u32 = 8

const TAB: u32 = 0x09
const LF: u32 = 0x0a
const CR: u32 = 0x0d
const SPACE: u32 = 0x20
const COLON: u32 = 0x3a

/** Expect a request. */
export function httpBegin(parser: HttpParser): void {
  zeroBytes(address(parser), sizeof<HttpParser>() - HTTP_TARGET_KEPT)
  parser.keep = true
}

/** Whether nothing of a request has come yet. */
export function httpIsFresh(parser: HttpParser): boolean {
  return parser.state == HttpState.Start && parser.count == 0
}

/**
 * Read from `n` bytes; returns how many were used. It stops at HeadDone, after a piece of content, at Done and at Failed,
 * so it is called again as long as bytes are left and the state is one that goes on.
 */
export function httpRead(parser: HttpParser, bytes: ptr, n: u32): u32 {
  parser.pieceLength = 0
  let i: u32 = 0
  while (i < n && parser.state < HttpState.HeadDone) {
    headByte(parser, load8(bytes, i))
    i += 1
  }
  while (i < n && parser.state > HttpState.Content && parser.state < HttpState.ChunkData) {
    chunkByte(parser, load8(bytes, i))
    i += 1
  }
  if (i == n || (parser.state != HttpState.Content && parser.state != HttpState.ChunkData)) return i
  return i + content(parser, plus(bytes, i), n - i)
}

/** After HeadDone: read the content, if there is some. */
export function httpBody(parser: HttpParser): void {
  parser.count = 0
  parser.left = parser.length
  if (parser.chunked) parser.state = HttpState.ChunkSize
  else parser.state = parser.left != 0 ? HttpState.Content : HttpState.Done
  if (parser.chunked) chunkBegin(parser)
}

function chunkBegin(parser: HttpParser): void {
  parser.tokenLength = 0
  parser.left = 0
}

/** Whether content is to come. */
export function httpHasBody(parser: HttpParser): boolean {
  return parser.chunked || parser.length != 0
}

function content(parser: HttpParser, bytes: ptr, n: u32): u32 {
  const take: u32 = n < parser.left ? n : parser.left
  parser.piece = bytes
  parser.pieceLength = take
  parser.left -= take
  parser.total += take
  if (parser.left == 0) parser.state = parser.chunked ? HttpState.ChunkEnd : HttpState.Done
  return take
}

function headByte(parser: HttpParser, char: u32): void {
  if (parser.afterReturn) {
    parser.afterReturn = false
    if (char != LF) return httpFail(parser, HttpStatus.BadRequest) // a CR alone: RFC 9112 §2.2
  }
  if (char == CR && parser.state != HttpState.Method && parser.state != HttpState.Target && parser.state != HttpState.FieldName) {
    parser.afterReturn = true
    parser.count += 1
    return
  }
  switch (parser.state) {
    case HttpState.Start: return startByte(parser, char)
    case HttpState.Method: return methodByte(parser, char)
    case HttpState.Target: return targetByte(parser, char)
    case HttpState.Version: return versionByte(parser, char)
    default: return fieldByte(parser, char)
  }
}

/** Empty lines, then a method. */
function startByte(parser: HttpParser, char: u32): void {
  parser.count += 1
  if (char != LF) {
    parser.state = HttpState.Method
    return methodByte(parser, char)
  }
  if (parser.count > EMPTY_LIMIT) httpFail(parser, HttpStatus.BadRequest)
}

function methodByte(parser: HttpParser, char: u32): void {
  if (isTokenChar(char)) return keepToken(parser, char)
  if (char != SPACE || parser.tokenLength == 0) return httpFail(parser, HttpStatus.BadRequest)
  parser.method = parser.tokenLength > HTTP_KEPT ? HttpMethod.Unknown : httpMethodOf(parser.token, parser.tokenLength)
  if (parser.method == HttpMethod.Unknown) return httpFail(parser, HttpStatus.NotImplemented) // RFC 9110 §15.6.2
  parser.state = HttpState.Target
  parser.tokenLength = 0
}

function targetByte(parser: HttpParser, char: u32): void {
  if (char > SPACE && char < 0x7f) {
    if (parser.targetLength < HTTP_TARGET_KEPT) store8(parser.target, parser.targetLength, char)
    parser.targetLength += 1
    if (parser.targetLength > HTTP_TARGET_LIMIT) httpFail(parser, HttpStatus.UriTooLong)
    return
  }
  if (char != SPACE || parser.targetLength == 0) return httpFail(parser, HttpStatus.BadRequest)
  parser.state = HttpState.Version
}

function versionByte(parser: HttpParser, char: u32): void {
  if (char != LF) {
    if (parser.tokenLength == VERSION_LENGTH) return httpFail(parser, HttpStatus.BadRequest)
    return keepToken(parser, char)
  }
  const status = versionStatus(parser)
  if (status != HttpStatus.None) return httpFail(parser, status)
  parser.state = HttpState.FieldStart
  parser.count = 0
}

/** HTTP/1.x; higher minor versions are understood as 1.1. RFC 9112 §2.3, RFC 9110 §2.5. */
function versionStatus(parser: HttpParser): HttpStatus {
  const token = parser.token
  const major: u32 = load8(token, 5) - 0x30
  const minor: u32 = load8(token, 7) - 0x30
  const isName: boolean = load8(token, 0) == 0x48 && load8(token, 1) == 0x54 && load8(token, 2) == 0x54 &&
    load8(token, 3) == 0x50 && load8(token, 4) == 0x2f && load8(token, 6) == 0x2e // HTTP/ .
  if (parser.tokenLength != VERSION_LENGTH || !isName || major > 9 || minor > 9) return HttpStatus.BadRequest
  if (major != 1) return HttpStatus.VersionNotSupported
  parser.minor = minor == 0 ? 0 : 1
  return HttpStatus.None
}

function fieldByte(parser: HttpParser, char: u32): void {
  parser.count += 1
  if (parser.count > HTTP_FIELDS_LIMIT) return httpFail(parser, HttpStatus.FieldsTooLarge)
  if (parser.state == HttpState.FieldValue) return valueByte(parser, char)
  if (parser.state == HttpState.FieldStart) {
    if (char == LF) return headEnd(parser)
    parser.state = HttpState.FieldName
    parser.tokenLength = 0
  }
  if (isTokenChar(char)) return keepToken(parser, lower(char))
  if (char != COLON || parser.tokenLength == 0) return httpFail(parser, HttpStatus.BadRequest)
  parser.state = HttpState.FieldValue
  parser.valueLength = 0
  parser.blanks = 0
}

/** Blanks around a value are none of it. RFC 9112 §5.1. */
function valueByte(parser: HttpParser, char: u32): void {
  if (char == LF) {
    parser.state = HttpState.FieldStart
    const status = httpField(parser)
    if (status != HttpStatus.None) httpFail(parser, status)
    return
  }
  if (char == SPACE || char == TAB) {
    if (parser.valueLength != 0) parser.blanks += 1
    return
  }
  if (char < SPACE || char == 0x7f) return httpFail(parser, HttpStatus.BadRequest)
  while (parser.blanks != 0) {
    parser.blanks -= 1
    keepValue(parser, SPACE)
  }
  keepValue(parser, lower(char))
}

function headEnd(parser: HttpParser): void {
  const status = httpFieldsEnd(parser)
  if (status != HttpStatus.None) httpFail(parser, status)
  else parser.state = HttpState.HeadDone
}

function keepToken(parser: HttpParser, char: u32): void {
  if (parser.tokenLength < HTTP_KEPT) store8(parser.token, parser.tokenLength, char)
  parser.tokenLength += 1
  if (parser.state == HttpState.Method && parser.tokenLength > HTTP_KEPT) httpFail(parser, HttpStatus.NotImplemented)
}

function keepValue(parser: HttpParser, char: u32): void {
  if (parser.valueLength < HTTP_KEPT) store8(parser.value, parser.valueLength, char)
  parser.valueLength += 1
}

function lower(char: u32): u32 {
  return char >= 0x41 && char <= 0x5a ? char + 0x20 : char
}

/** RFC 9110 §5.6.2: letters, digits, and ! # $ % & ' * + - . ^ _ ` | ~ */
export function isTokenChar(char: u32): boolean {
  const letter: u32 = char | 0x20
  if ((letter >= 0x61 && letter <= 0x7a) || (char >= 0x30 && char <= 0x39)) return true
  switch (char) {
    case 0x21: case 0x23: case 0x24: case 0x25: case 0x26: case 0x27: case 0x2a: case 0x2b:
    case 0x2d: case 0x2e: case 0x5e: case 0x5f: case 0x60: case 0x7c: case 0x7e:
      return true
    default:
      return false
  }
}
