// One HTTP connection: the request that is being read, and what of its answer TCP has not taken yet. Main-loop context only.
//
// An answer goes out in this order, and the next request is not looked at before all of it has:
//
//   rest     bytes that were made for this answer; a copy in the heap, only if TCP had no room for them
//   tail     bytes that are always there: the page
//   pattern  numbers counted up, made as they go: /bytes/N

import { Errno } from '../../lib/errno.ts'
import { storeBe32 } from '../../lib/intrinsics.ts'
import {
  at, plus, staticMemory, struct, type Embed, type Stored, type bool, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { socketSend } from '../../net/socket/api.ts'
import { MessageFlag } from '../../net/socket/socket.ts'
import { serviceMoved, serviceState, type ServiceConnection } from '../stream-service.ts'
import { HttpParser } from './parser.ts'
import type { Route } from './route.ts'
import type { HttpStatus } from './status.ts'

@struct
export class HttpExchange {
  parser: Embed<HttpParser>
  route: Stored<u8, Route>
  closing: Stored<u8, bool> // after this answer
  broken: Stored<u8, bool> // TCP takes no more
  reserved: u8
  status: Stored<u16, HttpStatus> // what the head alone deserves
  reserved2: u16
  number: u32 // of /bytes/N
  check: u32 // CRC-32 of the content so far
  unmoved: u32 // content that has not counted as movement yet
  rest: ptr // heap, 0 for none
  restNext: ptr
  restLeft: u32
  tail: ptr
  tailLeft: u32
  patternNext: u32
  patternEnd: u32
}

export const enum Pumped { All, Blocked, Broken }

/** Bytes of the pattern made at a time, and how often in a turn. */
const PIECE: u32 = 16384
const PIECES: u32 = 4
const piece = staticMemory(16388) // and what is in front of an unaligned start

/** The state of a connection. */
export function exchangeOf(connection: ServiceConnection): HttpExchange {
  return at<HttpExchange>(serviceState(connection))
}

/** Whether part of an answer is still to be sent. */
export function exchangePending(exchange: HttpExchange): boolean {
  return exchange.rest != 0 || exchange.tailLeft != 0 || exchange.patternNext != exchange.patternEnd
}

/** Send `n` bytes that do not last: what TCP does not take now is copied. Nothing may be pending. */
export function exchangeSend(connection: ServiceConnection, exchange: HttpExchange, from: ptr, n: u32): void {
  const taken: u32 = give(connection, exchange, from, n)
  if (exchange.broken || taken == n) return
  exchange.rest = heapAllocate(n - taken)
  exchange.broken = exchange.rest == 0
  if (exchange.broken) return
  copyBytes(exchange.rest, plus(from, taken), n - taken)
  exchange.restNext = exchange.rest
  exchange.restLeft = n - taken
}

/** How many of `n` bytes TCP takes. */
function give(connection: ServiceConnection, exchange: HttpExchange, from: ptr, n: u32): u32 {
  const sent: i32 = socketSend(connection.watched.handle, from, n, MessageFlag.None)
  if (sent > 0) {
    serviceMoved(connection)
    return sent as u32
  }
  if (sent != Errno.WouldBlock) exchange.broken = true
  return 0
}

/** Send what is pending, as far as TCP takes it. */
export function exchangePump(connection: ServiceConnection, exchange: HttpExchange): Pumped {
  if (exchange.rest != 0) pumpRest(connection, exchange)
  if (exchange.rest == 0 && exchange.tailLeft != 0 && !exchange.broken) pumpTail(connection, exchange)
  if (exchange.rest == 0 && exchange.tailLeft == 0 && !exchange.broken) pumpPattern(connection, exchange)
  if (exchange.broken) return Pumped.Broken
  return exchangePending(exchange) ? Pumped.Blocked : Pumped.All
}

function pumpRest(connection: ServiceConnection, exchange: HttpExchange): void {
  const taken: u32 = give(connection, exchange, exchange.restNext, exchange.restLeft)
  exchange.restNext = plus(exchange.restNext, taken)
  exchange.restLeft -= taken
  if (exchange.restLeft == 0) exchangeDrop(exchange)
}

function pumpTail(connection: ServiceConnection, exchange: HttpExchange): void {
  const taken: u32 = give(connection, exchange, exchange.tail, exchange.tailLeft)
  exchange.tail = plus(exchange.tail, taken)
  exchange.tailLeft -= taken
}

function pumpPattern(connection: ServiceConnection, exchange: HttpExchange): void {
  let pieces: u32 = 0
  while (exchange.patternNext != exchange.patternEnd && pieces < PIECES) {
    const left: u32 = exchange.patternEnd - exchange.patternNext
    const want: u32 = left < PIECE ? left : PIECE
    patternFill(exchange.patternNext >>> 2, (want + 7) >>> 2)
    const taken: u32 = give(connection, exchange, plus(piece, exchange.patternNext & 3), want)
    exchange.patternNext += taken
    if (taken < want) return
    pieces += 1
  }
}

/** `count` numbers from `first` on, 32 bits each, most significant byte first. */
function patternFill(first: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) storeBe32(piece, i << 2, first + i)
}

/** Give up what the heap holds. */
export function exchangeDrop(exchange: HttpExchange): void {
  if (exchange.rest != 0) heapFree(exchange.rest)
  exchange.rest = 0 as ptr
  exchange.restLeft = 0
}
