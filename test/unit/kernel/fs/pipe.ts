// Pipes and fifos: order, capacity, PIPE_BUF, both ends' ends, waiting, polling, and their memory. pipe(7).

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { Files } from '../../../files-machine.ts'

const PAGE = 4096
const CAPACITY = 16 * PAGE
const NONBLOCK = 0o4000
const [IN, OUT, ERROR, HANGUP] = [0x41, 0x104, 8, 0x10] as const
const [NOTHING, WRITE, READ, CLOSE, , , INTERRUPT] = [0, 1, 2, 3, 4, 5, 6] as const
const SIGPIPE = 13

class Pipes extends Files {
  reader = -1
  writer = -1
  frames: number

  constructor(engine: Engine, flags = NONBLOCK) {
    super(engine)
    const out = this.m.alloc(8)
    this.m.call('pipe', flags, out)
    this.reader = this.m.read32(out)
    this.writer = this.m.read32(out + 4)
    this.frames = this.m.call('framesFree')
  }

  /** What comes about in the next sleep. */
  plan(what: number, descriptor = 0, bytes = '', count = bytes.length): void {
    const at = this.m.alloc(Math.max(count, 1))
    this.m.write(at, Buffer.from(bytes))
    this.m.call('plan', what, descriptor, at, count)
  }

