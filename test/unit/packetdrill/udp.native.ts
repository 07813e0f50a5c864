// The packetdrill library, its framework and UDP: calls, waiting in a second thread, virtual time, the same in every run.
// docs/packetdrill.md.
// Time limit: 300 s

import t from 'tap'
import { buildLibrary } from '../../packetdrill/build.ts'
import { AF_INET, Client, MSG, POLL, SOCK } from '../../packetdrill/client.ts'
import { hex, toHex, type Bytes } from '../../wire/bytes.ts'
import { Protocol, decode, ipv4, udp } from '../../wire/frames.ts'

await buildLibrary() // before the first test, which has less time

const LOCAL = '192.168.0.2'
const REMOTE = '192.0.2.1'
const PORT = 8080
const PEER_PORT = 7777

function datagram(text: string, to = PORT): Bytes {
  return ipv4({ source: REMOTE, destination: LOCAL, protocol: Protocol.Udp },
    udp({ source: REMOTE, destination: LOCAL, sourcePort: PEER_PORT, destinationPort: to }, Buffer.from(text)))
}

/** An Ethernet header in front, for `decode`. */
function taken(packet: Bytes) {
  return decode(Buffer.concat([hex('020000000001 020000000000 0800'), packet]))
}

async function bound(client: Client): Promise<number> {
  const fd = await client.must('socket', AF_INET, SOCK.datagram, 0)
  await client.must('bind', fd, LOCAL, PORT)
  return fd
}

const text = (words: string[]) => words[0] === '-' ? '' : Buffer.from(hex(words[0]!)).toString()

t.test('a datagram out, with its checksum, and one in', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  t.equal(await client.must('sendto', fd, toHex(Buffer.from('out')), 0, REMOTE, PEER_PORT), 3)
  const sent = taken((await client.receive())!.packet)
  t.match(sent.udp, { sourcePort: PORT, destinationPort: PEER_PORT, checksumRight: true })
  t.match(sent.ipv4, { source: LOCAL, destination: REMOTE, checksumRight: true })
  await client.send(datagram('in'))
  const got = await client.call('recvfrom', fd, 100, 0)
  t.same([got.result, text(got.words), ...got.words.slice(1)], [2, 'in', REMOTE, String(PEER_PORT)])
})

t.test('every way to send and to receive', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  t.same(await client.call('write', fd, '41'), { result: -1, error: 'EDESTADDRREQ', words: [] })
  await client.must('connect', fd, REMOTE, PEER_PORT)
  for (const call of ['write', 'writev', 'send', 'sendto', 'sendmsg']) {
    t.equal(await client.must(call, fd, toHex(Buffer.from(call)), 0, ...call === 'sendto' ? [REMOTE, PEER_PORT] : []), call.length)
    t.equal(Buffer.from(taken((await client.receive())!.packet).udp!.payload).toString(), call)
  }
  for (const call of ['read', 'readv', 'recv', 'recvfrom', 'recvmsg']) {
    await client.send(datagram(call))
    t.equal(text((await client.call(call, fd, 100, 0)).words), call)
  }
})

t.test('MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, O_NONBLOCK, FIONREAD, a message cut short', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  await client.send(datagram('twelve bytes'))
  t.equal((await client.call('ioctl', fd, 0x541b)).words[0], '12', 'FIONREAD')
  t.equal(text((await client.call('recv', fd, 6, MSG.peek)).words), 'twelve')
  t.equal((await client.call('recv', fd, 6, MSG.peek | MSG.truncate)).result, 12)
  const cut = await client.call('recvmsg', fd, 6, 0)
  t.same([cut.result, text(cut.words), cut.words.slice(-2)], [6, 'twelve', ['flags', String(MSG.truncate)]])
  t.equal((await client.call('recv', fd, 6, MSG.dontWait)).error, 'EAGAIN')
  t.equal(await client.must('fcntl', fd, 4, 0o4000), 0, 'F_SETFL, O_NONBLOCK')
  t.equal(await client.must('fcntl', fd, 3, 0), 0o4002, 'F_GETFL')
  t.equal((await client.call('read', fd, 6)).error, 'EAGAIN')
  const made = await client.must('socket', AF_INET, SOCK.datagram | 0o4000, 0)
  t.equal((await client.call('read', made, 6)).error, 'EAGAIN', 'SOCK_NONBLOCK')
})

t.test('a read waits in a second thread, and ends when the datagram comes', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  await client.begin('read', fd, 100)
  await client.must('usleep', 5000)
  t.equal(client.apart.length, 0, 'it waits')
  await client.send(datagram('late'))
  t.equal(client.apart.length, 1, 'it is over before netdev_send returns')
  t.same([client.apart[0]!.answer.result, text(client.apart[0]!.answer.words)], [4, 'late'])
})

