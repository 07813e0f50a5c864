// The packetdrill library and TCP: connections both ways, data, their ends, waiting in a second thread, options, times.
// The stack's own tests say what TCP does; these say that the library passes it on as Linux's calls would.
// Time limit: 300 s

import t from 'tap'
import { buildLibrary } from '../../packetdrill/build.ts'
import { AF_INET, Client, POLL, SOCK } from '../../packetdrill/client.ts'
import { hex, toHex } from '../../wire/bytes.ts'
import { Protocol, ipv4 } from '../../wire/frames.ts'
import { decodeTcp, flagsOf, flagsText, tcp, type DecodedTcp, type TcpOption } from '../../wire/tcp.ts'

await buildLibrary() // before the first test, which has less time

const LOCAL = '192.168.0.2'
const REMOTE = '192.0.2.1'
const PORT = 8080
const PEER_PORT = 7777
const SECOND = 1_000_000
const SOL_SOCKET = 1

/** The other end of one connection: what it sends and expects is counted from 0 at its SYN. */
class Peer {
  private local = PORT
  private next = 1000
  private expects = 0

  constructor(readonly client: Client) {}

  /** Send a segment; `withhold` octets of what came are not acknowledged. */
  async send(flags: string, data = '', { options = [] as TcpOption[], window = 20_000, withhold = 0 } = {}): Promise<void> {
    const fields = {
      source: REMOTE, destination: LOCAL, sourcePort: PEER_PORT, destinationPort: this.local, sequence: this.next,
      acknowledgment: flags.includes('.') ? this.expects - withhold : 0, flags: flagsOf(flags), window, options,
    }
    await this.client.send(ipv4({ source: REMOTE, destination: LOCAL, protocol: Protocol.Tcp }, tcp(fields, Buffer.from(data))))
    this.next += data.length + (/[SF]/.test(flags) ? 1 : 0)
  }

  /** The next segment of the stack's; what is in it counts as received. */
  async receive(): Promise<DecodedTcp & { time: number, text: string, letters: string }> {
    const got = await this.client.receive()
    if (got === null) throw new Error('no segment came')
    const segment = decodeTcp(LOCAL, REMOTE, got.packet.subarray((got.packet[0]! & 15) * 4))!
    this.local = segment.sourcePort
    const occupied = segment.payload.length + (segment.flags & flagsOf('SF') ? 1 : 0)
    this.expects = (segment.sequence + occupied) >>> 0
    return { ...segment, time: got.time, text: Buffer.from(segment.payload).toString(), letters: flagsText(segment.flags) }
  }
}

const SYN_OPTIONS: TcpOption[] = [{ kind: 'mss', value: 1000 }]
const text = (words: string[]) => words[0] === '-' ? '' : Buffer.from(hex(words[0]!)).toString()
const data = (bytes: string): string => toHex(Buffer.from(bytes))

async function listening(client: Client): Promise<number> {
  const fd = await client.must('socket', AF_INET, SOCK.stream, 0)
  await client.must('bind', fd, LOCAL, PORT)
  await client.must('listen', fd, 4)
  return fd
}

async function handshake(peer: Peer): Promise<DecodedTcp> {
  await peer.send('S', '', { options: SYN_OPTIONS })
  const answer = await peer.receive()
  await peer.send('.')
  return answer
}

/** A connection that the peer opened: its descriptor. */
async function accepted(client: Client): Promise<{ fd: number, peer: Peer }> {
  const listener = await listening(client)
  const peer = new Peer(client)
  await handshake(peer)
  return { fd: await client.must('accept', listener), peer }
}

async function number(client: Client, fd: number, level: number, name: number): Promise<number | string> {
  const { error, words } = await client.call('getsockopt', fd, level, name, 4)
  return error === '0' ? Buffer.from(hex(words[0]!)).readInt32LE() : error
}

function int(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return toHex(bytes)
}

