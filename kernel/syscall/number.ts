// Numbers of 64 bits in user memory. Context: a process's; may sleep.

import { Errno } from '../lib/errno.ts'
import { address, sizeof, staticStruct, wire, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { userCopyOut, userPin } from '../vm/user-copy.ts'

/** A number of 64 bits in user memory. System V ABI specification. */
@wire(8)
export class Number64 {
  low: Le<u32>
  high: Le<u32>
}

const number = staticStruct<Number64>()

/** The place is there before the number is: what is static must not be kept over a sleep. */
export function numberOut(low: u32, high: u32, to: ptr): i32 {
  if (userPin(to, sizeof<Number64>(), true) != Errno.None) return Errno.BadAddress
  number.low = low
  number.high = high
  return userCopyOut(to, address(number), sizeof<Number64>())
}
