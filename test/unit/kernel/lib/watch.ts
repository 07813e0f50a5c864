// Watches and ready lists: who is told, in which order, how often, and who of those that sleep is woken.

import t from 'tap'
import { engines } from '../../../engine.ts'

const [IN, OUT] = [1, 4]
const enum Report { Level, Edge, Once }
const NONE = 8
/** The lists of sets, and the one of what has none. */
const OF_SET = 4
const OTHERS = 8

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(e.kind, async t => {
    const begun = () => {
      const m = e.start()
      m.call('sleepersStart', 0)
      return {
        m,
        start: (index: number, set: number, list: number, events = IN, report = Report.Level, exclusive = 0) =>
          m.call('watchStart', index, set, list, events, report, exclusive),
        tell: (list: number, events = IN) => m.call('tellList', list, events),
        woken: () => m.call('sleepersWoken').toString(2).split('').filter(bit => bit === '1').length,
        sleep: (set: number, times = 1) => { for (let i = 0; i < times; i++) m.call('sleepForList', set) },
        ask: (set: number, reported = 1) => m.call('setAsk', set, reported),
        count: (set: number) => m.call('setCount', set),
      }
    }

    t.test('what is told is in the list once, in order; levels come round, edges do not, and what is once is off', async t => {
      const { m, start, tell, ask, count } = begun()
      start(0, 0, 0)
      start(1, 0, 1, IN, Report.Edge)
      start(2, 0, 2, IN, Report.Once)
      for (const list of [2, 0, 1, 0]) tell(list)
      t.equal(count(0), 3)
      t.same([ask(0), ask(0), ask(0)], [2, 0, 1])
      t.same([count(0), ask(0), ask(0)], [1, 0, 0], 'the level stays')
      t.equal(m.call('watchEventsOf', 2), 0)
      tell(2)
      tell(1, OUT)
      t.equal(count(0), 1, 'off, and not asked for')
      t.equal(ask(0, 0), 0)
      t.same([count(0), ask(0)], [0, NONE], 'it had nothing')
      m.call('watchHolds', 1)
      t.equal(ask(0), 1)
    })

    t.test('taken out of the middle of both lists, and of their ends', async t => {
      const { m, start, tell, ask, count } = begun()
      for (let i = 0; i < 5; i++) start(i, 0, 0)
      tell(0)
      for (const index of [2, 4, 0]) m.call('watchStop', index)
      t.equal(count(0), 2)
      t.same([ask(0, 0), ask(0, 0), ask(0, 0)], [3, 1, NONE], 'the latest was told first')
      tell(0)
      t.same([ask(0, 0), ask(0, 0), ask(0, 0)], [3, 1, NONE])
      m.call('watchStop', 1)
      m.call('watchStop', 3)
      tell(0)
      t.equal(count(0), 0)
    })

    t.test('an event wakes one that sleeps; what is left is handed on', async t => {
      const { m, start, tell, woken, sleep } = begun()
      start(0, 0, 0, IN, Report.Edge)
      start(1, 1, 0)
      sleep(0, 3)
      sleep(1)
      tell(0, OUT)
      t.equal(woken(), 0)
      tell(0)
      t.equal(woken(), 2, 'one of each set')
      tell(0)
      t.equal(woken(), 3, 'another event is for another')
      m.call('setHandOn', 0)
      t.equal(woken(), 4)
    })

    t.test('of exclusive watches the first whose set somebody waits for is told; the others always are', async t => {
      const { start, tell, woken, sleep, count } = begun()
      start(0, 0, 0, IN, Report.Edge, 1)
      start(1, 1, 0, IN, Report.Edge, 1)
      start(2, 2, 0, IN, Report.Edge, 1)
      start(3, 3, 0)
      sleep(1)
      sleep(2)
      sleep(3)
      tell(0)
      t.equal(woken(), 2)
      t.same([0, 1, 2, 3].map(count), [1, 1, 0, 1], 'nobody waited for the first, and the third was not needed')
      tell(0)
      t.equal(woken(), 3)
    })

    t.test('a set in a set in a set: who waits outside is told, once for an event, whatever ways lead there', async t => {
      const { m, start, tell, woken, sleep, ask, count } = begun()
      start(0, 0, 0)
      start(1, 1, OF_SET + 0)
      start(2, 2, OF_SET + 0)
      start(3, 3, OF_SET + 1, IN, Report.Edge)
      start(4, 3, OF_SET + 2, IN, Report.Edge)
      start(5, 0, 0)
      sleep(3, 8)
      tell(0)
      t.same([0, 1, 2, 3].map(count), [2, 1, 1, 2])
      t.equal(woken(), 2, 'two ways, and each is an event for the outermost')
      t.same([ask(3), ask(3), ask(3)], [4, 3, NONE])
      m.call('watchHolds', 0)
      t.equal(count(3), 2, 'armed anew, it is told anew')
    })

    t.test('who polls is woken by the next event, once; what has no list is told of everything', async t => {
      const { m, start, tell, woken, ask, count, sleep } = begun()
      start(0, 0, 0)
      m.call('setPolled', 0)
      tell(0)
      t.equal(woken(), 1)
      start(1, 1, OTHERS, IN, Report.Edge)
      start(2, 2, OF_SET + 1)
      sleep(2)
      m.call('setPolled', 1)
      m.call('pollWake')
      t.equal(woken(), 3)
      t.same([ask(1), ask(1), count(2)], [1, NONE, 1])
      tell(0)
      t.equal(count(1), 0, 'that was not told to all')
    })
  })
}
