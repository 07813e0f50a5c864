// Broken invariants end here. What a panic prints and how it leaves the machine is kernel/arch's business:
// it registers a handler at boot; under test, and before that, a panic is a trap.

import { trap } from './intrinsics.ts'
import type { cstring } from './layout.ts'

/** Prints and does not return. */
export type PanicHandler = (why: cstring) => void

let handler: PanicHandler | null = null

/** Who prints panics from now on. */
export function setPanicHandler(next: PanicHandler): void {
  handler = next
}

/** Stop the kernel: an invariant is broken, and `why` names it. Never for bad input from outside. */
export function panic(why: cstring): never {
  if (handler != null) handler(why)
  trap()
}
