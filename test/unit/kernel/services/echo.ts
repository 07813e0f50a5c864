// kernel/services/echo.ts: UDP echo, and whom it does not answer. RFC 862 p. 1.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { toHex } from '../../../wire/bytes.ts'
import { BROADCAST } from '../../../wire/frames.ts'
import { Checksum, GUEST, NicFeature, PEER, Stack, counting } from '../../../wire/stack.ts'

function serving(e: Parameters<typeof Stack.up>[0], features = 0): Stack {
  const stack = Stack.up(e, { features })
  stack.call('echoServiceStart')
  return stack
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('what comes to port 7 goes back, ports and addresses exchanged', async t => {
      const stack = serving(e)
      const free = stack.free
      for (const length of [0, 1, 5, 64, 1472]) {
        const [reply] = stack.exchange(stack.udp(4000, 7, counting(length)))
        t.match(reply!.udp, { sourcePort: 7, destinationPort: 4000, length: 8 + length, checksumRight: true })
        t.match(reply!.ipv4, { source: GUEST.ip, destination: PEER.ip, checksumRight: true })
        t.equal(toHex(reply!.udp!.payload), toHex(counting(length)))
      }
      t.equal(stack.free, free)
    })

    t.test('the checksum goes back as it came: right, or none', async t => {
      const stack = serving(e)
      const sent = stack.udp(4000, 7, counting(20))
      t.equal(toHex(stack.exchange(sent)[0]!.frame.subarray(40, 42)), toHex(sent.subarray(40, 42)))
      t.equal(stack.exchange(stack.udp(4000, 7, counting(20), {}, { checksum: 0 }))[0]!.udp!.checksum, 0)
    })

    t.test('one that was never completed is completed, by us or by the card', async t => {
      const pseudo = 0x0a00 + 0x0009 + 0x0a00 + 0x0002 + 17 + 28
      const software = serving(e)
      const [reply] = software.exchange(software.udp(4000, 7, counting(20), {}, { checksum: pseudo }), { checksum: Checksum.Partial })
      t.ok(reply!.udp!.checksumRight)
      const offload = serving(e, NicFeature.TransmitChecksum)
      offload.exchange(offload.udp(4000, 7, counting(20), {}, { checksum: pseudo }), { checksum: Checksum.Partial })
      const told = ['fakeSentChecksum', 'fakeSentChecksumStart', 'fakeSentChecksumOffset'].map(name => offload.call(name, 0))
      t.same(told, [Checksum.Partial, 34, 6])
    })

    t.test('an answer needs no packet but the question\'s', async t => {
      const stack = serving(e)
      while (stack.free > 1) t.equal(stack.call('fakeQueue', stack.put(counting(60)), 60), 1)
      t.equal(stack.exchange(stack.udp(4000, 7, counting(1000))).length, 1)
    })

    t.test('a chain of buffers goes back as a chain', async t => {
      const stack = serving(e)
      const [reply] = stack.exchange(stack.udp(4000, 7, counting(1000)), { piece: 301 })
      t.equal(stack.call('fakeSentFragments', 0), 4)
      t.ok(reply!.udp!.checksumRight)
      t.equal(toHex(reply!.udp!.payload), toHex(counting(1000)))
    })

    t.test('no answer to a port that would answer it, nor to a broadcast', async t => {
      const stack = serving(e)
      for (const port of [0, 7, 13, 17, 19, 37]) t.equal(stack.exchange(stack.udp(port, 7, counting(8))).length, 0, `from ${port}`)
      t.equal(stack.exchange(stack.udp(4000, 7, counting(8), { destination: '255.255.255.255' }, {}, BROADCAST)).length, 0)
      t.equal(stack.exchange(stack.udp(4000, 7, counting(8), { destination: '10.0.0.255' }, {}, BROADCAST)).length, 0)
      t.same(stack.drops(), { 'service-refused': 8 })
    })

    t.test('a second start finds the port in use', async t => {
      t.equal(serving(e).call('echoServiceStart'), -98, 'AddressInUse')
    })
  })
}
