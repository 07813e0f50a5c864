// Which page leaves: reference strings of textbooks with their numbers of faults, Belady's anomaly, and random strings against
// models of the three algorithms, victim by victim.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { Algorithm, PAGE, VmMachine, xorshift } from '../../../vm-machine.ts'

const A = 0x400000

/** L. A. Belady, R. A. Nelson, G. S. Shedler, "An Anomaly in Space-Time Characteristics of Certain Programs", CACM 12(6), 1969. */
const BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
/** A. Silberschatz, P. B. Galvin, G. Gagne, "Operating System Concepts", on page replacement. */
const SILBERSCHATZ = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1]
/** A. S. Tanenbaum's exercise: 0 1 7 2 3 2 7 1 0 3 with four frames: FIFO 6 faults, LRU 7. */
const TANENBAUM = [0, 1, 7, 2, 3, 2, 7, 1, 0, 3]

type Trace = (number | null)[]

/** Refer to pages in a space that may have `frames` of them in memory: for each fault the page that left, null for none. */
function run(e: Engine, algorithm: number, frames: number, references: number[]): Trace {
  const v = new VmMachine(e, 200)
  v.swap(100, { algorithm })
  v.call('setPieceLimit', 0, 1) // nothing is read ahead
  v.create(0)
  v.mapAt(0, A, 32 * PAGE)
  const resident = new Set<number>()
  const there = (page: number) => v.entry(0, A + page * PAGE)?.present === true
  const trace: Trace = []
  for (const [i, page] of references.entries()) {
    if (!there(page)) {
      let victim: number | null = null
      if (resident.size === frames) {
        v.call('evict', 1)
        v.settle()
        const left = [...resident].filter(each => !there(each))
        if (left.length !== 1) throw new Error(`${left.length} pages left at once`)
        victim = left[0]!
        resident.delete(victim)
      }
      trace.push(victim)
      resident.add(page)
    }
    // Some are written, some read: clean and dirty pages leave in one order.
    if (v.stat('demandZero') === 0 || i % 3 === 0 || v.entry(0, A + page * PAGE) === null) v.write(0, A + page * PAGE, page + 1)
    else if (v.read(0, A + page * PAGE) !== page + 1) throw new Error(`page ${page} is wrong`)
    if (algorithm === Algorithm.LRU) v.call('pagesAge')
  }
  return trace
}

const models = {
  [Algorithm.FIFO]: (frames: number, references: number[]): Trace => {
    const queue: number[] = []
    return references.flatMap(page => {
      if (queue.includes(page)) return []
      queue.push(page)
      return [queue.length > frames ? queue.shift()! : null]
    })
  },
  [Algorithm.LRU]: (frames: number, references: number[]): Trace => {
    let stack: number[] = []
    return references.flatMap(page => {
      const known = stack.includes(page)
      stack = [...stack.filter(each => each !== page), page]
      return known ? [] : [stack.length > frames ? stack.shift()! : null]
    })
  },
  [Algorithm.Clock]: (frames: number, references: number[]): Trace => {
    const queue: { page: number, used: boolean }[] = []
    return references.flatMap(page => {
      const known = queue.find(each => each.page === page)
      if (known !== undefined) {
        known.used = true
        return []
      }
      let victim: number | null = null
      if (queue.length === frames) {
        while (queue[0]!.used) {
          queue[0]!.used = false
          queue.push(queue.shift()!)
        }
        victim = queue.shift()!.page
      }
      queue.push({ page, used: true })
      return [victim]
    })
  },
}

for (const e of await engines('test/kernel/vm.ts')) {
  t.test(`${e.kind}: Belady's anomaly: FIFO faults more with four frames than with three, LRU does not`, t => {
    t.equal(run(e, Algorithm.FIFO, 3, BELADY).length, 9)
    t.equal(run(e, Algorithm.FIFO, 4, BELADY).length, 10)
    t.equal(run(e, Algorithm.LRU, 3, BELADY).length, 10)
    t.equal(run(e, Algorithm.LRU, 4, BELADY).length, 8)
    t.end()
  })

  t.test(`${e.kind}: textbooks' strings`, t => {
    t.equal(run(e, Algorithm.FIFO, 3, SILBERSCHATZ).length, 15)
    t.equal(run(e, Algorithm.LRU, 3, SILBERSCHATZ).length, 12)
    t.same(run(e, Algorithm.LRU, 3, SILBERSCHATZ), [null, null, null, 7, 1, 2, 3, 0, 4, 0, 3, 2])
    t.equal(run(e, Algorithm.FIFO, 4, TANENBAUM).length, 6)
    t.equal(run(e, Algorithm.LRU, 4, TANENBAUM).length, 7)
    t.end()
  })

  for (const [name, algorithm] of Object.entries(Algorithm)) {
    t.test(`${e.kind}: ${name} chooses as its model does`, t => {
      for (let seed = 1; seed <= 8; seed++) {
        const random = xorshift(seed * 7919)
        const frames = 3 + random(6)
        let at = 0
        // Some locality, or every algorithm is as good as any.
        const references = Array.from({ length: 250 }, () => at = random(3) === 0 ? random(20) : (at + random(3)) % 20)
        t.same(run(e, algorithm, frames, references), models[algorithm](frames, references), `seed ${seed}, ${frames} frames`)
      }
      t.end()
    })
  }

  t.test(`${e.kind}: the algorithm is changed while pages are in memory`, t => {
    const v = new VmMachine(e, 200)
    v.swap(100)
    v.create(0)
    v.mapAt(0, A, 8 * PAGE)
    for (let page = 0; page < 4; page++) v.write(0, A + page * PAGE, page)
    v.call('pagesAge')
    v.read(0, A)
    v.call('pagesAge')
    const victim = () => {
      v.call('evict', 1)
      v.settle()
      return [0, 1, 2, 3].find(page => !v.entry(0, A + page * PAGE)!.present)
    }
    t.equal(victim(), 1, 'LRU: page 0 was used since')
    v.read(0, A + PAGE)
    v.call('replacementSet', Algorithm.FIFO)
    v.read(0, A + 2 * PAGE)
    t.equal(victim(), 2)
    v.read(0, A + 2 * PAGE)
    v.call('replacementSet', Algorithm.Clock)
    v.read(0, A + 3 * PAGE)
    t.equal(victim(), 0, 'the clock: page 3 gets a second chance')
    t.end()
  })
}
