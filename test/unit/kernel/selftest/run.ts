// Which selftests run for which value, and when the verdict comes.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { PAGE, SwapMachine } from '../../../swap-machine.ts'

const Selftest = { Swap: 1, Net: 2, Mm: 3, All: 4 } as const
const enum Verdict { None, Passed, Failed }

function machine(e: Engine, diskPages = 1001): SwapMachine {
  const made = new SwapMachine(e, 2000)
  made.addDisk(diskPages * PAGE)
  made.start()
  made.m.call('startVm') // selftest=mm makes address spaces
  return made
}

const ends = (m: SwapMachine) => m.log().filter(line => line.includes('selftest:')).map(line => line.replace(/^.*selftest: /, '').replace(/ (pages|steps)=.*/, ''))

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: swap and mm end before the start returns`, t => {
    for (const [which, name] of [[Selftest.Swap, 'swap'], [Selftest.Mm, 'mm']] as const) {
      const m = machine(e)
      m.call('selftest', which)
      t.equal(m.call('selftestVerdict'), Verdict.Passed)
      t.same(ends(m), [`pass name=${name}`])
      t.equal(m.call('selftestVerdicts'), 1)
    }
    t.end()
  })

  t.test(`${e.kind}: net ends when it says so`, t => {
    for (const [passed, line] of [[1, 'pass name=net'], [0, 'fail name=net why="no gateway"']] as const) {
      const m = machine(e)
      m.call('selftest', Selftest.Net)
      t.equal(m.call('selftestVerdict'), Verdict.None)
      m.call('selftestNetEnds', passed, m.m.cstring(passed === 1 ? '' : 'no gateway'))
      t.equal(m.call('selftestVerdict'), passed === 1 ? Verdict.Passed : Verdict.Failed)
      t.same(ends(m), [line])
    }
    t.end()
  })

  t.test(`${e.kind}: all: every one runs, and one failure fails all`, t => {
    for (const [pages, net, lines, verdict] of [
      [1001, 1, ['pass name=mm', 'pass name=swap', 'pass name=net'], Verdict.Passed],
      [500, 1, ['pass name=mm', 'fail name=swap why="fewer than 1000 slots are free"', 'pass name=net'], Verdict.Failed],
      [1001, 0, ['pass name=mm', 'pass name=swap', 'fail name=net why=""'], Verdict.Failed],
    ] as const) {
      const m = machine(e, pages)
      m.call('selftest', Selftest.All)
      t.equal(m.call('selftestVerdict'), Verdict.None)
      m.call('selftestNetEnds', net, m.m.cstring(''))
      t.same(ends(m), lines)
      t.equal(m.call('selftestVerdict'), verdict)
    }
    t.end()
  })
}
