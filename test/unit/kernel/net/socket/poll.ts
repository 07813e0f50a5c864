// Asking many sockets at once: poll(2), and sets with a ready list, as epoll(7).

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Event, Sockets } from '../../../../wire/sockets.ts'

const Edge = 1
const OneShot = 2

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const watching = (count: number, flags = 0, events: number = Event.In) => {
      const stack = Sockets.up(e, { packets: 200 })
      const set = stack.call('pollSetCreate')
      const sockets = Array.from({ length: count }, (_, i) => stack.bound(5000 + i))
      sockets.forEach((handle, i) => t.equal(stack.call('pollSetAdd', set, handle, events, flags, 100 + i), 0))
      const out = stack.m.alloc(64 * 12)
      const take = (room = 64) => {
        const taken = stack.call('pollSetTake', set, out, room)
        return taken < 0 ? taken : Array.from({ length: taken }, (_, i) => [stack.m.read32(out + i * 12 + 8) - 100, stack.m.read32(out + i * 12 + 4)])
      }
      return { stack, set, sockets, take }
    }

    t.test('poll(2): what holds of each, a bad handle is an error, 0 is skipped', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      const list = stack.m.alloc(48)
      const ask = (...entries: [number, number][]) => {
        entries.forEach(([handle, events], i) => { stack.m.write32(list + i * 12, handle); stack.m.write32(list + i * 12 + 4, events) })
        return [stack.call('socketPoll', list, entries.length), ...entries.map((_, i) => stack.m.read32(list + i * 12 + 8))]
      }
      t.same(ask([socket, Event.In], [socket, Event.In | Event.Out], [0, Event.In], [99, Event.In]), [2, 0, Event.Out, 0, Event.Error])
      stack.hear('x', 5000)
      t.same(ask([socket, Event.In], [socket, Event.Out]), [2, Event.In, Event.Out])
      stack.call('socketShutdown', socket, 2)
      t.same(ask([socket, 0]), [1, Event.HangUp])
    })

    t.test('a set reports those that are ready, in the order they became it, as long as they are', async t => {
      const { stack, sockets, take } = watching(5)
      t.same(take(), [])
      stack.hear('x', 5003)
      stack.hear('x', 5001)
      stack.hear('x', 5003)
      t.same(take(), [[3, Event.In], [1, Event.In]])
      t.same(take(), [[3, Event.In], [1, Event.In]], 'a level')
      stack.texts(sockets[3]!)
      t.same(take(), [[1, Event.In]])
      stack.texts(sockets[1]!)
      t.same(take(), [])
    })

    t.test('with little room everybody gets a turn', async t => {
      const { stack, take } = watching(6)
      for (let i = 0; i < 6; i++) stack.hear('x', 5000 + i)
      t.same([take(4), take(4), take(4)].map(each => (each as number[][]).map(([which]) => which)), [[0, 1, 2, 3], [4, 5, 0, 1], [2, 3, 4, 5]])
    })

    t.test('an edge is told once for each thing that happens', async t => {
      const { stack, take } = watching(1, Edge)
      stack.hear('x', 5000)
      t.same(take(), [[0, Event.In]])
      t.same(take(), [], 'though it was not read')
      stack.hear('y', 5000)
      t.same(take(), [[0, Event.In]])
    })

    t.test('one shot is told once, and again after it is armed again', async t => {
      const { stack, set, sockets, take } = watching(1, OneShot)
      stack.hear('x', 5000)
      t.same(take(), [[0, Event.In]])
      stack.hear('y', 5000)
      t.same(take(), [])
      t.equal(stack.call('pollSetModify', set, sockets[0]!, Event.In, OneShot, 100), 0)
      t.same(take(), [[0, Event.In]], 'it still holds')
    })

    t.test('what holds already when a socket is added is reported', async t => {
      const { take } = watching(2, 0, Event.In | Event.Out)
      t.same(take(), [[0, Event.Out], [1, Event.Out]])
    })

    t.test('a socket can be in several sets; closing it takes it out of all, ready or not', async t => {
      const { stack, sockets, take } = watching(2)
      const other = stack.call('pollSetCreate')
      stack.call('pollSetAdd', other, sockets[0]!, Event.In, 0, 5)
      stack.hear('x', 5000)
      stack.hear('x', 5001)
      const out = stack.m.alloc(12)
      t.equal(stack.call('pollSetTake', other, out, 1), 1)
      stack.call('socketClose', sockets[0]!)
      t.equal(stack.call('pollSetTake', other, out, 1), 0)
      t.same(take(), [[1, Event.In]])
    })

    t.test('removing, closing, and everything that is wrong', async t => {
      const { stack, set, sockets, take } = watching(2)
      stack.hear('x', 5000)
      t.equal(stack.call('pollSetAdd', set, sockets[0]!, Event.In, 0, 0), Errno.Exists)
      t.equal(stack.call('pollSetRemove', set, sockets[0]!), 0)
      t.equal(stack.call('pollSetRemove', set, sockets[0]!), Errno.NoSuchEntry)
      t.equal(stack.call('pollSetModify', set, sockets[0]!, Event.In, 0, 0), Errno.NoSuchEntry)
      t.same(take(), [])
      for (const [a, b] of [[set, 99], [12345, sockets[1]!]] as const) {
        t.equal(stack.call('pollSetAdd', a, b, Event.In, 0, 0), Errno.BadHandle)
        t.equal(stack.call('pollSetModify', a, b, Event.In, 0, 0), Errno.BadHandle)
        t.equal(stack.call('pollSetRemove', a, b), Errno.BadHandle)
      }
      t.equal(stack.call('pollSetClose', set), 0)
      t.equal(stack.call('pollSetClose', set), Errno.BadHandle)
      t.equal(take(), Errno.BadHandle)
      stack.hear('x', 5001)
      t.same(stack.texts(sockets[1]!), ['x'], 'the sockets live on')
    })

    t.test('64 sets; the next is NoSpace; a closed one\'s handle stays wrong', async t => {
      const stack = Sockets.up(e)
      const sets = Array.from({ length: 64 }, () => stack.call('pollSetCreate'))
      t.equal(new Set(sets).size, 64)
      t.equal(stack.call('pollSetCreate'), Errno.NoSpace)
      stack.call('pollSetClose', sets[5]!)
      t.not(stack.call('pollSetCreate'), sets[5]!)
      t.equal(stack.call('pollSetClose', sets[5]!), Errno.BadHandle)
    })

    t.test('a set of 2,000 sockets costs what is ready: the idle ones are never looked at', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      const set = stack.call('pollSetCreate')
      for (let i = 0; i < 2000; i++) stack.call('pollSetAdd', set, stack.bound(5000 + i), Event.In, 0, i)
      const out = stack.m.alloc(120)
      t.equal(stack.call('pollSetReadyCount', set), 0)
      stack.hear('x', 6234)
      t.equal(stack.call('pollSetReadyCount', set), 1, 'of 2,000, one is asked')
      t.equal(stack.call('pollSetTake', set, out, 10), 1)
      t.equal(stack.m.read32(out + 8), 1234)
    })
  })
}
