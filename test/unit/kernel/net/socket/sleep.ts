// Processes that sleep for sockets: woken by what happens to theirs and by nothing else, and once. Sleeping is told by
// test/kernel/sleepers.ts: who sleeps is in its queue, and who was woken is a bit.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Event, Sockets } from '../../../../wire/sockets.ts'

const FOR_EVER = 0xffffffff

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const started = () => {
      const stack = Sockets.up(e, { packets: 100 })
      stack.call('sleepersStart', 0)
      return { stack, woken: () => stack.call('sleepersWoken') }
    }

    t.test('a datagram wakes who sleeps for its socket, and nobody else', async t => {
      const { stack, woken } = started()
      const [a, b] = [stack.bound(5000), stack.bound(5001)]
      stack.call('sleepForSocket', a, FOR_EVER)
      stack.call('sleepForSocket', a, 250)
      stack.call('sleepForSocket', b, FOR_EVER)
      stack.call('sleepPolling')
      t.equal(stack.call('sleepersAsked'), 5000)
      stack.hear('x', 5000)
      t.equal(woken(), 0b0011)
      t.same(stack.texts(a), ['x'])
      stack.hear('y', 5000)
      t.equal(woken(), 0b0011, 'nobody sleeps there any more')
      stack.hear('z', 5001)
      t.equal(woken(), 0b0111, 'those who poll were not asked for')
    })

    t.test('who polls is woken when one of the sockets it asked of has something, once', async t => {
      const { stack, woken } = started()
      const [a, b] = [stack.bound(5000), stack.bound(5001)]
      stack.call('pollSocket', a)
      stack.call('sleepPolling')
      stack.hear('x', 5001)
      t.equal(woken(), 0, 'nobody polls that one')
      stack.hear('x', 5000)
      t.equal(woken(), 1)
      stack.call('sleepPolling')
      stack.hear('x', 5000)
      t.equal(woken(), 1, 'until it is asked again')
      t.equal(stack.texts(b).length, 1)
    })

    t.test('a set wakes who waits for it when one of its sockets becomes ready', async t => {
      const { stack, woken } = started()
      const [one, two] = [stack.call('pollSetCreate'), stack.call('pollSetCreate')]
      const [a, b] = [stack.bound(5000), stack.bound(5001)]
      stack.call('pollSetAdd', one, a, Event.In, 0, 0)
      stack.call('pollSetAdd', two, b, Event.In, 0, 0)
      stack.call('sleepForSet', one)
      stack.call('sleepForSet', two)
      stack.call('pollSet', two)
      stack.call('sleepPolling')
      t.equal(stack.call('pollSetReady', one), 0)
      stack.hear('x', 5000)
      t.equal(woken(), 0b001)
      t.same([stack.call('pollSetReady', one), stack.call('pollSetReady', two)], [1, 0])
      stack.hear('x', 5001)
      t.equal(woken(), 0b111, 'and who polls the set')
      stack.texts(a)
      t.equal(stack.call('pollSetReady', one), 0, 'it was read meanwhile')
      t.equal(stack.call('pollSetReadyCount', one), 0)
    })

    t.test('shutting down and closing wake, too', async t => {
      const { stack, woken } = started()
      const a = stack.bound(5000)
      stack.call('sleepForSocket', a, FOR_EVER)
      stack.call('socketShutdown', a, 2)
      t.equal(woken(), 1)
    })
  })
}
