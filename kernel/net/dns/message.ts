// DNS messages: a question written, an answer believed or not, its records walked. RFC 1035 §4.1, RFC 5452 §9.1. Pure.
//
// dnsResponseFault is the one place that decides whether a message is the answer to a question: header, question
// and every record of all sections are inside the message when it has said None.

import { loadBe16, loadBe32, storeBe16 } from '../../lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import { at, plus, sizeof, staticMemory, staticStruct, struct, type Stored, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import {
  DNS_OPCODE, DNS_RECURSION_DESIRED, DNS_RESPONSE, DnsClass, DnsHeader, DnsRecordType,
} from './header.ts'
import { dnsNameEqual, dnsNameLength, dnsNameRead } from './name.ts'

/** Why a message is not the answer. */
export const enum DnsFault {
  None,
  Length, // shorter than the header
  NotResponse, // a query, or another operation than QUERY
  Id, // not the one that was asked with
  Question, // not the one that was asked: RFC 5452 §9.1
  Record, // a record or name that does not fit the message
}

export const enum DnsSection { Answer, Authority, Additional }

/** One record of a message. RFC 1035 §4.1.3. */
@struct
export class DnsRecord {
  message: ptr
  length: u32 // of the message
  owner: u32 // offset of its name
  type: Stored<u16, DnsRecordType>
  class: Stored<u16, DnsClass>
  timeToLive: u32 // seconds; RFC 2181 §8: what does not fit 31 bits is 0
  data: u32 // offset
  dataLength: u16
  section: Stored<u16, DnsSection>
  left: u16 // records after this one, in its section
  reserved: u16
}

/** Type and class of a question; type, class, TTL and length of a record. */
const QUESTION_TAIL: u32 = 4
const RECORD_TAIL: u32 = 10
/** SERIAL to MINIMUM of an SOA, after its two names: RFC 1035 §3.3.13. */
const SOA_TAIL: u32 = 20
const SOA_MINIMUM: u32 = 16

const name = staticMemory(256)
const walked = staticStruct<DnsRecord>()

/** Write a query that asks for recursion. Returns its length, 0 if `room` is too small. */
export function dnsQueryWrite(p: ptr, room: u32, id: u32, question: ptr, type: u32): u32 {
  const length: u32 = dnsNameLength(question)
  const end: u32 = sizeof<DnsHeader>() + length
  if (end + QUESTION_TAIL > room) return 0
  zeroBytes(p, sizeof<DnsHeader>())
  const header = at<DnsHeader>(p)
  header.id = id
  header.flags = DNS_RECURSION_DESIRED
  header.questions = 1
  copyBytes(plus(p, sizeof<DnsHeader>()), question, length)
  storeBe16(p, end, type)
  storeBe16(p, end + 2, DnsClass.Internet)
  return end + QUESTION_TAIL
}

/** Why `length` bytes are not the response to a query with this id, name and type, or `None`. */
export function dnsResponseFault(p: ptr, length: u32, id: u32, question: ptr, type: u32): DnsFault {
  if (length < sizeof<DnsHeader>()) return DnsFault.Length
  const header = at<DnsHeader>(p)
  if ((header.flags & DNS_RESPONSE) == 0 || (header.flags & DNS_OPCODE) != 0) return DnsFault.NotResponse
  if (header.id != id) return DnsFault.Id
  if (header.questions != 1) return DnsFault.Question
  const end: u32 = dnsNameRead(name, p, length, sizeof<DnsHeader>())
  if (end == 0 || end + QUESTION_TAIL > length || !dnsNameEqual(name, question)) return DnsFault.Question
  if (loadBe16(p, end) != type || loadBe16(p, end + 2) != DnsClass.Internet) return DnsFault.Question
  return recordsFault(p, length) ? DnsFault.Record : DnsFault.None
}

/** Whether any record reaches past the end. Each takes eleven bytes at least, so the counts bound nothing more. */
function recordsFault(p: ptr, length: u32): boolean {
  const header = at<DnsHeader>(p)
  const records: u32 = header.answers + header.authorities + header.additional
  let seen: u32 = 0
  let more: boolean = dnsRecordFirst(walked, p, length)
  while (more) {
    seen += 1
    more = dnsRecordNext(walked)
  }
  return seen != records
}

/** The first record of a message whose question was read before. False when there is none, or it does not fit. */
export function dnsRecordFirst(record: DnsRecord, p: ptr, length: u32): boolean {
  const header = at<DnsHeader>(p)
  record.message = p
  record.length = length
  record.section = DnsSection.Answer
  record.left = header.answers
  let offset: u32 = sizeof<DnsHeader>()
  for (let i: u32 = 0; i < header.questions; i++) {
    offset = dnsNameRead(name, p, length, offset)
    if (offset == 0 || offset + QUESTION_TAIL > length) return false
    offset += QUESTION_TAIL
  }
  return readAt(record, offset)
}

/** The next one, of whichever section. False at the end, or when it does not fit. */
export function dnsRecordNext(record: DnsRecord): boolean {
  return readAt(record, record.data + record.dataLength)
}

function readAt(record: DnsRecord, offset: u32): boolean {
  const header = at<DnsHeader>(record.message)
  while (record.left == 0) {
    if (record.section == DnsSection.Additional) return false
    record.left = record.section == DnsSection.Answer ? header.authorities : header.additional
    record.section += 1
  }
  record.left -= 1
  record.owner = offset
  const end: u32 = dnsNameRead(name, record.message, record.length, offset)
  if (end == 0 || end + RECORD_TAIL > record.length) return false
  record.type = loadBe16(record.message, end)
  record.class = loadBe16(record.message, end + 2)
  const timeToLive: u32 = loadBe32(record.message, end + 4)
  record.timeToLive = timeToLive > 0x7fffffff ? 0 : timeToLive
  record.dataLength = loadBe16(record.message, end + 8)
  record.data = end + RECORD_TAIL
  return record.data + record.dataLength <= record.length
}

/** Whose record it is, to `out` (DNS_NAME_LIMIT bytes). */
export function dnsRecordOwner(out: ptr, record: DnsRecord): void {
  dnsNameRead(out, record.message, record.length, record.owner)
}

/** The name that is a CNAME's, NS's or PTR's data, to `out`. False if it does not fill the data exactly. */
export function dnsRecordName(out: ptr, record: DnsRecord): boolean {
  return dnsNameRead(out, record.message, record.length, record.data) == record.data + record.dataLength
}

/** How long an SOA says that a negative answer may be kept: RFC 2308 §5. 0 if it makes no sense. */
export function dnsNegativeTimeToLive(record: DnsRecord): u32 {
  const primary: u32 = dnsNameRead(name, record.message, record.length, record.data)
  if (primary == 0) return 0
  const tail: u32 = dnsNameRead(name, record.message, record.length, primary)
  if (tail == 0 || tail + SOA_TAIL != record.data + record.dataLength) return 0
  const minimum: u32 = loadBe32(record.message, tail + SOA_MINIMUM)
  return minimum < record.timeToLive ? minimum : record.timeToLive
}
