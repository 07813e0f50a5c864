// What sockets may hold, and that nothing on a datagram's path allocates. RFC 8085 §3.1 asks receivers to keep up; who
// does not loses the oldest, and costs nobody else.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Event, Option, Sockets } from '../../../../wire/sockets.ts'
import { PEER, counting } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('the queue holds its limit in bytes: the oldest go, as many as must and no more', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      const free = stack.free
      const socket = stack.bound(5000)
      stack.set(socket, Option.RecvBufferSize, 30)
      for (const text of ['0123456789', 'abcdefghij', 'ABCDEFGHIJ', 'five5']) stack.hear(text, 5000)
      t.equal(stack.field(socket, 5), 25)
      t.same(stack.texts(socket), ['abcdefghij', 'ABCDEFGHIJ', 'five5'], 'one went: thirty-five were over by five')
      t.equal(stack.statistic(socket, 'dropped'), 1)
      t.same(stack.drops(), { 'socket-full': 1 })
      t.equal(stack.free, free)
    })

    t.test('one that is longer than the limit does not empty the queue for nothing', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      const socket = stack.bound(5000)
      stack.set(socket, Option.RecvBufferSize, 30)
      stack.hear('kept', 5000)
      stack.hear('x'.repeat(31), 5000)
      stack.hear('y'.repeat(26), 5000)
      t.same(stack.texts(socket), ['kept', 'y'.repeat(26)])
    })

    t.test('a smaller limit loses nothing that waits, but what comes next pushes it out', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      const socket = stack.bound(5000)
      for (const text of ['one', 'two', 'three']) stack.hear(text, 5000)
      stack.set(socket, Option.RecvBufferSize, 8)
      t.equal(stack.field(socket, 5), 11)
      stack.hear('four', 5000)
      t.same(stack.texts(socket), ['four'], '"three" and "four" are nine')
    })

    t.test('a program that does not read can not starve the cards, nor another program', async t => {
      const stack = Sockets.up(e, { packets: 200 })
      const total = stack.call('packetsTotal')
      const greedy = stack.bound(5000)
      for (let i = 0; i < total; i++) stack.hear(`${i}`, 5000)
      t.ok(stack.call('socketPacketsHeld') <= total / 4 + 1, `${stack.call('socketPacketsHeld')} of ${total}`)
      t.ok(stack.free >= total / 2)
      const modest = stack.bound(5001)
      for (let i = 0; i < 20; i++) stack.hear(`${i}`, 5001)
      t.equal(stack.texts(modest).length, 20)
      t.same(stack.texts(greedy).at(-1), `${total - 1}`, 'what it has are the newest')
      t.equal(stack.call('socketPacketsHeld'), 0)
    })

    t.test('forty such programs together: half of the packets at most, and each still gets some', async t => {
      const stack = Sockets.up(e, { packets: 400 })
      const total = stack.call('packetsTotal')
      const sockets = Array.from({ length: 40 }, (_, i) => stack.bound(5000 + i))
      for (let i = 0; i < 20; i++) sockets.forEach((_, port) => stack.hear('x', 5000 + port))
      t.ok(stack.call('socketPacketsHeld') <= total / 2)
      const heard = sockets.map(each => stack.texts(each).length)
      t.ok(Math.min(...heard) >= 1, `${heard}`)
      t.ok(stack.drops()['socket-share']! > 0)
    })

    t.test('a chain counts every buffer it holds', async t => {
      const stack = Sockets.up(e, { packets: 200 })
      const socket = stack.bound(5000)
      stack.receive(stack.udp(4000, 5000, counting(1000)), { piece: 100 })
      t.equal(stack.field(socket, 6), 11)
      t.equal(stack.call('socketPacketsHeld'), 11)
      t.equal(stack.take(socket).result, 1000)
      t.equal(stack.call('socketPacketsHeld'), 0)
    })

    t.test('senders leave the cards enough: WouldBlock before the pool is empty, and Out comes back', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      const reserve = Math.floor(stack.call('packetsTotal') / 8)
      const set = stack.call('pollSetCreate')
      while (stack.free > reserve) stack.call('fakeQueue', stack.put(stack.udp(1, 9999, counting(1))), 43)
      t.equal(stack.call('pollSetAdd', set, socket, Event.Out, 0, 7), 0)
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 9), Errno.WouldBlock)
      t.equal(stack.call('socketEvents', socket) & Event.Out, 0)
      const out = stack.m.alloc(12)
      t.equal(stack.call('pollSetTake', set, out, 1), 0)
      stack.call('netPoll', 64)
      t.equal(stack.call('pollSetTake', set, out, 1), 1, 'the poll gave packets back')
      t.same([0, 4, 8].map(at => stack.m.read32(out + at)), [socket, Event.Out, 7])
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 9), 1)
      t.equal(stack.statistic(socket, 'sendErrors'), 0, 'to wait is no error')
    })

    t.test('nothing allocates on the packet path: 1,000 datagrams in and out, every counter as before', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      stack.call('heapInit')
      const socket = stack.bound(5000)
      const peer = stack.bound(5001)
      stack.connect(peer, PEER.ip, 4000)
      const buffer = stack.m.alloc(2048)
      const message = stack.m.alloc(64)
      const before = { free: stack.free, frames: stack.call('framesFree'), heap: heap(stack), held: stack.call('socketPacketsHeld') }
      let served = 0
      for (let i = 0; i < 125; i++) {
        for (let k = 0; k < 8; k++) stack.receive(stack.udp(4000, k % 2 === 0 ? 5000 : 5001, counting(64 + k)))
        t.equal(stack.call('socketPacketsHeld'), 8)
        served += stack.call('serve', socket, buffer, 2048, message) + stack.call('serve', peer, buffer, 2048, message)
        stack.forget()
        if (stack.call('framesFree') !== before.frames || heap(stack).join() !== before.heap.join()) t.fail('allocated')
      }
      t.equal(served, 1000)
      t.same({ free: stack.free, frames: stack.call('framesFree'), heap: heap(stack), held: 0 }, before)
      t.equal(stack.statistic(socket, 'packetsSent') + stack.statistic(peer, 'packetsSent'), 1000)
    })

    t.test('nothing is copied on the way in: a queued datagram is the buffer it came in', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      const free = stack.free
      for (let i = 0; i < 5; i++) stack.hear('12345', 5000)
      t.equal(stack.free, free - 5, 'five packets wait, and no other was taken')
      t.equal(stack.field(socket, 6), 5)
    })
  })
}

/** allocations, bytes, frames, failures. */
function heap(stack: Sockets): number[] {
  const stats = stack.call('heapStats')
  return [0, 4, 8, 12].map(at => stack.m.read32(stats + at))
}
