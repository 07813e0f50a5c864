// The end of the kernel: one line that says why, the registers, who called whom; then out of the machine.
//
// A panic of the kernel's own takes the way of a fault: it raises an invalid-opcode exception, so that trap.S has
// the registers. An exception nobody handles comes the same way. A stack that ran into its guard page arrives as
// a double fault, on a stack of its own. Panic context: interrupts off, nothing returns.

import { cli, linkerSymbol, load8, outb, readCr0, readCr2, readCr3, readCr4, trap } from '../../lib/intrinsics.ts'
import { address, staticStruct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { setPanicHandler } from '../../lib/panic.ts'
import { printBacktrace } from './backtrace.ts'
import { Register64 } from './cpu.ts'
import { ExitStatus, exitMachine, halt, reboot } from './exit.ts'
import { KERNEL_HIGH } from './gdt.ts'
import { isGuardPage } from './paging.ts'
import { reportEnd, reportHex, reportHex64, reportQuoted, reportStart, reportWord } from './report.ts'
import { Exception, TrapFrame } from './trap-frame.ts'
import { unhandledSet } from './trap.ts'

/** What follows a panic; the command line's panic=. */
export const enum PanicMode { Exit, Halt, Reboot }

const SERIAL_PORT: u32 = 0x3f8
/** In EAX of an invalid opcode: what an intrinsic found wrong; RDI has the reason. linker/intrinsics/kernel.h. */
const INTRINSIC_FAULT: u32 = 0x46415554
/** Bits of a page fault's error code. SDM vol. 3 §4.7. */
const FAULT_PRESENT: u32 = 1
const FAULT_WRITE: u32 = 2
const FAULT_USER: u32 = 4
const FAULT_RESERVED: u32 = 8
const FAULT_FETCH: u32 = 16

const cr2 = staticStruct<Register64>()
let mode: PanicMode = PanicMode.Exit
let why: cstring | null = null
let panicking: boolean = false

/** What to do after a panic from now on. */
export function panicModeSet(next: PanicMode): void {
  mode = next
}

/** What the exception is called. SDM vol. 3 table 6-1. */
function exceptionName(vector: u32): cstring {
  switch (vector) {
    case 0: return 'divide error'
    case 1: return 'debug exception'
    case 2: return 'non-maskable interrupt'
    case 3: return 'breakpoint'
    case 4: return 'overflow'
    case 5: return 'bound range exceeded'
    case 6: return 'invalid opcode'
    case 7: return 'device not available'
    case 8: return 'double fault'
    case 10: return 'invalid TSS'
    case 11: return 'segment not present'
    case 12: return 'stack-segment fault'
    case 13: return 'general protection'
    case 14: return 'page fault'
    case 16: return 'floating-point error'
    case 17: return 'alignment check'
    case 18: return 'machine check'
    case 19: return 'SIMD floating-point exception'
    default: return 'unexpected exception'
  }
}

/** A double fault with CR2 in a guard page: the stack had no room for a page fault's frame. */
function isStackOverflow(frame: TrapFrame): boolean {
  if (frame.vector != Exception.DoubleFault && frame.vector != Exception.PageFault) return false
  return cr2.high == KERNEL_HIGH && isGuardPage(cr2.low as ptr)
}

function reportPageFault(errorCode: u32): void {
  const write: cstring = (errorCode & FAULT_WRITE) != 0 ? 'write' : 'read'
  reportHex64('address', address(cr2))
  reportWord('access', (errorCode & FAULT_FETCH) != 0 ? 'execute' : write)
  if ((errorCode & FAULT_RESERVED) != 0) reportWord('reason', 'reserved-bit')
  else reportWord('reason', (errorCode & FAULT_PRESENT) != 0 ? 'protection' : 'not-present')
  reportWord('mode', (errorCode & FAULT_USER) != 0 ? 'user' : 'kernel')
}

/** A division by zero, a call through no function: text of the kernel's own, or what looks like it. */
function isIntrinsicFault(frame: TrapFrame): boolean {
  if (frame.vector != Exception.InvalidOpcode || frame.rax.low != INTRINSIC_FAULT) return false
  const text = frame.rdi.low
  return frame.rdi.high == KERNEL_HIGH && text >= linkerSymbol('text_end') && text < linkerSymbol('rodata_end')
}

function reportReason(frame: TrapFrame): void {
  reportStart()
  if (why == null && isIntrinsicFault(frame)) why = frame.rdi.low as ptr as cstring
  if (why != null) {
    reportQuoted('why', why)
  } else if (isStackOverflow(frame)) {
    reportQuoted('why', 'kernel stack overflow')
    reportHex64('address', address(cr2))
  } else {
    reportQuoted('why', exceptionName(frame.vector))
    if (frame.vector == Exception.PageFault) reportPageFault(frame.errorCode)
    else reportHex('error', frame.errorCode)
  }
  reportEnd()
}

function reportRegister(name: cstring, register: Register64): void {
  reportHex64(name, address(register))
}

function reportRegisters(frame: TrapFrame): void {
  reportStart()
  reportRegister('rip', frame.rip)
  reportRegister('rsp', frame.rsp)
  reportRegister('rbp', frame.rbp)
  reportRegister('rflags', frame.rflags)
  reportHex('cs', frame.cs.low)
  reportHex('ss', frame.ss.low)
  reportEnd()
  reportStart()
  reportRegister('rax', frame.rax)
  reportRegister('rbx', frame.rbx)
  reportRegister('rcx', frame.rcx)
  reportRegister('rdx', frame.rdx)
  reportRegister('rsi', frame.rsi)
  reportRegister('rdi', frame.rdi)
  reportEnd()
  reportStart()
  reportRegister('r8', frame.r8)
  reportRegister('r9', frame.r9)
  reportRegister('r10', frame.r10)
  reportRegister('r11', frame.r11)
  reportEnd()
  reportStart()
  reportRegister('r12', frame.r12)
  reportRegister('r13', frame.r13)
  reportRegister('r14', frame.r14)
  reportRegister('r15', frame.r15)
  reportEnd()
  reportStart()
  reportHex('cr0', readCr0())
  reportRegister('cr2', cr2)
  reportHex('cr3', readCr3())
  reportHex('cr4', readCr4())
  reportEnd()
}

function leave(): never {
  if (mode == PanicMode.Reboot) reboot()
  if (mode == PanicMode.Halt) halt()
  exitMachine(ExitStatus.Panic)
}

/** A fault while a panic is being reported: nothing but the port is trusted any more. */
function giveUp(): never {
  writePort('\r\npanic: why="a second fault while the first was being reported"\r\n')
  leave()
}

function writePort(text: cstring): void {
  for (let i: u32 = 0; load8(text as ptr, i) != 0; i++) outb(SERIAL_PORT, load8(text as ptr, i))
}

/** Every exception that nobody handles. */
function unexpected(frame: TrapFrame): boolean {
  cli()
  if (panicking) giveUp()
  panicking = true
  readCr2(address(cr2))
  reportReason(frame)
  reportRegisters(frame)
  printBacktrace(frame.rip, frame.rbp, frame.rsp)
  leave()
}

function fromKernel(reason: cstring): void {
  cli()
  why = reason
  trap()
}

/** Report panics and unexpected exceptions from now on; the interrupt table must be loaded. */
export function panicInit(): void {
  unhandledSet(unexpected)
  setPanicHandler(fromKernel)
}
