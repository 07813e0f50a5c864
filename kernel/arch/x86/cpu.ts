// What this processor has, and the protections that are switched on because it has them.
// Intel SDM vol. 2 CPUID, vol. 3 §2.5 (control registers), §2.2.1 (EFER). Boot context, once.

import { cpuid, rdmsr, readCr0, readCr4, writeCr0, writeCr4, wrmsr } from '../../lib/intrinsics.ts'
import { address, staticStruct, struct, type u32 } from '../../lib/layout.ts'

/** Features the kernel asks for, as bits of one word. */
export const enum Cpu {
  NoExecute = 1,
  Smep = 2, // supervisor-mode execution prevention
  Smap = 4, // supervisor-mode access prevention
  Umip = 8, // no SGDT, SIDT, SLDT, SMSW, STR in user mode
  GlobalPages = 16,
  Rdrand = 32,
  InvariantTsc = 64,
  Xsave = 128,
  Avx = 256,
}

/** What CPUID returns. */
@struct
export class CpuidRegisters {
  eax: u32
  ebx: u32
  ecx: u32
  edx: u32
}

/** A 64-bit register in two halves, as rdmsr and rdtsc store it. */
@struct
export class Register64 {
  low: u32
  high: u32
}

const registers = staticStruct<CpuidRegisters>()
const msr = staticStruct<Register64>()
let features: u32 = 0
let capabilities: u32 = 0

const EFER: u32 = 0xc0000080
const EFER_NO_EXECUTE: u32 = 1 << 11
const CR0_WRITE_PROTECT: u32 = 1 << 16
const CR4_GLOBAL_PAGES: u32 = 1 << 7
const CR4_UMIP: u32 = 1 << 11
const CR4_SMEP: u32 = 1 << 20
const CR4_SMAP: u32 = 1 << 21

function query(leaf: u32, subleaf: u32): void {
  cpuid(leaf, subleaf, address(registers))
}

function when(register: u32, bit: u32, feature: Cpu): u32 {
  return ((register >>> bit) & 1) != 0 ? feature : 0
}

/** Read CPUID. Before anything else: the others ask `cpuHas`. */
export function cpuInit(): void {
  query(0, 0)
  const highest = registers.eax
  query(1, 0)
  capabilities = registers.edx
  features = when(registers.edx, 13, Cpu.GlobalPages) | when(registers.ecx, 30, Cpu.Rdrand)
    | when(registers.ecx, 26, Cpu.Xsave) | when(registers.ecx, 28, Cpu.Avx)
  if (highest >= 7) {
    query(7, 0)
    features |= when(registers.ebx, 7, Cpu.Smep) | when(registers.ebx, 20, Cpu.Smap) | when(registers.ecx, 2, Cpu.Umip)
  }
  query(0x80000000, 0)
  const highestExtended = registers.eax
  query(0x80000001, 0)
  features |= when(registers.edx, 20, Cpu.NoExecute)
  if (highestExtended >= 0x80000007) {
    query(0x80000007, 0)
    features |= when(registers.edx, 8, Cpu.InvariantTsc)
  }
}

/** Whether the processor has a feature. */
export function cpuHas(feature: Cpu): boolean {
  return (features & feature) != 0
}

/** EDX of leaf 1 as it is: what programs are told of the processor. */
export function cpuCapabilities(): u32 {
  return capabilities
}

/** All features found, `Cpu` bits. */
export function cpuFeatures(): u32 {
  return features
}

/** Let page tables say "not executable"; before the first table that does. */
export function cpuAllowNoExecute(): void {
  if (!cpuHas(Cpu.NoExecute)) return
  eferSet(EFER_NO_EXECUTE)
}

/** Change EFER: the bits of `bits` on. SDM vol. 3 §2.2.1 */
export function eferSet(bits: u32): void {
  rdmsr(EFER, address(msr))
  wrmsr(EFER, msr.low | bits, msr.high)
}

/** Make read-only hold for the kernel too, and keep user pages out of its reach; after the kernel's tables are in. */
export function cpuProtect(): void {
  writeCr0(readCr0() | CR0_WRITE_PROTECT)
  let cr4 = readCr4()
  if (cpuHas(Cpu.GlobalPages)) cr4 |= CR4_GLOBAL_PAGES
  if (cpuHas(Cpu.Umip)) cr4 |= CR4_UMIP
  if (cpuHas(Cpu.Smep)) cr4 |= CR4_SMEP
  if (cpuHas(Cpu.Smap)) cr4 |= CR4_SMAP
  writeCr4(cr4)
}
