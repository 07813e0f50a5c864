// ICMP errors brought to the sockets they are about. RFC 1122 §3.2.2, §4.1.3.3; ip(7) "IP_RECVERR".

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Bytes } from '../../../../wire/bytes.ts'
import { icmp } from '../../../../wire/frames.ts'
import { Errno, Event, Option, Sockets } from '../../../../wire/sockets.ts'
import { PEER, counting } from '../../../../wire/stack.ts'

/** An ICMP error about the last frame that was sent. */
function about(stack: Sockets, type: number, code: number, mtu = 0): Bytes {
  const packet = stack.sentBytes().at(-1)!.subarray(14)
  return stack.ipv4({ protocol: 1 }, icmp({ type, code, id: 0, sequence: mtu }, packet.subarray(0, 28)))
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const connected = () => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.connect(socket, PEER.ip, 4000)
      stack.send(socket, counting(20))
      return { stack, socket }
    }

    t.test('RFC 1122 §4.1.3.3: port unreachable is ConnectionRefused for the next call, once', async t => {
      for (const next of ['send', 'receive', 'option', 'error']) {
        const { stack, socket } = connected()
        stack.receive(about(stack, 3, 3))
        t.equal(stack.call('socketEvents', socket) & Event.Error, Event.Error)
        const calls: Record<string, () => number> = {
          send: () => stack.send(socket, counting(1)), receive: () => stack.take(socket).result,
          option: () => stack.get(socket, Option.Error), error: () => stack.call('socketError', socket),
        }
        t.equal(calls[next]!(), Errno.ConnectionRefused, next)
        t.equal(stack.get(socket, Option.Error), 0, 'it was told')
        t.equal(stack.call('socketEvents', socket) & Event.Error, 0)
        t.equal(stack.send(socket, counting(1)), 1, 'and the socket goes on')
      }
    })

    t.test('an error goes before data that waits, and does not lose it', async t => {
      const { stack, socket } = connected()
      stack.hear('data', 5000, 4000)
      stack.receive(about(stack, 3, 3))
      t.equal(stack.take(socket).result, Errno.ConnectionRefused)
      t.same(stack.texts(socket), ['data'])
      t.equal(stack.statistic(socket, 'receiveErrors'), 1)
    })

    const hard: [number, number, number][] = [
      [3, 2, Errno.ProtocolOption], [3, 3, Errno.ConnectionRefused], [3, 6, Errno.NetworkUnreachable], [3, 7, Errno.HostDown],
      [3, 9, Errno.NetworkUnreachable], [3, 10, Errno.HostUnreachable], [3, 13, Errno.HostUnreachable], [12, 0, Errno.ProtocolError],
    ]
    const soft: [number, number, number][] = [
      [3, 0, Errno.NetworkUnreachable], [3, 1, Errno.HostUnreachable], [3, 5, Errno.NotSupported], [3, 11, Errno.NetworkUnreachable],
      [3, 12, Errno.HostUnreachable], [11, 0, Errno.HostUnreachable], [11, 1, Errno.HostUnreachable],
    ]
    t.test('RFC 1122 §3.2.2.1: what will not go away by itself is reported to a connected socket', async t => {
      for (const [type, code, error] of hard) {
        const { stack, socket } = connected()
        stack.receive(about(stack, type, code))
        t.equal(stack.get(socket, Option.Error), error, `type ${type} code ${code}`)
      }
    })

    t.test('what may go away is not, but can be looked at; with ReceiveErrors it is', async t => {
      for (const [type, code, error] of soft) {
        const { stack, socket } = connected()
        stack.receive(about(stack, type, code))
        t.equal(stack.get(socket, Option.Error), 0, `type ${type} code ${code}`)
        t.same([stack.field(socket, 7), stack.field(socket, 8)], [type, code])
        stack.set(socket, Option.ReceiveErrors, 1)
        stack.receive(about(stack, type, code))
        t.equal(stack.get(socket, Option.Error), error)
      }
    })

    t.test('an unconnected socket hears of errors only when it asked to', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.sendTo(socket, counting(20), PEER.ip, 4000)
      stack.receive(about(stack, 3, 3))
      t.equal(stack.get(socket, Option.Error), 0)
      stack.set(socket, Option.ReceiveErrors, 1)
      stack.receive(about(stack, 3, 3))
      t.equal(stack.take(socket).result, Errno.ConnectionRefused)
      t.equal(stack.field(socket, 11), 4000, 'and can ask whom it was about')
    })

    t.test('RFC 1191 §3: fragmentation needed is MessageTooLong, with the MTU; not where fragments are allowed', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.connect(socket, PEER.ip, 4000)
      stack.send(socket, counting(1400))
      stack.receive(about(stack, 3, 4, 1000))
      t.equal(stack.get(socket, Option.Error), Errno.MessageTooLong)
      t.equal(stack.field(socket, 9), 1000)
      stack.forget()
      stack.send(socket, counting(1400))
      t.equal(stack.sent().length, 2, 'the next one leaves in fragments that fit')
      stack.set(socket, Option.DontFragment, 2)
      stack.receive(about(stack, 3, 4, 900))
      t.equal(stack.get(socket, Option.Error), 0)
    })

    t.test('RFC 8085 §5.2: an error about somebody else\'s flow changes nothing', async t => {
      const { stack, socket } = connected()
      const other = stack.bound(5001)
      stack.sendTo(other, counting(20), PEER.ip, 4000)
      stack.receive(about(stack, 3, 3))
      t.equal(stack.get(socket, Option.Error), 0)
      stack.sendTo(socket, counting(20), PEER.ip, 4999)
      stack.receive(about(stack, 3, 3))
      t.equal(stack.get(socket, Option.Error), 0, 'another peer than the connected one')
    })

    t.test('RFC 1122 §3.2.2.3: a source quench and a redirect say nothing to a program', async t => {
      for (const type of [4, 5]) {
        const { stack, socket } = connected()
        stack.set(socket, Option.ReceiveErrors, 1)
        stack.receive(about(stack, type, 0))
        t.equal(stack.get(socket, Option.Error), 0)
      }
    })
  })
}
