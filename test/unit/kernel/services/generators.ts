// kernel/services: discard (RFC 863 p. 1) and the character generator (RFC 864 p. 1, 2) over UDP, and whom they do not answer.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { BROADCAST } from '../../../wire/frames.ts'
import { Checksum, GUEST, NicFeature, PEER, Stack, counting } from '../../../wire/stack.ts'

/** RFC 864 p. 2: the 95 printing characters in a ring, lines of 72 that begin one further on each. */
const pattern = (length: number, first: number) => Array.from({ length }, (_, i) => {
  const [line, column] = [Math.floor(i / 74), i % 74]
  return column === 72 ? '\r' : column === 73 ? '\n' : String.fromCharCode(32 + (first + line + column) % 95)
}).join('')

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const serving = (service: string, features = 0) => {
      const stack = Stack.up(e, { features })
      t.equal(stack.call(service), 0)
      return stack
    }

    t.test('RFC 863 p. 1: what comes to port 9 is thrown away without an answer', async t => {
      const stack = serving('discardServiceStart')
      const free = stack.free
      for (const length of [0, 1, 1472]) t.equal(stack.exchange(stack.udp(4000, 9, counting(length))).length, 0)
      t.equal(stack.exchange(stack.udp(4000, 9, counting(100)), { piece: 60 }).length, 0, 'a chain, too')
      t.equal(stack.call('discardCount'), 4)
      t.equal(stack.free, free)
      t.same(stack.drops(), {}, 'it was wanted')
      t.equal(stack.call('discardServiceStart'), -98, 'AddressInUse')
    })

    t.test('RFC 864 p. 1: each datagram to port 19 is answered with 0 to 512 characters of the pattern', async t => {
      const stack = serving('chargenServiceStart')
      const free = stack.free
      const lengths = new Set<number>()
      for (let i = 0; i < 100; i++) {
        const [answer] = stack.exchange(stack.udp(4000, 19, counting(i)))
        t.match(answer!.udp, { sourcePort: 19, destinationPort: 4000, checksumRight: true })
        t.match(answer!.ipv4, { source: GUEST.ip, destination: PEER.ip, checksumRight: true })
        const text = Buffer.from(answer!.udp!.payload).toString('latin1')
        t.ok(text.length <= 512)
        t.equal(text, pattern(text.length, i % 95))
        lengths.add(text.length)
      }
      t.ok(lengths.size > 50, 'a random number of characters')
      t.equal(stack.free, free)
    })

    t.test('the pattern, line by line and round the ring', async t => {
      const stack = serving('chargenServiceStart')
      const to = stack.m.alloc(8000)
      for (const [length, first] of [[0, 0], [74, 0], [512, 94], [74 * 95 + 5, 30]] as const) {
        stack.call('chargenFill', to, length, first)
        t.equal(Buffer.from(stack.m.bytes(to, length)).toString('latin1'), pattern(length, first))
      }
    })

    t.test('no answer to a port that would answer it, nor to a broadcast, nor without a packet', async t => {
      const stack = serving('chargenServiceStart')
      for (const port of [0, 7, 13, 17, 19, 37]) t.equal(stack.exchange(stack.udp(port, 19, counting(8))).length, 0, `from ${port}`)
      t.equal(stack.exchange(stack.udp(4000, 19, counting(8), { destination: '255.255.255.255' }, {}, BROADCAST)).length, 0)
      t.same(stack.drops(), { 'service-refused': 7 })
    })

    t.test('its checksum is the card\'s to complete, where the card can', async t => {
      const stack = serving('chargenServiceStart', NicFeature.TransmitChecksum)
      stack.exchange(stack.udp(4000, 19, counting(8)))
      t.equal(stack.call('fakeSentChecksum', 0), Checksum.Partial)
    })
  })
}
