// Every header of kernel/net: one array of bytes read as fields, and the same fields written as those bytes.

import t, { type Test } from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { hex, toHex } from '../../../wire/bytes.ts'

interface Layout { name: string, get: string, set: string, bytes: string, fields: Record<number, number> }

// The numbers of the fields are those of test/kernel/net-headers.ts, in the order of the wire.
const layouts: Layout[] = [
  {
    name: 'IPv4, RFC 791 §3.1', get: 'ipv4Field', set: 'ipv4FieldSet', bytes: '46b8 1234 abcd 6123 3f11 8765 c0a80102 0a00020f',
    fields: { 0: 0x46, 1: 0xb8, 2: 0x1234, 3: 0xabcd, 4: 0x6123, 5: 63, 6: 17, 7: 0x8765, 8: 0xc0a80102, 9: 0x0a00020f },
  },
  {
    name: 'ARP, RFC 826', get: 'arpField', set: 'arpFieldSet',
    bytes: '0001 0800 06 04 0002 000000000000 c0a80102 000000000000 0a00020f',
    fields: { 0: 1, 1: 0x0800, 2: 6, 3: 4, 4: 2, 6: 0xc0a80102, 8: 0x0a00020f },
  },
  {
    name: 'ICMP, RFC 792', get: 'icmpField', set: 'icmpFieldSet', bytes: '0800 f1e1 8001 7fff',
    fields: { 0: 8, 1: 0, 2: 0xf1e1, 3: 0x8001, 4: 0x7fff },
  },
  {
    name: 'UDP, RFC 768', get: 'udpField', set: 'udpFieldSet', bytes: '8235 0007 0110 fedc',
    fields: { 0: 0x8235, 1: 7, 2: 0x0110, 3: 0xfedc },
  },
  {
    name: 'DHCP, RFC 2131 §2', get: 'dhcpField', set: 'dhcpFieldSet',
    bytes: '02010603 deadbeef 0102 8000 c0a80101 c0a80102 c0a80103 c0a80104' + '00'.repeat(16 + 64 + 128) + '63825363',
    fields: {
      0: 2, 1: 1, 2: 6, 3: 3, 4: 0xdeadbeef, 5: 0x0102, 6: 0x8000, 7: 0xc0a80101,
      8: 0xc0a80102, 9: 0xc0a80103, 10: 0xc0a80104, 14: 0x63825363,
    },
  },
]

function check(t: Test, m: Instance, layout: Layout): void {
  const bytes = hex(layout.bytes)
  const at = m.alloc(bytes.length)
  m.write(at, bytes)
  for (const [index, value] of Object.entries(layout.fields)) t.equal(m.call(layout.get, at, +index) >>> 0, value, `field ${index}`)
  const empty = m.alloc(bytes.length)
  for (const [index, value] of Object.entries(layout.fields)) m.call(layout.set, empty, +index, value)
  t.equal(toHex(m.bytes(empty, bytes.length)), toHex(bytes), 'written')
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (const layout of layouts) t.test(layout.name, async t => check(t, e.start(), layout))

    t.test('Ethernet II, RFC 894: type after the addresses, source after the destination', async t => {
      const m = e.start()
      const at = m.alloc(16)
      m.write(at, hex('ffffffffffff 020000000001 86dd'))
      t.equal(m.call('ethernetType', at), 0x86dd)
      t.equal(m.call('ethernetSourceOf', at) >>> 0, at + 6)
      m.call('ethernetTypeSet', at, 0x0806)
      t.equal(toHex(m.bytes(at, 14)), 'ffffffffffff0200000000010806')
    })

    t.test('addresses inside ARP and DHCP are where the pictures say', async t => {
      const m = e.start()
      const at = m.alloc(256)
      t.equal((m.call('arpField', at, 5) >>> 0) - at, 8, 'ar$sha')
      t.equal((m.call('arpField', at, 7) >>> 0) - at, 18, 'ar$tha')
      t.equal((m.call('dhcpField', at, 11) >>> 0) - at, 28, 'chaddr')
      t.equal((m.call('dhcpField', at, 12) >>> 0) - at, 44, 'sname')
      t.equal((m.call('dhcpField', at, 13) >>> 0) - at, 108, 'file')
    })

    t.test('RFC 791 §3.1: what is derived from the IPv4 header', async t => {
      const m = e.start()
      const at = m.alloc(32)
      m.write(at, hex('4f000000 0000 2003'))
      t.same([0, 1, 2, 3, 4].map(index => m.call('ipv4Derived', at, index)), [4, 60, 1, 24, 1], 'more fragments')
      m.write(at, hex('45000000 0000 4000'))
      t.same([0, 1, 2, 3, 4].map(index => m.call('ipv4Derived', at, index)), [4, 20, 0, 0, 0], 'not a fragment')
      m.write(at, hex('65000000 0000 1fff'))
      t.same([0, 1, 2, 3, 4].map(index => m.call('ipv4Derived', at, index)), [6, 20, 0, 65528, 1], 'the last fragment there can be')
    })

    t.test('the header checksum of an echo to everybody is b8e0', async t => {
      const m = e.start()
      const at = m.alloc(32)
      m.write(at, hex('4500001c 00000000 4001 ffff c0000201 ffffffff'))
      m.call('ipv4Seal', at)
      t.equal(m.call('ipv4Field', at, 7), 0xb8e0)
    })
  })
}
