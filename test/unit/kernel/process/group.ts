// A thread that becomes its process's only one: what of the process's first thread it takes over, and who is refused.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls } from '../../../wire/calls.ts'

const USR1 = 10

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(`${e.kind}: the last thread has the first's id, place, children, signals and alarm`, async t => {
    const p = Calls.begin(e)
    const [parent, brother, leader, first, second] = [p.pid, p.process(1), p.process(2), p.process(3), p.process(4)]
    const thread = p.call('threadNew', 5, 2)
    for (const [child, of] of [[1, 0], [2, 0], [3, 2], [4, 2]] as const) p.call('processAdopt', child, of)
    p.run(2)
    p.sys('alarm', 1)
    t.equal(p.call('aloneOf', 5), 1)
    t.same([p.call('pidOf', 5), p.call('parentOf', 5)], [leader, parent])
    t.same([0, 1, 2].map(nth => p.call('childOf', 0, nth)), [leader, brother, 0], 'where the leader was among its parent\'s children')
    t.same([0, 1, 2].map(nth => p.call('childOf', 5, nth)), [second, first, 0])
    t.same([p.call('parentOf', 3), p.call('parentOf', 4)], [leader, leader])
    t.same([p.call('isProcess', leader), p.call('isProcess', thread)], [1, 0], 'the id it had is nobody\'s')
    p.run(0)
    t.equal(p.call('noticed', 5), 0)
    t.equal(p.sys('kill', leader, USR1), 0)
    t.equal(p.call('noticed', 5), 1, 'what is sent to the process reaches it')
    p.sys('nanosleep', p.timespec(0x20000000, 1, 500_000_000), 0)
    t.equal(p.call('noticed', 5), 1, 'and so does the alarm')
  })

  t.test(`${e.kind}: in the middle of its parent's children`, async t => {
    const p = Calls.begin(e)
    const [younger, leader, older] = [p.process(1), p.process(2), p.process(3)]
    p.call('threadNew', 4, 2)
    for (const child of [1, 2, 3]) p.call('processAdopt', child, 0)
    t.equal(p.call('aloneOf', 4), 1)
    t.same([0, 1, 2, 3].map(nth => p.call('childOf', 0, nth)), [older, leader, younger, 0])
  })

  t.test(`${e.kind}: a thread that was told to end, by another that runs a program, tells nobody`, async t => {
    const p = Calls.begin(e)
    const thread = p.call('threadNew', 1, 0)
    p.call('endingSet', 1)
    t.equal(p.call('aloneOf', 1), 0)
    t.equal(p.call('noticed', 0), 0)
    t.same([p.call('pidOf', 0), p.call('pidOf', 1)], [p.pid, thread])
  })
}
