// Who called whom: a walk along the frame pointers, every address looked at before it is followed, for the
// stack may be what is broken. System V ABI x86-64 §3.2.2. Panic context.
//
//   frame pointer ──▶  caller's frame pointer   8 bytes
//                      return address           8 bytes

import { linkerSymbol } from '../../lib/intrinsics.ts'
import { address, at, distance, plus, staticStruct, struct, type Embed, type ptr, type u32 } from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'
import { KERNEL_HIGH } from './gdt.ts'
import { Register64 } from './cpu.ts'
import { isMapped } from './paging.ts'
import { reportEnd, reportHex64Number, reportHexNumber, reportKernelAddress, reportNumber, reportStart, reportText } from './report.ts'
import { CodePlace, InlinedCall, LineReader, symbolFind } from './symbols.ts'

@struct
class StackFrame {
  caller: Embed<Register64>
  returnAddress: Embed<Register64>
}

/** Frames that are printed; a recursion shows its shape well before. */
const FRAME_LIMIT: u32 = 32

const place = staticStruct<CodePlace>()
const reader = staticStruct<LineReader>()
const call = staticStruct<InlinedCall>()
let printed: u32 = 0

function isText(code: u32): boolean {
  return code >= linkerSymbol('kernel_image') && code < linkerSymbol('text_end')
}

function printPlace(called: boolean): void {
  reportText(' ')
  reportText(place.name)
  if (!place.inlined) {
    reportText('+')
    reportHexNumber(called ? place.offset + 1 : place.offset)
  }
  if (stringLength(place.file) != 0) {
    reportText(' (')
    reportText(place.file)
    reportText(':')
    reportNumber(place.line)
    reportText(')')
  }
  if (place.inlined) reportText(' inlined')
}

/**
 * `#1 0xffffffff80101234 tcpInput+0x1c (kernel/net/tcp/input.ts:41)`, after as many lines for functions whose code is
 * part of it. A return address is that of the instruction after the call, so the one before it is looked up.
 */
function printFrame(code: u32, called: boolean): void {
  const table = linkerSymbol('symbol_table')
  const bytes = distance(table, linkerSymbol('symbol_table_end'))
  const looked = called ? code - 1 : code
  let depth: u32 = 0
  let more = true
  while (more && printed < FRAME_LIMIT) {
    const known = symbolFind(table, bytes, looked, depth, reader, call, place)
    reportStart()
    reportText('#')
    reportNumber(printed)
    reportText(' ')
    reportKernelAddress(code)
    if (known) printPlace(called)
    reportEnd()
    printed += 1
    depth += 1
    more = known && place.inlined
  }
}

/** Whether a frame can be read at `p`: in the kernel's half, aligned, present. */
function isFrame(p: Register64): boolean {
  return p.high == KERNEL_HIGH && (p.low & 7) == 0 && isMapped(p.low as ptr) && isMapped(plus(p.low as ptr, 15))
}

/** `#0 0x0000000000001234 not code`, and who called it: a call has just pushed its return address. */
function printNoCode(rip: Register64, rsp: Register64): void {
  reportStart()
  reportText('#')
  reportNumber(printed)
  reportText(' ')
  reportHex64Number(address(rip))
  reportText(' not code')
  reportEnd()
  printed += 1
  if (!isFrame(rsp)) return
  const top = at<Register64>(rsp.low as ptr)
  if (top.high == KERNEL_HIGH && isText(top.low)) printFrame(top.low, true)
}

/** Print the frames outwards from the code at `rip`, with frame pointer `rbp` and stack pointer `rsp`. */
export function printBacktrace(rip: Register64, rbp: Register64, rsp: Register64): void {
  if (rip.high == KERNEL_HIGH && isText(rip.low)) printFrame(rip.low, false)
  else printNoCode(rip, rsp)
  let pointer: Register64 = rbp
  while (printed < FRAME_LIMIT && isFrame(pointer)) {
    const frame = at<StackFrame>(pointer.low as ptr)
    if (frame.returnAddress.high != KERNEL_HIGH || !isText(frame.returnAddress.low)) return
    printFrame(frame.returnAddress.low, true)
    if (frame.caller.low <= address(frame)) return // stacks grow down: a caller's frame lies above
    pointer = frame.caller
  }
}
