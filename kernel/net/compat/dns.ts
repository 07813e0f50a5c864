// RustOS's DNS messages and resolver (`net/dns.rs`) over the stack's. RFC 1035 §4. Questions are asked, retried and their
// answers matched by the resolver itself (net/dns/resolver.ts); here are messages made and read without it, and what it
// remembers, under RustOS's names. Main-loop context only: names are taken apart in static memory.

import { load8, loadBe32 } from '../../lib/intrinsics.ts'
import { copyBytes, stringLength } from '../../lib/memory.ts'
import { at, nth, plus, staticMemory, staticStruct, struct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { dnsCacheCleanUp, dnsCacheCount, dnsCacheFind, dnsCacheInit, DnsAnswer, DnsStatus } from '../dns/cache.ts'
import { DNS_RESPONSE, DnsHeader, DnsRecordType } from '../dns/header.ts'
import { DnsRecord, dnsQueryWrite, dnsRecordFirst, dnsRecordNext } from '../dns/message.ts'
import { dnsNameFromText, dnsNameRead } from '../dns/name.ts'
import { dnsStatistics } from '../dns/resolver.ts'
import { dnsServerAdd, dnsServerAt, dnsServerCount, dnsServerRemove } from '../dns/servers.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

export const DNS_HEADER_SIZE: u32 = 12
export const DNS_MAX_UDP_SIZE: u32 = 512
export const DNS_MAX_TCP_SIZE: u32 = 65535
/** Type and class, behind the name of a question. */
const QUESTION_TAIL: u32 = 4
/** "Recursion available" in `flags`. RFC 1035 §4.1.1. */
const RECURSION_AVAILABLE: u32 = 0x0080

const name = staticMemory(256)
const walked = staticStruct<DnsRecord>()
const answer = staticStruct<DnsAnswer>()

@struct
export class DnsMessage {
  bytes: ptr
  length: u32

  get header(): DnsHeader { return at<DnsHeader>(this.bytes) }

  /** A query for a name, in `room` bytes at `p`. Errors: InvalidArgument (no name), BufferTooSmall. */
  newQuery(p: ptr, room: u32, id: u32, text: cstring, type: u32): NetworkResult {
    if (dnsNameFromText(name, text as ptr, stringLength(text)) == 0) return NetworkError.InvalidArgument
    const length: u32 = dnsQueryWrite(p, room, id, name, type)
    if (length == 0) return NetworkError.BufferTooSmall
    this.bytes = p
    this.length = length
    return NetworkError.None
  }

  /** A response to a query, with its question and no record, in `room` bytes at `p`. Errors: BufferTooSmall, InvalidPacket (the query). */
  newResponse(p: ptr, room: u32, query: DnsMessage): NetworkResult {
    const end: u32 = questionsEnd(query.bytes, query.length)
    if (end == 0) return NetworkError.InvalidPacket
    if (end > room) return NetworkError.BufferTooSmall
    copyBytes(p, query.bytes, end)
    this.bytes = p
    this.length = end
    const header = this.header
    header.flags = header.flags | DNS_RESPONSE | RECURSION_AVAILABLE
    header.answers = 0
    header.authorities = 0
    header.additional = 0
    return NetworkError.None
  }

  /**
   * Look at `length` bytes at `p`. Errors: InvalidPacket (a name, question or record that does not fit; a pointer that
   * does not go back).
   */
  fromBytes(p: ptr, length: u32): NetworkResult {
    if (questionsEnd(p, length) == 0) return NetworkError.InvalidPacket
    const header = at<DnsHeader>(p)
    let seen: u32 = 0
    let more: boolean = dnsRecordFirst(walked, p, length)
    while (more) {
      seen += 1
      more = dnsRecordNext(walked)
    }
    if (seen != header.answers + header.authorities + header.additional) return NetworkError.InvalidPacket
    this.bytes = p
    this.length = length
    return NetworkError.None
  }

  /** The first record of a message that `fromBytes` took; false when there is none. Then dnsRecordNext. */
  firstRecord(out: DnsRecord): boolean { return dnsRecordFirst(out, this.bytes, this.length) }
}

/** The offset after the questions, 0 when they do not fit. */
function questionsEnd(p: ptr, length: u32): u32 {
  if (length < DNS_HEADER_SIZE) return 0
  let offset: u32 = DNS_HEADER_SIZE
  const count: u32 = at<DnsHeader>(p).questions
  for (let i: u32 = 0; i < count; i++) {
    const end: u32 = dnsNameRead(name, p, length, offset)
    if (end == 0 || end + QUESTION_TAIL > length) return 0
    offset = end + QUESTION_TAIL
  }
  return offset
}

/** The address of an A record, at `out`. Errors: ProtocolError (another type, or not four bytes). */
export function asIpv4Address(record: DnsRecord, out: NetworkAddress): NetworkResult {
  if (record.type != DnsRecordType.A || record.dataLength != 4) return NetworkError.ProtocolError
  out.setIpv4(loadBe32(record.message, record.data))
  return NetworkError.None
}

/**
 * The first string of a TXT record: its bytes, `room` at most, at `to`. Errors: ProtocolError (another type, or a length
 * that is wrong).
 */
export function asText(record: DnsRecord, to: ptr, room: u32): NetworkResult {
  if (record.type != DnsRecordType.Txt || record.dataLength == 0) return NetworkError.ProtocolError
  const length: u32 = load8(record.message, record.data)
  if (length + 1 > record.dataLength) return NetworkError.ProtocolError
  const taken: u32 = length < room ? length : room
  copyBytes(to, plus(record.message, record.data + 1), taken)
  return taken as number as NetworkResult
}

/** The addresses of a message's A records, `room` at most, at `out`; returns how many. */
export function extractIpv4Addresses(message: DnsMessage, out: NetworkAddress, room: u32): u32 {
  let count: u32 = 0
  let more: boolean = message.firstRecord(walked)
  while (more) {
    if (count < room && asIpv4Address(walked, nth(out, count)) == NetworkError.None) count += 1
    more = dnsRecordNext(walked)
  }
  return count
}

@struct
export class DnsResolverStats {
  queriesCreated: u32
  responsesProcessed: u32
  cacheHits: u32
  cacheMisses: u32
  cacheEntries: u32
  errors: u32
}

@struct
export class DnsResolver {
  unused: u32 // there is one, and its state is the stack's

  /**
   * Ask a server before those of the interfaces. Errors: InvalidAddress (no IPv4 host), AddressInUse (it is asked
   * already), InsufficientMemory.
   */
  static addServer(a: NetworkAddress): NetworkResult {
    if (!a.isIpv4) return NetworkError.InvalidAddress
    const result = networkErrorOf(dnsServerAdd(a.asIpv4))
    return result == NetworkError.InvalidArgument ? NetworkError.InvalidAddress : result
  }

  /** Undo addServer. Errors: InvalidAddress (not there). */
  static removeServer(a: NetworkAddress): NetworkResult {
    return a.isIpv4 ? networkErrorOf(dnsServerRemove(a.asIpv4)) : NetworkError.InvalidAddress
  }

  /** How many servers there are, those of the interfaces included; the `index`th is serverAt. */
  static servers(): u32 { return dnsServerCount() }
  static serverAt(index: u32, out: NetworkAddress): void { out.setIpv4(dnsServerAt(index)) }

  /**
   * What is remembered of a name's A, AAAA or CNAME, at `out`, aliases followed. False when nothing is, or that there
   * is nothing. Names are the same whatever the case of their letters.
   */
  static resolveCached(text: cstring, type: u32, out: DnsAnswer): boolean {
    if (dnsNameFromText(name, text as ptr, stringLength(text)) == 0) return false
    return dnsCacheFind(out, name, type) && out.status == DnsStatus.Found
  }

  /** The first address that is remembered of a name, at `out`; false when there is none. */
  static resolveIpv4(text: cstring, out: NetworkAddress): boolean {
    if (!DnsResolver.resolveCached(text, DnsRecordType.A, answer) || answer.count == 0) return false
    out.setIpv4(loadBe32(answer.addresses, 0))
    return true
  }

  /** Forget what is too old. */
  static cleanupCache(): void { dnsCacheCleanUp() }

  /** Forget everything. */
  static clearCache(): void { dnsCacheInit() }

  static stats(out: DnsResolverStats): void {
    out.queriesCreated = dnsStatistics.queriesSent
    out.responsesProcessed = dnsStatistics.responsesTaken
    out.cacheHits = dnsStatistics.cacheHits
    out.cacheMisses = dnsStatistics.cacheMisses
    out.cacheEntries = dnsCacheCount()
    out.errors = dnsStatistics.failures
  }
}
