// Results that are errors, panics, and waiting without a processor.

import t from 'tap'
import { engines } from '../../../engine.ts'

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: the last page of the number space is errors`, t => {
    const m = e.start()
    t.same([0, 1, 0x7fffffff, 0x80000000, 0xffffefff].map(result => m.call('isError', result)), [0, 0, 0, 0, 0])
    t.same([0xfffff000, 0xffffffea, 0xffffffff].map(result => m.call('isError', result)), [1, 1, 1])
    t.same([0xfffff000, 0xffffffea, 0xffffffff].map(result => m.call('errorOf', result)), [-4096, -22, -1])
    t.end()
  })

  t.test(`${e.kind}: a panic tells its handler why, and does not return, handler or not`, t => {
    const m = e.start()
    t.throws(() => m.call('panic', m.cstring('first')), { message: 'trap' })
    t.equal(m.text(m.call('panicWhy')), '')
    m.call('rememberPanics')
    t.throws(() => m.call('panic', m.cstring('second')), { message: 'trap' })
    t.equal(m.text(m.call('panicWhy')), 'second')
    t.end()
  })

  t.test(`${e.kind}: idle returns at once until it is told how to wait`, t => {
    const m = e.start()
    m.call('idle')
    t.equal(m.call('waits'), 0)
    m.call('countWaits')
    m.call('idle')
    m.call('idle')
    t.equal(m.call('waits'), 2)
    t.end()
  })
}
