// kernel/net/compat/dhcp.ts and dns.ts: RustOS's messages, leases and what the resolver remembers. RFC 2131, RFC 1035.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { hex, toHex } from '../../../../wire/bytes.ts'
import { MessageType, dhcpServer } from '../../../../wire/dhcp.ts'
import { Face, NetworkError, ip, ipText } from '../../../../wire/compat.ts'

const [ProtocolError, BufferTooSmall] = [-20, -19]
const LEASE = { serverIp: '10.0.2.2', serverMac: '02:00:00:00:00:22', ip: '10.0.2.15', prefix: 24,
  gateway: '10.0.2.2', dns: '10.0.2.3', leaseSeconds: 3600 }
const MAC = '525400123456'
const FIXED = `${MAC}${'00'.repeat(10)}${'00'.repeat(192)}63825363`

/** A DNS answer: one question and records, given in hex. */
const QUESTION = '07' + Buffer.from('example').toString('hex') + '03' + Buffer.from('com').toString('hex') + '00' + '0001' + '0001'
const response = (answers: number, records: string, flags = '8180'): Buffer =>
  Buffer.from(hex(`1234${flags}0001${answers.toString(16).padStart(4, '0')}00000000${QUESTION}${records}`))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('DHCP: a DISCOVER is RustOS\'s 240 bytes, and the options it forgets', async t => {
      const f = new Face(e)
      const p = f.m.alloc(300)
      const length = f.call('dhcpDiscover', p, 300, 0x11223344, f.bytesIn(hex(MAC)))
      t.equal(toHex(f.m.bytes(p, length)), `0101060011223344${'00008000'}${'00'.repeat(16)}${FIXED}` + '350101' + '37040103060c' + 'ff')
      t.equal(f.call('dhcpType'), MessageType.Discover)
      t.equal(f.call('dhcpDiscover', p, 239, 1, p), BufferTooSmall)
      t.equal(f.call('dhcpDiscover', p, 245, 1, p), BufferTooSmall)
    })

    t.test('DHCP: a REQUEST names address and server in options 50 and 54, not in yiaddr', async t => {
      const f = new Face(e)
      const p = f.m.alloc(300)
      const length = f.call('dhcpRequest', p, 300, 7, f.bytesIn(hex(MAC)), ip('10.0.2.15'), ip('10.0.2.2'))
      t.equal(toHex(f.m.bytes(p + 240, length - 240)), '350103' + '32040a00020f' + '36040a000202' + '37040103060c' + 'ff')
      t.equal(f.call('dhcpYour'), 0)
    })

    t.test('DHCP: fewer than 240 bytes are InvalidPacket, another magic ProtocolError', async t => {
      const f = new Face(e)
      const p = f.m.alloc(300)
      const length = f.call('dhcpDiscover', p, 300, 7, f.bytesIn(hex(MAC)))
      t.equal(f.call('dhcpFrom', p, 239), NetworkError.InvalidPacket)
      t.equal(f.call('dhcpFrom', p, length), 0)
      t.equal(f.call('dhcpLeaseTime'), 0)
      f.m.write(p + 240, hex('3501053304000007d0ff'))
      t.equal(f.call('dhcpFrom', p, 250), 0)
      t.same([f.call('dhcpType'), f.call('dhcpLeaseTime')], [MessageType.Ack, 2000])
      f.m.write(p + 240, hex('3509'))
      t.equal(f.call('dhcpFrom', p, 250), NetworkError.InvalidPacket, 'an option past the end')
      f.m.write(p + 239, [0x64])
      t.equal(f.call('dhcpFrom', p, 250), ProtocolError)
    })

    t.test('DHCP: the client\'s states by name, its counters, and its lease with the server\'s values', async t => {
      const f = new Face(e)
      t.same([0, 1, 2, 3, 4, 5, 6, 7].map(each => f.m.text(f.call('dhcpStateName', each))),
        ['INIT', 'SELECTING', 'REQUESTING', 'BOUND', 'RENEWING', 'REBINDING', 'INIT-REBOOT', 'REBOOTING'])
      t.equal(f.call('clientThere', f.name('eth7')), 0)
      f.advance(5000)
      f.configure('dhcp')
      t.equal(f.call('clientState', f.name('eth0')), 1)
      t.equal(f.call('clientLease', f.name('eth0')), 0)
      const react = dhcpServer(LEASE)
      for (let frames = f.sent(); frames.length > 0; frames = f.sent()) {
        f.forget()
        for (const frame of frames) for (const each of [react(frame) ?? []].flat()) f.receive(each)
      }
      t.equal(f.call('clientState', f.name('eth0')), 3)
      t.same([0, 1, 2, 3, 4].map(each => f.call('clientStat', f.name('eth0'), each)), [1, 1, 1, 1, 3])
      t.equal(f.call('clientLease', f.name('eth0')), 1)
      const lease = [0, 1, 2, 3, 4, 5, 6].map(each => f.call('leaseField', each) >>> 0)
      t.same([...lease.slice(0, 3).map(ipText), ...lease.slice(3)], ['10.0.2.15', '255.255.255.0', '10.0.2.2', 1, 3600, 1800, 3150])
      t.same([1800, 1801, 3150, 3151, 3600, 3601].map(each => f.call('leaseAfter', each)), [0, 2, 2, 6, 6, 7], 'strictly later')
    })

    t.test('DNS: a query is the twelve bytes of header, the name, type and class', async t => {
      const f = new Face(e)
      const p = f.m.alloc(512)
      const length = f.call('dnsQuery', p, 512, 0x1234, f.name('example.com'), 1)
      t.equal(toHex(f.m.bytes(p, length)), `123401000001000000000000${QUESTION}`)
      t.equal(f.call('dnsQuery', p, 20, 1, f.name('example.com'), 1), BufferTooSmall)
      for (const bad of ['', '..', 'a..b', 'x'.repeat(64)]) t.equal(f.call('dnsQuery', p, 512, 1, f.m.cstring(bad),
        1), NetworkError.InvalidArgument, bad)
      f.call('dnsQuery', p, 512, 0x1234, f.name('example.com'), 28)
      const q = f.m.alloc(512)
      t.equal(f.call('dnsResponse', q, 512), length)
      t.equal(toHex(f.m.bytes(q, 12)), '123481800001000000000000')
      t.equal(f.call('dnsResponse', q, 12), BufferTooSmall)
    })

    t.test('DNS: records of a message; the wrong type is ProtocolError, what is cut InvalidPacket', async t => {
      const f = new Face(e)
      const message = response(3,
        'c00c 0001 0001 00000e10 0004 5db8d822' + 'c00c 0010 0001 00000e10 0006 0568656c6c6f' + 'c00c 0001 0001 00000e10 0004 01020304')
      const p = f.bytesIn(message)
      t.equal(f.call('dnsFrom', p, message.length), 0)
      t.equal(f.call('dnsFirst'), 1)
      t.equal(ipText(f.call('dnsAddress') >>> 0), '93.184.216.34')
      t.equal(f.call('dnsText', p, 0), ProtocolError)
      t.equal(f.call('dnsNext'), 1)
      t.equal(f.call('dnsType'), 16)
      t.equal(f.call('dnsAddress'), ProtocolError)
      t.equal(f.received('dnsText'), 'hello')
      t.equal(f.call('dnsNext'), 1)
      t.equal(f.call('dnsNext'), 0)
      t.equal(f.call('dnsExtract', 4), 2)
      t.same([0, 1].map(each => ipText(f.call('dnsExtracted', each) >>> 0)), ['93.184.216.34', '1.2.3.4'])
      for (let cut = 0; cut < message.length; cut++) t.equal(f.call('dnsFrom', p, cut), NetworkError.InvalidPacket, `${cut} bytes`)
    })

    t.test('DNS: a pointer to itself, or forward, is InvalidPacket and ends', async t => {
      const f = new Face(e)
      for (const [what, name] of [['itself', 'c01d'], ['forward', 'c0ff']] as const) {
        const message = response(1, `${name} 0001 0001 00000e10 0004 01020304`)
        t.equal(f.call('dnsFrom', f.bytesIn(message), message.length), NetworkError.InvalidPacket, what)
      }
    })

    t.test('DNS: what is remembered is found whatever the case of its letters, until its time is over', async t => {
      const f = new Face(e)
      f.call('dnsKnow', f.name('Example.com'), ip('93.184.216.34'), 60)
      t.equal(ipText(f.call('dnsCached', f.name('example.COM')) >>> 0), '93.184.216.34')
      t.equal(f.call('dnsCached', f.name('example.org')), 0)
      t.equal(f.call('dnsStat', 4), 1)
      f.advance(60_000)
      t.equal(f.call('dnsCached', f.name('example.com')), 0)
      f.call('dnsKnow', f.name('a.example'), ip('1.2.3.4'), 60)
      f.advance(60_000)
      f.call('dnsCleanup')
      t.equal(f.call('dnsStat', 4), 0)
      f.call('dnsKnow', f.name('a.example'), ip('1.2.3.4'), 60)
      f.call('dnsClear')
      t.equal(f.call('dnsCached', f.name('a.example')), 0)
    })

    t.test('DNS: servers', async t => {
      const f = new Face(e)
      const before = f.call('dnsServers')
      t.equal(f.call('dnsAdd', ip('9.9.9.9')), 0)
      t.equal(f.call('dnsAdd', ip('9.9.9.9')), NetworkError.AddressInUse)
      t.equal(f.call('dnsAdd', ip('224.0.0.1')), NetworkError.InvalidAddress)
      t.equal(f.call('dnsAdd', 0), NetworkError.InvalidAddress, 'a link address')
      t.equal(f.call('dnsServers'), before + 1)
      t.equal(ipText(f.call('dnsServer', 0) >>> 0), '9.9.9.9')
      t.equal(f.call('dnsRemove', ip('9.9.9.9')), 0)
      t.equal(f.call('dnsRemove', ip('9.9.9.9')), NetworkError.InvalidAddress)
    })
  })
}
