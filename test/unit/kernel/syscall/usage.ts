// Processor time and its timers, and limits, as system calls: in virtual time, exact to the microsecond.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls, E, NOWHERE, PAGE, READ_ONLY, USER } from '../../../wire/calls.ts'

const A = USER + 0x1000
const B = USER + 0x2000
const [SELF, THREAD, CHILDREN] = [0, 1, -1]
const [REAL, VIRTUAL, PROF] = [0, 1, 2]
const [XCPU, VTALRM] = [24, 26]
const [CPU, DATA, STACK, CORE, NPROC, NOFILE, AS] = [0, 2, 3, 4, 6, 7, 9]
const MIB = 1 << 20
const INFINITE = -1n

const usage = (p: Calls, who: number): bigint[] => {
  p.sys('getrusage', who, A)
  return [0, 8, 16, 24].map(at => p.long(A + at))
}
const timer = (p: Calls, at: number): bigint[] => [0, 8, 16, 24].map(offset => p.long(at + offset))
const limit = (p: Calls, resource: number): bigint[] => {
  p.sys('prlimit64', 0, resource, 0, A)
  return [p.long(A), p.long(A + 8)]
}
const setLimit = (p: Calls, resource: number, soft: number | bigint, hard: number | bigint = INFINITE) =>
  p.sys('prlimit64', 0, resource, p.longs(B, soft, hard), 0)

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(e.kind, async t => {
    t.test('of few visits to user mode each is timed, of many some: the sum is exact, the parts nearly', async t => {
      const p = Calls.begin(e)
      p.call('spendOften', 0, 60, 10)
      t.same(usage(p, THREAD), [0n, 900_000n, 0n, 60_000n])
      p.call('spendOften', 0, 4000, 2)
      const [seconds, microseconds, systemSeconds, systemMicroseconds] = usage(p, THREAD)
      const user = Number(seconds! * 1_000_000n + microseconds!) - 900_000
      const system = Number(systemSeconds! * 1_000_000n + systemMicroseconds!) - 60_000
      t.equal(user + system, 16_000_000)
      t.ok(Math.abs(user - 12_000_000) < 1_000_000, `${user} of 12,000,000`)
    })

    t.test('time is the thread\'s, its process\'s, and, once waited for, its parent\'s children\'s', async t => {
      const p = Calls.begin(e)
      p.process(2)
      p.call('processAdopt', 2, 0)
      p.run(0)
      p.call('threadNew', 1, 0)
      p.call('spend', 0, 1500, 20)
      p.call('spend', 1, 300, 7)
      t.same(usage(p, SELF), [1n, 800_000n, 0n, 27_000n])
      t.same(usage(p, THREAD), [1n, 500_000n, 0n, 20_000n])
      t.same(usage(p, CHILDREN), [0n, 0n, 0n, 0n])
      p.call('spend', 2, 4000, 50)
      t.same(usage(p, CHILDREN), [0n, 0n, 0n, 0n], 'while it lives it is its own')
      p.call('reap', 0, 2)
      t.same(usage(p, CHILDREN), [4n, 0n, 0n, 50_000n])
      t.equal(p.sys('times', A), 587)
      t.same(timer(p, A), [180n, 2n, 400n, 5n], 'times, in hundredths')
      p.sys('clock_gettime', 2, A)
      t.same([p.long(A), p.long(A + 8)], [1n, 827_000_000n])
      const thread = p.call('pidOf', 1)
      const clock = (id: number, kind: number) => {
        const result = p.sys('clock_gettime', ~id * 8 + kind, A)
        return result === 0 ? p.long(A) * 1_000_000_000n + p.long(A + 8) : result
      }
      t.same([clock(p.pid, 2), clock(0, 2), clock(thread, 6), clock(0, 6)], [1_827_000_000n, 1_827_000_000n, 307_000_000n, 1_520_000_000n])
      t.same([clock(thread, 2), clock(p.pid, 3), clock(12345, 2)], [E.INVAL, E.INVAL, E.INVAL], 'no process, no such clock, nobody')
      const other = p.process(3)
      p.call('spend', 3, 5, 6)
      p.run(0)
      t.same([clock(other, 2), clock(other, 6)], [11_000_000n, E.INVAL], 'another process\'s, but not its threads\'')
      p.run(1)
      p.sys('clock_gettime', 3, A)
      t.same([p.long(A), p.long(A + 8)], [0n, 307_000_000n])
      t.equal(p.sys('getrusage', 2, A), E.INVAL)
      t.equal(p.sys('getrusage', SELF, READ_ONLY), E.FAULT)
    })

    t.test('a call is in the kernel: what passed until it asks is system time', async t => {
      const p = Calls.begin(e)
      p.call('spend', 0, 10, 1)
      p.sys('nanosleep', p.timespec(B, 0, 2_000_000), 0)
      t.same(usage(p, SELF), [0n, 10_000n, 0n, 4_000n])
    })

    t.test('ITIMER_VIRTUAL counts user time, ITIMER_PROF both; periods add up', async t => {
      const p = Calls.begin(e)
      t.equal(p.sys('setitimer', VIRTUAL, p.longs(A, 0, 20_000, 0, 30_000), 0), 0)
      t.equal(p.sys('setitimer', PROF, p.longs(A, 1, 5, 0, 30_000), 0), 0)
      p.call('spend', 0, 20, 9)
      p.call('timersLook', 0)
      t.equal(p.call('noticed', 0), 0)
      t.equal(p.sys('getitimer', VIRTUAL, A), 0)
      t.same(timer(p, A), [0n, 20_000n, 0n, 10_000n])
      p.sys('getitimer', PROF, A)
      t.same(timer(p, A), [1n, 5n, 0n, 1_000n])
      p.call('spend', 0, 0, 1)
      p.call('timersLook', 0)
      t.equal(p.call('noticed', 0), 1, 'SIGPROF')
      p.sys('getitimer', PROF, A)
      t.same(timer(p, A), [1n, 5n, 1n, 5n])
      p.call('spend', 0, 10, 0)
      p.sys('getitimer', VIRTUAL, A)
      t.same(timer(p, A), [0n, 20_000n, 0n, 1n], 'due, and not looked at')
      p.call('timersLook', 0)
      p.sys('setitimer', VIRTUAL, p.longs(A, 0, 0, 0, 0), B)
      t.same(timer(p, B), [0n, 20_000n, 0n, 20_000n], 'what it was')
      p.sys('getitimer', VIRTUAL, A)
      t.same(timer(p, A), [0n, 0n, 0n, 0n])
      p.sys('getitimer', REAL, A)
      t.same(timer(p, A), [0n, 0n, 0n, 0n], 'that of real time is another')
      p.sys('rt_sigprocmask', 0, p.longs(A, -1), 0, 8)
      p.sys('rt_sigpending', A, 8)
      t.equal(p.long(A), (1n << BigInt(VTALRM - 1)) | (1n << 26n))
      for (const bad of [[0, 0, 0, 1_000_000], [0, -1, 0, 0], [-1, 0, 0, 0]]) t.equal(p.sys('setitimer', PROF, p.longs(A, ...bad), 0), E.INVAL)
      t.equal(p.sys('setitimer', 3, A, 0), E.INVAL)
      t.equal(p.sys('getitimer', 3, A), E.INVAL)
      t.equal(p.sys('setitimer', PROF, NOWHERE, 0), E.FAULT)
      t.equal(p.sys('setitimer', PROF, A, READ_ONLY), E.INVAL, 'what it says comes first')
      t.equal(p.sys('setitimer', PROF, p.longs(A, 0, 0, 5_000_000_000n, 0), 0), 0)
      p.sys('getitimer', PROF, A)
      t.same(timer(p, A).slice(2), [0xffffffffn, 0n], 'no more than 136 years')
    })

    t.test('RLIMIT_CPU: a signal at each second from the soft limit on, and the end at the hard one', async t => {
      const p = Calls.begin(e)
      p.sys('rt_sigprocmask', 0, p.longs(A, 1n << BigInt(XCPU - 1)), 0, 8)
      const sent = () => {
        p.call('timersLook', 0)
        return p.sys('rt_sigtimedwait', p.longs(A, 1n << BigInt(XCPU - 1)), 0, p.timespec(B, 0, 0), 8)
      }
      t.equal(setLimit(p, CPU, 2, 4), 0)
      p.call('spend', 0, 1000, 998)
      t.equal(sent(), E.AGAIN)
      p.call('spend', 0, 2, 0)
      t.equal(sent(), XCPU)
      t.equal(sent(), E.AGAIN)
      t.same(limit(p, CPU), [3n, 4n], 'the limit moves on')
      p.call('spend', 0, 0, 1000)
      t.equal(sent(), XCPU)
      t.equal(p.call('noticed', 0), 0)
      p.call('spend', 0, 1000, 0)
      p.call('timersLook', 0)
      t.equal(p.call('noticed', 0), 1)
      t.same([p.sys('nanosleep', p.timespec(B, 1, 0), 0), p.call('killed', 0)], [0, 1])
    })

    t.test('limits are read, set, inherited; memory and descriptors keep to them', async t => {
      const p = Calls.begin(e)
      t.same([CORE, STACK, NPROC, NOFILE, AS].map(each => limit(p, each)),
        [[0n, INFINITE], [8n << 20n, INFINITE], [1024n, 1024n], [1024n, 1024n], [INFINITE, INFINITE]])
      t.equal(setLimit(p, CORE, 3, 2), E.INVAL)
      t.equal(p.sys('prlimit64', 0, 16, 0, A), E.INVAL)
      t.equal(p.sys('prlimit64', 12345, CORE, 0, A), -3)
      t.equal(setLimit(p, NOFILE, 10, 2000), E.PERM)
      t.equal(setLimit(p, AS, 1n << 40n), 0)
      t.same(limit(p, AS), [INFINITE, INFINITE], 'past 4 GiB all is one')
      t.equal(setLimit(p, AS, 8 * MIB), 0)
      const map = (length: number, protection: number, flags = 0x22) => p.call('processMap', 0, length, protection, flags)
      t.equal(map(16 * MIB, 0), -12)
      const some = map(4 * MIB, 0)
      t.ok(some > 0)
      t.equal(map(4 * MIB, 0), -12, 'together they are too much')
      t.equal(p.call('processMap', some, 4 * MIB, 1, 0x32), some, 'what takes another\'s place needs none')
      setLimit(p, AS, INFINITE)
      t.equal(setLimit(p, DATA, 2 * MIB), 0)
      t.equal(map(2 * MIB, 3), -12, 'there is some already')
      t.ok(map(MIB, 3) > 0)
      t.ok(map(8 * MIB, 1) > 0, 'not written to')
      t.ok(map(8 * MIB, 3, 0x21) > 0, 'shared')
      t.ok(map(8 * MIB, 3, 0x20022) > 0, 'a stack')
      t.equal(p.call('processProtect', some, 4 * MIB, 3), -12)
      t.equal(p.call('processProtect', some, PAGE, 3), 0)
      p.process(1)
      p.call('signalsFork', 1, 0)
      t.same([limit(p, DATA), limit(p, CORE)], [[2n << 20n, INFINITE], [0n, INFINITE]], 'a child\'s are its parent\'s')
    })
  })
}
