// Which disk is swapped to: the rule of docs/contract.md, and that no other disk is ever written to.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { header, PAGE, SwapMachine } from '../../../swap-machine.ts'

const MIB = 1 << 20
const NONE = 'warn  swap: none why="no disk has a swap header or is blank"'
const NOT_BLANK = 'no swap header, and its first and last MiB are not all zero'

/** `bytes` zeros, but for one byte. */
function but(bytes: number, at: number): Uint8Array {
  const contents = new Uint8Array(bytes)
  contents[at] = 1
  return contents
}

const ON = (disk: string, slots: number) => new RegExp(`^info  swap: on disk=${disk} slots=${slots} uuid=[0-9a-f-]{36}$`)
const MADE = (disk: string, pages: number) => new RegExp(`^info  swap: header-written disk=${disk} pages=${pages} uuid=[0-9a-f-]{36}$`)

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: no disk`, t => {
    t.same(new SwapMachine(e).start(), ['info  swap: none why="there is no disk"'])
    t.end()
  })

  t.test(`${e.kind}: swap=none uses none, whatever there is`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(MIB, { contents: header(256) })
    t.same(machine.start('swap=none'), ['info  swap: none why="swap=none"'])
    t.equal(machine.call('diskReads', 0) + machine.call('diskWrites', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: a disk with a header goes before a blank one`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(MIB)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    t.match(machine.start(), [ON('vdb', 63)])
    t.equal(machine.call('diskWrites', 0), 0)
    t.equal(machine.call('kernelDevice'), 1)
    t.end()
  })

  t.test(`${e.kind}: the first of two with a header`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.addDisk(64 * PAGE, { contents: header(64) })
    t.match(machine.start(), [ON('vda', 63)])
    t.end()
  })

  t.test(`${e.kind}: the first blank one gets a header, which is flushed`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(3 * MIB, { contents: but(3 * MIB, 0) })
    machine.addDisk(3 * MIB)
    machine.addDisk(3 * MIB)
    t.match(machine.start(), [`warn  swap: disk-refused disk=vda why="${NOT_BLANK}"`, MADE('vdb', 768), ON('vdb', 767)])
    t.same([0, 1, 2].map(disk => machine.call('diskWrites', disk)), [0, 1, 0])
    t.equal(machine.call('diskFlushes', 1), 1)
    t.end()
  })

  for (const [where, at] of [['first', 0], ['4,097th', 4096], ['last of the first MiB', MIB - 1], ['first of the last MiB', 2 * MIB], ['last', 3 * MIB - 1]] as const) {
    t.test(`${e.kind}: a disk whose ${where} byte is not zero is not touched`, t => {
      const machine = new SwapMachine(e)
      machine.addDisk(3 * MIB, { contents: but(3 * MIB, at) })
      t.same(machine.start(), [`warn  swap: disk-refused disk=vda why="${NOT_BLANK}"`, NONE])
      t.equal(machine.call('diskWrites', 0), 0)
      t.end()
    })
  }

  t.test(`${e.kind}: a byte in the middle, outside both, does not count, as the contract says`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(3 * MIB, { contents: but(3 * MIB, MIB + 1000) })
    t.match(machine.start(), [MADE('vda', 768), ON('vda', 767)])
    t.end()
  })

  t.test(`${e.kind}: swap=vdb takes that disk, and gives it a header whatever is on it`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    machine.addDisk(MIB, { contents: but(MIB, 5) })
    t.match(machine.start('swap=vdb'), [MADE('vdb', 256), ON('vdb', 255)])
    t.equal(machine.call('diskReads', 0) + machine.call('diskWrites', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: swap=vda with a header keeps it`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64) })
    t.match(machine.start('swap=vda'), [ON('vda', 63)])
    t.equal(machine.call('diskWrites', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: swap=vda with a header that is not valid is refused: it may be somebody's`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(64, { version: 0x01000000 }) })
    t.same(machine.start('swap=vda'), [
      'warn  swap: disk-refused disk=vda why="swap header of the other byte order"',
      'warn  swap: none why="the disk that swap= says can not be used"',
    ])
    t.equal(machine.call('diskWrites', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: swap=vdc without such a disk does not take another`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(MIB)
    t.same(machine.start('swap=vdc'), ['warn  swap: none why="there is no disk of the name that swap= says"'])
    t.equal(machine.call('diskWrites', 0), 0)
    t.end()
  })

  const unusable: [what: string, why: string, prepare: (machine: SwapMachine) => void][] = [
    ['read-only', 'read-only', machine => { machine.addDisk(MIB, { contents: header(256) }); machine.call('setReadOnly', 0, 1) }],
    ['with blocks of 8 KiB', 'its blocks are larger than a page', machine => machine.addDisk(MIB, { blockSize: 8192 })],
    ['of nine pages', 'smaller than 10 pages', machine => machine.addDisk(9 * PAGE)],
    ['whose first page can not be read', 'its first page can not be read', machine => { machine.addDisk(MIB); machine.call('failReads', 0, 0, 1) }],
    ['whose last sector can not be read', 'its first or last MiB can not be read', machine => { machine.addDisk(3 * MIB); machine.call('failReads', 0, 6143, 6144) }],
    ['that can not be written', 'its header can not be written', machine => { machine.addDisk(MIB); machine.call('failWrites', 0, 0, 8) }],
    ['that can not be flushed', 'its header can not be written', machine => { machine.addDisk(MIB); machine.call('failFlushes', 0, 1) }],
  ]
  for (const [what, why, prepare] of unusable) {
    t.test(`${e.kind}: a disk ${what} is passed over, with the reason; the next is taken`, t => {
      const alone = new SwapMachine(e)
      prepare(alone)
      t.same(alone.start(), [`warn  swap: disk-refused disk=vda why="${why}"`, NONE])
      const two = new SwapMachine(e)
      prepare(two)
      two.addDisk(64 * PAGE)
      t.match(two.start().slice(-2), [MADE('vdb', 64), ON('vdb', 63)])
      t.end()
    })
  }

  t.test(`${e.kind}: a blank disk of 4 KiB blocks`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(3 * MIB, { blockSize: 4096 })
    t.match(machine.start(), [MADE('vda', 768), ON('vda', 767)])
    t.end()
  })

  t.test(`${e.kind}: a disk without a flush operation`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(MIB)
    machine.call('setCanFlush', 0, 0)
    t.match(machine.start(), [MADE('vda', 256), ON('vda', 255)])
    t.equal(machine.call('diskFlushes', 0), 0)
    t.end()
  })
}
