// A sink of the log that keeps everything, for tests that look at lines.

import { load8, store8 } from '../../kernel/lib/intrinsics.ts'
import { staticMemory, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { logSinkAdd } from '../../kernel/lib/log.ts'

const KEPT: u32 = 1 << 20
const kept = staticMemory(KEPT, 8)
let keptLength: u32 = 0

/** Keep every further line; a test has room for 1 MiB of them. */
export function keepLog(): boolean {
  return logSinkAdd(keepLine)
}

function keepLine(line: ptr, length: u32): void {
  let i: u32 = 0
  while (i < length) {
    keepByte(load8(line, i))
    i += 1
  }
  keepByte(0x0a)
}

function keepByte(char: u32): void {
  store8(kept, keptLength, char)
  keptLength += 1
}

/** Where the lines are, each with a line feed. */
export function keptAddress(): ptr {
  return kept
}

export function keptBytes(): u32 {
  return keptLength
}
