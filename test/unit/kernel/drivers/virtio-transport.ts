// The virtio transport over PCI, over fake devices whose registers are memory: what is refused and how, how features,
// vectors and queues are set up. What registers do by themselves is QEMU's to show: test/boot/devices.ts.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { FakeFunction, place, Register, virtioDevice, type VirtioOptions } from '../../../pci-double.ts'

const enum Level { Warn = 1, Debug = 3 }
const NET = { device: 0x1041, type: 1 }
const STATUS_FAILED = 128
const STATUS_OK = 1 | 2 | 4 | 8

/** VIRTIO_NET_F_CTRL_VQ. */
const CONTROL_QUEUE = 0x20000

function start(m: Instance, vectors = 16) {
  m.call('setUp', vectors, Level.Debug)
  const frames = m.alloc(1 << 20, 1 << 20)
  m.call('framesAddRegion', frames - 0x80000000, frames - 0x80000000 + (1 << 20))
  m.call('poolFill', m.alloc(128 * 64), m.alloc(2048 * 64, 2048), 64, 2048)
  const seed = m.alloc(4)
  m.call('randomSeed', seed, 4)
}

function log(m: Instance): string {
  const out = m.alloc(8192)
  return Buffer.from(m.bytes(out, m.call('logText', out, 8192))).toString()
}

function probe(m: Instance): number {
  m.call('pciProbe')
  return m.call('driversProbe')
}

