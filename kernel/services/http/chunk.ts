// The chunked transfer coding, byte by byte: sizes, extensions, trailers. RFC 9112 §7.1. Pure.
//
// Lines end in CR LF here and in nothing else: two readers that do not agree where a chunk ends see different requests.
// Extensions and trailer fields are stepped over (§7.1.1, §7.1.2), and bounded as the fields of a head are.

import { HTTP_FIELDS_LIMIT } from '../../config.ts'
import type { u32 } from '../../lib/layout.ts'
import { HttpState, httpFail, type HttpParser } from './parser.ts'
import { HttpStatus } from './status.ts'

const LF: u32 = 0x0a
const CR: u32 = 0x0d
const SPACE: u32 = 0x20
const TAB: u32 = 0x09
const SEMICOLON: u32 = 0x3b
/** Digits of the largest size: 32 bits. */
const DIGITS: u32 = 8

/** Take one byte that is not content. */
export function chunkByte(parser: HttpParser, char: u32): void {
  parser.count += 1
  if (parser.count > HTTP_FIELDS_LIMIT) return httpFail(parser, HttpStatus.FieldsTooLarge)
  switch (parser.state) {
    case HttpState.ChunkSize: return sizeByte(parser, char)
    case HttpState.ChunkExtension: return extensionByte(parser, char)
    case HttpState.ChunkLine: return sizeLineEnd(parser, char)
    case HttpState.ChunkEnd: return expected(parser, char == CR, HttpState.ChunkEndLine)
    case HttpState.ChunkEndLine: return dataEnd(parser, char)
    default: return trailerByte(parser, char)
  }
}

function expected(parser: HttpParser, isRight: boolean, next: HttpState): void {
  if (isRight) parser.state = next
  else httpFail(parser, HttpStatus.BadRequest)
}

function sizeByte(parser: HttpParser, char: u32): void {
  const digit: u32 = hexValue(char)
  if (digit < 16) {
    if (parser.left >>> 28 != 0) return httpFail(parser, HttpStatus.ContentTooLarge)
    parser.left = (parser.left << 4) | digit
    parser.tokenLength += 1
    if (parser.tokenLength > DIGITS * 2) httpFail(parser, HttpStatus.BadRequest) // zeros in front, but not for ever
    return
  }
  if (parser.tokenLength == 0) return httpFail(parser, HttpStatus.BadRequest)
  if (char == CR) parser.state = HttpState.ChunkLine
  else expected(parser, char == SEMICOLON || char == SPACE || char == TAB, HttpState.ChunkExtension)
}

function extensionByte(parser: HttpParser, char: u32): void {
  if (char == CR) parser.state = HttpState.ChunkLine
  else if ((char < SPACE && char != TAB) || char == 0x7f) httpFail(parser, HttpStatus.BadRequest)
}

function sizeLineEnd(parser: HttpParser, char: u32): void {
  if (char != LF) return httpFail(parser, HttpStatus.BadRequest)
  if (parser.left == 0) {
    parser.state = HttpState.TrailerStart
    return
  }
  if (parser.total + parser.left < parser.total) return httpFail(parser, HttpStatus.ContentTooLarge)
  parser.state = HttpState.ChunkData
}

function dataEnd(parser: HttpParser, char: u32): void {
  parser.count -= 4 + parser.tokenLength // only extensions and trailers add up, not what each chunk has to have
  parser.tokenLength = 0
  expected(parser, char == LF, HttpState.ChunkSize)
}

/** Lines until an empty one. */
function trailerByte(parser: HttpParser, char: u32): void {
  if (parser.state == HttpState.TrailerLine) {
    const isLast: boolean = parser.tokenLength == 0
    parser.tokenLength = 0
    return expected(parser, char == LF, isLast ? HttpState.Done : HttpState.TrailerName)
  }
  if (parser.state == HttpState.TrailerStart) {
    parser.state = HttpState.TrailerName
    parser.tokenLength = 0
  }
  if (char == CR) parser.state = HttpState.TrailerLine
  else if ((char < SPACE && char != TAB) || char == 0x7f) httpFail(parser, HttpStatus.BadRequest)
  else parser.tokenLength += 1
}

/** 0 to 15; 16 for what is no hexadecimal digit. */
function hexValue(char: u32): u32 {
  if (char >= 0x30 && char <= 0x39) return char - 0x30
  const letter: u32 = char | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16
}
