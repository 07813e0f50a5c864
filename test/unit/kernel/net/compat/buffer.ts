// kernel/net/compat/buffer: RustOS's pools of buffers (`net/buffer.rs`), rule by rule, and two queues against models.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Engine, Instance } from '../../../../engine-instance.ts'
import { hex, toHex } from '../../../../wire/bytes.ts'

const NetworkError = { InvalidPacket: -1, PermissionDenied: -14, InsufficientMemory: -18, BufferTooSmall: -19 } as const
const Field = { capacity: 0, len: 1, empty: 2, space: 3, data: 4, refs: 5, id: 6, allocatedAt: 7, flags: 8 } as const
const Pool = { available: 0, total: 1, empty: 2, allocations: 3, deallocations: 4, failures: 5, expansions: 6, clears: 7, peak: 8 } as const

/** A program with a heap of 8 MiB of host memory. */
function withHeap(e: Engine): Instance {
  const m = e.start()
  const at = m.alloc(8 << 20, 4096) >>> 0
  m.call('framesAddRegion', at - 0x80000000, at - 0x80000000 + (8 << 20))
  m.call('heapInit')
  return m
}

for (const e of await engines('test/kernel/compat-buffer.ts')) {
  t.test(e.kind, async t => {
    t.test('PacketBuffer::new: 64 to 65,536 bytes, empty, one user', async t => {
      const m = e.start()
      const b = m.call('bufferAt', 0)
      const memory = m.alloc(65536)
      t.equal(m.call('bufferInit', b, memory, 63), NetworkError.InvalidPacket)
      t.equal(m.call('bufferInit', b, memory, 65537), NetworkError.InvalidPacket)
      t.equal(m.call('bufferInit', b, memory, 65536), 0)
      t.equal(m.call('bufferInit', b, memory, 64), 0)
      t.same([0, 1, 2, 3, 4, 5, 6, 7, 8].map(each => m.call('bufferField', b, each)), [64, 0, 1, 64, 0, 1, 7, 100, 0])
    })

    t.test('write takes what fits, and BufferTooSmall when nothing does', async t => {
      const m = e.start()
      const b = m.call('bufferAt', 0)
      m.call('bufferInit', b, m.alloc(64), 64)
      const from = m.alloc(100)
      m.write(from, Array.from({ length: 100 }, (_, i) => i))
      t.equal(m.call('bufferWrite', b, from, 50), 50)
      t.equal(m.call('bufferWrite', b, from + 50, 50), 14)
      t.equal(m.call('bufferWrite', b, from, 1), NetworkError.BufferTooSmall)
      const to = m.alloc(100)
      t.equal(m.call('bufferPeek', b, to, 10), 10)
      t.equal(m.call('bufferField', b, Field.data), 64, 'a peek takes nothing')
      t.equal(m.call('bufferConsume', b, 5), 5)
      t.equal(m.call('bufferRead', b, to, 100), 59)
      t.same([...m.bytes(to, 59)], Array.from({ length: 59 }, (_, i) => i + 5))
      t.equal(m.call('bufferRead', b, to, 100), 0)
      t.equal(m.call('bufferConsume', b, 1), 0)
    })

    t.test('reset, resize, with_data, clone_data', async t => {
      const m = e.start()
      const b = m.call('bufferAt', 0)
      const from = m.alloc(4)
      m.write(from, hex('01020304'))
      m.call('bufferWith', b, from, 4)
      t.same([0, 1, 3, 4].map(each => m.call('bufferField', b, each)), [4, 4, 0, 4])
      const other = m.call('bufferAt', 1)
      const memory = m.alloc(64)
      m.write(memory, new Uint8Array(64).fill(0xa5))
      m.call('bufferInit', other, memory, 64)
      m.call('bufferConsume', b, 1)
      t.equal(m.call('bufferClone', b, other), 3)
      t.equal(m.call('bufferResize', other, 6), 0)
      t.equal(toHex(m.bytes(memory, 7)), '020304000000a5', 'what is new is zero')
      t.equal(m.call('bufferResize', other, 65), NetworkError.BufferTooSmall)
      m.call('bufferConsume', other, 6)
      t.equal(m.call('bufferResize', other, 2), 0)
      t.equal(m.call('bufferField', other, Field.data), 0)
      m.call('bufferReset', other)
      t.same([1, 3, 4].map(each => m.call('bufferField', other, each)), [0, 64, 0])
    })

    t.test('flags and references', async t => {
      const m = e.start()
      const b = m.call('bufferAt', 0)
      m.call('bufferInit', b, m.alloc(64), 64)
      t.equal(m.call('bufferFlags', b, 1, 0x09), 1)
      t.equal(m.call('bufferFlags', b, 0, 0x01), 1)
      t.equal(m.call('bufferFlags', b, 0, 0x03), 0, 'contains means all')
      t.equal(m.call('bufferFlags', b, 2, 0x01), 0)
      t.equal(m.call('bufferFlags', b, 3, 0x88), 0)
      t.equal(m.call('bufferField', b, Field.flags), 0x80)
      t.equal(m.call('bufferWrite', b, b, 1), NetworkError.PermissionDenied, 'read-only')
      m.call('bufferAddRef', b)
      t.equal(m.call('bufferRelease', b), 1)
      t.equal(m.call('bufferRelease', b), 0)
      t.equal(m.call('bufferRelease', b), 0, 'never below none')
    })

    t.test('RingBuffer: first in, first out, full at its capacity; 2,000 steps against a model', async t => {
      const m = e.start()
      m.call('ringInit', 3)
      const buffers = [0, 1, 2, 3].map(each => m.call('bufferAt', each))
      const model: number[] = []
      let state = 1
      for (let i = 0; i < 2000; i++) {
        state = Math.imul(state, 1103515245) + 12345 | 0
        const choice = state >>> 28
        if (choice < 8) {
          const one = buffers[state >>> 16 & 3]!
          t.equal(m.call('ringPush', one), model.length < 3 ? 0 : NetworkError.InsufficientMemory)
          if (model.length < 3) model.push(one)
        } else if (choice < 15) t.equal(m.call('ringPop'), model.shift() ?? 0)
        else {
          m.call('ringClear')
          model.length = 0
        }
        const seen = [0, 1, 2, 3, 4].map(each => m.call('ringField', each))
        t.same(seen, [model.length, 3, 3 - model.length, model.length === 0 ? 1 : 0, model.length === 3 ? 1 : 0])
        t.equal(m.call('ringPeek'), model[0] ?? 0)
      }
    })

    t.test('BufferPool: as many as made ahead, as many again on demand, then InsufficientMemory', async t => {
      const m = withHeap(e)
      t.equal(m.call('poolInit', 32, 2), NetworkError.InvalidPacket)
      t.equal(m.call('poolInit', 256, 3), 0)
      t.same([Pool.available, Pool.total].map(each => m.call('poolField', each)), [3, 3])
      const taken = Array.from({ length: 6 }, () => m.call('poolAllocate', 9))
      t.equal(new Set(taken).size, 6)
      t.equal(m.call('poolAllocate', 9), NetworkError.InsufficientMemory)
      t.same([0, 1, 2, 3, 5, 6, 8].map(each => m.call('poolField', each)), [0, 6, 1, 6, 1, 3, 6])
      t.equal(m.call('bufferField', taken[0]!, Field.allocatedAt), 9)
      m.call('bufferWrite', taken[0]!, taken[1]!, 16)
      m.call('bufferAddRef', taken[0]!)
      m.call('poolDeallocate', taken[0]!)
      t.equal(m.call('poolField', Pool.available), 0, 'somebody still refers to it')
      for (const each of taken) m.call('poolDeallocate', each)
      t.same([Pool.available, Pool.deallocations].map(each => m.call('poolField', each)), [6, 6])
      const again = m.call('poolAllocate', 10)
      t.ok(taken.includes(again))
      t.equal(m.call('bufferField', again, Field.len), 0, 'it comes empty')
      m.call('poolResize', 2)
      t.equal(m.call('poolField', Pool.total), 2)
      m.call('poolClear')
      t.same([Pool.available, Pool.total, Pool.clears].map(each => m.call('poolField', each)), [0, 1, 1])
    })

    t.test('BufferChain: read across buffers, flattened into one, refused when that is too small', async t => {
      const m = withHeap(e)
      m.call('poolInit', 64, 1)
      const parts = ['0102', '030405', '06'].map((text, i) => {
        const memory = m.alloc(64)
        m.call('bufferInit', m.call('bufferAt', i), memory, 64)
        const from = m.alloc(8)
        m.write(from, hex(text))
        m.call('bufferWrite', m.call('bufferAt', i), from, text.length / 2)
        return m.call('bufferAt', i)
      })
      m.call('chainFrom', parts[0]!)
      m.call('chainAdd', parts[1]!)
      m.call('chainAdd', parts[2]!)
      t.same([m.call('chainLength'), m.call('chainCount')], [6, 3])
      t.equal(m.call('chainGet', 1), parts[1]!)
      t.equal(m.call('chainGet', 3), 0)
      const flat = m.call('chainFlatten')
      t.equal(m.call('bufferField', flat, Field.data), 6)
      const to = m.alloc(8)
      t.equal(m.call('chainRead', to, 3), 3)
      t.equal(m.call('chainRead', to + 3, 8), 3)
      t.equal(toHex(m.bytes(to, 6)), '010203040506')
      t.equal(m.call('bufferRead', flat, to, 8), 6, 'the copy is its own')
      t.equal(toHex(m.bytes(to, 6)), '010203040506')
      const big = m.call('bufferAt', 3)
      m.call('bufferInit', big, m.alloc(128), 128)
      m.call('bufferWrite', big, m.alloc(128), 65)
      m.call('chainFrom', big)
      t.equal(m.call('chainFlatten'), NetworkError.BufferTooSmall)
      m.call('chainInit')
      t.same([m.call('chainLength'), m.call('chainCount')], [0, 0])
    })

    t.test('BufferManager: three pools by size, nothing before it is asked for', async t => {
      const m = withHeap(e)
      t.equal(m.call('managerThere'), 0)
      t.equal(m.call('allocateBuffer', 100, 1), NetworkError.InsufficientMemory)
      t.equal(m.call('initBufferManager'), 0)
      t.equal(m.call('initBufferManager'), 0)
      t.same([0, 1, 2, 3, 4, 5].map(each => m.call('managerInfo', each)), [64, 64, 256, 256, 32, 32])
      const got = [256, 257, 2048, 2049, 8192].map(size => m.call('allocateBuffer', size, 1))
      t.same(got.map(each => m.call('bufferField', each, Field.capacity)), [256, 2048, 2048, 8192, 8192])
      t.equal(m.call('allocateBuffer', 8193, 1), NetworkError.BufferTooSmall)
      t.same([0, 2, 4].map(each => m.call('managerInfo', each)), [63, 254, 30])
      for (const each of got) m.call('deallocateBuffer', each)
      t.same([0, 2, 4].map(each => m.call('managerInfo', each)), [64, 256, 32])
      t.same([0, 1, 2, 3, 4, 5].map(each => m.call('managerStat', each)), [6, 1, 2, 2, 5, 1])
    })
  })
}
