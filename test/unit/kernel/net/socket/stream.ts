// The door for a stream protocol: every call on a stream socket reaches it, and waiting and polling work on what it says.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Event, Option, Sockets, Type } from '../../../../wire/sockets.ts'
import { PEER, counting } from '../../../../wire/stack.ts'

const Call = { Open: 1, Bind: 2, Listen: 3, Accept: 4, Connect: 5, Send: 6, Receive: 7, Shutdown: 8, Close: 9, Option: 11 }

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const streaming = () => {
      const stack = Sockets.up(e)
      stack.call('fakeStreamStart')
      const socket = stack.socket(Type.Stream)
      return { stack, socket, last: () => [stack.call('fakeStreamCalled'), stack.call('fakeStreamArgument')] }
    }

    t.test('a stream is of TCP, and of nothing else', async t => {
      const stack = Sockets.up(e)
      t.ok(stack.call('socketCreate', Type.Stream, 6) > 0)
      t.ok(stack.call('socketCreate', Type.Stream, 0) > 0)
      t.equal(stack.call('socketCreate', Type.Stream, 17), Errno.ProtocolNotSupported)
    })

    t.test('a protocol that refuses leaves no socket behind', async t => {
      const stack = Sockets.up(e)
      stack.call('fakeStreamStart')
      stack.call('fakeStreamAnswers', Errno.NoSpace)
      t.equal(stack.call('socketCreate', Type.Stream, 0), Errno.NoSpace)
      t.equal(stack.call('socketCounter', 0), 0)
      t.equal(stack.call('socketCreate', Type.Stream, 17), Errno.ProtocolNotSupported)
    })

    t.test('each call reaches the protocol with its arguments, and its answer comes back', async t => {
      const { stack, socket, last } = streaming()
      t.same(last(), [Call.Open, socket])
      stack.call('fakeStreamAnswers', 42)
      t.equal(stack.bind(socket, '0.0.0.0', 80), 42)
      t.same(last(), [Call.Bind, 80])
      t.equal(stack.call('socketListen', socket, 12), 42)
      t.same(last(), [Call.Listen, 12])
      t.equal(stack.call('socketAccept', socket, 0), 42)
      t.same(last(), [Call.Accept, 0])
      t.equal(stack.send(socket, counting(100)), 42, 'a part of it')
      t.same(last(), [Call.Send, 100])
      t.equal(stack.call('socketReceive', socket, 0, 55, 0), 42)
      t.same(last(), [Call.Receive, 55])
      t.equal(stack.call('socketShutdown', socket, 1), 42)
      t.same(last(), [Call.Shutdown, 1])
      t.equal(stack.get(socket, Option.Available), 777)
      t.equal(stack.set(socket, Option.NoDelay, 1), 0)
      t.same(last(), [Call.Option, Option.NoDelay])
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 1), Errno.NotConnected)
      t.equal(stack.call('socketDisconnect', socket), Errno.NotSupported)
      stack.call('socketClose', socket)
      t.same(last(), [Call.Close, socket])
    })

    t.test('the end of a stream is 0, and not WouldBlock', async t => {
      const { stack, socket } = streaming()
      stack.call('fakeStreamAnswers', 0)
      t.equal(stack.call('socketReceiveWait', socket, 0, 10, 0), 0)
      stack.call('fakeStreamAnswers', Errno.WouldBlock)
      t.equal(stack.call('socketReceive', socket, 0, 10, 0), Errno.WouldBlock)
    })

    t.test('a connect that waits returns when Out holds, InProgress when its time is up, and does not wait if told so', async t => {
      const { stack, socket } = streaming()
      stack.call('roundsStart', 1)
      stack.set(socket, Option.SendTimeout, 40)
      t.equal(stack.call('socketConnectWait', socket, 0x0a000009, 80), Errno.InProgress)
      t.equal(stack.call('roundsRun'), 40)
      stack.set(socket, Option.NonBlocking, 1)
      t.equal(stack.call('socketConnectWait', socket, 0x0a000009, 80), Errno.InProgress)
      t.equal(stack.call('roundsRun'), 40)
    })

    t.test('accept waits for In up to the receive timeout', async t => {
      const { stack, socket } = streaming()
      stack.call('roundsStart', 1)
      stack.call('fakeStreamAnswers', Errno.WouldBlock)
      stack.set(socket, Option.RecvTimeout, 15)
      t.equal(stack.call('socketAcceptWait', socket, 0), Errno.WouldBlock)
      t.equal(stack.call('roundsRun'), 15)
    })

    t.test('what the protocol says of a stream is what poll says', async t => {
      const { stack, socket } = streaming()
      const set = stack.call('pollSetCreate')
      stack.call('pollSetAdd', set, socket, Event.In, 0, 3)
      const out = stack.m.alloc(12)
      t.equal(stack.call('pollSetTake', set, out, 1), 0)
      stack.call('streamHappensTo', socket, Event.In)
      t.equal(stack.call('socketEvents', socket), Event.In)
      t.equal(stack.call('pollSetTake', set, out, 1), 1)
    })
  })
}
