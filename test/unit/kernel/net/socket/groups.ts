// Broadcasts and groups, to and from sockets. RFC 1112 §6, §7, RFC 1122 §3.3.6, §4.1.3.6, RFC 3376 §3.1; ip(7).

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { BROADCAST } from '../../../../wire/frames.ts'
import { Errno, Flag, Option, Rules, Sockets } from '../../../../wire/sockets.ts'
import { GUEST, PEER, counting, ip } from '../../../../wire/stack.ts'

const GROUP = '239.1.2.3'
const GROUP_MAC = '01:00:5e:01:02:03'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const join = (stack: Sockets, handle: number, group = GROUP, source = '0.0.0.0', choice = 0) => stack.call('socketJoin', handle, ip(group), choice, ip(source))
    const leave = (stack: Sockets, handle: number, group = GROUP, source = '0.0.0.0', choice = 0) => stack.call('socketLeave', handle, ip(group), choice, ip(source))
    const toGroup = (stack: Sockets, text: string, port = 5000, source = PEER.ip, group = GROUP, mac = GROUP_MAC) =>
      stack.receive(stack.udp(4000, port, Buffer.from(text), { destination: group, source }, {}, mac))
    const toAll = (stack: Sockets, text: string, address = '255.255.255.255', port = 5000) =>
      stack.receive(stack.udp(4000, port, Buffer.from(text), { destination: address }, {}, BROADCAST))

    t.test('RFC 1112 §7.1: a group is heard from the join to the leave, by members only', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      toGroup(stack, 'before')
      t.equal(join(stack, socket), 0)
      toGroup(stack, 'during')
      t.equal(stack.take(socket, { flags: Flag.Peek }).to, GROUP, 'and it is told that it was to the group')
      t.equal(leave(stack, socket), 0)
      toGroup(stack, 'after')
      t.same(stack.texts(socket), ['during'])
    })

    t.test('the group\'s datagram goes to every socket on the port that wants it, to each its own packet', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const free = stack.free
      const sockets = Array.from({ length: 4 }, () => stack.bound(5000, '0.0.0.0', Option.ReuseAddr))
      const groupOnly = stack.bound(5000, GROUP, Option.ReuseAddr)
      const unicastOnly = stack.bound(5000, GUEST.ip, Option.ReuseAddr)
      const otherPort = stack.bound(5001)
      sockets.forEach(each => join(stack, each))
      toGroup(stack, 'hello')
      t.equal(stack.call('socketPacketsHeld'), 5)
      t.same([...sockets, groupOnly, unicastOnly, otherPort].map(each => stack.texts(each).join()), ['hello', 'hello', 'hello', 'hello', 'hello', '', ''])
      t.equal(stack.free, free)
    })

    t.test('a copy is whole, chains included', async t => {
      const stack = Sockets.up(e, { packets: 60 })
      const sockets = [0, 1].map(() => stack.bound(5000, '0.0.0.0', Option.ReuseAddr))
      sockets.forEach(each => join(stack, each))
      stack.receive(stack.udp(4000, 5000, counting(1000), { destination: GROUP, ttl: 7 }, {}, GROUP_MAC), { piece: 300 })
      for (const each of sockets) {
        const got = stack.take(each)
        t.match(got, { result: 1000, from: PEER.ip, port: 4000, ttl: 7, nic: 0 })
        t.same([...got.data], [...counting(1000)])
      }
    })

    t.test('a connected socket hears only its peer in the group', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      join(stack, socket)
      stack.connect(socket, '10.0.0.8', 4000)
      toGroup(stack, 'no')
      toGroup(stack, 'yes', 5000, '10.0.0.8')
      t.same(stack.texts(socket), ['yes'])
    })

    t.test('RFC 3376 §3.1: a source-specific member hears its sources only', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(join(stack, socket, GROUP, '10.0.0.8'), 0)
      toGroup(stack, 'from 9')
      toGroup(stack, 'from 8', 5000, '10.0.0.8')
      t.equal(join(stack, socket, GROUP, '10.0.0.7'), 0)
      toGroup(stack, 'from 7', 5000, '10.0.0.7')
      t.equal(leave(stack, socket, GROUP, '10.0.0.8'), 0)
      toGroup(stack, 'from 8 again', 5000, '10.0.0.8')
      t.same(stack.texts(socket), ['from 8', 'from 7'])
    })

    t.test('MulticastAll: groups that another socket joined are heard, too, unless it is switched off', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const member = stack.bound(6000)
      join(stack, member)
      const [open, closed] = [stack.bound(5000, '0.0.0.0', Option.ReuseAddr), stack.bound(5000, '0.0.0.0', Option.ReuseAddr)]
      stack.set(closed, Option.MulticastAll, 0)
      toGroup(stack, 'x')
      t.same([stack.texts(open), stack.texts(closed)], [['x'], []])
    })

    t.test('joining: what is refused', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(join(stack, socket, '10.0.0.9'), Errno.InvalidArgument, 'no group')
      t.equal(join(stack, socket, GROUP, '0.0.0.0', 99), Errno.NoSuchDevice)
      t.equal(join(stack, socket), 0)
      t.equal(join(stack, socket), Errno.AddressInUse)
      t.equal(leave(stack, socket, '239.9.9.9'), Errno.AddressNotAvailable)
      t.equal(leave(stack, socket, '10.0.0.9'), Errno.InvalidArgument)
      for (let i = 1; i < 20; i++) t.equal(join(stack, socket, `239.1.3.${i}`), 0)
      t.equal(join(stack, socket, '239.1.3.20'), Errno.NoBufferSpace, 'twenty are all')
      t.equal(stack.field(socket, 12), 20)
    })

    t.test('closing leaves the groups: the interface hears them no more', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      join(stack, socket)
      const groups = stack.call('netifField', 0, 9)
      stack.call('socketClose', socket)
      t.equal(stack.call('netifField', 0, 9), groups - 1)
    })

    t.test('RFC 1112 §6.1: to a group with TTL 1, or the TTL asked for; by the interface asked for', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.set(socket, Option.Ttl, 99)
      stack.sendTo(socket, counting(4), GROUP, 5000)
      stack.set(socket, Option.MulticastTtl, 7)
      stack.set(socket, Option.MulticastInterface, 1)
      stack.sendTo(socket, counting(4), GROUP, 5000)
      const sent = stack.sent()
      t.same(sent.map(frame => [frame.ipv4!.ttl, frame.ipv4!.source, frame.destination]), [[1, GUEST.ip, GROUP_MAC], [7, GUEST.ip, GROUP_MAC]])
    })

    t.test('RFC 1112 §7.1: what is sent to a group is heard by the members here, unless loop is off; with TTL 0 by nobody else', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const [sender, member] = [stack.bound(6000), stack.bound(5000)]
      stack.sendTo(sender, Buffer.from('nobody here'), GROUP, 5000)
      join(stack, member)
      stack.sendTo(sender, Buffer.from('one'), GROUP, 5000)
      const got = stack.take(member)
      t.match(got, { from: GUEST.ip, port: 6000, to: GROUP, ttl: 1, length: 3 })
      stack.set(sender, Option.MulticastLoop, 0)
      stack.sendTo(sender, Buffer.from('two'), GROUP, 5000)
      stack.set(sender, Option.MulticastLoop, 1)
      stack.set(sender, Option.MulticastTtl, 0)
      stack.forget()
      t.equal(stack.sendTo(sender, Buffer.from('three'), GROUP, 5000), 5)
      t.equal(stack.sent().length, 0, 'TTL 0 does not leave the host')
      t.same(stack.texts(member), ['three'])
    })

    t.test('RFC 1122 §4.1.3.6: a broadcast reaches every socket on the port that is bound to any address or to it', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const sockets = [stack.bound(5000, '0.0.0.0', Option.ReuseAddr), stack.bound(5000, '0.0.0.0', Option.ReuseAddr), stack.bound(5000, '10.0.0.255', Option.ReuseAddr), stack.bound(5000, GUEST.ip, Option.ReuseAddr)]
      toAll(stack, 'all')
      toAll(stack, 'net', '10.0.0.255')
      t.same(sockets.map(each => stack.texts(each)), [['all', 'net'], ['all', 'net'], ['net'], []])
    })

    t.test('to broadcast needs permission; then it goes out, and is heard here', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const socket = stack.bound(5000)
      for (const address of ['255.255.255.255', '10.0.0.255']) {
        stack.forget()
        stack.set(socket, Option.Broadcast, 0)
        t.equal(stack.sendTo(socket, Buffer.from('x'), address, 5000), Errno.AccessDenied)
        t.equal(stack.sent().length, 0)
        stack.set(socket, Option.Broadcast, 1)
        t.equal(stack.sendTo(socket, Buffer.from('x'), address, 5000), 1)
        t.match(stack.sent()[0], { destination: BROADCAST, ipv4: { destination: address, ttl: 64 } })
        t.match(stack.take(socket), { to: address, from: GUEST.ip, length: 1 })
      }
    })

    t.test('RustOS\'s last choice: a socket on an address of ours, permitted to broadcast or in the group, if nobody else wants it', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const socket = stack.socket()
      stack.bind(socket, GUEST.ip, 5000, Rules.RustOs)
      toAll(stack, 'no permission')
      stack.set(socket, Option.Broadcast, 1)
      toAll(stack, 'all')
      join(stack, socket)
      toGroup(stack, 'group')
      t.same(stack.texts(socket), ['all', 'group'])
    })

    t.test('for want of packets a copy is lost, and counted', async t => {
      const stack = Sockets.up(e)
      const sockets = [0, 1, 2].map(() => stack.bound(5000, '0.0.0.0', Option.ReuseAddr))
      sockets.forEach(each => join(stack, each))
      const reserve = Math.floor(stack.call('packetsTotal') / 8)
      while (stack.free > reserve + 1) stack.call('fakeQueue', stack.put(counting(20)), 20)
      toGroup(stack, 'x')
      t.same(sockets.map(each => stack.texts(each)), [[], [], ['x']])
      t.equal(stack.drops()['socket-copy'], 2)
    })
  })
}
