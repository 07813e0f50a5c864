// IPv4 (RFC 791, RFC 1122 §3.2.1): headers, options and fragments, the same to our stack and to Linux.

import t from 'tap'
import { Protocol, icmp, type Ipv4Fields } from '../wire/frames.ts'
import { GUEST, counting } from '../wire/stack.ts'
import { type Bytes, bytes, hex } from '../wire/bytes.ts'
import { type Scenario, compare, station } from '../wire/compare.ts'

const request = (size = 24) => icmp({ type: 8, id: 0x7070, sequence: 1 }, counting(size))
const packet = (fields: Partial<Ipv4Fields>,
  payload: Bytes = request()) => station.ipFrame({ protocol: Protocol.Icmp, ...fields }, payload)

/** A datagram in pieces; `cuts` are offsets in bytes, multiples of 8. */
function pieces(payload: Bytes, cuts: number[], fields: Partial<Ipv4Fields> = {}): Bytes[] {
  const ends = [...cuts.slice(1), payload.length]
  return cuts.map((from, i) => packet({ id: 77, flags: from / 8 | (ends[i]! < payload.length ? 0x2000 : 0),
    ...fields }, payload.subarray(from, ends[i])))
}

const whole = request(2992)
const three = pieces(whole, [0, 1000, 2000])

const headers: Scenario[] = [
  { name: 'version 6', frames: [packet({ version: 6 })] },
  { name: 'a header of 4 words', frames: [packet({ headerWords: 4 })] },
  { name: 'a header longer than the packet', frames: [packet({ headerWords: 15 }, Buffer.alloc(0))] },
  { name: 'a total length of 19', frames: [packet({ totalLength: 19 })] },
  { name: 'a total length past the frame', frames: [packet({ totalLength: 500 })] },
  { name: 'a total length short of the frame', frames: [bytes(packet({}), Buffer.alloc(9, 0xee))] },
  { name: 'a wrong header checksum, RFC 1122 §3.2.1.2', frames: [packet({ checksum: 0x1234 })] },
  { name: 'the reserved flag is set', frames: [packet({ flags: 0x8000 })] },
  { name: 'TTL 1 is enough for a host, RFC 1122 §3.2.1.7', frames: [packet({ ttl: 1 })] },
  { name: 'TTL 0', frames: [packet({ ttl: 0 })] },
  { name: 'a protocol nobody knows, RFC 1122 §3.2.2.1', frames: [packet({ protocol: 253 }, counting(32))] },
  { name: 'not for us, and no router, RFC 1122 §3.3.4.2', frames: [packet({ destination: '10.0.0.77' })] },
  { name: 'not for us, on another network', frames: [packet({ destination: '192.0.2.1' })] },
]

const sources: Scenario[] = [
  { name: 'a source of 255.255.255.255, RFC 1122 §3.2.1.3', frames: [packet({ source: '255.255.255.255' })] },
  { name: 'a source of 224.0.0.5', frames: [packet({ source: '224.0.0.5' })] },
  { name: 'a source of 127.0.0.1', frames: [packet({ source: '127.0.0.1' })] },
  { name: 'a source of 0.0.0.0', frames: [packet({ source: '0.0.0.0' })] },
  { name: 'a source of 10.0.0.255', frames: [packet({ source: '10.0.0.255' })], differs: {
    clause: 'RFC 1122 §3.2.1.3 (f): a broadcast address is never a source, and is discarded silently',
    ours: [], linux: ['10.0.0.2 > 10.0.0.255 icmp 0/0 id=28784 seq=1 24 bytes 732814'],
  } },
  { name: 'our own address as source', frames: [packet({ source: GUEST.ip })] },
  { name: 'a destination of 127.0.0.1, RFC 1122 §3.2.1.3', frames: [packet({ destination: '127.0.0.1' })] },
]

const option = (text: string) => packet({ options: hex(text) })

/** A bad option length: RFC 792 p. 8 counts octets from 0, so the first option's type is octet 20 and its length 21. */
const badLength: Scenario['differs'] = {
  clause: "RFC 792 p. 8: the pointer is to the octet where the error was detected, which is the length's",
  ours: ['10.0.0.2 > 10.0.0.9 tos=c0 icmp 12/0 word=1500,0 quoting 56 bytes'],
  linux: ['10.0.0.2 > 10.0.0.9 tos=c0 icmp 12/0 word=1400,0 quoting 56 bytes'],
}

const options: Scenario[] = [
  { name: 'no operations and an end, RFC 791 p. 16', frames: [option('01010100')] },
  { name: 'end of options, then rubbish', frames: [option('00ffffff')] },
  { name: 'an option with length 0', frames: [option('07000000')], differs: badLength },
  { name: 'an option with length 1', frames: [option('07010000')], differs: badLength },
  { name: 'an option past the header', frames: [option('07280000')], differs: badLength },
  { name: 'an option nobody knows, RFC 1122 §3.2.1.8', frames: [option('5e040000')] },
  { name: 'router alert, RFC 2113', frames: [option('94040000')] },
]

const fragments: Scenario[] = [
  { name: 'three fragments in order, RFC 791 §3.2', frames: three },
  { name: 'the last first', frames: [three[2]!, three[1]!, three[0]!] },
  { name: 'the middle one last', frames: [three[2]!, three[0]!, three[1]!] },
  { name: 'the same fragment twice', frames: [three[0]!, three[0]!, three[1]!, three[2]!] },
  { name: 'one missing', frames: [three[0]!, three[2]!] },
  { name: 'fragments of two datagrams mixed', frames: [
    three[0]!, ...pieces(request(1992), [0, 1000], { id: 78 }), three[1]!, three[2]!,
  ] },
  { name: 'an overlap, RFC 5722 §4 for IPv6: the datagram is dropped', frames: [
    three[0]!, packet({ id: 77, flags: 0x2000 | 992 / 8 }, whole.subarray(992, 2000)), three[2]!,
  ] },
  { name: 'a fragment whose length is no multiple of 8, RFC 791 §3.2',
    frames: [packet({ id: 77, flags: 0x2000 }, whole.subarray(0, 1001)), three[1]!, three[2]!], differs: {
    clause: 'RFC 791 §3.2: every fragment but the last holds a multiple of 8 octets; Linux cuts this one to fit',
    ours: [], linux: ['10.0.0.2 > 10.0.0.9 icmp 0/0 id=28784 seq=1 2992 bytes 8b3b7a in fragments'],
  } },
  { name: 'past 65,535 bytes', frames: [three[0]!, packet({ id: 77, flags: 0x1fff }, counting(64))] },
  { name: 'time passes without the rest: RFC 1122 §3.3.2, ICMP 11/1', frames: [three[0]!, three[1]!], expire: true },
  { name: 'time passes without the first: no error, RFC 792 p. 6', frames: [three[1]!, three[2]!], expire: true },
]

await compare(t, [...headers, ...sources, ...options, ...fragments])
