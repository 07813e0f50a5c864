// HTTP as its unit tests call it: the parser by itself, and the server over the pipes of services.ts.

import { staticStruct, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { heapStats } from '../../kernel/mm/heap.ts'
import { HttpParser } from '../../kernel/services/http/parser.ts'
import { httpBegin, httpBody, httpHasBody, httpRead } from '../../kernel/services/http/request.ts'
import { routeNumber, routeOf } from '../../kernel/services/http/route.ts'
import { httpListener } from '../../kernel/services/http/counters.ts'

export { wallClockSet } from '../../kernel/lib/wall-clock.ts'
export { crc32 } from '../../kernel/lib/crc32.ts'
export { httpServiceStart } from '../../kernel/services/http/server.ts'

const parser = staticStruct<HttpParser>()

export function heapAllocations(): u32 {
  return heapStats().allocations
}

/** connections now, accepted, refused, expired, listening. */
export function httpCounter(which: u32): u32 {
  switch (which) {
    case 0: return httpListener.pool.used
    case 1: return httpListener.accepted
    case 2: return httpListener.refused
    case 3: return httpListener.expired
    default: return httpListener.listening
  }
}

// --- The parser by itself. -----------------------------------------------------------------------------------
export function parserBegin(): void {
  httpBegin(parser)
}

export function parserRead(bytes: ptr, n: u32): u32 {
  return httpRead(parser, bytes, n)
}

export function parserBody(): void {
  httpBody(parser)
}

/** state, status, method, minor, keep, expects, has a body, target's length, total, piece, its length, route, its number. */
export function parserField(which: u32): u32 {
  switch (which) {
    case 0: return parser.state
    case 1: return parser.status
    case 2: return parser.method
    case 3: return parser.minor
    case 4: return parser.keep ? 1 : 0
    case 5: return parser.expects ? 1 : 0
    case 6: return httpHasBody(parser) ? 1 : 0
    case 7: return parser.targetLength
    case 8: return parser.total
    case 9: return parser.piece
    case 10: return parser.pieceLength
    case 11: return routeOf(parser)
    default: return routeNumber()
  }
}

export function parserTarget(): ptr {
  return parser.target
}
