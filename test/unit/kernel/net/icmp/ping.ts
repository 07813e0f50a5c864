// kernel/net/icmp/ping.ts: sessions, what counts as a reply, what is forgotten when. rustos.md §1.5 and its defects;
// RFC 792, RFC 1122 §3.2.2.6.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting, ip, ipText } from '../../../../wire/stack.ts'

const [NO_SUCH, INVALID, NO_SPACE, TOO_LONG, UNREACHABLE] = [-2, -22, -28, -90, -101]
const target = ip(PEER.ip)

const send = (stack: Stack, id: number, data?: Uint8Array) =>
  stack.call('pingSend', id, data ? stack.put(data) : 0, data?.length ?? 0)
/** Answer what was sent last, or something near it. */
function answer(stack: Stack, { from = PEER.ip, idOff = 0, sequenceOff = 0 } = {}) {
  const request = stack.sent().at(-1)!.icmp!
  const near = { id: request.id + idOff & 0xffff, sequence: request.sequence + sequenceOff }
  stack.receive(stack.echo(request.payload, { type: 0, ...near }, { source: from }))
}
const reply = (stack: Stack, id: number, index: number) => ({
  sequence: stack.call('pingReplyField', id, index, 0), roundTrip: stack.call('pingReplyField', id, index, 1),
  length: stack.call('pingReplyField', id, index, 2),
  from: ipText(stack.call('pingReplyField', id, index, 3) >>> 0),
})

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a request without data is RustOS\'s eleven bytes, from the address the route says, numbered from 1', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      t.ok(id >= 1 && id <= 65535)
      t.equal(send(stack, id), 1)
      t.equal(send(stack, id), 2)
      const [first, second] = stack.sent()
      t.match(first!.icmp, { type: 8, code: 0, id, sequence: 1, checksumRight: true })
      t.equal(Buffer.from(first!.icmp!.payload).toString(), 'RustOS ping')
      t.match(first!.ipv4, { source: GUEST.ip, destination: PEER.ip })
      t.equal(second!.icmp!.sequence, 2)
    })

    t.test('replies: sequence, time, data', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      t.equal(stack.call('pingResults', id), 0)
      send(stack, id, counting(200))
      stack.advance(123)
      answer(stack)
      t.equal(stack.call('pingResults', id), 1)
      t.same(reply(stack, id, 0), { sequence: 1, roundTrip: 123, length: 200, from: PEER.ip })
      t.equal(toHex(stack.m.bytes(stack.call('pingReplyField', id, 0, 4) >>> 0, 64)), toHex(counting(200).subarray(0, 64)))
      t.equal(stack.call('pingReplyField', id, 1, 0) >>> 0, 0xffffffff, 'there is no second')
    })

    t.test('what is no reply: another identifier, a number never sent, a second one, another host, an old one', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      send(stack, id)
      answer(stack, { idOff: 1 })
      answer(stack, { sequenceOff: 1 })
      answer(stack, { sequenceOff: 32 })
      answer(stack, { from: '10.0.0.10' })
      t.equal(stack.call('pingResults', id), 0)
      answer(stack)
      answer(stack)
      t.equal(stack.call('pingResults', id), 1, 'a number counts once')
      stack.forget()
      send(stack, id)
      t.equal(stack.call('pingOutstanding', id), 1)
      stack.advance(5000)
      stack.receive(stack.arp())
      t.equal(stack.call('pingOutstanding', id), 0, 'after 5000 ms it is not waited for any more')
      stack.receive(stack.echo(Buffer.from('RustOS ping'), { type: 0, id, sequence: 2 }))
      t.equal(stack.call('pingResults', id), 1)
    })

    t.test('just in time', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      send(stack, id)
      stack.advance(4999)
      answer(stack)
      t.equal(reply(stack, id, 0).roundTrip, 4999)
    })

    t.test('a broadcast is answered by many', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', ip('10.0.0.255'))
      send(stack, id)
      t.equal(stack.sent()[0]!.destination, BROADCAST)
      answer(stack)
      answer(stack, { from: '10.0.0.10' })
      t.equal(stack.call('pingResults', id), 2)
    })

    t.test('65,507 bytes go out in fragments, and come back so', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      const free = stack.free
      const data = counting(16_000)
      t.equal(send(stack, id, data), 1)
      const sent = stack.sent().map(frame => frame.ipv4!)
      const message = bytes(...sent.map(part => part.payload))
      t.equal(toHex(message.subarray(8)), toHex(data))
      message.set([0, 0], 0)
      message.set([message[2]! + 8 & 0xff, message[3]!], 2) // type 8 to 0: RFC 1624
      if (message[2]! < 8) message[3]! += 1
      for (const part of sent) {
        const at = (part.flags & 0x1fff) << 3
        stack.receive(stack.ipv4({ protocol: 1, id: 9, flags: part.flags }, message.subarray(at, at + part.payload.length)))
      }
      t.match(reply(stack, id, 0), { length: 16_000 })
      t.equal(stack.free, free)
      t.equal(stack.call('pingSend', id, stack.put(data), 65_508), TOO_LONG)
    })

    t.test('the last 32 replies are kept; all are counted', async t => {
      const stack = Stack.up(e)
      const id = stack.call('pingStart', target)
      for (let i = 0; i < 40; i++) {
        stack.forget()
        send(stack, id)
        answer(stack)
      }
      t.equal(stack.call('pingResults', id), 40)
      t.equal(reply(stack, id, 39).sequence, 40)
      t.equal(reply(stack, id, 8).sequence, 9)
      t.equal(stack.call('pingReplyField', id, 7, 0) >>> 0, 0xffffffff)
    })

    t.test('identifiers are never shared, sessions are bounded, an ended one is gone', async t => {
      const stack = Stack.up(e)
      const ids = Array.from({ length: 8 }, () => stack.call('pingStart', target))
      t.equal(new Set(ids).size, 8)
      t.ok(ids.every(id => id >= 1 && id <= 0xffff))
      t.equal(stack.call('pingStart', target), NO_SPACE)
      stack.call('pingStop', ids[3]!)
      stack.call('pingStop', ids[3]!)
      t.equal(send(stack, ids[3]!), NO_SUCH)
      t.equal(stack.call('pingResults', ids[3]!), NO_SUCH)
      t.equal(stack.call('pingOutstanding', ids[3]!), NO_SUCH)
      t.ok(stack.call('pingStart', target) > 0)
    })

    t.test('errors: nowhere to go, and what a router says', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24` })
      t.equal(stack.call('pingStart', 0), INVALID)
      const lost = stack.call('pingStart', ip('8.8.8.8'))
      t.equal(send(stack, lost), UNREACHABLE)
      const id = stack.call('pingStart', target)
      send(stack, id)
      const request = stack.sent().at(-1)!.frame.subarray(14)
      stack.receive(stack.echo(request, { type: 11, code: 0, id: 0, sequence: 0 }, { source: '10.0.0.1' }))
      t.equal(stack.call('pingErrors', id) >>> 0, 11 << 24 | 1)
      t.equal(stack.call('pingErrors', lost), 0)
      t.same(stack.drops(), { 'icmp-error': 1 })
    })
  })
}
