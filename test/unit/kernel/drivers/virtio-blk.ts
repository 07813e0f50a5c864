// virtio-blk against a device of the test's: requests, their outcomes, and everything a device could get wrong.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { place, Register, virtioDevice, type VirtioOptions } from '../../../pci-double.ts'
import { ringDevice, type Chain } from '../../../ring-device.ts'

const enum Feature { Version1 = 1, SizeMax = 2, SegMax = 4, ReadOnly = 0x20, BlockSize = 0x40, Flush = 0x200, EventIndex = 0x20000000 }
const USUAL = Feature.Version1 | Feature.SegMax | Feature.BlockSize | Feature.Flush | Feature.EventIndex
const enum Operation { Read, Write, Flush }
const enum Errno { Io = -5, Busy = -16, Invalid = -22, ReadOnly = -30, NotSupported = -95 }
const enum DiskField { Sectors, BlockSize, Depth, InFlight, ReadOnly, CanFlush, Pending, Reads, Writes, Flushes, Errors,
  SectorsRead, SectorsWritten }
const NEEDS_RESET = 64

interface Limits { capacity?: bigint, sizeMax?: number, segMax?: number, blockSize?: number }

function configuration({ capacity = 1000n, sizeMax = 0, segMax = 6, blockSize = 512 }: Limits): number[] {
  const view = new DataView(new ArrayBuffer(24))
  view.setBigUint64(0, capacity, true)
  view.setUint32(8, sizeMax, true)
  view.setUint32(12, segMax, true)
  view.setUint32(20, blockSize, true)
  return [...new Uint8Array(view.buffer)]
}

class Drive {
  readonly ring
  readonly device
  constructor(readonly m: Instance, o: VirtioOptions = {}, limits: Limits = {}) {
    m.call('setUp', 16, 3)
    const frames = m.alloc(1 << 20, 1 << 20)
    m.call('framesAddRegion', frames - 0x80000000, frames - 0x80000000 + (1 << 20))
    this.device = virtioDevice(m, place(0, 4), 0x1042, 2,
      { features: USUAL, configuration: configuration(limits), vectors: 2, queueSize: 32, ...o })
    m.call('pciProbe')
    if (m.call('driversProbe') !== 1) throw new Error(`the disk was refused: ${this.log()}`)
    this.ring = ringDevice(m, m.call('diskQueue') >>> 0)
  }
  field(f: DiskField) { return this.m.call('diskField', f) >>> 0 }
  log() {
    const out = this.m.alloc(8192)
    return Buffer.from(this.m.bytes(out, this.m.call('logText', out, 8192))).toString()
  }
  request(operation: Operation, sector: number, sectors: number, buffer = 0x100000) {
    const p = this.m.alloc(64)
    this.m.call('requestSet', p, operation, sector, sectors, buffer)
    return p
  }
  submit(p: number) { return this.m.call('diskSubmit', p) }
  poll() { return this.m.call('diskPoll') }
  /** done, result, which completion. */
  state(p: number) { return [0, 1, 2].map(f => this.m.call('requestField', p, f)) }
  /** End a chain with a status. */
  finish(chain: Chain, status: number, length?: number) {
    const last = chain.elements.at(-1)!
    this.m.write(last.address, [status])
    const written = chain.elements.filter(each => each.write).reduce((sum, each) => sum + each.length, 0)
    this.ring.use(chain.head, length ?? written)
  }
  header(chain: Chain) {
    const at = chain.elements[0]!.address
    return [0, 4, 8, 12].map(o => this.m.read32(at + o) >>> 0)
  }
}

