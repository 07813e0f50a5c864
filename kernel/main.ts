// The kernel's entry, and the only place where its parts meet: boot, then the main loop for ever.
// What assembly calls is exported here: `kernelMain` by entry.S, `trapDispatch` by trap.S, the others by syscall.S.

import type { u32 } from './lib/layout.ts'
import { boot } from './boot.ts'
import { mainLoop } from './loop.ts'

export { trapDispatch } from './arch/x86/trap.ts'
export { processBegin } from './process/begin.ts'
export { syscallDispatch } from './syscall/dispatch.ts'

/** Called by entry.S in long mode on the boot stack: the loader's magic number and its information's address. */
export function kernelMain(magic: u32, info: u32): void {
  boot(magic, info)
  mainLoop()
}