t.test('a connection the peer opens: accept says who, data goes both ways, both ends close', async t => {
  const client = await Client.start(t)
  const listener = await listening(client)
  const peer = new Peer(client)
  t.equal((await client.call('poll', 0, `${listener}:${POLL.in}`)).result, 0)
  const answer = await handshake(peer)
  t.equal(flagsText(answer.flags), 'S.')
  t.ok(answer.checksumRight)
  t.same((await client.call('poll', 0, `${listener}:${POLL.in}`)).words, [String(POLL.in)])
  const got = await client.call('accept', listener)
  t.same(got.words, [REMOTE, String(PEER_PORT)])
  await client.must('write', got.result, data('from us'))
  t.equal((await client.call('ioctl', got.result, 0x5411)).words[0], '7', 'SIOCOUTQ')
  t.equal((await peer.receive()).text, 'from us')
  await peer.send('P.', 'from the peer')
  t.equal((await client.call('ioctl', got.result, 0x541b)).words[0], '13', 'SIOCINQ')
  t.equal(text((await client.call('read', got.result, 100)).words), 'from the peer')
  await peer.send('F.')
  t.equal((await client.call('read', got.result, 100)).result, 0, 'the end of the stream')
  await client.must('close', got.result)
  let last = await peer.receive()
  while (!last.letters.includes('F')) last = await peer.receive()
  await peer.send('.')
  t.equal((await client.call('read', got.result, 1)).error, 'EBADF')
})

t.test('SO_LINGER with no time: close resets', async t => {
  const client = await Client.start(t)
  const { fd, peer } = await accepted(client)
  const [on, off] = [int(1) + int(0), int(0) + int(0)]
  t.equal((await client.call('getsockopt', fd, 1, 13, 8)).words[0], off)
  await client.must('setsockopt', fd, 1, 13, on)
  t.equal((await client.call('getsockopt', fd, 1, 13, 8)).words[0], on)
  await client.must('write', fd, data('lost'))
  await client.must('close', fd)
  let last = await peer.receive()
  while (last.text !== '') last = await peer.receive()
  t.ok(last.letters.includes('R'), last.letters)
})

t.test('a connection opened here, by a thread that waits', async t => {
  const client = await Client.start(t)
  const fd = await client.must('socket', AF_INET, SOCK.stream, 0)
  const peer = new Peer(client)
  await client.begin('connect', fd, REMOTE, PEER_PORT)
  const syn = await peer.receive()
  t.equal(syn.letters, 'S')
  t.equal(client.apart.length, 0)
  await client.must('usleep', 100_000)
  await peer.send('S.', '', { options: SYN_OPTIONS })
  t.same(client.apart[0]!.answer, { result: 0, error: '0', words: [] })
  t.equal((await peer.receive()).letters, '.')
})

t.test('EINPROGRESS, then poll and SO_ERROR; a RST is ECONNREFUSED', async t => {
  const client = await Client.start(t)
  for (const answer of ['S.', 'R.']) {
    const fd = await client.must('socket', AF_INET, SOCK.stream | 0o4000, 0)
    const peer = new Peer(client)
    t.equal((await client.call('connect', fd, REMOTE, PEER_PORT)).error, 'EINPROGRESS')
    t.equal((await client.call('poll', 0, `${fd}:${POLL.out}`)).result, 0)
    await peer.receive()
    await peer.send(answer, '', { options: SYN_OPTIONS })
    const { words } = await client.call('poll', 0, `${fd}:${POLL.out}`)
    t.ok(Number(words[0]) & POLL.out)
    t.equal(Boolean(Number(words[0]) & POLL.error), answer === 'R.')
    t.equal(await number(client, fd, SOL_SOCKET, 4), answer === 'R.' ? 111 : 0)
    if (answer === 'S.') await peer.receive()
  }
  const fd = await client.must('socket', AF_INET, SOCK.stream, 0)
  const peer = new Peer(client)
  await client.begin('connect', fd, REMOTE, PEER_PORT)
  await peer.receive()
  await peer.send('R.')
  t.equal(client.apart[0]!.answer.error, 'ECONNREFUSED')
})

