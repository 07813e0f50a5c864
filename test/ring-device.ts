// The device's side of a split virtqueue, over the memory of an engine: reads what the driver made available, marks
// it used, lies about it where a test wants that. virtio 1.2 §2.7. Physical addresses are arena addresses less
// 0x80000000, as in the kernel's direct map.

import type { Instance } from './engine.ts'

export interface Element { address: number, length: number, write: boolean }
export interface Chain { head: number, elements: Element[] }

const NEXT = 1
const WRITE = 2

export class RingDevice {
  private seen = 0
  private usedIndex = 0
  private readonly view: (address: number, n: number) => DataView

  constructor(
    private readonly m: Instance, readonly size: number,
    private readonly descriptors: number, private readonly available: number, private readonly used: number,
  ) {
    this.view = (address, n) => {
      const bytes = m.bytes(address, n)
      return new DataView(bytes.buffer, bytes.byteOffset, n)
    }
  }

  /** Chains made available since the last call; as an unsigned 16-bit index, at most `size`. */
  take(): Chain[] {
    const chains: Chain[] = []
    const index = this.availableIndex()
    while (this.seen !== index) {
      chains.push(this.chainAt(this.view(this.available + 4 + this.seen % this.size * 2, 2).getUint16(0, true)))
      this.seen = this.seen + 1 & 0xffff
    }
    return chains
  }

  availableIndex() {
    return this.view(this.available + 2, 2).getUint16(0, true)
  }

  private chainAt(head: number): Chain {
    const elements: Element[] = []
    let next = head
    for (let steps = 0; ; steps++) {
      if (steps > this.size) throw new Error('a chain that bites its tail')
      const d = this.view(this.descriptors + next * 16, 16)
      if (d.getUint32(4, true) !== 0) throw new Error('a buffer above 4 GiB')
      const flags = d.getUint16(12, true)
      elements.push({
        address: d.getUint32(0, true) + 0x80000000, length: d.getUint32(8, true), write: (flags & WRITE) !== 0,
      })
      if ((flags & NEXT) === 0) return { head, elements }
      next = d.getUint16(14, true)
    }
  }

  /** Put an entry into the used ring; the driver sees it after `publish`. */
  stage(id: number, length: number) {
    const entry = this.view(this.used + 4 + this.usedIndex % this.size * 8, 8)
    entry.setUint32(0, id, true)
    entry.setUint32(4, length, true)
    this.usedIndex = this.usedIndex + 1 & 0xffff
  }

  publish() {
    this.setUsedIndex(this.usedIndex)
  }

  use(id: number, length: number) {
    this.stage(id, length)
    this.publish()
  }

  setUsedIndex(index: number) {
    this.view(this.used + 2, 2).setUint16(0, index, true)
  }

  /** The entry from which on the driver wants an interrupt: §2.7.7. */
  usedEvent() {
    return this.view(this.available + 4 + this.size * 2, 2).getUint16(0, true)
  }

  availableFlags() {
    return this.view(this.available, 2).getUint16(0, true)
  }

  /** The entry from which on the device wants a notification: §2.7.10. */
  setAvailableEvent(index: number) {
    this.view(this.used + 4 + this.size * 8, 2).setUint16(0, index, true)
  }

  setUsedFlags(flags: number) {
    this.view(this.used, 2).setUint16(0, flags, true)
  }

  /** Overwrite the descriptor table: what a device could do and the driver must not believe. */
  scribble() {
    this.m.bytes(this.descriptors, this.size * 16).fill(0xee)
  }
}

/** The device's side of the queue at `queue`. */
export function ringDevice(m: Instance, queue: number): RingDevice {
  const field = (n: number) => m.call('queueField', queue, n) >>> 0
  return new RingDevice(m, field(5), field(6), field(7), field(8))
}
