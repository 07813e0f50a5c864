// Sequence numbers. RFC 9293 §3.4. Pure functions: any context.
//
// They live on a circle of 2^32, so "less than" means "reached first going forward". The lowering pass refuses
// < <= > >= on a Seq; these are the words. The timestamps of RFC 7323 §5.2 are compared in the same way.

import type { i32, u32 } from '../../lib/layout.ts'

declare const sequence: unique symbol
export type Seq = u32 & { readonly [sequence]?: true }

/** `s` moved forward by `n`. */
export function seqPlus(s: Seq, n: u32): Seq {
  return (s + n) as Seq
}

/** How far `to` lies ahead of `from`; negative when it lies behind. */
export function seqAhead(from: Seq, to: Seq): i32 {
  return (to - from) as number as i32
}

/** Octets from `from` to `to`, which is not before it. */
export function seqDistance(from: Seq, to: Seq): u32 {
  return to - from
}

/** a < b. */
export function seqLess(a: Seq, b: Seq): boolean {
  return seqAhead(a, b) > 0
}

/** a <= b. */
export function seqAtMost(a: Seq, b: Seq): boolean {
  return seqAhead(a, b) >= 0
}

/** The one that is reached later. */
export function seqLater(a: Seq, b: Seq): Seq {
  return seqLess(a, b) ? b : a
}
