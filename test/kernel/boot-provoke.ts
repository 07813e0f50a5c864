// Breaking on request: what `provoke=…` on the command line names. Part of boot-test.ts; test/boot/panic.ts boots it.

import { load32, loadVolatile32, ltr, linkerSymbol, rotateLeft, store32, storeVolatile32, trap } from '../../kernel/lib/intrinsics.ts'
import { at, staticMemory, struct, type cstring, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { panic } from '../../kernel/lib/panic.ts'
import { asked } from './asked.ts'
import { breakCard, breakDisk } from './bad-driver.ts'

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

/** Do what `provoke=` names; nothing if it names nothing. */
export function provoke(): void {
  if (asked('provoke=', 'divide')) storeVolatile32(cell, 0, divideBy(loadVolatile32(cell, 0)))
  if (asked('provoke=', 'read')) storeVolatile32(cell, 0, load32(UNMAPPED, 0x678))
  if (asked('provoke=', 'write')) store32(UNMAPPED, 0x678, 1)
  if (asked('provoke=', 'null')) storeVolatile32(cell, 0, load32(0 as ptr, 8))
  if (asked('provoke=', 'write-text')) store32(linkerSymbol('kernel_image'), 0x100, 0)
  if (asked('provoke=', 'write-string')) writeString('a string literal')
  if (asked('provoke=', 'execute-data')) executeData()
  if (asked('provoke=', 'execute-unmapped')) callAddress(UNMAPPED)
  if (asked('provoke=', 'overflow')) storeVolatile32(cell, 0, deeper(1))
  if (asked('provoke=', 'panic')) panic('provoked by the test')
  if (asked('provoke=', 'trap')) trap()
  if (asked('provoke=', 'selector')) ltr(BAD_SELECTOR)
  if (asked('provoke=', 'break-card')) breakCard()
  if (asked('provoke=', 'break-disk')) breakDisk()
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
