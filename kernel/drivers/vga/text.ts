// The VGA text console: 80 by 25, a cell is a character and an attribute byte. IBM VGA technical reference,
// "CRT controller registers".
//
// Scrolling moves the displayed window down the 32 KiB of text memory by changing the CRT controller's start
// address, so that a line costs one row of cells and not a screen; only when the end of the memory is reached is
// the last screen copied to its beginning, once in some 180 lines. The memory itself is the only copy, and is
// written, never read, but for that. Any context that may log.

import { deviceMap } from '../../arch/x86/device-window.ts'
import { inb, load8, outb, storeVolatile16 } from '../../lib/intrinsics.ts'
import { type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'

const TEXT_MEMORY: u32 = 0xb8000
const TEXT_BYTES: u32 = 0x8000
const COLUMNS: u32 = 80
const ROWS: u32 = 25
/** Rows of the whole memory. */
const MEMORY_ROWS: u32 = 204
const ROW_BYTES: u32 = 160
/** Light grey on black. */
const ATTRIBUTE: u32 = 0x0700
const CHAR_SPACE: u32 = 0x20

const CRTC_INDEX: u32 = 0x3d4
const CRTC_DATA: u32 = 0x3d5
const enum Crtc { CursorStart = 0x0a, StartHigh = 0x0c, StartLow = 0x0d, CursorHigh = 0x0e, CursorLow = 0x0f }
/** Bit of CursorStart: no cursor. */
const CURSOR_OFF: u32 = 0x20

let memory: ptr = 0 as ptr
let top: u32 = 0 // row of the memory that is displayed first
let row: u32 = 0 // row of the memory that is written next

function crtcWrite(index: Crtc, value: u32): void {
  outb(CRTC_INDEX, index)
  outb(CRTC_DATA, value)
}

function crtcRead(index: Crtc): u32 {
  outb(CRTC_INDEX, index)
  return inb(CRTC_DATA)
}

/** Whether a CRT controller answers: a register keeps what is written to it. */
function isPresent(): boolean {
  crtcWrite(Crtc.CursorLow, 0x5a)
  return crtcRead(Crtc.CursorLow) == 0x5a
}

function clearRow(which: u32): void {
  const cells = which * ROW_BYTES
  for (let column: u32 = 0; column < COLUMNS; column++) {
    storeVolatile16(memory, cells + (column << 1), ATTRIBUTE | CHAR_SPACE)
  }
}

/** Take over the screen, cleared. False when there is none. */
export function vgaInit(): boolean {
  if (!isPresent()) return false
  memory = deviceMap(TEXT_MEMORY, 0, TEXT_BYTES)
  if (memory == 0) return false
  for (let each: u32 = 0; each < ROWS; each++) clearRow(each)
  crtcWrite(Crtc.CursorStart, CURSOR_OFF)
  show()
  return true
}

/** Display the memory from row `top`. */
function show(): void {
  const cell = top * COLUMNS
  crtcWrite(Crtc.StartHigh, cell >>> 8)
  crtcWrite(Crtc.StartLow, cell & 0xff)
}

/** A cleared row at the bottom to write to. */
function nextRow(): void {
  if (row == MEMORY_ROWS) {
    const kept: u32 = ROWS - 1
    copyBytes(memory, (memory + (MEMORY_ROWS - kept) * ROW_BYTES) as ptr, kept * ROW_BYTES)
    row = kept
    top = 0
  }
  clearRow(row)
  if (row - top == ROWS) top += 1
}

/** Show one line, cut at the right edge for each further row it needs: a sink of the log. */
export function vgaWrite(line: ptr, length: u32): void {
  if (memory == 0) return
  let done: u32 = 0
  do {
    nextRow()
    for (let column: u32 = 0; column < COLUMNS && done < length; column++) {
      storeVolatile16(memory, row * ROW_BYTES + (column << 1), ATTRIBUTE | load8(line, done))
      done += 1
    }
    row += 1
  } while (done < length)
  show()
}
