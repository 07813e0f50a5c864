// What the processor can do and the dialect can not say: each function here is an instruction, or an
// addressing mode, written once in linker/intrinsics/*.h (native) and linker/intrinsics/host.ts (Node).
// A load is at `base + offset`: the base is sign-extended to 64 bits, the offset is not.

import type { PhysicalAddress, cstring, i32, ptr, u16, u32, u8 } from './layout.ts'

// --- Memory: any alignment; the Be forms swap. -----------------------------------------------------------
export declare function load8(base: ptr, offset: u32): u8
export declare function load16(base: ptr, offset: u32): u16
export declare function load32(base: ptr, offset: u32): u32
export declare function loadSigned8(base: ptr, offset: u32): i32
export declare function loadSigned16(base: ptr, offset: u32): i32
export declare function loadBe16(base: ptr, offset: u32): u16
export declare function loadBe32(base: ptr, offset: u32): u32
export declare function store8(base: ptr, offset: u32, value: u32): void
export declare function store16(base: ptr, offset: u32, value: u32): void
export declare function store32(base: ptr, offset: u32, value: u32): void
export declare function storeBe16(base: ptr, offset: u32, value: u32): void
export declare function storeBe32(base: ptr, offset: u32, value: u32): void
/** Copy the 8 bytes at `from + fromOffset` to `to + toOffset` through one 64-bit register. */
export declare function copy64(to: ptr, toOffset: u32, from: ptr, fromOffset: u32): void
/** One 64-bit store: `low` in the first four bytes, `high` in the next. */
export declare function store64(base: ptr, offset: u32, low: u32, high: u32): void
/** True if the 8 bytes at both places are the same. */
export declare function equal64(a: ptr, aOffset: u32, b: ptr, bOffset: u32): boolean

// Volatile: exactly one access of exactly this width, in program order. What @mmio fields become.
export declare function loadVolatile8(base: ptr, offset: u32): u8
export declare function loadVolatile16(base: ptr, offset: u32): u16
export declare function loadVolatile32(base: ptr, offset: u32): u32
export declare function storeVolatile8(base: ptr, offset: u32, value: u32): void
export declare function storeVolatile16(base: ptr, offset: u32, value: u32): void
export declare function storeVolatile32(base: ptr, offset: u32, value: u32): void
/** Order memory accesses: mfence, and nothing moves across it. Needed between a store and a later load. */
export declare function memoryBarrier(): void
/** The compiler moves no access across it; x86 keeps stores in order and loads in order by itself. */
export declare function compilerBarrier(): void

// --- 32-bit arithmetic. ----------------------------------------------------------------------------------
/** a + b, plus 1 if that overflowed: one step of a one's complement sum. */
export declare function addEndAround(a: u32, b: u32): u32
/** `sum` and the 128 bytes at base + offset, as words of 32 bits added by addEndAround; done 64 bits at a time. Intel SDM, ADC. */
export declare function onesSum128(base: ptr, offset: u32, sum: u32): u32
/** The upper half of the 64-bit product. Intel SDM, MUL. */
export declare function multiplyHigh(a: u32, b: u32): u32
/** Leading zero bits, 32 for zero. */
export declare function countLeadingZeros(value: u32): u32
/** Trailing zero bits, 32 for zero. */
export declare function countTrailingZeros(value: u32): u32
/** Bits set. */
export declare function populationCount(value: u32): u32
export declare function rotateLeft(value: u32, count: u32): u32
export declare function byteSwap32(value: u32): u32

