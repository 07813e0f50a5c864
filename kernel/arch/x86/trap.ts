// Where every exception and interrupt arrives from trap.S, and who it goes to.
//
// An interrupt goes to the handler its vector was given (interrupt.ts). An exception goes to the handler
// registered for it, and is a panic when there is none or it declines. Context: interrupts off, on the stack
// that was interrupted (its kernel stack, for a process), or on an interrupt stack for #DF, NMI and #MC. Handlers set flags and return.

import { at, nth, staticRow, struct, type ptr, type u32 } from '../../lib/layout.ts'
import { TrapFrame } from './trap-frame.ts'
import { userAccessEnd } from './user-access.ts'

/** Vectors 0 to 31 are the processor's. SDM vol. 3 §6.2 */
export const EXCEPTIONS: u32 = 32

/** Called for an exception; true when the interrupted code may go on. */
export type ExceptionHandler = (frame: TrapFrame) => boolean
/** Called with interrupts off when an exception or interrupt has come from user mode. */
export type UserEntered = () => void
/** Called with interrupts off before user mode goes on; may switch to others meanwhile. */
export type UserReturn = (frame: TrapFrame) => void
/** Called for an interrupt vector. */
export type VectorHandler = (vector: u32) => void

@struct
class ExceptionEntry {
  handler: ExceptionHandler | null
}

const exceptions = staticRow<ExceptionEntry>(EXCEPTIONS)
let interrupts: VectorHandler | null = null
let unhandled: ExceptionHandler | null = null
let userEntered: UserEntered | null = null
let userReturn: UserReturn | null = null

/** Who handles exception `vector` (below 32) from now on, instead of a panic. */
export function exceptionSet(vector: u32, handler: ExceptionHandler): void {
  nth(exceptions, vector).handler = handler
}

/** Who is told of every vector that is not an exception: interrupt.ts. */
export function interruptsSet(handler: VectorHandler): void {
  interrupts = handler
}

/** Who ends the kernel on an exception nobody handles: panic.ts. */
export function unhandledSet(handler: ExceptionHandler): void {
  unhandled = handler
}

/** Who is told of an exception or interrupt from user mode, and asked before user mode goes on: processes. */
export function userReturnSet(entered: UserEntered, handler: UserReturn): void {
  userEntered = entered
  userReturn = handler
}

/** Whether what was interrupted ran in user mode. */
export function fromUser(frame: TrapFrame): boolean {
  return (frame.cs.low & 3) != 0
}

/** Entered from trap.S. */
export function trapDispatch(framePointer: ptr): void {
  const frame = at<TrapFrame>(framePointer)
  if (fromUser(frame)) {
    userAccessEnd() // a program's AC flag would open its pages to the kernel
    if (userEntered != null) userEntered()
  }
  dispatch(frame)
  if (userReturn != null && fromUser(frame)) userReturn(frame)
}

function dispatch(frame: TrapFrame): void {
  if (frame.vector >= EXCEPTIONS) {
    if (interrupts != null) interrupts(frame.vector)
    return
  }
  const handler: ExceptionHandler | null = nth(exceptions, frame.vector).handler
  if (handler != null && handler(frame)) return
  if (unhandled != null) unhandled(frame)
}
