// Local sockets as system calls: names and who has them, queues and what they may hold, ancillary data byte by byte and badly made,
// sockets that only messages have; and that memory, names, files and sockets are all given back.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls, E, NOWHERE, PAGE, READ_ONLY, USER } from '../../../wire/calls.ts'

const A = USER + 0x1000
const B = USER + 0x2000
const C = USER + 0x3000
const IOV = USER + 0x600
const HEADER = USER + 0x700
const LENGTH = USER + 0x800
const BIG = USER + 0x4000
const [STREAM, DGRAM, SEQPACKET, NONBLOCK] = [1, 2, 5, 0o4000]
const [PEEK, CTRUNC, TRUNC, DONTWAIT] = [2, 8, 0x20, 0x40]
const [EISCONN, ECONNRESET, ETOOMANYREFS, ENOBUFS, EPROTOTYPE] = [-106, -104, -109, -105, -91]

class Local extends Calls {
  static override begin(engine: Parameters<typeof Calls.begin>[0]): Local {
    return Object.setPrototypeOf(Calls.begin(engine, 300), Local.prototype) as Local
  }
  /** A sockaddr_un at `at`, and its length. */
  un(path: string, at = A): [at: number, length: number] {
    this.user(at, [1, 0, ...Buffer.from(path, 'latin1')])
    return [at, 2 + path.length]
  }
  socket(type: number): number { return this.sys('socket', 1, type, 0) }
  bound(type: number, path: string): number {
    const fd = this.socket(type)
    const result = this.sys('bind', fd, ...this.un(path))
    if (result !== 0) this.close(fd)
    return result === 0 ? fd : result
  }
  connect(fd: number, path: string): number { return this.sys('connect', fd, ...this.un(path)) }
  pair(type: number): [one: number, other: number] {
    if (this.sys('socketpair', 1, type, 0, A) !== 0) throw new Error('no pair')
    return [this.word(A), this.word(A + 4)]
  }
  say(fd: number, text: string, flags = 0): number { return this.sys('sendto', fd, this.text(C, text), text.length, flags, 0, 0) }
  heard(fd: number, room = 200, flags = 0): string | number {
    const n = this.sys('recvfrom', fd, B, room, flags | DONTWAIT, 0, 0)
    return n < 0 ? n : this.read(B, Math.min(n, room)).toString('latin1')
  }
  close(...fds: number[]): void {
    for (const fd of fds) if (this.call('fileClose', fd) !== 0) throw new Error(`descriptor ${fd} could not be closed`)
  }
  nameOf(fd: number, call: 'getsockname' | 'getpeername' = 'getsockname'): string | number {
    this.words(LENGTH, 128)
    const result = this.sys(call, fd, B, LENGTH)
    return result < 0 ? result : this.read(B + 2, this.word(LENGTH) - 2).toString('latin1')
  }
  /** A byte, and these ancillary bytes. */
  give(fd: number, control: Buffer, length = control.length): number {
    this.longs(IOV, this.text(C, 'r'), 1)
    this.longs(HEADER, 0, 0, IOV, 1, this.user(BIG, control), length, 0)
    return this.sys('sendmsg', fd, HEADER, DONTWAIT)
  }
  rights(fd: number, ...fds: number[]): number { return this.give(fd, control(1, fds)) }
  /** Bytes received, and what came along into `room` bytes at `at`. */
  come(fd: number, room: number, flags = 0, at = BIG): { got: number, flags: number, control: Buffer } {
    this.longs(IOV, C, 200)
    this.longs(HEADER, 0, 0, IOV, 1, at, room, 0x99)
    const got = this.sys('recvmsg', fd, HEADER, flags | DONTWAIT)
    return { got, flags: this.word(HEADER + 48), control: got < 0 ? Buffer.alloc(0) : this.read(BIG, Number(this.long(HEADER + 40))) }
  }
  held(): number[] { return [this.call('localHeld'), this.call('localMemoryUsed')] }
}

