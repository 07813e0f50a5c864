// What there is to be asked for: from a request's target to a route. RFC 9112 §3.2. Pure.

import { load8 } from '../../lib/intrinsics.ts'
import { plus, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { equalBytes, spells, stringLength } from '../../lib/memory.ts'
import { HTTP_TARGET_KEPT, type HttpParser } from './parser.ts'
import { HttpMethod, HttpStatus } from './status.ts'

/** `None` is 404. */
export const enum Route { None, Page, Stats, Metrics, Bytes, Sink }

const SLASH: u32 = 0x2f
const QUESTION: u32 = 0x3f

let place: ptr = 0 as ptr
let length: u32 = 0
let number: u32 = 0

/** The route of a request whose head is there. */
export function routeOf(parser: HttpParser): Route {
  if (parser.targetLength > HTTP_TARGET_KEPT) return Route.None
  place = parser.target
  length = parser.targetLength
  withoutOrigin()
  withoutQuery()
  if (isPath('/')) return Route.Page
  if (isPath('/api/stats')) return Route.Stats
  if (isPath('/metrics')) return Route.Metrics
  if (isPath('/sink')) return Route.Sink
  return isBytes() ? Route.Bytes : Route.None
}

/** What a route thinks of a method; 0 if it takes it. */
export function routeStatus(route: Route, method: HttpMethod): HttpStatus {
  if (route == Route.None) return HttpStatus.NotFound
  if (route == Route.Sink) return method == HttpMethod.Post ? HttpStatus.None : HttpStatus.MethodNotAllowed
  return method == HttpMethod.Get || method == HttpMethod.Head ? HttpStatus.None : HttpStatus.MethodNotAllowed
}

/** The methods a route takes: RFC 9110 §10.2.1. */
export function routeAllows(route: Route): cstring {
  return route == Route.Sink ? 'POST' : 'GET, HEAD'
}

/** The N of the last Route.Bytes. */
export function routeNumber(): u32 {
  return number
}

/** The absolute form, which proxies are sent, counts as its path: RFC 9112 §3.2.2. */
function withoutOrigin(): void {
  if (!begins('http://')) return
  skip(stringLength('http://'))
  while (length != 0 && load8(place, 0) != SLASH) skip(1)
}

function withoutQuery(): void {
  let i: u32 = 0
  while (i < length && load8(place, i) != QUESTION) i += 1
  length = i
}

function skip(bytes: u32): void {
  place = plus(place, bytes)
  length -= bytes
}

function begins(text: cstring): boolean {
  const n: u32 = stringLength(text)
  return length >= n && equalBytes(place, text as ptr, n)
}

function isPath(path: cstring): boolean {
  return spells(place, length, path)
}

/** `/bytes/N` with one to nine digits. */
function isBytes(): boolean {
  const prefix: u32 = stringLength('/bytes/')
  if (!begins('/bytes/') || length == prefix || length > prefix + 9) return false
  number = 0
  for (let i: u32 = prefix; i < length; i++) {
    const digit: u32 = load8(place, i) - 0x30
    if (digit > 9) return false
    number = number * 10 + digit
  }
  return true
}
