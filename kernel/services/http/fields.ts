// What the header fields of a request mean for its reading: how long it is, whether the connection stays. RFC 9110 §7.6.1,
// §8.6, §10.1.1; RFC 9112 §3.2, §6. Pure: bytes and a parser's memory.

import { load8 } from '../../lib/intrinsics.ts'
import { plus, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { equalBytes, spells, stringLength } from '../../lib/memory.ts'
import { HTTP_KEPT, type HttpParser } from './parser.ts'
import { HttpStatus } from './status.ts'

const SPACE: u32 = 0x20
const TAB: u32 = 0x09
const COMMA: u32 = 0x2c

/** A field is complete: name in `parser.token`, value in `parser.value`, both in lower case. Its status if it is wrong. */
export function httpField(parser: HttpParser): HttpStatus {
  if (parser.tokenLength > HTTP_KEPT) return HttpStatus.None // none of those below is as long
  if (isName(parser, 'host')) return host(parser)
  if (isName(parser, 'content-length')) return contentLength(parser)
  if (isName(parser, 'transfer-encoding')) return transferEncoding(parser)
  if (isName(parser, 'connection')) return connection(parser)
  if (isName(parser, 'expect')) return expect(parser)
  return HttpStatus.None
}

/** All fields are there: what must hold of them together. */
export function httpFieldsEnd(parser: HttpParser): HttpStatus {
  if (parser.minor != 0 && !parser.hasHost) return HttpStatus.BadRequest // RFC 9112 §3.2
  if (parser.chunked && (parser.hasLength || parser.minor == 0)) return HttpStatus.BadRequest // RFC 9112 §6.1, §6.3
  if (parser.minor == 0) {
    parser.expects = false // RFC 9110 §10.1.1
    if (!parser.saysKeep) parser.keep = false // RFC 9112 §9.3
  }
  return HttpStatus.None
}

function isName(parser: HttpParser, name: cstring): boolean {
  return spells(parser.token, parser.tokenLength, name)
}

/** Exactly one; who it names does not matter here. RFC 9112 §3.2. */
function host(parser: HttpParser): HttpStatus {
  if (parser.hasHost) return HttpStatus.BadRequest
  parser.hasHost = true
  return HttpStatus.None
}

/** Digits only; twice is wrong unless it says the same. RFC 9110 §8.6. More than 32 bits is too large. */
function contentLength(parser: HttpParser): HttpStatus {
  if (parser.valueLength == 0 || parser.valueLength > HTTP_KEPT) return HttpStatus.BadRequest
  let length: u32 = 0
  let large: boolean = false
  for (let i: u32 = 0; i < parser.valueLength; i++) {
    const digit: u32 = load8(parser.value, i) - 0x30
    if (digit > 9) return HttpStatus.BadRequest
    if (length > 429496728) large = true // the next digit may not fit
    length = length * 10 + digit
  }
  if (large) return HttpStatus.ContentTooLarge
  if (parser.hasLength && length != parser.length) return HttpStatus.BadRequest
  parser.hasLength = true
  parser.length = length
  return HttpStatus.None
}

/** Chunked, and nothing else. RFC 9112 §6.1: 501 for a coding that is not understood. */
function transferEncoding(parser: HttpParser): HttpStatus {
  if (parser.chunked) return HttpStatus.BadRequest
  if (parser.valueLength > HTTP_KEPT || !spells(parser.value, parser.valueLength, 'chunked')) return HttpStatus.NotImplemented
  parser.chunked = true
  return HttpStatus.None
}

/** A list of options, of which two are known. RFC 9112 §9.3, §9.6. What is too long to be kept is taken for `close`. */
function connection(parser: HttpParser): HttpStatus {
  if (parser.valueLength > HTTP_KEPT || hasOption(parser, 'close')) parser.keep = false
  if (hasOption(parser, 'keep-alive')) parser.saysKeep = true
  return HttpStatus.None
}

function hasOption(parser: HttpParser, option: cstring): boolean {
  const wanted: u32 = stringLength(option)
  const end: u32 = parser.valueLength < HTTP_KEPT ? parser.valueLength : HTTP_KEPT
  let i: u32 = 0
  while (i < end) {
    const start: u32 = i
    while (i < end && !isBetween(load8(parser.value, i))) i += 1
    if (i - start == wanted && equalBytes(plus(parser.value, start), option as ptr, wanted)) return true
    i += 1
  }
  return false
}

function isBetween(char: u32): boolean {
  return char == COMMA || char == SPACE || char == TAB
}

/** 100-continue, and nothing else. RFC 9110 §10.1.1. */
function expect(parser: HttpParser): HttpStatus {
  if (parser.valueLength > HTTP_KEPT || !spells(parser.value, parser.valueLength, '100-continue')) {
    return HttpStatus.ExpectationFailed
  }
  parser.expects = true
  return HttpStatus.None
}
