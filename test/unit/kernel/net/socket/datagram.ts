// Datagram sockets: what goes in comes out. RFC 768, RFC 1122 §4.1, RFC 8085; udp(7) where these leave it open.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { toHex } from '../../../../wire/bytes.ts'
import { Errno, Flag, Option, Sockets, State } from '../../../../wire/sockets.ts'
import { Checksum, GUEST, PEER, counting, ip } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 768: a datagram of any length arrives whole, and who sent it is told', async t => {
      const stack = Sockets.up(e)
      const free = stack.free
      const socket = stack.bound(5000)
      for (const length of [0, 1, 17, 512, 1472]) {
        stack.receive(stack.udp(4000, 5000, counting(length), { ttl: 33, tos: 0x28 }))
        const got = stack.take(socket)
        t.match(got, { result: length, from: PEER.ip, port: 4000, length, flags: 0, to: GUEST.ip, nic: 0, ttl: 33, tos: 0x28 })
        t.equal(toHex(got.data), toHex(counting(length)))
      }
      t.equal(stack.take(socket).result, Errno.WouldBlock, 'nothing left: not the same as an empty datagram')
      t.equal(stack.free, free, 'no packet lost')
      t.equal(stack.statistic(socket, 'packetsReceived'), 5)
      t.equal(stack.statistic(socket, 'bytesReceived'), 2002)
    })

    t.test('RFC 768: what is sent is a datagram with a right checksum, from the address of the interface', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      for (const length of [0, 1, 100, 1472]) {
        stack.forget()
        t.equal(stack.sendTo(socket, counting(length), PEER.ip, 9), length)
        const [sent] = stack.sent()
        t.match(sent!.ipv4, { source: GUEST.ip, destination: PEER.ip, ttl: 64, checksumRight: true })
        t.match(sent!.udp, { sourcePort: 5000, destinationPort: 9, length: length + 8, checksumRight: true })
        t.equal(toHex(sent!.udp!.payload), toHex(counting(length)))
      }
      t.equal(stack.statistic(socket, 'packetsSent'), 4)
      t.equal(stack.statistic(socket, 'bytesSent'), 1573)
    })

    t.test('a buffer that is too small takes the first bytes; Truncate tells, and the rest is gone', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.hear('a long message', 5000)
      stack.hear('another', 5000)
      t.match(stack.take(socket, { room: 6 }), { result: 6, length: 14, flags: Flag.Truncate })
      t.match(stack.take(socket, { room: 3, flags: Flag.Truncate }), { result: 7, length: 7 }, 'asked for, the whole length')
      t.equal(stack.take(socket).result, Errno.WouldBlock)
    })

    t.test('Peek leaves the message where it is', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.hear('here', 5000)
      for (let i = 0; i < 3; i++) t.equal(Buffer.from(stack.take(socket, { flags: Flag.Peek }).data).toString(), 'here')
      t.equal(stack.get(socket, Option.Available), 4)
      t.same(stack.texts(socket), ['here'])
      t.equal(stack.get(socket, Option.Available), 0)
    })

    t.test('RFC 8085 §3.2: a datagram over the MTU arrives whole, in and out', async t => {
      const stack = Sockets.up(e, { packets: 300 })
      const socket = stack.bound(5000)
      stack.set(socket, Option.SendBufferSize, 100_000)
      stack.set(socket, Option.RecvBufferSize, 100_000)
      for (const length of [1473, 1480, 2944, 8000, 65_507]) {
        stack.forget()
        t.equal(stack.sendTo(socket, counting(length), PEER.ip, 5000), length)
        const pieces = stack.sentBytes().map(frame => frame.subarray(14))
        t.equal(pieces.length, Math.ceil((length + 8) / 1480), `${length} bytes`)
        const whole = Buffer.concat(pieces.map(piece => piece.subarray(20, piece[2]! << 8 | piece[3]!)))
        t.equal(toHex(whole.subarray(8)), toHex(counting(length)))
        if (length < 60_000) { // back to us: swap the addresses; the sums do not change by that
          for (const frame of stack.sentBytes()) {
            const back = Buffer.from(frame)
            frame.subarray(6, 12).forEach((byte, i) => { back[i] = byte })
            frame.subarray(0, 6).forEach((byte, i) => { back[6 + i] = byte })
            frame.subarray(26, 30).forEach((byte, i) => { back[30 + i] = byte })
            frame.subarray(30, 34).forEach((byte, i) => { back[26 + i] = byte })
            stack.receive(back)
          }
          const got = stack.take(socket)
          t.match(got, { result: length, from: PEER.ip, port: 5000 })
          t.equal(toHex(got.data), toHex(counting(length)))
        }
      }
      t.equal(stack.sendTo(socket, counting(65_508), PEER.ip, 9), Errno.MessageTooLong, 'more than a datagram holds')
    })

    t.test('a message over the send limit is MessageTooLong, by send and by sendTo alike', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.set(socket, Option.SendBufferSize, 100)
      t.equal(stack.connect(socket, PEER.ip, 9), 0)
      t.equal(stack.send(socket, counting(101)), Errno.MessageTooLong)
      t.equal(stack.sendTo(socket, counting(101), PEER.ip, 9), Errno.MessageTooLong)
      t.equal(stack.send(socket, counting(100)), 100)
      t.equal(stack.statistic(socket, 'sendErrors'), 2)
    })

    t.test('RFC 8085 §3.2: with fragmentation forbidden what is over the MTU is MessageTooLong', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.set(socket, Option.DontFragment, 1)
      t.equal(stack.sendTo(socket, counting(1473), PEER.ip, 9), Errno.MessageTooLong)
      t.equal(stack.sendTo(socket, counting(1472), PEER.ip, 9), 1472)
      t.equal(stack.sentBytes().at(-1)![20]! & 0x40, 0x40, 'DF')
      stack.set(socket, Option.DontFragment, 2)
      t.equal(stack.sendTo(socket, counting(10), PEER.ip, 9), 10)
      t.equal(stack.sentBytes().at(-1)![20]! & 0x40, 0, 'no DF')
    })

    t.test('RFC 1122 §4.1.4: TTL and service are the program\'s to choose', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.set(socket, Option.Ttl, 3)
      stack.set(socket, Option.Dscp, 46)
      stack.sendTo(socket, counting(4), PEER.ip, 9)
      t.equal(stack.sent()[0]!.ipv4!.ttl, 3)
      t.equal(stack.sentBytes()[0]![15], 46 << 2)
      stack.set(socket, Option.TypeOfService, 0x0b)
      stack.set(socket, Option.Dscp, 1)
      t.equal(stack.get(socket, Option.TypeOfService), 7, 'congestion bits stay')
      t.equal(stack.set(socket, Option.Ttl, 0), Errno.InvalidArgument)
      t.equal(stack.set(socket, Option.Ttl, 256), Errno.InvalidArgument)
      t.equal(stack.set(socket, Option.Dscp, 64), Errno.InvalidArgument)
    })

    t.test('RFC 1122 §4.1.3.5: a reply goes from the address a socket is bound to', async t => {
      const stack = Sockets.up(e)
      stack.call('addAddress', 0, ip('10.0.0.77'), 24)
      const socket = stack.bound(5000, '10.0.0.77')
      stack.receive(stack.udp(4000, 5000, counting(3), { destination: '10.0.0.77' }))
      t.equal(stack.take(socket).to, '10.0.0.77')
      stack.forget()
      stack.sendTo(socket, counting(3), PEER.ip, 4000)
      t.equal(stack.sent()[0]!.ipv4!.source, '10.0.0.77')
      stack.hear('to the other one', 5000)
      t.equal(stack.take(socket).result, Errno.WouldBlock, 'what is for another address is not heard')
    })

    t.test('connect names the peer: send needs no address, and nobody else is heard', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.send(socket, counting(3)), Errno.DestinationRequired)
      t.equal(stack.connect(socket, PEER.ip, 4000), 0)
      t.equal(stack.state(socket), State.Connected)
      t.same([stack.local(socket), stack.remote(socket)], [`${GUEST.ip}:5000`, `${PEER.ip}:4000`])
      stack.hear('the peer', 5000, 4000)
      stack.hear('another port', 5000, 4001)
      stack.receive(stack.udp(4000, 5000, Buffer.from('another host'), { source: '10.0.0.8' }))
      t.same(stack.texts(socket), ['the peer'])
      t.equal(stack.drops()['udp-port'], 2, 'nobody is there for the others')
      stack.forget()
      t.equal(stack.send(socket, counting(3)), 3)
      t.match(stack.sent()[0]!.udp, { sourcePort: 5000, destinationPort: 4000 })
      t.equal(stack.sendTo(socket, counting(3), '10.0.0.8', 7), 3, 'another address for one message is allowed')
    })

    t.test('connect again changes the peer, disconnect frees it; a port nobody asked for goes with it', async t => {
      const stack = Sockets.up(e)
      const socket = stack.socket()
      t.equal(stack.connect(socket, PEER.ip, 4000), 0, 'binds by itself')
      const port = stack.field(socket, 2)
      t.ok(port >= 32768, `ephemeral: ${port}`)
      t.equal(stack.connect(socket, PEER.ip, 4001), 0)
      stack.hear('old', port, 4000)
      stack.hear('new', port, 4001)
      t.same(stack.texts(socket), ['new'])
      t.equal(stack.call('socketDisconnect', socket), 0)
      t.same([stack.local(socket), stack.remote(socket)], ['0.0.0.0:0', '0.0.0.0:0'])
      t.equal(stack.call('socketDisconnect', socket), Errno.NotConnected)
      const named = stack.bound(5000)
      stack.connect(named, PEER.ip, 4000)
      stack.call('socketDisconnect', named)
      t.equal(stack.local(named), '0.0.0.0:5000', 'a port that was asked for stays')
      stack.hear('anybody', 5000, 4005)
      t.same(stack.texts(named), ['anybody'])
    })

    t.test('vector 26: a connect that failed leaves the socket as it was, and the next one works', async t => {
      const stack = Sockets.up(e, { value: '10.0.0.2/24' })
      const socket = stack.socket()
      t.equal(stack.connect(socket, '192.0.2.1', 80), Errno.NetworkUnreachable)
      t.same([stack.state(socket), stack.local(socket)], [State.Closed, '0.0.0.0:0'])
      t.equal(stack.connect(socket, '10.0.0.255', 80), Errno.AccessDenied, 'a broadcast address')
      t.equal(stack.connect(socket, PEER.ip, 80), 0)
      t.equal(stack.state(socket), State.Connected)
    })

    t.test('vector 27: listen and accept are for streams', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.call('socketListen', socket, 5), Errno.NotSupported)
      t.equal(stack.call('socketAccept', socket, 0), Errno.NotSupported)
      t.equal(stack.call('socketCreate', 1, 6), Errno.ProtocolNotSupported, 'a datagram socket of TCP')
      t.equal(stack.call('socketCreate', 3, 0), Errno.InvalidArgument)
    })

    t.test('RFC 1122 §4.1.3.4: a wrong checksum never reaches a socket; no checksum does', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      stack.receive(stack.udp(4000, 5000, Buffer.from('wrong'), {}, { checksum: 0xdead }))
      stack.receive(stack.udp(4000, 5000, Buffer.from('none'), {}, { checksum: 0 }))
      stack.receive(stack.udp(4000, 5000, Buffer.from('vouched'), {}, { checksum: 0xdead }), { checksum: Checksum.Valid })
      t.same(stack.texts(socket), ['none', 'vouched'])
    })

    t.test('RFC 1122 §4.1.3.1: to a port nobody has, an error; after close, too', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.exchange(stack.udp(4000, 5000, counting(4))).length, 0)
      t.equal(stack.call('socketClose', socket), 0)
      const [error] = stack.exchange(stack.udp(4000, 5000, counting(4)))
      t.match(error!.icmp, { type: 3, code: 3, checksumRight: true })
      t.equal(error!.icmp!.payload[0], 0x45, 'vector 13: quotes from the IPv4 header on')
      t.equal(error!.icmp!.payload[22]! << 8 | error!.icmp!.payload[23]!, 5000, 'with the UDP header')
    })

    t.test('RFC 1122 §4.1.3.6: no error about a broadcast that nobody wants', async t => {
      const stack = Sockets.up(e)
      t.equal(stack.exchange(stack.udp(4000, 5000, counting(4), { destination: '10.0.0.255' }, {}, 'ff:ff:ff:ff:ff:ff')).length, 0)
    })

    t.test('shutdown: nothing is sent, the rest is read, then the end', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.call('socketShutdown', socket, 1), Errno.NotConnected, 'as on Linux: and shut nevertheless')
      t.equal(stack.sendTo(socket, counting(3), PEER.ip, 9), Errno.BrokenPipe)
      stack.hear('before', 5000)
      stack.call('socketShutdown', socket, 0)
      stack.hear('after', 5000)
      t.equal(Buffer.from(stack.take(socket).data).toString(), 'before')
      t.match(stack.take(socket), { result: 0, flags: Flag.EndOfFile })
      t.equal(stack.drops()['socket-shut'], 1)
      t.equal(stack.call('socketShutdown', socket, 3), Errno.InvalidArgument)
    })

    t.test('a handle that was closed, or never made, is BadHandle in every call', async t => {
      const stack = Sockets.up(e)
      const old = stack.bound(5000)
      stack.call('socketClose', old)
      for (const handle of [old, 0, 99, 0x7fffffff, -1]) {
        t.equal(stack.bind(handle, '0.0.0.0', 1), Errno.BadHandle)
        t.equal(stack.connect(handle, PEER.ip, 1), Errno.BadHandle)
        t.equal(stack.call('socketListen', handle, 1), Errno.BadHandle)
        t.equal(stack.call('socketAccept', handle, 0), Errno.BadHandle)
        t.equal(stack.send(handle, counting(1)), Errno.BadHandle)
        t.equal(stack.sendTo(handle, counting(1), PEER.ip, 1), Errno.BadHandle)
        t.equal(stack.take(handle).result, Errno.BadHandle)
        t.equal(stack.take(handle, { wait: true }).result, Errno.BadHandle)
        t.equal(stack.set(handle, Option.Ttl, 1), Errno.BadHandle)
        t.equal(stack.get(handle, Option.Ttl), Errno.BadHandle)
        t.equal(stack.call('socketShutdown', handle, 0), Errno.BadHandle)
        t.equal(stack.call('socketJoin', handle, ip('224.1.1.1'), 0, 0), Errno.BadHandle)
        t.equal(stack.call('socketClose', handle), Errno.BadHandle)
      }
    })

    t.test('RFC 1122 §3.2.1.3 (g): two sockets of this host talk by loopback: 127.0.0.1, an address of ours, 0.0.0.0 as on Linux', async t => {
      const stack = Sockets.up(e, { packets: 200 })
      const [a, b] = [stack.bound(5000), stack.bound(6000)]
      for (const [to, from] of [['127.0.0.1', '127.0.0.1'], [GUEST.ip, GUEST.ip], ['0.0.0.0', '127.0.0.1']] as const) {
        for (const length of [0, 5, 20_000]) {
          t.equal(stack.sendTo(a, counting(length), to, 6000), length)
          stack.call('netPoll', 64)
          const got = stack.take(b)
          t.match(got, { result: length, from, port: 5000 }, to)
          t.equal(toHex(got.data), toHex(counting(length)))
        }
      }
      t.equal(stack.connect(a, '127.0.0.1', 6001), 0)
      t.equal(stack.send(a, counting(1)), 1)
      stack.call('netPoll', 64)
      stack.call('netPoll', 64)
      t.equal(stack.get(a, Option.Error), Errno.ConnectionRefused, 'nobody is there: ICMP came back by loopback, too')
      t.equal(stack.sent().length, 0, 'nothing left the host')
    })

    t.test('RFC 1122 §3.2.1.3 (g): nothing from 127.0.0.0/8 reaches a wire', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000, '127.0.0.1')
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 9), Errno.InvalidArgument)
      t.equal(stack.connect(socket, PEER.ip, 9), Errno.InvalidArgument)
      t.equal(stack.sendTo(socket, counting(1), '127.0.0.2', 9), 1)
      const raw = stack.socket(2, 89)
      stack.bind(raw, '127.0.0.1', 0)
      t.equal(stack.sendTo(raw, counting(1), PEER.ip, 9), Errno.InvalidArgument)
      t.equal(stack.sent().length, 0)
    })

    t.test('a port 0 is nobody\'s', async t => {
      const stack = Sockets.up(e)
      const socket = stack.bound(5000)
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 0), Errno.InvalidArgument)
      t.equal(stack.sendTo(socket, counting(1), PEER.ip, 65536), Errno.InvalidArgument)
      t.equal(stack.connect(socket, PEER.ip, 65536), Errno.InvalidArgument)
    })

    t.test('reset: as new, but for its options and what it counted', async t => {
      const stack = Sockets.up(e)
      const free = stack.free
      const socket = stack.bound(5000)
      stack.set(socket, Option.Ttl, 9)
      stack.hear('unread', 5000)
      stack.connect(socket, PEER.ip, 4000)
      t.equal(stack.call('socketReset', socket), 0)
      t.same([stack.state(socket), stack.local(socket), stack.remote(socket)], [State.Closed, '0.0.0.0:0', '0.0.0.0:0'])
      t.equal(stack.free, free)
      t.equal(stack.get(socket, Option.Ttl), 9)
      t.equal(stack.bind(socket, '0.0.0.0', 5000), 0, 'the port is free again')
    })
  })
}
