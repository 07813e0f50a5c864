// The intrinsics as pin sees them: how many arguments, whether there is a result, and what the result is when
// all arguments are literals. Their code is in linker/intrinsics/; the authors' declarations of those that
// may be written by hand are in kernel/lib/intrinsics.ts, the rest are what the lowering pass makes of operators.

export interface Intrinsic {
  readonly arity: number
  readonly result: boolean
  /** The value for literal arguments (i32 in, any number out, wrapped by the caller); null: not known. */
  readonly fold: ((...args: number[]) => number | null) | null
}

const value = (arity: number, fold: Intrinsic['fold'] = null): Intrinsic => ({ arity, result: true, fold })
const action = (arity: number): Intrinsic => ({ arity, result: false, fold: null })
const unsigned = (f: (a: number, b: number) => number | boolean | null): Intrinsic =>
  value(2, (a, b) => { const r = f(a! >>> 0, b! >>> 0); return r === null ? null : Number(r) })

function populationCount(x: number): number {
  let bits = 0
  for (let rest = x >>> 0; rest !== 0; rest &= rest - 1) bits += 1
  return bits
}

const multiplyHigh = (a: number, b: number): number => Number((BigInt(a) * BigInt(b)) >> 32n)
const byteSwap32 = (x: number): number =>
  (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)

function loadsAndStores(): [string, Intrinsic][] {
  const loads = ['8', '16', '32', 'Signed8', 'Signed16', 'Be16', 'Be32', 'Volatile8', 'Volatile16', 'Volatile32']
  const alsoStored = loads.filter(width => !width.startsWith('Signed'))
  return [
    ...loads.map((width): [string, Intrinsic] => [`load${width}`, value(2)]),
    ...['SignedBe16', 'VolatileSigned8', 'VolatileSigned16'].map((width): [string, Intrinsic] => [`load${width}`, value(2)]),
    ...alsoStored.map((width): [string, Intrinsic] => [`store${width}`, action(3)]),
  ]
}

/** Every intrinsic by its name. */
export const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map<string, Intrinsic>([
  ...loadsAndStores(),
  ['copy64', action(4)], ['store64', action(4)], ['equal64', value(4)],
  ['memoryBarrier', action(0)], ['compilerBarrier', action(0)],
  // Operators on unsigned operands, and the division that does not fault.
  ['ult', unsigned((a, b) => a < b)], ['ule', unsigned((a, b) => a <= b)],
  ['ugt', unsigned((a, b) => a > b)], ['uge', unsigned((a, b) => a >= b)],
  ['udiv', unsigned((a, b) => b === 0 ? null : Math.floor(a / b))],
  ['urem', unsigned((a, b) => b === 0 ? null : a % b)],
  ['ushr', value(2, (a, b) => a! >>> (b! & 31))],
  ['div', value(2, (a, b) => b === 0 ? null : Math.trunc(a! / b!))],
  ['rem', value(2, (a, b) => b === 0 ? null : a! % b!)],
  ['addEndAround', unsigned((a, b) => a + b > 0xffffffff ? a + b - 0xffffffff : a + b)],
  ['multiplyHigh', unsigned(multiplyHigh)],
  ['countLeadingZeros', value(1, x => Math.clz32(x!))],
  ['countTrailingZeros', value(1, x => x === 0 ? 32 : 31 - Math.clz32(x! & -x!))],
  ['populationCount', value(1, x => populationCount(x!))],
  ['rotateLeft', value(2, (x, n) => (x! << (n! & 31)) | (x! >>> (-n! & 31)))],
  ['byteSwap32', value(1, x => byteSwap32(x!))],
  ['onesSum128', value(3)], ['add64', action(3)], ['subtract64', action(3)], ['increase64', action(2)], ['compare64', value(2)],
  ['shiftLeft64', action(3)], ['shiftRight64', action(3)], ['scale64', action(4)], ['divide64', value(3)],
  ['trap', action(0)],
  ['inb', value(1)], ['inw', value(1)], ['inl', value(1)],
  ['outb', action(2)], ['outw', action(2)], ['outl', action(2)],
  ['cli', action(0)], ['sti', action(0)], ['stiHlt', action(0)], ['hlt', action(0)], ['pause', action(0)],
  ['interruptsEnabled', value(0)], ['rdtsc', action(1)], ['cpuid', action(3)],
  ['rdmsr', action(2)], ['wrmsr', action(3)], ['rdrand', value(1)],
  ['readCr0', value(0)], ['writeCr0', action(1)], ['readCr2', action(1)], ['readCr3', value(0)],
  ['writeCr3', action(1)], ['readCr4', value(0)], ['writeCr4', action(1)], ['invlpg', action(1)],
  ['writeXcr0', action(1)], ['fxsave', action(1)], ['fxrstor', action(1)], ['xsave', action(1)], ['xrstor', action(1)],
  ['stac', action(0)], ['clac', action(0)], ['switchStack', action(2)],
  ['lgdt', action(1)], ['lidt', action(1)], ['ltr', action(1)], ['framePointer', value(0)],
])

/** Memory accesses whose first argument is a base and whose second is a byte offset from it. */
export function takesBaseAndOffset(name: string): boolean {
  return /^(load|store)/.test(name)
}
