// kernel/net/ipv4/input.ts: which headers are sound and which packets are for us. RFC 791, RFC 1122 §3.2.1.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, Protocol } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('each fault of the header has its own reason', async t => {
      const stack = Stack.up(e)
      const faulty = (fields: object) => {
        t.equal(stack.exchange(stack.echo(counting(32), {}, fields)).length, 0)
      }
      stack.receive(stack.echo(counting(32)).subarray(0, 14 + 19))
      faulty({ version: 6 })
      faulty({ headerWords: 4 })
      faulty({ headerWords: 15, totalLength: 2000 })
      faulty({ totalLength: 19 })
      faulty({ totalLength: 61 })
      faulty({ checksum: 0x1234 })
      t.same(stack.drops(), {
        'ipv4-truncated': 1, 'ipv4-version': 1, 'ipv4-header-length': 1, 'ipv4-total-length': 3, 'ipv4-checksum': 1,
      })
    })

    t.test('a header longer than the frame is never read', async t => {
      const stack = Stack.up(e)
      const frame = stack.ipv4({ protocol: Protocol.Icmp, headerWords: 15, totalLength: 60 }, counting(10)).subarray(0, 44)
      t.equal(stack.exchange(frame).length, 0)
      t.same(stack.drops(), { 'ipv4-header-length': 1 })
    })

    t.test('total length says where the packet ends, not the frame: 3 bytes of data in a 60-byte frame', async t => {
      const stack = Stack.up(e)
      const [reply] = stack.exchange(stack.echo(Buffer.from('abc')))
      t.equal(reply!.ipv4!.totalLength, 31)
      t.equal(toHex(reply!.icmp!.payload), '616263')
      t.equal(reply!.frame.length, 60)
    })

    t.test('bytes after the packet are cut off, however many', async t => {
      const stack = Stack.up(e)
      const frame = bytes(stack.echo(counting(40)), counting(900))
      t.equal(stack.exchange(frame)[0]!.frame.length, 14 + 20 + 8 + 40)
      t.equal(stack.exchange(frame, { piece: 100 })[0]!.frame.length, 14 + 20 + 8 + 40, 'in a chain of buffers')
    })

    t.test('RFC 1122 §3.2.1.3: our address, broadcasts and 224.0.0.1 are for us; nothing else is', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      const taken = (destination: string, link = GUEST.mac) => {
        const before = stack.call('takenField', 0)
        stack.receive(stack.udp(4000, 5000, counting(4), { destination }, {}, link))
        return stack.call('takenField', 0) - before
      }
      t.equal(taken(GUEST.ip), 1)
      t.equal(taken('255.255.255.255', BROADCAST), 1, 'limited broadcast')
      t.equal(taken('10.0.0.255', BROADCAST), 1, 'directed broadcast')
      t.equal(taken('224.0.0.1', '01:00:5e:00:00:01'), 1)
      for (const other of ['10.0.0.3', '0.0.0.0', '10.0.1.255', '10.0.0.0', '127.0.0.1', '224.0.0.2', '192.168.0.1', '240.0.0.1']) {
        t.equal(taken(other), 0, other)
      }
      t.same(stack.drops(), { 'ipv4-not-for-us': 7, 'ipv4-loopback': 1 })
    })

    t.test('an address of another interface is ours too (RFC 1122 §3.3.4.2)', async t => {
      const stack = new Stack(e, { two: true })
      stack.configure(`${GUEST.ip}/24`, 0)
      stack.configure('10.1.0.2/24', 1)
      stack.receive(stack.arp())
      const [reply] = stack.exchange(stack.echo(counting(8), {}, { destination: '10.1.0.2' }))
      t.equal(reply!.ipv4!.source, '10.1.0.2')
    })

    t.test('a second address of the interface is ours', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('addAddress', 0, 0x0a070001, 16), 0)
      const [reply] = stack.exchange(stack.echo(counting(8), {}, { destination: '10.7.0.1' }))
      t.equal(reply!.ipv4!.source, '10.7.0.1')
    })

    t.test('RFC 1122 §3.2.1.3: sources that no single host has', async t => {
      const stack = Stack.up(e)
      const sources = ['255.255.255.255', '224.0.0.1', '127.0.0.1', '0.0.0.0', '10.0.0.255', '240.1.2.3', GUEST.ip]
      for (const source of sources) t.equal(stack.exchange(stack.echo(counting(8), {}, { source })).length, 0, source)
      t.same(stack.drops(), { 'ipv4-source': sources.length })
    })

    t.test('RFC 1122 §3.3.6: one host\'s packet in everybody\'s frame is dropped', async t => {
      const stack = Stack.up(e)
      t.equal(stack.exchange(stack.echo(counting(8), {}, {}, BROADCAST)).length, 0)
      t.equal(stack.exchange(stack.echo(counting(8), {}, {}, '01:00:5e:00:00:01')).length, 0)
      t.same(stack.drops(), { 'ipv4-link-broadcast': 2 })
    })

    t.test('options that mean nothing to us are skipped; the answer has none (RFC 1122 §3.2.1.8)', async t => {
      const stack = Stack.up(e)
      for (const words of [1, 4, 10]) {
        const options = new Uint8Array(words * 4).fill(1) // no-operation
        const [reply] = stack.exchange(stack.echo(counting(20), {}, { options }))
        t.equal(reply!.ipv4!.headerLength, 20)
        t.ok(reply!.ipv4!.checksumRight)
        t.ok(reply!.icmp!.checksumRight)
        t.equal(toHex(reply!.icmp!.payload), toHex(counting(20)))
      }
    })

    t.test('the reserved flag and any TTL do not matter to the destination', async t => {
      const stack = Stack.up(e)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { flags: 0x8000 })).length, 1)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { ttl: 0 })).length, 1)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { ttl: 1 })).length, 1)
    })

    t.test('RFC 1122 §3.2.2.1: a protocol nobody speaks is answered with 3/2', async t => {
      const stack = Stack.up(e)
      const packet = stack.ipv4({ protocol: 89 }, counting(40))
      const [error] = stack.exchange(packet)
      t.same([error!.icmp!.type, error!.icmp!.code], [3, 2])
      t.equal(error!.ipv4!.destination, PEER.ip)
      t.equal(stack.drops()['ipv4-protocol'], 1)
    })

    t.test('a chain of small buffers is the same packet', async t => {
      const stack = Stack.up(e)
      for (const piece of [42, 43, 50, 101, 600]) {
        const [reply] = stack.exchange(stack.echo(counting(1400)), { piece })
        t.ok(reply!.icmp!.checksumRight, `pieces of ${piece}`)
        t.equal(toHex(reply!.icmp!.payload), toHex(counting(1400)))
      }
      t.same(stack.drops(), {})
    })

    t.test('headers that do not lie in the first buffer are refused', async t => {
      const stack = Stack.up(e)
      const frame = stack.echo(counting(100))
      for (const [piece, reason] of [[10, 'ethernet-truncated'], [30, 'ipv4-truncated'], [38, 'icmp-truncated']] as const) {
        const before = stack.drops()[reason] ?? 0
        stack.receive(frame, { piece })
        t.equal(stack.drops()[reason], before + 1, `${piece} bytes`)
      }
      const options = new Uint8Array(40).fill(1)
      stack.receive(stack.echo(counting(100), {}, { options }), { piece: 40 })
      t.equal(stack.drops()['ipv4-header-length'], 1)
    })
  })
}

