// Segments and the task-state segment. Intel SDM vol. 3 §3.4.5, §8.7.
//
//   0x08  kernel code, 64-bit        0x10  kernel data
//   0x18  user data                  0x20  user code, 64-bit      (in SYSRET's order, SDM vol. 2 SYSRET)
//   0x28  TSS, 16 bytes
//
// The kernel selectors are those of entry.S, so the segment registers need no reload. Boot context.

import { lgdt, linkerSymbol, ltr } from '../../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, staticMemory, staticStruct, wire, type Embed, type Le, type ptr, type u16, type u32,
} from '../../lib/layout.ts'

/** Selector of the kernel's code segment. */
export const KERNEL_CODE: u32 = 0x08
const TSS_SELECTOR: u32 = 0x28
/** The upper half of every kernel address. */
export const KERNEL_HIGH: u32 = 0xffffffff

/** Interrupt stacks of the TSS, for what may arrive while the current stack is unusable. */
export const enum InterruptStack { Current, DoubleFault, Nmi, MachineCheck }

@wire(8)
class Descriptor {
  low: Le<u32>
  high: Le<u32>
}

/** What lgdt and lidt read. */
@wire(10)
export class TableRegister {
  limit: Le<u16>
  baseLow: Le<u32>
  baseHigh: Le<u32>
}

@wire(8)
class StackAddress {
  low: Le<u32>
  high: Le<u32>
}

/** SDM vol. 3 figure 8-11. */
@wire(104)
class TaskState {
  reserved0: Le<u32>
  rsp0: Embed<StackAddress> // 4
  rsp1: Embed<StackAddress>
  rsp2: Embed<StackAddress>
  reserved28: Embed<StackAddress>
  ist1: Embed<StackAddress> // 36
  ist2: Embed<StackAddress>
  ist3: Embed<StackAddress>
  ist4: Embed<StackAddress>
  ist5: Embed<StackAddress>
  ist6: Embed<StackAddress>
  ist7: Embed<StackAddress>
  reserved92: Embed<StackAddress>
  reserved100: Le<u16>
  ioMap: Le<u16> // offset of the I/O permission bitmap; past the limit: none
}

const gdt = staticMemory(56, 8)
const taskState = staticStruct<TaskState>()
const register = staticStruct<TableRegister>()

function setDescriptor(index: u32, low: u32, high: u32): void {
  const descriptor = nth(at<Descriptor>(gdt), index)
  descriptor.low = low
  descriptor.high = high
}

function setStack(stack: StackAddress, top: ptr): void {
  stack.low = top
  stack.high = KERNEL_HIGH
}

/** A TSS descriptor is two entries: base and limit are spread over it. SDM vol. 3 figure 8-4. */
function setTaskDescriptor(index: u32, base: u32, limit: u32): void {
  const available: u32 = 0x8900 // present, 64-bit TSS, available
  setDescriptor(index, (base << 16) | limit, (base & 0xff000000) | available | ((base >>> 16) & 0xff))
  setDescriptor(index + 1, KERNEL_HIGH, 0)
}

/** The stack the processor switches to when it comes from user mode. */
export function kernelStackSet(top: ptr): void {
  setStack(taskState.rsp0, top)
}

/** Load the segments and the TSS with its interrupt stacks. */
export function gdtInit(): void {
  setDescriptor(1, 0x0000ffff, 0x00af9b00)
  setDescriptor(2, 0x0000ffff, 0x00cf9300)
  setDescriptor(3, 0x0000ffff, 0x00cff300)
  setDescriptor(4, 0x0000ffff, 0x00affb00)
  setStack(taskState.ist1, linkerSymbol('double_fault_stack_top'))
  setStack(taskState.ist2, linkerSymbol('nmi_stack_top'))
  setStack(taskState.ist3, linkerSymbol('machine_check_stack_top'))
  kernelStackSet(linkerSymbol('stack_top'))
  taskState.ioMap = sizeof<TaskState>()
  setTaskDescriptor(TSS_SELECTOR >>> 3, address(taskState), sizeof<TaskState>() - 1)
  register.limit = 56 - 1
  register.baseLow = gdt
  register.baseHigh = KERNEL_HIGH
  lgdt(address(register))
  ltr(TSS_SELECTOR)
}
