// The registers the kernel never uses: x87, SSE, AVX. Saved and restored whole when another process runs.
// Intel SDM vol. 1 §10.5 (FXSAVE), §13 (XSAVE); vol. 3 §13.
//
// A processor without XSAVE has no AVX: FXSAVE's 512 bytes are all there is. With it, XCR0 says what is saved: x87, SSE
// and, where there is, AVX; what is wider stays off, and using it is an invalid opcode.

import { readCr0, readCr4, fxrstor, fxsave, store16, store32, writeCr0, writeCr4, writeXcr0, xrstor, xsave } from '../../lib/intrinsics.ts'
import type { ptr, u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Cpu, cpuHas } from './cpu.ts'

/** Bytes of a saved state, aligned to 64: 512 of FXSAVE, 64 of header, 256 of AVX. */
export const FPU_STATE_SIZE: u32 = 832
/** What FXSAVE saves of it. */
export const FXSAVE_SIZE: u32 = 512

const CR0_MONITOR: u32 = 1 << 1
const CR0_EMULATION: u32 = 1 << 2
const CR0_NUMERIC_ERROR: u32 = 1 << 5
const CR4_FXSAVE: u32 = 1 << 9
const CR4_SIMD_EXCEPTIONS: u32 = 1 << 10
const CR4_XSAVE: u32 = 1 << 18
const XCR0_X87_SSE: u32 = 3
const XCR0_AVX: u32 = 4
/** All exceptions masked, 64-bit precision: FNINIT's. SDM vol. 1 §8.1.5 */
const CONTROL_WORD: u32 = 0x037f
/** All exceptions masked. SDM vol. 1 §10.2.3 */
const MXCSR: u32 = 0x1f80
const MXCSR_OFFSET: u32 = 24

/** XCR0: which parts of the state are saved. */
export function fpuFeatures(): u32 {
  if (!cpuHas(Cpu.Xsave)) return 0
  return XCR0_X87_SSE | (cpuHas(Cpu.Avx) ? XCR0_AVX : 0)
}

/** Let user mode use the registers. Boot context. */
export function fpuInit(): void {
  writeCr0((readCr0() & ~CR0_EMULATION) | CR0_MONITOR | CR0_NUMERIC_ERROR)
  writeCr4(readCr4() | CR4_FXSAVE | CR4_SIMD_EXCEPTIONS | (cpuHas(Cpu.Xsave) ? CR4_XSAVE : 0))
  if (cpuHas(Cpu.Xsave)) writeXcr0(fpuFeatures())
}

/** The state a program begins with, at `area`: FPU_STATE_SIZE bytes, aligned to 64. */
export function fpuStateInit(area: ptr): void {
  zeroBytes(area, FPU_STATE_SIZE)
  store16(area, 0, CONTROL_WORD)
  store32(area, MXCSR_OFFSET, MXCSR)
}

/** Save the registers. */
export function fpuSave(area: ptr): void {
  if (cpuHas(Cpu.Xsave)) xsave(area)
  else fxsave(area)
}

/** Load them. */
export function fpuRestore(area: ptr): void {
  if (cpuHas(Cpu.Xsave)) xrstor(area)
  else fxrstor(area)
}
