// ICMP (RFC 792, RFC 1122 §3.2.2): the same frames to our stack and to Linux.

import t from 'tap'
import { BROADCAST, Protocol, icmp } from '../wire/frames.ts'
import { GUEST, counting } from '../wire/stack.ts'
import { be16, bytes } from '../wire/bytes.ts'
import { compare, station } from '../wire/compare.ts'

const echo = station.echoFrame.bind(station)
const message = (fields: Parameters<typeof icmp>[0], payload = counting(12), to = GUEST.mac) =>
  station.ipFrame({ protocol: Protocol.Icmp }, icmp(fields, payload), to)

await compare(t, [
  ...[0, 1, 17, 18, 19, 56, 1471,
    1472].map(size => ({ name: `an echo of ${size} bytes, RFC 1122 §3.2.2.6`, frames: [echo(counting(size))] })),
  { name: 'an echo with bytes after the packet', frames: [bytes(echo(counting(56)), Buffer.alloc(40, 0xee))] },
  { name: 'code 1', frames: [echo(counting(8), { code: 1 })], differs: {
    clause: 'RFC 792 p. 14: the code of an echo and of its reply is 0',
    ours: ['10.0.0.2 > 10.0.0.9 icmp 0/0 id=28784 seq=0 8 bytes 0865c1'],
      linux: ['10.0.0.2 > 10.0.0.9 icmp 0/1 id=28784 seq=0 8 bytes 0865c1'],
  } },
  { name: 'a wrong checksum', frames: [echo(counting(8), { checksum: 0x1234 })] },
  { name: 'a checksum of zero that is wrong', frames: [echo(counting(8), { checksum: 0 })] },
  { name: 'a message of 7 bytes', frames: [station.ipFrame({ protocol: Protocol.Icmp }, bytes(8, 0, be16(0xf7ff), 0, 0, 0))] },
  { name: 'an unasked echo reply', frames: [message({ type: 0 })] },
  { name: 'address mask request, RFC 1122 §3.2.2.9', frames: [message({ type: 17 }, Buffer.alloc(4))] },
  { name: 'information request, RFC 1122 §3.2.2.7', frames: [message({ type: 15 }, Buffer.alloc(0))] },
  { name: 'router solicitation', frames: [message({ type: 10 }, Buffer.alloc(0))] },
  { name: 'a type nobody knows, RFC 1122 §3.2.2', frames: [message({ type: 99 })] },
  { name: 'port unreachable about nothing of ours', frames: [message({ type: 3, code: 3, id: 0, sequence: 0 }, Buffer.alloc(28, 0x45))] },
  { name: 'an error with an empty quotation', frames: [message({ type: 3, code: 1, id: 0, sequence: 0 }, Buffer.alloc(0))] },
  { name: 'a redirect', frames: [message({ type: 5, code: 1, id: 0x0a00, sequence: 0x0009 }, Buffer.alloc(28, 0x45))] },
  { name: 'an echo to 10.0.0.255 in a broadcast frame',
    frames: [station.ipFrame({ protocol: 1, destination: '10.0.0.255' }, icmp({ type: 8 }, counting(8)), BROADCAST)] },
  { name: 'an echo to 255.255.255.255',
    frames: [station.ipFrame({ protocol: 1, destination: '255.255.255.255' }, icmp({ type: 8 }, counting(8)), BROADCAST)] },
  { name: 'an echo to our address in a broadcast frame',
    frames: [station.ipFrame({ protocol: 1 }, icmp({ type: 8 }, counting(8)), BROADCAST)], differs: {
    clause: 'RFC 1122 §3.3.6: a broadcast frame whose packet is not to a broadcast or group is discarded',
    ours: [], linux: ['10.0.0.2 > 10.0.0.9 icmp 0/0 id=0 seq=0 8 bytes 0865c1'],
  } },
  { name: 'an echo to 224.0.0.1',
    frames: [station.ipFrame({ protocol: 1, destination: '224.0.0.1' }, icmp({ type: 8 }, counting(8)), '01:00:5e:00:00:01')] },
])
