// The choice of a victim, 3,000 random steps for each algorithm, against lists and maps.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Algorithm, PAGE, swapping } from '../../../swap-machine.ts'

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

/** What is known of pages, as simple as can be. */
class Model {
  /** In order of arrival, from the clock's hand on. */
  ring: number[] = []
  arrival = new Map<number, number>()
  access = new Map<number, number>()
  referenced = new Set<number>()
  clock = 0

  arrive(page: number) {
    if (this.arrival.has(page)) return
    this.arrival.set(page, this.clock)
    this.access.set(page, this.clock++)
    this.ring.push(page)
  }
  touch(page: number) {
    this.arrive(page)
    this.access.set(page, this.clock++)
    this.referenced.add(page)
  }
  forget(page: number) {
    this.ring = this.ring.filter(each => each !== page)
    this.arrival.delete(page)
    this.access.delete(page)
    this.referenced.delete(page)
  }
  victim(algorithm: number, candidates: number[]): number {
    candidates.forEach(page => this.arrive(page))
    if (candidates.length === 0) return 0
    if (algorithm === Algorithm.Clock) {
      for (;;) {
        const page = this.ring.shift()!
        this.ring.push(page)
        if (candidates.includes(page) && !this.referenced.delete(page)) return page
      }
    }
    const order = algorithm === Algorithm.FIFO ? this.arrival : this.access
    return candidates.reduce((oldest, page) => order.get(page)! < order.get(oldest)! ? page : oldest)
  }
}

for (const e of await engines('test/kernel/swap.ts')) {
  for (const [name, algorithm] of Object.entries(Algorithm)) {
    t.test(`${e.kind}: ${name} as its model`, t => {
      const machine = swapping(e, 64, { algorithm })
      const model = new Model()
      const pick = xorshift(algorithm + 5)
      const out = new Map<number, number>() // page → slot
      const page = machine.page(1)
      for (let step = 0; step < 3000; step++) {
        const which = (1 + pick(40)) * PAGE
        const what = pick(10)
        if (what < 5 && !out.has(which)) {
          machine.call('recordAccess', which + pick(PAGE))
          model.touch(which)
        } else if (what === 5 && !out.has(which)) {
          machine.call('recordArrival', which + pick(PAGE))
          model.arrive(which)
        } else if (what === 6) {
          machine.call('forgetPage', which)
          model.forget(which)
        } else if (what === 7 && out.size > 0) {
          const [back, slot] = [...out][pick(out.size)]!
          machine.call('swapIn', slot, page)
          out.delete(back)
          model.arrive(back)
        } else {
          const list = Array.from({ length: pick(12) }, () => (1 + pick(40)) * PAGE)
          const victim = machine.victim(...list.map(each => each + pick(PAGE)))
          const expected = model.victim(algorithm, list.filter(each => !out.has(each)))
          if (victim !== expected) throw new Error(`step ${step}: ${victim / PAGE} of ${list.map(p => p / PAGE)}, not ${expected / PAGE}`)
          if (victim !== 0 && pick(2) === 0) {
            out.set(victim, machine.call('swapOut', victim, page))
            model.forget(victim)
          }
        }
        if (machine.stat('trackedPages') !== model.arrival.size) throw new Error(`step ${step}: ${machine.stat('trackedPages')} records`)
      }
      t.pass('3,000 steps')
      t.end()
    })
  }
}
