// A set of physical addresses as a short sorted list of ranges: what is left of RAM when everything that is
// taken has been cut out. Ranges do not touch and are never empty. Pure: runs on the host. Boot context.

import { nth, struct, type Row, type u32 } from '../../lib/layout.ts'

/** Ranges a set can hold: every region of the boot loader's map, and as many cuts. */
export const RANGE_LIMIT: u32 = 128

/** `start` up to `end`, exclusive. */
@struct
export class Range {
  start: u32
  end: u32
}

@struct
export class RangeSet {
  count: u32
  lost: u32 // bytes left out because the list was full
  ranges: Row<Range, 128> // RANGE_LIMIT
}

/** The range at `index`, which is below `count`. */
export function rangeAt(set: RangeSet, index: u32): Range {
  return nth(set.ranges, index)
}

/** Bytes in the set. */
export function rangesTotal(set: RangeSet): u32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < set.count; i++) total += rangeAt(set, i).end - rangeAt(set, i).start
  return total
}

function insertAt(set: RangeSet, index: u32, start: u32, end: u32): void {
  if (set.count == RANGE_LIMIT) {
    set.lost += end - start
    return
  }
  for (let i: u32 = set.count; i > index; i--) {
    rangeAt(set, i).start = rangeAt(set, i - 1).start
    rangeAt(set, i).end = rangeAt(set, i - 1).end
  }
  rangeAt(set, index).start = start
  rangeAt(set, index).end = end
  set.count += 1
}

function removeAt(set: RangeSet, index: u32): void {
  set.count -= 1
  for (let i: u32 = index; i < set.count; i++) {
    rangeAt(set, i).start = rangeAt(set, i + 1).start
    rangeAt(set, i).end = rangeAt(set, i + 1).end
  }
}

/** Add `start` up to `end`; what is in the set already, or touches it, becomes one range. */
export function rangesAdd(set: RangeSet, start: u32, end: u32): void {
  if (start >= end) return
  let from = start
  let to = end
  let i: u32 = 0
  while (i < set.count && rangeAt(set, i).end < from) i++
  while (i < set.count && rangeAt(set, i).start <= to) {
    if (rangeAt(set, i).start < from) from = rangeAt(set, i).start
    if (rangeAt(set, i).end > to) to = rangeAt(set, i).end
    removeAt(set, i)
  }
  insertAt(set, i, from, to)
}

/** Take `start` up to `end` out of the set, wherever it is in it. */
export function rangesCut(set: RangeSet, start: u32, end: u32): void {
  if (start >= end) return
  let i: u32 = 0
  while (i < set.count) {
    const range = rangeAt(set, i)
    const rangeEnd = range.end
    if (rangeEnd <= start || range.start >= end) {
      i++
    } else if (range.start >= start && rangeEnd <= end) {
      removeAt(set, i)
    } else if (range.start >= start) {
      range.start = end
      i++
    } else {
      range.end = start
      i++
      if (rangeEnd > end) insertAt(set, i, end, rangeEnd)
    }
  }
}

/** Keep the first `limit` bytes of the set and drop the rest. */
export function rangesLimit(set: RangeSet, limit: u32): void {
  let left = limit
  for (let i: u32 = 0; i < set.count; i++) {
    const range = rangeAt(set, i)
    const length = range.end - range.start
    if (length > left) {
      range.end = range.start + left
      set.count = left == 0 ? i : i + 1
      return
    }
    left -= length
  }
}

/** Take `bytes` off the end of the last range that has more than that: where they begin, 0 if none has. */
export function rangesTakeEnd(set: RangeSet, bytes: u32): u32 {
  for (let i: u32 = set.count; i != 0; i--) {
    const range = rangeAt(set, i - 1)
    if (range.end - range.start <= bytes) continue
    range.end -= bytes
    return range.end
  }
  return 0
}
