// Intrinsics for Node: what the printed JavaScript of a program calls. The same as host.h, which the native engine
// is built with: two arenas laid out as the real map is, every access checked, the same messages.
//
// All values that go in or out are numbers in the range of an i32.

import { HOST_KERNEL_BASE, HOST_UNMAPPED, type HostLayout } from '../pin/print-javascript.ts'

export const HOST_KERNEL_SIZE = 32 << 20
export const HOST_USER_SIZE = 1 << 20
export const HOST_USER_UNMAPPED = 4096

type Callable = (...args: number[]) => number

export interface Host {
  readonly kernel: DataView
  readonly user: DataView
  /** Every intrinsic by its name, and `callee`, `linkerSymbol`. */
  readonly intrinsics: Readonly<Record<string, (...args: number[]) => unknown>>
  /** Set once the program is instantiated: what function references stand for. */
  references: readonly Callable[]
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`

function fault(why: string): never { throw new Error(why) }

/** A host for one instance of a program: memory zeroed, its strings in place. */
export function createHost(layout: HostLayout, strings: Uint8Array): Host {
  const kernel = new DataView(new ArrayBuffer(HOST_KERNEL_SIZE))
  const user = new DataView(new ArrayBuffer(HOST_USER_SIZE))
  new Uint8Array(kernel.buffer).set(strings, layout.strings - HOST_KERNEL_BASE)
  const memory = new Memory(kernel, user)
  const host: Host = { kernel, user, intrinsics: {}, references: [] }
  const callee = (address: number): Callable => {
    const number = ((address >>> 0) - layout.functions) / layout.functionStep
    return host.references[number] ?? fault(`no function at ${hex(address)}`)
  }
  return Object.assign(host, {
    intrinsics: { ...accesses(memory), ...pairs(memory), ...arithmetic(), ...absent(), callee, trap: () => fault('trap') },
  })
}

/** Finds the arena of an access, and the place in it. */
class Memory {
  /** Where the last `view` found its bytes. */
  at = 0

  constructor(readonly kernel: DataView, readonly user: DataView) {}

  view(base: number, offset: number, size: number): DataView {
    const at = base + (offset >>> 0)
    const inKernel = at + HOST_KERNEL_BASE
    if (inKernel >= HOST_UNMAPPED && inKernel <= HOST_KERNEL_SIZE - size) {
      this.at = inKernel
      return this.kernel
    }
    if (at >= HOST_USER_UNMAPPED && at <= HOST_USER_SIZE - size) {
      this.at = at
      return this.user
    }
    return fault(`no memory at ${hex(base)} + ${hex(offset)} for ${size} bytes`)
  }

  get64(base: number, offset = 0): bigint { return this.view(base, offset, 8).getBigUint64(this.at, true) }

  set64(base: number, offset: number, value: bigint): void {
    this.view(base, offset, 8).setBigUint64(this.at, BigInt.asUintN(64, value), true)
  }
}

type Load = (base: number, offset: number) => number
type Store = (base: number, offset: number, value: number) => void

function accesses(m: Memory): Record<string, Load | Store> {
  const load8: Load = (base, offset) => m.view(base, offset, 1).getUint8(m.at)
  const load16: Load = (base, offset) => m.view(base, offset, 2).getUint16(m.at, true)
  const load32: Load = (base, offset) => m.view(base, offset, 4).getInt32(m.at, true)
  const loadSigned8: Load = (base, offset) => m.view(base, offset, 1).getInt8(m.at)
  const loadSigned16: Load = (base, offset) => m.view(base, offset, 2).getInt16(m.at, true)
  const store8: Store = (base, offset, value) => m.view(base, offset, 1).setUint8(m.at, value)
  const store16: Store = (base, offset, value) => m.view(base, offset, 2).setUint16(m.at, value, true)
  const store32: Store = (base, offset, value) => m.view(base, offset, 4).setInt32(m.at, value, true)
  const loadBe16: Load = (base, offset) => m.view(base, offset, 2).getUint16(m.at)
  const loadBe32: Load = (base, offset) => m.view(base, offset, 4).getInt32(m.at)
  const loadSignedBe16: Load = (base, offset) => m.view(base, offset, 2).getInt16(m.at)
  const storeBe16: Store = (base, offset, value) => m.view(base, offset, 2).setUint16(m.at, value)
  const storeBe32: Store = (base, offset, value) => m.view(base, offset, 4).setInt32(m.at, value)
  return {
    load8, load16, load32, loadBe16, loadBe32, loadSignedBe16, storeBe16, storeBe32, loadSigned8, loadSigned16, store8, store16, store32,
    loadVolatile8: load8, loadVolatile16: load16, loadVolatile32: load32,
    loadVolatileSigned8: loadSigned8, loadVolatileSigned16: loadSigned16,
    storeVolatile8: store8, storeVolatile16: store16, storeVolatile32: store32,
  }
}

/** What works on 64 bits in memory. */
function pairs(m: Memory): Record<string, (...args: number[]) => unknown> {
  const wide = (f: (a: bigint, b: bigint) => bigint) => (out: number, a: number, b: number): void => {
    const x = m.get64(a)
    m.set64(out, 0, f(x, m.get64(b)))
  }
  const shifted = (f: (a: bigint, n: bigint) => bigint) => (out: number, a: number, n: number): void =>
    m.set64(out, 0, f(m.get64(a), BigInt(n & 63)))
  return {
    copy64: (to, toOffset, from, fromOffset) => m.set64(to!, toOffset!, m.get64(from!, fromOffset)),
    store64: (base, offset, low, high) =>
      m.set64(base!, offset!, (BigInt(high! >>> 0) << 32n) | BigInt(low! >>> 0)),
    equal64: (a, aOffset, b, bOffset) => Number(m.get64(a!, aOffset) === m.get64(b!, bOffset)),
    add64: wide((a, b) => a + b),
    subtract64: wide((a, b) => a - b),
    increase64: (p, n) => m.set64(p!, 0, m.get64(p!) + BigInt(n! >>> 0)),
    onesSum128: (base, offset, sum) => {
      let wide = sum! >>> 0
      for (let i = 0; i < 32; i++) wide += m.view(base!, offset! + 4 * i, 4).getUint32(m.at, true) // 2^38 at most: exact
      const once = wide % 0x100000000 + Math.floor(wide / 0x100000000)
      return (once > 0xffffffff ? once - 0xffffffff : once) | 0
    },
    compare64: (a, b) => {
      const x = m.get64(a!)
      const y = m.get64(b!)
      return Number(x > y) - Number(x < y)
    },
    shiftLeft64: shifted((a, n) => a << n),
    shiftRight64: shifted((a, n) => a >> n),
    scale64: (out, a, by, n) => m.set64(out!, 0, (m.get64(a!) * BigInt(by! >>> 0)) >> BigInt(n! & 63)),
    divide64: (out, a, by) => {
      if (by === 0) return fault('division by zero')
      const value = m.get64(a!)
      m.set64(out!, 0, value / BigInt(by! >>> 0))
      return Number(value % BigInt(by! >>> 0)) | 0
    },
  }
}

function arithmetic(): Record<string, (a: number, b: number) => number | void> {
  const divisor = (b: number): number => b === 0 ? fault('division by zero') : b
  return {
    ult: (a, b) => Number((a >>> 0) < (b >>> 0)),
    ule: (a, b) => Number((a >>> 0) <= (b >>> 0)),
    ugt: (a, b) => Number((a >>> 0) > (b >>> 0)),
    uge: (a, b) => Number((a >>> 0) >= (b >>> 0)),
    ushr: (a, b) => (a >>> b) | 0,
    udiv: (a, b) => ((a >>> 0) / (divisor(b) >>> 0)) | 0,
    urem: (a, b) => ((a >>> 0) % (divisor(b) >>> 0)) | 0,
    div: (a, b) => (a / divisor(b)) | 0,
    rem: (a, b) => (a % divisor(b)) | 0,
    addEndAround: (a, b) => {
      const sum = (a >>> 0) + (b >>> 0)
      return (sum > 0xffffffff ? sum + 1 : sum) | 0
    },
    multiplyHigh: (a, b) => Number((BigInt(a >>> 0) * BigInt(b >>> 0)) >> 32n) | 0,
    countLeadingZeros: a => Math.clz32(a),
    countTrailingZeros: a => a === 0 ? 32 : 31 - Math.clz32(a & -a),
    populationCount: a => {
      let bits = 0
      for (let rest = a; rest !== 0; rest &= rest - 1) bits += 1
      return bits
    },
    rotateLeft: (a, n) => (a << n) | (a >>> -n), // JavaScript masks both counts
    byteSwap32: a => (a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24),
    memoryBarrier: () => {},
    compilerBarrier: () => {},
  }
}

/** What needs the processor to itself: never silent. */
const ABSENT = [
  'inb', 'inw', 'inl', 'outb', 'outw', 'outl', 'cli', 'sti', 'stiHlt', 'hlt', 'pause', 'interruptsEnabled', 'rdtsc',
  'cpuid', 'rdmsr', 'wrmsr', 'rdrand', 'readCr0', 'writeCr0', 'readCr2', 'readCr3', 'writeCr3', 'readCr4', 'writeCr4',
  'invlpg', 'writeXcr0', 'fxsave', 'fxrstor', 'xsave', 'xrstor', 'stac', 'clac', 'switchStack', 'lgdt', 'lidt', 'ltr',
  'framePointer', 'linkerSymbol',
]

function absent(): Record<string, () => never> {
  return Object.fromEntries(ABSENT.map(name => [name, () => fault(`${name} is not available on the host`)]))
}
