// What a response says about a question: the CNAMEs followed, the addresses at their end, or that there is nothing.
// RFC 1034 §3.6.2, RFC 1035 §7.3, RFC 2181 §5, RFC 2308 §2. Main-loop context only.
//
// The response has passed dnsResponseFault. Only records of the name that was asked for, and of the names its CNAMEs
// lead to, count; the order of records does not matter.

import { DNS_ADDRESS_LIMIT, DNS_CHAIN_LIMIT, DNS_LONGEST_NEGATIVE } from '../../config.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, staticMemory, staticStruct, type ptr, type u32 } from '../../lib/layout.ts'
import { DnsStatus, type DnsAnswer } from './cache.ts'
import { DnsClass, DnsRecordType, DnsResponseCode } from './header.ts'
import {
  DnsRecord, DnsSection, dnsNegativeTimeToLive, dnsRecordFirst, dnsRecordName, dnsRecordNext, dnsRecordOwner,
} from './message.ts'
import { dnsNameEqual, dnsNameLength } from './name.ts'

/** What to do after a response. */
export const enum DnsOutcome {
  /** `answer` says all. */
  Done,
  /** The CNAMEs lead to `answer.canonical`, of which the server says nothing: ask for that. */
  Again,
  /** The server can not or will not answer: another may. */
  Failed,
}

const record = staticStruct<DnsRecord>()
const owner = staticMemory(256)
const next = staticMemory(256)

/**
 * Take a response into `answer`, whose canonical name is the one that was asked for. The timeToLive of `answer` is
 * lowered to that of every record used, its chain raised by every CNAME.
 */
export function dnsCollect(answer: DnsAnswer, message: ptr, length: u32, code: u32): DnsOutcome {
  if (code != DnsResponseCode.NoError && code != DnsResponseCode.NameError) return DnsOutcome.Failed
  const before: u32 = answer.chain
  while (follow(answer, message, length)) {
    answer.chain += 1
    if (answer.chain > DNS_CHAIN_LIMIT) return finish(answer, DnsStatus.ChainTooLong, 0)
  }
  if (answer.count > 0) return DnsOutcome.Done
  return nothing(answer, message, length, code, answer.chain > before)
}

/** Take the records of `answer.canonical`. True when it is an alias: canonical is what it stands for then. */
function follow(answer: DnsAnswer, message: ptr, length: u32): boolean {
  let alias = false
  let timeToLive: u32 = 0
  let more: boolean = dnsRecordFirst(record, message, length)
  while (more && record.section == DnsSection.Answer) {
    dnsRecordOwner(owner, record)
    if (record.class == DnsClass.Internet && dnsNameEqual(owner, answer.canonical)) {
      if (record.type == answer.type && answer.type != DnsRecordType.Cname) takeAddress(answer)
      else if (record.type == DnsRecordType.Cname && !alias && dnsRecordName(next, record)) {
        alias = true
        timeToLive = record.timeToLive
      }
    }
    more = dnsRecordNext(record)
  }
  if (!alias || answer.count > 0) return false
  lower(answer, timeToLive)
  copyBytes(answer.canonical, next, dnsNameLength(next))
  return true
}

/** An A or AAAA record. What has not the right length is passed over; so are addresses beyond the limit. */
function takeAddress(answer: DnsAnswer): void {
  const size: u32 = answer.type == DnsRecordType.A ? 4 : 16
  if (record.dataLength != size || answer.count == DNS_ADDRESS_LIMIT) return
  copyBytes(plus(answer.addresses, answer.count * size), plus(record.message, record.data), size)
  answer.count += 1
  lower(answer, record.timeToLive) // RFC 2181 §5.2: of different ones the least
}

function lower(answer: DnsAnswer, timeToLive: u32): void {
  if (timeToLive < answer.timeToLive) answer.timeToLive = timeToLive
}

/** No address. RFC 2308 §2.1 and §2.2: which of the ways to say "nothing" is it? */
function nothing(answer: DnsAnswer, message: ptr, length: u32, code: u32, aliased: boolean): DnsOutcome {
  let authority = false
  let referral = false
  let kept: u32 = 0
  let more: boolean = dnsRecordFirst(record, message, length)
  while (more) {
    if (record.section == DnsSection.Authority && record.class == DnsClass.Internet) {
      if (record.type == DnsRecordType.Soa && !authority) {
        authority = true
        kept = dnsNegativeTimeToLive(record)
      }
      if (record.type == DnsRecordType.Ns) referral = true
    }
    more = dnsRecordNext(record)
  }
  if (kept > DNS_LONGEST_NEGATIVE) kept = DNS_LONGEST_NEGATIVE
  if (code == DnsResponseCode.NameError) return finish(answer, DnsStatus.NoName, kept)
  if (aliased && answer.type == DnsRecordType.Cname) return finish(answer, DnsStatus.Found, answer.timeToLive)
  if (aliased && !authority) return DnsOutcome.Again
  if (referral && !authority) return DnsOutcome.Failed // it is not the server's to say, and it does not ask for us
  return finish(answer, DnsStatus.NoData, kept)
}

function finish(answer: DnsAnswer, status: DnsStatus, timeToLive: u32): DnsOutcome {
  answer.status = status
  lower(answer, timeToLive)
  return DnsOutcome.Done
}
