// selftest=swap on fake disks: it passes on a good one, and says why on any other; what it leaves on the disk.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { PAGE, SwapMachine, type DiskOptions } from '../../../swap-machine.ts'

function machineWith(e: Engine, pages: number, options: DiskOptions = {}): SwapMachine {
  const machine = new SwapMachine(e)
  machine.addDisk(pages * PAGE, options)
  machine.start()
  return machine
}

/** Word w of page k: docs/contract.md. */
const word = (k: number, w: number) => (Math.imul(k + 1, 0x9e3779b1) + Math.imul(w, 0x85ebca6b)) >>> 0

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: passes, several pages in flight, flushed, and gives everything back`, t => {
    const machine = machineWith(e, 1100)
    const frames = machine.call('framesFree')
    machine.call('setDelay', 0, 1, 1)
    t.equal(machine.call('selftestSwap'), 1)
    t.match(machine.log().at(-1), /^info {2}selftest: pass name=swap pages=1000 in_flight=16 first_slot=1 us=\d+$/)
    t.equal(machine.kernelStat('usedSlots'), 0)
    t.equal(machine.call('diskMostInFlight', 0), 16)
    t.equal(machine.call('diskFlushes', 0), 2, 'the header, the pages')
    t.ok(frames - machine.call('framesFree') <= 16, 'all but a slab for each pool')
    t.end()
  })

  t.test(`${e.kind}: all 1,000 pages are on the disk afterwards, each once, in an order that is not theirs`, t => {
    const machine = machineWith(e, 1001)
    t.equal(machine.call('selftestSwap'), 1)
    const pages = Array.from({ length: 1000 }, (_, i) => new DataView(Uint8Array.from(machine.diskPage(0, i + 1)).buffer))
    const numbers = new Map(Array.from({ length: 1000 }, (_, k) => [word(k, 0), k]))
    const found = pages.map(page => numbers.get(page.getUint32(0, true)))
    t.equal(new Set(found).size, 1000)
    t.ok(found.every(k => k !== undefined))
    t.not(String(found), String([...found].sort((a, b) => a! - b!)))
    const wrong = pages.findIndex((page, i) => Array.from({ length: 1024 }, (_, w) => page.getUint32(w * 4, true)).some((value, w) => value !== word(found[i]!, w)))
    t.equal(wrong, -1, 'every word')
    t.end()
  })

  t.test(`${e.kind}: passes with a queue of one, and in blocks of 4 KiB`, t => {
    const machine = machineWith(e, 1001, { depth: 1, blockSize: 4096 })
    t.equal(machine.call('selftestSwap'), 1)
    t.match(machine.log().at(-1), /in_flight=1 /)
    t.end()
  })

  const failures: [what: string, why: string, pages: number, prepare: (machine: SwapMachine) => void][] = [
    ['a disk with 999 slots', 'fewer than 1000 slots are free', 1000, () => {}],
    ['a sector that can not be written', 'Storage write failed during swap out', 1001, machine => machine.call('failWrites', 0, 4000, 4001)],
    ['a sector that can not be read', 'Storage read failed during swap in', 1001, machine => machine.call('failReads', 0, 4000, 4001)],
    ['a disk that loses what is written', 'Swap page checksum mismatch', 1001, machine => machine.call('loseWrites', 0, 1)],
    ['a disk that can not flush', 'the disk did not flush', 1001, machine => machine.call('failFlushes', 0, 1)],
  ]
  for (const [what, why, pages, prepare] of failures) {
    t.test(`${e.kind}: ${what} is a failure that says why, and gives everything back`, t => {
      const machine = machineWith(e, pages)
      prepare(machine)
      t.equal(machine.call('selftestSwap'), 0)
      t.equal(machine.log().at(-1), `error selftest: fail name=swap why="${why}"`)
      t.equal(machine.kernelStat('usedSlots'), 0)
      t.equal(machine.call('diskInFlight', 0), 0)
      t.end()
    })
  }

  t.test(`${e.kind}: without a swap device it fails`, t => {
    const machine = new SwapMachine(e)
    machine.start('swap=none')
    t.equal(machine.call('selftestSwap'), 0)
    t.equal(machine.log().at(-1), 'error selftest: fail name=swap why="no swap device"')
    t.end()
  })
}
