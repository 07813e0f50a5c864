// RustOS's SwapManager has the defects listed in docs/compat.md: each test shows that one of them is absent. The
// numbers in the names are those of its table of test vectors there.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Algorithm, header, PAGE, pattern, SwapError, SwapMachine, swapping } from '../../../swap-machine.ts'

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: 16. the first page of the disk is never written by swapping out`, t => {
    const machine = swapping(e, 16)
    const before = Buffer.from(machine.diskPage(0, 0))
    const slots = Array.from({ length: 16 }, (_, i) => machine.call('swapOut', 0x1000 * (i + 1), machine.page(i)))
    t.same(slots, [...Array(15).keys()].map(i => i + 1).concat(SwapError.NoSlots), 'slots 1 to 15, and then none')
    t.equal(Buffer.compare(machine.diskPage(0, 0), before), 0)
    slots.slice(0, 15).forEach((slot, i) => t.ok(machine.diskHolds(0, slot, i), `slot ${slot} is page ${slot} of the disk`))
    t.end()
  })

  t.test(`${e.kind}: 17. without a device swapping out and in are errors, and the page in memory stays as it is`, t => {
    const machine = new SwapMachine(e)
    machine.call('init', 64, Algorithm.LRU)
    const page = machine.page(1)
    t.equal(machine.call('swapOut', 0x1000, page), SwapError.NoDevice)
    t.equal(machine.call('swapIn', 1, page), SwapError.NoDevice)
    t.equal(machine.call('allocateSlot'), 0)
    t.equal(machine.call('deallocateSlot', 1), SwapError.NoDevice)
    t.ok(machine.holds(page, 1))
    t.same(machine.slots(), [0, 0, 0])
    t.end()
  })

  t.test(`${e.kind}: 18. freeing a slot twice is refused, and the counters stay right`, t => {
    const machine = swapping(e, 10, {})
    machine.call('clearSwapDevice')
    machine.call('init', 3, Algorithm.LRU) // RustOS's run has three slots; here they are 1, 2, 3
    machine.call('setSwapDevice', 0)
    t.same([machine.call('allocateSlot'), machine.call('allocateSlot')], [1, 2])
    t.equal(machine.call('deallocateSlot', 1), SwapError.None)
    t.equal(machine.call('deallocateSlot', 1), SwapError.SlotNotInUse)
    t.same(machine.slots(), [1, 2, 3])
    t.same([1, 2, 3].map(() => machine.call('allocateSlot')), [1, 3, 0])
    t.same(machine.slots(), [3, 0, 3])
    t.end()
  })

  t.test(`${e.kind}: 18. a slot that the area does not have, the header and a bad page can not be freed`, t => {
    const machine = swapping(e, 16, { bad: [3] })
    for (const slot of [0, 16, 1000, 0xffffffff]) t.equal(machine.call('deallocateSlot', slot), SwapError.InvalidSlot, `${slot}`)
    t.equal(machine.call('deallocateSlot', 3), SwapError.SlotNotInUse)
    t.same(machine.slots(), [0, 14, 14])
    t.end()
  })

  t.test(`${e.kind}: 19. there are as many slots as the disk has pages, but one: slot 256 of 1 MiB is never handed out`, t => {
    const machine = swapping(e, 256)
    const slots = Array.from({ length: 257 }, () => machine.call('allocateSlot'))
    t.same(slots, [...Array(255).keys()].map(i => i + 1).concat(0, 0))
    t.same(machine.slots(), [255, 0, 255])
    t.end()
  })

  t.test(`${e.kind}: 19. a disk whose size is no whole number of pages: the rest is not used`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(16 * PAGE + 7 * 512, { contents: header(16) })
    machine.call('init', 0, Algorithm.LRU)
    machine.call('setSwapDevice', 0)
    t.same(machine.slots(), [0, 15, 15])
    t.end()
  })

  t.test(`${e.kind}: a device that is not there, has no header, or is read-only is refused when it is set`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.call('setReadOnly', 1, 1)
    machine.call('init', 0, Algorithm.LRU)
    t.equal(machine.call('setSwapDevice', 7), SwapError.NoDevice)
    t.equal(machine.call('setSwapDevice', 0), SwapError.BadHeader)
    t.equal(machine.call('setSwapDevice', 1), SwapError.ReadOnlyDevice)
    t.equal(machine.call('getSwapDevice'), SwapError.NoDevice)
    t.equal(machine.call('diskWrites', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: 20. FIFO chooses by arrival, not by place in the list`, t => {
    const machine = swapping(e, 16, { algorithm: Algorithm.FIFO })
    for (const page of [0x1000, 0x2000, 0x3000]) machine.call('recordArrival', page)
    machine.call('recordAccess', 0x1000) // does not count
    t.equal(machine.victim(0x3000, 0x1000, 0x2000), 0x1000)
    machine.call('forgetPage', 0x1000)
    t.equal(machine.victim(0x3000, 0x1000, 0x2000), 0x2000, 'a page that comes again comes last')
    t.equal(machine.victim(0x3000, 0x1000), 0x3000)
    t.equal(machine.victim(0x1000), 0x1000)
    t.end()
  })

  t.test(`${e.kind}: 20. the clock gives a page that was accessed a second chance`, t => {
    const machine = swapping(e, 16, { algorithm: Algorithm.Clock })
    const pages = [0x3000, 0x1000, 0x2000]
    t.same([1, 2, 3, 4].map(() => machine.victim(...pages)), [0x3000, 0x1000, 0x2000, 0x3000], 'nothing accessed: round and round')
    machine.call('recordAccess', 0x1000)
    t.equal(machine.victim(...pages), 0x2000, '1000 was accessed: passed over')
    machine.call('recordAccess', 0x3000)
    t.equal(machine.victim(...pages), 0x1000, 'but once only')
    for (const page of pages) machine.call('recordAccess', page)
    t.equal(machine.victim(...pages), 0x2000, 'all accessed: the first under the hand')
    t.equal(machine.victim(0x1000), 0x1000, 'only candidates count')
    t.end()
  })

  t.test(`${e.kind}: 20. LRU notes the page of an address, whichever of its bytes was accessed`, t => {
    const machine = swapping(e, 16)
    for (const address of [0x1fff, 0x2001, 0x3abc, 0x1234]) machine.call('recordAccess', address)
    t.equal(machine.victim(0x3000, 0x1000, 0x2000), 0x2000)
    t.equal(machine.victim(0x1000, 0x3fff), 0x3000)
    t.end()
  })

  t.test(`${e.kind}: LRU: a page never heard of is the newest, not the oldest`, t => {
    const machine = swapping(e, 16)
    machine.call('recordAccess', 0x5000)
    t.equal(machine.victim(0x9000, 0x5000), 0x5000)
    t.equal(machine.victim(), 0, 'and of none there is none')
    t.end()
  })

  t.test(`${e.kind}: a page that was swapped out is not chosen again, by any algorithm`, t => {
    for (const algorithm of [Algorithm.LRU, Algorithm.Clock, Algorithm.FIFO]) {
      const machine = swapping(e, 16, { algorithm })
      const pages = [0x1000, 0x2000, 0x3000]
      for (const page of pages) machine.call('recordAccess', page)
      for (let left = 3; left > 0; left--) {
        const victim = machine.victim(...pages)
        t.ok(pages.includes(victim) && machine.call('isPageSwapped', victim) === 0)
        machine.call('swapOut', victim, machine.page(1))
      }
      t.equal(machine.victim(...pages), 0, 'all are out')
      const slot = machine.call('slotOfPage', 0x2000)
      machine.call('swapIn', slot, machine.page(0))
      t.equal(machine.victim(...pages), 0x2000, 'but one that came back is')
    }
    t.end()
  })

  t.test(`${e.kind}: what is known of pages is forgotten with them: no record is left behind`, t => {
    const machine = swapping(e, 64)
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 50; i++) machine.call('recordAccess', (round * 50 + i + 1) * PAGE + i)
      t.equal(machine.stat('trackedPages'), 50)
      for (let i = 0; i < 50; i++) {
        const address = (round * 50 + i + 1) * PAGE
        if (i % 2 === 0) machine.call('forgetPage', address + 7)
        else machine.call('deallocateSlot', machine.call('swapOut', address, machine.disks[0]! + PAGE))
      }
      if (machine.stat('trackedPages') !== 0) throw new Error(`round ${round}`)
    }
    t.end()
  })

  t.test(`${e.kind}: more pages than there is RAM for can not fill memory with records`, t => {
    const machine = swapping(e, 16)
    for (let i = 1; i <= 3000; i++) machine.call('recordAccess', i * PAGE)
    t.ok(machine.stat('trackedPages') <= machine.call('framesTotal'), `${machine.stat('trackedPages')} records`)
    t.equal(machine.victim(3000 * PAGE, 2999 * PAGE), 3000 * PAGE, 'an untracked page can still be chosen')
    t.end()
  })

  t.test(`${e.kind}: clean and dirty: a page read back and not written needs no second write, and keeps its slot`, t => {
    const machine = swapping(e, 16)
    const page = machine.page(5)
    const slot = machine.call('swapOut', 0x7000, page)
    t.equal(machine.call('swapInKeep', slot, page), 0x7000)
    t.equal(machine.stat('keptPages'), 1)
    t.equal(machine.call('isPageSwapped', 0x7000), 0, 'it is in memory')
    t.equal(machine.call('swapOut', 0x7abc, page), slot)
    t.equal(machine.stat('written'), 1)
    t.equal(machine.stat('unchanged'), 1)
    machine.call('swapInKeep', slot, page)
    machine.call('recordWrite', 0x7010)
    t.equal(machine.call('swapOut', 0x7000, page), slot, 'dirty: written again, to the slot that is free again')
    t.equal(machine.stat('written'), 2)
    machine.call('swapInKeep', slot, page)
    machine.m.write(page, pattern(6)) // changed, and nobody noted it
    machine.call('swapOut', 0x7000, page)
    t.equal(machine.stat('written'), 3)
    t.ok(machine.diskHolds(0, slot, 6))
    t.end()
  })

  t.test(`${e.kind}: kept copies give way when slots run out`, t => {
    const machine = swapping(e, 10)
    const page = machine.page(1)
    for (let i = 1; i <= 9; i++) machine.call('swapInKeep', machine.call('swapOut', i * PAGE, page), page)
    t.same(machine.slots(), [9, 0, 9])
    for (let i = 20; i < 29; i++) t.ok(machine.call('swapOut', i * PAGE, page) > 0, `page ${i}`)
    t.equal(machine.call('swapOut', 50 * PAGE, page), SwapError.NoSlots)
    t.equal(machine.stat('keptPages'), 0)
    t.end()
  })

  t.test(`${e.kind}: a checksum per slot: a page that changed on the disk is an error, not a page`, t => {
    for (const byte of [0, 1, 2048, 4095]) {
      const machine = swapping(e, 16)
      const slot = machine.call('swapOut', 0x1000, machine.page(9))
      machine.diskPage(0, slot)[byte]! ^= 0x10
      const page = machine.page(0)
      t.equal(machine.call('swapIn', slot, page), SwapError.Corrupt)
      t.equal(machine.stat('checksumErrors'), 1)
      t.same(machine.slots(), [1, 14, 15], 'the slot keeps what it has')
      machine.diskPage(0, slot)[byte]! ^= 0x10
      t.equal(machine.call('swapIn', slot, page), 0x1000, 'and is read when it is right again')
      t.ok(machine.holds(page, 9))
    }
    t.end()
  })

  t.test(`${e.kind}: two slots exchanged on the disk, with the same contents or not, are found out`, t => {
    const machine = swapping(e, 16)
    const [one, two] = [machine.call('swapOut', 0x1000, machine.page(1)), machine.call('swapOut', 0x2000, machine.page(2))]
    const kept = Buffer.from(machine.diskPage(0, one))
    machine.diskPage(0, one).set(machine.diskPage(0, two))
    machine.diskPage(0, two).set(kept)
    t.equal(machine.call('swapIn', one, machine.page(0)), SwapError.Corrupt)
    t.equal(machine.call('swapIn', two, machine.page(0)), SwapError.Corrupt)
    t.end()
  })

  t.test(`${e.kind}: a write that the disk lost is found out when the page is wanted`, t => {
    const machine = swapping(e, 16)
    machine.call('loseWrites', 0, 1)
    const slot = machine.call('swapOut', 0x1000, machine.page(1))
    const page = machine.page(3)
    t.equal(machine.call('swapIn', slot, page), SwapError.Corrupt, 'never a page of zeros')
    t.end()
  })

  t.test(`${e.kind}: a read error is an error, the slot keeps the page, and a later read has it`, t => {
    const machine = swapping(e, 16)
    const slot = machine.call('swapOut', 0x1000, machine.page(1))
    machine.call('failReads', 0, slot * 8 + 3, slot * 8 + 4)
    const page = machine.page(0)
    t.equal(machine.call('swapIn', slot, page), SwapError.ReadFailed)
    t.same(machine.slots(), [1, 14, 15])
    machine.call('failReads', 0, 0, 0)
    t.equal(machine.call('swapIn', slot, page), 0x1000)
    t.ok(machine.holds(page, 1))
    t.end()
  })

  t.test(`${e.kind}: a write error frees the slot; one bad sector does not stop swapping`, t => {
    const machine = swapping(e, 12)
    machine.call('failWrites', 0, 8, 9) // slot 1
    const page = machine.page(1)
    t.equal(machine.call('swapOut', 0x1000, page), SwapError.WriteFailed)
    t.same(machine.slots(), [0, 11, 11])
    t.equal(machine.call('isPageSwapped', 0x1000), 0)
    const slots = Array.from({ length: 10 }, (_, i) => machine.call('swapOut', 0x1000 * (i + 1), page))
    t.same(slots, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 'the others first')
    t.equal(machine.call('swapOut', 0x20000, page), SwapError.WriteFailed, 'the suspect one when no other is left')
    machine.call('failWrites', 0, 0, 0)
    t.equal(machine.call('swapOut', 0x20000, page), 1)
    t.equal(machine.stat('suspectSlots'), 1)
    t.equal(machine.stat('writeErrors'), 2)
    t.end()
  })

  t.test(`${e.kind}: swap off: refused while pages are out, and then the device and all memory are given back`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.call('init', 0, Algorithm.LRU)
    const page = machine.page(1)
    const use = () => {
      machine.call('setSwapDevice', 0)
      const slot = machine.call('swapOut', 0x1000, page)
      t.equal(machine.call('clearSwapDevice'), SwapError.DeviceInUse)
      t.equal(machine.call('setSwapDevice', 1), SwapError.DeviceInUse)
      t.equal(machine.call('getSwapDevice'), 0)
      machine.call('swapInKeep', slot, page)
      t.equal(machine.call('clearSwapDevice'), SwapError.None, 'a kept copy does not hold it')
      t.equal(machine.call('getSwapDevice'), SwapError.NoDevice)
      t.same(machine.slots(), [0, 0, 0])
    }
    use()
    const free = machine.call('framesFree')
    for (let i = 0; i < 20; i++) use()
    t.equal(machine.call('framesFree'), free, 'twenty times more, and not a frame is lost')
    t.equal(machine.call('setSwapDevice', 1), SwapError.None)
    t.end()
  })

  t.test(`${e.kind}: limits per process: one that has used its slots up does not take those of others`, t => {
    const machine = swapping(e, 16)
    const page = machine.page(1)
    machine.call('setOwner', 7)
    machine.call('setOwnerLimit', 2)
    t.same([1, 2, 3].map(i => machine.call('swapOut', i * PAGE, page)), [1, 2, SwapError.OwnerLimit])
    t.equal(machine.call('ownerSlots'), 2)
    machine.call('setOwner', 8)
    t.equal(machine.call('isPageSwapped', PAGE), 0, 'the same address of another process is another page')
    t.equal(machine.call('swapOut', PAGE, page), 3)
    machine.call('setOwner', 7)
    t.equal(machine.call('slotOfPage', PAGE), 1)
    machine.call('swapIn', 1, page)
    t.equal(machine.call('swapOut', 3 * PAGE, page), 1)
    t.equal(machine.call('releaseOwner'), SwapError.None)
    t.same(machine.slots(), [1, 14, 15], 'all of 7 are free, that of 8 is not')
    t.equal(machine.call('setOwner', 256), SwapError.OwnerLimit)
    t.end()
  })

  t.test(`${e.kind}: a disk of 4 KiB blocks: every transfer is one whole block`, t => {
    const machine = swapping(e, 32, { blockSize: 4096 })
    const slots = Array.from({ length: 31 }, (_, i) => machine.call('swapOut', (i + 1) * PAGE, machine.page(i)))
    t.ok(slots.every(slot => slot > 0))
    const page = machine.page(0)
    slots.forEach((slot, i) => {
      t.equal(machine.call('swapIn', slot, page), (i + 1) * PAGE)
      t.ok(machine.holds(page, i))
    })
    t.end()
  })
}