t.test('accept and read wait in a second thread', async t => {
  const client = await Client.start(t)
  const listener = await listening(client)
  const peer = new Peer(client)
  await client.begin('accept', listener)
  await handshake(peer)
  t.equal(client.apart.length, 1)
  const { result: fd, words } = client.apart[0]!.answer
  t.same(words, [REMOTE, String(PEER_PORT)])
  await client.begin('read', fd, 100)
  await client.must('usleep', 3000)
  t.equal(client.apart.length, 1)
  await peer.send('P.', 'late')
  t.equal(text(client.apart[1]!.answer.words), 'late')
  await client.begin('recv', fd, 6, 0x100)
  await peer.send('P.', 'abc')
  t.equal(client.apart.length, 2, 'MSG_WAITALL: not yet')
  await peer.send('P.', 'def')
  t.equal(text(client.apart[2]!.answer.words), 'abcdef')
  await client.begin('read', fd, 100)
  await peer.send('R.')
  t.equal(client.apart[3]!.answer.error, 'ECONNRESET')
})

t.test('a write waits until all of it is in the send buffer', async t => {
  const client = await Client.start(t)
  const { fd, peer } = await accepted(client)
  await client.must('setsockopt', fd, SOL_SOCKET, 7, int(20_000))
  await client.begin('write', fd, '60000*41')
  t.equal(client.apart.length, 0)
  let got = 0
  while (got < 60_000) {
    got += (await peer.receive()).payload.length
    await peer.send('.')
  }
  t.equal(client.apart[0]!.answer.result, 60_000)
  await client.must('fcntl', fd, 4, 0o4000)
  const taken = await client.must('write', fd, '60000*42')
  t.ok(taken > 0 && taken < 60_000, `without waiting, ${taken} bytes`)
  t.equal((await client.call('write', fd, '60000*42')).error, 'EAGAIN')
})

t.test('a SYN is repeated after one, three and seven seconds, in virtual time', async t => {
  const client = await Client.start(t)
  const fd = await client.must('socket', AF_INET, SOCK.stream | 0o4000, 0)
  const peer = new Peer(client)
  await client.call('connect', fd, REMOTE, PEER_PORT)
  const begun = (await peer.receive()).time
  const times: number[] = []
  for (let i = 0; i < 3; i++) times.push((await peer.receive()).time - begun)
  t.same(times.map(time => Math.round(time / SECOND)), [1, 3, 7])
})

t.test('epoll: edges of a stream', async t => {
  const client = await Client.start(t)
  const { fd, peer } = await accepted(client)
  const set = await client.must('epoll_create', 1)
  await client.must('epoll_ctl', set, 1, fd, '0x80000005', 9)
  t.same((await client.call('epoll_wait', set, 8, 0)).words, [`${POLL.out}:9`])
  t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0)
  for (const each of ['one', 'two']) {
    await peer.send('P.', each)
    t.same((await client.call('epoll_wait', set, 8, 0)).words, [`${POLL.in | POLL.out}:9`], 'whether it was read or not')
    t.equal((await client.call('epoll_wait', set, 8, 0)).result, 0)
  }
  await client.begin('epoll_wait', set, 8, -1)
  await peer.send('R.')
  t.match(client.apart[0]!.answer.words[0], /:9$/)
  t.ok(Number.parseInt(client.apart[0]!.answer.words[0]!) & (POLL.error | POLL.hangUp))
})

t.test('shutdown: EPIPE, and the end for the reader', async t => {
  const client = await Client.start(t)
  const { fd, peer } = await accepted(client)
  await client.must('shutdown', fd, 1)
  t.equal((await peer.receive()).letters, 'F.')
  t.equal((await client.call('write', fd, '41')).error, 'EPIPE')
  await peer.send('P.', 'still')
  t.equal(text((await client.call('read', fd, 10)).words), 'still')
  await client.must('shutdown', fd, 0)
  t.equal((await client.call('read', fd, 10)).result, 0)
})

t.test('two threads: the same calls give the same segments at the same times', async t => {
  const once = async () => {
    const client = await Client.start(t)
    const { fd, peer } = await accepted(client)
    for (let i = 0; i < 40; i++) {
      await client.begin('read', fd, 500)
      await client.must('usleep', 100 * i)
      await client.must('write', fd, `${300 + i}*43`)
      await peer.receive()
      await peer.send('P.', 'x'.repeat(100 + i))
      await client.now()
    }
    return client.transcript
  }
  const [first, second] = [await once(), await once()]
  t.same(first, second)
  t.equal(first.filter(line => line.startsWith('&') && !line.startsWith('& ')).length, 40)
})

