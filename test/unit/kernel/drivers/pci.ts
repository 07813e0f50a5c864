// PCI: enumeration, BARs, capabilities, regions, MSI-X, INTx, over a double of configuration space.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { FakeFunction, place } from '../../../pci-double.ts'

const enum Level { Warn = 1, Debug = 3 }
const enum FunctionField { Place, Vendor, Device, Subsystem, Class, HeaderType, Line, Pin }
const enum BarField { Kind, Low, High, Length, Wide, Prefetchable }
const enum BarKind { None, Memory, Port }
const enum RegionFault { None, NoSuchBar, NotMemory, NoAddress, OutOfBar }

const COMMAND = 0x04
const MEMORY_SPACE = 2
const BUS_MASTER = 4
const INTX_OFF = 0x400

function log(m: Instance): string {
  const out = m.alloc(8192)
  const n = m.call('logText', out, 8192)
  return Buffer.from(m.bytes(out, n)).toString()
}

for (const e of await engines('test/kernel/virtio.ts')) {
  const start = () => {
    const m = e.start()
    m.call('setUp', 16, Level.Debug)
    return m
  }
  const field = (m: Instance, i: number, f: FunctionField) => m.call('functionField', i, f) >>> 0
  const bar = (m: Instance, i: number, b: number) =>
    [0, 1, 2, 3, 4, 5].map(f => m.call('functionBar', i, b, f) >>> 0)

  t.test(`${e.kind}: no bus at all`, t => {
    const m = start()
    m.call('pciProbe')
    t.equal(m.call('pciCount'), 0)
    t.match(log(m), /info  pci: found functions=0 buses=1/)
    t.end()
  })

  t.test(`${e.kind}: the header's fields`, t => {
    const m = start()
    new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1000, 1, 0x020000).interrupt(11, 2)
    m.call('pciProbe')
    t.same([0, 1, 2, 3, 4, 5, 6, 7].map(f => field(m, 0, f)), [place(0, 3), 0x1af4, 0x1000, 1, 0x020000, 0, 11, 2])
    t.match(log(m), /debug pci: function pci=00:03.0 vendor=0x1af4 device=0x1000 class=0x20000/)
    t.end()
  })

  t.test(`${e.kind}: functions of a device are looked at only if it says it has several`, t => {
    const m = start()
    for (const device of [1, 2]) {
      const first = new FakeFunction(m, place(0, device)).identity(0x8086, 0x100 + device)
      if (device === 2) first.write(0x0c, 0x00800000)
      new FakeFunction(m, place(0, device, 1)).identity(0x8086, 0x200 + device)
      new FakeFunction(m, place(0, device, 7)).identity(0x8086, 0x300 + device)
    }
    new FakeFunction(m, place(0, 5, 1)).identity(0x8086, 0x999) // without a function 0: not a device
    m.call('pciProbe')
    const found = Array.from({ length: m.call('pciCount') }, (_, i) => field(m, i, FunctionField.Device))
    t.same(found, [0x101, 0x102, 0x202, 0x302])
    t.equal(field(m, 1, FunctionField.HeaderType), 0, 'without the multi-function bit')
    t.end()
  })

  t.test(`${e.kind}: every bus behind bridges, each once, loops and all`, t => {
    const m = start()
    const bridge = (at: number, secondary: number) => new FakeFunction(m, at).identity(0x1b36, 1, 0, 0x060400)
      .write(0x0c, 0x00010000).write(0x18, secondary << 8 | secondary << 16)
    bridge(place(0, 4), 2)
    bridge(place(0, 5), 2) // the same bus again
    bridge(place(2, 0), 1) // a lower number than its own
    bridge(place(1, 0), 0) // back to bus 0
    bridge(place(1, 1), 255)
    new FakeFunction(m, place(255, 31)).identity(0x1af4, 0x1041)
    m.call('pciProbe')
    const found = Array.from({ length: m.call('pciCount') }, (_, i) => field(m, i, FunctionField.Place))
    t.same(found, [place(0, 4), place(0, 5), place(2, 0), place(1, 0), place(1, 1), place(255, 31)])
    t.match(log(m), /functions=6 buses=4/)
    t.end()
  })

  t.test(`${e.kind}: more functions than are remembered are counted, not written past the table`, t => {
    const m = start()
    for (let i = 0; i < 70; i++) {
      new FakeFunction(m, place(0, i >> 3, i & 7)).identity(0x8086, i).write(0x0c, 0x00800000)
    }
    m.call('pciProbe')
    t.equal(m.call('pciCount'), 64)
    t.match(log(m), /warn  pci: table full skipped=6/)
    t.end()
  })

  t.test(`${e.kind}: a place is spelled as lspci does`, t => {
    const m = start()
    t.equal(m.text(m.call('placeName', place(0, 3))), '00:03.0')
    t.equal(m.text(m.call('placeName', place(0xab, 0x1f, 7))), 'ab:1f.7')
    t.end()
  })

  t.test(`${e.kind}: BARs decoded from value and mask, PCI 3.0 §6.2.5.1`, t => {
    const m = start()
    const decode = (value: number, mask: number, next = 0, nextMask = 0) =>
      [0, 1, 2, 3, 4, 5].map(f => m.call('decodedBar', value, mask, next, nextMask, f) >>> 0)
    t.same(decode(0, 0), [BarKind.None, 0, 0, 0, 0, 0])
    t.same(decode(0xfebc0000, 0xfffe0000), [BarKind.Memory, 0xfebc0000, 0, 0x20000, 0, 0])
    t.same(decode(0xfd000008, 0xff000008), [BarKind.Memory, 0xfd000000, 0, 0x1000000, 0, 1], 'prefetchable')
    t.same(decode(0xe000000c, 0xffffc00c, 0x1, 0xffffffff), [BarKind.Memory, 0xe0000000, 1, 0x4000, 1, 1], '64 bits')
    t.same(decode(0x0000000c, 0x0000000c, 0x8, 0xfffffff0), [BarKind.Memory, 0, 8, 0xfffff000, 1, 1], '64 GiB')
    t.same(decode(0xc041, 0xffffffe1), [BarKind.Port, 0xc040, 0, 32, 0, 0])
    t.same(decode(0xc041, 0x0000ffe1), [BarKind.Port, 0xc040, 0, 32, 0, 0], '16 bits')
    t.end()
  })

  t.test(`${e.kind}: claiming sizes the BARs, leaves them as they were, and enables memory and bus mastering`, t => {
    const m = start()
    const fn = new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1000)
      .write(0x10, 0xc041, 0xffffffe0).memoryBar(1, 0xfebd1000, 4096).memoryBar(4, 0xfe000000, 0x4000, 0x7)
    fn.write(COMMAND, 0x00100400 | 1, 0xffff)
    m.call('pciProbe')
    m.call('claim', 0)
    t.same(bar(m, 0, 0), [BarKind.Port, 0xc040, 0, 32, 0, 0])
    t.same(bar(m, 0, 1), [BarKind.Memory, 0xfebd1000, 0, 4096, 0, 0])
    t.same(bar(m, 0, 2), [BarKind.None, 0, 0, 0, 0, 0])
    t.same(bar(m, 0, 4), [BarKind.Memory, 0xfe000000, 7, 0x4000, 1, 0])
    t.same(bar(m, 0, 5), [BarKind.None, 0, 0, 0, 0, 0], 'the upper half of the one before')
    t.same([fn.read(0x10), fn.read(0x14), fn.read(0x20), fn.read(0x24)], [0xc041, 0xfebd1000, 0xfe000004, 7])
    t.equal(fn.read(COMMAND), 0x00100400 | 1 | MEMORY_SPACE | BUS_MASTER)
    t.end()
  })

  t.test(`${e.kind}: a last BAR that claims 64 bits has no room for them, and is none`, t => {
    const m = start()
    new FakeFunction(m, place(0, 3)).identity(0x1af4, 0x1000).write(0x24, 0xfe000004, 0xffffc000)
    m.call('pciProbe')
    m.call('claim', 0)
    t.equal(m.call('functionBar', 0, 5, BarField.Kind), BarKind.None)
    t.end()
  })

  t.test(`${e.kind}: capabilities: found in order, by id, from one to the next`, t => {
    const m = start()
    new FakeFunction(m, place(0, 3)).identity(1, 1).capability(9, 0x40, []).capability(0x11, 0x50, [])
      .capability(9, 0x60, [])
    const find = (id: number, after: number) => m.call('capabilityFind', place(0, 3), id, after)
    t.equal(find(9, 0), 0x40)
    t.equal(find(9, 0x40), 0x60)
    t.equal(find(9, 0x60), 0)
    t.equal(find(0x11, 0), 0x50)
    t.equal(find(5, 0), 0)
    t.end()
  })

  t.test(`${e.kind}: capabilities: no list, a list that loops, one that points into the header`, t => {
    const m = start()
    const none = new FakeFunction(m, place(0, 1)).identity(1, 1).capability(9, 0x40, [])
    none.data[0x06] = 0 // status: no list
    t.equal(m.call('capabilityFind', place(0, 1), 9, 0), 0)
    const loop = new FakeFunction(m, place(0, 2)).identity(1, 1).capability(9, 0x40, []).capability(5, 0x50, [])
    loop.data[0x51] = 0x40
    t.equal(m.call('capabilityFind', place(0, 2), 9, 0), 0x40)
    t.equal(m.call('capabilityFind', place(0, 2), 0x11, 0), 0, 'ends')
    t.equal(m.call('capabilityFind', place(0, 2), 0x11, 0x50), 0, 'ends')
    const header = new FakeFunction(m, place(0, 3)).identity(1, 1).capability(9, 0x40, [])
    header.data[0x41] = 0x10
    header.data[0x10] = 0x11
    t.equal(m.call('capabilityFind', place(0, 3), 0x11, 0), 0, 'offset 0x10 is no capability')
    t.equal(m.call('capabilityFits', 0xf0, 16), 1)
    t.equal(m.call('capabilityFits', 0xf4, 16), 0)
    t.end()
  })

  t.test(`${e.kind}: a loop over the one looked for ends`, t => {
    const m = start()
    const loop = new FakeFunction(m, place(0, 2)).identity(1, 1).capability(9, 0x40, [])
    loop.data[0x41] = 0x40
    t.equal(m.call('capabilityFind', place(0, 2), 9, 0), 0x40)
    t.equal(m.call('capabilityFind', place(0, 2), 9, 0x40), 0)
    t.end()
  })

  t.test(`${e.kind}: regions of BARs: checked, and mapped as whole pages, above 4 GiB too`, t => {
    const m = start()
    new FakeFunction(m, place(0, 3)).identity(1, 1).write(0x10, 0xc041, 0xffffffe0).memoryBar(1, 0, 4096)
      .memoryBar(2, 0xfffff000, 0x4000, 0x8).memoryBar(4, 0x00300000, 0x8000)
    m.call('pciProbe')
    m.call('claim', 0)
    const fault = (b: number, offset: number, length: number) => m.call('regionFaultOf', 0, b, offset, length)
    t.equal(fault(4, 0, 0x8000), RegionFault.None)
    t.equal(fault(4, 0x7fff, 1), RegionFault.None)
    t.equal(fault(4, 0x7fff, 2), RegionFault.OutOfBar)
    t.equal(fault(4, 0xffffffff, 2), RegionFault.OutOfBar, 'no wrap-around')
    t.equal(fault(4, 4, 0xfffffffe), RegionFault.OutOfBar)
    t.equal(fault(4, 0, 0), RegionFault.OutOfBar)
    t.equal(fault(0, 0, 4), RegionFault.NotMemory)
    t.equal(fault(1, 0, 4), RegionFault.NoAddress)
    t.equal(fault(3, 0, 4), RegionFault.NoSuchBar, 'an upper half')
    t.equal(fault(5, 0, 4), RegionFault.NoSuchBar)
    t.equal(fault(6, 0, 4), RegionFault.NoSuchBar)
    t.equal(fault(255, 0, 4), RegionFault.NoSuchBar)
    t.equal(m.call('regionMapOf', 0, 4, 0x1008, 0x10) >>> 0, 0x80301008)
    t.equal(m.call('mapped', 1), 0x1000)
    m.call('regionMapOf', 0, 4, 0xff8, 0x10)
    t.equal(m.call('mapped', 1), 0x2000, 'over a page boundary')
    m.call('regionMapOf', 0, 2, 0x2000, 8)
    t.equal(m.call('mapped', 0), 9, 'the low half wrapped')
    t.end()
  })

  t.test(`${e.kind}: MSI-X: table masked, entries set, function mask lifted, INTx off`, t => {
    const m = start()
    const table = m.alloc(0x1000, 0x1000)
    const fn = new FakeFunction(m, place(0, 3)).identity(1, 1).memoryBar(0, table - 0x80000000, 0x1000).msix(0x40, 4, 0, 0x100)
    m.call('pciProbe')
    m.call('claim', 0)
    t.equal(m.call('openMsix', 0), 4)
    t.equal(fn.read(0x40) >>> 16, 0xc003, 'enabled, all masked')
    t.equal(fn.read(COMMAND) & INTX_OFF, INTX_OFF)
    const entry = (i: number) => [0, 4, 8, 12].map(o => m.read32(table + 0x100 + i * 16 + o))
    t.same(entry(1), [0, 0, 0, 1])
    t.equal(m.call('setMsix', 2, 77), 1)
    t.same(entry(2), [0xfee03000, 0, 0x30, 0], 'to local APIC 3, the first vector')
    t.same(entry(3), [0, 0, 0, 1])
    m.call('startMsix', 1)
    t.equal(fn.read(0x40) >>> 16, 0x8003)
    m.call('raiseVector', 0x30)
    t.same([m.call('handlerCalls'), m.call('handlerContext')], [1, 77])
    m.call('startMsix', 0)
    t.equal(fn.read(0x40) >>> 16, 0x0003)
    t.equal(fn.read(COMMAND) & INTX_OFF, 0)
    t.end()
  })

  t.test(`${e.kind}: MSI-X: none, outside its BAR, no vector left`, t => {
    const m = start()
    new FakeFunction(m, place(0, 1)).identity(1, 1)
    new FakeFunction(m, place(0, 2)).identity(1, 1).memoryBar(0, 0x300000, 0x1000).msix(0x40, 257, 0)
    new FakeFunction(m, place(0, 3)).identity(1, 1).msix(0x40, 4, 0)
    new FakeFunction(m, place(0, 4)).identity(1, 1).memoryBar(0, 0x300000, 0x1000).capability(0x11, 0xf8, [3, 0])
    m.call('pciProbe')
    for (let i = 0; i < 4; i++) {
      m.call('claim', i)
      t.equal(m.call('openMsix', i), 0)
    }
    const none = e.start()
    none.call('setUp', 0, Level.Debug)
    const table = none.alloc(0x1000, 0x1000)
    new FakeFunction(none, place(0, 1)).identity(1, 1).memoryBar(0, table - 0x80000000, 0x1000).msix(0x40, 4, 0)
    none.call('pciProbe')
    none.call('claim', 0)
    t.equal(none.call('openMsix', 0), 4)
    t.equal(none.call('setMsix', 0, 1), 0)
    t.end()
  })

  t.test(`${e.kind}: INTx: handlers share a line and its vector, other lines are theirs alone`, t => {
    const m = start()
    t.equal(m.call('attachCounted', 11, 1), 1)
    t.equal(m.call('attachCounted', 11, 2), 1)
    t.equal(m.call('attachCounted', 10, 3), 1)
    t.equal(m.call('vectorsGiven'), 2)
    m.call('raiseLine', 11)
    t.equal(m.call('handlerCalls'), 2)
    t.equal(m.call('handlerContext'), 2)
    m.call('raiseLine', 10)
    t.same([m.call('handlerCalls'), m.call('handlerContext')], [3, 3])
    t.equal(m.call('attachCounted', 99, 4), 0, 'a line that goes nowhere')
    t.equal(m.call('raiseLine', 9), 0)
    t.end()
  })
}
