// Users and groups as system calls see them: which ids may become which, against a model that says credentials(7) another way; what a
// process may do to others. test/programs/users.c asks the same of Linux.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls, E, NOWHERE, Sys, USER } from '../../../wire/calls.ts'

const A = USER + 0x1000
const B = USER + 0x2000
const [USR1, TERM, CONT] = [10, 15, 18]
const ACCES = -13
const NONE = -1
const [STREAM, DATAGRAM, RAW] = [1, 2, 3]

const xorshift = (state: number) => (below: number) => {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5
  return (state >>> 0) % below
}

type Ids = [real: number, effective: number, saved: number, file: number]
type Kind = 'user' | 'group'
type SysName = keyof typeof Sys

class Users extends Calls {
  static override begin(engine: Parameters<typeof Calls.begin>[0]): Users {
    return Object.setPrototypeOf(Calls.begin(engine), Users.prototype) as Users
  }
  ids(kind: Kind): Ids {
    const [get, file]: [SysName, SysName] = kind === 'user' ? ['getresuid', 'setfsuid'] : ['getresgid', 'setfsgid']
    if (this.sys(get, A, A + 4, A + 8) !== 0) throw new Error(get)
    return [this.word(A), this.word(A + 4), this.word(A + 8), this.sys(file, NONE)]
  }
  /** All ids of the running process, users' and groups'. */
  become(id: number): void {
    for (const each of ['setresgid', 'setresuid'] as const) if (this.sys(each, id, id, id) !== 0) throw new Error(each)
  }
  rlimit(pid: number, resource: number, soft: number, hard: number): number {
    return this.sys('prlimit64', pid, resource, this.longs(A, soft, hard), 0)
  }
}

