// kernel/net/ipv4/fragment.ts and output.ts: what does not fit is cut up, or refused. RFC 791 §3.2, RFC 1191 §3,
// RFC 6864.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import { type DecodedIpv4, ipv4 as packet } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

const [USUAL, NEVER, ALLOWED, PROBE] = [0, 1, 2, 3]
const [DF, MF] = [0x4000, 0x2000]
const [TOO_LONG, NO_BUFFERS] = [-90, -105]
const to = ip(PEER.ip)

const headers = (stack: Stack): DecodedIpv4[] => stack.sent().map(frame => frame.ipv4!)
const payload = (parts: DecodedIpv4[]) => toHex(bytes(...parts.map(each => each.payload)))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 791 §3.2: fragments on multiples of eight, the same identification, more follows until the last', async t => {
      for (const [length, mtu] of [[1481, 1500], [5000, 1500], [5000, 577], [1400, 68], [65_515, 1500]] as const) {
        const stack = Stack.up(e, { mtu })
        const free = stack.free
        t.equal(stack.call('sendLong', to, 253, length, mtu, USUAL, 0), 0)
        const parts = headers(stack)
        let offset = 0
        for (const [i, part] of parts.entries()) {
          t.ok(part.checksumRight && part.totalLength <= mtu && part.id === parts[0]!.id && part.protocol === 253)
          t.same([part.source, part.destination, part.ttl], [GUEST.ip, PEER.ip, 64])
          t.equal(part.flags, (i < parts.length - 1 ? MF : 0) | offset >> 3, `${length} over ${mtu}, at ${offset}`)
          offset += part.payload.length
        }
        t.equal(payload(parts), toHex(counting(length)))
        t.equal(parts.length, Math.ceil(length / (mtu - 20 & ~7)), 'no more of them than needed')
        t.equal(stack.free, free)
        t.same(stack.drops(), {})
      }
    })

    t.test('buffers that are fragments already are sent as they are', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('sendLong', to, 253, 6000, 1500, USUAL, 0), 0)
      t.same([0, 1, 2, 3, 4].map(i => stack.call('fakeSentFragments', i)), [1, 1, 1, 1, 1])
      stack.forget()
      t.equal(stack.call('sendLong', to, 253, 6000, 9000, USUAL, 0), 0)
      t.equal(payload(headers(stack)), toHex(counting(6000)), 'others are cut, and what follows the cut is moved')
    })

    t.test('UDP: the checksum is complete before the datagram is cut, whatever the card could do', async t => {
      for (const features of [0, 1]) {
        const stack = Stack.up(e, { features })
        t.equal(stack.call('sendLongUdp', to, 7, 9, 4001), 0)
        const parts = headers(stack)
        t.ok(stack.sent().every((_, i) => stack.call('fakeSentChecksum', i) === 0))
        const datagram = bytes(...parts.map(each => each.payload))
        t.equal(toHex(datagram.subarray(8)), toHex(counting(4001)))
        let sum = 17 + datagram.length + 0x0a00 + 0x0002 + 0x0a00 + 0x0009 // the pseudo header
        for (let i = 0; i < datagram.length; i += 2) sum += datagram[i]! << 8 | (datagram[i + 1] ?? 0)
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
        t.equal(sum, 0xffff)
      }
    })

    t.test('RFC 791 §3.1: 65,535 bytes and no more', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('sendLong', to, 253, 65_516, 1500, USUAL, 0), TOO_LONG)
      t.same(stack.drops(), { 'output-too-long': 1 })
    })

    t.test('RFC 1191 §3: DF while it fits; whoever does not want fragments is told what is too long', async t => {
      const stack = Stack.up(e)
      const send = (length: number, how: number) => {
        stack.forget()
        const result = stack.call('sendLong', to, 253, length, 1500, how, 0)
        return [result, ...headers(stack).map(each => each.flags & DF)]
      }
      t.same(send(1480, USUAL), [0, DF])
      t.same(send(1481, USUAL), [0, 0, 0])
      t.same(send(1480, NEVER), [0, DF])
      t.same(send(1481, NEVER), [TOO_LONG])
      t.same(send(1480, ALLOWED), [0, 0])
      t.same(send(1481, ALLOWED), [0, 0, 0])
      t.same(send(1480, PROBE), [0, DF])
      t.same(send(1481, PROBE), [TOO_LONG])
    })

    t.test('a TTL of one\'s own', async t => {
      const stack = Stack.up(e)
      stack.call('sendLong', to, 253, 3000, 1500, USUAL, 9)
      t.same(headers(stack).map(each => each.ttl), [9, 9, 9])
    })

    t.test('RFC 6864 §4.2: identifications of one destination do not repeat, and tell nothing of another\'s', async t => {
      const stack = Stack.up(e)
      const ids = new Set<number>()
      for (let i = 0; i < 300; i++) {
        stack.forget()
        stack.call('sendLong', to, 253, 8, 1500, ALLOWED, 0)
        ids.add(headers(stack)[0]!.id)
      }
      t.equal(ids.size, 300)
      stack.receive(stack.arp({ senderIp: '10.0.0.10' }))
      const next = (destination: string) => {
        stack.forget()
        stack.call('sendLong', ip(destination), 253, 8, 1500, ALLOWED, 0)
        return headers(stack)[0]!.id
      }
      const [first, , second] = [next(PEER.ip), next('10.0.0.10'), next(PEER.ip)]
      t.equal(second, (first! + 1) & 0xffff)
    })

    t.test('without a buffer for what is cut off, nothing stays behind', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      t.equal(stack.call('sendLong', to, 253, 60_000, 9000, USUAL, 0), 0)
      while (stack.free > 31) stack.call('fakeQueue', stack.put(counting(60)), 60)
      t.equal(stack.call('sendLong', to, 253, 60_000, 9000, USUAL, 0), NO_BUFFERS)
      t.equal(stack.drops()['output-no-room'], 1)
      t.equal(stack.free, 31)
      while (stack.free < free) if (stack.call('netPoll', 64) === 0) break
      t.equal(stack.free, free)
    })

    t.test('a header made elsewhere: RFC 791 §3.2, options that are copied and options that are not', async t => {
      const stack = Stack.up(e)
      const options = Uint8Array.of(148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0) // router alert is copied, record route not
      const whole = packet({ source: GUEST.ip, destination: PEER.ip, protocol: 253, flags: 0, options }, counting(1600))
      t.equal(stack.call('sendPrepared', to, stack.put(whole), whole.length), 0)
      const parts = headers(stack)
      t.same(parts.map(each => each.headerLength), [32, 24])
      t.equal(toHex(stack.sent()[1]!.frame.subarray(34, 38)), '94040000')
      t.ok(parts.every(each => each.checksumRight && each.id === parts[0]!.id))
      t.not(parts[0]!.id, 0)
      t.equal(payload(parts), toHex(counting(1600)))
    })

    t.test('a header made elsewhere that makes no sense is refused', async t => {
      const stack = Stack.up(e)
      const send = (fields: object, length = 1600) => {
        const whole = packet({ source: GUEST.ip, destination: PEER.ip, protocol: 253, ...fields }, counting(length))
        return stack.call('sendPrepared', to, stack.put(whole), whole.length)
      }
      t.equal(send({ version: 6 }), -22)
      t.equal(send({ headerWords: 4 }), -22)
      t.equal(send({ options: Uint8Array.of(7, 1, 0, 0) }), -22)
      t.equal(send({ options: Uint8Array.of(137, 3, 4, 0) }), -22)
      t.equal(send({ headerWords: 15 }, 8), -22)
      t.equal(send({ flags: DF }), TOO_LONG)
      t.same(stack.drops(), { 'output-header': 5, 'output-too-long': 1 })
      t.equal(stack.sent().length, 0)
    })
  })
}