t.test('SO_RCVTIMEO and a time for poll pass in virtual time, to the millisecond', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  await client.must('setsockopt', fd, 1, 20, '0000000000000000 f049020000000000'.replace(' ', '')) // 0 s, 150,000 µs
  t.equal((await client.call('getsockopt', fd, 1, 20, 16)).words[0], '0000000000000000f049020000000000')
  await client.begin('gettimeofday')
  const begun = Number(client.apart[0]!.answer.words[0])
  await client.begin('read', fd, 100)
  await client.must('usleep', 149_000)
  t.equal(client.apart.length, 1)
  await client.must('usleep', 1001)
  t.equal(client.apart[1]!.answer.error, 'EAGAIN')
  await client.begin('poll', 50, `${fd}:${POLL.in}`)
  await client.must('usleep', 50_001)
  t.same(client.apart[2]!.answer, { result: 0, error: '0', words: ['0'] })
  t.equal(await client.now(), begun + 149_000 + 1001 + 50_001 + 1)
})

t.test('two threads that let time pass take turns', async t => {
  const client = await Client.start(t)
  await client.begin('usleep', 3000)
  t.equal(client.apart.length, 1, 'alone, it is the one who lets it pass')
  const fd = await bound(client)
  await client.begin('recv', fd, 10, 0)
  await client.must('usleep', 2000)
  t.equal(await client.now(), 5001)
})

t.test('poll: what is ready, what is no descriptor', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  t.same((await client.call('poll', 0, `${fd}:${POLL.in | POLL.out}`)), { result: 1, error: '0', words: [String(POLL.out)] })
  await client.send(datagram('x'))
  t.same((await client.call('poll', -1, `${fd}:${POLL.in | POLL.out}`, '99:1', '-1:1')).words, [String(POLL.in | POLL.out), String(POLL.invalid), '0'])
})

t.test('epoll: levels, edges, one shot, what it gives back, its errors', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  const set = await client.must('epoll_create', 1)
  const [add, remove, modify] = [1, 2, 3]
  t.equal((await client.call('epoll_ctl', set, modify, fd, POLL.in, 7)).error, 'ENOENT')
  await client.must('epoll_ctl', set, add, fd, POLL.in, '0x123456789a')
  t.equal((await client.call('epoll_ctl', set, add, fd, POLL.in, 7)).error, 'EEXIST')
  t.equal((await client.call('epoll_ctl', set, add, set, POLL.in, 7)).error, 'EINVAL')
  t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0)
  await client.send(datagram('x'))
  for (let i = 0; i < 2; i++) t.same((await client.call('epoll_wait', set, 8, 0)).words, [`1:${0x123456789a}`], 'as long as it is there')
  await client.must('epoll_ctl', set, modify, fd, POLL.in | 0x80000000, 5)
  t.same((await client.call('epoll_wait', set, 8, 0)).words, ['1:5'], 'EPOLLET')
  t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0, 'once for each time')
  await client.send(datagram('y'))
  t.same((await client.call('epoll_wait', set, 8, 0)).words, ['1:5'])
  await client.must('epoll_ctl', set, modify, fd, POLL.in | 0x40000000, 6)
  t.same((await client.call('epoll_wait', set, 8, 0)).words, ['1:6'], 'EPOLLONESHOT')
  t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0)
  await client.must('epoll_ctl', set, remove, fd, 0, 0)
  t.equal((await client.call('epoll_ctl', set, remove, fd, 0, 0)).error, 'ENOENT')
  await client.must('epoll_ctl', set, add, fd, POLL.in, 8)
  await client.must('read', fd, 10)
  await client.must('read', fd, 10)
  await client.begin('epoll_wait', set, 8, 100)
  await client.must('usleep', 60_000)
  await client.send(datagram('z'))
  t.same(client.apart[0]!.answer.words, ['1:8'], 'it waits, too')
  await client.must('close', fd)
  t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0, 'a closed socket is in no set')
  await client.must('close', set)
  t.equal((await client.call('epoll_wait', set, 8, 0)).error, 'EBADF')
})

t.test('options as Linux has them', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  const get = async (level: number, name: number) => {
    const { error, words } = await client.call('getsockopt', fd, level, name, 4)
    return error === '0' ? Buffer.from(hex(words[0]!)).readInt32LE() : error
  }
  const set = async (level: number, name: number, value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return (await client.call('setsockopt', fd, level, name, toHex(bytes))).error
  }
  t.equal(await get(1, 3), SOCK.datagram, 'SO_TYPE')
  t.equal(await get(1, 38), 17, 'SO_PROTOCOL')
  t.equal(await get(1, 39), AF_INET, 'SO_DOMAIN')
  t.equal(await set(1, 8, 20_000), '0')
  t.equal(await get(1, 8), 40_000, 'SO_RCVBUF: twice what was asked, socket(7)')
  t.equal(await set(1, 2, 1), '0')
  t.equal(await get(1, 2), 1, 'SO_REUSEADDR')
  for (const way of [0, 1, 2, 3]) {
    t.equal(await set(0, 10, way), '0')
    t.equal(await get(0, 10), way, 'IP_MTU_DISCOVER')
  }
  t.equal(await set(0, 10, 9), 'EINVAL')
  t.equal(await set(0, 2, 7), '0')
  await client.must('sendto', fd, '41', 0, REMOTE, PEER_PORT)
  t.equal(taken((await client.receive())!.packet).ipv4!.ttl, 7, 'IP_TTL')
  t.equal(await get(1, 9999), 'ENOPROTOOPT')
  t.equal((await client.call('getsockopt', fd, 1, 3, 2)).words[0], '0200', 'as much as there is room for')
})

