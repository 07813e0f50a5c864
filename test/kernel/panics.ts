// Remembers why the program under test panicked; the panic itself ends in a trap, which the test sees thrown.

import type { cstring, ptr } from '../../kernel/lib/layout.ts'
import { setPanicHandler } from '../../kernel/lib/panic.ts'

let reason: cstring = ''

/** From now on `panicWhy` is the reason of the last panic. */
export function rememberPanics(): void {
  setPanicHandler(remember)
}

function remember(why: cstring): void {
  reason = why
}

/** The text, empty if there was no panic. */
export function panicWhy(): ptr {
  return reason as ptr
}
