// What the receiver of datagrams finds out: how many are missing, how many came late, how their delay varies.
// protocol.ts; RFC 3550 §6.4.1 and appendix A.8 for the jitter. Main-loop context only.

import { nowMicroseconds, clockNow64 } from '../../lib/clock.ts'
import { add64, compare64, divide64, load32, store64, subtract64 } from '../../lib/intrinsics.ts'
import { at, staticMemory, struct, type Bytes, type Stored, type bool, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { DatagramHeader, WideDatagramHeader } from './protocol.ts'

@struct
export class Arrivals {
  highest: Bytes<8> // the greatest count seen; of a sender, how many it has sent
  missing: Bytes<8> // skipped, and not come since
  late: u32 // came after a greater count
  jitter: u32 // sixteenths of a microsecond
  transit: u32 // of the last one: its clock and ours differ by anything, modulo 2^32
  any: Stored<u32, bool>
}

const MICROSECONDS_PER_SECOND: u32 = 1_000_000

const count = staticMemory(8, 8)
const next = staticMemory(8, 8)
const skipped = staticMemory(8, 8)
const one = staticMemory(8, 8)

/** A datagram of `length` bytes begins at `header`; one that is too short for its header tells nothing. */
export function datagramArrived(arrivals: Arrivals, header: ptr, wide: boolean): void {
  const first = at<DatagramHeader>(header)
  const long = at<WideDatagramHeader>(header)
  if (wide) store64(count, 0, long.countLow, long.countHigh)
  else store64(count, 0, first.count, 0)
  store64(one, 0, 1, 0)
  add64(next, arrivals.highest, one)
  if (compare64(count, next) >= 0) {
    subtract64(skipped, count, next)
    add64(arrivals.missing, arrivals.missing, skipped)
    store64(arrivals.highest, 0, load32(count, 0), load32(count, 4))
  } else {
    arrivals.late += 1
    if (load32(arrivals.missing, 0) != 0 || load32(arrivals.missing, 4) != 0) subtract64(arrivals.missing, arrivals.missing, one)
  }
  varied(arrivals, nowMicroseconds() - (first.seconds * MICROSECONDS_PER_SECOND + first.microseconds))
}

/** RFC 3550 §6.4.1, appendix A.8: the difference to the last transit time goes into the jitter by a sixteenth. */
function varied(arrivals: Arrivals, transit: u32): void {
  const change: i32 = (transit - arrivals.transit) as number as i32
  const by: u32 = (change < 0 ? 0 - change : change) as number as u32
  if (arrivals.any) arrivals.jitter += by - ((arrivals.jitter + 8) >> 4)
  arrivals.transit = transit
  arrivals.any = true
}

/** The jitter counts from here on. */
export function arrivalsForgetJitter(arrivals: Arrivals): void {
  arrivals.jitter = 0
  arrivals.any = false
}

/** The jitter in microseconds. */
export function arrivalsJitter(arrivals: Arrivals): u32 {
  return arrivals.jitter >> 4
}

/** Write the header of the next datagram to be sent: now, and one more than before. */
export function datagramNext(arrivals: Arrivals, header: ptr, wide: boolean): void {
  store64(one, 0, 1, 0)
  add64(arrivals.highest, arrivals.highest, one)
  const first = at<DatagramHeader>(header)
  first.microseconds = divide64(count, clockNow64(), MICROSECONDS_PER_SECOND)
  first.seconds = load32(count, 0)
  first.count = load32(arrivals.highest, 0)
  if (!wide) return
  const long = at<WideDatagramHeader>(header)
  long.countHigh = load32(arrivals.highest, 4)
  long.countLow = load32(arrivals.highest, 0)
}

/** A datagram that datagramNext counted was not sent. */
export function datagramTakeBack(arrivals: Arrivals): void {
  store64(one, 0, 1, 0)
  subtract64(arrivals.highest, arrivals.highest, one)
}
