// kernel/net/compat: RustOS's addresses, errors, PacketBuffer and header codecs, with its own vectors (numbered as
// in docs/compat.md). RFC 791 §3.1, RFC 768, RFC 792, RFC 826.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Engine, Instance } from '../../../../engine-instance.ts'
import { bytes, checksum, hex, toHex, type Bytes } from '../../../../wire/bytes.ts'
import * as frames from '../../../../wire/frames.ts'


const NetworkError = { InvalidPacket: -1, BufferOverflow: -2, InvalidAddress: -9 } as const
const TEXTS = [
  'No error', 'Invalid packet format', 'Buffer overflow', 'Network unreachable', 'Host unreachable', 'Port unreachable',
  'Connection refused', 'Connection timeout', 'Connection reset', 'Invalid address', 'Operation not supported', 'Resource busy',
  'No route to host', 'Address already in use', 'Permission denied', 'Invalid argument', 'Hardware error', 'Invalid state',
  'Insufficient memory', 'Buffer too small', 'Protocol error', 'Not connected', 'Not implemented', 'Internal error',
  'Resource not found', 'Unknown network error',
]

/** The program, with places to put bytes. */
class Face {
  readonly m: Instance
  constructor(engine: Engine) {
    this.m = engine.start()
  }

  call(name: string, ...args: number[]): number {
    return this.m.call(name, ...args)
  }

  put(data: Bytes): number {
    const p = this.m.alloc(Math.max(data.length, 1))
    this.m.write(p, data)
    return p
  }

  /** A buffer whose bytes are these. */
  holding(data: Bytes): void {
    this.call('bufferFrom', this.put(data), data.length)
  }

  /** What the buffer holds. */
  held(): string {
    return toHex(this.m.bytes(this.call('bufferSlice'), this.call('bufferField', 1)))
  }

  ipv4(slot: number, text: string): void {
    const [a, b, c, d] = text.split('.').map(Number)
    this.call('setIpv4', slot, a!, b!, c!, d!)
  }

  mac(slot: number, text: string): void {
    this.call('setMac', slot, this.put(hex(text)))
  }

  ipv6(slot: number, digits: string): void {
    this.call('setIpv6', slot, this.put(hex(digits)))
  }

  shown(slot: number): string {
    return this.m.text(this.call('shown', slot))
  }
}

