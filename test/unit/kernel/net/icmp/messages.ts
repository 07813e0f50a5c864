// kernel/net/icmp: echoes answered and asked, errors sent and not sent. RFC 792, RFC 1122 §3.2.2, RFC 1812 §4.3.2.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { be16, bytes, checksum, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, Protocol, icmp } from '../../../../wire/frames.ts'
import { Checksum, GUEST, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 792: an echo is answered with the same identifier, sequence and data', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      for (const length of [0, 1, 3, 56, 57, 1471, 1472]) {
        const [reply] = stack.exchange(stack.echo(counting(length), { id: 0x1234, sequence: length }))
        t.match(reply!.icmp, { type: 0, code: 0, id: 0x1234, sequence: length, checksumRight: true })
        t.equal(toHex(reply!.icmp!.payload), toHex(counting(length)), `${length} bytes`)
        t.match(reply!.ipv4, { source: GUEST.ip, destination: PEER.ip, ttl: 64, totalLength: 28 + length, checksumRight: true })
        t.equal(reply!.destination, PEER.mac)
      }
      t.equal(stack.free, free)
      t.equal(stack.call('counter', 4), 7)
    })

    t.test('an answer needs no packet but the question\'s', async t => {
      const stack = Stack.up(e)
      while (stack.free > 1) t.equal(stack.call('fakeQueue', stack.put(counting(60)), 60), 1)
      for (const payload of [8, 1472]) t.equal(stack.exchange(stack.echo(counting(payload))).length, 1)
      t.equal(stack.exchange(stack.arp()).length, 1)
      t.same(stack.drops(), {})
    })

    t.test('the checksum is right for every value the updated one can take', async t => {
      const stack = Stack.up(e)
      const wrong: number[] = []
      for (let value = 0; value < 0x10000; value += 0x101) {
        const [reply] = stack.exchange(stack.echo(Uint8Array.of(value >> 8, value & 0xff)))
        if (!reply?.icmp?.checksumRight) wrong.push(value)
      }
      t.same(wrong, [])
    })

    t.test('a nonzero code is answered with code 0, and the checksum follows', async t => {
      const stack = Stack.up(e)
      const [reply] = stack.exchange(stack.echo(counting(8), { code: 77 }))
      t.match(reply!.icmp, { type: 0, code: 0, checksumRight: true })
    })

    t.test('RFC 1122 §3.2.2.6: the reply has the service of the request', async t => {
      const stack = Stack.up(e)
      const frame = bytes(stack.echo(counting(8)))
      frame[15] = 0xb8 | 3 // DSCP 46, congestion experienced
      frame.set([0, 0], 24)
      frame.set(be16(checksum(frame.subarray(14, 34))), 24)
      const [reply] = stack.exchange(frame)
      t.equal(reply!.frame[15], 0xb8, 'DSCP kept, ECN cleared')
    })

    t.test('the device\'s word on a checksum does not count for ICMP, except that it was never on a wire', async t => {
      const stack = Stack.up(e)
      const broken = stack.echo(counting(40), { checksum: 0x1111 })
      t.equal(stack.exchange(broken).length, 0)
      t.equal(stack.exchange(broken, { checksum: Checksum.Valid }).length, 0)
      t.same(stack.drops(), { 'icmp-checksum': 2 })
      const [reply] = stack.exchange(broken, { checksum: Checksum.Partial })
      t.ok(reply!.icmp!.checksumRight)
    })

    t.test('RFC 1122 §3.2.2.6: echoes to a broadcast or a group are not answered', async t => {
      const stack = Stack.up(e)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { destination: '255.255.255.255' }, BROADCAST)).length, 0)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { destination: '10.0.0.255' }, BROADCAST)).length, 0)
      t.equal(stack.exchange(stack.echo(counting(8), {}, { destination: '224.0.0.1' }, '01:00:5e:00:00:01')).length, 0)
      t.same(stack.drops(), { 'icmp-echo-group': 3 })
    })

    t.test('RFC 791 §3.2: a reply that does not fit our MTU leaves in fragments', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      for (const [length, piece] of [[1473, 1515], [8000, 1500], [8001, 701]] as const) {
        const sent = stack.exchange(stack.echo(counting(length)), { piece })
        t.same(sent.map(frame => frame.ipv4!.checksumRight), sent.map(() => true))
        t.equal(toHex(bytes(...sent.map(frame => frame.ipv4!.payload)).subarray(8)), toHex(counting(length)))
        t.ok(sent.every(frame => frame.ipv4!.totalLength <= 1500))
      }
      t.same(stack.drops(), {})
      t.equal(stack.free, free)
    })

    t.test('a jumbo frame in a chain of buffers is turned around without a copy', async t => {
      const stack = Stack.up(e, { mtu: 9000 })
      stack.forget()
      stack.receive(stack.echo(counting(8972)), { piece: 1501 })
      t.equal(stack.call('fakeSentLength', 0), 9014)
      t.equal(stack.call('fakeSentFragments', 0), 7)
      const [reply] = stack.sent() // the first 2048 bytes
      t.equal(toHex(reply!.frame.subarray(42)), toHex(counting(8972).subarray(0, 2006)))
      const all = icmp({ type: 0, id: 0x7070, sequence: 1 }, counting(8972))
      t.equal(toHex(reply!.frame.subarray(34, 42)), toHex(all.subarray(0, 8)), 'the checksum of all of it')
    })

    t.test('truncated, corrupted, unknown', async t => {
      const stack = Stack.up(e)
      for (const length of [0, 1, 7]) stack.receive(stack.ipv4({ protocol: Protocol.Icmp }, counting(length)))
      stack.receive(stack.echo(counting(8), { checksum: 1 }))
      // RFC 1122 §3.2.2.7 to §3.2.2.9: information, timestamp and address mask requests are not answered
      for (const type of [1, 2, 7, 13, 15, 17, 255]) stack.receive(stack.echo(counting(8), { type }))
      for (const type of [3, 4, 5, 11, 12]) stack.receive(stack.echo(counting(28), { type }))
      t.same(stack.drops(), {
        'icmp-truncated': 3, 'icmp-checksum': 1, 'icmp-type': 7, 'icmp-error-quote': 3, 'icmp-redirect': 1, 'icmp-source-quench': 1,
      })
      t.equal(stack.sent().length, 0)
    })

    t.test('RFC 1122 §4.1.3.1: nobody at the port: 3/3, quoting the header and what followed', async t => {
      const stack = Stack.up(e)
      const packet = stack.udp(4000, 4242, counting(20))
      const [error] = stack.exchange(packet)
      t.match(error!.icmp, { type: 3, code: 3, checksumRight: true })
      t.match(error!.ipv4, { source: GUEST.ip, destination: PEER.ip, checksumRight: true })
      t.equal(error!.frame[15], 0xc0, 'RFC 1812 §4.3.2.5: internetwork control')
      t.equal(toHex(error!.icmp!.payload), toHex(packet.subarray(14, 14 + 20 + 28)), 'starts with 45')
      t.same(stack.drops(), { 'udp-port': 1 })
    })

    t.test('RFC 1812 §4.3.2.3: an error is at most 576 bytes; a short packet is quoted whole, options and all', async t => {
      const stack = Stack.up(e)
      t.equal(stack.exchange(stack.udp(4000, 4242, counting(1400)))[0]!.ipv4!.totalLength, 576)
      t.equal(stack.exchange(stack.udp(4000, 4242, counting(1400)), { piece: 77 })[0]!.ipv4!.totalLength, 576)
      const empty = stack.udp(4000, 4242, counting(0), { options: new Uint8Array(40).fill(1) })
      t.equal(stack.exchange(empty)[0]!.ipv4!.totalLength, 20 + 8 + 60 + 8)
    })

    t.test('RFC 1122 §3.2.2: no error about broadcasts, groups, or an ICMP error', async t => {
      const stack = Stack.up(e)
      const none = (frame: Uint8Array) => t.equal(stack.exchange(frame).length, 0)
      none(stack.udp(4000, 4242, counting(8), { destination: '255.255.255.255' }, {}, BROADCAST))
      none(stack.udp(4000, 4242, counting(8), { destination: '10.0.0.255' }, {}, BROADCAST))
      none(stack.udp(4000, 4242, counting(8), { destination: '10.0.0.255' }))
      none(stack.udp(4000, 4242, counting(8), { destination: '224.0.0.1' }, {}, '01:00:5e:00:00:01'))
      none(stack.ipv4({ protocol: 89, destination: '255.255.255.255' }, counting(8), BROADCAST))
      t.equal(stack.call('counter', 7), 5, 'suppressed')
      none(stack.echo(counting(28), { type: 3, code: 3 }))
    })

    t.test('RFC 1812 §4.3.2.8: fifty errors at once, then one a millisecond', async t => {
      const stack = Stack.up(e)
      const burst = (count: number) => {
        stack.forget()
        for (let i = 0; i < count; i++) stack.receive(stack.udp(4000, 4242, counting(8)))
        return stack.call('fakeSent')
      }
      t.equal(burst(200), 50)
      t.equal(stack.call('counter', 6), 150)
      stack.advance(10)
      t.equal(burst(60), 10)
      stack.advance(100_000)
      t.equal(burst(60), 50, 'a bucket holds no more')
      stack.advance(100)
      t.equal(burst(20), 20)
      stack.advance(40)
      t.equal(burst(100), 50, 'however much was left in it')
    })

    t.test('an echo of ours and its reply', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingOpen')
      t.equal(stack.call('ping', ip(PEER.ip), 7, 56), 0)
      const [request] = stack.sent()
      t.match(request!.icmp, { type: 8, code: 0, id, sequence: 7, checksumRight: true })
      t.equal(request!.icmp!.payload.length, 56)
      stack.receive(stack.echo(request!.icmp!.payload, { type: 0, id, sequence: 7 }))
      t.equal(stack.call('pingReplies'), 1)
      t.equal(stack.call('pingLast'), 7)
      stack.receive(stack.echo(counting(8), { type: 0, id: id ^ 1, sequence: 8 }))
      t.equal(stack.call('pingReplies'), 1)
      stack.call('pingClose')
      stack.receive(stack.echo(counting(8), { type: 0, id, sequence: 8 }))
      t.equal(stack.call('pingReplies'), 1)
      t.same(stack.drops(), { 'icmp-echo-unmatched': 2 })
    })

    t.test('sessions are limited and have identifiers of their own', async t => {
      const stack = Stack.up(e)
      const ids = Array.from({ length: 16 }, () => stack.call('pingOpen'))
      t.equal(new Set(ids).size, 16)
      t.equal(stack.call('pingOpen') >>> 0, 0xffffffff)
    })

    t.test('an echo with more data than a buffer holds is refused', async t => {
      const stack = Stack.up(e, { mtu: 9000 })
      const free = stack.free
      stack.call('pingOpen')
      t.equal(stack.call('ping', ip(PEER.ip), 1, 5000), -105, 'NoBufferSpace')
      t.equal(stack.free, free)
    })
  })
}
