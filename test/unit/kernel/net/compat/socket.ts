// kernel/net/compat/socket.ts: RustOS's state and error table, row by row, on the real sockets. Its vectors by number.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Face, GUEST, NetworkError, PEER, SocketType, State } from '../../../../wire/compat.ts'

const ANY = '0.0.0.0'
const Field = {
  state: 0, type: 1, protocol: 2, hasData: 3, canSend: 4, available: 5, local: 6, remote: 7, bytesSent: 8, packetsSent: 9,
  bytesReceived: 10, packetsReceived: 11,
} as const
const Option = { ReuseAddr: 0, ReusePort: 1, KeepAlive: 2, NoDelay: 3, RecvBufferSize: 4, SendBufferSize: 5,
  RecvTimeout: 6, SendTimeout: 7, Broadcast: 8 } as const

/** A face with one datagram socket, bound if there is a port. */
function datagram(e: Parameters<typeof Face.up>[0], port = 0): [Face, number] {
  const f = Face.up(e)
  const id = f.call('managerSocket', 1, 0)
  if (port !== 0 && f.call('sBind', id, f.at(ANY), port) !== 0) throw new Error('bind')
  return [f, id]
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('new: Closed, no addresses, RustOS\'s defaults; ids count from 1', async t => {
      const [f, id] = datagram(e)
      t.equal(id, 1)
      t.equal(f.call('managerSocket', 1, 0), 2)
      t.same([0, 1, 2, 3, 5, 6, 7].map(each => f.call('sField', id, each)), [State.Closed, SocketType.Datagram, 17, 0, 0, 0, 0])
      t.same([0, 1, 2, 3, 4, 5, 6, 7].map(each => f.call('sGet', id, each)), [0, 0, 0, 0, 8192, 8192, 0, 0])
      t.equal(f.call('sGet', id, 99), NetworkError.InvalidArgument)
    })

    t.test('the live socket is found by its id, closed it is gone', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.call('socketThere', id), 1)
      t.equal(f.call('withIt', id, 10), id + 10)
      t.equal(f.call('managerClose', id), 0)
      t.equal(f.call('managerClose', id), NetworkError.InvalidAddress)
      t.equal(f.call('withIt', id, 10), NetworkError.InvalidAddress)
      t.equal(f.call('socketThere', id), 0)
      const other = f.call('managerSocket', 1, 0)
      t.equal(f.call('sBind', other, f.at(ANY), 5000), 0, 'its port is free')
    })

    t.test('7. bind: Ok, a second is AddressInUse, port 0 InvalidArgument, and none of it hangs', async t => {
      const [f, id] = datagram(e)
      t.equal(f.call('sBind', id, f.at(ANY), 0), NetworkError.InvalidArgument)
      t.equal(f.call('sBind', id, f.at(ANY), 5000), 0)
      t.equal(f.call('sField', id, Field.local), 1)
      t.equal(f.end(), '0.0.0.0:5000')
      const other = f.call('managerSocket', 1, 0)
      t.equal(f.call('sBind', other, f.at(ANY), 5000), NetworkError.AddressInUse)
      t.equal(f.call('sBind', other, f.at('02:00:00:00:00:01'), 5001), NetworkError.InvalidAddress)
      t.equal(f.call('sBind', other, f.at('10.0.0.99'), 5001), NetworkError.InvalidAddress, 'not ours')
      t.equal(f.call('sBind', id, f.at(ANY), 5000), NetworkError.AddressInUse, 'its own again')
    })

    t.test('bind again moves a socket that is Closed still; a failure leaves it where it is', async t => {
      const [f, id] = datagram(e, 5000)
      const other = f.call('managerSocket', 1, 0)
      t.equal(f.call('sBind', other, f.at(ANY), 6000), 0)
      t.equal(f.call('sBind', id, f.at(ANY), 6000), NetworkError.AddressInUse)
      f.call('sField', id, Field.local)
      t.equal(f.end(), '0.0.0.0:5000')
      t.equal(f.call('sBind', id, f.at(GUEST.ip), 5001), 0)
      f.call('sField', id, Field.local)
      t.equal(f.end(), '10.0.0.2:5001')
      t.equal(f.call('sBind', other, f.at(ANY), 5000), 0, 'the old port is free')
    })

    t.test('bind in any state but Closed is InvalidAddress', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 7), 0)
      t.equal(f.call('sBind', id, f.at(ANY), 5001), NetworkError.InvalidAddress)
    })

    t.test('a stream socket is of TCP, a datagram socket is not', async t => {
      const f = Face.up(e)
      t.equal(f.call('managerSocket', 0, 0), 1)
      t.equal(f.call('createSocket', SocketType.Stream, 6), 2)
      t.equal(f.call('createSocket', SocketType.Datagram, 6), NetworkError.NotSupported)
    })

    t.test('listen and accept on what is no stream: NotSupported', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.call('sListen', id, 5), NetworkError.NotSupported)
      t.equal(f.call('sAccept', id), NetworkError.NotSupported)
      const raw = f.call('managerSocket', 2, 1)
      t.equal(f.call('sListen', raw, 5), NetworkError.NotSupported)
    })

    t.test('raw: connect, send_to and recv_from are NotSupported, send and recv ConnectionRefused', async t => {
      const f = Face.up(e)
      const raw = f.call('managerSocket', 2, 1)
      t.equal(f.call('sField', raw, Field.type), SocketType.Raw)
      t.equal(f.call('sConnect', raw, f.at(PEER.ip), 0), NetworkError.NotSupported)
      t.equal(f.call('sSendTo', raw, ...f.text('x'), f.at(PEER.ip), 0), NetworkError.NotSupported)
      t.equal(f.call('sSend', raw, ...f.text('x')), NetworkError.ConnectionRefused)
      t.equal(f.received('sRecvFrom', raw), 'Operation not supported')
      t.equal(f.received('sRecv', raw), 'Connection refused')
      t.equal(f.call('sBind', raw, f.at(GUEST.ip), 0), 0)
      t.equal(f.call('sBind', raw, f.at(GUEST.ip), 0), 0, 'no port check, and again is allowed')
    })

    t.test('connect: Connected, with the addresses known; twice is InvalidAddress', async t => {
      const [f, id] = datagram(e)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 7), 0)
      t.equal(f.call('sField', id, Field.state), State.Connected)
      t.equal(f.call('sField', id, Field.remote), 1)
      t.equal(f.end(), '10.0.0.9:7')
      t.equal(f.call('sField', id, Field.local), 1)
      t.match(f.end(), /^10\.0\.0\.2:(3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})$/, 'from 32768 up')
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 7), NetworkError.InvalidAddress)
      t.equal(f.call('sConnect', f.call('managerSocket', 1, 0), f.at('02:00:00:00:00:09'), 7), NetworkError.InvalidAddress)
    })

    t.test('26. a connect that failed leaves the socket Closed, and another may succeed', async t => {
      const f = Face.up(e, { value: `${GUEST.ip}/24` })
      const id = f.call('managerSocket', 1, 0)
      t.equal(f.call('sConnect', id, f.at('192.168.7.7'), 7), NetworkError.NetworkUnreachable)
      t.equal(f.call('sField', id, Field.state), State.Closed)
      t.equal(f.call('sConnect', id, f.at('10.0.0.255'), 7), NetworkError.PermissionDenied)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 7), 0)
    })

    t.test('send: ConnectionRefused while not Connected, then a datagram from the interface\'s address', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.call('sSend', id, ...f.text('abc')), NetworkError.ConnectionRefused)
      f.call('sConnect', id, f.at(PEER.ip), 7)
      t.equal(f.call('sSend', id, ...f.text('abc')), 3)
      const sent = f.sent()[0]!
      t.same([sent.ipv4!.source, sent.ipv4!.destination], [GUEST.ip, PEER.ip], 'no wildcard on the wire')
      t.same([sent.udp!.sourcePort, sent.udp!.destinationPort, Buffer.from(sent.udp!.payload).toString()], [5000, 7, 'abc'])
      t.ok(sent.udp!.checksumRight)
      t.same([Field.bytesSent, Field.packetsSent].map(each => f.call('sField', id, each)), [3, 1])
    })

    t.test('send: over the send buffer size that somebody set is BufferOverflow; nobody set one: up to 65,507', async t => {
      const f = Face.up(e, { packets: 64 })
      const id = f.call('managerSocket', 1, 0)
      f.call('sConnect', id, f.at(PEER.ip), 7)
      const data = f.m.alloc(66000)
      t.equal(f.call('sSend', id, data, 8193), 8193)
      t.equal(f.call('sSend', id, data, 65508), NetworkError.BufferOverflow)
      t.equal(f.call('sSet', id, Option.SendBufferSize, 100), 0)
      t.equal(f.call('sGet', id, Option.SendBufferSize), 100)
      t.equal(f.call('sSend', id, data, 101), NetworkError.BufferOverflow)
      t.equal(f.call('sSend', id, data, 100), 100)
    })

    t.test('recv: ConnectionRefused, Timeout while nothing is there, then what came, in order', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.received('sRecv', id), 'Connection refused')
      f.call('sConnect', id, f.at(PEER.ip), 7)
      t.equal(f.received('sRecv', id), 'Connection timeout')
      f.receive(f.udp(7, 5000, Buffer.from('one')))
      f.receive(f.udp(7, 5000, Buffer.from('two')))
      f.receive(f.udp(8, 5000, Buffer.from('from somebody else')))
      t.same([Field.hasData, Field.available].map(each => f.call('sField', id, each)), [1, 6])
      t.equal(f.received('sRecv', id), 'one')
      t.equal(f.received('sRecv', id), 'two')
      t.equal(f.received('sRecv', id), 'Connection timeout')
      t.same([Field.hasData, Field.bytesReceived, Field.packetsReceived].map(each => f.call('sField', id, each)), [0, 6, 2])
    })

    t.test('RFC 1122 §4.1.3.3: the peer\'s port unreachable is ConnectionRefused, once', async t => {
      const [f, id] = datagram(e, 5000)
      f.call('sConnect', id, f.at(PEER.ip), 7)
      f.call('sSend', id, ...f.text('abc'))
      const quoted = f.sent()[0]!.frame.subarray(14, 14 + 28)
      f.receive(f.ipv4({ protocol: 1 }, unreachable(quoted)))
      t.equal(f.received('sRecv', id), 'Connection refused')
      t.equal(f.received('sRecv', id), 'Connection timeout')
    })

    t.test('send_to: NotSupported, InvalidAddress while unbound, then to anybody', async t => {
      const [f, id] = datagram(e)
      t.equal(f.call('sSendTo', id, ...f.text('x'), f.at(PEER.ip), 7), NetworkError.InvalidAddress)
      f.call('sBind', id, f.at(ANY), 5000)
      t.equal(f.call('sSendTo', id, ...f.text('x'), f.at('02:00:00:00:00:09'), 7), NetworkError.InvalidAddress)
      t.equal(f.call('sSendTo', id, ...f.text('hello'), f.at(PEER.ip), 7), 5)
      t.equal(f.sent()[0]!.udp!.destinationPort, 7)
    })

    t.test('RFC 1122 §4.1.3.6: a broadcast without permission is PermissionDenied', async t => {
      const [f, id] = datagram(e, 5000)
      t.equal(f.call('sSendTo', id, ...f.text('x'), f.at('255.255.255.255'), 7), NetworkError.PermissionDenied)
      f.call('sSet', id, Option.Broadcast, 1)
      t.equal(f.call('sSendTo', id, ...f.text('x'), f.at('255.255.255.255'), 7), 1)
      t.equal(f.sent()[0]!.destination, 'ff:ff:ff:ff:ff:ff')
    })

    t.test('recv_from: InvalidAddress while unbound, Timeout when there is none, what is too long is cut', async t => {
      const [f, id] = datagram(e)
      t.equal(f.received('sRecvFrom', id), 'Invalid address')
      f.call('sBind', id, f.at(ANY), 5000)
      t.equal(f.received('sRecvFrom', id), 'Connection timeout')
      f.receive(f.udp(4000, 5000, Buffer.from('hello')))
      f.receive(f.udp(4001, 5000, Buffer.from('')))
      const to = f.m.alloc(4)
      t.equal(f.call('sRecvFrom', id, to, 2), 2)
      t.equal(f.end(), '10.0.0.9:4000')
      t.equal(f.call('sRecvFrom', id, to, 2), 0, 'an empty one')
      t.equal(f.end(), '10.0.0.9:4001')
      t.equal(f.call('sRecvFrom', id, to, 2), NetworkError.Timeout)
    })

    t.test('recv_timeout: the call waits that long, and no longer when something comes', async t => {
      const [f, id] = datagram(e, 5000)
      f.call('roundsStart', 0)
      f.call('sSet', id, Option.RecvTimeout, 50)
      t.equal(f.received('sRecvFrom', id), 'Connection timeout')
      t.equal(f.call('roundsRun') >= 50, true, 'fifty milliseconds of rounds')
      const frame = f.udp(4000, 5000, Buffer.from('late'))
      f.call('fakeQueue', f.put(frame), frame.length)
      f.call('roundsStart', 10)
      t.equal(f.received('sRecvFrom', id), 'late')
      t.equal(f.call('roundsRun'), 10)
    })

    t.test('close: always Ok; the port is free, the queue empty, options stay, and the socket is as new', async t => {
      const [f, id] = datagram(e, 5000)
      f.call('sSet', id, Option.ReuseAddr, 1)
      f.receive(f.udp(4000, 5000, Buffer.from('unread')))
      const free = f.free
      t.equal(f.call('sClose', id), 0)
      t.equal(f.free, free + 1, 'its packet is back')
      t.equal(f.call('sClose', id), 0)
      t.same([Field.state, Field.local, Field.available].map(each => f.call('sField', id, each)), [State.Closed, 0, 0])
      t.equal(f.call('sGet', id, Option.ReuseAddr), 1)
      const other = f.call('managerSocket', 1, 0)
      t.equal(f.call('sBind', other, f.at(ANY), 5000), 0)
      t.equal(f.call('sBind', id, f.at(ANY), 5001), 0)
      f.call('sConnect', id, f.at(PEER.ip), 7)
      t.equal(f.call('sClose', id), 0)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 7), 0)
    })

    t.test('all eight options are kept, and none refuses a value', async t => {
      const [f, id] = datagram(e)
      const values = [1, 1, 1, 1, 4096, 2048, 250, 300]
      values.forEach((value, option) => t.equal(f.call('sSet', id, option, value), 0))
      t.same(values.map((_, option) => f.call('sGet', id, option)), values)
      t.equal(f.call('sSet', id, 99, 1), NetworkError.InvalidArgument)
    })

    t.test('recv_buffer_size acts: the oldest goes when more comes than fits', async t => {
      const [f, id] = datagram(e, 5000)
      f.call('sSet', id, Option.RecvBufferSize, 10)
      for (const text of ['first', 'later', 'last']) f.receive(f.udp(4000, 5000, Buffer.from(text)))
      t.equal(f.received('sRecvFrom', id), 'later')
      t.equal(f.received('sRecvFrom', id), 'last')
      t.equal(f.received('sRecvFrom', id), 'Connection timeout')
    })
  })
}

/** ICMP 3/3 with a quotation. */
function unreachable(quoted: Uint8Array): Uint8Array {
  const message = Buffer.concat([Buffer.from([3, 3, 0, 0, 0, 0, 0, 0]), quoted])
  let sum = 0
  for (let i = 0; i < message.length; i += 2) sum += message.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  message.writeUInt16BE(~sum & 0xffff, 2)
  return message
}
