// The kernel of tests and benchmarks: the real one, with another end. After boot it does what a word of its command line names: breaks,
// uses sockets, is a client of TCP, counts its instructions; or serves, as the real one. One image for all of them, because
// building one takes a minute. test/test-kernel.ts builds it.

import { boot } from '../../kernel/boot.ts'
import type { u32 } from '../../kernel/lib/layout.ts'
import { mainLoop } from '../../kernel/loop.ts'
import { benchmark } from './boot-bench.ts'
import { client } from './boot-connect.ts'
import { count } from './boot-count.ts'
import { provoke } from './boot-provoke.ts'
import { sockets } from './boot-sockets.ts'

export { processBegin } from '../../kernel/process/begin.ts'
export { syscallDispatch } from '../../kernel/syscall/dispatch.ts'
export { trapDispatch } from '../../kernel/arch/x86/trap.ts'

/** Called by entry.S. */
export function kernelMain(magic: u32, info: u32): void {
  boot(magic, info)
  provoke()
  sockets()
  client()
  benchmark()
  count()
  mainLoop()
}
