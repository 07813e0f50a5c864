// Dates against JavaScript's own calendar.

import t from 'tap'
import { engines } from '../../../../engine.ts'

for (const e of await engines('test/kernel/arch.ts')) {
  t.test(`${e.kind}: seconds since 1970 agree with Date.UTC`, t => {
    const m = e.start()
    const seconds = (...args: number[]): number => m.call('secondsSince1970', ...args) >>> 0
    for (let day = 0; day < 49_700; day += 13) { // to 2106
      const date = new Date(day * 86_400_000 + (day * 7919 % 86_400) * 1000)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1]
      if (year > 2105) break
      const found = seconds(year, month, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds())
      if (found !== date.getTime() / 1000) t.equal(found, date.getTime() / 1000, date.toISOString())
    }
    t.equal(seconds(2000, 2, 29, 23, 59, 59), Date.UTC(2000, 1, 29, 23, 59, 59) / 1000)
    t.equal(seconds(2100, 3, 1, 0, 0, 0), Date.UTC(2100, 2, 1) / 1000, '2100 is no leap year')
    t.equal(seconds(2105, 12, 31, 23, 59, 59), Date.UTC(2105, 11, 31, 23, 59, 59) / 1000)
    t.end()
  })

  t.test(`${e.kind}: dates that do not exist are 0`, t => {
    const m = e.start()
    for (const wrong of [[1969, 12, 31, 0, 0, 0], [2106, 1, 1, 0, 0, 0], [2026, 0, 1, 0, 0, 0], [2026, 13, 1, 0, 0, 0], [2026, 2, 29, 0, 0, 0],
      [2100, 2, 29, 0, 0, 0], [2026, 4, 31, 0, 0, 0], [2026, 1, 0, 0, 0, 0], [2026, 1, 1, 24, 0, 0], [2026, 1, 1, 0, 60, 0], [2026, 1, 1, 0, 0, 60]]) {
      t.equal(m.call('secondsSince1970', ...wrong), 0, wrong.join('-'))
    }
    t.end()
  })

  t.test(`${e.kind}: and back: every day from 1970 to 2106, and its last second`, t => {
    const m = e.start()
    for (let day = 0; day <= 49_710; day++) {
      for (const seconds of [day * 86_400, day * 86_400 + (day * 7919 % 86_400), day * 86_400 + 86_399].filter(each => each < 2 ** 32)) {
        const date = new Date(seconds * 1000)
        const at = m.call('dateOf', seconds)
        const found = Array.from({ length: 7 }, (_, i) => m.read32(at + 4 * i)).join()
        const right = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay(), date.getUTCHours(), date.getUTCMinutes(),
          date.getUTCSeconds()].join()
        if (found !== right) t.equal(found, right, date.toISOString())
      }
    }
    t.pass('all of them')
    t.end()
  })
}
