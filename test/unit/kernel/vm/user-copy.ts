// Copies between the kernel and a process: every way a range can be wrong, and pages that come in while it is copied.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Errno, PAGE, Prot, VmMachine } from '../../../vm-machine.ts'

const A = 0x400000
const KERNEL = 0x80100000

for (const e of await engines('test/kernel/vm.ts')) {
  const machine = () => {
    const v = new VmMachine(e)
    v.create(0)
    v.call('use', 0)
    v.mapAt(0, A, 4 * PAGE)
    v.mapAt(0, A + 4 * PAGE, PAGE, Prot.Read)
    v.mapAt(0, 0x7ffff000, PAGE)
    return v
  }
  const text = Buffer.from(Array.from({ length: 3 * PAGE }, (_, i) => i * 7 + (i >> 8)))

  t.test(`${e.kind}: out, over pages that are not there yet, and back`, t => {
    const v = machine()
    const from = v.m.alloc(3 * PAGE)
    const to = v.m.alloc(3 * PAGE)
    v.m.write(from, text)
    t.equal(v.call('userCopyOut', A + 100, from, 3 * PAGE), 0)
    t.equal(v.field(0, 'resident'), 4)
    t.equal(v.read(0, A + 100 + PAGE), text[PAGE])
    t.equal(v.entry(0, A)!.low & 0x60, 0x60, 'accessed and dirty')
    t.equal(v.call('userCopyIn', to, A + 100, 3 * PAGE), 0)
    t.same(Buffer.from(v.m.bytes(to, 3 * PAGE)), text)
    t.equal(v.call('userZero', A + PAGE - 1, 2), 0)
    t.same([v.read(0, A + PAGE - 2), v.read(0, A + PAGE - 1), v.read(0, A + PAGE), v.read(0, A + PAGE + 1)],
      [text[PAGE - 102], 0, 0, text[PAGE - 99]])
    t.equal(v.call('userCopyOut', 0x7ffff000, from, PAGE), 0, 'up to the very end')
    t.end()
  })

  t.test(`${e.kind}: memory a process may not touch`, t => {
    const v = machine()
    const kernel = v.m.alloc(3 * PAGE)
    const bad: [number, number][] = [
      [0, 1], [4, 4], [0xfff, 2], [KERNEL, 4], [0xffffffff, 1], [0x7ffff000, PAGE + 1], [A, 0x7fffffff], [A, 0xffffffff], [0x80000000, 0x80000000],
      [A - 1, 2], [A + 5 * PAGE - 1, 2],
    ]
    for (const [where, n] of bad) {
      t.equal(v.call('userCopyIn', kernel, where, n), Errno.BadAddress, `in ${where.toString(16)} ${n}`)
      t.equal(v.call('userCopyOut', where, kernel, n), Errno.BadAddress, `out ${where.toString(16)} ${n}`)
      t.equal(v.call('userZero', where, n), Errno.BadAddress)
      t.equal(v.call('userPin', where, n, 0), Errno.BadAddress)
    }
    t.equal(v.call('userCopyIn', kernel, A + 4 * PAGE, 8), 0, 'a page that may only be read')
    for (const name of ['userCopyOut']) t.equal(v.call(name, A + 4 * PAGE, kernel, 8), Errno.BadAddress)
    t.equal(v.call('userCopyOut', A + 4 * PAGE - 4, kernel, 8), Errno.BadAddress)
    t.equal(v.call('userPin', A + 3 * PAGE, 2 * PAGE, 0), 0)
    t.equal(v.call('userPin', A + 3 * PAGE, 2 * PAGE, 1), Errno.BadAddress)
    t.equal(v.call('userStore32', A + 4 * PAGE - 2, 0), Errno.BadAddress)
    t.equal(v.call('userLoad32', A + 5 * PAGE - 2), Errno.BadAddress)
    for (const name of ['userCopyIn', 'userCopyOut']) t.equal(v.call(name, 0, 0, 0), 0, 'nothing, wherever')
    v.call('guard', 0, A, PAGE)
    t.equal(v.call('userCopyIn', kernel, A, 1), Errno.BadAddress, 'a guard page')
    v.call('use', 1000)
    t.equal(v.call('userCopyIn', kernel, A + PAGE, 1), Errno.BadAddress, 'no process')
    t.end()
  })

  t.test(`${e.kind}: strings end in the room there is, or it is an error`, t => {
    const v = machine()
    const from = v.m.cstring('hello')
    const to = v.m.alloc(2 * PAGE)
    v.call('userCopyOut', A + 10, from, 6)
    t.equal(v.call('userString', to, A + 10, 100), 5)
    t.equal(v.m.text(to), 'hello')
    t.equal(v.call('userString', to, A + 10, 6), 5)
    t.equal(v.call('userString', to, A + 10, 5), Errno.NameTooLong)
    v.call('userCopyOut', A + 2 * PAGE - 3, from, 6)
    t.equal(v.call('userString', to, A + 2 * PAGE - 3, 100), 5, 'over the end of a page')
    const last = 0x80000000 - 5
    v.call('userCopyOut', last, from, 5)
    t.equal(v.call('userString', to, last, 100), Errno.BadAddress, 'not ended where user memory ends')
    t.equal(v.call('userString', to, last, 5), Errno.NameTooLong)
    v.call('userStore8', 0x7fffffff, 0)
    t.equal(v.call('userString', to, last, 100), 4, 'room may reach past what is mapped')
    t.equal(v.call('userString', to, 0, 100), Errno.BadAddress)
    t.equal(v.call('userString', to, KERNEL, 100), Errno.BadAddress)
    t.end()
  })

  t.test(`${e.kind}: numbers, also over the end of a page`, t => {
    const v = machine()
    for (const where of [A, A + 1, A + PAGE - 1, A + PAGE - 2, A + PAGE - 3]) {
      t.equal(v.call('userStore32', where, 0x89abcdef), 0)
      t.equal(v.call('userLoad32', where), 0)
      t.equal(v.call('userLoaded') >>> 0, 0x89abcdef)
      t.equal(v.call('userLoad16', where), 0)
      t.equal(v.call('userLoaded'), 0xcdef)
      t.equal(v.call('userStore16', where, 0x1234), 0)
      t.equal(v.call('userLoad32', where), 0)
      t.equal(v.call('userLoaded') >>> 0, 0x89ab1234)
      t.equal(v.call('userStore8', where, 0x56), 0)
      t.equal(v.call('userLoad8', where), 0)
      t.equal(v.call('userLoaded'), 0x56)
    }
    t.end()
  })

  t.test(`${e.kind}: copying out to a page that a child has, too, leaves the child's alone`, t => {
    const v = machine()
    v.write(0, A, 1)
    v.call('fork', 0, 1)
    t.equal(v.call('userStore8', A, 2), 0)
    t.equal(v.read(1, A), 1)
    v.call('use', 1)
    t.equal(v.call('userStore8', A, 3), 0)
    t.equal(v.read(0, A), 2)
    t.end()
  })

  t.test(`${e.kind}: a transfer goes on where it stopped, in either memory, and stops at its end`, t => {
    const v = machine()
    const from = v.m.alloc(64)
    v.m.write(from, Buffer.from('0123456789'))
    for (const [place, kernel] of [[A + PAGE - 4, 0], [v.m.alloc(64), 1]] as const) {
      v.call('transferStart', place, 16, kernel)
      t.equal(v.call('transferPut', from, 10), 10)
      t.equal(v.call('transferClear', 2), 2)
      t.equal(v.call('transferPut', from, 10), 4)
      t.equal(v.call('transferLeft'), 0)
      t.equal(v.call('transferPut', from, 10), 0)
      v.call('transferStart', place, 16, kernel)
      const back = v.m.alloc(64)
      t.equal(v.call('transferGet', back, 7), 7)
      t.equal(v.call('transferGet', back + 7, 100), 9)
      t.equal(Buffer.from(v.m.bytes(back, 16)).toString('latin1'), '0123456789\0\x000123')
    }
    v.call('transferStart', A + 5 * PAGE, 16, 0)
    t.equal(v.call('transferPut', from, 10), Errno.BadAddress)
    t.equal(v.call('transferLeft'), 16)
    t.equal(v.call('transferGet', from, 10), Errno.BadAddress)
    t.end()
  })
}
