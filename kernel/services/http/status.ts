// The status codes of HTTP that are answered here, and the methods that are known. RFC 9110 §9, §15.

import type { cstring, ptr, u32 } from '../../lib/layout.ts'
import { spells } from '../../lib/memory.ts'

/** RFC 9110 §9.3 and RFC 5789 §2: all that a server may be expected to know. Only the first three are served. */
export const enum HttpMethod { Unknown, Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch }

export const enum HttpStatus {
  None = 0,
  Ok = 200,
  BadRequest = 400,
  NotFound = 404,
  MethodNotAllowed = 405,
  RequestTimeout = 408,
  ContentTooLarge = 413,
  UriTooLong = 414,
  ExpectationFailed = 417,
  FieldsTooLarge = 431,
  ServerError = 500,
  NotImplemented = 501,
  VersionNotSupported = 505,
}

/** Code and reason of a status line. */
export function httpStatusText(status: HttpStatus): cstring {
  switch (status) {
    case HttpStatus.Ok: return '200 OK'
    case HttpStatus.BadRequest: return '400 Bad Request'
    case HttpStatus.NotFound: return '404 Not Found'
    case HttpStatus.MethodNotAllowed: return '405 Method Not Allowed'
    case HttpStatus.RequestTimeout: return '408 Request Timeout'
    case HttpStatus.ContentTooLarge: return '413 Content Too Large'
    case HttpStatus.UriTooLong: return '414 URI Too Long'
    case HttpStatus.ExpectationFailed: return '417 Expectation Failed'
    case HttpStatus.FieldsTooLarge: return '431 Request Header Fields Too Large'
    case HttpStatus.NotImplemented: return '501 Not Implemented'
    case HttpStatus.VersionNotSupported: return '505 HTTP Version Not Supported'
    default: return '500 Internal Server Error'
  }
}

/** The method that `length` bytes spell; they are case-sensitive. RFC 9110 §9.1. */
export function httpMethodOf(text: ptr, length: u32): HttpMethod {
  if (spells(text, length, 'GET')) return HttpMethod.Get
  if (spells(text, length, 'HEAD')) return HttpMethod.Head
  if (spells(text, length, 'POST')) return HttpMethod.Post
  if (spells(text, length, 'PUT')) return HttpMethod.Put
  if (spells(text, length, 'DELETE')) return HttpMethod.Delete
  if (spells(text, length, 'CONNECT')) return HttpMethod.Connect
  if (spells(text, length, 'OPTIONS')) return HttpMethod.Options
  if (spells(text, length, 'TRACE')) return HttpMethod.Trace
  if (spells(text, length, 'PATCH')) return HttpMethod.Patch
  return HttpMethod.Unknown
}
