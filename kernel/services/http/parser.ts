// What is known of a request while it is read: data only; request.ts reads.

import { struct, type Bytes, type Stored, type bool, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import type { HttpMethod, HttpStatus } from './status.ts'

/** In the order they are passed; up to FieldsLine they take byte by byte, and so do the chunks' up to TrailerLine. */
export const enum HttpState {
  Start, Method, Target, Version, FieldStart, FieldName, FieldValue, FieldsLine,
  HeadDone, Content,
  ChunkSize, ChunkExtension, ChunkLine, ChunkEnd, ChunkEndLine, TrailerStart, TrailerName, TrailerLine,
  ChunkData, Done, Failed,
}

/** Bytes kept of the target. */
export const HTTP_TARGET_KEPT: u32 = 256
/** Bytes kept of a field's name and of its value. */
export const HTTP_KEPT: u32 = 64
@struct
export class HttpParser {
  state: Stored<u8, HttpState>
  method: Stored<u8, HttpMethod>
  minor: u8 // of the version HTTP/1.x, 1 at most
  afterReturn: Stored<u8, bool> // the byte before was a CR: LF must follow
  status: Stored<u16, HttpStatus> // of Failed
  hasHost: Stored<u8, bool>
  hasLength: Stored<u8, bool>
  chunked: Stored<u8, bool>
  keep: Stored<u8, bool> // the connection stays after this request
  saysKeep: Stored<u8, bool> // it has `Connection: keep-alive`
  expects: Stored<u8, bool> // it has `Expect: 100-continue`
  targetLength: u32 // HTTP_TARGET_KEPT of it are kept
  tokenLength: u32 // of method, version, or a field's name; HTTP_KEPT of it are kept
  valueLength: u32 // up to its last byte that is no blank
  blanks: u32 // that came since
  count: u32 // bytes of this part of the head: empty lines, fields, chunk lines
  length: u32 // of the content, or what is missing of this chunk
  left: u32 // content that is missing
  total: u32 // content that came
  piece: ptr // content in the bytes that were given last
  pieceLength: u32
  token: Bytes<64> // HTTP_KEPT
  value: Bytes<64>
  target: Bytes<256> // HTTP_TARGET_KEPT
}

/** It can not be read on. */
export function httpFail(parser: HttpParser, status: HttpStatus): void {
  parser.state = HttpState.Failed
  parser.status = status
}
