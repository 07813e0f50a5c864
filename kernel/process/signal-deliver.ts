// What a process does about its signals before user mode goes on, and the way back from a handler. signal(7), sigreturn(2).
//
//   signalsDeliver ─▶ signalTake ─▶ default: nothing, stop, the end
//                                └▶ handler: registers, mask and FPU state on its stack, and on with the handler
//   rt_sigreturn ◀─ the handler's return address leads there; what is on the stack is the program's, and believed in nothing
//
// A frame is made whole in memory of the kernel's and then copied: the copy may sleep. Context: the process's own.

import { FPU_STATE_SIZE, FXSAVE_SIZE, fpuFeatures, fpuStateInit } from '../arch/x86/fpu.ts'
import { SYSCALL_VECTOR, type TrapFrame } from '../arch/x86/trap-frame.ts'
import { Errno } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, struct, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logHex, logStart, logText } from '../lib/log.ts'
import { copyBytes } from '../lib/memory.ts'
import { USER_START } from '../mm/address.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { groupExit, processExit } from './exit.ts'
import type { Process } from './process.ts'
import { fpuStateChanged, fpuStateSaved, processStop } from './scheduler.ts'
import {
  FXSAVE_BYTES, SOFTWARE_OFFSET, fpuEndWord, fpuIsExtended, fpuMxcsrMask, fpuSoftwareMake, fpuStackBytes, fpuStateSanitize,
} from './signal-fpu.ts'
import { SignalFrame, signalFrameEnter, signalFrameMake, signalFrameTake } from './signal-frame.ts'
import { SYNCHRONOUS, Signal, SignalDefault, signalDefault } from './signal-number.ts'
import { restarts } from './signal-restart.ts'
import {
  ActionFlag, HANDLER_DEFAULT, HANDLER_IGNORE, StackFlag, signalAction, signalSpares, signalTake, type SignalAction, type SignalState,
} from './signal-state.ts'
import { groupStop, signalMaskBack, signalMaskSet, signalStackBad } from './signal.ts'

/** A frame and an FPU state, made or read. */
@struct
class Workspace {
  frame: Embed<SignalFrame>
  fpu: Bytes<840> // FPU_STATE_SIZE, the word behind, and to a multiple of 8
}

/** What the compiler of the program may have put below the stack pointer. System V ABI specification, AMD64, §3.2.2. */
const RED_ZONE: u32 = 128
const FRAME_ALIGNMENT: u32 = 16
const FPU_ALIGNMENT: u32 = 64
/** SYSCALL is two bytes long. */
const SYSCALL_BYTES: u32 = 2

/** Look at what is pending until nothing is. `frame` has the process's registers. May sleep, and may not return. */
export function signalsDeliver(self: Process, frame: TrapFrame): void {
  const state = self.signals
  while (true) {
    if (self.ending) processExit(self.exitStatus)
    if (state.stopAsked) {
      processStop(self)
      continue
    }
    const number = signalTake(state)
    if (number != 0) {
      act(self, frame, number)
      continue
    }
    if (!state.restore) break
    signalMaskBack(self) // the call that wanted another mask was not interrupted by a handler
  }
  if (wasInterrupted(frame) && restarts(self.callNumber, state.noRestart, false)) callAgain(self, frame)
  state.noRestart = false
}

function act(self: Process, frame: TrapFrame, number: u32): void {
  const action = signalAction(self.signals, number)
  if (action.handler == HANDLER_IGNORE || signalSpares(self.signals, number)) return
  if (action.handler != HANDLER_DEFAULT) return handle(self, frame, number, action)
  switch (signalDefault(number)) {
    case SignalDefault.Stop: return groupStop(self, number)
    case SignalDefault.Terminate:
    case SignalDefault.Core:
      tellFault(self, frame, number)
      groupExit(number)
  }
}

