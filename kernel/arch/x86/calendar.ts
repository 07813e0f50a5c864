// Dates to seconds, in the Gregorian calendar. Pure: runs on the host.

import type { u32 } from '../../lib/layout.ts'

const SECONDS_PER_DAY: u32 = 86400
/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970: u32 = 719468

/** Days in a month (1 to 12) of a year. */
export function daysInMonth(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
}

/**
 * Seconds from 1970-01-01 00:00:00 to a date and time of the same calendar, years 1970 to 2105. 0 when a part is out
 * of its range.
 */
export function secondsSince1970(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32): u32 {
  if (year < 1970 || year > 2105 || month < 1 || month > 12) return 0
  if (day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return 0
  // Years are counted from March, so that the leap day comes last and months follow a fixed pattern of days.
  const y = month <= 2 ? year - 1 : year
  const m = month <= 2 ? month + 9 : month - 3
  const days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - DAYS_TO_1970
  return days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
}
