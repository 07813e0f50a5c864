// Answers: a head, and content that is made here, lies ready, or is counted up. RFC 9112 §4, §6.2, §9.3; RFC 9110 §8, §15.
//
// One buffer for all: content is written behind room for a head, the head is put directly before it when the length is
// known, and both go to TCP in one piece. The status JSON has a buffer of its own and is written anew once a millisecond, which
// is as fine as the time in it: more requests in one get the same.

import { VERSION } from '../../config.ts'
import { plus, staticMemory, staticStruct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { copyBytes } from '../../lib/memory.ts'
import {
  TextWriter, writeDecimal, writeHexDigits, writeText, writerInit, writerLength,
} from '../../lib/print.ts'
import type { ServiceConnection } from '../stream-service.ts'
import { httpCounters } from './counters.ts'
import { dateWrite } from './date.ts'
import { exchangeSend, type HttpExchange } from './exchange.ts'
import { metricsWrite } from './metrics.ts'
import { pageLength, pageText } from './page.ts'
import { HttpState } from './parser.ts'
import { Route, routeAllows } from './route.ts'
import { statsWrite } from './stats.ts'
import { HttpMethod, HttpStatus, httpStatusText } from './status.ts'

/** Room for a head: the longest here is 457 bytes. */
const HEAD: u32 = 512
/** Room for content: 32 interfaces, every reason to drop, HTTP_LOG escaped. */
const CONTENT: u32 = 49152

const buffer = staticMemory(HEAD + CONTENT)
const headBuffer = staticMemory(HEAD)
const writer = staticStruct<TextWriter>()
const head = staticStruct<TextWriter>()
const statsBuffer = staticMemory(HEAD + CONTENT)
const stats = staticStruct<TextWriter>() // without a start until it is written
let statsTime: u32 = 0

/** Answer the request that was read, or could not be. */
export function respond(connection: ServiceConnection, exchange: HttpExchange): void {
  httpCounters.answers += 1
  const parser = exchange.parser
  if (parser.state == HttpState.Failed) exchange.status = parser.status
  if (!parser.keep || parser.state != HttpState.Done) exchange.closing = true
  writerInit(writer, plus(buffer, HEAD), CONTENT)
  if (exchange.status != HttpStatus.None) return refuse(connection, exchange)
  switch (exchange.route) {
    case Route.Page: return page(connection, exchange)
    case Route.Bytes: return bytes(connection, exchange)
    case Route.Stats:
      if (stats.start == 0 || statsTime != nowMilliseconds()) makeStats()
      return made(connection, exchange, stats, 'application/json')
    case Route.Metrics:
      metricsWrite(writer)
      return made(connection, exchange, writer, 'text/plain; version=0.0.4; charset=utf-8')
    default:
      sink(exchange)
      return made(connection, exchange, writer, 'application/json')
  }
}

function makeStats(): void {
  statsTime = nowMilliseconds()
  writerInit(stats, plus(statsBuffer, HEAD), CONTENT)
  statsWrite(stats)
}

/** `100 Continue`. RFC 9110 §15.2.1. */
export function respondContinue(connection: ServiceConnection, exchange: HttpExchange): void {
  writerInit(writer, buffer, HEAD)
  writeText(writer, 'HTTP/1.1 100 Continue\r\n\r\n')
  exchangeSend(connection, exchange, buffer, writerLength(writer))
}

function refuse(connection: ServiceConnection, exchange: HttpExchange): void {
  writeText(writer, httpStatusText(exchange.status))
  writeText(writer, '\n')
  const length: u32 = writerLength(writer)
  headStart(exchange, exchange.status, 'text/plain; charset=utf-8', length)
  if (exchange.status == HttpStatus.MethodNotAllowed) {
    writeText(head, 'Allow: ')
    writeText(head, routeAllows(exchange.route))
    writeText(head, '\r\n')
  }
  send(connection, exchange, writer)
}

/** The content that was written is the answer; what did not fit whole is none. */
function made(connection: ServiceConnection, exchange: HttpExchange, content: TextWriter, type: cstring): void {
  if (content.cut) {
    exchange.status = HttpStatus.ServerError
    writerInit(writer, plus(buffer, HEAD), CONTENT)
    return refuse(connection, exchange)
  }
  headStart(exchange, HttpStatus.Ok, type, writerLength(content))
  writeText(head, 'Cache-Control: no-store\r\n')
  send(connection, exchange, content)
}

function page(connection: ServiceConnection, exchange: HttpExchange): void {
  headStart(exchange, HttpStatus.Ok, 'text/html; charset=utf-8', pageLength())
  writeText(head, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; ")
  writeText(head, "script-src 'unsafe-inline'; connect-src 'self'; img-src data:\r\n")
  if (hasContent(exchange)) {
    exchange.tail = pageText()
    exchange.tailLeft = pageLength()
  }
  send(connection, exchange, writer)
}

/** N bytes: the numbers 0, 1, 2 …, 32 bits each, most significant byte first; the last may be cut. */
function bytes(connection: ServiceConnection, exchange: HttpExchange): void {
  headStart(exchange, HttpStatus.Ok, 'application/octet-stream', exchange.number)
  if (hasContent(exchange)) {
    exchange.patternNext = 0
    exchange.patternEnd = exchange.number
  }
  send(connection, exchange, writer)
}

function sink(exchange: HttpExchange): void {
  writeText(writer, '{"bytes":')
  writeDecimal(writer, exchange.parser.total)
  writeText(writer, ',"crc32":"')
  writeHexDigits(writer, exchange.check, 8)
  writeText(writer, '"}\n')
}

/** RFC 9110 §9.3.2: the answer to HEAD has none. */
function hasContent(exchange: HttpExchange): boolean {
  return exchange.parser.method != HttpMethod.Head
}

function headStart(exchange: HttpExchange, status: HttpStatus, type: cstring, length: u32): void {
  writerInit(head, headBuffer, HEAD)
  writeText(head, 'HTTP/1.1 ')
  writeText(head, httpStatusText(status))
  writeText(head, '\r\nServer: Porphyry/')
  writeText(head, VERSION)
  writeText(head, '\r\nContent-Type: ')
  writeText(head, type)
  writeText(head, '\r\nContent-Length: ')
  writeDecimal(head, length)
  writeText(head, '\r\nX-Content-Type-Options: nosniff\r\n')
  dateWrite(head)
  if (exchange.closing) writeText(head, 'Connection: close\r\n')
  else if (exchange.parser.minor == 0) writeText(head, 'Connection: keep-alive\r\n')
}

/** A head, and the content behind it, of which there is none where the method is HEAD. There is room before `content`. */
function send(connection: ServiceConnection, exchange: HttpExchange, content: TextWriter): void {
  writeText(head, '\r\n')
  const headLength: u32 = writerLength(head)
  const start: ptr = plus(content.start, 0 - headLength)
  copyBytes(start, head.start, headLength)
  exchangeSend(connection, exchange, start, hasContent(exchange) ? headLength + writerLength(content) : headLength)
}
