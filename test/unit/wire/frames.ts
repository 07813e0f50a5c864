// The test's own packets: built and taken apart, against bytes written down elsewhere.

import t from 'tap'
import { bytes, checksum, hex, mac, toHex } from '../../wire/bytes.ts'
import { EtherType, Protocol, arp, decode, ethernet, icmp, ipv4, udp, vlan } from '../../wire/frames.ts'

t.test('the Internet checksum, RFC 1071 §1', async t => {
  t.equal(checksum(hex('0001 f203 f4f5 f6f7')), 0x220d, 'the example of RFC 1071 §3')
  t.equal(checksum(hex('4500001c 00000000 4001 0000 c0000201 ffffffff')), 0xb8e0, 'an IPv4 header')
  t.equal(checksum(hex('45')), 0xbaff, 'an odd byte counts as the high one')
  t.equal(checksum(hex('4500001c 00000000 4001 b8e0 c0000201 ffffffff')), 0, 'a right one sums to nothing')
})

t.test('ARP request', async t => {
  const request = arp({ operation: 1, senderMac: '02:00:00:00:00:01', senderIp: '10.0.0.2', targetIp: '10.0.0.9' })
  const frame = ethernet({ destination: 'ff:ff:ff:ff:ff:ff', source: '02:00:00:00:00:01', type: EtherType.Arp }, request)
  t.equal(toHex(frame.subarray(0, 42)),
    'ffffffffffff0200000000010806000108000604' + '0001' + '020000000001' + '0a000002' + '000000000000' + '0a000009')
  t.equal(frame.length, 60, 'padded')
  t.match(decode(frame).arp, { operation: 1, senderIp: '10.0.0.2', targetIp: '10.0.0.9', targetMac: '00:00:00:00:00:00' })
})

t.test('an echo request, byte for byte', async t => {
  const message = icmp({ type: 8, id: 1, sequence: 1 }, Buffer.from('RustOS ping'))
  const packet = ipv4({ source: '10.0.0.2', destination: '127.0.0.1', protocol: Protocol.Icmp }, message)
  t.equal(toHex(packet), '4500002700004000' + '4001b1d3' + '0a000002' + '7f000001' + '0800f1e1' + '00010001' + '527573744f532070696e67')
})

t.test('UDP and its pseudo-header', async t => {
  const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
  const frame = ethernet({ destination: '02:00:00:00:00:02', source: '02:00:00:00:00:01', type: EtherType.Ipv4 },
    ipv4({ ...ends, protocol: Protocol.Udp }, udp({ ...ends, sourcePort: 1000, destinationPort: 7 }, Buffer.from('hello'))))
  const decoded = decode(frame)
  t.match(decoded.udp, { sourcePort: 1000, destinationPort: 7, length: 13, checksumRight: true })
  t.equal(decoded.udp?.payload.toString(), 'hello', 'padding is not payload')
  frame[42 + 1]! ^= 1
  t.equal(decode(frame).udp?.checksumRight, false)
})

t.test('wrong on purpose', async t => {
  const good = { source: '10.0.0.1', destination: '10.0.0.2', protocol: Protocol.Icmp }
  const framed = (packet: Uint8Array) => decode(ethernet({ destination: '02:00:00:00:00:02', source: '02:00:00:00:00:01', type: EtherType.Ipv4 }, packet))
  t.equal(framed(ipv4({ ...good, checksum: 0xdead }, new Uint8Array(8))).ipv4?.checksumRight, false)
  t.equal(framed(ipv4({ ...good, totalLength: 2000 }, new Uint8Array(8))).ipv4, undefined)
  t.equal(framed(ipv4({ ...good, headerWords: 4 }, new Uint8Array(8))).ipv4, undefined)
  t.equal(framed(ipv4({ ...good, flags: 0x2000 }, new Uint8Array(8))).icmp, undefined, 'a fragment')
  t.equal(framed(ipv4({ ...good, options: hex('94040000') }, icmp({ type: 8 }, new Uint8Array(0)))).icmp?.type, 8, 'options are stepped over')
})

t.test('an 802.1Q tag', async t => {
  t.equal(toHex(vlan(5, EtherType.Arp, hex('aabb'))), '00050806aabb')
})

t.test('what is not a packet is refused', async t => {
  t.throws(() => hex('abc'), { message: /not hexadecimal/ })
  t.throws(() => mac('52:54:00'), { message: /not a MAC/ })
  t.throws(() => arp({ operation: 1, senderMac: '02:00:00:00:00:01', senderIp: '10.0.0.256', targetIp: '10.0.0.9' }), { message: /not an IPv4/ })
  t.same([...bytes(1, [2, 3], '04 05', Buffer.of(6))], [1, 2, 3, 4, 5, 6])
})
