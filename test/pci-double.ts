// PCI functions for the double of configuration space in test/kernel/virtio.ts: headers, capabilities and whole
// virtio devices as byte arrays, with which bits of them a write changes.

import type { Instance } from './engine.ts'

export const place = (bus: number, device: number, fn = 0) => bus << 16 | device << 11 | fn << 8

/** Configuration space of one function, and which of its bits can be written. */
export class FakeFunction {
  readonly data: Uint8Array
  readonly writable: Uint8Array
  private readonly words: DataView
  private readonly masks: DataView
  private lastLink = 0x34

  constructor(m: Instance, at: number) {
    const data = m.alloc(256)
    const writable = m.alloc(256)
    m.call('fakeAdd', at, data, writable)
    this.data = m.bytes(data, 256)
    this.writable = m.bytes(writable, 256)
    this.words = new DataView(this.data.buffer, this.data.byteOffset, 256)
    this.masks = new DataView(this.writable.buffer, this.writable.byteOffset, 256)
    this.masks.setUint32(0x04, 0x0000ffff, true)
  }

  read(offset: number) {
    return this.words.getUint32(offset, true)
  }

  write(offset: number, value: number, mask = 0) {
    this.words.setUint32(offset, value >>> 0, true)
    this.masks.setUint32(offset, mask >>> 0, true)
    return this
  }

  identity(vendor: number, device: number, subsystem = 0, classCode = 0x020000) {
    this.write(0x00, vendor | device << 16)
    this.write(0x08, classCode << 8)
    return this.write(0x2c, subsystem << 16)
  }

  /** A memory BAR of `length` bytes (a power of 2) at `address`; 64 bits wide if `high` is given. */
  memoryBar(index: number, address: number, length: number, high?: number) {
    const type = high === undefined ? 0 : 4
    this.write(0x10 + index * 4, address | type, ~(length - 1) & ~15)
    return high === undefined ? this : this.write(0x14 + index * 4, high, 0xffffffff)
  }

  interrupt(line: number, pin: number) {
    return this.write(0x3c, line | pin << 8)
  }

  /** Append a capability at `offset`: its bytes from the third on. */
  capability(id: number, offset: number, body: number[]) {
    this.data[0x06]! |= 0x10
    this.data[this.lastLink] = offset
    this.data[offset] = id
    this.data[offset + 1] = 0
    this.data.set(body, offset + 2)
    this.lastLink = offset + 1
    return this
  }

  /** A virtio capability. virtio 1.2 §4.1.4. */
  virtio(at: number, type: number, bar: number, offset: number, length: number, multiplier?: number) {
    const le = (n: number) => [n & 255, n >>> 8 & 255, n >>> 16 & 255, n >>> 24]
    const tail = multiplier === undefined ? [] : le(multiplier)
    return this.capability(9, at, [16 + tail.length, type, bar, 0, 0, 0, ...le(offset), ...le(length), ...tail])
  }

  /** An MSI-X capability, its table at the start of `bar`. */
  msix(at: number, entries: number, bar: number, offset = 0) {
    this.capability(0x11, at, [entries - 1 & 255, entries - 1 >> 8, 0, 0, 0, 0, 0, 0, 0, 0])
    this.words.setUint32(at + 4, offset | bar, true)
    this.masks.setUint32(at, 0xc0000000, true)
    return this
  }
}

/** Where the registers of a fake virtio device lie in its memory. */
export const Register = {
  deviceFeature: 4, driverFeature: 12, configMsixVector: 16, numQueues: 18, deviceStatus: 20, queueSize: 24, queueMsixVector: 26,
  queueNotifyOff: 30, isr: 0x1000, configuration: 0x2000, notify: 0x3000, msixTable: 0x4000, pci: 0x8000,
} as const

export interface VirtioOptions {
  /** What the device offers: both words read this, so bit 0 is VERSION_1 too. */
  features?: number
  queueSize?: number
  vectors?: number
  configuration?: number[]
}

/** A virtio device: its memory reads back what was written to it. Returns where that memory is, in the arena. */
export function virtioDevice(m: Instance, at: number, device: number, type: number, o: VirtioOptions = {}) {
  const memory = m.alloc(Register.pci, 0x10000)
  const fn = new FakeFunction(m, at).identity(0x1af4, device, type).interrupt(11, 1)
    .memoryBar(1, 0xfebd1000, 4096)
    .memoryBar(4, memory - 0x80000000, Register.pci, 0)
  if (o.vectors) fn.msix(0x98, o.vectors, 4, Register.msixTable)
  fn.virtio(0x40, 1, 4, 0, 0x1000).virtio(0x50, 3, 4, Register.isr, 0x1000)
    .virtio(0x60, 4, 4, Register.configuration, 0x1000).virtio(0x70, 2, 4, Register.notify, 0x1000, 4)
    .virtio(0x84, 5, 0, 0, 0, 0)
  const bytes = m.bytes(memory, Register.pci)
  const view = new DataView(bytes.buffer, bytes.byteOffset, Register.pci)
  view.setUint32(Register.deviceFeature, o.features ?? 0xffffffff, true)
  view.setUint16(Register.numQueues, 3, true)
  view.setUint16(Register.queueSize, o.queueSize ?? 8, true)
  bytes.set(o.configuration ?? [], Register.configuration)
  return { fn, memory, bytes, view }
}
