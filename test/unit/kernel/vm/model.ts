// Address spaces under random operation against a model: a page of a space is nothing, or rights and a byte. After every step
// the model and the regions say the same; at the end every byte is read, and nothing is left behind. With memory enough, and with
// less than the pages need, on a disk that is slow, turns requests round and tears writes.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Errno, MemoryError, PAGE, Prot, VmMachine, xorshift } from '../../../vm-machine.ts'

const A = 0x3ff000 // a page table ends one page later
const PAGES = 24
const SPACES = 4
const STEPS = 4000

interface Page { rights: number, byte: number }
type Space = (Page | null)[]

for (const e of await engines('test/kernel/vm.ts')) for (const seed of [20261128, 1, 2, 3]) {
  const swapping = seed < 10
  t.test(`${e.kind}: ${STEPS} random operations on up to ${SPACES} spaces, ${swapping ? `swapping, ${seed}` : 'memory enough'}`, t => {
    const random = xorshift(seed * 65537)
    const v = new VmMachine(e, swapping ? 115 : 800)
    if (swapping) v.swap(500, { delay: seed, newestFirst: seed & 1, algorithm: seed - 1 })
    for (const each of [10, 11, 12, 13]) v.create(each)
    v.mapAt(10, A, PAGE)
    for (const each of [10, 11, 12, 13]) v.call('release', each)
    const free = v.free()
    const spaces: (Space | null)[] = new Array<Space | null>(SPACES).fill(null)
    const rights = [Prot.None, Prot.Read, Prot.ReadWrite, Prot.ReadWrite, Prot.ReadExecute]

    const expected = (page: Page | null, writing: boolean) => {
      if (page === null) return MemoryError.InvalidAddress
      if (writing && (page.rights & 2) === 0) return MemoryError.WriteViolation
      return page.rights === 0 ? MemoryError.PrivilegeViolation : 0
    }
    const range = () => {
      const start = random(PAGES)
      return [start, 1 + random(PAGES - start)] as const
    }
    const runs = (space: Space) => {
      let count = 0
      space.forEach((page, i) => {
        if (page !== null && (i === 0 || space[i - 1] === null || space[i - 1]!.rights !== page.rights)) count++
      })
      return count
    }

    let faults: string[] = []
    const check = (what: string, got: unknown, wanted: unknown) => {
      if (got !== wanted) faults.push(`${what}: ${got}, not ${wanted}`)
    }

    for (let step = 0; step < STEPS && faults.length === 0; step++) {
      if (swapping) {
        const what = random(6)
        if (what === 0 || what === 5) v.call('evict', 1 + random(40))
        if (what === 1) v.call('pollDisk', 0)
        if (what === 2 && random(50) === 0) v.call('tearWrites', 0, 1 + random(3))
        if (what === 3 && random(100) === 0) v.call('pagesAge')
      }
      const index = random(SPACES)
      const space = spaces[index]
      if (space === null || space === undefined) {
        const other = random(SPACES)
        const parent = spaces[other]
        if (parent !== null && parent !== undefined && random(3) > 0) {
          check('fork', v.call('fork', other, index), 1)
          spaces[index] = parent.map(page => page === null ? null : { ...page })
        } else {
          v.create(index)
          spaces[index] = new Array<Page | null>(PAGES).fill(null)
        }
        continue
      }
      const [start, pages] = range()
      const [from, bytes] = [A + start * PAGE, pages * PAGE]
      const inside = space.slice(start, start + pages)
      const op = random(12)
      switch (op) {
        case 0:
          if (random(8) === 0) {
            v.call('release', index)
            spaces[index] = null
          }
          break
        case 1: case 2: {
          const right = rights[random(rights.length)]!
          v.mapAt(index, from, bytes, right)
          for (let i = start; i < start + pages; i++) space[i] = { rights: right, byte: 0 }
          break
        }
        case 3:
          check('unmap', v.call('unmap', index, from, bytes), 0)
          for (let i = start; i < start + pages; i++) space[i] = null
          break
        case 4: {
          const right = rights[random(rights.length)]!
          const all = inside.every(page => page !== null)
          check('protect', v.call('protect', index, from, bytes, right), all ? 0 : Errno.OutOfMemory)
          if (all) for (const page of inside) page!.rights = right
          break
        }
        case 5: {
          const all = inside.every(page => page !== null)
          check('advise', v.call('advise', index, from, bytes, 4), all ? 0 : Errno.OutOfMemory)
          if (all) for (const page of inside) page!.byte = 0
          break
        }
        case 6: {
          const to = random(PAGES - pages + 1)
          const overlap = to < start + pages && start < to + pages
          const one = inside.every(page => page !== null && page.rights === inside[0]!.rights)
          const moved = v.call('remap', index, from, bytes, bytes, 3, A + to * PAGE) >>> 0
          if (!one) check('remap', moved | 0, Errno.BadAddress)
          else if (overlap) check('remap', moved | 0, Errno.InvalidArgument)
          else {
            check('remap', moved, A + to * PAGE)
            for (let i = 0; i < pages; i++) {
              space[to + i] = inside[i]!
              space[start + i] = null
            }
          }
          break
        }
        case 7: case 8: case 9: {
          const byte = 1 + random(255)
          const wanted = expected(space[start]!, true)
          check('write', v.write(index, from, byte), wanted === 0 ? byte : wanted)
          if (wanted === 0) space[start]!.byte = byte
          break
        }
        default:
          for (let i = start; i < start + pages; i++) {
            const wanted = expected(space[i]!, false)
            check('read', v.read(index, A + i * PAGE), wanted === 0 ? space[i]!.byte : wanted)
          }
      }
      const after = spaces[index]
      if (after !== null && after !== undefined) {
        check('pages', v.field(index, 'pages'), after.filter(page => page !== null).length)
        check('regions', v.regions(index).length, runs(after))
      }
      if (faults.length > 0) faults = [`step ${step}, operation ${op}, space ${index}, page ${start}, ${pages} pages`, ...faults]
    }
    t.same(faults, [])
    spaces.forEach((space, index) => {
      if (space === null) return
      space.forEach((page, i) => {
        const wanted = expected(page, false)
        check(`space ${index} page ${i}`, v.read(index, A + i * PAGE), wanted === 0 ? page!.byte : wanted)
      })
      v.call('release', index)
    })
    t.same(faults, [])
    t.equal(v.call('spaceCount'), 0)
    t.equal(v.stat('pageTables'), 0)
    if (swapping) {
      v.settle()
      t.ok(v.stat('swapOuts') > 150 && v.stat('swapIns') > 50, `${v.stat('swapOuts')} out, ${v.stat('swapIns')} in`)
      t.equal(v.slots('used'), 0)
      t.equal(v.call('pagesListed'), 0)
      t.equal(v.call('pagesWithSlot'), 0)
    }
    t.ok(free - v.free() <= (swapping ? 5 : 1), 'pools may keep a slab more, and slots are noted in frames')
    t.end()
  })
}
