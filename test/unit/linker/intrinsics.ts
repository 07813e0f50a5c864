// Each intrinsic on every engine: what kernel/lib/intrinsics.ts says of it, its edges, and what memory faults.

import t from 'tap'
import { INTRINSICS } from '../../../linker/pin/intrinsics.ts'
import { enginesOf, pinText } from '../../pinned.ts'

const names = [...INTRINSICS].map(([name]) => name)
const letters = ['a', 'b', 'c', 'd']
const exported = [...INTRINSICS].map(([name, { arity, result }]) => {
  const parameters = letters.slice(0, arity).join(', ')
  return `function call_${name}(${parameters}) { ${result ? 'return ' : ''}${name}(${parameters}); }`
})
const program = pinText(`${exported.join('\n')}
function symbol() { return linkerSymbol("kernel_end"); }
export { ${[...names.map(each => `call_${each} as ${each}`), 'symbol'].join(', ')} };`, ...names, 'linkerSymbol')

/** Results for arguments, unsigned. */
const VALUES: readonly [name: string, args: readonly number[], result: number][] = [
  ['ult', [1, 0x80000000], 1], ['ult', [5, 5], 0], ['ule', [5, 5], 1], ['ugt', [0xffffffff, 1], 1], ['uge', [0, 1], 0],
  ['udiv', [0xffffffff, 2], 0x7fffffff], ['urem', [0xffffffff, 10], 5], ['ushr', [0x80000000, 31], 1], ['ushr', [8, 33], 4],
  ['div', [-7, 2], -3 >>> 0], ['div', [0x80000000, -1], 0x80000000], ['rem', [-7, 2], -1 >>> 0], ['rem', [0x80000000, -1], 0],
  ['addEndAround', [0xffffffff, 1], 1], ['addEndAround', [0xffffffff, 0xffffffff], 0xffffffff], ['addEndAround', [1, 2], 3],
  ['multiplyHigh', [0xffffffff, 0xffffffff], 0xfffffffe], ['multiplyHigh', [0x10000, 0x10000], 1],
  ['countLeadingZeros', [0], 32], ['countLeadingZeros', [1], 31], ['countLeadingZeros', [0x80000000], 0],
  ['countTrailingZeros', [0], 32], ['countTrailingZeros', [8], 3], ['countTrailingZeros', [0x80000000], 31],
  ['populationCount', [0xf00f0001], 9], ['populationCount', [0xffffffff], 32], ['populationCount', [0], 0],
  ['rotateLeft', [0x80000001, 1], 3], ['rotateLeft', [0x12345678, 0], 0x12345678], ['rotateLeft', [1, 32], 1], ['rotateLeft', [1, 63], 0x80000000],
  ['byteSwap32', [0x12345678], 0x78563412], ['byteSwap32', [0x000000ff], 0xff000000],
]

const BYTES = [0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09]

/** Loads at the second of BYTES. */
const LOADS: readonly [name: string, result: number][] = [
  ['load8', 0x92], ['load16', 0xa392], ['load32', 0xc5b4a392], ['loadSigned8', 0xffffff92], ['loadSigned16', 0xffffa392],
  ['loadBe16', 0x92a3], ['loadBe32', 0x92a3b4c5], ['loadSignedBe16', 0xffff92a3],
  ['loadVolatile8', 0x92], ['loadVolatile16', 0xa392], ['loadVolatile32', 0xc5b4a392],
  ['loadVolatileSigned8', 0xffffff92], ['loadVolatileSigned16', 0xffffa392],
]

/** What 0x12345678 leaves in memory. */
const STORES: readonly [name: string, bytes: readonly number[]][] = [
  ['store8', [0x78]], ['store16', [0x78, 0x56]], ['store32', [0x78, 0x56, 0x34, 0x12]],
  ['storeBe16', [0x56, 0x78]], ['storeBe32', [0x12, 0x34, 0x56, 0x78]],
  ['storeVolatile8', [0x78]], ['storeVolatile16', [0x78, 0x56]], ['storeVolatile32', [0x78, 0x56, 0x34, 0x12]],
]

