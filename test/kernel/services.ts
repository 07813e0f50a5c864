// The services over TCP as their unit tests call them: the stack of net.ts, a stream protocol whose other end the test
// holds, rounds of the services alone, and the parser of HTTP by itself.

import { staticStruct, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { heapInit, heapStats } from '../../kernel/mm/heap.ts'
import { socketsInit } from '../../kernel/net/socket/api.ts'
import { socketCounters } from '../../kernel/net/socket/table.ts'
import { HttpParser, httpBegin, httpBody, httpHasBody, httpRead } from '../../kernel/services/http/request.ts'
import { routeNumber, routeOf } from '../../kernel/services/http/route.ts'
import { httpListener } from '../../kernel/services/http/server.ts'
import { servicesInit, servicesPoll } from '../../kernel/services/stream-service.ts'
import { fakeTcpStart } from './fake-tcp.ts'

export * from './net.ts'
export { memoryAdd } from './net-sockets.ts'
export { crc32 } from '../../kernel/lib/crc32.ts'
export { chargenStreamStart } from '../../kernel/services/chargen-stream.ts'
export { discardStreamBytes, discardStreamStart } from '../../kernel/services/discard-stream.ts'
export { echoStreamStart } from '../../kernel/services/echo-stream.ts'
export { httpServiceStart } from '../../kernel/services/http/server.ts'
export { servicesPoll } from '../../kernel/services/stream-service.ts'
export {
  fakeTcpAcceptFault, fakeTcpClosed, fakeTcpConnect, fakeTcpEnd, fakeTcpGive, fakeTcpReset, fakeTcpStart, fakeTcpTake, fakeTcpWindow,
} from './fake-tcp.ts'

const parser = staticStruct<HttpParser>()

/** A stream protocol, no services yet. */
export function servicesStart(): void {
  heapInit()
  socketsInit()
  fakeTcpStart()
  servicesInit()
}

/** No stream protocol, no services. */
export function servicesStartAlone(): void {
  heapInit()
  socketsInit()
  servicesInit()
}

/** Rounds until nobody is ready, `most` at most; how many there were. */
export function servicesRun(most: u32): u32 {
  let rounds: u32 = 0
  while (rounds < most && servicesPoll() != 0) rounds += 1
  return rounds
}

export function socketsOpen(): u32 {
  return socketCounters.open
}

export function heapAllocations(): u32 {
  return heapStats().allocations
}

/** connections now, accepted, refused, expired, listening. */
export function httpCounter(which: u32): u32 {
  const listener = httpListener()
  switch (which) {
    case 0: return listener.pool.used
    case 1: return listener.accepted
    case 2: return listener.refused
    case 3: return listener.expired
    default: return listener.listening
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