// --- 64-bit arithmetic on values in memory, least significant half first. `out` may be an input. ---------
export declare function add64(out: ptr, a: ptr, b: ptr): void
export declare function subtract64(out: ptr, a: ptr, b: ptr): void
/** The u64 at `p` plus `n`. */
export declare function increase64(p: ptr, n: u32): void
/** -1, 0 or 1 as the u64 at `a` is below, equal to or above the one at `b`. */
export declare function compare64(a: ptr, b: ptr): i32
export declare function shiftLeft64(out: ptr, a: ptr, count: u32): void
export declare function shiftRight64(out: ptr, a: ptr, count: u32): void
/** out = (a × multiplier) >> shift, with a 96-bit product; shift 0 to 63. Intel SDM, MUL and SHRD. */
export declare function scale64(out: ptr, a: ptr, multiplier: u32, shift: u32): void
/** out = a ÷ divisor; returns the remainder. A divisor of zero traps. */
export declare function divide64(out: ptr, a: ptr, divisor: u32): u32

// --- The end. --------------------------------------------------------------------------------------------
/** Stop here: ud2 in the kernel, an exception in a test. */
export declare function trap(): never

// --- The processor; only kernel/arch and drivers, never under test on the host. Intel SDM volume 2. ------
export declare function inb(port: u32): u8
export declare function inw(port: u32): u16
export declare function inl(port: u32): u32
export declare function outb(port: u32, value: u32): void
export declare function outw(port: u32, value: u32): void
export declare function outl(port: u32, value: u32): void
export declare function cli(): void
export declare function sti(): void
/** sti; hlt with nothing between: an interrupt that is pending is taken by the hlt. */
export declare function stiHlt(): void
/** hlt with interrupts as they are: with interrupts off, for ever. */
export declare function hlt(): void
export declare function pause(): void
export declare function interruptsEnabled(): boolean
/** 8 bytes at `out`: the time-stamp counter. */
export declare function rdtsc(out: ptr): void
/** 16 bytes at `out`: EAX, EBX, ECX, EDX. */
export declare function cpuid(leaf: u32, subleaf: u32, out: ptr): void
/** 8 bytes at `out`. */
export declare function rdmsr(register: u32, out: ptr): void
export declare function wrmsr(register: u32, low: u32, high: u32): void
/** 4 random bytes at `out`; false if the generator had none. Only where CPUID says RDRAND. */
export declare function rdrand(out: ptr): boolean
export declare function readCr0(): u32
export declare function writeCr0(value: u32): void
/** 8 bytes at `out`. */
export declare function readCr2(out: ptr): void
export declare function readCr3(): PhysicalAddress
export declare function writeCr3(root: PhysicalAddress): void
export declare function readCr4(): u32
export declare function writeCr4(value: u32): void
export declare function invlpg(page: ptr): void
/** XCR0, the parts of the processor's state that XSAVE saves; below bit 32. SDM vol. 2 XSETBV. */
export declare function writeXcr0(value: u32): void
/** The x87 and SSE state into 512 bytes at `area`, and back; `area` is aligned to 16. SDM vol. 2 FXSAVE64. */
export declare function fxsave(area: ptr): void
export declare function fxrstor(area: ptr): void
/** All of the state that XCR0 has, as `fxsave`; `area` is aligned to 64. SDM vol. 2 XSAVE64. */
export declare function xsave(area: ptr): void
export declare function xrstor(area: ptr): void
/** Open user pages to the kernel's own accesses, and close them again; only where CPUID says SMAP. SDM vol. 2 STAC, CLAC. */
export declare function stac(): void
export declare function clac(): void
/**
 * Go on where `to` says, on its stack; where this was, and the stack it had, is kept in `from` (8 bytes each, a stack
 * pointer: the word there is the address to go on at). Returns when somebody switches back.
 */
export declare function switchStack(from: ptr, to: ptr): void
/** `descriptor`: 2 bytes of limit, 8 of base. */
export declare function lgdt(descriptor: ptr): void
export declare function lidt(descriptor: ptr): void
export declare function ltr(selector: u32): void
/** RBP here. */
export declare function framePointer(): ptr
/** The address of a symbol of the linker script or of assembly; `name` is a string literal. */
export declare function linkerSymbol(name: cstring): ptr
