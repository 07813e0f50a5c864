// TCP options, read and written. RFC 9293 §3.2; window scale and timestamps RFC 7323 §2.2, §3.2; SACK RFC 2018 §2, §3.
//
// What is malformed ends the walk, and what was read before it stands: a segment is not given up for its options.

import { loadBe16, loadBe32, load8, storeBe16, storeBe32, store8 } from '../../lib/intrinsics.ts'
import { nth, plus, struct, type Row, type Stored, type bool, type ptr, type u32, type u8, type u16 } from '../../lib/layout.ts'
import type { Seq } from './sequence.ts'

const enum Kind { End, Nothing, MaximumSegmentSize, WindowScale, SackPermitted, Sack, Timestamps = 8 }

/** Blocks in one option: as many as 40 bytes hold. RFC 2018 §3. */
export const SACK_BLOCKS: u32 = 4
const SACK_BLOCK_SIZE: u32 = 8
/** NOP, NOP, and the option of ten bytes: RFC 7323 §3.2, laid out as its appendix A recommends. */
export const TIMESTAMPS_SIZE: u32 = 12
/** The largest shift: RFC 7323 §2.3. */
export const WINDOW_SCALE_LIMIT: u32 = 14

/** Octets that were received, from `left` up to but without `right`. RFC 2018 §3. */
@struct
export class SackBlock {
  left: Seq
  right: Seq
}

/** What the options of one segment say. */
@struct
export class TcpOptions {
  hasMss: Stored<u8, bool>
  hasScale: Stored<u8, bool>
  sackPermitted: Stored<u8, bool>
  hasTimestamps: Stored<u8, bool>
  mss: u16
  scale: u8
  sackCount: u8
  value: u32 // TSval
  echo: u32 // TSecr
  sack: Row<SackBlock, 4> // SACK_BLOCKS
}

/** Read `length` bytes of options at `p`. */
export function optionsRead(options: TcpOptions, p: ptr, length: u32): void {
  options.hasMss = false
  options.hasScale = false
  options.sackPermitted = false
  options.hasTimestamps = false
  options.sackCount = 0
  if (length == TIMESTAMPS_SIZE && loadBe32(p, 0) == TIMESTAMPS_WORD) return timestampsRead(options, plus(p, 4))
  let i: u32 = 0
  while (i < length) {
    const kind: u32 = load8(p, i)
    if (kind == Kind.End) return
    if (kind == Kind.Nothing) {
      i += 1
      continue
    }
    if (i + 2 > length) return
    const size: u32 = load8(p, i + 1)
    if (size < 2 || i + size > length) return
    optionRead(options, kind, plus(p, i + 2), size - 2)
    i += size
  }
}

/** One option, its `length` bytes after kind and length at `p`; of a length that it has not, it says nothing. */
function optionRead(options: TcpOptions, kind: u32, p: ptr, length: u32): void {
  switch (kind) {
    case Kind.MaximumSegmentSize:
      if (length != 2) return
      options.hasMss = true
      options.mss = loadBe16(p, 0)
      return
    case Kind.WindowScale:
      if (length != 1) return
      options.hasScale = true
      options.scale = load8(p, 0) < WINDOW_SCALE_LIMIT ? load8(p, 0) : WINDOW_SCALE_LIMIT // RFC 7323 §2.3
      return
    case Kind.SackPermitted:
      if (length == 0) options.sackPermitted = true
      return
    case Kind.Sack: return sackRead(options, p, length)
    case Kind.Timestamps:
      if (length == 8) timestampsRead(options, p)
      return
  }
}

function timestampsRead(options: TcpOptions, p: ptr): void {
  options.hasTimestamps = true
  options.value = loadBe32(p, 0)
  options.echo = loadBe32(p, 4)
}

function sackRead(options: TcpOptions, p: ptr, length: u32): void {
  const count: u32 = length / SACK_BLOCK_SIZE
  if (count * SACK_BLOCK_SIZE != length || count > SACK_BLOCKS) return
  options.sackCount = count
  for (let i: u32 = 0; i < count; i++) {
    nth(options.sack, i).left = loadBe32(p, i * SACK_BLOCK_SIZE)
    nth(options.sack, i).right = loadBe32(p, i * SACK_BLOCK_SIZE + 4)
  }
}

/** For synOptionsWrite: the SYN says nothing of scaling. */
export const NO_SCALE: u32 = 0xff

/** NOP, NOP, kind 8, length 10. */
const TIMESTAMPS_WORD: u32 = 0x0101080a

/** Write NOP, NOP and timestamps at `p`; returns TIMESTAMPS_SIZE. */
export function timestampsWrite(p: ptr, value: u32, echo: u32): u32 {
  storeBe32(p, 0, TIMESTAMPS_WORD)
  storeBe32(p, 4, value)
  storeBe32(p, 8, echo)
  return TIMESTAMPS_SIZE
}

/** Write a maximum segment size at `p`; returns its length, 4. */
export function mssWrite(p: ptr, mss: u32): u32 {
  store8(p, 0, Kind.MaximumSegmentSize)
  store8(p, 1, 4)
  storeBe16(p, 2, mss)
  return 4
}

/** Write NOP and a window scale at `p`; returns 4. */
function scaleWrite(p: ptr, shift: u32): u32 {
  store8(p, 0, Kind.Nothing)
  store8(p, 1, Kind.WindowScale)
  store8(p, 2, 3)
  store8(p, 3, shift)
  return 4
}

/** SACK permitted, in two bytes. */
const SACK_PERMITTED_WORD: u32 = 0x0402
const NOTHING_TWICE: u32 = 0x0101

/**
 * Write what a SYN has behind its maximum segment size at `p`: SACK permitted, timestamps, a window scale unless it is NO_SCALE;
 * returns the length, a multiple of four. SACK permitted takes the place of the timestamps' padding, as most stacks have it.
 */
export function synOptionsWrite(p: ptr, sackPermitted: boolean, timestamps: boolean, value: u32, echo: u32, shift: u32): u32 {
  let length: u32 = 0
  if (timestamps) {
    length = timestampsWrite(p, value, echo)
    if (sackPermitted) storeBe16(p, 0, SACK_PERMITTED_WORD)
  } else if (sackPermitted) {
    storeBe16(p, 0, NOTHING_TWICE)
    storeBe16(p, 2, SACK_PERMITTED_WORD)
    length = 4
  }
  return shift == NO_SCALE ? length : length + scaleWrite(plus(p, length), shift)
}

/** Write NOP, NOP and the head of a SACK option of `count` blocks at `p`; returns 4: the blocks follow, sackBlockWrite. */
export function sackWrite(p: ptr, count: u32): u32 {
  store8(p, 0, Kind.Nothing)
  store8(p, 1, Kind.Nothing)
  store8(p, 2, Kind.Sack)
  store8(p, 3, 2 + count * SACK_BLOCK_SIZE)
  return 4
}

/** Write one block of a SACK option at `p`; returns its length, 8. */
export function sackBlockWrite(p: ptr, left: Seq, right: Seq): u32 {
  storeBe32(p, 0, left)
  storeBe32(p, 4, right)
  return SACK_BLOCK_SIZE
}
