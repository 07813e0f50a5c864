// A kernel that breaks on request: the real one, with another end. It boots, then does what `provoke=…` on its
// command line names (which the kernel itself warns of as an unknown key): test/boot/panic.ts boots it.

import { bootInfo } from '../../kernel/arch/x86/memory-init.ts'
import { boot } from '../../kernel/boot.ts'
import { load32, load8, loadVolatile32, ltr, linkerSymbol, rotateLeft, store32, storeVolatile32, trap } from '../../kernel/lib/intrinsics.ts'
import { at, plus, staticMemory, struct, type cstring, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { spells, stringLength } from '../../kernel/lib/memory.ts'
import { panic } from '../../kernel/lib/panic.ts'
import { mainLoop } from '../../kernel/loop.ts'
import { breakCard, breakDisk } from './bad-driver.ts'

export { processBegin } from '../../kernel/process/begin.ts'
export { syscallDispatch } from '../../kernel/syscall/dispatch.ts'
export { trapDispatch } from '../../kernel/arch/x86/trap.ts'

/** An address below 2 GiB, where no process lives yet: nothing is mapped there. */
const UNMAPPED = 0x12345000 as ptr
/** Past the last GDT entry. */
const BAD_SELECTOR: u32 = 0xfff8
/** x86's `ret`. */
const RETURN: u32 = 0xc3

type Call = () => void

/** A function reference is its address: one field makes one out of any number. */
@struct
class Holder {
  call: Call
}

const data = staticMemory(64, 16)
const holder = staticMemory(8, 8)
const cell = staticMemory(8, 8)

/** Called by entry.S. */
export function kernelMain(magic: u32, info: u32): void {
  boot(magic, info)
  if (asked('divide')) storeVolatile32(cell, 0, divideBy(loadVolatile32(cell, 0)))
  if (asked('read')) storeVolatile32(cell, 0, load32(UNMAPPED, 0x678))
  if (asked('write')) store32(UNMAPPED, 0x678, 1)
  if (asked('null')) storeVolatile32(cell, 0, load32(0 as ptr, 8))
  if (asked('write-text')) store32(linkerSymbol('kernel_image'), 0x100, 0)
  if (asked('write-string')) writeString('a string literal')
  if (asked('execute-data')) executeData()
  if (asked('execute-unmapped')) callAddress(UNMAPPED)
  if (asked('overflow')) storeVolatile32(cell, 0, deeper(1))
  if (asked('panic')) panic('provoked by the test')
  if (asked('trap')) trap()
  if (asked('selector')) ltr(BAD_SELECTOR)
  if (asked('break-card')) breakCard()
  if (asked('break-disk')) breakDisk()
  mainLoop()
}

/** Whether the command line has the word `provoke=NAME`. */
function asked(name: cstring): boolean {
  const line = bootInfo().commandLine
  const length = stringLength(name)
  let word: u32 = 0
  for (let i: u32 = 0; ; i += 1) {
    const byte: u32 = load8(line, i)
    if (byte != 0 && byte != 0x20) continue
    if (i - word == 8 + length && spells(plus(line, word), 8, 'provoke=') && spells(plus(line, word + 8), length, name)) return true
    if (byte == 0) return false
    word = i + 1
  }
}

function divideBy(divisor: u32): u32 {
  return 1000 / divisor
}

function writeString(text: cstring): void {
  store32(text as ptr, 0, 0)
}

function executeData(): void {
  store32(data, 0, RETURN)
  callAddress(data)
}

function callAddress(code: ptr): void {
  store32(holder, 0, code)
  at<Holder>(holder).call()
}

/** Recursion that no compiler can turn into a loop. */
function deeper(n: u32): u32 {
  storeVolatile32(cell, 4, n)
  return rotateLeft(deeper(n + 1), loadVolatile32(cell, 4) & 7) + n
}