const ABSENT = [
  'inb', 'inw', 'inl', 'outb', 'outw', 'outl', 'cli', 'sti', 'stiHlt', 'hlt', 'pause', 'interruptsEnabled', 'rdtsc', 'cpuid', 'rdmsr',
  'wrmsr', 'rdrand', 'readCr0', 'writeCr0', 'readCr2', 'readCr3', 'writeCr3', 'readCr4', 'writeCr4', 'invlpg',
  'writeXcr0', 'fxsave', 'fxrstor', 'xsave', 'xrstor', 'stac', 'clac', 'switchStack', 'lgdt', 'lidt',
  'ltr', 'framePointer',
]

const tested = new Set([...VALUES, ...LOADS, ...STORES].map(([name]) => name))

for (const e of enginesOf(program)) {
  t.test(e.kind, async t => {
    const m = e.start()
    const u32 = (name: string, ...args: number[]): number => m.call(name, ...args) >>> 0
    const place = (value: bigint): number => {
      const at = m.alloc(8)
      m.write32(at, Number(value & 0xffffffffn))
      m.write32(at + 4, Number(value >> 32n))
      return at
    }
    const wide = (at: number): bigint => (BigInt(m.read32(at + 4)) << 32n) | BigInt(m.read32(at))

    t.test('arithmetic', async t => {
      for (const [name, args, result] of VALUES) t.equal(u32(name, ...args), result, `${name}(${args.join(', ')})`)
      for (const name of ['udiv', 'urem', 'div', 'rem']) t.throws(() => m.call(name, 1, 0), { message: 'division by zero' }, name)
    })

    t.test('loads, at any alignment', async t => {
      const at = m.alloc(16)
      m.write(at, BYTES)
      for (const [name, result] of LOADS) t.equal(u32(name, at, 1), result, name)
      for (const [name, result] of LOADS) t.equal(u32(name, at - 4, 5), result, name)
    })

    t.test('stores, at any alignment, and no byte more', async t => {
      for (const [name, bytes] of STORES) {
        const at = m.alloc(16)
        m.bytes(at, 16).fill(0xee)
        m.call(name, at, 3, 0x12345678)
        t.same([...m.bytes(at, 16)], [0xee, 0xee, 0xee, ...bytes, ...Array(13 - bytes.length).fill(0xee)], name)
      }
    })

    t.test('64 bits', async t => {
      const a = place(0xffffffff00000001n)
      const b = place(0x00000001ffffffffn)
      const out = place(0n)
      m.call('add64', out, a, b)
      t.equal(wide(out), 0x0000000100000000n, 'add64 wraps')
      m.call('subtract64', out, b, a)
      t.equal(wide(out), 0x00000002fffffffen, 'subtract64 wraps')
      m.call('add64', a, a, a)
      t.equal(wide(a), 0xfffffffe00000002n, 'out may be an input')
      m.call('increase64', b, 0xffffffff)
      t.equal(wide(b), 0x00000002fffffffen, 'the increase is unsigned')
      t.same([m.call('compare64', a, b), m.call('compare64', b, a), m.call('compare64', a, a)], [1, -1, 0], 'unsigned')
      m.call('shiftLeft64', out, b, 33)
      t.equal(wide(out), 0xfffffffc00000000n)
      m.call('shiftRight64', out, a, 63)
      t.equal(wide(out), 1n)
      m.call('scale64', out, place(0xffffffffffffffffn), 0xffffffff, 32)
      t.equal(wide(out), ((0xffffffffffffffffn * 0xffffffffn) >> 32n) & 0xffffffffffffffffn, 'the product has 96 bits')
      t.equal(u32('divide64', out, place(1000000000007n), 10), 7)
      t.equal(wide(out), 100000000000n)
      t.throws(() => m.call('divide64', out, a, 0), { message: 'division by zero' })
      m.call('store64', out, 0, 0x89abcdef, 0x80000001)
      t.equal(wide(out), 0x8000000189abcdefn)
      m.call('copy64', b, 0, out, 0)
      t.equal(wide(b), wide(out))
      t.same([m.call('equal64', b, 0, out, 0), m.call('equal64', b, 0, a, 0)], [1, 0])
    })

    t.test('memory that is not there', async t => {
      const fails = (base: number, offset: number): void => {
        const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, '0')}`
        t.throws(() => m.call('load32', base, offset), { message: `no memory at ${hex(base)} + ${hex(offset)} for 4 bytes` })
        t.throws(() => m.call('store32', base, offset, 1), { message: `no memory at ${hex(base)} + ${hex(offset)} for 4 bytes` })
      }
      fails(0, 0) // null
      fails(0, 4092)
      fails(0xfffff, 0) // the end of user memory
      fails(0x7fffffff, 4) // not the kernel: the sum does not become negative
      fails(0x80000000, 0)
      fails(0x8000fffd, 0)
      fails(0x81fffffd, 0)
      fails(0x80020000, -4) // an offset is unsigned: 4 GiB on
      fails(0xffffffff, 0)
      t.doesNotThrow(() => m.call('load32', 0x1000, 0))
      t.doesNotThrow(() => m.call('load32', 0xffffc, 0))
      t.doesNotThrow(() => m.call('load32', 0x81fffffc, 0))
      t.throws(() => m.call('copy64', m.alloc(8), 0, 0, 0), { message: 'no memory at 0x00000000 + 0x00000000 for 8 bytes' })
    })

    t.test('what only a processor of its own can do says so', async t => {
      for (const name of ABSENT) {
        const { arity } = INTRINSICS.get(name)!
        t.throws(() => m.call(name, ...letters.slice(0, arity).map(() => 1)), { message: `${name} is not available on the host` })
      }
      t.throws(() => m.call('symbol'), { message: 'linkerSymbol is not available on the host' })
    })

    t.test('the rest', async t => {
      t.throws(() => m.call('trap'), { message: 'trap' })
      const words = (...filled: number[]): number => {
        const at = m.alloc(144) + 3
        for (let i = 0; i < 32; i++) m.write32(at + 5 + 4 * i, filled[i] ?? filled.at(-1)!)
        return at
      }
      for (const [sum, ...filled] of [[0, 0], [0xffffffff, 0], [0, 0xffffffff], [0xffffffff, 0xffffffff], [1, 0xffffffff], [1, 0xffffffff, 0],
        [7, 0x80000000], [0xfffffffe, 0xffffffff, 0xffffffff, 1, 0], Array.from({ length: 33 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0)]) {
        let right = sum!
        for (let i = 0; i < 32; i++) right = u32('addEndAround', right, filled[i] ?? filled.at(-1)!)
        t.equal(u32('onesSum128', words(...filled), 5, sum!), right, `onesSum128 of ${sum}, ${filled.slice(0, 4)}`)
      }
      t.throws(() => m.call('onesSum128', 0x7ffffff0, 0, 0), 'what is not there')
      t.doesNotThrow(() => { m.call('memoryBarrier'); m.call('compilerBarrier') })
      t.throws(() => m.call('nothing'), { message: 'the program exports no function nothing' })
      t.throws(() => m.call('ult', 1), { message: 'ult takes 2 arguments, not 1' })
    })
  })
}

t.test('no intrinsic is left out here', async t => {
  const wide = ['onesSum128', 'add64', 'subtract64', 'increase64', 'compare64', 'shiftLeft64', 'shiftRight64', 'scale64', 'divide64', 'store64', 'copy64', 'equal64']
  const all = new Set([...tested, ...ABSENT, ...wide, 'trap', 'memoryBarrier', 'compilerBarrier'])
  t.same(names.filter(each => !all.has(each)), [])
})

t.test('what authors may write is what pin knows', async t => {
  const fs = await import('node:fs')
  const declared = [...fs.readFileSync('kernel/lib/intrinsics.ts', 'utf8').matchAll(/declare function (\w+)\((.*?)\)/g)]
  t.ok(declared.length > 60)
  for (const [, name, parameters] of declared) {
    if (name === 'linkerSymbol') continue
    t.equal(INTRINSICS.get(name!)?.arity, parameters === '' ? 0 : parameters!.split(',').length, name!)
  }
})