for (const e of await engines('test/kernel/virtio.ts')) {
  const net = (o: VirtioOptions = {}, vectors = 16) => {
    const m = e.start()
    start(m, vectors)
    return { m, device: virtioDevice(m, place(0, 3), NET.device, NET.type, o) }
  }
  const refused = (m: Instance) => /warn {2}virtio: refused pci=00:03.0 device=0x\w+ why="([^"]*)"/.exec(log(m))?.[1]

  t.test(`${e.kind}: a good device is started`, t => {
    const { m, device } = net({ vectors: 3 })
    t.equal(probe(m), 1)
    t.equal(device.view.getUint8(Register.deviceStatus), STATUS_OK)
    t.equal(device.view.getUint32(8, true), 1, 'driver_feature_select: the upper word last')
    t.equal(device.view.getUint32(Register.driverFeature, true), 1, 'VERSION_1 and nothing else of the upper word')
    t.equal(refused(m), undefined)
    t.end()
  })

  t.test(`${e.kind}: a device is known by its id: transitional by subsystem, others not ours`, t => {
    const m = e.start()
    start(m)
    virtioDevice(m, place(0, 1), 0x1000, 1)
    virtioDevice(m, place(0, 2), 0x1042, 77, { configuration: [0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 4] })
    virtioDevice(m, place(0, 3), 0x1005, 4)
    virtioDevice(m, place(0, 4), 0x1000, 9) // transitional 9P: nobody's
    virtioDevice(m, place(0, 5), 0x1080, 1) // past the range
    const stranger = new FakeFunction(m, place(0, 6)).identity(0x8086, 0x1000, 1)
    const bridge = new FakeFunction(m, place(0, 7)).identity(0x8086, 0x244e).write(0x0c, 0x00010000)
    t.equal(probe(m), 3)
    t.equal(stranger.read(4) & 0x400, 0x400, 'what nobody drives does not interrupt')
    t.equal(bridge.read(4) & 0x400, 0, 'a bridge passes on the interrupts of others')
    t.ok(m.call('nicThere'))
    t.ok(m.call('diskThere'))
    t.equal(m.call('virtioRngCount'), 1)
    t.end()
  })

  t.test(`${e.kind}: without VERSION_1: one line, FAILED, no bus mastering`, t => {
    const { m, device } = net({ features: 0xfffffffe })
    t.equal(probe(m), 0)
    t.match(refused(m), /not a virtio 1.x device: no VERSION_1/)
    t.equal(log(m).split('\n').filter(line => line.includes('warn')).length, 1)
    t.ok(device.view.getUint8(Register.deviceStatus) & STATUS_FAILED)
    t.equal(device.fn.read(4) & 4, 0)
    t.end()
  })

  t.test(`${e.kind}: a legacy device has no capabilities: the same line`, t => {
    const m = e.start()
    start(m)
    new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1000, 1).write(0x10, 0xc041, 0xffffffe0)
    t.equal(probe(m), 0)
    t.match(refused(m), /not a virtio 1.x device: no VERSION_1/)
    t.end()
  })

  for (const [what, lie] of [
    ['a common structure past the end of its BAR', (fn: FakeFunction) => fn.virtio(0x40, 1, 4, 0x7fd0, 56)],
    ['an offset that wraps', (fn: FakeFunction) => fn.virtio(0x40, 1, 4, 0xfffffff0, 56)],
    ['a length that wraps', (fn: FakeFunction) => fn.virtio(0x40, 1, 4, 0x10, 0xfffffff8)],
    ['a common structure too short', (fn: FakeFunction) => fn.virtio(0x40, 1, 4, 0, 55)],
    ['a BAR that is not there', (fn: FakeFunction) => fn.virtio(0x40, 1, 3, 0, 56)],
    ['a BAR number out of range', (fn: FakeFunction) => fn.virtio(0x40, 1, 200, 0, 56)],
    ['a capability out of configuration space', (fn: FakeFunction) => fn.capability(9, 0xf4, [16, 1])],
    ['a capability too short for what it is', (fn: FakeFunction) => fn.capability(9, 0x40, [15, 1, 4, 0, 0, 0])],
  ] as const) {
    t.test(`${e.kind}: ${what} is not followed`, t => {
      const m = e.start()
      start(m)
      const memory = m.alloc(Register.pci, 0x10000)
      const fn = new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1041).interrupt(11, 1)
        .memoryBar(4, memory - 0x80000000, Register.pci, 0)
      lie(fn).virtio(0x50, 3, 4, Register.isr, 1).virtio(0x70, 2, 4, Register.notify, 4, 4)
      t.equal(probe(m), 0)
      t.match(refused(m), /do not fit its BARs/)
      t.end()
    })
  }

  t.test(`${e.kind}: of two structures of a kind the first that can be used is used`, t => {
    const m = e.start()
    start(m)
    const memory = m.alloc(Register.pci, 0x10000)
    const fn = new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1041).interrupt(11, 1)
      .write(0x10, 0xc041, 0xffffffe0).memoryBar(4, memory - 0x80000000, Register.pci, 0)
    fn.virtio(0x40, 1, 0, 0, 32).virtio(0x50, 1, 4, 0, 56) // in I/O space, then in memory
      .virtio(0x60, 3, 4, Register.isr, 1).virtio(0x70, 2, 4, Register.notify, 0x100, 4)
      .virtio(0x84, 1, 4, 0x6000, 56) // a later one
      .virtio(0x94, 99, 4, 0, 56) // a kind of the future
    const bytes = m.bytes(memory, Register.pci)
    bytes.set([0xff, 0xff, 0xff, 0xff], Register.deviceFeature)
    bytes[Register.numQueues] = 3
    bytes[Register.queueSize] = 8
    t.equal(probe(m), 1)
    t.equal(bytes[Register.deviceStatus], STATUS_OK)
    t.end()
  })

  t.test(`${e.kind}: MSI-X: entry 0 for the configuration, the next for the receive queue, then for sending`, t => {
    const { m, device } = net({ vectors: 3, features: ~CONTROL_QUEUE >>> 0 })
    t.equal(probe(m), 1)
    t.equal(device.view.getUint16(Register.configMsixVector, true), 0)
    t.equal(device.view.getUint16(Register.queueMsixVector, true), 2, 'the transmit queue is set up last')
    const control = [0, 1, 2].map(i => m.read32(device.memory + Register.msixTable + i * 16 + 12))
    t.same(control, [0, 0, 0], 'none masked')
    t.equal(device.fn.read(0x98) >>> 16, 0x8002)
    m.call('nicPoll', 64)
    t.equal(m.call('nicField', 1), 0)
    m.call('raiseVector', 0x31)
    t.equal(m.call('nicField', 1), 1, 'pending')
    t.end()
  })

  t.test(`${e.kind}: MSI-X: a control queue has the fourth`, t => {
    const { m, device } = net({ vectors: 4 })
    t.equal(probe(m), 1)
    t.equal(device.view.getUint16(Register.queueMsixVector, true), 3, 'the control queue is set up last')
    t.same([0, 1, 2, 3].map(i => m.read32(device.memory + Register.msixTable + i * 16 + 12)), [0, 0, 0, 0])
    t.end()
  })

  t.test(`${e.kind}: an MSI-X table of one entry serves everything`, t => {
    const { m } = net({ vectors: 1 })
    t.equal(probe(m), 1)
    t.equal(m.call('vectorsGiven'), 1)
    m.call('nicPoll', 64)
    m.call('raiseVector', 0x30)
    t.equal(m.call('nicField', 1), 1)
    t.end()
  })

  t.test(`${e.kind}: INTx when there is no MSI-X: only what the ISR status owns up to`, t => {
    const { m, device } = net()
    t.equal(probe(m), 1)
    t.equal(device.fn.read(4) & 0x400, 0, 'INTx on')
    m.call('nicPoll', 64)
    t.equal(m.call('raiseLine', 11), 1)
    t.equal(m.call('nicField', 1), 0, 'another device\'s interrupt')
    device.view.setUint8(Register.isr, 1)
    m.call('raiseLine', 11)
    t.equal(m.call('nicField', 1), 1)
    t.end()
  })

  t.test(`${e.kind}: INTx when no vector is left for the configuration`, t => {
    const { m } = net({ vectors: 3 }, 0)
    t.equal(probe(m), 0)
    t.match(refused(m), /INTx line goes nowhere/, 'and INTx needs a vector too')
    t.end()
  })

  t.test(`${e.kind}: no interrupt at all`, t => {
    const { m, device } = net()
    device.fn.interrupt(255, 1)
    t.equal(probe(m), 0)
    t.match(refused(m), /has no interrupt/)
    t.end()
  })

  for (const [what, o, why] of [
    ['a queue of no entries', { queueSize: 0 }, /no power of 2/],
    ['a queue of 12', { queueSize: 12 }, /no power of 2/],
    ['a queue of 1', { queueSize: 1 }, /no power of 2/],
  ] as const) {
    t.test(`${e.kind}: ${what} is refused`, t => {
      const { m } = net(o)
      t.equal(probe(m), 0)
      t.match(refused(m), why)
      t.end()
    })
  }

  t.test(`${e.kind}: a queue of 1,024 is used with 256`, t => {
    const { m, device } = net({ queueSize: 1024 })
    t.equal(probe(m), 1)
    t.equal(device.view.getUint16(Register.queueSize, true), 256)
    t.end()
  })

  t.test(`${e.kind}: too few queues, a notification register outside its region, no frames`, t => {
    const few = net()
    few.device.view.setUint16(Register.numQueues, 1, true)
    t.equal(probe(few.m), 0)
    t.match(refused(few.m), /too few queues/)
    const outside = net()
    outside.device.view.setUint16(Register.queueNotifyOff, 0x400, true)
    t.equal(probe(outside.m), 0)
    t.match(refused(outside.m), /notification register/)
    const last = net()
    last.device.view.setUint16(Register.queueNotifyOff, 0x3ff, true)
    t.equal(probe(last.m), 1, 'the last one inside')
    const m = e.start()
    m.call('setUp', 16, Level.Debug)
    virtioDevice(m, place(0, 3), NET.device, NET.type)
    t.equal(probe(m), 0)
    t.match(refused(m), /no memory for a queue/)
    t.end()
  })
}
