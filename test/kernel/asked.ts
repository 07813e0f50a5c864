// What the kernels of tests are asked to do: words of the command line, which the kernel itself warns of as unknown keys.

import { bootInfo } from '../../kernel/arch/x86/memory-init.ts'
import { load8 } from '../../kernel/lib/intrinsics.ts'
import { plus, type cstring, type u32 } from '../../kernel/lib/layout.ts'
import { spells, stringLength } from '../../kernel/lib/memory.ts'

const SPACE: u32 = 0x20

/** Whether the command line has the word `KEY=VALUE`; `key` ends with the equals sign. */
export function asked(key: cstring, value: cstring): boolean {
  const line = bootInfo().commandLine
  const keyLength = stringLength(key)
  const length = stringLength(value)
  let word: u32 = 0
  for (let i: u32 = 0; ; i += 1) {
    const byte: u32 = load8(line, i)
    if (byte != 0 && byte != SPACE) continue
    const matches = i - word == keyLength + length && spells(plus(line, word), keyLength, key)
    if (matches && spells(plus(line, word + keyLength), length, value)) return true
    if (byte == 0) return false
    word = i + 1
  }
}
