// What a handler finds on its stack, and what it leaves there for rt_sigreturn: Linux's rt_sigframe for x86-64, byte for
// byte, since programs and their libraries look into it. System V ABI specification, AMD64 supplement; Linux's
// arch/x86/include/uapi/asm/sigcontext.h, include/uapi/asm-generic/siginfo.h.
//
//   higher addresses
//     FPU state, aligned to 64               signal-fpu.ts
//     SignalFrame, 8 below a multiple of 16  as after a call: its first word is where the handler returns to
//     ◀─ RSP of the handler
//
// Here frames are made and read in kernel memory; signal-deliver.ts copies. Registers go in as they were. What comes back from
// user memory decides nothing but the program's own registers: segments stay what they are, of the flags only those that a
// program could set itself are taken, and the place to go on has to be user memory.

import { Register64 } from '../arch/x86/cpu.ts'
import type { TrapFrame } from '../arch/x86/trap-frame.ts'
import { copy64 } from '../lib/intrinsics.ts'
import { address, sizeof, wire, type Bytes, type Embed, type Le, type i32, type u16, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { USER_END, USER_START } from '../mm/address.ts'
import type { SignalInfo, SignalState } from './signal-state.ts'

/** 64 bits on the user's stack. */
@wire(8)
export class UserWord {
  low: Le<u32>
  high: Le<u32>
}

/** struct sigcontext. sigcontext.h specification. */
@wire(256)
export class SignalContext {
  r8: Embed<UserWord>
  r9: Embed<UserWord>
  r10: Embed<UserWord>
  r11: Embed<UserWord>
  r12: Embed<UserWord>
  r13: Embed<UserWord>
  r14: Embed<UserWord>
  r15: Embed<UserWord>
  rdi: Embed<UserWord>
  rsi: Embed<UserWord>
  rbp: Embed<UserWord>
  rbx: Embed<UserWord>
  rdx: Embed<UserWord>
  rax: Embed<UserWord>
  rcx: Embed<UserWord>
  rsp: Embed<UserWord>
  rip: Embed<UserWord>
  rflags: Embed<UserWord>
  cs: Le<u16>
  gs: Le<u16>
  fs: Le<u16>
  ss: Le<u16>
  errorCode: Embed<UserWord>
  trap: Embed<UserWord>
  oldMask: Embed<UserWord>
  cr2: Embed<UserWord>
  fpuState: Embed<UserWord> // its address
  reserved: Bytes<64>
}

/** stack_t. sigaltstack(2) specification. */
@wire(24)
export class SignalStack {
  base: Embed<UserWord>
  flags: Le<u32>
  padding: Le<u32>
  size: Embed<UserWord>
}

/** siginfo_t. siginfo.h specification. */
@wire(128)
export class UserSignalInfo {
  number: Le<u32>
  error: Le<i32>
  code: Le<i32>
  padding: Le<u32>
  first: Le<u32>
  second: Le<u32>
  third: Le<u32>
  fourth: Le<u32>
  rest: Bytes<96>
}

/** struct rt_sigframe: the return address, struct ucontext, siginfo_t. sigframe.h specification. */
@wire(440)
export class SignalFrame {
  returnAddress: Embed<UserWord>
  flags: Embed<UserWord>
  link: Embed<UserWord>
  stack: Embed<SignalStack>
  context: Embed<SignalContext>
  mask: Embed<UserWord>
  info: Embed<UserSignalInfo>
}

/** uc_flags: there is an extended FPU state, SS is saved, and it is the one to go on with. ucontext.h. */
const EXTENDED_STATE: u32 = 1
const STRICT_SS: u32 = 6
/** Flags a program can set by itself: CF, PF, AF, ZF, SF, TF, DF, OF, RF, AC. Intel SDM vol. 1 §3.4.3. */
const FLAGS_OF_PROGRAMS: u32 = 0x00050dd5
/** Bit 1, always set, and IF. */
const FLAGS_ALWAYS: u32 = 0x202
/** Cleared for a handler: TF, DF, RF. */
const FLAGS_CLEARED: u32 = 0x00010500

/** The mask and registers of an interrupted program, its alternate stack, and what is known of the signal, into `out`. */
export function signalFrameMake(
  out: SignalFrame, frame: TrapFrame, state: SignalState, maskLow: u32, maskHigh: u32, stackFlags: u32, extended: boolean,
): void {
  zeroBytes(address(out), sizeof<SignalFrame>())
  out.flags.low = STRICT_SS | (extended ? EXTENDED_STATE : 0)
  out.stack.base.low = state.stackBase
  out.stack.size.low = state.stackSize
  out.stack.flags = stackFlags
  out.mask.low = maskLow
  out.mask.high = maskHigh
  out.context.oldMask.low = maskLow
  out.context.oldMask.high = maskHigh
  contextMake(out.context, frame)
  out.context.trap.low = state.trap
  out.context.errorCode.low = state.trapError
  out.context.cr2.low = state.trapAddress
  out.context.cr2.high = state.trapAddressHigh
  signalInfoWrite(out.info, state.taken)
}

function contextMake(out: SignalContext, frame: TrapFrame): void {
  give(out.r8, frame.r8)
  give(out.r9, frame.r9)
  give(out.r10, frame.r10)
  give(out.r11, frame.r11)
  give(out.r12, frame.r12)
  give(out.r13, frame.r13)
  give(out.r14, frame.r14)
  give(out.r15, frame.r15)
  give(out.rdi, frame.rdi)
  give(out.rsi, frame.rsi)
  give(out.rbp, frame.rbp)
  give(out.rbx, frame.rbx)
  give(out.rdx, frame.rdx)
  give(out.rax, frame.rax)
  give(out.rcx, frame.rcx)
  give(out.rsp, frame.rsp)
  give(out.rip, frame.rip)
  give(out.rflags, frame.rflags)
  out.cs = frame.cs.low
  out.ss = frame.ss.low
}

function give(to: UserWord, from: Register64): void {
  copy64(address(to), 0, address(from), 0)
}

function take(to: Register64, from: UserWord): void {
  copy64(address(to), 0, address(from), 0)
}

/** siginfo_t of a signal, or of the part of it that there is. */
export function signalInfoWrite(out: UserSignalInfo, info: SignalInfo): void {
  out.number = info.number
  out.error = info.error
  out.code = info.code
  out.first = info.first
  out.second = info.second
  out.third = info.third
  out.fourth = info.fourth
}

/** Whether a program may be sent on there: in user memory. */
export function mayGoOnAt(word: UserWord): boolean {
  return word.high == 0 && word.low >= USER_START && word.low < USER_END
}

/**
 * The registers that a program left in its frame, into `frame`, which leaves by IRET; false, and nothing is changed, if the place to
 * go on is none. CS and SS stay.
 */
export function signalFrameTake(frame: TrapFrame, saved: SignalContext): boolean {
  if (!mayGoOnAt(saved.rip)) return false
  take(frame.r8, saved.r8)
  take(frame.r9, saved.r9)
  take(frame.r10, saved.r10)
  take(frame.r11, saved.r11)
  take(frame.r12, saved.r12)
  take(frame.r13, saved.r13)
  take(frame.r14, saved.r14)
  take(frame.r15, saved.r15)
  take(frame.rdi, saved.rdi)
  take(frame.rsi, saved.rsi)
  take(frame.rbp, saved.rbp)
  take(frame.rbx, saved.rbx)
  take(frame.rdx, saved.rdx)
  take(frame.rax, saved.rax)
  take(frame.rcx, saved.rcx)
  take(frame.rsp, saved.rsp)
  take(frame.rip, saved.rip)
  frame.rflags.low = (saved.rflags.low & FLAGS_OF_PROGRAMS) | FLAGS_ALWAYS
  frame.rflags.high = 0
  frame.vector = 0
  return true
}

/** Registers for a handler: its number, siginfo_t and ucontext as arguments, on the stack with the frame at `place`. */
export function signalFrameEnter(frame: TrapFrame, number: u32, handler: u32, place: u32): void {
  set(frame.rdi, number)
  set(frame.rsi, place + INFO_OFFSET)
  set(frame.rdx, place + CONTEXT_OFFSET)
  set(frame.rax, 0)
  set(frame.rsp, place)
  set(frame.rip, handler)
  frame.rflags.low &= ~FLAGS_CLEARED
  frame.vector = 0
}

const CONTEXT_OFFSET: u32 = 8 // ucontext begins behind the return address
const INFO_OFFSET: u32 = 312

function set(register: Register64, value: u32): void {
  register.low = value
  register.high = 0
}
