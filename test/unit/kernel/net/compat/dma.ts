// kernel/net/compat/dma.ts: RustOS's descriptor rings (`net/dma.rs`), with the test as the card.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Engine, Instance } from '../../../../engine-instance.ts'
import { hex, toHex } from '../../../../wire/bytes.ts'

const NetworkError = { InvalidPacket: -1, BufferOverflow: -2, Busy: -11, InvalidArgument: -15, HardwareError: -16,
  InsufficientMemory: -18 } as const
const [DONE, ERROR] = [1, 2]

/** A program with `bytes` of memory in frames. */
function withMemory(e: Engine, bytes = 4 << 20): Instance {
  const m = e.start()
  const at = m.alloc(bytes, 4096) >>> 0
  m.call('framesAddRegion', at - 0x80000000, at - 0x80000000 + bytes)
  m.call('heapInit')
  return m
}
const descriptor = (m: Instance, receive: boolean, index: number) => m.call('dmaDescriptor', receive ? 1 : 0, index) >>> 0

for (const e of await engines('test/kernel/compat-dma.ts')) {
  t.test(e.kind, async t => {
    t.test('DmaBuffer: 1 to 65,536 bytes, contiguous, and given back', async t => {
      const m = withMemory(e)
      const free = m.call('framesFree')
      t.equal(m.call('bufferAllocate', 0, 64), NetworkError.InvalidArgument)
      t.equal(m.call('bufferAllocate', 65537, 64), NetworkError.InvalidArgument)
      t.equal(m.call('bufferAllocate', 64, 48), NetworkError.InvalidArgument)
      t.equal(m.call('bufferAllocate', 65536, 64), 0)
      t.equal(m.call('framesFree'), free - 16)
      t.equal(m.call('bufferPhysical') % 64, 0)
      t.equal(m.call('bufferVirtual') >>> 0, m.call('bufferPhysical') + 0x80000000)
      m.call('bufferRelease')
      t.equal(m.call('framesFree'), free)
      m.call('bufferAllocate', 8, 64)
      const p = m.alloc(16)
      m.write(p, hex('0102030405060708'))
      t.equal(m.call('bufferCopyIn', p, 9), NetworkError.BufferOverflow)
      t.equal(m.call('bufferCopyIn', p, 8), 0)
      t.equal(m.call('bufferCopyOut', p + 8, 4), 4)
      t.equal(toHex(m.bytes(p + 8, 5)), '0102030400')
    })

    t.test('without memory: InsufficientMemory, and nothing stays taken', async t => {
      const m = withMemory(e, 64 << 12)
      t.equal(m.call('dmaCreate', 8, 256, 2048), NetworkError.InsufficientMemory)
      const free = m.call('framesFree') // the heap keeps what it took for itself
      t.equal(m.call('dmaCreate', 8, 256, 2048), NetworkError.InsufficientMemory)
      t.equal(m.call('framesFree'), free)
      t.equal(m.call('dmaCreate', 0, 8, 2048), NetworkError.InvalidArgument)
      t.equal(m.call('dmaCreate', 8, 257, 2048), NetworkError.InvalidArgument)
      t.equal(m.call('dmaCreate', 8, 8, 65536), NetworkError.InvalidArgument)
    })

    t.test('transmit: sixteen bytes of descriptor, Busy when the ring is full, free again when the card is done', async t => {
      const m = withMemory(e)
      t.equal(m.call('dmaCreate', 4, 2, 2048), 0)
      t.same([0, 1, 2].map(each => m.call('dmaField', each)), [4, 2, 4])
      const p = m.alloc(2049)
      m.write(p, hex('aabbccdd'))
      t.equal(m.call('dmaTransmit', p, 0), NetworkError.InvalidPacket)
      t.equal(m.call('dmaTransmit', p, 2049), NetworkError.BufferOverflow)
      for (let i = 0; i < 4; i++) t.equal(m.call('dmaTransmit', p, 4), 0)
      t.equal(m.call('dmaTransmit', p, 4), NetworkError.Busy)
      const first = descriptor(m, false, 0)
      t.equal(toHex(m.bytes(first + 8, 8)), '0400030000000000', 'length, EOP and INT, no status')
      t.equal(toHex(m.bytes(m.call('dmaMemory', first), 4)), 'aabbccdd')
      m.write(first + 12, [DONE])
      t.equal(m.call('dmaTransmit', p, 3), 0)
      t.equal(toHex(m.bytes(first + 8, 8)), '0300030000000000', 'the same slot, and no longer done')
      t.equal(m.call('dmaTransmit', p, 4), NetworkError.Busy)
      t.same([3, 5].map(each => m.call('dmaField', each)), [5, 4])
    })

    t.test('receive: in order, around the ring; what the card says wrong is HardwareError', async t => {
      const m = withMemory(e)
      m.call('dmaCreate', 2, 2, 64)
      const to = m.alloc(64)
      t.equal(m.call('dmaReceive', to, 64), 0)
      const fill = (index: number, bytes: string, status = DONE, length = bytes.length / 2) => {
        const at = descriptor(m, true, index)
        m.write(m.call('dmaMemory', at), hex(bytes))
        m.write(at + 8, [length & 255, length >> 8])
        m.write(at + 12, [status])
      }
      for (const [i, text] of ['0101', '020202', '03', '0404'].entries()) {
        fill(i % 2, text)
        t.equal(m.call('dmaReceive', to, 64), text.length / 2)
        t.equal(toHex(m.bytes(to, text.length / 2)), text)
        t.equal(m.call('dmaReceive', to, 64), 0)
      }
      fill(0, '05', DONE | ERROR)
      t.equal(m.call('dmaReceive', to, 64), NetworkError.HardwareError)
      fill(1, '06', DONE, 65)
      t.equal(m.call('dmaReceive', to, 64), NetworkError.HardwareError, 'more than the slot')
      fill(0, '0707')
      t.equal(m.call('dmaReceive', to, 1), NetworkError.BufferOverflow)
      t.same([4, 6].map(each => m.call('dmaField', each)), [4, 3])
    })

    t.test('released, everything is back', async t => {
      const m = withMemory(e)
      m.call('dmaCreate', 16, 16, 4096)
      m.call('dmaRelease')
      const free = m.call('framesFree') // the heap keeps what it took for itself
      m.call('dmaCreate', 16, 16, 4096)
      m.call('dmaRelease')
      t.equal(m.call('framesFree'), free)
      t.equal(m.call('dmaCreate', 256, 256, 64), 0)
    })
  })
}
