// The interrupt descriptor table: a gate for each of the 256 stubs of trap.S. Intel SDM vol. 3 §6.14.1.
//
//   63          48 47 46 45 44 43  40 39      35 34 32 31            16 15             0
//  | offset 31..16 |P |DPL |0 | type | reserved | IST  | code selector  | offset 15..0   |
//  127                           96 95                                                 64
//  | reserved                      | offset 63..32                                      |
//
// Every gate is an interrupt gate: interrupts are off until the kernel allows them again. Boot context.

import { lidt, linkerSymbol } from '../../lib/intrinsics.ts'
import { address, at, nth, plus, staticMemory, staticStruct, wire, type Le, type u32 } from '../../lib/layout.ts'
import { InterruptStack, KERNEL_CODE, KERNEL_HIGH, TableRegister } from './gdt.ts'
import { Exception } from './trap-frame.ts'

@wire(16)
class Gate {
  selectorOffsetLow: Le<u32>
  offsetMiddleAccess: Le<u32>
  offsetHigh: Le<u32>
  reserved: Le<u32>
}

const GATES: u32 = 256
/** Bytes of one stub in trap.S. */
const STUB_SIZE: u32 = 16
/** Present, privilege 0, 64-bit interrupt gate; and the same for privilege 3: INT3 is a program's to use. */
const INTERRUPT_GATE: u32 = 0x8e00
const USER_GATE: u32 = 0xee00

const idt = staticMemory(4096, 4096)
const register = staticStruct<TableRegister>()

function stackFor(vector: u32): InterruptStack {
  switch (vector) {
    case Exception.DoubleFault: return InterruptStack.DoubleFault
    case Exception.Nmi: return InterruptStack.Nmi
    case Exception.MachineCheck: return InterruptStack.MachineCheck
    default: return InterruptStack.Current
  }
}

function setGate(vector: u32): void {
  const stub: u32 = plus(linkerSymbol('trap_stubs'), vector * STUB_SIZE)
  const gate = nth(at<Gate>(idt), vector)
  gate.selectorOffsetLow = (KERNEL_CODE << 16) | (stub & 0xffff)
  gate.offsetMiddleAccess = (stub & 0xffff0000) | (vector == Exception.Breakpoint ? USER_GATE : INTERRUPT_GATE) | stackFor(vector)
  gate.offsetHigh = KERNEL_HIGH
}

/** Fill the table and load it: from here on every exception reaches trapDispatch. */
export function idtInit(): void {
  for (let vector: u32 = 0; vector < GATES; vector++) setGate(vector)
  register.limit = 4096 - 1
  register.baseLow = idt
  register.baseHigh = KERNEL_HIGH
  lidt(address(register))
}
