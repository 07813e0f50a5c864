// selftest=mm on the host: it passes, says so in one line, and gives everything back.

import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const PAGE = 4096
const BASE = 0x80000000

function machine(e: Engine, pages: number): Instance {
  const m = e.start()
  const start = m.alloc(pages * PAGE, PAGE) - BASE
  m.call('framesAddRegion', start, start + pages * PAGE)
  m.call('heapInit')
  m.call('keepLog')
  m.call('randomSeed', m.cstring('a seed'), 6)
  m.call('startVm')
  return m
}

const log = (m: Instance) => Buffer.from(m.bytes(m.call('keptAddress'), m.call('keptBytes'))).toString('latin1')

for (const e of await engines('test/kernel/mm.ts')) {
  t.test(`${e.kind}: passes with much memory, and with too little for all it asks`, t => {
    for (const pages of [3000, 200, 40]) {
      const m = machine(e, pages)
      const free = m.call('framesFree')
      t.equal(m.call('selftestMm'), 1, `${pages} pages`)
      t.match(log(m), /^\[ {4}0\.000000\] info {2}selftest: pass name=mm steps=40000 frames_free=\d+\n$/)
      t.equal(m.call('heapAllocations'), 0)
      t.ok(free - m.call('framesFree') <= 18 * 8)
    }
    t.end()
  })
}
