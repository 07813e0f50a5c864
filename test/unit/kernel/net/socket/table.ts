// Handles, thousands of sockets, and what they counted together.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Option, Sockets, Type } from '../../../../wire/sockets.ts'
import { PEER, counting } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('handles are 1, 2, 3 …, and one that was closed is not used again soon', async t => {
      const stack = Sockets.up(e)
      t.same([stack.socket(), stack.socket(), stack.socket()], [1, 2, 3])
      stack.call('socketClose', 2)
      t.equal(stack.socket(), 4)
      t.same([0, 1, 3, 4].map(handle => stack.call('socketAfter', handle)), [1, 3, 4, 0], 'walking over them all')
    })

    t.test('16,383 sockets, every one on its own port; the next is an error; an old handle stays wrong for ever', async t => {
      const stack = Sockets.up(e, { packets: 50 })
      const handles: number[] = []
      for (let i = 0; i < 16383; i++) {
        const handle = stack.call('socketCreate', Type.Datagram, 0)
        if (handle < 1 || stack.call('socketBind', handle, 0, 20000 + i) !== 0) throw new Error(`socket ${i}: ${handle}`)
        handles.push(handle)
      }
      t.equal(stack.call('socketCreate', Type.Datagram, 0), Errno.FileTableFull)
      t.same([stack.call('socketCounter', 0), stack.call('socketCounter', 2)], [16383, 1], 'open, refused')
      for (const i of [0, 1, 1024, 4000, 16382]) {
        stack.hear(`to ${i}`, 20000 + i)
        t.same(stack.texts(handles[i]!), [`to ${i}`])
      }
      const first = handles[0]!
      stack.call('socketClose', first)
      const again = stack.socket()
      t.not(again, first)
      t.equal(again & 0x3fff, first & 0x3fff, 'the same entry')
      t.equal(stack.call('socketClose', first), Errno.BadHandle)
      t.ok(again > 0 && again < 2 ** 31)
      for (let i = 1; i < 16383; i++) stack.call('socketClose', handles[i]!)
      stack.call('socketClose', again)
      t.equal(stack.call('socketCounter', 0), 0)
      t.equal(stack.call('udpPortUsed', 20500), 0)
    })

    t.test('without memory a socket is OutOfMemory, and nothing is lost', async t => {
      const stack = new Sockets(e)
      stack.configure('10.0.0.2/24')
      t.equal(stack.call('socketCreate', Type.Datagram, 0), Errno.OutOfMemory)
      stack.addMemory(0)
      t.ok(stack.socket() > 0)
    })

    t.test('4,000 connected sockets on one port: each hears its peer', async t => {
      const stack = Sockets.up(e)
      const handles = Array.from({ length: 4000 }, (_, i) => {
        const handle = stack.bound(5000, '0.0.0.0', Option.ReuseAddr)
        stack.connect(handle, PEER.ip, 10_000 + i)
        return handle
      })
      for (const i of [0, 1, 777, 3999]) {
        stack.hear(`peer ${i}`, 5000, 10_000 + i)
        t.same(stack.texts(handles[i]!), [`peer ${i}`])
      }
      stack.hear('stranger', 5000, 9999)
      t.equal(stack.drops()['udp-port'], 1)
    })

    t.test('statistics count, and the totals keep what closed sockets did', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      for (let i = 0; i < 3; i++) stack.hear('seven77', 5000)
      stack.take(socket)
      stack.take(socket)
      stack.sendTo(socket, counting(11), PEER.ip, 9)
      stack.sendTo(socket, counting(11), PEER.ip, 0)
      stack.call('socketClose', socket)
      const other = stack.bound(5001)
      stack.sendTo(other, counting(100), PEER.ip, 9)
      const out = stack.m.alloc(64)
      const totals = Array.from({ length: 7 }, (_, which) => stack.call('socketTotal', out, which))
      t.same(totals, [111, 14, 2, 2, 1, 0, 1], 'bytes out, in, packets out, in, errors out, in, dropped')
    })

    t.test('options: what is set is what is got; what makes no sense is refused; Error, Type and Protocol are read only', async t => {
      const stack = Sockets.up(e)
      const socket = stack.socket()
      const defaults: [keyof typeof Option, number][] = [
        ['ReuseAddr', 0], ['ReusePort', 0], ['KeepAlive', 0], ['NoDelay', 0], ['RecvBufferSize', 65536], ['SendBufferSize', 65536], ['RecvTimeout', 0], ['SendTimeout', 0],
        ['Broadcast', 0], ['Ttl', 64], ['MulticastTtl', 1], ['MulticastLoop', 1], ['Dscp', 0], ['TypeOfService', 0], ['MulticastAll', 1], ['MulticastInterface', 0],
        ['NonBlocking', 0], ['ReceiveErrors', 0], ['HeaderIncluded', 0], ['DontFragment', 0], ['Error', 0], ['Type', 1], ['Protocol', 17], ['Available', 0],
      ]
      t.same(defaults.map(([name]) => stack.get(socket, Option[name])), defaults.map(([, value]) => value))
      const changes: [keyof typeof Option, number][] = [
        ['ReuseAddr', 1], ['ReusePort', 1], ['KeepAlive', 1], ['NoDelay', 1], ['RecvBufferSize', 1], ['SendBufferSize', 99999], ['RecvTimeout', 1500], ['SendTimeout', 7],
        ['Broadcast', 1], ['Ttl', 255], ['MulticastTtl', 0], ['MulticastLoop', 0], ['Dscp', 63], ['MulticastAll', 0], ['MulticastInterface', 1],
        ['NonBlocking', 1], ['ReceiveErrors', 1], ['DontFragment', 3],
      ]
      for (const [name, value] of changes) {
        t.equal(stack.set(socket, Option[name], value), 0, name)
        t.equal(stack.get(socket, Option[name]), value, name)
      }
      stack.set(socket, Option.RecvBufferSize, 0x7fffffff)
      t.equal(stack.get(socket, Option.RecvBufferSize), 4 << 20, 'cut to the most there is')
      for (const name of ['Error', 'Type', 'Protocol', 'Available'] as const) t.equal(stack.set(socket, Option[name], 1), Errno.ProtocolOption, name)
      t.equal(stack.set(socket, Option.HeaderIncluded, 1), Errno.ProtocolOption, 'only on a raw socket')
      t.equal(stack.set(socket, Option.MulticastInterface, 99), Errno.InvalidArgument)
      t.equal(stack.set(socket, Option.MulticastTtl, 256), Errno.InvalidArgument)
      t.equal(stack.set(socket, Option.DontFragment, 4), Errno.InvalidArgument)
      t.equal(stack.set(socket, 99, 1), Errno.ProtocolOption)
      t.equal(stack.get(socket, 99), Errno.ProtocolOption)
    })
  })
}