  /** Frames that the pipe holds. */
  held(): number { return this.frames - this.m.call('framesFree') }
}

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: bytes come out as they went in, whatever the pieces`, async t => {
    const f = new Pipes(e)
    const pick = xorshift(5)
    let [sent, got, inside] = [0, '', 0]
    let expected = ''
    for (let step = 0; step < 2000; step++) {
      if (pick(2) === 0) {
        const text = Array.from({ length: 1 + pick(pick(4) === 0 ? 9000 : 300) }, () => String.fromCharCode(0x20 + (sent++ % 90))).join('')
        const written = f.write(f.writer, text)
        const room = CAPACITY - inside
        if (written === 'EAGAIN' ? text.length <= room : text.length <= PAGE && written !== text.length) t.fail(`step ${step}: ${written} of ${text.length}`)
        const taken = typeof written === 'number' ? written : 0
        sent -= text.length - taken
        expected += text.slice(0, taken)
        inside += taken
      } else {
        const piece = f.read(f.reader, 1 + pick(6000))
        if (piece === 'EAGAIN') continue
        got += piece
        inside -= piece.length
      }
      if (f.held() > Math.ceil(inside / PAGE) + 2) t.fail(`step ${step}: ${f.held()} frames for ${inside} bytes`)
    }
    while (inside > 0) { const piece = f.read(f.reader); got += piece; inside -= piece.length }
    t.equal(got, expected)
    t.ok(got.length > 100_000)
    t.equal(f.held(), 1, 'an empty pipe keeps a frame')
    f.close(f.reader)
    f.close(f.writer)
    t.equal(f.held(), 0)
    t.same(f.left(), { walks: 0, open: 0, pipes: 0 })
  })

  t.test(`${e.kind}: 64 KiB fit; up to a page goes in whole or not at all`, async t => {
    const f = new Pipes(e)
    t.equal(f.write(f.writer, 'x'.repeat(CAPACITY + 5)), CAPACITY)
    t.equal(f.write(f.writer, 'x'), 'EAGAIN')
    t.equal(f.read(f.reader, 100).length, 100)
    t.equal(f.write(f.writer, 'y'.repeat(101)), 'EAGAIN', 'there is room for 100')
    t.equal(f.write(f.writer, 'y'.repeat(PAGE)), 'EAGAIN')
    t.equal(f.write(f.writer, 'y'.repeat(PAGE + 1)), 100, 'longer ones may be cut')
    t.equal(f.write(f.writer, ''), 0)
  })

  t.test(`${e.kind}: a reader waits for bytes, and sees the end when the last writer is gone`, async t => {
    const f = new Pipes(e, 0)
    f.plan(NOTHING)
    f.plan(WRITE, f.writer, 'late')
    t.equal(f.read(f.reader), 'late')
    f.plan(INTERRUPT)
    t.equal(f.read(f.reader), 'EINTR')
    const second = f.call('dup', f.writer) as number
    f.close(f.writer)
    f.write(second, 'last')
    f.plan(CLOSE, second)
    t.equal(f.read(f.reader), 'last')
    t.equal(f.read(f.reader), '')
    t.equal(f.read(f.reader), '')
    t.equal(f.m.call('plansLeft'), 0)
  })

  t.test(`${e.kind}: a writer waits for room, for all of it or what a signal leaves`, async t => {
    const f = new Pipes(e, 0)
    f.write(f.writer, 'a'.repeat(CAPACITY))
    f.plan(READ, f.reader, '', 10)
    f.plan(READ, f.reader, '', PAGE)
    t.equal(f.write(f.writer, 'b'.repeat(20)), 20, 'the first sleep made room for half of it')
    t.equal(f.m.call('plansLeft'), 0)
    f.plan(READ, f.reader, '', PAGE)
    f.plan(INTERRUPT)
    const more = f.write(f.writer, 'c'.repeat(CAPACITY))
    t.ok(typeof more === 'number' && more >= PAGE && more < CAPACITY, `${more}`)
    f.plan(INTERRUPT)
    t.equal(f.write(f.writer, 'd'), 'EINTR')
  })

  t.test(`${e.kind}: without a reader a write fails and is signalled`, async t => {
    const f = new Pipes(e, 0)
    f.write(f.writer, 'a'.repeat(CAPACITY))
    f.plan(CLOSE, f.reader)
    t.equal(f.write(f.writer, 'b'), 'EPIPE')
    t.equal(f.m.call('signalSent'), SIGPIPE)
    t.equal(f.write(f.writer, 'b'), 'EPIPE')
    t.equal(f.m.call('signalSent'), SIGPIPE)
    t.equal(f.poll(f.writer), ERROR)
    f.close(f.writer)
    t.equal(f.held(), 0, 'what nobody read is gone')
  })

  t.test(`${e.kind}: what poll says`, async t => {
    const f = new Pipes(e)
    t.equal(f.poll(f.reader), 0)
    t.equal(f.poll(f.writer), OUT)
    f.write(f.writer, 'x'.repeat(CAPACITY - PAGE + 1))
    t.equal(f.poll(f.reader), IN)
    t.equal(f.poll(f.writer), 0, 'less than a page of room')
    f.read(f.reader, 1)
    t.equal(f.poll(f.writer), OUT)
    f.close(f.writer)
    t.equal(f.poll(f.reader), IN | HANGUP)
    f.read(f.reader)
    t.equal(f.poll(f.reader), HANGUP)
  })

  t.test(`${e.kind}: sizes: a power of two of pages, what is in it stays, and what it had is given back`, async t => {
    const f = new Pipes(e)
    const [SET, GET] = [1031, 1032]
    const size = () => f.call('fcntl', f.reader, GET, 0)
    const resize = (bytes: number) => f.call('fcntl', f.writer, SET, bytes)
    t.equal(size(), CAPACITY)
    t.same([resize(1 << 20), resize(2 * CAPACITY), resize(CAPACITY)], [1 << 20, 2 * CAPACITY, CAPACITY])
    f.frames = f.m.call('framesFree') // the heap keeps what it had for these
    const text = Array.from({ length: 40_000 }, (_, i) => String.fromCharCode(97 + i * 7 % 26)).join('')
    f.write(f.writer, text)
    t.equal(f.read(f.reader, 5000), text.slice(0, 5000))
    f.write(f.writer, text.slice(0, 30_000))
    t.equal(resize(65_537), 2 * CAPACITY, 'over the end of the ring, and rounded up')
    t.equal(size(), 2 * CAPACITY)
    t.equal(f.write(f.writer, text), 40_000)
    t.equal(resize(CAPACITY), 'EBUSY', '105,000 are in it')
    const got = () => { const piece = f.read(f.reader, 50_000); return piece === 'EAGAIN' ? '' : piece }
    t.ok(got() + got() === text.slice(5000) + text.slice(0, 30_000) + text.slice(0, 35_000))
    t.equal(resize(2 * PAGE), 2 * PAGE, 'five thousand are left')
    t.ok(got() === text.slice(35_000))
    t.equal(resize(0), PAGE)
    t.equal(f.write(f.writer, text), PAGE)
    t.equal(f.poll(f.writer), 0)
    t.equal(resize(1 << 20), 1 << 20)
    t.equal(f.poll(f.writer), OUT)
    t.same([resize((1 << 20) + 1), resize(0x80000001), f.call('fcntl', f.reader, SET, 2 * PAGE)], ['EPERM', 'EINVAL', 2 * PAGE])
    t.ok(got() === text.slice(0, PAGE))
    f.close(f.reader)
    f.close(f.writer)
    t.equal(f.held(), 0)
  })

  t.test(`${e.kind}: the ends do one thing each`, async t => {
    const f = new Pipes(e)
    t.equal(f.read(f.writer), 'EBADF')
    t.equal(f.write(f.reader, 'x'), 'EBADF')
    t.equal(f.lseek(f.reader, 0), 'ESPIPE')
    t.equal(f.pread(f.reader, 1, 0), 'ESPIPE')
    t.equal(f.pwrite(f.writer, 'x', 0), 'ESPIPE')
    t.match(f.fstat(f.reader), { mode: 0o010600, links: 1 })
    t.same(f.fstat(f.reader), f.fstat(f.writer), 'one file')
    t.equal(f.call('pipe', 1, f.m.alloc(8)), 'EINVAL')
  })

  t.test(`${e.kind}: a fifo: both sides wait for one another, bytes pass, the memory goes with the last`, async t => {
    const f = new Pipes(e)
    f.mknod('/fifo', 0o010644)
    t.equal(f.open('/fifo', NONBLOCK | 1), 'ENXIO', 'nobody reads')
    f.plan(INTERRUPT)
    t.equal(f.open('/fifo', 0), 'EINTR', 'nobody came to write')
    f.plan(INTERRUPT)
    t.equal(f.open('/fifo', 1), 'EINTR')
    const reader = f.open('/fifo', NONBLOCK) as number
    t.equal(f.poll(reader), 0, 'no writer was there yet, so none has hung up')
    t.equal(f.read(reader), '')
    const writer = f.open('/fifo', 1) as number
    t.equal(f.write(writer, 'through'), 7)
    t.equal(f.read(reader), 'through')
    t.equal(f.read(reader), 'EAGAIN')
    f.close(writer)
    t.equal(f.poll(reader), HANGUP)
    t.equal(f.read(reader), '')
    f.close(reader)
    const both = f.open('/fifo', 2) as number
    f.write(both, 'self')
    t.equal(f.read(both), 'self')
    t.match(f.fstat(both), { mode: 0o010644, size: 0 })
    f.close(both)
    t.same(f.left(), { walks: 0, open: 2, pipes: 1 }, 'the first pipe')
  })

  t.test(`${e.kind}: a pipe opened by /proc/self/fd, as /dev/stdin is: without waiting for anybody`, async t => {
    const f = new Pipes(e, 0)
    f.m.call('fsMountSystem')
    f.m.call('selfIsThere')
    t.match(f.readlink(`/proc/7/fd/${f.reader}`), /^pipe:\[\d+\]$/)
    f.write(f.writer, 'left behind')
    f.close(f.writer)
    const again = f.open(`/proc/self/fd/${f.reader}`) as number
    f.close(f.reader)
    t.equal(f.read(again), 'left behind')
    t.equal(f.read(again), '')
    f.close(again)
    f.save('/file', 'x')
    const file = f.open('/file') as number
    t.equal(f.readlink(`/proc/self/fd/${file}`), '/file')
    t.equal(f.readlink('/proc/self/cwd'), '/')
    f.unlink('/file')
    t.match(f.readlink(`/proc/self/fd/${file}`), /^inode:\[/)
    t.equal(f.file(`/proc/self/fd/${file}`), 'x', 'without a name it can be opened still')
    t.same((f.list('/proc') as [string, number][]).filter(([name]) => /^\d/.test(name)), [['7', 4]])
    t.same(f.names('/proc/7/fd'), [String(file), String(file + 1)], 'itself included')
    f.close(file)
    t.same(f.left(), { walks: 0, open: 0, pipes: 0 })
  })

  t.test(`${e.kind}: too many open files, and nothing is left of a pipe that was not made`, async t => {
    const f = new Pipes(e)
    const out = f.m.alloc(8)
    let pipes = 1
    while (f.call('pipe', 0, out) === 0) pipes++
    t.equal(pipes, 512, '1,024 descriptors')
    t.equal(f.call('pipe', 0, out), 'EMFILE')
    t.same(f.left(), { walks: 0, open: 1024, pipes: 512 })
    f.close(3)
    t.equal(f.call('pipe', 0, out), 'EMFILE', 'there is room for one end')
    t.same(f.left(), { walks: 0, open: 1023, pipes: 512 })
  })
}
