// The buddy allocator against a model: which frames are allocated, from which follow all lists of free blocks.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

const BASE = 0x80000000
const PAGE = 4096
const MIB = 1 << 20
const enum Zone { Dma, Normal, HighMem }

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

/** Pages at the start of a region that its table takes, 29 bytes a frame. */
const table = (pages: number) => Math.ceil(pages * 29 / PAGE)

/** `pages` pages of memory, handed to the allocator; physical address of the first, and the frames it hands out. */
function addRegion(m: Instance, pages: number, alignment = PAGE): { start: number, frames: number } {
  const start = m.alloc(pages * PAGE, alignment) - BASE
  return { start, frames: m.call('framesAddRegion', start, start + pages * PAGE) }
}

/** Free blocks by order that there must be, when `isFree` says which frames from `first` to `end` are. */
function freeBlocks(first: number, end: number, isFree: (frame: number) => boolean): number[] {
  const blocks = new Array<number>(11).fill(0)
  let frame = first
  while (frame < end) {
    let order = 10
    const fits = () => frame % 2 ** order === 0 && frame + 2 ** order <= end
      && Array.from({ length: 2 ** order }, (_, i) => frame + i).every(isFree)
    if (!isFree(frame)) { frame++; continue }
    while (!fits()) order--
    blocks[order]!++
    frame += 2 ** order
  }
  return blocks
}

const listed = (m: Instance) => Array.from({ length: 11 }, (_, order) => m.call('frameFreeBlocks', order))

/** Why `run` panicked. */
function panicOf(m: Instance, run: () => void): string {
  m.call('rememberPanics')
  try { run() } catch (error) { return `${m.text(m.call('panicWhy'))}${(error as Error).message === 'trap' ? '' : ` ${error}`}` }
  return 'no panic'
}

