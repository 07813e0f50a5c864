// The clock: 64 bits of microseconds, its 32-bit views, and that it never goes back.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

const now = (m: Instance) => [m.call('nowMicroseconds') >>> 0, m.call('nowMilliseconds') >>> 0]
const set = (m: Instance, microseconds: bigint) =>
  m.call('setTime', Number(microseconds & 0xffffffffn), Number(microseconds >> 32n))

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: both views of the time, past 2^32 microseconds and 2^32 milliseconds`, t => {
    const m = e.start()
    for (const time of [0n, 999n, 1000n, 4294967295n, 4294967296n, 4294967296000n, 4294967297001n, 1n << 60n]) {
      set(m, time)
      t.same(now(m), [Number(time & 0xffffffffn), Number((time / 1000n) & 0xffffffffn)], `${time}`)
      const at = m.call('clockNow64')
      t.same([m.read32(at), m.read32(at + 4)], [Number(time & 0xffffffffn), Number(time >> 32n)])
    }
    t.end()
  })

  t.test(`${e.kind}: an earlier time is ignored`, t => {
    const m = e.start()
    set(m, 5_000_000_000n)
    set(m, 4_999_999_999n)
    t.same(now(m), [5_000_000_000 % 2 ** 32, 5_000_000])
    t.end()
  })

  t.test(`${e.kind}: clockUpdate reads the source; without one it changes nothing`, t => {
    const m = e.start()
    set(m, 7000n)
    m.call('clockUpdate')
    t.same(now(m), [7000, 7])
    m.call('useSource')
    m.call('setSource', 9000, 0)
    t.same(now(m), [7000, 7], 'time stands still between updates')
    m.call('clockUpdate')
    t.same(now(m), [9000, 9])
    m.call('setSource', 8000, 0)
    m.call('clockUpdate')
    t.same(now(m), [9000, 9], 'a source that goes back')
    t.end()
  })
}
