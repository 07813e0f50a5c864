// Waiting: rounds of the main loop until there is an answer or the time is up; in virtual time, a millisecond a round.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Event, Flag, Option, Sockets } from '../../../../wire/sockets.ts'
import { PEER, counting } from '../../../../wire/stack.ts'

const FOR_EVER = -1

/** Put a datagram by for the first poll. */
function later(stack: Sockets, text: string, port: number, fromPort = 4000): void {
  const frame = stack.udp(fromPort, port, Buffer.from(text))
  stack.call('fakeQueue', stack.put(frame), frame.length)
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a datagram that comes in the twentieth round ends the wait there', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 20)
      later(stack, 'at last', 5000)
      const got = stack.take(socket, { wait: true })
      t.equal(Buffer.from(got.data).toString(), 'at last')
      t.equal(stack.call('roundsRun'), 20)
    })

    t.test('RecvTimeout: WouldBlock when it is over, neither sooner nor later', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 1)
      stack.set(socket, Option.RecvTimeout, 250)
      t.equal(stack.take(socket, { wait: true }).result, Errno.WouldBlock)
      t.equal(stack.call('roundsRun'), 250)
    })

    t.test('SendTimeout: as long as no packet is free', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.set(socket, Option.SendTimeout, 30)
      while (stack.free > Math.floor(stack.call('packetsTotal') / 8)) later(stack, 'x', 9999)
      stack.call('roundsStart', 1000)
      t.equal(stack.call('socketSendToWait', socket, stack.data(counting(5)), 5, 0, 0x0a000009, 9), Errno.WouldBlock)
      t.equal(stack.call('roundsRun'), 30)
      stack.call('roundsStart', 5)
      t.equal(stack.call('socketSendToWait', socket, stack.data(counting(5)), 5, 0, 0x0a000009, 9), 5, 'the fifth round frees some')
      stack.connect(socket, PEER.ip, 9)
      t.equal(stack.call('socketSendWait', socket, stack.data(counting(5)), 5, 0), 5)
    })

    t.test('NonBlocking and DontWait do not wait', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 1)
      t.equal(stack.take(socket, { wait: true, flags: Flag.DontWait }).result, Errno.WouldBlock)
      stack.set(socket, Option.NonBlocking, 1)
      t.equal(stack.take(socket, { wait: true }).result, Errno.WouldBlock)
      t.equal(stack.call('roundsRun'), 0)
    })

    t.test('where nothing runs rounds, waiting is WouldBlock at once and not for ever', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.take(socket, { wait: true }).result, Errno.WouldBlock)
      t.equal(stack.call('socketWait', socket, Event.In, FOR_EVER), Errno.WouldBlock)
    })

    t.test('a packet\'s handler can not wait: Deadlock, and the round goes on', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.call('waitInHandler', 6000, socket), 0)
      stack.call('roundsStart', 1)
      later(stack, 'to the handler', 6000)
      t.equal(stack.call('socketWait', socket, Event.In, 5), Errno.TimedOut)
      t.equal(stack.call('refusal'), Errno.Deadlock)
      t.equal(stack.call('roundsRun'), 5)
    })

    t.test('a socket that is closed while somebody waits is BadHandle', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 1)
      stack.call('roundCloses', socket)
      t.equal(stack.take(socket, { wait: true }).result, Errno.BadHandle)
      t.equal(stack.call('roundsRun'), 1)
    })

    t.test('socketWait: what holds already, what comes, and TimedOut', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 3)
      t.equal(stack.call('socketWait', socket, Event.Out | Event.In, FOR_EVER), Event.Out)
      t.equal(stack.call('roundsRun'), 0)
      t.equal(stack.call('socketWait', socket, Event.In, 2), Errno.TimedOut)
      later(stack, 'x', 5000)
      t.equal(stack.call('socketWait', socket, Event.In, FOR_EVER), Event.In)
      t.equal(stack.call('socketWait', socket, Event.In, 0), Event.In)
      t.equal(stack.call('socketWait', 77, Event.In, 0), Errno.BadHandle)
    })

    t.test('poll over a list and over a set wait, too: 0 when the time is up', async t => {
      const stack = Sockets.up(e)
      const sockets = [stack.bound(5000), stack.bound(5001)]
      stack.call('roundsStart', 10)
      const list = stack.m.alloc(24)
      sockets.forEach((handle, i) => { stack.m.write32(list + i * 12, handle); stack.m.write32(list + i * 12 + 4, Event.In) })
      const set = stack.call('pollSetCreate')
      const out = stack.m.alloc(24)
      for (const handle of sockets) stack.call('pollSetAdd', set, handle, Event.In, 0, handle)
      t.equal(stack.call('socketPollWait', list, 2, 4), 0)
      t.equal(stack.call('pollSetWait', set, out, 2, 5), 0)
      t.equal(stack.call('roundsRun'), 9)
      later(stack, 'x', 5001)
      t.equal(stack.call('socketPollWait', list, 2, FOR_EVER), 1)
      t.same([stack.m.read32(list + 8), stack.m.read32(list + 20)], [0, Event.In])
      t.equal(stack.call('pollSetWait', set, out, 2, FOR_EVER), 1)
      t.equal(stack.m.read32(out), sockets[1])
      t.equal(stack.call('pollSetWait', 12345, out, 2, FOR_EVER), Errno.BadHandle)
    })

    t.test('accept and connect that wait answer at once where there is nothing to wait for', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.call('roundsStart', 1)
      t.equal(stack.call('socketAcceptWait', socket, 0), Errno.NotSupported)
      t.equal(stack.call('socketConnectWait', socket, 0x0a000009, 9), 0)
      t.equal(stack.call('roundsRun'), 0)
    })
  })
}