/** A program that ends by its own fault: what it did, in a line. */
function tellFault(self: Process, frame: TrapFrame, number: u32): void {
  if (number >= Signal.FirstRealTime || ((SYNCHRONOUS >>> (number - 1)) & 1) == 0) return
  const state = self.signals
  logStart(Level.Warn, 'process', 'fault')
  logDecimal('pid', self.pid)
  logText('name', self.name)
  logDecimal('signal', number)
  logDecimal('vector', state.trap)
  logHex('error', state.trapError)
  logHex('address', state.trapAddress)
  logHex('rip', frame.rip.low)
  logEnd()
}

// --- Calls that were interrupted. -------------------------------------------------------------------------

/** Whether a system call is about to return that a signal interrupted. */
function wasInterrupted(frame: TrapFrame): boolean {
  return frame.vector == SYSCALL_VECTOR && frame.rax.low == (Errno.Interrupted as number as u32) && frame.rax.high == 0xffffffff
}

/** The program makes its call once more. */
function callAgain(self: Process, frame: TrapFrame): void {
  frame.rip.low -= SYSCALL_BYTES
  frame.rax.low = self.callNumber
  frame.rax.high = 0
  frame.vector = 0
}

// --- To a handler. ----------------------------------------------------------------------------------------

function handle(self: Process, frame: TrapFrame, number: u32, action: SignalAction): void {
  const state = self.signals
  if (wasInterrupted(frame) && restarts(self.callNumber, state.noRestart, true) && (action.flags & ActionFlag.Restart) != 0) {
    callAgain(self, frame)
  }
  const place = frameWrite(self, frame, action)
  if (place == 0) return signalStackBad(self, number)
  signalFrameEnter(frame, number, action.handler, place)
  let low: u32 = state.blocked.low | action.mask.low
  let high: u32 = state.blocked.high | action.mask.high
  if ((action.flags & ActionFlag.NoDefer) == 0) {
    if (number <= 32) low |= 1 << (number - 1)
    else high |= 1 << (number - 33)
  }
  if ((action.flags & ActionFlag.ResetHandler) != 0) action.handler = HANDLER_DEFAULT
  state.restore = false
  signalMaskSet(self, low, high)
}

/** Whether an address is on the alternate stack. */
export function onAlternateStack(state: SignalState, where: u32): boolean {
  return state.stackSize != 0 && where - state.stackBase < state.stackSize
}

/** Bytes of the FPU state, as the processor saves it. */
function fpuSize(): u32 {
  return fpuFeatures() != 0 ? FPU_STATE_SIZE : FXSAVE_SIZE
}

/** Put the handler's frame on its stack: where, or 0 if there is no stack, or no memory. May sleep. */
function frameWrite(self: Process, frame: TrapFrame, action: SignalAction): u32 {
  const state = self.signals
  if ((action.flags & ActionFlag.Restorer) == 0) return 0
  const onStack: boolean = frame.rsp.high == 0 && onAlternateStack(state, frame.rsp.low)
  let top: u32 = frame.rsp.low - RED_ZONE
  if ((action.flags & ActionFlag.OnStack) != 0 && state.stackSize != 0 && !onStack) top = state.stackBase + state.stackSize
  else if (frame.rsp.high != 0) return 0
  const fpuBytes: u32 = fpuStackBytes(fpuSize())
  const least: u32 = USER_START + fpuBytes + FPU_ALIGNMENT + sizeof<SignalFrame>() + FRAME_ALIGNMENT
  if ((top as number as i32) < 0 || top < least) return 0
  const fpuPlace: u32 = (top - fpuBytes) & ~(FPU_ALIGNMENT - 1)
  const place: u32 = ((fpuPlace - sizeof<SignalFrame>()) & ~(FRAME_ALIGNMENT - 1)) - 8
  if (onStack && !onAlternateStack(state, place)) return 0
  return frameCopy(self, frame, action, place, fpuPlace) ? place : 0
}

