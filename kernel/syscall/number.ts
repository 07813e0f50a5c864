// Numbers of 64 bits in user memory. Context: a process's; may sleep.

import { Long } from '../fs/layouts.ts'
import { Errno } from '../lib/errno.ts'
import { address, sizeof, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { userCopyOut, userPin } from '../vm/user-copy.ts'

const number = staticStruct<Long>()

/** The place is there before the number is: what is static must not be kept over a sleep. */
export function numberOut(low: u32, high: u32, to: ptr): i32 {
  if (userPin(to, sizeof<Long>(), true) != Errno.None) return Errno.BadAddress
  number.low = low
  number.high = high
  return userCopyOut(to, address(number), sizeof<Long>())
}