/** What a call makes of ids, or null: EPERM. `powerful`: by the superuser. The rules as POSIX and the man pages have them, a set of what is allowed each. */
const model: Record<string, (ids: Ids, powerful: boolean, ...args: number[]) => Ids | null> = {
  set: ([real, , saved], powerful, id = 0) => powerful ? [id, id, id, id] : [real, saved].includes(id) ? [real, id, saved, id] : null,
  setre: ([real, effective, saved], powerful, r = NONE, e = NONE) => {
    if (!powerful && (![NONE, real, effective].includes(r) || ![NONE, real, effective, saved].includes(e))) return null
    const next = e === NONE ? effective : e
    return [r === NONE ? real : r, next, r !== NONE || (e !== NONE && e !== real) ? next : saved, next]
  },
  setres: ([real, effective, saved], powerful, ...wanted) => {
    if (!powerful && wanted.some(each => ![NONE, real, effective, saved].includes(each))) return null
    const [r, e, s] = wanted.map((each, i) => each === NONE ? [real, effective, saved][i]! : each) as [number, number, number]
    return [r, e, s, e]
  },
  setfs: ([real, effective, saved, file], powerful, id = NONE) =>
    [real, effective, saved, id !== NONE && (powerful || [real, effective, saved].includes(id)) ? id : file],
}
const CALLS = { set: ['setuid', 'setgid', 1], setre: ['setreuid', 'setregid', 2], setres: ['setresuid', 'setresgid', 3], setfs: ['setfsuid', 'setfsgid', 1] } as const

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(`${e.kind}: random calls that set ids, as the model`, async t => {
    const p = Users.begin(e)
    const pick = xorshift(20261129)
    const wrong: string[] = []
    let [users, groups]: [Ids, Ids] = [[0, 0, 0, 0], [0, 0, 0, 0]]
    let [refused, powers] = [0, 0]
    for (let step = 0; step < 4000; step++) {
      if (step % 12 === 0) {
        p.call('become', 0)
        users = [0, 0, 0, 0]
        groups = [0, 0, 0, 0]
      }
      const name = (['set', 'setre', 'setres', 'setfs'] as const)[pick(4)]!
      const isGroup = pick(3) === 0
      const [ofUser, ofGroup, count] = CALLS[name]
      const args = Array.from({ length: count }, () => pick(5) - (name === 'set' ? 0 : 1))
      const before = isGroup ? groups : users
      const powerful = users[1] === 0
      const expected = model[name]!(before, powerful, ...args)
      const result = p.sys(isGroup ? ofGroup : ofUser, ...args)
      if (result !== (name === 'setfs' ? before[3] : expected === null ? E.PERM : 0)) wrong.push(`${isGroup ? ofGroup : ofUser} ${args} of ${before}: ${result}`)
      if (expected === null) refused++
      else if (isGroup) groups = expected
      else users = expected
      if (users[1] === 0) powers++
      if (`${p.ids('user')} ${p.ids('group')}` !== `${users} ${groups}`) wrong.push(`${ofUser} ${args}: ${p.ids('user')} ${p.ids('group')}, not ${users} ${groups}`)
      if (wrong.length > 3) break
    }
    t.same(wrong, [])
    t.ok(refused > 500 && powers > 500, `${refused} were refused, ${powers} times it was the superuser`)
    t.same([p.sys('setuid', NONE), p.sys('setgid', NONE), p.sys('getresuid', A, NOWHERE, A), p.sys('getresgid', A, A, NOWHERE)], [E.INVAL, E.INVAL, E.FAULT, E.FAULT])
  })

  t.test(`${e.kind}: supplementary groups`, async t => {
    const p = Users.begin(e)
    t.equal(p.sys('setgroups', 4, p.words(A, 9, 3, 7, 3)), 0)
    t.same([p.sys('getgroups', 0, 0), p.sys('getgroups', 4, B), [0, 4, 8, 12].map(i => p.word(B + i))], [4, 4, [3, 3, 7, 9]])
    t.same([p.sys('getgroups', 3, B), p.sys('getgroups', -1, B), p.sys('getgroups', 9, NOWHERE)], [E.INVAL, E.INVAL, E.FAULT])
    t.same([p.sys('setgroups', 2, NOWHERE), p.sys('setgroups', 33, A), p.sys('setgroups', 2, p.words(A, 5, NONE))], [E.FAULT, E.INVAL, E.INVAL])
    t.equal(p.sys('getgroups', 0, 0), 4, 'none of that changed anything')
    t.equal(p.sys('setgroups', 32, p.words(A, ...Array.from({ length: 32 }, (_, i) => 100 - i))), 0)
    t.same([p.sys('getgroups', 32, B), p.word(B), p.word(B + 4 * 31)], [32, 69, 100])
    p.sys('setresuid', NONE, 5, NONE)
    t.equal(p.sys('setgroups', 0, 0), E.PERM)
    p.sys('setresuid', NONE, 0, NONE)
    t.same([p.sys('setgroups', 0, 0), p.sys('getgroups', 0, 0)], [0, 0])
  })

  t.test(`${e.kind}: capabilities follow from the ids, and are set to nothing else`, async t => {
    const p = Users.begin(e)
    const get = (version: number, pid = 0): unknown => {
      p.words(B, ...Array(8).fill(7))
      const result = p.sys('capget', p.words(A, version, pid), B)
      return result === 0 ? Array.from({ length: 7 }, (_, i) => p.word(B + 4 * i) >>> 0) : result
    }
    t.same(get(0x20080522), [0xffffffff, 0xffffffff, 0, 0x1ff, 0x1ff, 0, 7])
    t.same(get(0x19980330, p.pid), [0xffffffff, 0xffffffff, 0, 7, 7, 7, 7], 'one word each')
    t.same([get(5), p.word(A) >>> 0, get(0x20080522, 999), get(0x20080522, -2)], [E.INVAL, 0x20080522, E.SRCH, E.INVAL])
    t.same([p.sys('capget', p.words(A, 5, 0), 0), p.sys('capget', NOWHERE, B), p.sys('capget', p.words(A, 0x20080522, 0), NOWHERE)], [0, E.FAULT, E.FAULT])
    p.sys('setresuid', NONE, 5, NONE)
    t.same(get(0x20080522), [0, 0xffffffff, 0, 0, 0x1ff, 0, 7])
    t.equal(p.sys('capset', A, B), 0, 'what they are')
    p.words(B + 12, 1)
    t.equal(p.sys('capset', A, B), E.PERM)
    t.same([p.sys('capset', p.words(A, 0x20080522, 999), B), p.sys('capset', p.words(A, 0x20080522, 0), NOWHERE), p.sys('capset', p.words(A, 6, 0), B)], [E.PERM, E.FAULT, E.INVAL])
    p.sys('setresuid', 5, 5, 5)
    t.same(get(0x20071026), [0, 0, 0, 0, 0, 0, 7])
  })

  t.test(`${e.kind}: signals: to whom, and from whom; a thread's ids are its own`, async t => {
    const p = Users.begin(e)
    const [first, ben, saved, other, thread] = [p.pid, p.process(1), p.process(2), p.process(3), p.call('threadNew', 4, 3)]
    p.run(1)
    p.become(7)
    p.run(2)
    p.sys('setresuid', 8, 8, 7)
    p.run(3)
    p.become(7)
    p.run(4)
    t.equal(p.sys('getresuid', A, A, A), 0)
    t.equal(p.word(A), 0, 'what became of its process is not the thread\'s')
    t.equal(p.sys('kill', ben, 0), 0)
    p.run(3)
    t.same([p.sys('kill', ben, 0), p.sys('kill', saved, USR1), p.sys('kill', first, USR1), p.sys('kill', first, 0)], [0, 0, E.PERM, E.PERM])
    t.same([p.sys('tgkill', other, thread, USR1), p.sys('tgkill', first, first, USR1), p.sys('tkill', first, 0)], [0, E.PERM, E.PERM], 'its own thread always')
    t.equal(p.sys('rt_sigqueueinfo', first, USR1, p.words(B, 0, 0, -1)), E.PERM)
    t.equal(p.sys('kill', first, CONT), 0, 'of its session')
    p.run(2)
    t.same([p.sys('kill', ben, TERM), p.sys('kill', -1, 0), p.sys('kill', -other, 0)], [E.PERM, 0, E.PERM], 'a saved id is to be sent to, not to send')
    p.run(3)
    t.equal(p.sys('kill', -1, USR1), 0)
    t.same([0, 1, 2].map(index => p.call('noticed', index)), [0, 1, 1], 'those that may be')
    p.run(1)
    p.sys('rt_sigprocmask', 0, p.longs(A, 1 << (USR1 - 1)), 0, 8)
    t.equal(p.sys('rt_sigtimedwait', A, B, 0, 8), USR1)
    t.same([p.word(B + 16), p.word(B + 20)], [other, 7], 'who sent it')
  })

  t.test(`${e.kind}: limits, niceness, processors, locks, sockets of who is not the superuser`, async t => {
    const p = Users.begin(e)
    const [CORE, FILES, NICE] = [4, 7, 13]
    const [first, own] = [p.pid, p.process(1)]
    p.become(7)
    const self = p.process(2)
    p.become(7)
    t.same([p.rlimit(first, CORE, 0, 0), p.rlimit(own, CORE, 0, 100), p.rlimit(own, CORE, 0, 101), p.rlimit(0, CORE, 101, 100)], [E.PERM, 0, E.PERM, E.INVAL])
    t.same([p.rlimit(0, FILES, 10, 100), p.rlimit(0, FILES, 10, 101), p.rlimit(0, FILES, 100, 100)], [0, E.PERM, 0])
    t.same([p.sys('setpriority', 0, 0, 5), p.sys('setpriority', 0, 0, 4), p.sys('setpriority', 0, own, 3), p.sys('setpriority', 0, first, 9)], [0, ACCES, 0, E.PERM])
    t.same([p.sys('getpriority', 0, 0), p.sys('getpriority', 2, 0), p.sys('getpriority', 2, 7), p.sys('getpriority', 2, 0x77)], [15, 17, 17, E.SRCH])
    t.same([p.sys('setpriority', 2, 7, 4), p.sys('getpriority', 0, self), p.sys('getpriority', 0, own)], [ACCES, 15, 16], 'of a user\'s, those that may be')
    t.equal(p.rlimit(0, NICE, 0, 0), 0)
    p.run(0)
    t.same([p.rlimit(self, NICE, 17, 17), p.sys('setpriority', 0, self, 6), p.sys('setpriority', 0, self, -1)], [0, 0, 0])
    p.run(2)
    t.same([p.sys('setpriority', 0, 0, 3), p.sys('setpriority', 0, 0, 2)], [0, ACCES], 'as nice as its limit says')
    t.same([p.sys('sched_setaffinity', first, 8, p.longs(A, 1)), p.sys('sched_setaffinity', own, 8, A)], [E.PERM, 0])
    t.same([p.sys('get_robust_list', first, A, A + 8), p.sys('get_robust_list', 0, A, A + 8)], [E.PERM, 0])
    t.equal(p.sys('get_robust_list', own, A, A + 8), E.PERM, 'it was more than it is')
    t.same([p.sys('socket', 2, RAW, 1), p.sys('socket', 2, 9, 0)], [E.PERM, E.SOCKTNOSUPPORT])
    for (const type of [STREAM, DATAGRAM]) {
      const socket = p.sys('socket', 2, type, 0)
      t.same([1, 1023].map(port => p.sys('bind', socket, p.sockaddr(A, '0.0.0.0', port), 16)), [ACCES, ACCES])
      t.equal(p.sys('bind', socket, p.sockaddr(A, '0.0.0.0', 1024), 16), 0)
    }
    t.same([p.sys('reboot', 1, 2, 3), p.sys('swapon', A, 0), p.sys('swapoff', A)], [E.PERM, E.PERM, E.PERM])
    p.run(0)
    t.same([p.sys('reboot', 1, 2, 3), p.sys('swapon', NOWHERE, 0)], [E.INVAL, E.FAULT])
    const socket = p.sys('socket', 2, DATAGRAM, 0)
    t.equal(p.sys('bind', socket, p.sockaddr(A, '0.0.0.0', 53), 16), 0)
  })

  t.test(`${e.kind}: a user has as many processes as the limit says, zombies and threads too`, async t => {
    const p = Users.begin(e)
    const PROCESSES = 6
    p.process(1)
    p.become(7)
    p.call('threadNew', 2, 1)
    const full = (index: number) => p.call('processesAreAll', index)
    t.equal(p.rlimit(0, PROCESSES, 3, 3), 0)
    t.equal(full(1), 0, 'the superuser\'s are not counted')
    p.process(3)
    p.become(7)
    p.run(1)
    t.equal(full(1), 1)
    p.run(0)
    t.equal(p.rlimit(0, PROCESSES, 0, 0), 0)
    t.equal(full(0), 0, 'the superuser has no limit')
  })
}
