// Who runs next: by priority, in turn, and after a while also those whom higher priorities leave nothing.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls } from '../../../wire/calls.ts'

const [REAL_TIME, HIGH, NORMAL, LOW, IDLE] = [0, 1, 2, 3, 4] as const
const NOBODY = 8
const STARVATION = 200

for (const e of await engines('test/kernel/calls.ts')) {
  const begin = () => {
    const p = Calls.begin(e)
    for (let i = 1; i < 6; i++) p.process(i)
    return p
  }

  t.test(`${e.kind}: the highest priority first, in turn within one; who gave way early goes on first`, async t => {
    const p = begin()
    t.equal(p.call('readyNext', 0), NOBODY)
    for (const [index, priority] of [[0, LOW], [1, NORMAL], [2, NORMAL], [3, REAL_TIME], [4, IDLE]] as const) p.call('readyEnd', index, priority, 0)
    t.equal(p.call('readyAll'), 5)
    t.equal(p.call('readyNext', 1), 3)
    t.equal(p.call('readyNext', 2), 1)
    p.call('readyBegin', 1, 3)
    t.equal(p.call('readyNext', 3), 1)
    p.call('readyEnd', 1, NORMAL, 4)
    t.same([5, 6, 7, 8, 9].map(now => p.call('readyNext', now)), [2, 1, 0, 4, NOBODY])
    t.equal(p.call('readyAll'), 0)
  })

  t.test(`${e.kind}: who starves gets a whole turn before all others, then waits again`, async t => {
    const p = begin()
    p.call('readyEnd', 0, REAL_TIME, 0)
    p.call('readyEnd', 1, LOW, 5)
    p.call('readyEnd', 2, LOW, 9)
    const taken: [index: number, at: number][] = []
    for (let now = 10; now < 3 * STARVATION; now += 10) {
      const index = p.call('readyNext', now)
      if (index !== 0) taken.push([index, now])
      if (index === 1) { // made to give way in the middle of its turn
        p.call('readyBegin', index, now + 2)
        t.equal(p.call('readyNext', now + 2), 1, 'it goes on before who is of a higher priority')
      }
      p.call('readyEnd', index, index === 0 ? REAL_TIME : LOW, now + 9)
    }
    t.same(taken, [[1, STARVATION + 10], [2, 2 * STARVATION + 10]])
  })

  t.test(`${e.kind}: of those that starve the one that waits longest`, async t => {
    const p = begin()
    p.call('readyEnd', 0, HIGH, 0)
    p.call('readyEnd', 1, IDLE, 0)
    p.call('readyEnd', 2, NORMAL, 50)
    t.equal(p.call('readyNext', STARVATION), 1)
    p.call('readyEnd', 1, IDLE, STARVATION)
    t.equal(p.call('readyNext', STARVATION + 49), 0)
    p.call('readyEnd', 0, HIGH, STARVATION + 49)
    t.equal(p.call('readyNext', STARVATION + 50), 2)
    t.equal(p.call('readyNext', STARVATION + 51), 0, 'it was one turn')
  })

  t.test(`${e.kind}: milliseconds that begin again at 0 are time that passes`, async t => {
    const p = begin()
    p.call('readyEnd', 0, HIGH, -50)
    p.call('readyEnd', 1, LOW, -50)
    t.equal(p.call('readyNext', STARVATION - 51), 0)
    p.call('readyEnd', 0, HIGH, STARVATION - 51)
    t.equal(p.call('readyNext', STARVATION - 50), 1)
  })
}
