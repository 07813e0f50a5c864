// Sockets as system calls, two processes on the loopback interface and a peer on eth0: who waits for what, what user memory that is not
// there does (nothing is lost), names, messages in pieces, options, and that everything is given back.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls, E, NOWHERE, PAGE, READ_ONLY, USER } from '../../../wire/calls.ts'

const A = USER + 0x1000
const B = USER + 0x2000
const C = USER + 0x3000
const LENGTH = USER + 0x800
const BIG = USER + 0x4000
const [STREAM, DGRAM, NONBLOCK] = [1, 2, 0o4000]
const [PEEK, TRUNC, DONTWAIT, WAITALL] = [2, 0x20, 0x40, 0x100]
const LOCAL = '127.0.0.1'

class Net extends Calls {
  static override begin(engine: Parameters<typeof Calls.begin>[0]): Net {
    return Object.setPrototypeOf(Calls.begin(engine, 600), Net.prototype) as Net
  }
  bound2(type: number, port: number): number {
    const fd = this.sys('socket', 2, type, 0)
    const result = this.sys('bind', fd, this.sockaddr(LENGTH + 64, LOCAL, port), 16)
    if (fd < 0 || result !== 0) throw new Error(`bind: ${result}`)
    return fd
  }
  send2(fd: number, text: string, flags = 0): number { return this.sys('sendto', fd, this.text(C, text), text.length, flags, 0, 0) }
  receive2(fd: number, room = 100, flags = 0): string | number {
    const n = this.sys('recvfrom', fd, B, room, flags, 0, 0)
    return n < 0 ? n : this.read(B, Math.min(n, room)).toString()
  }
  iovec(at: number, ...pieces: [place: number, length: number][]): number { return this.longs(at, ...pieces.flat()) }
  msghdr(at: number, name: number, nameLength: number, pieces: number, count: number): number {
    return this.longs(at, name, nameLength, pieces, count, 0x77, 0x88, 0x99)
  }
  option(fd: number, level: number, name: number, value?: number): number {
    if (value !== undefined) return this.sys('setsockopt', fd, level, name, this.words(C, value), 4)
    this.words(LENGTH, 4)
    const result = this.sys('getsockopt', fd, level, name, C, LENGTH)
    return result < 0 ? result : this.word(C)
  }
  /** A connection over loopback: process 0 has listened and connects, process 1 has accepted. */
  connected(): [listener: number, near: number, far: number] {
    const listener = this.bound2(STREAM, 4000)
    this.sys('listen', listener, 5)
    const near = this.sys('socket', 2, STREAM, 0)
    const result = this.sys('connect', near, this.sockaddr(A, LOCAL, 4000), 16)
    if (result !== 0) throw new Error(`connect: ${result}`)
    return [listener, near, this.sys('accept', listener, 0, 0)]
  }
}

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(e.kind, async t => {
    t.test('SO_LINGER: closing waits until the peer has all, for so long and no longer; with no time it is a reset', async t => {
      const full = (p: Net): [near: number, far: number] => {
        const [, near, far] = p.connected()
        p.call('fileFcntl', near, 4, NONBLOCK)
        do while (p.send2(near, 'x'.repeat(8000)) > 0);
        while (p.sys('poll', p.pollfd(A, [near, 4]), 1, 100) > 0)
        return [near, far]
      }
      const close = (p: Net, near: number, linger: number): number => {
        t.equal(p.sys('setsockopt', near, 1, 13, p.words(C, 1, linger), 8), 0)
        p.slept()
        t.equal(p.call('fileClose', near), 0)
        return p.slept()
      }
      let p = Net.begin(e)
      let [near, far] = full(p)
      t.equal(close(p, near, 2), 2000, 'nobody reads')
      t.type(p.receive2(far), 'string', 'it is still there')
      p = Net.begin(e)
      ;[near, far] = full(p)
      p.later(0, 30, 0, 'recvfrom', far, BIG, 200_000, 0)
      const took = close(p, near, 2)
      t.ok(took >= 30 && took < 200, `somebody reads after 30 ms: ${took}`)
      p = Net.begin(e)
      ;[, near, far] = p.connected()
      p.send2(near, 'hello')
      p.slept()
      t.ok(close(p, near, 2) < 100, 'all is acknowledged soon')
      t.equal(p.receive2(far), 'hello')
      t.equal(p.receive2(far), '')
      p = Net.begin(e)
      ;[, near, far] = p.connected()
      t.equal(close(p, near, 0), 0)
      t.equal(p.receive2(far), -104, 'ECONNRESET')
    })

    t.test('a stream: the handshake is waited for, so are bytes, and the end is 0', async t => {
      const p = Net.begin(e)
      const [listener, near, far] = p.connected()
      t.ok(far > near)
      t.equal(p.send2(near, 'hello'), 5)
      t.equal(p.receive2(far), 'hello')
      p.slept()
      p.later(0, 30, 0, 'sendto', near, p.text(A, 'later'), 5, 0)
      t.equal(p.receive2(far), 'later')
      t.equal(p.slept(), 30)
      t.equal(p.receive2(far, 100, DONTWAIT), E.AGAIN)
      p.call('fileFcntl', far, 4, NONBLOCK)
      t.equal(p.receive2(far), E.AGAIN)
      t.equal(p.call('fileRead', far, B, 10), E.AGAIN)
      p.call('fileFcntl', far, 4, 0)
      p.send2(near, 'abcdef')
      p.sys('poll', p.pollfd(A, [far, 1]), 1, -1)
      t.equal(p.receive2(far, 3, PEEK), 'abc')
      t.equal(p.receive2(far, 3), 'abc')
      t.equal(p.call('fileRead', far, B, 10), 3, 'read is recv')
      p.later(0, 3, 0, 'sendto', near, p.text(A, 'xyz'), 3, 0)
      p.send2(near, '12')
      t.equal(p.receive2(far, 5, WAITALL), '12xyz')
      t.equal(p.sys('shutdown', near, 1), 0)
      t.equal(p.receive2(far), '')
      t.equal(p.send2(near, 'x'), E.PIPE)
      t.equal(p.send2(far, 'still'), 5)
      t.equal(p.receive2(near), 'still')
      for (const fd of [near, far, listener]) t.equal(p.call('fileClose', fd), 0)
      t.equal(p.call('socketCounter', 0), 0)
    })

    t.test('more than a window, more than the buffers: all of it arrives, in order', async t => {
      const p = Net.begin(e)
      const [, near, far] = p.connected()
      const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i * 7 + (i >> 8)))
      p.user(BIG, bytes)
      p.later(0, 1, 0, 'sendto', near, BIG, bytes.length, 0)
      let all = Buffer.alloc(0)
      while (all.length < bytes.length) {
        const n = p.sys('recvfrom', far, USER + 0x20000, 0x10000, 0, 0, 0)
        if (n <= 0) break
        all = Buffer.concat([all, p.read(USER + 0x20000, n)])
      }
      t.ok(all.equals(bytes), `${all.length} bytes`)
    })

    t.test('user memory that is not there: an error, and nothing is lost', async t => {
      const p = Net.begin(e)
      const [, near, far] = p.connected()
      p.send2(near, 'kept')
      p.sys('poll', p.pollfd(A, [far, 1]), 1, -1)
      for (const bad of [NOWHERE, READ_ONLY, 0, 16, NOWHERE - 1, -PAGE]) t.equal(p.sys('recvfrom', far, bad, 50, 0, 0, 0), E.FAULT)
      t.equal(p.receive2(far), 'kept')
      t.equal(p.sys('sendto', near, NOWHERE, 50, 0, 0, 0), E.FAULT)
      t.equal(p.sys('sendto', near, NOWHERE - 10, 50, 0, 0, 0), E.FAULT)
      t.equal(p.receive2(far, 10, DONTWAIT), E.AGAIN)
      const [one, two] = [p.bound2(DGRAM, 5000), p.bound2(DGRAM, 5001)]
      p.sys('connect', one, p.sockaddr(A, LOCAL, 5001), 16)
      p.send2(one, 'whole')
      p.sys('poll', p.pollfd(A, [two, 1]), 1, -1)
      t.equal(p.sys('recvfrom', two, READ_ONLY, 50, 0, 0, 0), E.FAULT)
      t.equal(p.sys('recvfrom', two, READ_ONLY - 3, 50, 0, 0, 0), E.FAULT, 'not even the part that would fit')
      t.equal(p.receive2(two), 'whole')
    })

    t.test('connect: refused, under way, begun again after a signal', async t => {
      const p = Net.begin(e)
      let fd = p.sys('socket', 2, STREAM, 0)
      t.equal(p.sys('connect', fd, p.sockaddr(A, LOCAL, 4999), 16), E.CONNREFUSED)
      fd = p.sys('socket', 2, STREAM | NONBLOCK, 0)
      t.equal(p.sys('connect', fd, A, 16), E.INPROGRESS)
      t.equal(p.sys('poll', p.pollfd(B, [fd, 4]), 1, 1000), 1)
      t.equal(p.option(fd, 1, 4), -E.CONNREFUSED)
      t.equal(p.option(fd, 1, 4), 0, 'SO_ERROR is told once')
      fd = p.sys('socket', 2, STREAM, 0)
      p.later(0, 20, 0, 'kill', p.pid, 10)
      t.equal(p.sys('connect', fd, p.sockaddr(A, '10.0.0.9', 80), 16), E.INTR, 'nobody answers there')
      p.call('noticed', 0)
      p.option(fd, 1, 21) // SO_SNDTIMEO
      t.equal(p.sys('setsockopt', fd, 1, 21, p.longs(C, 0, 50_000), 16), 0)
      p.slept()
      t.equal(p.sys('connect', fd, A, 16), E.INPROGRESS, 'the same handshake goes on, until its time is up')
      t.equal(p.slept(), 51)
      const listener = p.bound2(STREAM, 4000)
      p.sys('listen', listener, 1)
      fd = p.sys('socket', 2, STREAM, 0)
      t.equal(p.sys('connect', fd, p.sockaddr(A, LOCAL, 4000), 16), 0)
      t.equal(p.sys('connect', fd, A, 16), -106, 'EISCONN')
      t.equal(p.sys('connect', fd, A, 4), E.INVAL)
      t.equal(p.sys('connect', fd, p.words(B, 10, 0, 0, 0), 16), E.AFNOSUPPORT)
      t.equal(p.sys('connect', fd, NOWHERE, 16), E.FAULT)
    })

    t.test('accept: waits, says who came, and takes nothing into a bad place', async t => {
      const p = Net.begin(e)
      const listener = p.bound2(STREAM, 4000)
      p.sys('listen', listener, 5)
      t.equal(p.sys('accept4', listener, 0, 0, 1), E.INVAL)
      p.call('fileFcntl', listener, 4, NONBLOCK)
      t.equal(p.sys('accept', listener, 0, 0), E.AGAIN)
      p.call('fileFcntl', listener, 4, 0)
      const near = p.sys('socket', 2, STREAM | NONBLOCK, 0)
      p.sys('bind', near, p.sockaddr(A, LOCAL, 4444), 16)
      p.later(0, 25, 0, 'connect', near, p.sockaddr(A, LOCAL, 4000), 16)
      p.words(LENGTH, 16)
      p.slept()
      const far = p.sys('accept4', listener, B, LENGTH, NONBLOCK)
      t.ok(far > 0)
      t.ok(p.slept() >= 25)
      t.same([p.name(B), p.word(LENGTH)], [`${LOCAL}:4444`, 16])
      t.equal(p.receive2(far), E.AGAIN, 'SOCK_NONBLOCK')
      p.words(LENGTH, 4)
      p.user(B, [1, 1, 1, 1, 1, 1, 1, 1])
      t.equal(p.sys('getpeername', far, B, LENGTH), 0)
      t.same([p.word(LENGTH), ...p.read(B, 6)], [16, 2, 0, 0x11, 0x5c, 1, 1], 'as much as fits, and how much there is')
      t.equal(p.sys('getsockname', far, B, p.words(LENGTH, -1)), E.INVAL)
      t.equal(p.sys('getsockname', far, B, NOWHERE), E.FAULT)
      t.equal(p.sys('getpeername', listener, B, p.words(LENGTH, 16)), E.NOTCONN)
    })

    t.test('datagrams: to whom, from whom, too long, empty, in pieces', async t => {
      const p = Net.begin(e)
      const [one, two] = [p.bound2(DGRAM, 5000), p.bound2(DGRAM, 5001)]
      p.sockaddr(A, LOCAL, 5001)
      t.equal(p.send2(one, 'x'), E.DESTADDRREQ)
      t.equal(p.sys('sendto', one, p.text(C, 'first'), 5, 0, A, 16), 5)
      p.words(LENGTH, 16)
      t.equal(p.sys('recvfrom', two, B, 100, 0, B + 0x100, LENGTH), 5)
      t.equal(p.name(B + 0x100), `${LOCAL}:5000`)
      p.sys('sendto', one, C, 5, 0, A, 16)
      t.equal(p.sys('recvfrom', two, B, 2, TRUNC, 0, 0), 5)
      p.sys('connect', one, A, 16)
      p.text(C, 'abcdefgh')
      p.iovec(LENGTH + 0x100, [C, 3], [C + 4, 0], [C + 5, 3])
      t.equal(p.sys('sendmsg', one, p.msghdr(B, 0, 0, LENGTH + 0x100, 3), 0), 6)
      p.iovec(LENGTH + 0x200, [C + 0x100, 4], [C + 0x200, 50])
      p.msghdr(B, A + 0x100, 16, LENGTH + 0x200, 2)
      t.equal(p.sys('recvmsg', two, B, 0), 6)
      t.same([p.read(C + 0x100, 4).toString(), p.read(C + 0x200, 2).toString()], ['abcf', 'gh'])
      t.same([p.name(A + 0x100), p.word(B + 8), p.long(B + 40), p.word(B + 48)], [`${LOCAL}:5000`, 16, 0n, 0], 'name, its length, no control, no flags')
      p.sys('sendmsg', one, p.msghdr(B, 0, 0, LENGTH + 0x100, 3), 0)
      p.msghdr(B, 0, 0, LENGTH + 0x200, 1)
      t.equal(p.sys('recvmsg', two, B, 0), 4)
      t.equal(p.word(B + 48), TRUNC)
      t.equal(p.sys('sendto', one, BIG, 65_508, 0, 0, 0), E.MSGSIZE)
      t.equal(p.sys('sendto', one, BIG, 70_000, 0, 0, 0), E.MSGSIZE)
      p.user(BIG, Array.from({ length: 9000 }, (_, i) => i))
      t.equal(p.sys('sendto', one, BIG, 9000, 0, 0, 0), 9000)
      t.equal(p.sys('recvfrom', two, USER + 0x20000, 20_000, 0, 0, 0), 9000)
      t.ok(p.read(USER + 0x20000, 9000).equals(p.read(BIG, 9000)))
      t.equal(p.send2(one, ''), 0)
      t.equal(p.receive2(two), '')
      t.equal(p.sys('sendmsg', one, p.msghdr(B, 0, 0, LENGTH + 0x100, 1025), 0), E.MSGSIZE)
      t.equal(p.sys('sendmsg', one, p.msghdr(B, 0, 0, NOWHERE, 1), 0), E.FAULT)
      t.equal(p.sys('sendmsg', one, NOWHERE, 0), E.FAULT)
      t.equal(p.sys('setsockopt', two, 1, 20, p.longs(C, 0, 30_000), 16), 0)
      p.slept()
      t.equal(p.receive2(two), E.AGAIN)
      t.equal(p.slept(), 31, 'SO_RCVTIMEO')
      t.equal(p.receive2(two, 10, 1), E.INVAL, 'MSG_OOB')
      t.equal(p.receive2(two, 10, 0x2000), E.AGAIN, 'MSG_ERRQUEUE')
      t.equal(p.sys('connect', one, p.words(A, 0), 2), 0, 'AF_UNSPEC')
      t.equal(p.send2(one, 'x'), E.DESTADDRREQ)
    })

    t.test('a peer on the wire: what is sent goes out before the call returns, and what comes wakes', async t => {
      const p = Net.begin(e)
      const fd = p.sys('socket', 2, DGRAM, 0)
      p.sys('bind', fd, p.sockaddr(A, '0.0.0.0', 5000), 16)
      p.forget()
      p.sys('sendto', fd, p.text(C, 'out'), 3, 0, p.sockaddr(A, '10.0.0.9', 4000), 16)
      t.equal(p.sent().length, 1)
      p.hear('in', 5000)
      t.equal(p.receive2(fd), 'in')
    })

    t.test('datagrams of several sends: MSG_MORE, UDP_CORK, too long, closed', async t => {
      const p = Net.begin(e)
      const [one, two, MORE, UDP] = [p.bound2(DGRAM, 5000), p.bound2(DGRAM, 5001), 0x8000, 17]
      const before = p.call('heapUsed')
      p.sys('connect', one, p.sockaddr(A, LOCAL, 5001), 16)
      t.same([p.send2(one, 'one ', MORE), p.send2(one, '', MORE), p.receive2(two, 100, DONTWAIT), p.send2(one, 'two')], [4, 0, E.AGAIN, 3])
      t.equal(p.receive2(two), 'one two')
      t.same([p.option(one, UDP, 1), p.option(one, UDP, 1, 1), p.option(one, UDP, 1)], [0, 0, 1])
      t.same([p.send2(one, 'a'), p.send2(one, 'b', MORE), p.receive2(two, 100, DONTWAIT), p.option(one, UDP, 1, 0)], [1, 1, E.AGAIN, 0])
      t.equal(p.receive2(two), 'ab')
      t.same([p.option(one, UDP, 2, 1), p.option(p.sys('socket', 2, STREAM, 0), UDP, 1, 1)], [-92, -92])
      t.equal(p.sys('sendto', one, BIG, 40_000, MORE, 0, 0), 40_000)
      t.equal(p.sys('sendto', one, BIG, 25_508, 0, 0, 0), E.MSGSIZE)
      t.equal(p.send2(one, 'new'), 3)
      t.equal(p.receive2(two), 'new')
      t.equal(p.sys('sendto', one, BIG, 40_000, MORE, 0, 0), 40_000)
      t.equal(p.sys('sendto', one, BIG, 25_507, 0, 0, 0), 25_507)
      t.equal(p.sys('recvfrom', two, BIG, 70_000, TRUNC, 0, 0), 65_507)
      p.send2(one, 'left', MORE)
      t.ok(p.call('heapUsed') > before)
      p.call('fileClose', one)
      t.equal(p.call('heapUsed'), before)
    })

    t.test('epoll with two hundred sockets: only what is ready is looked at', async t => {
      const p = Net.begin(e)
      const set = p.sys('epoll_create1', 0)
      const fds = Array.from({ length: 200 }, (_, i) => p.bound2(DGRAM, 6000 + i))
      for (const [i, fd] of fds.entries()) t.equal(p.sys('epoll_ctl', set, 1, fd, p.words(A, 1, i, 0)), 0)
      t.equal(p.sys('epoll_wait', set, B, 10, 0), 0)
      p.sys('connect', fds[0]!, p.sockaddr(A, LOCAL, 6123), 16)
      p.send2(fds[0]!, 'x')
      p.slept()
      t.equal(p.sys('epoll_wait', set, B, 10, -1), 1)
      t.ok(p.slept() <= 2)
      t.same([p.word(B), p.word(B + 4)], [1, 123])
      p.call('fileClose', fds[123]!)
      t.equal(p.sys('epoll_wait', set, B, 10, 0), 0)
      p.sys('connect', fds[0]!, p.sockaddr(A, LOCAL, 6100), 16)
      p.later(0, 40, 0, 'sendto', fds[0]!, C, 1, 0)
      t.equal(p.sys('epoll_wait', set, B, 10, -1), 1)
      t.equal(p.slept(), 40)
      t.equal(p.word(B + 4), 100)
      const copy = p.call('fileDup', fds[7]!)
      t.equal(p.sys('epoll_ctl', set, 1, copy, p.words(A, 1, 777, 0)), 0, 'the same socket by another descriptor')
      t.equal(p.sys('epoll_ctl', set, 1, copy, A), E.EXIST)
      for (const fd of [...fds, copy, set]) p.call('fileClose', fd)
      t.same([p.call('epollHeld'), p.call('socketCounter', 0)], [0, 0])
    })

    t.test('options', async t => {
      const p = Net.begin(e)
      const fd = p.sys('socket', 2, STREAM, 0)
      for (const [level, name, value] of [[1, 2, 1], [1, 9, 1], [1, 15, 1], [6, 1, 1], [6, 3, 1], [6, 4, 60], [6, 5, 7], [6, 6, 4], [6, 18, 500], [0, 2, 12], [0, 1, 8]] as const) {
        t.equal(p.option(fd, level, name, value), 0)
        t.equal(p.option(fd, level, name), value, `${level} ${name}`)
      }
      t.same([3, 30, 38, 39].map(name => p.option(fd, 1, name)), [STREAM, 0, 6, 2], 'type, listening, protocol, domain')
      t.equal(p.option(fd, 1, 3, 1), E.NOPROTOOPT)
      t.equal(p.option(fd, 1, 13, 0), E.INVAL, 'half a linger')
      t.equal(p.sys('setsockopt', fd, 1, 13, p.words(C, 0, 5), 8), 0)
      for (const linger of [[1, 5], [1, 0], [0, 0]]) {
        t.equal(p.sys('setsockopt', fd, 1, 13, p.words(C, ...linger), 8), 0)
        p.words(LENGTH, 8)
        t.equal(p.sys('getsockopt', fd, 1, 13, C, LENGTH), 0)
        t.same([p.word(C), p.word(C + 4)], linger)
      }
      t.equal(p.option(fd, 1, 5, 0), 0)
      t.equal(p.option(fd, 1, 5, 1), E.NOPROTOOPT)
      t.equal(p.option(fd, 17, 1, 1), E.NOPROTOOPT)
      t.equal(p.option(fd, 0, 2, 0), E.INVAL)
      t.equal(p.sys('setsockopt', fd, 6, 13, p.text(C, 'reno'), 4), 0)
      t.equal(p.sys('setsockopt', fd, 6, 13, p.text(C, 'vegas'), 5), E.NOENT)
      p.words(LENGTH, 16)
      t.equal(p.sys('getsockopt', fd, 6, 13, C, LENGTH), 0)
      t.equal(p.read(C, 5).toString(), 'reno\0')
      t.equal(p.sys('setsockopt', fd, 6, 13, p.text(C, 'westwood'), 8), 0)
      p.words(LENGTH, 16)
      t.equal(p.sys('getsockopt', fd, 6, 13, C, LENGTH), 0)
      t.equal(p.read(C, 9).toString(), 'westwood\0')
      t.equal(p.sys('setsockopt', fd, 1, 9, NOWHERE, 4), E.FAULT)
      t.equal(p.sys('setsockopt', fd, 1, 9, C, 2), E.INVAL)
      t.equal(p.sys('getsockopt', fd, 1, 9, NOWHERE, p.words(LENGTH, 4)), E.FAULT)
      t.equal(p.sys('getsockopt', fd, 1, 9, C, p.words(LENGTH, -4)), E.INVAL)
      const datagrams = p.sys('socket', 2, DGRAM, 0)
      t.equal(p.sys('setsockopt', datagrams, 0, 35, p.user(C, [239, 1, 2, 3, 10, 0, 0, 2]), 8), 0, 'IP_ADD_MEMBERSHIP')
      t.equal(p.sys('setsockopt', datagrams, 0, 35, C, 8), E.ADDRINUSE)
      t.equal(p.sys('setsockopt', datagrams, 0, 36, C, 8), 0)
      t.equal(p.sys('setsockopt', datagrams, 0, 35, p.user(C, [239, 1, 2, 3, 10, 9, 9, 9]), 8), -19, 'no interface has that address')
      t.equal(p.sys('setsockopt', datagrams, 0, 32, p.user(C, [10, 0, 0, 2]), 4), 0, 'IP_MULTICAST_IF')
      p.words(LENGTH, 4)
      t.equal(p.sys('getsockopt', datagrams, 0, 32, C, LENGTH), 0)
      t.same([...p.read(C, 4)], [10, 0, 0, 2])
    })

    t.test('what there is not', async t => {
      const p = Net.begin(e)
      t.equal(p.sys('socket', 10, STREAM, 0), E.AFNOSUPPORT)
      t.equal(p.sys('socket', 2, 5, 0), E.SOCKTNOSUPPORT)
      t.equal(p.sys('socket', 2, STREAM, 17), E.PROTONOSUPPORT)
      t.equal(p.sys('socket', 2, STREAM | 0x10000, 0), E.INVAL)
      const [reader] = p.pipe()
      for (const call of ['listen', 'accept', 'shutdown', 'recvfrom'] as const) {
        t.equal(p.sys(call, 99, 0, 0), E.BADF, call)
        t.equal(p.sys(call, reader, 0, 0), E.NOTSOCK, call)
      }
      const fd = p.sys('socket', 2, STREAM, 0)
      t.equal(p.call('fileIoctl', fd, 0x5401, 0), E.NOTTY)
      t.equal(p.sys('sendto', fd, C, 1, 1, 0, 0), E.OPNOTSUPP, 'MSG_OOB')
      t.equal(p.sys('bind', fd, p.sockaddr(A, '10.7.7.7', 80), 16), -99)
      t.equal(p.sys('bind', fd, p.sockaddr(A, LOCAL, 80), 15), E.INVAL)
    })
  })
}
