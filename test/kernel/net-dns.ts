// The resolver as the unit tests see it: names in and out of messages, questions whose ends are remembered, the cache.

import { copyBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import {
  address, nth, sizeof, staticMemory, staticRow, staticStruct, struct, type Embed, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { DnsAnswer, dnsCacheCleanUp, dnsCacheCount, dnsCacheFind, dnsCacheStore } from '../../kernel/net/dns/cache.ts'
import { dnsResponseFault } from '../../kernel/net/dns/message.ts'
import { dnsNameFromText, dnsNameLength, dnsNameRead, dnsNameToText } from '../../kernel/net/dns/name.ts'
import { dnsQueryAt, type DnsQuery } from '../../kernel/net/dns/query.ts'
import { dnsAnswerAddress, dnsCancel, dnsResolve, dnsStatistics } from '../../kernel/net/dns/resolver.ts'
import { dnsServerAdd, dnsServerAt, dnsServerCount, dnsServerRemove } from '../../kernel/net/dns/servers.ts'

export { dnsCacheCleanUp, dnsCacheCount, dnsCancel, dnsNameFromText, dnsNameLength, dnsNameRead, dnsNameToText }
export { dnsResponseFault, dnsServerAdd, dnsServerAt, dnsServerCount, dnsServerRemove }

@struct
class Ending {
  context: u32
  answer: Embed<DnsAnswer>
}

const ENDINGS: u32 = 64
const endings = staticRow<Ending>(ENDINGS)
let count: u32 = 0
const scratch = staticStruct<DnsAnswer>()
const text = staticMemory(1024)
const key = staticMemory(256)

/** Ask; `context` is the number that the ending will have. */
export function resolve(name: cstring, type: u32, context: u32): i32 {
  return dnsResolve(name, type, ended, context as ptr)
}

function ended(answer: DnsAnswer, context: ptr): void {
  const ending = nth(endings, count % ENDINGS)
  ending.context = context as u32
  copyBytes(address(ending.answer), address(answer), sizeof<DnsAnswer>())
  count += 1
}

export function endingCount(): u32 {
  return count
}

/** Of an ending: 0 its context, 1 status, 2 addresses, 3 seconds to live, 4 type, 5 the canonical name's text, 6 addresses' bytes. */
export function endingField(index: u32, field: u32): u32 {
  const ending = nth(endings, index)
  switch (field) {
    case 0: return ending.context
    case 1: return ending.answer.status
    case 2: return ending.answer.count
    case 3: return ending.answer.timeToLive
    case 4: return ending.answer.type
    case 5:
      dnsNameToText(text, ending.answer.canonical)
      return text as u32
    default: return ending.answer.addresses as u32
  }
}

export function endingAddress(index: u32, place: u32): u32 {
  return dnsAnswerAddress(nth(endings, index).answer, place)
}

/** Ports and numbers of the questions on their way, for who wants to forge an answer: 0 port, 1 id, 2 server, 3 state. */
export function queryField(index: u32, field: u32): u32 {
  const query: DnsQuery = dnsQueryAt(index)
  switch (field) {
    case 0: return query.port
    case 1: return query.id
    case 2: return query.server
    default: return query.state
  }
}

/** Remember an answer of no address under a name. */
export function cacheStore(name: cstring, length: u32, type: u32, status: u32, seconds: u32): void {
  zeroBytes(address(scratch), sizeof<DnsAnswer>())
  scratch.status = status
  scratch.timeToLive = seconds
  dnsNameFromText(key, name as ptr, length)
  dnsCacheStore(key, type, scratch)
}

/** The seconds left of what is remembered, or 0xffffffff. */
export function cacheFind(name: cstring, length: u32, type: u32): u32 {
  dnsNameFromText(key, name as ptr, length)
  return dnsCacheFind(scratch, key, type) ? scratch.timeToLive : 0xffffffff
}

export function cacheFoundStatus(): u32 {
  return scratch.status
}

/** 0 queries sent, 1 responses taken, 2 cache hits, 3 cache misses, 4 joined, 5 failures, 6 streams. */
export function dnsStatistic(index: u32): u32 {
  switch (index) {
    case 0: return dnsStatistics.queriesSent
    case 1: return dnsStatistics.responsesTaken
    case 2: return dnsStatistics.cacheHits
    case 3: return dnsStatistics.cacheMisses
    case 4: return dnsStatistics.joined
    case 5: return dnsStatistics.failures
    default: return dnsStatistics.streams
  }
}
