// ACPI's tables, right ones and broken ones. ACPI 6.5 §5.2.

import t from 'tap'
import { type Instance, engines } from '../../../../engine.ts'

const BASE = 0x7fe0000
const le16 = (v: number): number[] => [v & 255, v >>> 8]
const le32 = (...values: number[]): number[] => values.flatMap(v => [v & 255, v >>> 8 & 255, v >>> 16 & 255, v >>> 24])
const unsigned = (m: Instance, name: string, ...args: number[]): number => m.call(name, ...args) >>> 0
const ascii = (value: string): number[] => [...Buffer.from(value, 'latin1')]

/** `bytes` with the byte at `at` such that all add up to 0. */
function summed(bytes: number[], at: number): number[] {
  const copy = [...bytes]
  copy[at] = 0
  copy[at] = -copy.reduce((sum, each) => sum + each, 0) & 255
  return copy
}
const table = (signature: string, body: number[]): number[] =>
  summed([...ascii(signature), ...le32(36 + body.length), 1, 0, ...ascii('BOCHS '), ...ascii('BXPC    '), ...le32(1, 0, 1), ...body], 9)
const rsdp = (rsdt: number): number[] => summed([...ascii('RSD PTR '), 0, ...ascii('BOCHS '), 0, ...le32(rsdt)], 8)
const rsdp2 = (rsdt: number, xsdt: bigint): number[] => {
  const first = summed([...ascii('RSD PTR '), 0, ...ascii('BOCHS '), 2, ...le32(rsdt)], 8)
  return summed([...first, ...le32(36, Number(xsdt & 0xffffffffn), Number(xsdt >> 32n)), 0, 0, 0, 0], 32)
}
const processor = (enabled: number): number[] => [0, 8, 0, 0, ...le32(enabled)]
const ioApic = (address: number, gsi: number): number[] => [1, 12, 0, 0, ...le32(address, gsi)]
const override = (irq: number, gsi: number, flags: number, bus = 0): number[] => [2, 10, bus, irq, ...le32(gsi), ...le16(flags)]
/** QEMU's: timer on 2, PCI lines level and active high. */
const MADT = table('APIC', [...le32(0xfee00000, 1), ...processor(1), ...processor(0), ...ioApic(0xfec00000, 0), ...override(0, 2, 0),
  ...[5, 9, 10, 11].flatMap(irq => override(irq, irq, 0xd)), ...[4, 6, 255, 0, 0, 1]])
const fadt = (length: number, space = 1): number[] => {
  const body = Array<number>(length - 36).fill(0)
  body.splice(76 - 36, 4, ...le32(0x608))
  if (length >= 129) {
    body.splice(112 - 36, 4, ...le32(1 << 10))
    body.splice(116 - 36, 13, space, 8, 0, 1, ...le32(0xcf9, 0), 0x0f)
  }
  return table('FACP', body)
}

function memoryWith(m: Instance, parts: Record<number, number[]>): number {
  const memory = unsigned(m, 'physicalMemory')
  m.call('physicalAt', BASE, 0)
  for (const [offset, bytes] of Object.entries(parts)) m.write(memory + Number(offset), bytes)
  return memory
}