for (const e of await engines('test/kernel/mm.ts')) {
  t.test(`${e.kind}: a region hands out all its frames but those of its table`, t => {
    const m = e.start()
    const { frames } = addRegion(m, 1000)
    t.equal(frames, 1000 - table(1000))
    t.equal(m.call('framesTotal'), frames)
    t.equal(m.call('framesFree'), frames)
    const seen = new Set<number>()
    for (let frame = m.call('frameAllocate', 0); frame !== 0; frame = m.call('frameAllocate', 0)) seen.add(frame)
    t.equal(seen.size, frames)
    t.equal(m.call('framesFree'), 0)
    t.end()
  })

  t.test(`${e.kind}: ranges that are no region, or already one, are refused`, t => {
    const m = e.start()
    const { start } = addRegion(m, 16)
    t.equal(m.call('framesAddRegion', start, start + 16 * PAGE), 0, 'twice')
    t.equal(m.call('framesAddRegion', start, start + PAGE), 0, 'its table')
    t.equal(m.call('framesAddRegion', start + 15 * PAGE, start + 20 * PAGE), 0, 'its last frame')
    t.equal(m.call('framesAddRegion', start + 20 * PAGE, start + 20 * PAGE), 0, 'empty')
    t.equal(m.call('framesAddRegion', start + 20 * PAGE + 1, start + 22 * PAGE - 1), 0, 'no whole frame')
    t.equal(m.call('framesAddRegion', start + 20 * PAGE, start + 21 * PAGE), 0, 'room for a table only')
    t.equal(m.call('framesAddRegion', 0x60000000, 0x70000000), 0, 'past the direct map')
    t.equal(m.call('framesAddRegion', start + 30 * PAGE, start + 20 * PAGE), 0, 'backwards')
    t.equal(m.call('framesTotal'), 15)
    t.end()
  })

  t.test(`${e.kind}: frame 0 is never handed out: 0 means none`, t => {
    const m = e.start()
    const frames = m.call('framesAddRegion', 0, 2 * PAGE)
    t.equal(frames, 0, 'the first page that is left is the table')
    t.end()
  })

  t.test(`${e.kind}: the thirty-third region is refused`, t => {
    const m = e.start()
    const frames = Array.from({ length: 33 }, () => addRegion(m, 3).frames)
    t.same(frames, [...new Array<number>(32).fill(2), 0])
    t.end()
  })

  t.test(`${e.kind}: blocks are aligned to their size; an order above 10 there is none`, t => {
    const m = e.start()
    addRegion(m, 3000)
    for (let order = 0; order <= 10; order++) t.equal(m.call('frameAllocate', order) % (PAGE << order), 0, `order ${order}`)
    t.equal(m.call('frameAllocate', 11), 0)
    t.equal(m.call('frameAllocate', 0xffffffff), 0)
    t.end()
  })

  t.test(`${e.kind}: contiguous pages are rounded up to a block; none of 0`, t => {
    const m = e.start()
    addRegion(m, 64)
    const before = m.call('framesFree')
    t.equal(m.call('frameAllocateContiguous', 0), 0)
    t.equal(m.call('frameAllocateContiguous', 1025), 0)
    t.not(m.call('frameAllocateContiguous', 5), 0)
    t.equal(m.call('framesFree'), before - 8)
    t.same([0, 1, PAGE, PAGE + 1, 2 * PAGE, 4 * MIB, 4 * MIB + 1, 0xffffffff].map(n => m.call('frameOrderFor', n)), [0, 0, 0, 1, 1, 10, 11, 20])
    t.end()
  })

  t.test(`${e.kind}: two neighbours freed in either order are one block again`, t => {
    for (const order of [0, 3]) {
      const m = e.start()
      addRegion(m, 512)
      const before = listed(m)
      const [a, b] = [m.call('frameAllocate', order), m.call('frameAllocate', order)]
      m.call('frameFree', a, order)
      m.call('frameFree', b, order)
      t.same(listed(m), before)
    }
    t.end()
  })

  t.test(`${e.kind}: freeing what is not allocated so is a panic that names it`, t => {
    const cases: [why: string, run: (m: Instance, block: number) => void][] = [
      ['a frame is freed twice', (m, block) => { m.call('frameFree', block, 1); m.call('frameFree', block, 1) }],
      ['a frame is freed with another order than it was allocated', (m, block) => m.call('frameFree', block, 0)],
      ['a frame is freed twice', (m, block) => m.call('frameFree', block + PAGE, 0)],
      ['a frame is freed by an address inside it', (m, block) => m.call('frameFree', block + 8, 1)],
      ["a frame is freed that is not the allocator's", m => m.call('frameFree', 0x5f000000, 0)],
      ["a frame is freed that is not the allocator's", m => m.call('frameFree', 0, 0)],
    ]
    for (const [why, run] of cases) {
      const m = e.start()
      addRegion(m, 64)
      const block = m.call('frameAllocate', 1)
      t.equal(panicOf(m, () => run(m, block)), why)
    }
    t.end()
  })

  t.test(`${e.kind}: zones by address, and Normal before Dma`, t => {
    const m = e.start()
    t.same([0, 16 * MIB - 1, 16 * MIB, 896 * MIB - 1, 896 * MIB].map(a => m.call('zoneFromAddress', a)),
      [Zone.Dma, Zone.Dma, Zone.Normal, Zone.Normal, Zone.HighMem])
    const start = 15 * MIB
    const end = 17 * MIB
    m.alloc(end + BASE - m.alloc(16), 16)
    const frames = m.call('framesAddRegion', start, end)
    t.equal(m.call('zoneTotal', Zone.Dma) + m.call('zoneTotal', Zone.Normal), frames)
    t.equal(m.call('zoneTotal', Zone.Normal), 256)
    t.equal(m.call('zoneLargest', Zone.Normal), 8)
    t.equal(m.call('zoneFragmentation', Zone.Normal), 0)
    t.ok(m.call('frameAllocate', 0) >= 16 * MIB, 'Normal as long as it has one')
    t.equal(m.call('zoneAllocated', Zone.Normal), 1)
    t.equal(m.call('zoneFragmentation', Zone.Normal), 1000 - Math.floor(128 * 1000 / 255))
    for (let i = 1; i < 256; i++) m.call('frameAllocate', 0)
    t.ok(m.call('frameAllocate', 0) < 16 * MIB, 'then Dma')
    t.equal(m.call('frameAllocateInZone', Zone.Normal, 0), 0)
    t.equal(m.call('frameAllocateInZone', Zone.HighMem, 0), 0)
    t.end()
  })

  t.test(`${e.kind}: the memory report adds the zones up`, t => {
    const m = e.start()
    m.alloc(17 * MIB + BASE - m.alloc(16), 16)
    const frames = m.call('framesAddRegion', 15 * MIB, 17 * MIB)
    const report = () => [0, 1, 2, 3, 4].map(which => m.call('reportField', which, 0))
    const fragmentation = [Zone.Dma, Zone.Normal].map(zone => m.call('zoneFragmentation', zone))
    t.same(report(), [frames * PAGE, 0, frames * PAGE, Math.floor((fragmentation[0]! + fragmentation[1]!) / 3), Math.floor(fragmentation[0]! * 3 / 30)])
    for (let i = 0; i < 128; i++) m.call('frameAllocateInZone', Zone.Normal, 0)
    t.same(report().slice(0, 3), [frames * PAGE, 128 * PAGE, (frames - 128) * PAGE])
    t.equal(m.call('reportField', 4, 0), Math.floor((500 * 7 + fragmentation[0]! * 3) / 30), 'Normal is half used')
    t.same(Array.from({ length: 11 }, (_, order) => m.call('reportField', 6, order)), listed(m))
    t.equal(m.call('reportField', 5, 0), listed(m).reduce((sum, n) => sum + n))
    t.end()
  })

  t.test(`${e.kind}: 8,000 random allocations and frees in two regions: blocks never overlap, free ones are joined`, t => {
    const m = e.start()
    const pick = xorshift(991)
    m.alloc(7 * PAGE, PAGE) // so that the first region is not aligned to anything
    const regions = [addRegion(m, 777), addRegion(m, 1500, 2 * MIB)]
    const allocated = new Map<number, number>() // first frame → order
    const owner = new Map<number, number>() // frame → first frame of its block
    const isFree = (frame: number) => !owner.has(frame)
    const first = (start: number, frames: number) => start / PAGE + (frames < 777 ? table(777) : table(1500))
    const expected = () => regions.map(({ start, frames }) => freeBlocks(first(start, frames), first(start, frames) + frames, isFree))
      .reduce((sum, each) => sum.map((n, i) => n + each[i]!))
    for (let step = 0; step < 8000; step++) {
      if (pick(100) < 52) {
        const order = [0, 0, 0, 1, 2, 3, 5, 8, 10][pick(9)]!
        const frame = m.call('frameAllocate', order) / PAGE
        if (frame === 0) {
          if (expected().slice(order).some(n => n > 0)) throw new Error(`step ${step}: order ${order} refused, but there is a block`)
          continue
        }
        for (let i = frame; i < frame + 2 ** order; i++) {
          const inside = regions.some(({ start, frames }) => i >= first(start, frames) && i < first(start, frames) + frames)
          if (owner.has(i) || !inside) throw new Error(`step ${step}: frame ${i} handed out twice, or never had`)
          owner.set(i, frame)
        }
        allocated.set(frame, order)
      } else if (allocated.size > 0) {
        const [frame, order] = [...allocated][pick(allocated.size)]!
        m.call('frameFree', frame * PAGE, order)
        allocated.delete(frame)
        for (let i = frame; i < frame + 2 ** order; i++) owner.delete(i)
      }
      if (step % 200 === 0 && String(listed(m)) !== String(expected())) throw new Error(`step ${step}: ${listed(m)}, not ${expected()}`)
      if (m.call('framesFree') !== 777 + 1500 - table(777) - table(1500) - owner.size) throw new Error(`step ${step}: the count`)
    }
    for (const [frame, order] of allocated) {
      for (const at of [0, 2 ** order * PAGE - 1]) t.equal(m.call('frameBlockOf', frame * PAGE + at), frame * PAGE)
      t.equal(m.call('frameBlockOrder', frame * PAGE), order)
    }
    const free = [...Array(700).keys()].map(i => regions[0]!.start / PAGE + table(777) + i).filter(isFree)
    t.ok(free.every(frame => m.call('frameBlockOf', frame * PAGE) === 0), 'a free frame is in no block')
    for (const [frame, order] of allocated) m.call('frameFree', frame * PAGE, order)
    owner.clear()
    t.same(listed(m), expected(), 'all free')
    t.end()
  })

  t.test(`${e.kind}: adding a region touches its table, and no page that it hands out; nor does allocating and freeing`, t => {
    const m = e.start()
    const pages = 4096
    const start = m.alloc(pages * PAGE, 4 * MIB)
    m.bytes(start, pages * PAGE).fill(0xee)
    const frames = m.call('framesAddRegion', start - BASE, start - BASE + pages * PAGE)
    t.equal(frames, pages - table(pages))
    for (let order = 0; order < 8; order++) {
      const blocks = [1, 2, 3].map(() => m.call('frameAllocate', order))
      for (const block of blocks) m.call('frameFree', block, order)
    }
    t.ok(m.bytes(start + table(pages) * PAGE, frames * PAGE).every(b => b === 0xee))
    t.end()
  })
}