for (const e of await engines('test/kernel/virtio.ts')) {
  t.test(`${e.kind}: what a disk says of itself`, t => {
    const disk = new Drive(e.start(), {}, { capacity: 131072n, blockSize: 4096 })
    t.same([0, 1, 2, 3, 4, 5].map(f => disk.field(f)), [131072, 4096, 10, 0, 0, 1])
    t.match(disk.log(), /info {2}virtio-blk: found disk=vda pci=00:04.0 sectors=131072 block=4096 access=rw flush=yes/)
    t.match(disk.log(), /found disk=vda .* interrupts=msix depth=10/)
    const plain = new Drive(e.start(), { features: Feature.Version1 | Feature.ReadOnly, vectors: 0 }, { blockSize: 4096 })
    t.same([1, 4, 5].map(f => plain.field(f)), [512, 1, 0], 'BLK_SIZE and FLUSH were not offered')
    const huge = new Drive(e.start(), {}, { capacity: 1n << 33n })
    t.equal(huge.field(DiskField.Sectors), 0xffffffff, 'what is past 2^32 - 1 sectors is not used')
    const deep = new Drive(e.start(), { queueSize: 256 })
    t.equal(deep.field(DiskField.Depth), 64)
    for (const blockSize of [0, 256, 1000]) {
      t.equal(new Drive(e.start(), {}, { blockSize }).field(DiskField.BlockSize), 512, `a block of ${blockSize} is none`)
    }
    t.end()
  })

  t.test(`${e.kind}: a read: header, data, status, §5.2.6`, t => {
    const disk = new Drive(e.start())
    const p = disk.request(Operation.Read, 5, 3)
    t.equal(disk.submit(p), 0)
    const [chain] = disk.ring.take()
    t.same(chain!.elements.map(each => [each.length, each.write]), [[16, false], [1536, true], [1, true]])
    t.equal(chain!.elements[1]!.address, 0x80100000)
    t.same(disk.header(chain!), [0, 0, 5, 0])
    t.same(disk.state(p), [0, 0, 0])
    t.equal(disk.poll(), 0)
    disk.finish(chain!, 0)
    t.equal(disk.poll(), 1)
    t.same(disk.state(p), [1, 0, 1])
    t.same([DiskField.InFlight, DiskField.Reads, DiskField.SectorsRead].map(f => disk.field(f)), [0, 1, 3])
    t.end()
  })

  t.test(`${e.kind}: a write and a flush`, t => {
    const disk = new Drive(e.start())
    const write = disk.request(Operation.Write, 999, 1)
    const flush = disk.request(Operation.Flush, 77, 0)
    t.equal(disk.submit(write), 0)
    t.equal(disk.submit(flush), 0)
    const chains = disk.ring.take()
    t.same(chains[0]!.elements.map(each => [each.length, each.write]), [[16, false], [512, false], [1, true]])
    t.same(disk.header(chains[0]!), [1, 0, 999, 0])
    t.same(chains[1]!.elements.map(each => [each.length, each.write]), [[16, false], [1, true]])
    t.same(disk.header(chains[1]!), [4, 0, 0, 0], 'sector 0: §5.2.6.1')
    disk.finish(chains[1]!, 0)
    disk.finish(chains[0]!, 0)
    t.equal(disk.poll(), 2)
    t.same(disk.state(write), [1, 0, 2])
    t.same(disk.state(flush), [1, 0, 1], 'in the order the device finished them')
    t.same([DiskField.Writes, DiskField.Flushes, DiskField.SectorsWritten].map(f => disk.field(f)), [1, 1, 1])
    t.end()
  })

  t.test(`${e.kind}: ten in flight, the eleventh is Busy and untouched; then room again`, t => {
    const disk = new Drive(e.start())
    const all = Array.from({ length: 10 }, (_, i) => disk.request(Operation.Read, i, 1))
    for (const each of all) t.equal(disk.submit(each), 0)
    const late = disk.request(Operation.Read, 10, 1)
    const before = [...disk.m.bytes(late, 64)]
    t.equal(disk.submit(late), Errno.Busy)
    t.same([...disk.m.bytes(late, 64)], before)
    t.equal(disk.field(DiskField.InFlight), 10)
    const chains = disk.ring.take()
    t.equal(new Set(chains.map(each => each.elements[0]!.address)).size, 10, 'a header each')
    t.equal(new Set(chains.map(each => each.elements.at(-1)!.address)).size, 10, 'a status byte each')
    disk.finish(chains[6]!, 0)
    disk.finish(chains[2]!, 1)
    t.equal(disk.poll(), 2)
    t.same([6, 2].map(i => disk.state(all[i]!).slice(0, 2)), [[1, 0], [1, Errno.Io]])
    t.equal(disk.submit(late), 0)
    t.end()
  })

  t.test(`${e.kind}: depth bounds flushes too, which take fewer descriptors`, t => {
    const disk = new Drive(e.start())
    for (let i = 0; i < 10; i++) t.equal(disk.submit(disk.request(Operation.Flush, 0, 0)), 0)
    t.equal(disk.submit(disk.request(Operation.Flush, 0, 0)), Errno.Busy)
    for (const chain of disk.ring.take()) disk.finish(chain, 0)
    t.equal(disk.poll(), 10)
    t.end()
  })

  t.test(`${e.kind}: two thousand requests, finished out of order`, t => {
    const disk = new Drive(e.start())
    for (let round = 0; round < 200; round++) {
      const all = Array.from({ length: 10 }, (_, i) => disk.request(Operation.Write, i, 1))
      for (const each of all) disk.submit(each)
      const chains = disk.ring.take()
      for (const i of [7, 0, 9, 3, 1, 8, 2, 6, 4, 5]) disk.finish(chains[i]!, 0)
      if (disk.poll() !== 10) t.fail(`round ${round}`)
      if (!all.every(each => disk.state(each)[0] === 1)) t.fail(`round ${round}: not all done`)
    }
    t.equal(disk.field(DiskField.Writes), 2000)
    t.end()
  })

  for (const [status, result] of [[0, 0], [1, Errno.Io], [2, Errno.NotSupported], [3, Errno.Io], [0xff, Errno.Io]] as const) {
    t.test(`${e.kind}: status ${status} of the device is ${result}`, t => {
      const disk = new Drive(e.start())
      const p = disk.request(Operation.Read, 0, 1)
      disk.submit(p)
      disk.finish(disk.ring.take()[0]!, status)
      disk.poll()
      t.equal(disk.state(p)[1], result)
      t.equal(disk.field(DiskField.Errors), result === 0 ? 0 : 1)
      t.end()
    })
  }

  t.test(`${e.kind}: a status byte the device never wrote is an error, not the last request's`, t => {
    const disk = new Drive(e.start())
    for (let i = 0; i < 2; i++) {
      const p = disk.request(Operation.Read, 0, 1)
      disk.submit(p)
      const chain = disk.ring.take()[0]!
      if (i === 0) disk.finish(chain, 0)
      else disk.ring.use(chain.head, 0)
      disk.poll()
      t.equal(disk.state(p)[1], i === 0 ? 0 : Errno.Io)
    }
    t.end()
  })

  for (const [what, sector, sectors] of [
    ['no sectors', 0, 0], ['past the end', 1000, 1], ['over the end', 999, 2], ['far past the end', 0xffffffff, 1],
    ['a sum that wraps', 0xffffffff, 2], ['more than there is', 0, 1001], ['bytes that wrap', 0, 0x800001],
  ] as const) {
    t.test(`${e.kind}: ${what} is InvalidArgument, and the device hears nothing`, t => {
      const disk = new Drive(e.start(), {}, { capacity: what === 'bytes that wrap' ? 0x1000000n : 1000n })
      for (const operation of [Operation.Read, Operation.Write]) {
        t.equal(disk.submit(disk.request(operation, sector, sectors)), Errno.Invalid)
      }
      t.same(disk.ring.take(), [])
      t.end()
    })
  }

  t.test(`${e.kind}: a flush with sectors is InvalidArgument`, t => {
    const disk = new Drive(e.start())
    t.equal(disk.submit(disk.request(Operation.Flush, 0, 1)), Errno.Invalid)
    t.end()
  })

  t.test(`${e.kind}: the last sectors of the disk`, t => {
    const disk = new Drive(e.start())
    t.equal(disk.submit(disk.request(Operation.Read, 992, 8)), 0)
    t.equal(disk.submit(disk.request(Operation.Read, 0, 1000)), 0)
    t.end()
  })

  t.test(`${e.kind}: SIZE_MAX cuts data into descriptors, SEG_MAX bounds them`, t => {
    const disk = new Drive(e.start(), { features: USUAL | Feature.SizeMax }, { sizeMax: 1000, segMax: 3 })
    t.equal(disk.submit(disk.request(Operation.Read, 0, 4)), 0)
    const [chain] = disk.ring.take()
    t.same(chain!.elements.map(each => [each.address, each.length]).slice(1, -1),
      [[0x80100000, 1000], [0x80100000 + 1000, 1000], [0x80100000 + 2000, 48]])
    t.equal(disk.submit(disk.request(Operation.Read, 0, 5)), 0, '2,560 bytes are three')
    t.equal(disk.submit(disk.request(Operation.Read, 0, 6)), Errno.Invalid, '3,072 bytes would be four')
    t.end()
  })

  t.test(`${e.kind}: a request in pieces is one chain; pieces that do not add up are refused`, t => {
    const disk = new Drive(e.start(), { features: USUAL | Feature.SizeMax }, { sizeMax: 4096, segMax: 4 })
    const pieces = (...all: [number, number][]) => {
      const p = disk.request(Operation.Write, 8, 24)
      const row = disk.m.alloc(all.length * 8 + 8)
      all.forEach(([address, bytes], i) => { disk.m.write32(row + i * 8, address); disk.m.write32(row + i * 8 + 4, bytes) })
      disk.m.call('requestPieces', p, row, all.length)
      return p
    }
    const good = pieces([0x200000, 8192], [0x100000, 512], [0x300000, 3584])
    t.equal(disk.submit(good), 0)
    const [chain] = disk.ring.take()
    t.same(chain!.elements.map(each => [each.address, each.length]).slice(1, -1),
      [[0x80200000, 4096], [0x80201000, 4096], [0x80100000, 512], [0x80300000, 3584]])
    t.same(disk.header(chain!), [1, 0, 8, 0])
    disk.finish(chain!, 0)
    disk.poll()
    t.same(disk.state(good).slice(0, 2), [1, 0])
    t.equal(disk.field(DiskField.SectorsWritten), 24)
    for (const bad of [[], [[0, 12287]], [[0, 8192], [0, 4608]], [[0, 8192], [0, 4096], [0, 0]], [[0, 8192], [0, 3584]],
      [[0, 4096], [0, 4096], [0, 2048], [0, 1024], [0, 1024]]] as [number, number][][]) {
      t.equal(disk.submit(pieces(...bad)), Errno.Invalid, JSON.stringify(bad))
    }
    t.end()
  })

  t.test(`${e.kind}: a read-only disk: reads go, writes end in ReadOnly without the device`, t => {
    const disk = new Drive(e.start(), { features: USUAL | Feature.ReadOnly })
    const p = disk.request(Operation.Write, 0, 1)
    t.equal(disk.submit(p), 0, 'accepted')
    t.same(disk.ring.take(), [])
    t.equal(disk.field(DiskField.Pending), 1)
    t.equal(disk.poll(), 1)
    t.same(disk.state(p), [1, Errno.ReadOnly, 1])
    t.equal(disk.field(DiskField.InFlight), 0)
    t.equal(disk.submit(disk.request(Operation.Read, 0, 1)), 0)
    t.equal(disk.ring.take().length, 1)
    t.end()
  })

  t.test(`${e.kind}: a flush on a disk without FLUSH ends in NotSupported`, t => {
    const disk = new Drive(e.start(), { features: USUAL & ~Feature.Flush })
    const p = disk.request(Operation.Flush, 0, 0)
    t.equal(disk.submit(p), 0)
    disk.poll()
    t.same(disk.state(p), [1, Errno.NotSupported, 1])
    t.end()
  })

  t.test(`${e.kind}: a poll ends without a wish for interrupts, arming has one, and an interrupt sets pending`, t => {
    const disk = new Drive(e.start())
    disk.submit(disk.request(Operation.Read, 0, 1))
    disk.finish(disk.ring.take()[0]!, 0)
    t.equal(disk.m.call('diskReady'), 1, 'no interrupt is needed to see it')
    t.equal(disk.poll(), 1)
    t.equal(disk.m.call('diskReady'), 0)
    t.equal(disk.ring.usedEvent(), 0, 'at the entry before the next')
    t.equal(disk.m.call('diskArm'), 0)
    t.equal(disk.ring.usedEvent(), 1)
    disk.submit(disk.request(Operation.Read, 0, 1))
    disk.finish(disk.ring.take()[0]!, 0)
    t.equal(disk.m.call('diskArm'), 1, 'it is there already')
    disk.m.call('raiseVector', 0x31)
    t.equal(disk.field(DiskField.Pending), 1)
    disk.poll()
    t.equal(disk.field(DiskField.Pending), 0)
    t.end()
  })

  t.test(`${e.kind}: a changed configuration that is no wish for a reset changes nothing`, t => {
    const disk = new Drive(e.start())
    disk.m.call('raiseVector', 0x30)
    t.equal(disk.poll(), 0)
    t.equal(disk.submit(disk.request(Operation.Read, 0, 1)), 0)
    t.equal(disk.ring.take().length, 1)
    t.end()
  })

  for (const [what, break_] of [
    ['an id out of range', (disk: Drive) => disk.ring.use(9999, 1)],
    ['an id not in flight', (disk: Drive) => disk.ring.use(20, 1)],
    ['a length out of range', (disk: Drive) => disk.finish(disk.ring.take()[0]!, 0, 5000)],
    ['more used than in flight', (disk: Drive) => disk.ring.setUsedIndex(31)],
    ['a wish to be reset', (disk: Drive) => {
      disk.device.view.setUint8(Register.deviceStatus, 15 | NEEDS_RESET)
      disk.m.call('raiseVector', 0x30)
    }],
  ] as const) {
    t.test(`${e.kind}: ${what}: the disk is reset, and all in flight ends in an error`, t => {
      const disk = new Drive(e.start())
      const all = [0, 1, 2].map(i => disk.request(Operation.Write, i, 1))
      for (const each of all) disk.submit(each)
      break_(disk)
      t.equal(disk.poll(), 3)
      t.same(all.map(each => disk.state(each).slice(0, 2)), [[1, Errno.Io], [1, Errno.Io], [1, Errno.Io]])
      t.equal(disk.device.view.getUint8(Register.deviceStatus), 0)
      t.equal(disk.field(DiskField.InFlight), 0)
      t.equal(disk.log().match(/error virtio: broken pci=00:04.0/g)!.length, 1)
      const late = disk.request(Operation.Read, 0, 1)
      t.equal(disk.submit(late), 0)
      t.equal(disk.poll(), 1)
      t.equal(disk.state(late)[1], Errno.Io, 'and so does what comes later')
      t.end()
    })
  }

  for (const [what, o, limits, why] of [
    ['SEG_MAX of 0', {}, { segMax: 0 }, /no room for data/],
    ['SIZE_MAX of 0', { features: USUAL | Feature.SizeMax }, {}, /no room for data/],
    ['a queue of 2', { queueSize: 2 }, {}, /too short for a request/],
  ] as const) {
    t.test(`${e.kind}: ${what} is refused`, t => {
      t.throws(() => new Drive(e.start(), o, limits), { message: why })
      t.end()
    })
  }
}
