// Locks on files: ranges that are split and joined, who excludes whom, what ends them, waiting, and deadlocks. fcntl(2), flock(2).

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { Files } from '../../../files-machine.ts'

const [RDONLY, WRONLY, RDWR, CREAT, PATH] = [0, 1, 2, 0o100, 0o10000000] as const
const [GET, SET, WAIT, OFD_GET, OFD_SET, OFD_WAIT] = [5, 6, 7, 36, 37, 38] as const
const [READ, WRITE, NONE] = [0, 1, 2] as const
const [CLOSE, INTERRUPT, LOCK] = [3, 6, 7] as const
const [SHARED, EXCLUSIVE, NONBLOCK, UNLOCK] = [1, 2, 4, 8] as const
const LIMIT = 4096

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) % below
}

class Locks extends Files {
  fd: number
  constructor(engine: Engine) {
    super(engine)
    this.m.call('run', 7, 7, 7)
    this.fd = this.open('/f', RDWR | CREAT) as number
  }
  set(type: number, start: number, length = 1, command: number = SET, fd = this.fd): number | string { return this.call('lock', fd, command, type, 0, start, length) }
  /** What is in the way of an exclusive lock: [type, start, length, pid], or nothing. */
  inTheWay(start: number, length = 1, command: number = GET, type: number = WRITE): number[] | null | string {
    const result = this.call('lock', this.fd, command, type, 0, start, length)
    if (result !== 0) return String(result)
    return this.m.call('lockField', 0) === NONE ? null : [0, 1, 2, 3].map(which => this.m.call('lockField', which))
  }
  /** Who makes the calls: the process, or its child. */
  as(child: boolean): this {
    this.m.call('useChild', child ? 1 : 0)
    this.m.call('run', child ? 8 : 7, 7, 7)
    return this
  }
  fork(): this {
    this.call('fork', 0)
    return this.as(true)
  }
  held(): number { return this.m.call('locksHeld') }
  plan(what: number, descriptor = 0, count = 0): void { this.m.call('plan', what, descriptor, 0, count) }
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: a child has none of its parent's locks, and they exclude it`, async t => {
    const f = new Locks(e)
    t.equal(f.set(READ, 10, 10), 0)
    t.equal(f.inTheWay(0, 0), null, 'one\'s own are not in the way')
    f.fork()
    t.same(f.inTheWay(0, 0), [READ, 10, 10, 7])
    t.equal(f.inTheWay(0, 0, GET, READ), null)
    t.equal(f.set(READ, 0, 0), 0, 'read locks go together')
    t.equal(f.set(WRITE, 19), 'EAGAIN')
    t.same([f.set(WRITE, 9), f.set(WRITE, 20)], [0, 0])
    f.as(false)
    t.equal(f.set(WRITE, 10, 10), 'EAGAIN', 'nor may the parent have more while the child reads')
    t.same(f.inTheWay(20, 5), [WRITE, 20, 1, 8])
    t.same(f.inTheWay(21, 5), [READ, 21, 0, 8], 'to the end')
    f.m.call('end')
    t.equal(f.held(), 1, 'with the child its locks end')
    t.equal(f.set(WRITE, 10, 10), 0)
    f.close(f.fd)
    t.equal(f.held(), 0)
  })

  t.test(`${e.kind}: ranges: from where, how far, to the end, backwards, past everything`, async t => {
    const f = new Locks(e)
    f.write(f.fd, 'ten bytes.')
    f.lseek(f.fd, 4)
    const where = (whence: number, start: number, length: number) => {
      const result = f.as(false).call('lock', f.fd, SET, WRITE, whence, start, length)
      if (result !== 0) return result
      const seen = f.as(true).inTheWay(0, 0)
      f.as(false).set(NONE, 0, 0)
      return seen === null || typeof seen === 'string' ? seen : seen.slice(1, 3)
    }
    f.fork()
    t.same(where(0, 3, 4), [3, 4])
    t.same(where(1, -1, 2), [3, 2])
    t.same(where(2, -3, 0), [7, 0])
    t.same(where(2, 5, -7), [8, 7])
    t.same(where(0, 0x7fffffff, 0), [0x7fffffff, 0])
    t.same(where(0, 5, 0x7fffffff), [5, 0], 'what goes past all files goes to the end')
    t.same([where(0, -1, 1), where(1, -5, 1), where(0, 3, -4), where(3, 0, 0)], ['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'])
    t.equal(where(2, 0x7fffffff, 1), 'EOVERFLOW')
    t.equal(f.as(false).set(3, 0), 'EINVAL', 'a type there is not')
    t.equal(f.call('lock', f.fd, GET, NONE, 0, 0, 0), 'EINVAL')
    t.equal(f.call('lock', 99, SET, READ, 0, 0, 0), 'EBADF')
  })

  t.test(`${e.kind}: who may not read has no read lock, who may not write no write lock`, async t => {
    const f = new Locks(e)
    const [reader, writer, path] = [f.open('/f', RDONLY), f.open('/f', WRONLY), f.open('/f', PATH)] as [number, number, number]
    t.same([f.set(READ, 0, 1, SET, reader), f.set(WRITE, 0, 1, SET, reader), f.set(NONE, 0, 1, SET, reader)], [0, 'EBADF', 0])
    t.same([f.set(READ, 0, 1, SET, writer), f.set(WRITE, 0, 1, SET, writer), f.set(NONE, 0, 1, SET, writer)], ['EBADF', 0, 0])
    t.same([f.set(READ, 0, 1, SET, path), f.call('flock', path, SHARED)], ['EBADF', 'EBADF'])
  })

  t.test(`${e.kind}: any descriptor of the file that is closed ends a process's locks; an open file's end with it`, async t => {
    const f = new Locks(e)
    const again = f.open('/f', RDWR) as number
    const other = f.open('/g', RDWR | CREAT) as number
    f.set(WRITE, 0)
    f.set(WRITE, 0, 1, SET, other)
    f.close(again)
    t.equal(f.held(), 1, 'that of the other file')
    f.set(WRITE, 0)
    f.call('dup2', other, f.fd)
    t.equal(f.held(), 1, 'dup2 closes, too')
    f.close(f.fd)
    t.equal(f.held(), 0)
    f.fd = f.open('/f', RDWR) as number
    const duplicate = f.call('dup', f.fd) as number
    t.equal(f.set(WRITE, 0, 4, OFD_SET), 0)
    t.equal(f.call('flock', f.fd, EXCLUSIVE), 0)
    f.close(duplicate)
    t.equal(f.held(), 2)
    f.fork().m.call('end')
    f.as(false)
    t.equal(f.held(), 2, 'a child has the same open file')
    f.close(f.fd)
    t.equal(f.held(), 0)
  })

  t.test(`${e.kind}: locks of open files exclude one another in one process, and those of processes`, async t => {
    const f = new Locks(e)
    const second = f.open('/f', RDWR) as number
    t.equal(f.set(WRITE, 5, 5, OFD_SET), 0)
    t.equal(f.set(WRITE, 7, 1, OFD_SET, second), 'EAGAIN')
    t.equal(f.set(READ, 7), 'EAGAIN', 'the process\'s own')
    t.same(f.inTheWay(0, 0), [WRITE, 5, 5, -1])
    t.equal(f.call('lock', f.fd, OFD_GET, WRITE, 0, 0, 0), 0)
    t.equal(f.m.call('lockField', 0), NONE)
    t.equal(f.set(NONE, 0, 0, OFD_SET, second), 0)
    t.equal(f.set(NONE, 0, 0, OFD_SET), 0)
    t.equal(f.set(READ, 7), 0)
    t.equal(f.set(WRITE, 7, 1, OFD_SET, second), 'EAGAIN')
    t.equal(f.call('flock', second, EXCLUSIVE), 0, 'flock is apart from all of them')
  })

  t.test(`${e.kind}: flock: shared, exclusive, one for the other, not waiting`, async t => {
    const f = new Locks(e)
    const second = f.open('/f', RDONLY) as number
    t.same([f.call('flock', f.fd, SHARED), f.call('flock', second, SHARED)], [0, 0])
    t.equal(f.call('flock', f.fd, EXCLUSIVE | NONBLOCK), 'EAGAIN')
    t.equal(f.held(), 1, 'what it had is gone')
    t.equal(f.call('flock', second, EXCLUSIVE | NONBLOCK), 0)
    t.equal(f.call('flock', second, EXCLUSIVE), 0)
    t.equal(f.call('flock', f.fd, SHARED | NONBLOCK), 'EAGAIN')
    t.equal(f.call('flock', f.fd, SHARED), 'EINTR')
    t.equal(f.call('flock', second, UNLOCK), 0)
    t.equal(f.call('flock', f.fd, SHARED | NONBLOCK), 0)
    for (const bad of [0, 3, NONBLOCK, 9, 16]) t.equal(f.call('flock', f.fd, bad), 'EINVAL')
    t.equal(f.call('flock', 99, SHARED), 'EBADF')
  })

  t.test(`${e.kind}: waiting: until the other unlocks, closes, or a signal comes; a descriptor that is gone meanwhile`, async t => {
    const f = new Locks(e)
    f.set(WRITE, 0, 0)
    f.fork()
    t.equal(f.set(WRITE, 3, 1, WAIT), 'EINTR')
    t.equal(f.held(), 1)
    f.plan(LOCK, f.fd, NONE)
    t.equal(f.set(WRITE, 3, 1, WAIT), 0)
    t.equal(f.as(false).set(READ, 3), 'EAGAIN')
    f.set(WRITE, 9)
    f.as(true).plan(INTERRUPT)
    t.equal(f.set(READ, 9, 1, WAIT), 'EINTR')
    f.plan(CLOSE, f.fd)
    t.equal(f.set(READ, 9, 1, WAIT), 0)
    f.m.call('end')
    f.as(false)
    f.fd = f.open('/f', RDWR) as number
    const second = f.open('/f', RDWR) as number
    f.set(WRITE, 0, 1, OFD_SET, second)
    f.plan(LOCK, f.fd, NONE)
    f.plan(CLOSE, f.fd)
    f.plan(CLOSE, second)
    t.equal(f.set(WRITE, 0, 1, WAIT), 'EBADF', 'what was waited for is not kept under a descriptor that is closed')
    t.equal(f.held(), 0)
    t.equal(f.set(WRITE, 0, 1, OFD_WAIT), 'EBADF')
  })

  t.test(`${e.kind}: two that wait for one another: the second is refused`, async t => {
    const f = new Locks(e)
    const other = f.open('/g', RDWR | CREAT) as number
    f.set(WRITE, 0, 0, SET, other)
    f.fork()
    t.equal(f.set(WRITE, 5), 0)
    f.plan(LOCK, f.fd, WRITE) // the parent waits for the child's byte …
    f.plan(INTERRUPT)
    t.equal(f.set(WRITE, 0, 1, WAIT, other), 'EINTR') // … while the child waits for the parent's file
    t.equal(f.m.call('meanwhileResult'), -35)
    t.equal(f.as(false).held(), 2)
  })

  t.test(`${e.kind}: no more than ${LIMIT} locks, and then nothing has changed`, async t => {
    const f = new Locks(e)
    const files = [f.fd, ...Array.from({ length: 15 }, (_, i) => f.open(`/f${i}`, RDWR | CREAT) as number)]
    for (let i = 0; i < LIMIT - 1; i++) f.set(i % 2, 3 * (i >> 4), 2, SET, files[i & 15])
    t.equal(f.set(READ, 100_000, 10), 0)
    t.equal(f.set(READ, 200_000), 'ENOLCK')
    t.equal(f.set(WRITE, 100_003), 'ENOLCK')
    t.equal(f.set(NONE, 100_003), 'ENOLCK', 'even to unlock, if it makes one of two')
    t.equal(f.held(), LIMIT)
    t.equal(f.set(NONE, 0, 30), 0)
    t.equal(f.held(), LIMIT - 10)
    t.equal(f.set(NONE, 100_003), 0)
    for (const each of files) f.close(each)
    t.equal(f.held(), 0)
  })

  t.test(`${e.kind}: random locks of three owners are those of a model, byte by byte`, async t => {
    const f = new Locks(e)
    const second = f.open('/f', RDWR) as number
    f.fork()
    const next = xorshift(4711)
    const SIZE = 24
    const model = [0, 1, 2].map(() => Array<number>(SIZE).fill(NONE))
    const clash = (a: number, b: number) => a !== NONE && b !== NONE && (a === WRITE || b === WRITE)
    for (let step = 0; step < 600; step++) {
      const owner = next(3)
      const type = next(3)
      const start = next(SIZE)
      const length = 1 + next(SIZE - start)
      const refused = model.some((bytes, i) => i !== owner && bytes.slice(start, start + length).some(byte => clash(byte, type)))
      f.as(owner === 1)
      const result = f.set(type, start, length, owner === 2 ? OFD_SET : SET, owner === 2 ? second : f.fd)
      if (result !== (refused ? 'EAGAIN' : 0)) t.fail(`step ${step}: ${result}`)
      if (!refused) model[owner]!.fill(type, start, start + length)
      const runs = model.reduce((sum, bytes) => sum + bytes.filter((byte, i) => byte !== NONE && byte !== bytes[i - 1]).length, 0)
      if (f.held() !== runs) t.fail(`step ${step}: ${f.held()} locks, not ${runs}`)
      const byte = next(SIZE)
      const seen = f.as(true).inTheWay(byte)
      const others = [model[0]![byte]!, model[2]![byte]!]
      if ((seen === null) !== others.every(each => each === NONE)) t.fail(`step ${step}: byte ${byte}`)
    }
    t.pass()
  })
}
