// A JSON number read digit by digit. RFC 8259 §6. Main-loop context only.
//
// What comes out is an integer: the fraction is cut off; what does not fit 64 bits, or nearly does not, is their largest.
// Eighteen digits count, which is more than a double has.

import { add64, copy64, divide64, load32, scale64, store64 } from '../../lib/intrinsics.ts'
import { staticMemory, struct, type Bytes, type Stored, type bool, type i32, type ptr, type u32 } from '../../lib/layout.ts'

@struct
export class JsonNumber {
  value: Bytes<8> // u64: the digits so far; after jsonNumberEnd, the number without its sign
  scale: i32 // the digits' value is to be multiplied by 10 to this
  exponent: i32
  negative: Stored<u32, bool>
  exponentNegative: Stored<u32, bool>
}

/** Upper half of 10^18 - 1, about: below it there is room for another digit. */
const ROOM_FOR_DIGIT: u32 = 0x0de0b6b3
/** Upper half of the largest number whose tenfold fits 64 bits, about. */
const ROOM_FOR_TEN: u32 = 0x19999999
const EXPONENT_LIMIT: i32 = 99_999

const digitMemory = staticMemory(8, 8)

/** Before the first digit. */
export function jsonNumberStart(number: JsonNumber, negative: boolean): void {
  store64(number.value, 0, 0, 0)
  number.scale = 0
  number.exponent = 0
  number.negative = negative
  number.exponentNegative = false
}

/** One digit before the point, or behind it. */
export function jsonNumberDigit(number: JsonNumber, digit: u32, fraction: boolean): void {
  const full: boolean = load32(number.value, 4) >= ROOM_FOR_DIGIT
  if (fraction && !full) number.scale -= 1
  if (!fraction && full) number.scale += 1
  if (full) return
  scale64(number.value, number.value, 10, 0)
  store64(digitMemory, 0, digit, 0)
  add64(number.value, number.value, digitMemory)
}

/** One digit of the exponent. */
export function jsonNumberExponent(number: JsonNumber, digit: u32): void {
  if (number.exponent < EXPONENT_LIMIT) number.exponent = number.exponent * 10 + (digit as number as i32)
}

/** All digits are there: `value` becomes the integer. */
export function jsonNumberEnd(number: JsonNumber): void {
  let scale: i32 = number.exponentNegative ? number.scale - number.exponent : number.scale + number.exponent
  while (scale > 0 && !isZero(number.value)) {
    if (load32(number.value, 4) >= ROOM_FOR_TEN) {
      store64(number.value, 0, 0xffffffff, 0xffffffff)
      return
    }
    scale64(number.value, number.value, 10, 0)
    scale -= 1
  }
  while (scale < 0 && !isZero(number.value)) {
    divide64(number.value, number.value, 10)
    scale += 1
  }
}

function isZero(value: ptr): boolean {
  return load32(value, 0) == 0 && load32(value, 4) == 0
}

/** The number as a u32: 0 if it is negative, the largest u32 if it is larger. */
export function jsonNumberSmall(number: JsonNumber): u32 {
  if (number.negative) return 0
  return load32(number.value, 4) != 0 ? 0xffffffff : load32(number.value, 0)
}

/** The number as a u64 at `out`: 0 if it is negative. */
export function jsonNumberLarge(out: ptr, number: JsonNumber): void {
  if (number.negative) store64(out, 0, 0, 0)
  else copy64(out, 0, number.value, 0)
}
