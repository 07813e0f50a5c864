// Raw sockets: packets as they come, header and all. raw(7); RFC 1122 §3.4 (an application may see and send any protocol).

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { toHex } from '../../../../wire/bytes.ts'
import { ipv4 } from '../../../../wire/frames.ts'
import { Errno, Option, Sockets, State, Type } from '../../../../wire/sockets.ts'
import { GUEST, PEER, counting, ip } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a raw socket gets a copy of each packet of its protocol, from the IPv4 header on', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const free = stack.free
      const [ospf, icmp] = [stack.socket(Type.Raw, 89), stack.socket(Type.Raw, 1)]
      stack.receive(stack.ipv4({ protocol: 89, ttl: 3 }, counting(44)))
      const got = stack.take(ospf)
      t.match(got, { result: 64, from: PEER.ip, port: 0, to: GUEST.ip, ttl: 3 })
      t.equal(got.data[0], 0x45)
      t.equal(toHex(got.data.subarray(20)), toHex(counting(44)))
      t.equal(stack.take(icmp).result, Errno.WouldBlock)
      t.equal(stack.free, free)
    })

    t.test('the packet goes its usual way all the same: a ping is answered, and seen', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const socket = stack.socket(Type.Raw, 1)
      const [reply] = stack.exchange(stack.echo(counting(9)))
      t.equal(reply!.icmp!.type, 0)
      const got = stack.take(socket)
      t.equal(got.data[20], 8, 'as it was received: the reply was made in another buffer')
      t.equal(got.result, 37)
    })

    t.test('RFC 1122 §3.2.2.1: no "protocol unreachable" while a raw socket speaks the protocol', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      t.match(stack.exchange(stack.ipv4({ protocol: 89 }, counting(8)))[0]!.icmp, { type: 3, code: 2 })
      const socket = stack.socket(Type.Raw, 89)
      t.equal(stack.exchange(stack.ipv4({ protocol: 89 }, counting(8))).length, 0)
      stack.call('socketClose', socket)
      t.match(stack.exchange(stack.ipv4({ protocol: 89 }, counting(8)))[0]!.icmp, { type: 3, code: 2 })
    })

    t.test('bind and connect say whose packets; every socket that wants one gets its own', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      stack.call('addAddress', 0, ip('10.0.0.77'), 24)
      const [all, bound, peer] = [stack.socket(Type.Raw, 89), stack.socket(Type.Raw, 89), stack.socket(Type.Raw, 89)]
      t.equal(stack.bind(bound, '10.0.0.77', 0), 0)
      t.equal(stack.bind(bound, '10.0.0.99', 0), Errno.AddressNotAvailable)
      t.equal(stack.connect(peer, '10.0.0.8', 0), 0)
      t.equal(stack.bind(peer, '10.0.0.77', 0), Errno.InvalidArgument)
      stack.receive(stack.ipv4({ protocol: 89 }, counting(1)))
      stack.receive(stack.ipv4({ protocol: 89, destination: '10.0.0.77' }, counting(2)))
      stack.receive(stack.ipv4({ protocol: 89, source: '10.0.0.8' }, counting(3)))
      const lengths = (handle: number) => { const all = []; for (;;) { const { result } = stack.take(handle); if (result < 0) return all; all.push(result) } }
      t.same([all, bound, peer].map(lengths), [[21, 22, 23], [22], [23]])
      t.equal(stack.call('socketDisconnect', peer), 0)
      t.equal(stack.state(peer), State.Closed)
      t.equal(stack.call('socketDisconnect', peer), Errno.NotConnected)
    })

    t.test('a payload is sent with a header of ours; the checksums inside are the program\'s', async t => {
      const stack = Sockets.up(e)
      const socket = stack.socket(Type.Raw, 89)
      stack.set(socket, Option.Ttl, 5)
      t.equal(stack.sendTo(socket, counting(50), PEER.ip, 0), 50)
      t.match(stack.sent()[0]!.ipv4, { source: GUEST.ip, destination: PEER.ip, protocol: 89, ttl: 5, checksumRight: true })
      t.equal(toHex(stack.sentBytes()[0]!.subarray(34, 84)), toHex(counting(50)))
      t.equal(stack.send(socket, counting(1)), Errno.DestinationRequired)
      t.equal(stack.connect(socket, PEER.ip, 0), 0)
      t.equal(stack.send(socket, counting(1)), 1)
    })

    t.test('HeaderIncluded: the header is the program\'s, but for length, checksum, and what it left 0', async t => {
      const stack = Sockets.up(e)
      const socket = stack.socket(Type.Raw, 255)
      const packet = Buffer.from(ipv4({ source: '0.0.0.0', destination: PEER.ip, protocol: 47, ttl: 9, identification: 0 } as never, counting(30)))
      packet.writeUInt16BE(0, 10)
      t.equal(stack.sendTo(socket, packet, PEER.ip, 0), 50)
      t.match(stack.sent()[0]!.ipv4, { source: GUEST.ip, protocol: 47, ttl: 9, checksumRight: true })
      packet[0] = 0x65
      t.equal(stack.sendTo(socket, packet, PEER.ip, 0), Errno.InvalidArgument, 'version 6')
      t.equal(stack.sendTo(socket, packet.subarray(0, 19), PEER.ip, 0), Errno.InvalidArgument, 'too short')
      packet[0] = 0x45
      const other = stack.socket(Type.Raw, 47)
      stack.set(other, Option.HeaderIncluded, 1)
      t.equal(stack.sendTo(other, packet, PEER.ip, 0), 50)
    })

    t.test('large packets, broadcasts without permission, and protocols that are none', async t => {
      const stack = Sockets.up(e, { packets: 100 })
      const socket = stack.socket(Type.Raw, 89)
      t.equal(stack.sendTo(socket, counting(5000), PEER.ip, 0), 5000)
      t.equal(stack.sent().length, 4)
      t.equal(stack.sendTo(socket, counting(65_516), PEER.ip, 0), Errno.MessageTooLong)
      t.equal(stack.sendTo(socket, counting(5), '10.0.0.255', 0), Errno.AccessDenied)
      t.equal(stack.connect(socket, '10.0.0.255', 0), Errno.AccessDenied)
      t.equal(stack.call('socketCreate', Type.Raw, 0), Errno.ProtocolNotSupported)
      t.equal(stack.call('socketCreate', Type.Raw, 256), Errno.ProtocolNotSupported)
    })

    t.test('reset: it hears everything of its protocol again, once', async t => {
      const stack = Sockets.up(e, { packets: 20 })
      const socket = stack.socket(Type.Raw, 89)
      stack.connect(socket, '10.0.0.8', 0)
      t.equal(stack.call('socketReset', socket), 0)
      stack.receive(stack.ipv4({ protocol: 89 }, counting(1)))
      t.equal(stack.take(socket).result, 21)
      t.equal(stack.take(socket).result, Errno.WouldBlock)
    })
  })
}
