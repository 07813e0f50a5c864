// What the tests of kernel/process/signal-*.ts call: two threads' states, queues by number, frames in kernel memory.

import { TrapFrame } from '../../kernel/arch/x86/trap-frame.ts'
import { address, at, nth, sizeof, staticRow, staticStruct, type bool, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { zeroBytes } from '../../kernel/lib/memory.ts'
import {
  SignalContext, SignalFrame, signalFrameEnter, signalFrameMake, signalFrameTake,
} from '../../kernel/process/signal-frame.ts'
import { SignalDefault, SignalSet, signalDefault } from '../../kernel/process/signal-number.ts'
import {
  SignalInfo, SignalState, signalAction, signalBlock, signalCancels, signalForgetAll, signalIgnored, signalPending, signalQueue,
  signalStateExec, signalStateFork, signalStateInit, signalStateRelease, signalStateShare, signalTake, signalTakeOf,
} from '../../kernel/process/signal-state.ts'

export { framesAddRegion } from '../../kernel/mm/frames.ts'
export { signalsHeld, signalsInit } from '../../kernel/process/signal-state.ts'
export { signalStops } from '../../kernel/process/signal-number.ts'
export {
  fpuEndWord, fpuIsExtended, fpuMxcsrMask, fpuSoftwareMake, fpuStackBytes, fpuStateSanitize,
} from '../../kernel/process/signal-fpu.ts'

const states = staticRow<SignalState>(4)
const info = staticStruct<SignalInfo>()
const set = staticStruct<SignalSet>()
const frame = staticStruct<TrapFrame>()
const made = staticStruct<SignalFrame>()

export function defaultOf(number: u32): SignalDefault { return signalDefault(number) }
export function setAdd(number: u32): void { set.add(number) }
export function setRemove(number: u32): void { set.remove(number) }
export function setHas(number: u32): bool { return set.has(number) }
export function setLow(): u32 { return set.low }
export function setHigh(): u32 { return set.high }

export function stateInit(which: u32): i32 { return signalStateInit(nth(states, which)) }
export function stateFork(child: u32, parent: u32): i32 { return signalStateFork(nth(states, child), nth(states, parent)) }
export function stateShare(child: u32, parent: u32): void { signalStateShare(nth(states, child), nth(states, parent)) }
export function stateExec(which: u32): void { signalStateExec(nth(states, which)) }
export function stateRelease(which: u32): void { signalStateRelease(nth(states, which)) }
export function block(which: u32, low: u32, high: u32): void { signalBlock(nth(states, which), low, high) }
export function blockedLow(which: u32): u32 { return nth(states, which).blocked.low }
export function blockedHigh(which: u32): u32 { return nth(states, which).blocked.high }
export function alternate(which: u32, base: u32, size: u32): void {
  nth(states, which).stackBase = base
  nth(states, which).stackSize = size
}
export function alternateSize(which: u32): u32 { return nth(states, which).stackSize }
export function trapped(which: u32, vector: u32, error: u32, low: u32, high: u32): void {
  const state = nth(states, which)
  state.trap = vector
  state.trapError = error
  state.trapAddress = low
  state.trapAddressHigh = high
}

export function handle(which: u32, number: u32, handler: u32): void { signalAction(nth(states, which), number).handler = handler }
export function handlerOf(which: u32, number: u32): u32 { return signalAction(nth(states, which), number).handler }
export function ignored(which: u32, number: u32): bool { return signalIgnored(nth(states, which), number) }
export function pending(which: u32): bool { return signalPending(nth(states, which)) }
export function cancels(which: u32, number: u32): void { signalCancels(nth(states, which), number) }
export function forget(which: u32, number: u32): void { signalForgetAll(nth(states, which), number) }

/** Queue a signal for a thread, or with `shared` for all; `value` comes back with it. */
export function queue(which: u32, shared: bool, number: u32, value: u32): bool {
  zeroBytes(address(info), sizeof<SignalInfo>())
  info.number = number
  info.code = 7
  info.third = value
  const state = nth(states, which)
  return signalQueue(shared ? state.group.pending : state.pending, info)
}
export function take(which: u32): u32 { return signalTake(nth(states, which)) }
export function takeOf(which: u32, low: u32, high: u32): u32 { return signalTakeOf(nth(states, which), low, high) }
export function takenValue(which: u32): u32 { return nth(states, which).taken.third }
export function takenCode(which: u32): i32 { return nth(states, which).taken.code }

/** The registers as 8 bytes each in the order of a TrapFrame. */
export function trapFrame(): ptr { return address(frame) }
export function trapFrameSize(): u32 { return sizeof<TrapFrame>() }
export function frameMake(which: u32, maskLow: u32, maskHigh: u32, stackFlags: u32, extended: bool): ptr {
  signalFrameMake(made, frame, nth(states, which), maskLow, maskHigh, stackFlags, extended)
  return address(made)
}
export function frameTake(context: ptr): bool { return signalFrameTake(frame, at<SignalContext>(context)) }
export function frameEnter(number: u32, handler: u32, place: u32): void { signalFrameEnter(frame, number, handler, place) }
