// The swap manager's methods as RustOS has them, several transfers at once, and a random run against a model.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Algorithm, header, PAGE, pattern, SwapError, SwapMachine, swapping } from '../../../swap-machine.ts'

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: a page goes out and comes back, and its slot is free`, t => {
    const machine = swapping(e, 16)
    const slot = machine.call('swapOut', 0x12345678, machine.page(1))
    t.equal(slot, 1)
    t.same(machine.slots(), [1, 14, 15])
    t.equal(machine.stat('totalSwappedPages'), 1)
    t.equal(machine.call('slotOfPage', 0x12345fff), 1)
    t.equal(machine.call('entryField', slot, 0), 0x12345000, 'the address of the page')
    t.equal(machine.call('entryField', slot, 3), 1, 'dirty, as RustOS has it')
    const page = machine.page(0)
    t.equal(machine.call('swapIn', slot, page), 0x12345000)
    t.ok(machine.holds(page, 1))
    t.same(machine.slots(), [0, 15, 15])
    t.equal(machine.call('swapIn', slot, page), SwapError.InvalidSlot)
    t.end()
  })

  t.test(`${e.kind}: slot numbers that hold no page`, t => {
    const machine = swapping(e, 16, { bad: [2] })
    const reserved = machine.call('allocateSlot')
    for (const slot of [0, 2, reserved, 5, 15, 16, 4096, 0x80000000, 0xffffffff]) {
      t.equal(machine.call('swapIn', slot, machine.page(0)), SwapError.InvalidSlot, `slot ${slot}`)
    }
    t.end()
  })

  t.test(`${e.kind}: the same page twice has two slots, as in RustOS; the later one counts`, t => {
    const machine = swapping(e, 16)
    t.equal(machine.call('swapOut', 0x1000, machine.page(1)), 1)
    t.equal(machine.call('swapOut', 0x1000, machine.page(2)), 2)
    t.equal(machine.call('slotOfPage', 0x1000), 2)
    const page = machine.page(0)
    machine.call('swapIn', 2, page)
    t.ok(machine.holds(page, 2))
    t.equal(machine.call('slotOfPage', 0x1000), 1)
    t.end()
  })

  t.test(`${e.kind}: a page that is not RAM is refused`, t => {
    const machine = swapping(e, 16)
    for (const page of [machine.m.userAlloc(PAGE), 0xe0000000, 0xdffff001, 0xffffe000]) {
      t.equal(machine.call('swapOut', 0x1000, page), SwapError.BadPage)
    }
    const slot = machine.call('swapOut', 0x1000, machine.page(1))
    t.equal(machine.call('swapIn', slot, machine.m.userAlloc(PAGE)), SwapError.BadPage)
    t.same(machine.slots(), [1, 14, 15])
    t.end()
  })

  t.test(`${e.kind}: a slot that was freed is the next to be handed out if it is the lowest`, t => {
    const machine = swapping(e, 101)
    for (let slot = 1; slot <= 100; slot++) machine.call('allocateSlot')
    for (const slot of [90, 5, 40]) machine.call('deallocateSlot', slot)
    t.same([1, 2, 3, 4].map(() => machine.call('allocateSlot')), [5, 40, 90, 0])
    t.end()
  })

  t.test(`${e.kind}: getStats and getSwapDevice`, t => {
    const machine = swapping(e, 16, { algorithm: Algorithm.Clock })
    t.equal(machine.call('getSwapDevice'), 0)
    t.equal(machine.stat('algorithm'), Algorithm.Clock)
    t.same(machine.slots(), [0, 15, 15])
    t.end()
  })

  t.test(`${e.kind}: a limit of slots below what the disk has`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.call('init', 5, Algorithm.LRU)
    machine.call('setSwapDevice', 0)
    t.same([1, 2, 3, 4, 5, 6].map(() => machine.call('allocateSlot')), [1, 2, 3, 4, 5, 0])
    t.end()
  })

  t.test(`${e.kind}: the texts of the errors: RustOS's six are its own`, t => {
    const machine = new SwapMachine(e)
    const name = (error: number) => machine.m.text(machine.call('swapErrorName', error))
    t.same([-1, -2, -3, -4, -5, -6].map(name), [
      'No swap slots available', 'Incomplete swap write operation', 'Storage write failed during swap out',
      'Invalid swap slot', 'Incomplete swap read operation', 'Storage read failed during swap in',
    ])
    const all = Object.values(SwapError).map(name)
    t.equal(new Set(all).size, all.length, 'every error has a text of its own')
    t.equal(name(-100), 'Unknown swap error')
    t.end()
  })

  t.test(`${e.kind}: several pages at once, finished in any order`, t => {
    for (const newestFirst of [0, 1]) {
      const machine = swapping(e, 64, { depth: 16 })
      machine.call('setDelay', 0, 2, newestFirst)
      const pages = Array.from({ length: 16 }, (_, i) => machine.page(i))
      pages.forEach((page, i) => t.equal(machine.call('beginOut', i, (i + 1) * PAGE, page), SwapError.None))
      t.equal(machine.call('diskInFlight', 0), 16)
      t.equal(machine.call('beginOut', 16, 0x50000, pages[0]!), SwapError.DeviceBusy)
      t.same(machine.slots(), [16, 47, 63], 'the one that was refused holds no slot')
      t.equal(machine.call('deallocateSlot', machine.call('transferSlot', 3)), SwapError.SlotBusy)
      t.equal(machine.call('beginIn', 20, machine.call('transferSlot', 3), pages[0]!, 0), SwapError.SlotBusy)
      t.equal(machine.call('clearSwapDevice'), SwapError.DeviceInUse)
      while (machine.call('diskInFlight', 0) > 0) machine.call('pollDisk', 0)
      pages.forEach((_, i) => {
        t.equal(machine.call('isFinished', i), 1)
        t.equal(machine.call('transferResult', i), SwapError.None)
        t.ok(machine.diskHolds(0, machine.call('transferSlot', i), i))
      })
      const slots = pages.map((_, i) => machine.call('transferSlot', i))
      const back = pages.map(() => machine.page(99))
      slots.forEach((slot, i) => machine.call('beginIn', i, slot, back[i]!, 0))
      t.equal(machine.call('beginIn', 16, slots[0]!, back[0]!, 0), SwapError.SlotBusy)
      while (machine.call('diskInFlight', 0) > 0) machine.call('pollDisk', 0)
      back.forEach((page, i) => {
        t.equal(machine.call('transferAddress', i), (i + 1) * PAGE)
        t.ok(machine.holds(page, i))
      })
      t.same(machine.slots(), [0, 63, 63])
    }
    t.end()
  })

  t.test(`${e.kind}: a transfer may begin the next one from its notification`, t => {
    const machine = swapping(e, 16)
    machine.call('beginNextWhenFinished', 0, 0x2000, machine.page(2))
    machine.call('beginOut', 0, 0x1000, machine.page(1))
    machine.call('pollDisk', 0)
    t.equal(machine.call('notifications'), 1)
    t.equal(machine.call('isFinished', 0), 0, 'on its way again')
    machine.call('pollDisk', 0)
    t.equal(machine.call('isFinished', 0), 1)
    t.equal(machine.call('notifications'), 1)
    t.same([machine.call('slotOfPage', 0x1000), machine.call('slotOfPage', 0x2000)], [1, 2])
    t.end()
  })

  t.test(`${e.kind}: swapOut waits while the disk's queue is full of other transfers`, t => {
    const machine = swapping(e, 16, { depth: 1 })
    machine.call('setDelay', 0, 3, 0)
    machine.call('beginOut', 0, 0x1000, machine.page(1))
    t.equal(machine.call('swapOut', 0x2000, machine.page(2)), 2)
    t.equal(machine.call('isFinished', 0), 1)
    t.end()
  })

  t.test(`${e.kind}: with errors among several at once each has its own result`, t => {
    const machine = swapping(e, 32)
    machine.call('failWrites', 0, 3 * 8, 5 * 8) // slots 3 and 4
    for (let i = 0; i < 6; i++) machine.call('beginOut', i, (i + 1) * PAGE, machine.page(i))
    while (machine.call('diskInFlight', 0) > 0) machine.call('pollDisk', 0)
    t.same([0, 1, 2, 3, 4, 5].map(i => machine.call('transferResult', i)),
      [0, 0, SwapError.WriteFailed, SwapError.WriteFailed, 0, 0])
    t.same(machine.slots(), [4, 27, 31])
    t.end()
  })

  t.test(`${e.kind}: flush says what the disk says`, t => {
    const machine = swapping(e, 16)
    t.equal(machine.call('flush'), SwapError.None)
    machine.call('failFlushes', 0, 1)
    t.equal(machine.call('flush'), SwapError.WriteFailed)
    machine.call('clearSwapDevice')
    t.equal(machine.call('flush'), SwapError.NoDevice)
    t.end()
  })

  t.test(`${e.kind}: the owner that is released while a page is on its way is asked to come again`, t => {
    const machine = swapping(e, 16)
    machine.call('swapOut', 0x1000, machine.page(1))
    machine.call('beginOut', 0, 0x2000, machine.page(2))
    t.equal(machine.call('releaseOwner'), SwapError.SlotBusy)
    machine.call('pollDisk', 0)
    t.equal(machine.call('releaseOwner'), SwapError.None)
    t.same(machine.slots(), [0, 15, 15])
    t.equal(machine.call('ownerSlots'), 0)
    t.end()
  })

  t.test(`${e.kind}: without memory for its tables a device is refused, and nothing is lost`, t => {
    const machine = new SwapMachine(e, 40)
    machine.addDisk(3 << 20, { contents: header(768) })
    machine.call('init', 0, Algorithm.LRU)
    const taken: number[] = []
    for (let frame = machine.call('frameAllocate', 0); frame !== 0; frame = machine.call('frameAllocate', 0)) taken.push(frame)
    let refusals = 0
    while (machine.call('setSwapDevice', 0) !== SwapError.None) {
      const free = machine.call('framesFree')
      t.equal(machine.call('setSwapDevice', 0), SwapError.OutOfMemory)
      t.equal(machine.call('getSwapDevice'), SwapError.NoDevice)
      t.equal(machine.call('framesFree'), free, 'the second refusal costs nothing')
      machine.call('frameFree', taken.pop()!, 0)
      refusals++
    }
    t.ok(refusals >= 2 && refusals <= 8, `${refusals} refusals, a frame more each time`)
    t.end()
  })

  t.test(`${e.kind}: pages can be swapped out when no frame is free: entries have one in reserve`, t => {
    const machine = swapping(e, 400)
    const page = machine.page(1)
    const taken: number[] = []
    for (let frame = machine.call('frameAllocate', 0); frame !== 0; frame = machine.call('frameAllocate', 0)) taken.push(frame)
    let out = 0
    let result = 0
    while ((result = machine.call('swapOut', (out + 1) * PAGE, page)) > 0) out++
    t.equal(result, SwapError.OutOfMemory)
    t.equal(out, 169, 'slots 1 to 169 share a frame of entries')
    t.same(machine.slots(), [169, 230, 399], 'the slot without an entry is not lost')
    machine.call('frameFree', taken.pop()!, 0)
    t.equal(machine.call('swapOut', 0x5000000, page), 170)
    t.end()
  })

  t.test(`${e.kind}: 3,000 random steps as a model has them, with errors on the disk now and then`, t => {
    const machine = swapping(e, 40, { depth: 3 })
    const pick = xorshift(31337)
    const out = new Map<number, { address: number, seed: number }>() // slot → what it holds
    const page = machine.page(0)
    for (let step = 0; step < 3000; step++) {
      const broken = pick(10) === 0
      machine.call('failWrites', 0, broken ? 8 : 0, broken ? 40 * 8 : 0)
      machine.call('failReads', 0, broken ? 8 : 0, broken ? 40 * 8 : 0)
      if (pick(2) === 0) {
        const [address, seed] = [(1 + pick(5000)) * PAGE, pick(1 << 30)]
        machine.m.write(page, pattern(seed))
        const slot = machine.call('swapOut', address, page)
        const expected = out.size === 39 ? SwapError.NoSlots : broken ? SwapError.WriteFailed : 1
        if (expected < 0 ? slot !== expected : slot < 1 || slot > 39 || out.has(slot)) throw new Error(`step ${step}: swapOut gave ${slot}`)
        if (slot > 0) out.set(slot, { address, seed })
      } else if (pick(3) === 0) {
        const slot = pick(42)
        const expected = out.has(slot) ? SwapError.None : slot === 0 || slot > 39 ? SwapError.InvalidSlot : SwapError.SlotNotInUse
        if (machine.call('deallocateSlot', slot) !== expected) throw new Error(`step ${step}: deallocateSlot ${slot}`)
        out.delete(slot)
      } else {
        const slot = pick(42)
        const held = out.get(slot)
        const result = machine.call('swapIn', slot, page)
        if (result !== (held === undefined ? SwapError.InvalidSlot : broken ? SwapError.ReadFailed : held.address)) throw new Error(`step ${step}: swapIn gave ${result}`)
        if (result > 0 && !machine.holds(page, held!.seed)) throw new Error(`step ${step}: other contents`)
        if (result > 0) out.delete(slot)
      }
      if (machine.stat('usedSlots') !== out.size || machine.stat('totalSwappedPages') !== out.size) throw new Error(`step ${step}: counters`)
    }
    t.equal(Buffer.compare(machine.diskPage(0, 0), header(40)), 0, 'the header is as it was')
    t.end()
  })
}
