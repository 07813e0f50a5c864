// The DNS message's header, and the numbers of DNS. RFC 1035 §4.1.1, §3.2; what follows the header is message.ts.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-+-------+-+-+-+-+-----+-------+
//  0|              id               |Q| opcode|A|T|R|R|  Z  | rcode |
//   |                               |R|       |A|C|D|A|     |       |
//   +-------------------------------+-+-------+-+-+-+-+-----+-------+
//  4|           questions           |            answers            |
//   +-------------------------------+-------------------------------+
//  8|          authorities          |          additional           |
//   +-------------------------------+-------------------------------+

import { wire, type Be, type u16, type u32 } from '../../lib/layout.ts'

/** RFC 1035 §3.2.2, RFC 3596 §2.1 (AAAA), RFC 2782 § "The format of the SRV RR", RFC 6891 §6.1.1 (OPT); the rest keep their numbers. */
export const enum DnsRecordType {
  None = 0,
  A = 1,
  Ns = 2,
  Cname = 5,
  Soa = 6,
  Ptr = 12,
  Mx = 15,
  Txt = 16,
  Aaaa = 28,
  Srv = 33,
  Opt = 41,
  Any = 255,
}

/** RFC 1035 §3.2.4. */
export const enum DnsClass { Internet = 1, Chaos = 3, Hesiod = 4, Any = 255 }

/** RFC 1035 §4.1.1, RCODE. */
export const enum DnsResponseCode { NoError, FormatError, ServerFailure, NameError, NotImplemented, Refused }

/** IANA: domain. */
export const DNS_PORT: u32 = 53
/** The longest message over UDP: RFC 1035 §2.3.4. */
export const DNS_MESSAGE_LIMIT: u32 = 512

/** Bits of `flags`. RFC 1035 §4.1.1. */
export const DNS_RESPONSE: u32 = 0x8000
export const DNS_OPCODE: u32 = 0x7800
export const DNS_TRUNCATED: u32 = 0x0200
export const DNS_RECURSION_DESIRED: u32 = 0x0100
export const DNS_RESPONSE_CODE: u32 = 0x000f

@wire(12)
export class DnsHeader {
  id: Be<u16>
  flags: Be<u16>
  questions: Be<u16>
  answers: Be<u16>
  authorities: Be<u16>
  additional: Be<u16>

  /** RCODE. */
  get responseCode(): u32 {
    return this.flags & DNS_RESPONSE_CODE
  }
}