for (const e of await engines('test/kernel/arch.ts')) {
  t.test(`${e.kind}: everything through the RSDT, as QEMU's pc has it`, t => {
    const m = e.start()
    const memory = memoryWith(m, {
      0: rsdp(BASE + 0x100), 0x100: table('RSDT', le32(BASE + 0x800, BASE + 0x200, 0, BASE + 0x400)),
      0x200: MADT, 0x400: table('HPET', le32(1, 2, 3, 4, 5)), 0x800: fadt(116),
    })
    m.call('takeAcpi', memory)
    t.same([m.call('hasMadt'), m.call('hasFadt'), m.call('processors'), m.call('ioApicCount')], [1, 1, 1, 1])
    t.same([unsigned(m, 'localApic'), unsigned(m, 'ioApicAddress', 0), m.call('ioApicFirst', 0)], [0xfee00000, 0xfec00000, 0])
    t.same([m.call('isaGsi', 0), m.call('isaLevel', 0), m.call('isaLow', 0)], [2, 0, 0])
    t.same([m.call('isaGsi', 10), m.call('isaLevel', 10), m.call('isaLow', 10)], [10, 1, 0])
    t.same([m.call('isaGsi', 4), m.call('isaLevel', 4), m.call('isaLow', 4)], [4, 0, 0], 'no override: as the ISA bus')
    t.same([m.call('pmTimer'), m.call('resetPort')], [0x608, 0], 'the FADT of ACPI 1.0 has no reset register')
    t.end()
  })

  t.test(`${e.kind}: everything through the XSDT, with the reset register`, t => {
    const m = e.start()
    const memory = memoryWith(m, {
      0: rsdp2(0, BigInt(BASE + 0x100)), 0x100: table('XSDT', [...le32(BASE + 0x200, 0), ...le32(BASE + 0x800, 0), ...le32(BASE + 0x200, 1)]),
      0x200: MADT, 0x800: fadt(244),
    })
    m.call('takeAcpi', memory)
    t.same([m.call('hasMadt'), m.call('processors'), m.call('resetPort'), m.call('resetValue')], [1, 1, 0xcf9, 0x0f], 'and nothing above 4 GiB is taken for what lies below')
    t.end()
  })

  t.test(`${e.kind}: a reset register that is not a port is not used`, t => {
    const m = e.start()
    const memory = memoryWith(m, { 0: fadt(129, 0) })
    m.call('takeFadt', memory, 129)
    t.same([m.call('hasFadt'), m.call('resetPort')], [1, 0])
    t.end()
  })

  t.test(`${e.kind}: an RSDP is told by signature and both checksums`, t => {
    const m = e.start()
    const good = rsdp2(1, 2n)
    const memory = memoryWith(m, { 0: good })
    t.equal(m.call('rsdpIs', memory, 36), 1)
    t.equal(m.call('rsdpIs', memory, 35), 0, 'the newer form in too little room')
    for (const [name, at] of [['signature', 3], ['first checksum', 8], ['second', 33]] as const) {
      m.write(memory, good.map((byte, i) => i === at ? byte ^ 1 : byte))
      t.equal(m.call('rsdpIs', memory, 36), 0, name)
    }
    m.write(memory, rsdp(5))
    t.same([m.call('rsdpIs', memory, 20), m.call('rsdpIs', memory, 19)], [1, 0])
    t.end()
  })

  t.test(`${e.kind}: an RSDP is searched on 16-byte boundaries`, t => {
    const m = e.start()
    const memory = memoryWith(m, { 0x38: rsdp(5), 0x250: rsdp(6) })
    t.equal(unsigned(m, 'rsdpSearch', memory, 1024), memory + 0x250)
    t.equal(m.call('rsdpSearch', memory, 0x250), 0)
    t.equal(m.call('rsdpSearch', memory, 0), 0)
    t.end()
  })

  t.test(`${e.kind}: broken tables are left out`, t => {
    const flipped = MADT.map((byte, i) => i === 50 ? byte ^ 1 : byte)
    for (const [name, root, madt] of [
      ['checksum of the MADT', table('RSDT', le32(BASE + 0x200)), flipped],
      ['length 35', table('RSDT', le32(BASE + 0x200)), [...ascii('APIC'), ...le32(35)]],
      ['length 2^32 - 1', table('RSDT', le32(BASE + 0x200)), [...ascii('APIC'), ...le32(0xffffffff)]],
      ['table out of reach', table('RSDT', le32(5)), MADT],
      ['root of another kind', table('SSDT', le32(BASE + 0x200)), MADT],
      ['root with a part of an entry', table('RSDT', le32(BASE + 0x200).slice(0, 3)), MADT],
    ] as const) {
      const m = e.start()
      const memory = memoryWith(m, { 0: rsdp(BASE + 0x100), 0x100: [...root], 0x200: [...madt] })
      m.call('takeAcpi', memory)
      t.equal(m.call('hasMadt'), 0, name)
    }
    t.end()
  })

  t.test(`${e.kind}: entries of the MADT that can not be right end or are skipped`, t => {
    const head = [...ascii('APIC'), ...Array<number>(32).fill(0), ...le32(0xfee00000, 0)]
    for (const [name, entries, ioApics, gsi9] of [
      ['length 0', [0, 0, ...ioApic(1, 0)], 0, 9], ['length 1', [1, 1, ...ioApic(1, 0)], 0, 9], ['past the end', [1, 13, 0, 0, ...le32(1, 0)], 0, 9],
      ['I/O APIC of 8 bytes', [1, 8, 0, 0, ...le32(1)], 0, 9], ['five I/O APICs', [0, 1, 2, 3, 4].flatMap(i => ioApic(0x1000 * i, i * 24)), 4, 9],
      ['override of IRQ 16', override(16, 3, 0), 0, 9], ['override of another bus', override(9, 3, 0, 1), 0, 9], ['override', override(9, 30, 0xf), 0, 30],
      ['a byte left over', [...ioApic(1, 0), 7], 1, 9],
    ] as [string, number[], number, number][]) {
      const m = e.start()
      const memory = memoryWith(m, { 0: [...head, ...entries] })
      m.call('takeMadt', memory, head.length + entries.length)
      t.equal(m.call('ioApicCount'), ioApics, name)
      t.equal(m.call('isaGsi', 9), gsi9, name)
    }
    const m = e.start()
    const memory = memoryWith(m, { 0: [...head, 5, 12, 0, 0, ...le32(0x12345000, 7)] })
    m.call('takeMadt', memory, head.length + 12)
    t.same([unsigned(m, 'localApic'), m.call('localApicHigh')], [0x12345000, 7], 'the 64-bit address overrides')
    t.end()
  })
}