/** A cmsghdr of SOL_SOCKET with words, up to a multiple of 8. */
function control(type: number, words: number[], length = 16 + 4 * words.length, level = 1): Buffer {
  const bytes = Buffer.alloc((16 + 4 * words.length + 7) & ~7)
  bytes.writeUInt32LE(length)
  bytes.writeUInt32LE(level, 8)
  bytes.writeUInt32LE(type, 12)
  words.forEach((word, i) => bytes.writeInt32LE(word, 16 + 4 * i))
  return bytes
}

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(e.kind, async t => {
    t.test('abstract names: whole, of a type each, gone with the socket; chosen ones differ', async t => {
      const p = Local.begin(e)
      const one = p.bound(STREAM, '\0a\0b')
      t.equal(p.nameOf(one), '\0a\0b')
      t.equal(p.bound(STREAM, '\0a\0b'), E.ADDRINUSE)
      const others = ['\0a\0', '\0a', '\0a\0b\0', '\0'].map(path => p.bound(STREAM, path))
      t.ok(others.every(fd => fd > 0), 'none of these is it')
      const datagram = p.bound(DGRAM, '\0a\0b')
      t.ok(datagram > 0, 'nor is that of another type')
      t.equal(p.sys('bind', one, ...p.un('\0c')), E.INVAL, 'one is all')
      p.sys('listen', one, 5)
      const client = p.socket(STREAM)
      t.equal(p.connect(client, '\0a\0c'), E.CONNREFUSED)
      t.equal(p.connect(client, '\0a\0b'), 0)
      t.equal(p.nameOf(client, 'getpeername'), '\0a\0b')
      t.equal(p.connect(client, '\0a\0b'), EISCONN)
      p.close(one)
      t.equal(p.nameOf(client, 'getpeername'), '\0a\0b', 'the peer\'s name is told after its end')
      const again = p.bound(STREAM, '\0a\0b')
      t.ok(again >= 0, 'but somebody else may have it')
      const chosen = Array.from({ length: 40 }, () => {
        const fd = p.socket(SEQPACKET)
        t.equal(p.sys('bind', fd, ...p.un('')), 0)
        t.equal(p.sys('bind', fd, ...p.un('')), 0, 'it has one')
        return fd
      })
      const names = chosen.map(fd => p.nameOf(fd))
      t.equal(new Set(names).size, 40)
      for (const name of names) t.match(name, /^\0[0-9a-f]{5}$/)
      p.close(client, again, datagram, ...others, ...chosen)
      t.same(p.held(), [0, 0])
    })

    t.test('names in the file system', async t => {
      const p = Local.begin(e)
      const one = p.bound(DGRAM, '/s')
      t.equal(p.nameOf(one), '/s\0')
      t.equal(p.bound(DGRAM, '/s'), E.ADDRINUSE)
      t.equal(p.bound(DGRAM, '/none/s'), E.NOENT)
      t.equal(p.connect(p.socket(DGRAM), '/t'), E.NOENT)
      t.equal(p.connect(p.socket(STREAM), '/s'), EPROTOTYPE)
      t.equal(p.connect(p.socket(DGRAM), '/'), E.CONNREFUSED, 'no socket')
      const two = p.socket(DGRAM)
      t.equal(p.sys('sendto', two, p.text(C, 'hi'), 2, 0, ...p.un('/s\0rubbish')), 2, 'up to the first zero')
      t.equal(p.heard(one), 'hi')
      t.equal(p.sys('bind', two, ...p.un('/' + 'x'.repeat(107))), 0, 'no room for a zero')
      t.equal(p.nameOf(two), '/' + 'x'.repeat(107) + '\0')
      p.close(one)
      t.equal(p.connect(two, '/s'), E.CONNREFUSED, 'the name stays')
    })

    t.test('addresses badly made, and memory that is not there', async t => {
      const p = Local.begin(e)
      const fd = p.socket(STREAM)
      const [at, length] = p.un('\0a')
      for (const wrong of [0, 1, 111, 128, 129, -1, 0x7fffffff]) t.equal(p.sys('bind', fd, at, wrong), E.INVAL, `${wrong} bytes`)
      p.user(A, [2, 0])
      t.equal(p.sys('bind', fd, at, length), E.INVAL, 'another family')
      t.equal(p.sys('connect', fd, at, length), E.INVAL)
      for (const bad of [NOWHERE, 0, -PAGE]) t.equal(p.sys('bind', fd, bad, 10), E.FAULT)
      t.equal(p.sys('bind', fd, ...p.un('\0a')), 0)
      t.equal(p.sys('listen', fd, 1), 0)
      const client = p.socket(STREAM)
      t.equal(p.connect(client, '\0a'), 0)
      t.equal(p.sys('accept', fd, READ_ONLY, p.words(LENGTH, 100)), E.FAULT, 'the connection is ended')
      t.equal(p.heard(client), ECONNRESET)
      t.equal(p.sys('getsockname', fd, B, p.words(LENGTH, -1)), E.INVAL)
      t.equal(p.sys('getsockname', fd, NOWHERE, p.words(LENGTH, 10)), E.FAULT)
      t.equal(p.sys('getsockname', fd, B, NOWHERE), E.FAULT)
      p.close(fd, client)
      t.same(p.held(), [0, 0])
    })

    t.test('nothing is lost to memory that is not there', async t => {
      const p = Local.begin(e)
      for (const type of [STREAM, DGRAM, SEQPACKET]) {
        const [one, two] = p.pair(type)
        p.say(one, 'kept')
        for (const bad of [NOWHERE, READ_ONLY, 0, NOWHERE - 1, -PAGE]) {
          t.equal(p.sys('recvfrom', two, bad, 50, 0, 0, 0), E.FAULT)
          t.equal(p.sys('recvfrom', two, bad, 50, PEEK, 0, 0), E.FAULT)
        }
        t.equal(p.rights(one, one), 1)
        t.equal(p.heard(two, 4), 'kept')
        p.longs(IOV, READ_ONLY, 50)
        t.equal(p.sys('recvmsg', two, p.longs(HEADER, 0, 0, IOV, 1, BIG, 100, 0), DONTWAIT), E.FAULT)
        t.equal(p.come(two, 100).control.length, 24, 'with its descriptor')
        t.equal(p.sys('sendto', one, NOWHERE - 10, 50, 0, 0, 0), E.FAULT)
        t.equal(p.heard(two), E.AGAIN)
        p.close(one, two)
      }
    })

    t.test('who waits: for a message, a connection, room, and not longer than said', async t => {
      const p = Local.begin(e)
      const [one, two] = p.pair(DGRAM)
      p.later(0, 30, 0, 'sendto', one, p.text(BIG, 'late'), 4, 0)
      p.slept()
      t.equal(p.sys('recvfrom', two, B, 100, 0, 0, 0), 4)
      t.equal(p.slept(), 30)
      t.equal(p.sys('setsockopt', two, 1, 20, p.longs(C, 0, 30_000), 16), 0)
      t.equal(p.sys('recvfrom', two, B, 100, 0, 0, 0), E.AGAIN)
      t.equal(p.slept(), 31, 'SO_RCVTIMEO')
      p.later(0, 20, 0, 'kill', p.pid, 10)
      t.equal(p.sys('recvfrom', two, B, 100, 0, 0, 0), E.INTR)
      p.call('noticed', 0)
      p.later(0, 20, 0, 'shutdown', two, 0)
      t.equal(p.sys('recvfrom', two, B, 100, 0, 0, 0), 0, 'shut meanwhile')
      const listener = p.bound(STREAM, '\0l')
      p.sys('listen', listener, 0)
      const clients = [p.socket(STREAM), p.socket(STREAM), p.socket(STREAM | NONBLOCK)]
      p.later(0, 25, 0, 'connect', clients[0]!, ...p.un('\0l', BIG))
      p.slept()
      const first = p.sys('accept', listener, 0, 0)
      t.ok(first > 0)
      t.equal(p.slept(), 25)
      t.equal(p.connect(clients[1]!, '\0l'), 0)
      t.equal(p.connect(clients[2]!, '\0l'), E.AGAIN, 'backlog 0: one may wait')
      p.call('fileFcntl', clients[2]!, 4, 0)
      p.later(0, 40, 0, 'accept', listener, 0, 0)
      p.slept()
      t.equal(p.connect(clients[2]!, '\0l'), 0)
      t.equal(p.slept(), 40)
      t.equal(p.sys('setsockopt', clients[2]!, 1, 7, p.words(C, 1000), 4), 0)
      while (p.say(clients[2]!, 'x'.repeat(500), DONTWAIT) > 0);
      const far = p.sys('accept', listener, 0, 0)
      p.later(0, 35, 0, 'recvfrom', far, BIG, 60_000, 0)
      p.slept()
      t.equal(p.say(clients[2]!, 'room'), 4)
      t.equal(p.slept(), 35)
      t.equal(p.sys('setsockopt', clients[2]!, 1, 21, p.longs(C, 0, 50_000), 16), 0)
      t.equal(p.sys('sendto', clients[2]!, BIG, 100_000, 0, 0, 0) > 0, true, 'a part')
      t.equal(p.slept(), 51)
    })

    t.test('a peer that is changed, and closed, while somebody waits to send to it', async t => {
      const p = Local.begin(e)
      const [one, two, three] = [p.socket(DGRAM), p.bound(DGRAM, '\0two'), p.bound(DGRAM, '\0three')]
      p.connect(one, '\0two')
      while (p.say(one, 'x', DONTWAIT) === 1);
      p.un('\0three', BIG)
      p.later(0, 10, 0, 'connect', one, BIG, 8)
      p.later(1, 20, 0, 'shutdown', two, 0)
      p.slept()
      t.equal(p.say(one, 'late'), E.PIPE, 'what was begun is for whom it was begun')
      t.equal(p.slept(), 20)
      t.equal(p.say(one, 'new'), 3)
      t.equal(p.heard(three), 'new')
      p.close(one, two, three)
      t.same(p.held(), [0, 0])
    })

    t.test('queues: what is sent is charged until it is read, and there is an end to it', async t => {
      const p = Local.begin(e)
      const [one, two] = p.pair(SEQPACKET)
      const stream = p.pair(STREAM)
      t.equal(p.sys('setsockopt', stream[0], 1, 7, p.words(C, 1), 4), 0, 'the least there is')
      t.equal(p.sys('sendto', stream[0], BIG, 60_000, DONTWAIT, 0, 0), 2 * (2304 - 64), 'in two messages')
      p.close(...stream)
      t.equal(p.sys('setsockopt', one, 1, 7, p.words(C, 10_000), 4), 0)
      t.equal(p.sys('sendto', one, BIG, 19_969, DONTWAIT, 0, 0), E.MSGSIZE)
      t.equal(p.sys('sendto', one, BIG, 19_968, DONTWAIT, 0, 0), 19_968)
      t.equal(p.say(one, 'x', DONTWAIT), E.AGAIN, 'what is kept beside its bytes counts')
      const held = p.held()[1]!
      t.ok(held > 19_968 && held < 22_000, `${held} bytes`)
      t.equal(p.sys('recvfrom', two, BIG, 100, TRUNC, 0, 0), 19_968)
      t.equal(p.held()[1], 0)
      const bytes = Buffer.from(Array.from({ length: 15_000 }, (_, i) => i * 13 + (i >> 8)))
      for (const length of [1, 191, 192, 193, 4096, 4097, 8192, 15_000]) {
        p.user(BIG, bytes.subarray(0, length))
        t.equal(p.sys('sendto', one, BIG, length, DONTWAIT, 0, 0), length)
        p.longs(IOV, USER + 0x20000, 1000, USER + 0x21000, 0, USER + 0x22000, 20_000)
        t.equal(p.sys('recvmsg', two, p.longs(HEADER, 0, 0, IOV, 3, 0, 0, 0), DONTWAIT), length)
        const got = Buffer.concat([p.read(USER + 0x20000, Math.min(length, 1000)), p.read(USER + 0x22000, Math.max(length - 1000, 1))]).subarray(0, length)
        t.ok(got.equals(bytes.subarray(0, length)), `${length} bytes in pieces`)
      }
      p.close(one)
      t.equal(p.heard(two), '')
      const receiver = p.bound(DGRAM, '\0r')
      const senders = Array.from({ length: 12 }, () => p.socket(DGRAM))
      const sent = senders.map(fd => p.sys('sendto', fd, p.text(C, 'q'), 1, DONTWAIT, ...p.un('\0r')))
      t.same(sent, [...Array(11).fill(1), E.AGAIN], 'LOCAL_DATAGRAMS and one')
      p.close(...senders)
      t.ok(p.held()[0]! >= 13, 'they are known by what they have sent')
      while (p.heard(receiver) === 'q');
      p.close(receiver, two)
      t.same(p.held(), [0, 0])
    })

    t.test('a stream across pieces and messages: every byte once, in order', async t => {
      const p = Local.begin(e)
      const [one, two] = p.pair(STREAM)
      const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i * 7 + (i >> 8)))
      p.user(BIG, bytes)
      let [from, seen] = [0, Buffer.alloc(0)]
      for (let step = 0; seen.length < bytes.length; step++) {
        const length = Math.min([1, 5000, 16_385, 700, 30_000][step % 5]!, bytes.length - from)
        const n = p.sys('sendto', one, BIG + from, length, DONTWAIT, 0, 0)
        if (n > 0) from += n
        const room = [3, 4096, 9000, 20_000][step % 4]!
        const peeked = p.sys('recvfrom', two, USER + 0x20000, room, PEEK | DONTWAIT, 0, 0)
        const look = peeked > 0 ? p.read(USER + 0x20000, peeked) : Buffer.alloc(0)
        const got = p.sys('recvfrom', two, USER + 0x20000, room, DONTWAIT, 0, 0)
        t.equal(got, peeked)
        if (got <= 0) continue
        t.ok(p.read(USER + 0x20000, got).equals(look))
        seen = Buffer.concat([seen, look])
      }
      t.ok(seen.equals(bytes))
      t.equal(p.held()[1], 0)
    })

    t.test('ancillary data: its layout, and what is badly made', async t => {
      const p = Local.begin(e)
      const [one, two] = p.pair(DGRAM)
      const [reader, writer] = p.pipe()
      const files = p.call('filesOpen')
      t.equal(p.rights(one, reader, writer), 1)
      const came = p.come(two, 200)
      t.same([came.got, came.flags, came.control.length], [1, 0, 24])
      t.same([came.control.readUInt32LE(0), came.control.readUInt32LE(4), came.control.readUInt32LE(8), came.control.readUInt32LE(12)], [24, 0, 1, 1])
      const [first, second] = [came.control.readInt32LE(16), came.control.readInt32LE(20)]
      t.equal(p.call('fileWrite', second, p.text(C, 'x'), 1), 1)
      t.equal(p.call('fileRead', first, B, 9), 1)
      p.close(first, second)
      t.equal(p.give(one, Buffer.concat([control(1, [reader]), control(1, [writer, reader])])), 1, 'two headers are put together')
      const all = p.come(two, 32).control
      t.same([all.length, all.readUInt32LE(0)], [32, 28])
      p.close(...[16, 20, 24].map(at => all.readInt32LE(at)))
      for (const [room, fit] of [[15, 0], [16, 0], [19, 0], [20, 1], [23, 1], [24, 2]] as const) {
        p.rights(one, reader, writer)
        const cut = p.come(two, room)
        t.same([cut.flags, cut.control.length], [fit === 2 ? 0 : CTRUNC, fit === 0 ? 0 : room], `${room} bytes of room`)
        for (let i = 0; i < fit; i++) p.close(cut.control.readInt32LE(16 + 4 * i))
      }
      t.equal(p.call('filesOpen'), files, 'what had no room is closed')
      const bad: [Buffer, number, number][] = [
        [control(1, [99]), E.BADF, 0], [control(1, [reader, -1]), E.BADF, 0], [control(3, [1]), E.INVAL, 0], [control(1, [1], 15), E.INVAL, 0],
        [control(1, [1], 25), E.INVAL, 0], [control(1, [1], 0), E.INVAL, 0], [control(1, [1], 0xffffffff), E.INVAL, 0], [control(2, [1, 0]), E.INVAL, 0],
        [control(1, Array(254).fill(reader)), E.INVAL, 0], [Buffer.concat([control(1, Array(253).fill(reader)), control(1, [reader])]), E.INVAL, 0],
        [control(1, [reader]), ENOBUFS, 20_481],
      ]
      for (const [bytes, error, length] of bad) t.equal(p.give(one, bytes, length || bytes.length), error, bytes.subarray(0, 20).toString('hex'))
      t.equal(p.give(one, control(1, [1, 2, 3], 1000, 77)), E.INVAL)
      t.equal(p.give(one, control(1, [1, 2, 3], 28, 77)), 1, 'another level\'s')
      t.equal(p.give(one, control(1, [])), 1, 'none')
      t.equal(p.give(one, Buffer.alloc(8)), 1, 'less than a header')
      for (let i = 0; i < 3; i++) t.same(p.come(two, 100).control.length, 0)
      p.longs(IOV, C, 1)
      t.equal(p.sys('sendmsg', one, p.longs(HEADER, 0, 0, IOV, 1, NOWHERE, 24, 0), DONTWAIT), E.FAULT)
      t.equal(p.sys('sendmsg', one, p.longs(HEADER, 0, 0, IOV, 1, BIG, 1n << 33n, 0), DONTWAIT), ENOBUFS)
      t.equal(p.sys('sendmsg', one, p.longs(HEADER, 0, 0, IOV, 1, 1n << 33n, 24, 0), DONTWAIT), E.FAULT)
      t.equal(p.heard(two), E.AGAIN, 'none of these was sent')
      p.rights(one, reader)
      t.equal(p.come(two, 24, 0, READ_ONLY).flags & CTRUNC, CTRUNC, 'a bad place is no room')
      t.equal(p.call('filesOpen'), files)
      p.close(one, two, reader, writer)
      t.same(p.held(), [0, 0])
    })

    t.test('what only messages have: closed as soon as nobody can reach it, and not before', async t => {
      const p = Local.begin(e)
      const before = p.call('filesOpen')
      let [one, two] = p.pair(STREAM)
      p.rights(one, two)
      p.close(one)
      t.equal(p.call('filesOpen'), before + 1)
      p.close(two)
      t.equal(p.call('filesOpen'), before, 'a socket in its own queue')
      ;[one, two] = p.pair(DGRAM)
      let [three, four] = p.pair(DGRAM)
      p.rights(one, four)
      p.rights(three, two)
      p.close(two, four)
      t.equal(p.call('filesOpen'), before + 2, 'two in each other\'s')
      p.close(one, three)
      ;[one, two] = p.pair(STREAM)
      ;[three, four] = p.pair(STREAM)
      p.rights(one, three, four, three)
      p.rights(three, one)
      p.close(one, three, four)
      t.equal(p.call('filesOpen'), before + 4)
      const came = p.come(two, 100).control
      t.equal(p.heard(came.readInt32LE(20)), 'r', 'it was reached through the first')
      p.close(two, ...[16, 20, 24].map(at => came.readInt32LE(at)))
      t.equal(p.call('filesOpen'), before)
      const listener = p.bound(STREAM, '\0l')
      p.sys('listen', listener, 5)
      const client = p.socket(STREAM)
      p.connect(client, '\0l')
      p.rights(client, listener, client)
      p.close(listener)
      t.equal(p.call('filesOpen'), before + 1, 'a listener, in the queue of who waits at it')
      t.equal(p.heard(client), ECONNRESET)
      p.close(client)
      t.equal(p.call('filesOpen'), before)
      const copy = ((): number => {
        [one, two] = p.pair(DGRAM)
        p.rights(one, two)
        const fd = p.call('fileDup', two)
        p.close(one, two)
        return fd
      })()
      t.equal(p.call('filesOpen'), before + 1, 'somebody still has it')
      t.equal(p.come(copy, 100, PEEK).got, 1)
      p.close(copy)
      t.equal(p.call('filesOpen'), before + 1, 'and what it has given')
      p.call('processGone', 0, 0)
      t.same([p.call('filesOpen'), ...p.held()], [before, 0, 0], 'the end of a process leaves nothing')
    })

    t.test('a long chain of sockets in each other\'s queues is closed one after another; there is an end to what is on its way', async t => {
      const p = Local.begin(e)
      const before = p.call('filesOpen')
      let last = p.pair(DGRAM)
      p.close(last[0])
      for (let i = 0; i < 600; i++) {
        const next = p.pair(DGRAM)
        t.equal(p.rights(next[0], last[1]), 1)
        p.close(next[0], last[1])
        last = next
      }
      t.equal(p.call('filesOpen'), before + 601)
      p.close(last[1])
      t.same([p.call('filesOpen'), ...p.held()], [before, 0, 0])
      const pairs = Array.from({ length: 8 }, () => p.pair(STREAM))
      const [reader, writer] = p.pipe()
      const results = pairs.flatMap(([one]) => Array.from({ length: 10 }, () => p.rights(one, ...Array<number>(253).fill(reader))))
      t.equal(results.findIndex(result => result === ETOOMANYREFS), 64, '16,384 descriptors, 253 at a time')
      t.ok(results.slice(64).every(result => result === ETOOMANYREFS))
      p.close(...pairs.flat(), reader, writer)
      t.same([p.call('filesOpen'), ...p.held()], [before, 0, 0])
    })

    t.test('memory: an eighth of it, then ENOBUFS', async t => {
      const p = Local.begin(e)
      const pairs = Array.from({ length: 24 }, () => p.pair(STREAM))
      const results = pairs.map(([one]) => {
        let result: number
        do result = p.sys('sendto', one, BIG, 0x10000, DONTWAIT, 0, 0)
        while (result > 0)
        return result
      })
      t.match([...new Set(results)], [E.AGAIN, ENOBUFS], 'each its own bound, then that of all')
      const most = p.call('framesTotal') * PAGE / 8
      t.ok(p.held()[1]! <= most && p.held()[1]! > most * 0.95, `${p.held()[1]} bytes of ${most}`)
      p.close(...pairs.flat())
      t.same(p.held(), [0, 0])
    })
  })
}