function frameCopy(self: Process, frame: TrapFrame, action: SignalAction, place: u32, fpuPlace: u32): boolean {
  const memory = heapAllocate(sizeof<Workspace>())
  if (memory == 0) return false
  const workspace = at<Workspace>(memory)
  const state = self.signals
  const mask = state.restore ? state.saved : state.blocked
  const size = fpuSize()
  signalFrameMake(workspace.frame, frame, state, mask.low, mask.high, stackFlags(state, frame), size > FXSAVE_BYTES)
  workspace.frame.returnAddress.low = action.restorer
  workspace.frame.context.fpuState.low = fpuPlace
  const area = fpuStateSaved(self)
  copyBytes(workspace.fpu, area, size)
  fpuSoftwareMake(plus(workspace.fpu, SOFTWARE_OFFSET), size, fpuFeatures())
  store32(workspace.fpu, size, fpuEndWord())
  fpuStateInit(area)
  fpuStateChanged(self)
  let error: i32 = userCopyOut(fpuPlace as ptr, workspace.fpu, fpuStackBytes(size))
  if (error == Errno.None) error = userCopyOut(place as ptr, address(workspace.frame), sizeof<SignalFrame>())
  heapFree(memory)
  return error == Errno.None
}

/** ss_flags of the alternate stack, by where the program is. */
export function stackFlags(state: SignalState, frame: TrapFrame): u32 {
  if (state.stackSize == 0) return StackFlag.Disable
  return frame.rsp.high == 0 && onAlternateStack(state, frame.rsp.low) ? StackFlag.OnStack : StackFlag.None
}

// --- And back. --------------------------------------------------------------------------------------------

/** rt_sigreturn(2). The registers are the saved ones, RAX among them; a frame that can not be read or believed is a fault. May sleep. */
export function signalReturn(self: Process, frame: TrapFrame): void {
  const place: u32 = frame.rsp.low - 8 // the return address was popped
  const memory = heapAllocate(sizeof<Workspace>())
  if (memory == 0 || frame.rsp.high != 0 || !frameRead(self, frame, at<Workspace>(memory), place)) signalStackBad(self, 0)
  heapFree(memory)
}

/** Copy all of it, and only then use it. */
function frameRead(self: Process, frame: TrapFrame, workspace: Workspace, place: u32): boolean {
  if (userCopyIn(address(workspace.frame), place as ptr, sizeof<SignalFrame>()) != Errno.None) return false
  const saved = workspace.frame.context
  const from: u32 = saved.fpuState.low
  if (saved.fpuState.high != 0 || (from & (FPU_ALIGNMENT - 1)) != 0) return false
  let extended = false
  if (from != 0) {
    if (userCopyIn(workspace.fpu, from as ptr, FXSAVE_BYTES) != Errno.None) return false
    extended = extendedRead(workspace.fpu, from)
  }
  if (!signalFrameTake(frame, saved)) return false
  fpuLoad(self, workspace.fpu, from != 0, extended)
  const stack = workspace.frame.stack
  if (stack.base.high == 0 && stack.size.high == 0 && !onAlternateStack(self.signals, frame.rsp.low)) {
    self.signals.stackBase = stack.base.low
    self.signals.stackSize = stack.size.low
  }
  signalMaskSet(self, workspace.frame.mask.low, workspace.frame.mask.high)
  return true
}

/** The rest of an FPU state that says it has one; false when it has none, or it can not be read. */
function extendedRead(fpu: ptr, from: u32): boolean {
  const size = fpuSize()
  if (size <= FXSAVE_BYTES) return false
  if (userCopyIn(plus(fpu, FXSAVE_BYTES), (from + FXSAVE_BYTES) as ptr, size + 4 - FXSAVE_BYTES) != Errno.None) return false
  return fpuIsExtended(fpu, size, load32(fpu, size))
}

/** The FPU registers as the program left them, made sound; without a state as at its beginning. Nothing here sleeps. */
function fpuLoad(self: Process, from: ptr, present: boolean, extended: boolean): void {
  const size = fpuSize()
  const area = fpuStateSaved(self)
  const mask = fpuMxcsrMask(area)
  if (present) {
    copyBytes(area, from, size)
    fpuStateSanitize(area, size, fpuFeatures(), mask, extended)
  } else fpuStateInit(area)
  fpuStateChanged(self)
}
