// UDP (RFC 768, RFC 1122 §4.1): the same frames to our stack and to Linux, each with an echo service on port 7.

import t from 'tap'
import { BROADCAST, Protocol, type UdpFields, udp } from '../wire/frames.ts'
import { GUEST, PEER, counting } from '../wire/stack.ts'
import { bytes } from '../wire/bytes.ts'
import { compare, station } from '../wire/compare.ts'

const ends = { source: PEER.ip, destination: GUEST.ip }
const to = (destinationPort: number, payload = counting(16), fields: Partial<UdpFields> = {}, sourcePort = 4000) =>
  station.ipFrame({ protocol: Protocol.Udp }, udp({ ...ends, sourcePort, destinationPort, ...fields }, payload))
const broadcast = (destination: string, port: number) =>
  station.ipFrame({ protocol: Protocol.Udp, destination },
    udp({ source: PEER.ip, destination, sourcePort: 4000, destinationPort: port }, counting(16)), BROADCAST)

await compare(t, [
  ...[0, 1, 2, 63, 64, 512, 1471, 1472].map(size => ({ name: `${size} bytes`, frames: [to(7, counting(size))] })),
  { name: 'no checksum, RFC 1122 §4.1.3.4', frames: [to(7, counting(16), { checksum: 0 })] },
  { name: 'a wrong checksum', frames: [to(7, counting(16), { checksum: 0x1234 })] },
  { name: 'a length of 7', frames: [to(7, counting(16), { length: 7 })] },
  { name: 'a length of 0', frames: [to(7, counting(16), { length: 0 })] },
  { name: 'a length past the packet', frames: [to(7, counting(16), { length: 25 })] },
  { name: 'a length short of the packet: the rest is not data', frames: [
    station.ipFrame({ protocol: Protocol.Udp },
      bytes(udp({ ...ends, sourcePort: 4000, destinationPort: 7 }, counting(8)), Buffer.alloc(8, 0xee))),
  ] },
  { name: 'a header of 7 bytes', frames: [station.ipFrame({ protocol: Protocol.Udp }, to(7).subarray(34, 41))] },
  { name: 'source port 0, RFC 768', frames: [to(9999, counting(8), {}, 0)] },
  { name: 'a closed port, RFC 1122 §4.1.3.1', frames: [to(9999)] },
  { name: 'a closed port, much data: how much is quoted, RFC 1812 §4.3.2.3', frames: [to(9999, counting(1000))] },
  { name: 'a closed port, wrong checksum', frames: [to(9999, counting(16), { checksum: 0x1234 })] },
  { name: 'a closed port, no checksum', frames: [to(9999, counting(16), { checksum: 0 })] },
  { name: 'port 0', frames: [to(0)] },
  { name: 'a closed port by 10.0.0.255: no error about a broadcast, RFC 1122 §3.2.2', frames: [broadcast('10.0.0.255', 9999)] },
  { name: 'a closed port by 255.255.255.255', frames: [broadcast('255.255.255.255', 9999)] },
  { name: 'a closed port at our address in a broadcast frame', frames: [
    station.ipFrame({ protocol: Protocol.Udp }, udp({ ...ends, sourcePort: 4000, destinationPort: 9999 }, counting(16)), BROADCAST),
  ] },
  { name: 'a closed port in group 224.0.0.1', frames: [
    station.ipFrame({ protocol: Protocol.Udp, destination: '224.0.0.1' },
      udp({ source: PEER.ip, destination: '224.0.0.1', sourcePort: 4000, destinationPort: 9999 }, counting(16)), '01:00:5e:00:00:01'),
  ] },
])