for (const e of await engines('test/kernel/compat-pure.ts')) {
  t.test(e.kind, async t => {
    t.test('NetworkAddress: twenty bytes, a tag and sixteen, the unused ones zero', async t => {
      const f = new Face(e)
      f.ipv6(0, 'ff'.repeat(16))
      f.ipv4(0, '10.0.2.15')
      const p = f.call('slot', 0)
      t.equal(toHex(f.m.bytes(p, 20)), '00000000' + '0a00020f' + '00'.repeat(12))
      f.mac(0, '525400123456')
      t.equal(toHex(f.m.bytes(p, 20)), '02000000' + '525400123456' + '00'.repeat(10))
      t.equal(f.call('slot', 1) - p, 20)
    })

    t.test('NetworkAddress: broadcast is 255.255.255.255 and ff:ff:ff:ff:ff:ff, nothing else', async t => {
      const f = new Face(e)
      const is = (set: () => void): number => (set(), f.call('isBroadcast', 0))
      t.equal(is(() => f.ipv4(0, '255.255.255.255')), 1)
      t.equal(is(() => f.ipv4(0, '10.0.0.255')), 0)
      t.equal(is(() => f.mac(0, 'ffffffffffff')), 1)
      t.equal(is(() => f.mac(0, 'fffffffffffe')), 0)
      t.equal(is(() => f.ipv6(0, 'ff'.repeat(16))), 0)
    })

    t.test('NetworkAddress: multicast by family', async t => {
      const f = new Face(e)
      const is = (set: () => void): number => (set(), f.call('isMulticast', 0))
      t.equal(is(() => f.ipv4(0, '224.0.0.1')), 1)
      t.equal(is(() => f.ipv4(0, '239.255.255.255')), 1)
      t.equal(is(() => f.ipv4(0, '240.0.0.1')), 0)
      t.equal(is(() => f.ipv4(0, '223.255.255.255')), 0)
      t.equal(is(() => f.ipv6(0, 'ff02' + '00'.repeat(13) + '01')), 1)
      t.equal(is(() => f.ipv6(0, 'fe80' + '00'.repeat(13) + '01')), 0)
      t.equal(is(() => f.mac(0, '01005e000001')), 1)
      t.equal(is(() => f.mac(0, 'ffffffffffff')), 1, 'broadcast counts')
      t.equal(is(() => f.mac(0, '020000000001')), 0)
    })

    t.test('29. an IPv6 address is eight groups of four digits, never ::', async t => {
      const f = new Face(e)
      f.ipv6(0, '00'.repeat(15) + '01')
      t.equal(f.shown(0), '0000:0000:0000:0000:0000:0000:0000:0001')
      f.ipv6(0, '20010db8' + '00'.repeat(10) + 'beef')
      t.equal(f.shown(0), '2001:0db8:0000:0000:0000:0000:0000:beef')
      f.ipv4(0, '192.0.2.1')
      t.equal(f.shown(0), '192.0.2.1')
      f.mac(0, '52540012abcd')
      t.equal(f.shown(0), '52:54:00:12:ab:cd')
    })

    t.test('NetworkAddress: sorts by variant, then by bytes', async t => {
      const f = new Face(e)
      f.ipv4(0, '10.0.0.1')
      f.ipv4(1, '10.0.0.2')
      f.ipv6(2, '00'.repeat(16))
      f.mac(3, '000000000000')
      f.ipv4(4, '200.0.0.1')
      f.ipv4(5, '10.0.0.1')
      t.equal(f.call('compare', 0, 1), -1)
      t.equal(f.call('compare', 1, 0), 1)
      t.equal(f.call('compare', 4, 1), 1, 'bytes are unsigned')
      t.equal(f.call('compare', 4, 2), -1)
      t.equal(f.call('compare', 3, 2), 1)
      t.equal(f.call('compare', 0, 5), 0)
      t.equal(f.call('equals', 0, 5), 1)
      t.equal(f.call('equals', 0, 1), 0)
      t.equal(f.call('equals', 2, 3), 0, 'all zero, of two families')
    })

    t.test('a prefix is the leading ones of a mask', async t => {
      const f = new Face(e)
      for (const [mask, length] of [
        ['0.0.0.0', 0], ['255.0.0.0', 8], ['255.255.240.0', 20], ['255.255.255.255', 32], ['255.0.255.0', 8], ['127.0.0.0', 0],
      ] as const) {
        f.ipv4(0, mask)
        t.equal(f.call('ones', 0), length, mask)
      }
    })

    t.test('28. a protocol number that is none of RustOS\'s is none, not TCP', async t => {
      const f = new Face(e)
      t.same([1, 6, 17, 41, 47, 58].map(each => f.call('protocolFrom', each)), [1, 6, 17, 41, 47, 58])
      t.same([0, 2, 89, 132, 255].map(each => f.call('protocolFrom', each)), [0, 0, 0, 0, 0])
    })

    t.test('15. an EtherType that is none of RustOS\'s is none, not IPv4', async t => {
      const f = new Face(e)
      t.same([0x0800, 0x0806, 0x86dd, 0x8100].map(each => f.call('etherTypeFrom', each)), [0x0800, 0x0806, 0x86dd, 0x8100])
      t.same([0x88cc, 0x0600, 46, 0].map(each => f.call('etherTypeFrom', each)), [0, 0, 0, 0])
    })

    t.test('NetworkError: 24 variants in order, with their texts', async t => {
      const f = new Face(e)
      TEXTS.forEach((text, i) => t.equal(f.m.text(f.call('errorName', -i)), text))
      t.equal(f.m.text(f.call('errorName', 1)), 'Unknown network error')
    })

    t.test('NetworkError: an error of the stack has RustOS\'s word; a value stays', async t => {
      const f = new Face(e)
      const words: [number, string][] = [
        [-11, 'Connection timeout'], [-110, 'Connection timeout'], [-98, 'Address already in use'], [-101, 'Network unreachable'],
        [-113, 'Host unreachable'], [-111, 'Connection refused'], [-90, 'Buffer overflow'], [-22, 'Invalid argument'],
        [-95, 'Operation not supported'], [-93, 'Operation not supported'], [-9, 'Invalid address'], [-99, 'Invalid address'],
        [-13, 'Permission denied'], [-12, 'Insufficient memory'], [-105, 'Resource busy'], [-104, 'Connection reset'],
        [-107, 'Not connected'], [-35, 'Internal error'],
      ]
      for (const [errno, text] of words) t.equal(f.m.text(f.call('errorName', f.call('networkErrorOf', errno))), text, String(errno))
      t.equal(f.call('networkErrorOf', 0), 0)
      t.equal(f.call('networkErrorOf', 1400), 1400)
    })

    t.test('PacketBuffer: new is zeros and length 0, from_data is all in use', async t => {
      const f = new Face(e)
      f.call('bufferNew', 64)
      t.same([0, 1, 2, 3].map(each => f.call('bufferField', each)), [0, 0, 0, 64])
      t.ok(f.m.bytes(f.call('bufferSlice'), 64).every(each => each === 0))
      f.holding(bytes(1, 2, 3))
      t.same([0, 1, 2, 3].map(each => f.call('bufferField', each)), [0, 3, 3, 3])
    })

    t.test('PacketBuffer: read advances, or gives nothing and stays', async t => {
      const f = new Face(e)
      f.holding(bytes(1, 2, 3, 4, 5))
      const p = f.call('bufferSlice')
      t.equal(f.call('bufferRead', 2), p)
      t.equal(f.call('bufferRead', 4), 0)
      t.equal(f.call('bufferField', 0), 2)
      t.equal(f.call('bufferRead', 3), p + 2)
      t.equal(f.call('bufferRead', 0), p + 5)
      t.equal(f.call('bufferRead', 0xffffffff), 0, 'no wrap')
      t.equal(f.call('bufferField', 2), 0)
      f.call('bufferReset')
      t.same([0, 1].map(each => f.call('bufferField', each)), [0, 5])
      f.call('bufferAt', 9)
      t.equal(f.call('bufferField', 2), 0, 'remaining saturates')
      t.equal(f.call('bufferRead', 1), 0)
    })

    t.test('PacketBuffer: write keeps to the capacity, and length is the furthest written', async t => {
      const f = new Face(e)
      f.call('bufferNew', 8)
      t.equal(f.call('bufferWrite', f.put(hex('010203040506')), 6), 0)
      t.equal(f.call('bufferWrite', f.put(hex('0708090a')), 3), NetworkError.BufferOverflow)
      t.equal(f.held(), '010203040506')
      f.call('bufferAt', 2)
      t.equal(f.call('bufferWrite', f.put(hex('ff')), 1), 0)
      t.equal(f.held(), '0102ff040506')
      f.call('bufferAt', 9)
      t.equal(f.call('bufferWrite', f.put(hex('ff')), 0), NetworkError.BufferOverflow)
    })

    t.test('SocketAddress: valid is IPv4 or IPv6, whatever the port; shown without brackets', async t => {
      const f = new Face(e)
      f.ipv4(0, '10.0.0.1')
      f.call('socketAddressNew', 0, 0)
      t.equal(f.call('socketAddressValid'), 1)
      t.equal(f.m.text(f.call('socketAddressShown')), '10.0.0.1:0')
      f.mac(0, '020000000001')
      f.call('socketAddressNew', 0, 80)
      t.equal(f.call('socketAddressValid'), 0)
      f.call('socketAddressIpv6', f.put(hex('00'.repeat(15) + '01')), 443)
      t.equal(f.call('socketAddressValid'), 1)
      t.equal(f.m.text(f.call('socketAddressShown')), '0000:0000:0000:0000:0000:0000:0000:0001:443')
      f.call('socketAddressIpv4', 192, 0, 2, 7, 65535)
      t.equal(f.m.text(f.call('socketAddressShown')), '192.0.2.7:65535')
    })

    t.test('1. the checksum of an IPv4 header', async t => {
      const f = new Face(e)
      f.holding(hex('4500001c 0000 0000 4001 ffff c0000201 ffffffff 0000000000000000'))
      const header = f.call('parse', 1)
      t.equal(f.call('ipv4Checksum', header), 0xb8e0)
      t.equal(f.call('bufferField', 0), 20)
      t.equal(f.call('ipv4Fragmented', header), 0)
    })

    t.test('RFC 791 §3.1: what is no IPv4 header', async t => {
      const f = new Face(e)
      const parse = (text: string): number => (f.holding(hex(text)), f.call('parse', 1))
      const rest = '0000 0000 4001 0000 0a000001 0a000002'
      t.equal(parse('45000013' + rest.slice(0, -2)), NetworkError.InvalidPacket, '19 bytes')
      t.equal(parse('65000014' + rest), NetworkError.InvalidPacket, 'version 6')
      t.equal(parse('44000014' + rest), NetworkError.InvalidPacket, 'four words')
      t.equal(parse('46000014' + rest), NetworkError.InvalidPacket, 'six words of five')
      t.equal(parse('45000013' + rest), NetworkError.InvalidPacket, 'a total length below the header')
      t.equal(parse('45000015' + rest), NetworkError.InvalidPacket, 'a total length past the end')
      const p = parse('46000018' + rest + '01010100')
      t.ok(p < -4096, 'an address')
      t.equal(f.call('ipv4Options', p), 4)
      t.equal(f.call('bufferField', 0), 24)
      t.equal(f.call('ipv4Fragmented', parse('45000014 0000 2000 4001 0000 0a000001 0a000002')), 1)
      t.equal(f.call('ipv4Fragmented', parse('45000014 0000 0001 4001 0000 0a000001 0a000002')), 1)
      t.equal(f.call('ipv4Fragmented', parse('45000014 0000 4000 4001 0000 0a000001 0a000002')), 0)
    })

    t.test('RFC 8200 §3: what is no IPv6 header', async t => {
      const f = new Face(e)
      f.holding(hex('60000000' + '00'.repeat(35)))
      t.equal(f.call('parse', 2), NetworkError.InvalidPacket)
      f.holding(hex('40000000' + '00'.repeat(36)))
      t.equal(f.call('parse', 2), NetworkError.InvalidPacket)
      f.holding(hex('60000000' + '00'.repeat(36)))
      t.equal(f.call('parse', 2), f.call('bufferSlice'))
      t.equal(f.call('bufferField', 0), 40)
    })

    t.test('RFC 768: the header, its checksum against a datagram made elsewhere, and 0 sent as ffff', async t => {
      const f = new Face(e)
      const datagram = frames.udp({ source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 5000, destinationPort: 7 }, hex('68616c6c6f'))
      f.holding(datagram.subarray(0, 7))
      t.equal(f.call('parse', 3), NetworkError.InvalidPacket)
      f.holding(datagram)
      const header = f.call('parse', 3)
      t.same([0, 1, 2].map(each => f.call('udpField', header, each)), [5000, 7, 13])
      f.ipv4(0, '10.0.0.1')
      f.ipv4(1, '10.0.0.2')
      f.mac(2, '020000000001')
      const had = f.call('udpField', header, 3)
      t.equal(f.call('udpChecksum', header, 0, 1, header + 8, 5), had)
      t.equal(f.call('udpField', header, 3), had, 'the header stays')
      t.equal(f.call('udpChecksum', header, 0, 2, header + 8, 5), 0, 'mixed families')
      // The data that makes the sum ffff: what is missing.
      const sum = f.call('udpChecksum', header, 0, 1, f.put(hex('00000000')), 4)
      t.equal(f.call('udpChecksum', header, 0, 1, f.put(bytes(0, 0, sum >> 8, sum & 255)), 4), 0xffff)
      f.call('bufferNew', 8)
      t.equal(f.call('udpSerialize', header), 0)
      t.equal(f.held(), toHex(datagram.subarray(0, 8)))
      t.equal(f.call('udpSerialize', header), NetworkError.BufferOverflow)
    })

    t.test('RFC 8200 §8.1: UDP over the pseudo header of IPv6', async t => {
      const f = new Face(e)
      f.ipv6(0, '20010db8000000000000000000000001')
      f.ipv6(1, '20010db8000000000000000000000002')
      f.holding(hex('1388 0007 000d 0000 68616c6c6f'))
      const header = f.call('parse', 3)
      const sum = checksum(hex('20010db8000000000000000000000001 20010db8000000000000000000000002'
        + '0000000d 00000011 1388 0007 000d 0000 68616c6c6f'))
      t.equal(f.call('udpChecksum', header, 0, 1, header + 8, 5), sum)
    })

    t.test('RFC 792: the echo of RustOS\'s own ping, byte for byte', async t => {
      const f = new Face(e)
      const message = hex('0800f1e1 0001 0001 527573744f532070696e67') // "RustOS ping"
      f.holding(message)
      const header = f.call('parse', 4)
      t.equal(f.call('icmpChecksum', header, header + 8, 11), 0xf1e1)
      f.holding(message.subarray(0, 7))
      t.equal(f.call('parse', 4), NetworkError.InvalidPacket)
      const rest = f.m.alloc(4)
      f.call('pingRest', 0x1234, 0xfffe, rest)
      t.equal(toHex(f.m.bytes(rest, 4)), '1234fffe')
      t.equal(f.call('pingFrom', rest, 0), 0x1234)
      t.equal(f.call('pingFrom', rest, 1), 0xfffe)
      f.call('bufferNew', 8)
      t.equal(f.call('icmpSerialize', header), 0)
      t.equal(f.held(), '0800f1e100010001')
    })

    t.test('4. createFrame: 45 bytes are padded to 60, 46 fit, 1,500 fit, 1,501 do not', async t => {
      const f = new Face(e)
      f.mac(0, '020000000001')
      f.mac(1, '020000000009')
      const payload = f.put(hex('ab'.repeat(1501)))
      const framed = (count: number): number => (f.call('bufferNew', 2048), f.call('frame', 0, 1, 0x0800, payload, count))
      t.equal(framed(45), 0)
      t.equal(f.held(), '020000000009' + '020000000001' + '0800' + 'ab'.repeat(45) + '00')
      t.equal(f.call('bufferField', 0), 0)
      t.equal(framed(46), 0)
      t.equal(f.call('bufferField', 1), 60)
      t.equal(framed(1500), 0)
      t.equal(f.call('bufferField', 1), 1514)
      t.equal(framed(1501), NetworkError.BufferOverflow)
      f.ipv4(1, '10.0.0.1')
      t.equal(framed(46), NetworkError.InvalidAddress)
      f.mac(1, '020000000009')
      f.call('bufferNew', 59)
      t.equal(f.call('frame', 0, 1, 0x0800, payload, 45), NetworkError.BufferOverflow, 'no room for the padding')
    })

    t.test('2. an ARP request: RustOS\'s 42 bytes, padded to 60', async t => {
      const f = new Face(e)
      f.mac(0, '020000000001')
      f.ipv4(1, '10.0.0.2')
      f.ipv4(2, '10.0.0.9')
      f.call('bufferNew', 64)
      t.equal(f.call('arpRequest', 0, 1, 2), 0)
      t.equal(f.held(), 'ffffffffffff020000000001080600010800060400010200000000010a0000020000000000000a000009' + '00'.repeat(18))
      t.equal(f.call('arpRequest', 1, 1, 2), NetworkError.InvalidAddress)
      t.equal(f.call('arpRequest', 0, 0, 2), NetworkError.InvalidAddress)
    })

    t.test('3. an ARP reply', async t => {
      const f = new Face(e)
      f.mac(0, '020000000001')
      f.ipv4(1, '10.0.0.2')
      f.mac(2, '020000000009')
      f.ipv4(3, '10.0.0.9')
      f.call('bufferNew', 64)
      t.equal(f.call('arpReply', 0, 1, 2, 3), 0)
      t.equal(f.held(), '020000000009020000000001080600010800060400020200000000010a0000020200000000090a000009' + '00'.repeat(18))
      t.equal(f.call('arpReply', 0, 1, 3, 3), NetworkError.InvalidAddress)
      f.call('bufferNew', 42)
      t.equal(f.call('arpReply', 0, 1, 2, 3), NetworkError.BufferOverflow)
    })

    t.test('a link header written and read', async t => {
      const f = new Face(e)
      f.mac(0, '020000000001')
      f.mac(1, '020000000009')
      f.call('bufferNew', 14)
      t.equal(f.call('serializeLink', 0, 1, 0x88cc), 0)
      f.call('bufferReset')
      t.equal(f.call('etherType', f.call('parse', 0)), 0x88cc)
      t.equal(f.call('parse', 0), NetworkError.InvalidPacket)
      f.ipv6(1, '00'.repeat(16))
      t.equal(f.call('serializeLink', 0, 1, 0x88cc), NetworkError.InvalidAddress)
    })
  })
}

