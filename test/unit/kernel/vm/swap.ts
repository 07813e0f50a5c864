// Memory that does not fit: pages leave for a fake disk and come back, whatever the disk does meanwhile.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { Algorithm, Map, MemoryError, PAGE, Prot, VmMachine, xorshift } from '../../../vm-machine.ts'

const A = 0x400000
const FRAMES = 320
/** The byte that page `page` holds at its start in a round, never 0. */
const byte = (page: number, round = 0) => 1 + (page * 7 + round * 13) % 255

/** A machine with a warm pool, so that frames can be counted. */
function machine(e: Engine, frames = FRAMES): VmMachine {
  const v = new VmMachine(e, frames)
  v.create(0)
  v.mapAt(0, A, PAGE)
  v.call('release', 0)
  return v
}

/** Write `pages` pages of space 0 in order, then read them back in order. How many were wrong. */
function throughAll(v: VmMachine, pages: number, space = 0, round = 0): number {
  let wrong = 0
  for (let page = 0; page < pages; page++) if (v.write(space, A + page * PAGE, byte(page, round)) !== byte(page, round)) wrong++
  for (let page = 0; page < pages; page++) if (v.read(space, A + page * PAGE) !== byte(page, round)) wrong++
  return wrong
}

for (const e of await engines('test/kernel/vm.ts')) {
  for (const [name, algorithm] of Object.entries(Algorithm)) {
    for (const options of [{}, { delay: 3, newestFirst: 1, depth: 2 }]) {
      t.test(`${e.kind}: ${name}: four times the memory, in order and at random, ${JSON.stringify(options)}`, t => {
        const v = machine(e)
        v.swap(1500, { algorithm, ...options })
        const free = v.free()
        const pages = 4 * 256
        v.create(0)
        v.call('use', 0)
        v.mapAt(0, A, pages * PAGE)
        t.equal(throughAll(v, pages), 0, 'in order')
        const random = xorshift(42)
        const bytes = Array.from({ length: pages }, (_, page) => byte(page))
        let wrong = 0
        for (let i = 0; i < 3000; i++) {
          const page = random(pages)
          if (v.read(0, A + page * PAGE) !== bytes[page]) wrong++
          if (random(3) === 0) v.write(0, A + page * PAGE, bytes[page] = 1 + random(255))
        }
        for (let page = 0; page < pages; page++) if (v.read(0, A + page * PAGE) !== bytes[page]) wrong++
        t.equal(wrong, 0, 'at random')
        t.ok(v.free() >= v.call('watermarkMin'))
        t.equal(v.field(0, 'resident') + v.field(0, 'swapped'), pages)
        t.ok(v.stat('swapOuts') > pages - FRAMES)
        t.ok(v.stat('dropped') > 500, 'pages that were only read are not written again')
        t.equal(v.call('diskLargest', 0), 64 * 8, 'clusters of 256 KiB')
        v.call('release', 0)
        v.settle()
        t.equal(v.slots('used'), 0)
        t.equal(v.call('pagesListed'), 0)
        t.equal(v.call('pagesWithSlot'), 0)
        t.ok(free - v.free() <= 1500 * 24 / PAGE + 2, 'all frames are back, but for what notes slots')
        t.end()
      })
    }
  }

  t.test(`${e.kind}: in order, the disk is asked in large pieces, also for reading`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 1000 * PAGE)
    for (let page = 0; page < 1000; page++) v.write(0, A + page * PAGE, byte(page))
    v.settle()
    const writes = v.call('diskWrites', 0)
    t.ok(v.stat('swapOuts') / writes > 40, `${v.stat('swapOuts')} pages in ${writes} writes`)
    for (let page = 0; page < 1000; page++) t.equal(v.read(0, A + page * PAGE), byte(page))
    const reads = v.call('diskReads', 0)
    t.ok((v.stat('swapIns') + v.stat('readAhead')) / reads > 20, `${v.stat('swapIns') + v.stat('readAhead')} pages in ${reads} reads`)
    t.ok(v.stat('swapIns') < 60, 'most were there before they were needed')
    t.end()
  })

  t.test(`${e.kind}: at random, one page is read for one fault`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 1000 * PAGE)
    for (let page = 0; page < 1000; page++) v.write(0, A + page * PAGE, byte(page))
    const before = v.stat('readAhead')
    for (let i = 0; i < 300; i++) v.read(0, A + (i * 389 % 1000) * PAGE)
    t.equal(v.stat('readAhead'), before)
    t.equal(v.stat('swapIns'), v.call('diskReads', 0) - 1, 'and the header')
    t.end()
  })

  t.test(`${e.kind}: a page that is wanted while it is being written is taken back, and may be written to`, t => {
    const v = machine(e)
    v.swap(600, { delay: 1000 })
    v.create(0)
    v.mapAt(0, A, 40 * PAGE)
    for (let page = 0; page < 40; page++) v.write(0, A + page * PAGE, byte(page))
    v.call('evict', 40)
    t.equal(v.field(0, 'swapped'), 40 - v.field(0, 'resident'))
    const out = v.field(0, 'swapped')
    t.ok(out > 0)
    t.equal(v.call('pagesWriting'), out)
    t.equal(v.read(0, A), byte(0))
    t.equal(v.write(0, A + PAGE, 200), 200)
    t.equal(v.stat('cacheHits'), 2)
    t.equal(v.stat('swapIns'), 0)
    v.call('setDelay', 0, 0, 0)
    v.settle()
    t.equal(v.read(0, A), byte(0))
    t.equal(v.read(0, A + PAGE), 200)
    for (let i = 0; i < 8; i++) v.call('evict', 64)
    v.settle()
    t.equal(v.field(0, 'resident'), 0)
    t.same([0, 1, 2].map(page => v.read(0, A + page * PAGE)), [byte(0), 200, byte(2)])
    t.end()
  })

  t.test(`${e.kind}: pages that parent and child have in common are written once, read once, and copied when written to`, t => {
    const v = machine(e)
    v.swap(600)
    v.create(0)
    v.mapAt(0, A, 20 * PAGE)
    for (let page = 0; page < 20; page++) v.write(0, A + page * PAGE, byte(page))
    v.call('fork', 0, 1)
    for (let i = 0; i < 4; i++) v.call('evict', 64)
    v.settle()
    t.equal(v.field(0, 'swapped') + v.field(1, 'swapped'), 40)
    t.equal(v.slots('used'), 20)
    t.equal(v.stat('swapOuts'), 20)
    v.call('fork', 1, 2)
    t.equal(v.field(2, 'swapped'), 20)
    t.equal(v.read(0, A), byte(0))
    t.equal(v.read(1, A), byte(0))
    t.equal(v.entry(0, A)!.frame, v.entry(1, A)!.frame, 'the same frame again')
    t.equal(v.stat('swapIns'), 1)
    t.equal(v.write(1, A, 250), 250)
    t.equal(v.read(0, A), byte(0))
    t.equal(v.read(2, A), byte(0), 'whose page is still in its slot')
    t.equal(v.write(2, A + PAGE, 251), 251)
    t.equal(v.write(0, A + PAGE, 252), 252)
    for (let i = 0; i < 8; i++) v.call('evict', 64)
    v.settle()
    t.same([0, 1, 2].map(space => [v.read(space, A), v.read(space, A + PAGE)]), [[byte(0), 252], [250, byte(1)], [byte(0), 251]])
    for (const space of [1, 0, 2]) v.call('release', space)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.equal(v.call('pagesListed'), 0)
    t.end()
  })

  t.test(`${e.kind}: sectors that can not be written: their slots are never used again, the pages go elsewhere`, t => {
    const v = machine(e)
    v.swap(1500)
    v.call('failWrites', 0, 8 * 120, 8 * 123)
    v.create(0)
    v.mapAt(0, A, 900 * PAGE)
    t.equal(throughAll(v, 900), 0)
    t.equal(throughAll(v, 900, 0, 1), 0)
    t.equal(v.slots('retired'), 3)
    t.equal(v.slots('total'), 1499 - 3)
    t.ok(v.stat('writeRetries') >= 3)
    t.match(v.m.text(v.call('keptAddress')), /warn {2}swap: write-failed slot=120/)
    v.call('release', 0)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.end()
  })

  t.test(`${e.kind}: writes of which half arrives: no page is lost`, t => {
    const v = machine(e)
    v.swap(1500, { delay: 1 })
    v.create(0)
    v.mapAt(0, A, 900 * PAGE)
    v.call('tearWrites', 0, 3)
    t.equal(throughAll(v, 900), 0)
    t.ok(v.slots('writeErrors') <= 3)
    v.call('tearWrites', 0, 100)
    t.equal(throughAll(v, 900, 0, 1), 0)
    t.end()
  })

  t.test(`${e.kind}: a disk that takes no write any more: what is in memory stays, and the rest is read`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 900 * PAGE)
    t.equal(throughAll(v, 500), 0)
    v.call('failWrites', 0, 0, 100000)
    let page = 500
    while (page < 900 && v.write(0, A + page * PAGE, byte(page)) === byte(page)) page++
    t.equal(v.write(0, A + page * PAGE, 1), MemoryError.OutOfMemory)
    t.match(v.m.text(v.call('keptAddress')), /warn {2}swap: stopped slot=/)
    const got = Array.from({ length: page }, (_, each) => v.read(0, A + each * PAGE))
    t.same(got.filter((value, each) => value !== byte(each) && value !== MemoryError.OutOfMemory), [], 'no page has other contents')
    t.ok(got.filter((value, each) => value === byte(each)).length > 250, 'what was in memory is there')
    v.call('release', 0)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.end()
  })

  t.test(`${e.kind}: what can not be read is an error, not zeros; what can is read`, t => {
    const v = machine(e)
    v.swap(600)
    v.create(0)
    v.mapAt(0, A, 64 * PAGE)
    for (let page = 0; page < 64; page++) v.write(0, A + page * PAGE, byte(page))
    for (let i = 0; i < 4; i++) v.call('evict', 64)
    v.settle()
    const slot = (page: number) => v.call('entryLow', 0, A + page * PAGE) >>> 1
    const bad = slot(10)
    v.call('failReads', 0, bad * 8, bad * 8 + 1)
    const got = Array.from({ length: 64 }, (_, page) => v.read(0, A + page * PAGE))
    t.same(got.map((value, page) => value === byte(page) ? 0 : [page, value]).filter(each => each !== 0), [[10, MemoryError.InputOutput]])
    t.equal(v.call('memoryErrorIsBus', MemoryError.InputOutput), 1)
    v.call('failReads', 0, 0, 0)
    t.equal(v.read(0, A + 10 * PAGE), byte(10), 'the slot kept it')
    t.end()
  })

  t.test(`${e.kind}: a write that the disk lost is found out when the page is read`, t => {
    const v = machine(e)
    v.swap(600)
    v.create(0)
    v.mapAt(0, A, 8 * PAGE)
    for (let page = 0; page < 8; page++) v.write(0, A + page * PAGE, byte(page))
    v.call('loseWrites', 0, 1)
    for (let i = 0; i < 4; i++) v.call('evict', 64)
    v.settle()
    for (let page = 0; page < 8; page++) t.equal(v.read(0, A + page * PAGE), MemoryError.InputOutput)
    t.ok(v.slots('checksumErrors') >= 8)
    v.call('release', 0)
    t.equal(v.slots('used'), 0)
    t.end()
  })

  t.test(`${e.kind}: contents of two slots exchanged are found out`, t => {
    const v = machine(e)
    const disk = v.swap(600)
    v.create(0)
    v.mapAt(0, A, 2 * PAGE)
    v.write(0, A, 1)
    v.write(0, A + PAGE, 2)
    for (let i = 0; i < 4; i++) v.call('evict', 64)
    v.settle()
    const place = (page: number) => disk + (v.call('entryLow', 0, A + page * PAGE) >>> 1) * PAGE
    const [first, second] = [place(0), place(1)]
    const copy = Buffer.from(v.m.bytes(first, PAGE))
    v.m.write(first, v.m.bytes(second, PAGE))
    v.m.write(second, copy)
    t.equal(v.read(0, A), MemoryError.InputOutput)
    t.equal(v.read(0, A + PAGE), MemoryError.InputOutput)
    t.end()
  })

  t.test(`${e.kind}: swap full and memory full: who has most ends, the others go on`, t => {
    const v = machine(e)
    v.swap(200)
    v.create(0)
    v.create(1)
    v.call('onOutOfMemory', 1)
    v.mapAt(0, A, 800 * PAGE)
    v.mapAt(1, A, 800 * PAGE)
    for (let page = 0; page < 50; page++) v.write(1, A + page * PAGE, byte(page))
    let page = 0
    v.call('use', 1)
    while (v.call('kills') === 0 && page < 800) {
      if (page < 300) v.write(0, A + page * PAGE, 9)
      else v.write(1, A + (page - 250) * PAGE, byte(page - 250))
      page++
    }
    t.equal(v.call('kills'), 1, 'after both are full')
    t.ok(page > 400, `${page} pages`)
    t.equal(v.call('spaceCount'), 1, 'the larger one is gone')
    for (let each = 0; each < 50; each++) t.equal(v.read(1, A + each * PAGE), byte(each))
    t.match(v.m.text(v.call('keptAddress')), /warn {2}memory: out ended_resident=/)
    t.end()
  })

  t.test(`${e.kind}: when the one that needs memory is the one that ends, its access fails`, t => {
    const v = machine(e)
    v.swap(200)
    v.create(0)
    v.call('use', 0)
    v.call('onOutOfMemory', 1)
    v.mapAt(0, A, 800 * PAGE)
    let page = 0
    while (v.write(0, A + page * PAGE, byte(page)) === byte(page)) page++
    t.equal(v.write(0, A + page * PAGE, 1), MemoryError.OutOfMemory)
    t.equal(v.call('kills'), 1, 'asked once')
    t.ok(page > 420, `${page} pages of ${FRAMES} frames and 199 slots`)
    v.call('use', 1000)
    v.call('release', 0)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.end()
  })

  t.test(`${e.kind}: swapoff brings everything back, or leaves everything as it is`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 600 * PAGE)
    v.mapAt(0, 0x10000000, 100 * PAGE)
    for (let page = 0; page < 600; page++) v.write(0, A + page * PAGE, byte(page))
    t.equal(v.call('swapOff'), -15, 'no room for all of it')
    t.ok(v.slots('used') > 0)
    t.equal(v.read(0, A + 3 * PAGE), byte(3))
    v.call('unmap', 0, A + 150 * PAGE, 450 * PAGE)
    v.call('fork', 0, 1)
    for (let i = 0; i < 8; i++) v.call('evict', 64)
    v.call('protect', 0, A + 5 * PAGE, PAGE, Prot.None)
    t.equal(v.call('swapOff'), 0)
    t.equal(v.field(0, 'swapped') + v.field(1, 'swapped'), 0)
    t.equal(v.slots('used'), 0)
    t.equal(v.slots('total'), 0, 'the disk is nobody\'s')
    t.equal(v.read(0, A + 5 * PAGE), MemoryError.PrivilegeViolation)
    for (let page = 0; page < 150; page++) if (page !== 5) t.equal(v.read(0, A + page * PAGE), byte(page))
    for (let page = 0; page < 150; page++) t.equal(v.read(1, A + page * PAGE), byte(page))
    t.equal(v.call('swapOff'), -7)
    t.equal(v.call('swapStart'), 0, 'and on again')
    t.end()
  })

  t.test(`${e.kind}: whatever happens while a fault waits for the disk`, t => {
    const set = (what: number, after: number) => {
      const v = machine(e)
      v.swap(1500, { delay: 2 })
      v.create(0)
      v.mapAt(0, A, 700 * PAGE)
      for (let page = 0; page < 700; page++) v.write(0, A + page * PAGE, byte(page))
      v.settle()
      t.equal(v.entry(0, A)!.present, false)
      v.call('meanwhile', after, what, 0, A)
      return v
    }
    for (const after of [1, 2]) {
      const unmapped = set(0, after)
      t.equal(unmapped.read(0, A), MemoryError.InvalidAddress)
      t.equal(unmapped.read(0, A + PAGE), byte(1))
      const written = set(1, after)
      t.equal(written.read(0, A), 0xee)
      const forked = set(2, after)
      t.equal(forked.read(0, A), byte(0))
      t.equal(forked.read(100, A), byte(0))
      t.equal(forked.write(100, A, 77), 77)
      t.equal(forked.read(0, A), byte(0))
      forked.call('release', 0)
      forked.call('release', 100)
      forked.settle()
      t.equal(forked.slots('used'), 0)
    }
    t.end()
  })

  t.test(`${e.kind}: a process that ends while its pages are on their way, out and in`, t => {
    const v = machine(e)
    v.swap(1500, { delay: 50 })
    v.create(0)
    v.mapAt(0, A, 400 * PAGE)
    for (let page = 0; page < 400; page++) v.write(0, A + page * PAGE, byte(page))
    v.settle()
    for (let page = 0; page < 120 && v.call('clustersInFlight') === 0; page++) v.read(0, A + page * PAGE)
    t.ok(v.call('clustersInFlight') > 0, 'pages are on their way in')
    v.call('evict', 64)
    t.ok(v.call('pagesWriting') > 0, 'and out')
    v.call('release', 0)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.equal(v.call('pagesListed'), 0)
    t.equal(v.call('pagesWithSlot'), 0)
    t.end()
  })

  t.test(`${e.kind}: a process that ends after it has taken back pages that are still being written, well or not`, t => {
    for (const tear of [0, 3]) {
      const v = machine(e)
      v.swap(600, { delay: 1000 })
      v.create(0)
      v.mapAt(0, A, 40 * PAGE)
      for (let page = 0; page < 40; page++) v.write(0, A + page * PAGE, byte(page))
      v.call('evict', 40)
      t.ok(v.call('pagesWriting') > 0)
      for (let page = 0; page < 20; page++) t.equal(v.read(0, A + page * PAGE), byte(page))
      v.call('tearWrites', 0, tear)
      v.call('release', 0)
      v.call('evict', 64)
      v.call('pagesAge')
      v.call('setDelay', 0, 0, 0)
      v.settle()
      t.equal(v.slots('used'), 0)
      t.equal(v.call('pagesListed'), 0)
      t.equal(v.call('pagesWithSlot'), 0)
    }
    t.end()
  })

  t.test(`${e.kind}: memory moved by mremap while it is out, or on its way, keeps its contents`, t => {
    const v = machine(e)
    v.swap(1500, { delay: 5 })
    v.create(0)
    v.mapAt(0, A, 100 * PAGE)
    for (let page = 0; page < 100; page++) v.write(0, A + page * PAGE, byte(page))
    v.call('fork', 0, 1)
    v.call('evict', 64)
    t.ok(v.call('pagesWriting') > 0)
    t.equal(v.call('remap', 0, A, 100 * PAGE, 100 * PAGE, 3, 8 * A), 8 * A)
    for (let page = 0; page < 100; page++) {
      t.equal(v.read(1, A + page * PAGE), byte(page))
      t.equal(v.read(0, 8 * A + page * PAGE), byte(page))
    }
    v.write(0, 8 * A, 99)
    t.equal(v.read(1, A), byte(0))
    for (let i = 0; i < 8; i++) { v.call('evict', 64); v.settle() }
    for (let page = 1; page < 100; page++) {
      t.equal(v.read(0, 8 * A + page * PAGE), byte(page))
      t.equal(v.read(1, A + page * PAGE), byte(page))
    }
    v.call('release', 0)
    v.call('release', 1)
    v.settle()
    t.equal(v.slots('used'), 0)
    t.end()
  })

  t.test(`${e.kind}: a disk that takes one page at a time`, t => {
    const v = machine(e)
    v.swap(1500, { depth: 1 })
    v.call('setPieceLimit', 0, 1)
    v.create(0)
    v.mapAt(0, A, 600 * PAGE)
    t.equal(throughAll(v, 600), 0)
    t.equal(v.call('diskLargest', 0), 8)
    t.end()
  })

  t.test(`${e.kind}: pages that are not needed any more are forgotten without a write, but those that were written to since`, t => {
    const FREE = 8
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 40 * PAGE)
    const fill = () => { for (let page = 0; page < 40; page++) v.write(0, A + page * PAGE, byte(page)) }
    const leave = () => { for (let i = 0; i < 4; i++) v.call('evict', 64), v.settle() }
    fill()
    t.equal(v.call('advise', 0, A, 40 * PAGE, FREE), 0)
    t.equal(v.read(0, A + 3 * PAGE), byte(3), 'until memory runs short they are there')
    for (let page = 10; page < 20; page++) v.write(0, A + page * PAGE, 200 + page)
    leave()
    t.equal(v.stat('swapOuts'), 10)
    t.equal(v.field(0, 'resident'), 0)
    for (let page = 0; page < 40; page++) t.equal(v.read(0, A + page * PAGE), page >= 10 && page < 20 ? 200 + page : 0)
    fill()
    leave()
    for (let page = 0; page < 20; page++) v.read(0, A + page * PAGE)
    t.equal(v.call('advise', 0, A, 40 * PAGE, FREE), 0)
    t.equal(v.slots('used'), 0, 'what the disk had of them is forgotten at once')
    leave()
    for (let page = 0; page < 40; page++) t.equal(v.read(0, A + page * PAGE), 0)
    fill()
    v.call('fork', 0, 1)
    t.equal(v.call('advise', 0, A, 40 * PAGE, FREE), 0)
    for (let page = 0; page < 40; page++) t.same([v.read(0, A + page * PAGE), v.read(1, A + page * PAGE)], [0, byte(page)], 'a child keeps its own')
    v.call('advise', 1, A, 40 * PAGE, FREE)
    v.call('fork', 1, 2)
    leave()
    for (const space of [1, 2]) for (let page = 0; page < 40; page++) t.equal(v.read(space, A + page * PAGE), 0)
    for (const space of [0, 1, 2]) v.call('release', space)
    t.same([v.slots('used'), v.call('pagesListed')], [0, 0])
    t.end()
  })

  t.test(`${e.kind}: files stay, private copies of them and shared memory leave`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.call('objectMake', 40, v.m.alloc(200))
    v.call('mapObject', 0, 8 * A, 40 * PAGE, Prot.ReadWrite, Map.Private | Map.Fixed, 0)
    v.mapAt(0, 16 * A, 20 * PAGE, Prot.ReadWrite, Map.Shared | Map.Fixed)
    v.mapAt(0, A, 600 * PAGE)
    for (let page = 0; page < 40; page++) v.read(0, 8 * A + page * PAGE)
    for (let page = 0; page < 20; page++) v.write(0, 8 * A + page * PAGE, 100 + page)
    for (let page = 0; page < 20; page++) v.write(0, 16 * A + page * PAGE, 50 + page)
    t.equal(throughAll(v, 600), 0)
    for (let page = 0; page < 40; page++) t.equal(v.entry(0, 8 * A + page * PAGE)!.present, page >= 20)
    for (let page = 0; page < 20; page++) t.equal(v.entry(0, 16 * A + page * PAGE), null, 'who touches it asks the object')
    for (let page = 0; page < 40; page++) t.equal(v.read(0, 8 * A + page * PAGE), page < 20 ? 100 + page : page + 1)
    for (let page = 0; page < 20; page++) t.equal(v.read(0, 16 * A + page * PAGE), 50 + page)
    t.end()
  })

  const SHARED = 0x10000000
  /** Shared memory of three spaces: two have it at one address, the third elsewhere. */
  const sharing = (pages: number, options = {}) => {
    const v = machine(e)
    const disk = v.swap(1500, options)
    v.create(0)
    v.mapAt(0, SHARED, pages * PAGE, Prot.ReadWrite, Map.Shared | Map.Fixed)
    for (const child of [1, 2]) v.call('fork', 0, child)
    v.call('remap', 2, SHARED, pages * PAGE, pages * PAGE, 3, 2 * SHARED)
    return Object.assign(v, { disk })
  }
  const at = (space: number, page: number) => (space === 2 ? 2 : 1) * SHARED + page * PAGE
  /** All that can leave does. */
  const emptied = (v: VmMachine) => {
    for (let i = 0; i < 40; i++) {
      v.call('evict', 64)
      v.settle()
    }
  }
  const gone = (v: VmMachine, spaces: number[]) => {
    for (const space of spaces) v.call('release', space)
    v.settle()
    return { slots: v.slots('used'), listed: v.call('pagesListed'), withSlot: v.call('pagesWithSlot') }
  }
  const nothing = { slots: 0, listed: 0, withSlot: 0 }

  for (const options of [{}, { delay: 3, newestFirst: 1, depth: 2 }]) {
    t.test(`${e.kind}: shared memory is written once for all, and what one writes the others read, ${JSON.stringify(options)}`, t => {
      const v = sharing(600, options)
      const random = xorshift(77)
      const bytes = Array.from({ length: 600 }, () => 0)
      let wrong = 0
      for (let i = 0; i < 2500; i++) {
        const [space, page] = [random(3), i < 600 ? i : random(600)]
        if (v.read(space, at(space, page)) !== bytes[page]) wrong++
        if (random(2) === 0) v.write(space, at(space, page), bytes[page] = 1 + random(255))
      }
      t.equal(wrong, 0)
      t.ok(v.stat('swapOuts') > 600 - FRAMES)
      t.ok(v.stat('dropped') > 50, 'what nobody has written to since is not written again')
      emptied(v)
      t.same([v.slots('used'), v.field(0, 'resident'), v.field(2, 'resident')], [600, 0, 0])
      for (let page = 0; page < 600; page++) for (const space of [0, 1, 2]) if (v.read(space, at(space, page)) !== bytes[page]) wrong++
      t.equal(wrong, 0)
      t.same(gone(v, [0, 1]).slots > 0, true, 'one still has it')
      for (let page = 0; page < 600; page++) if (v.read(2, at(2, page)) !== bytes[page]) wrong++
      t.equal(wrong, 0)
      t.same(gone(v, [2]), nothing)
      t.end()
    })
  }

  t.test(`${e.kind}: what a process wrote to shared memory outlasts it, though the disk has older contents`, t => {
    const v = sharing(8)
    for (let page = 0; page < 8; page++) v.write(0, at(0, page), 1 + page)
    emptied(v)
    t.equal(v.slots('used'), 8)
    for (let page = 0; page < 8; page++) t.equal(v.read(1, at(1, page)), 1 + page)
    for (let page = 0; page < 4; page++) v.write(1, at(1, page), 100 + page)
    v.call('release', 1)
    v.call('advise', 2, 2 * SHARED, 8 * PAGE, 4)
    emptied(v)
    for (const space of [0, 2]) for (let page = 0; page < 8; page++) t.equal(v.read(space, at(space, page)), page < 4 ? 100 + page : 1 + page)
    t.same(gone(v, [0, 2]), nothing)
    t.end()
  })

  t.test(`${e.kind}: shared memory on its way: taken back, given up, read by two, gone before it has come`, t => {
    for (const ends of [false, true]) {
      const v = sharing(40, { delay: 6 })
      for (let page = 0; page < 40; page++) v.write(0, at(0, page), 1 + page)
      v.call('evict', 64)
      v.call('evict', 64)
      t.ok(v.call('pagesWriting') > 0)
      t.equal(v.write(1, at(1, 3), 200), 200, 'wanted while it is being written')
      if (!ends) v.settle()
      for (let page = 0; page < 40; page++) t.equal(v.read(2, at(2, page)), page === 3 ? 200 : 1 + page)
      v.call('evict', 64)
      if (ends) {
        t.same(gone(v, [0, 1, 2]), nothing)
        continue
      }
      emptied(v)
      v.call('meanwhile', 1, 0, 0, at(0, 5))
      t.equal(v.read(0, at(0, 5)), MemoryError.InvalidAddress, 'unmapped while it was read')
      t.equal(v.read(1, at(1, 5)), 6)
      emptied(v)
      for (const space of [0, 1]) v.call('release', space)
      v.call('meanwhile', 1, 0, 2, at(2, 7))
      t.equal(v.read(2, at(2, 7)), MemoryError.InvalidAddress)
      t.same(gone(v, [2]), nothing)
    }
    t.end()
  })

  t.test(`${e.kind}: the last region of shared memory goes while one of its pages is read`, t => {
    const v = machine(e)
    v.swap(1500, { delay: 4 })
    v.create(0)
    v.mapAt(0, SHARED, PAGE, Prot.ReadWrite, Map.Shared | Map.Fixed)
    v.write(0, SHARED, 9)
    emptied(v)
    v.call('meanwhile', 1, 0, 0, SHARED)
    t.equal(v.read(0, SHARED), MemoryError.InvalidAddress)
    t.same(gone(v, [0]), nothing)
    t.end()
  })

  t.test(`${e.kind}: shared memory and a disk that fails: nothing is lost but what can not be read, and that is an error`, t => {
    const v = sharing(40)
    for (let page = 0; page < 40; page++) v.write(0, at(0, page), 1 + page)
    emptied(v)
    const slotOf = (byte: number) => Array.from({ length: 1499 }, (_, i) => 1499 - i).find(slot => v.m.read32(v.disk + slot * PAGE) === byte)!
    const bad = slotOf(5)
    v.call('failWrites', 0, 8 * (bad + 40), 8 * (bad + 42))
    for (let page = 0; page < 40; page++) t.equal(v.write(1, at(1, page), 101 + page), 101 + page)
    emptied(v)
    t.equal(v.slots('retired'), 2)
    for (let page = 0; page < 40; page++) t.equal(v.read(1, at(1, page)), 101 + page)
    for (let page = 0; page < 40; page++) v.write(2, at(2, page), 1 + page)
    emptied(v)
    t.equal(v.slots('used'), 40)
    const wrong = slotOf(21)
    v.call('failReads', 0, 8 * wrong, 8 * (wrong + 1))
    const read = Array.from({ length: 40 }, (_, page) => v.read(2, at(2, page)))
    t.same([...new Set(read.filter((byte, page) => byte !== 1 + page))], [MemoryError.InputOutput])
    t.equal(read.filter((byte, page) => byte !== 1 + page).length, 1)
    v.call('failReads', 0, 0, 0)
    for (let page = 0; page < 40; page++) t.equal(v.read(2, at(2, page)), 1 + page)
    t.same(gone(v, [0, 1, 2]), nothing)
    t.end()
  })

  t.test(`${e.kind}: swapoff brings shared memory back, or says that there is no room`, t => {
    const v = sharing(100)
    for (let page = 0; page < 100; page++) v.write(0, at(0, page), 1 + page)
    emptied(v)
    t.equal(v.call('swapOff'), 0)
    t.equal(v.slots('used'), 0)
    for (const space of [0, 1, 2]) for (let page = 0; page < 100; page++) t.equal(v.read(space, at(space, page)), 1 + page)
    t.same(gone(v, [0, 1, 2]), nothing)
    t.end()
  })

  t.test(`${e.kind}: pages leave in good time when the main loop asks`, t => {
    const v = machine(e)
    v.swap(1500)
    v.create(0)
    v.mapAt(0, A, 600 * PAGE)
    let page = 0
    while (v.free() > v.call('watermarkLow')) { v.write(0, A + page * PAGE, byte(page)); page++ }
    t.equal(v.stat('swapOuts'), 0)
    t.equal(v.call('reclaimPoll'), 1)
    v.settle()
    t.ok(v.free() >= v.call('watermarkHigh'))
    t.equal(v.call('reclaimPoll'), 0)
    t.equal(v.call('slept'), 0)
    t.end()
  })
}