t.test('SO_ERROR: an ICMP error reaches a connected socket, and the next call', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  await client.must('connect', fd, REMOTE, PEER_PORT)
  await client.must('write', fd, '4142')
  const { packet } = (await client.receive())!
  const message = Buffer.concat([hex('0303 0000 00000000'), packet])
  let sum = 0
  for (let i = 0; i < message.length; i += 2) sum += message.readUInt8(i) << 8 | (message[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  message.writeUInt16BE(~sum & 0xffff, 2)
  await client.send(ipv4({ source: REMOTE, destination: LOCAL, protocol: Protocol.Icmp }, message))
  t.same((await client.call('poll', 0, `${fd}:0`)).words, [String(POLL.error)])
  t.equal((await client.call('getsockopt', fd, 1, 4, 4)).words[0], '6f000000', 'ECONNREFUSED')
  t.equal((await client.call('recv', fd, 10, MSG.dontWait)).error, 'EAGAIN', 'reported once')
})

t.test('what is refused, and by which error', async t => {
  const client = await Client.start(t)
  const fd = await bound(client)
  const set = await client.must('epoll_create', 1)
  const refused = async (error: string, ...words: [string, ...(string | number)[]]) => t.equal((await client.call(...words)).error, error, words.join(' '))
  await refused('EBADF', 'read', 3, 1)
  await refused('ENOTSOCK', 'read', set, 1)
  await refused('EAFNOSUPPORT', 'socket', 10, SOCK.stream, 0)
  await refused('EINVAL', 'socket', AF_INET, 9, 0)
  await refused('EOPNOTSUPP', 'listen', fd, 1)
  await refused('EADDRNOTAVAIL', 'bind', await client.must('socket', AF_INET, SOCK.datagram, 0), '192.168.0.77', 1)
  await refused('EADDRINUSE', 'bind', await client.must('socket', AF_INET, SOCK.datagram, 0), LOCAL, PORT)
  await refused('EINVAL', 'epoll_create', 0)
  await refused('ENOSYS', 'pipe')
  await refused('EMSGSIZE', 'sendto', fd, '65508*41', 0, REMOTE, PEER_PORT)
  await refused('EPIPE', 'write', await shut(client), '41')
  await client.must('close', fd)
  await refused('EBADF', 'close', fd)
  t.equal(await client.must('socket', AF_INET, SOCK.datagram, 0), fd, 'the lowest descriptor that is free')
})

async function shut(client: Client): Promise<number> {
  const fd = await client.must('socket', AF_INET, SOCK.datagram, 0)
  await client.must('connect', fd, REMOTE, PEER_PORT)
  await client.must('shutdown', fd, 1)
  return fd
}

t.test('nothing comes: netdev_receive says so, and five minutes have passed', async t => {
  const client = await Client.start(t)
  t.equal(await client.receive(), null)
  t.equal(await client.now(), 300_000_001)
})

t.test('flags: another address, another seed', async t => {
  const [usual, other] = [await Client.start(t, ''), await Client.start(t, '10.1.2.3/24,gw=10.1.2.1;seed=2')]
  const port = async (client: Client) => {
    const fd = await client.must('socket', AF_INET, SOCK.datagram, 0)
    await client.must('connect', fd, REMOTE, PEER_PORT)
    await client.must('write', fd, '41')
    return taken((await client.receive())!.packet)
  }
  const [first, second] = [await port(usual), await port(other)]
  t.equal(second.ipv4!.source, '10.1.2.3')
  t.not(first.udp!.sourcePort, second.udp!.sourcePort, 'ports are random, by the seed')
})

t.test('two threads, a hundred times: the same calls give the same answers at the same times', async t => {
  const once = async () => {
    const client = await Client.start(t)
    const fd = await bound(client)
    for (let i = 0; i < 100; i++) {
      await client.begin(i % 2 ? 'poll' : 'recvfrom', ...i % 2 ? [20, `${fd}:1`] : [fd, 50, 0])
      if (i % 3) await client.must('usleep', i * 100)
      await client.send(datagram(`number ${i}`))
      if (i % 2) await client.must('read', fd, 50)
      await client.must('sendto', fd, '41', 0, REMOTE, PEER_PORT)
      await client.receive()
      await client.now()
    }
    return client.transcript
  }
  const [first, second] = [await once(), await once()]
  t.same(first, second)
  t.equal(first.filter(line => line.startsWith('&') && !line.startsWith('& ')).length, 100)
})
