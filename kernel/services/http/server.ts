// HTTP/1.1 on port 80: connections that stay, requests one after another as they come, answers in their order. RFC 9110 §6,
// RFC 9112 §9. What is answered: route.ts, respond.ts. Main-loop context only.
//
// Requests are read in TCP's queue and taken off it as far as they were read; while an answer waits for room, nothing is
// read, so requests that come faster than their answers leave wait at the sender. Time is for a whole head, not
// for its next byte, and for HTTP_BODY_STEP bytes of content: who trickles bytes is gone after HTTP_IDLE.

import { HTTP_BODY_STEP, HTTP_CONNECTIONS, HTTP_IDLE } from '../../config.ts'
import { crc32 } from '../../lib/crc32.ts'
import { Errno } from '../../lib/errno.ts'
import { plus, sizeof, staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { socketReceive } from '../../net/socket/api.ts'
import { socketSetOption } from '../../net/socket/options.ts'
import { MessageFlag, SocketEvent, SocketOption } from '../../net/socket/socket.ts'
import {
  serviceAwait, serviceClose, serviceEnd, serviceListen, serviceMoved, type ServiceConnection,
} from '../stream-service.ts'
import { httpListener } from './counters.ts'
import {
  HttpExchange, Pumped, exchangeDrop, exchangeOf, exchangePending, exchangePump,
} from './exchange.ts'
import { pageInit } from './page.ts'
import { HttpState, httpFail } from './parser.ts'
import { httpBegin, httpBody, httpHasBody, httpIsFresh, httpRead } from './request.ts'
import { respond, respondContinue } from './respond.ts'
import { Route, routeNumber, routeOf, routeStatus } from './route.ts'
import { HttpStatus } from './status.ts'

/** IANA: http. */
export const HTTP_PORT: u32 = 80
/** Bytes read at a time, and how often in a turn. */
const INPUT: u32 = 32768
const TURNS: u32 = 4

const input = staticMemory(INPUT)

/** Start serving on TCP port 80. Errors: those of serviceListen. */
export function httpServiceStart(): i32 {
  pageInit()
  httpListener.name = 'http'
  httpListener.connected = connected
  httpListener.ready = ready
  httpListener.idled = idled
  httpListener.idle = HTTP_IDLE
  return serviceListen(httpListener, HTTP_PORT, HTTP_CONNECTIONS, sizeof<HttpExchange>())
}

function connected(connection: ServiceConnection, events: u32): void {
  socketSetOption(connection.watched.handle, SocketOption.NoDelay, 1) // an answer is given whole: nothing joins its end
  httpBegin(exchangeOf(connection).parser)
  ready(connection, events)
}

function ready(connection: ServiceConnection, events: u32): void {
  const exchange = exchangeOf(connection)
  const handle: u32 = connection.watched.handle
  let turns: u32 = 0
  while (turns < TURNS) {
    turns += 1
    const pumped = exchangePump(connection, exchange)
    if (pumped == Pumped.Broken) return close(connection, exchange)
    if (pumped == Pumped.Blocked) return serviceAwait(connection, SocketEvent.Out)
    if (exchange.closing) return serviceEnd(connection)
    const seen: i32 = socketReceive(handle, input, INPUT, MessageFlag.Peek)
    if (seen == Errno.WouldBlock) return serviceAwait(connection, SocketEvent.In)
    if (seen <= 0) return close(connection, exchange)
    socketReceive(handle, 0 as ptr, read(connection, exchange, seen as u32), MessageFlag.Truncate)
  }
  serviceAwait(connection, SocketEvent.In | SocketEvent.Out)
}

function close(connection: ServiceConnection, exchange: HttpExchange): void {
  exchangeDrop(exchange)
  serviceClose(connection)
}

/** Nothing moved for long: a request that began is told so (RFC 9110 §15.5.9), who only kept the connection is not. */
function idled(connection: ServiceConnection, events: u32): void {
  const exchange = exchangeOf(connection)
  if (exchangePending(exchange) || httpIsFresh(exchange.parser)) return close(connection, exchange)
  httpFail(exchange.parser, HttpStatus.RequestTimeout)
  respond(connection, exchange)
  if (exchangePending(exchange) || exchange.broken) close(connection, exchange)
  else serviceEnd(connection)
}

/** Read from `n` bytes of input, as many requests as can be answered; how many bytes were used. */
function read(connection: ServiceConnection, exchange: HttpExchange, n: u32): u32 {
  let used: u32 = 0
  if (httpIsFresh(exchange.parser)) serviceMoved(connection)
  while (used < n && !exchange.closing && !exchange.broken && !exchangePending(exchange)) {
    used += httpRead(exchange.parser, plus(input, used), n - used)
    if (exchange.parser.pieceLength != 0) content(connection, exchange)
    if (exchange.parser.state == HttpState.HeadDone) headDone(connection, exchange)
    if (stateOf(exchange) >= HttpState.Done) answer(connection, exchange)
  }
  return used
}

function stateOf(exchange: HttpExchange): HttpState {
  return exchange.parser.state
}

/** Content is counted and checked where somebody asks for that; otherwise it only goes by. */
function content(connection: ServiceConnection, exchange: HttpExchange): void {
  const parser = exchange.parser
  if (exchange.route == Route.Sink) exchange.check = crc32(exchange.check, parser.piece, parser.pieceLength)
  exchange.unmoved += parser.pieceLength
  if (exchange.unmoved < HTTP_BODY_STEP) return
  exchange.unmoved = 0
  serviceMoved(connection)
}

/** The head says what will be answered; who waits for a word before the content gets it. RFC 9110 §10.1.1. */
function headDone(connection: ServiceConnection, exchange: HttpExchange): void {
  const parser = exchange.parser
  serviceMoved(connection)
  exchange.route = routeOf(parser)
  exchange.number = routeNumber()
  exchange.status = routeStatus(exchange.route, parser.method)
  exchange.check = 0
  exchange.unmoved = 0
  if (parser.expects && httpHasBody(parser)) {
    if (exchange.status != HttpStatus.None) return httpFail(parser, exchange.status)
    respondContinue(connection, exchange)
  }
  httpBody(parser)
}

function answer(connection: ServiceConnection, exchange: HttpExchange): void {
  respond(connection, exchange)
  if (!exchange.closing) httpBegin(exchange.parser)
}
