// Slots taken several at a time, for pages that leave together: random operation against a model, beside RustOS's single slots.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { PAGE, SwapError, header, SwapMachine } from '../../../swap-machine.ts'

const SLOTS = 499
const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

for (const e of await engines('test/kernel/swap.ts')) {
  const machine = () => {
    const m = new SwapMachine(e, 600)
    m.addDisk((SLOTS + 1) * PAGE, { contents: header(SLOTS + 1, { bad: [77] }) })
    m.call('init', 0, 0)
    m.call('setSwapDevice', 0)
    m.call('usePageSlots')
    return m
  }
  const take = (m: SwapMachine, wanted: number) => {
    const first = m.call('pageSlotsTake', wanted)
    return Array.from({ length: m.call('pageSlotsTaken') }, (_, i) => first + i)
  }

  t.test(`${e.kind}: from an empty area, 64 at a time lie together, one behind the other`, t => {
    const m = machine()
    const run = (from: number, length: number) => Array.from({ length }, (_, i) => from + i)
    t.same(take(m, 64), run(32, 32), 'the header is among the first 32, the bad page among the third')
    t.same(take(m, 64), run(96, 64))
    t.same(take(m, 40), run(160, 40))
    t.same(take(m, 8), run(224, 8))
    t.equal(m.call('allocateSlot'), 1, 'RustOS\'s is the lowest free one')
    t.equal(m.call('deallocateSlot', 96), SwapError.SlotBusy, 'which does not give up a process\'s')
    t.end()
  })

  t.test(`${e.kind}: 6,000 random steps: no slot twice, none lost, counts right`, t => {
    const m = machine()
    const random = xorshift(99)
    const owned = new Map<number, number>()
    const singles = new Set<number>()
    const retired = new Set<number>()
    let wrong = ''
    const free = (slot: number) => slot > 0 && slot <= SLOTS && slot !== 77 && !owned.has(slot) && !singles.has(slot) && !retired.has(slot)
    for (let step = 0; step < 6000 && wrong === ''; step++) {
      const slots = [...owned.keys()]
      const one = slots[random(slots.length || 1)]
      switch (random(7)) {
        case 0: case 1: {
          const wanted = 1 + random(64)
          const room = Array.from({ length: SLOTS + 1 }, (_, i) => i).some(free)
          const got = take(m, wanted)
          if (got.length > wanted || (got.length === 0) !== !room || !got.every(free)) wrong = `step ${step}: ${got}`
          for (const slot of got) owned.set(slot, 1)
          break
        }
        case 2:
          if (one !== undefined) {
            m.call('pageSlotHold', one)
            owned.set(one, owned.get(one)! + 1)
          }
          break
        case 3: {
          const single = m.call('allocateSlot')
          if (single !== 0) {
            if (!free(single)) wrong = `step ${step}: single ${single}`
            singles.add(single)
          }
          break
        }
        case 4: {
          const single = [...singles][0]
          if (single !== undefined) {
            m.call('deallocateSlot', single)
            singles.delete(single)
          }
          break
        }
        default:
          for (const slot of slots.slice(0, random(40))) {
            if (m.call('pageSlotCount', slot) !== owned.get(slot)) wrong = `step ${step}: count of ${slot}`
            const left = owned.get(slot)! - 1
            const bad = left === 0 && retired.size < 20 && random(100) === 0
            m.call(bad ? 'pageSlotRetire' : 'pageSlotPut', slot)
            if (bad) retired.add(slot)
            if (left > 0) owned.set(slot, left)
            else owned.delete(slot)
          }
      }
      if (m.call('pagedSlots') !== owned.size) wrong = `step ${step}: ${m.call('pagedSlots')} of processes, not ${owned.size}`
      if (m.call('retiredSlots') !== retired.size) wrong = `step ${step}: retired`
      const [used, , total] = m.slots()
      if (used !== owned.size + singles.size || total !== SLOTS - 1 - retired.size) wrong = `step ${step}: ${used} used of ${total}`
    }
    t.equal(wrong, '')
    t.equal(retired.size, 20)
    t.end()
  })
}
