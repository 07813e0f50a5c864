// How many frames are kept free: below `low` pages leave until `high` are free or going to be, below `min` whoever wants one waits.
// What is below `min` is for those who can not wait: page tables of the kernel, pools, packets.

import type { u32 } from '../lib/layout.ts'
import { framesTotal } from '../mm/frames.ts'
import { WATERMARK_LEAST, WATERMARK_MOST, WATERMARK_SHARE } from '../config.ts'

let min: u32 = 0

/** Once, when all RAM is known. */
export function watermarksInit(): void {
  min = framesTotal() / WATERMARK_SHARE
  if (min < WATERMARK_LEAST) min = WATERMARK_LEAST
  if (min > WATERMARK_MOST) min = WATERMARK_MOST
}

export function watermarkMin(): u32 {
  return min
}

export function watermarkLow(): u32 {
  return min << 1
}

/** A cluster more than low, twice: some are always on their way. */
export function watermarkHigh(): u32 {
  return min * 4
}
