// Dates to seconds and back, in the Gregorian calendar. Pure: runs on the host.

import { struct, type u32 } from '../../lib/layout.ts'

const SECONDS_PER_DAY: u32 = 86400
/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970: u32 = 719468

/** Days of four years and of centuries, the leap day at the end of what it is the last of. */
const DAYS_4_YEARS: u32 = 1461
const DAYS_CENTURY: u32 = 36_524
const DAYS_ERA: u32 = 146_097 // 400 years
const THURSDAY: u32 = 4 // 1970-01-01

/** A moment in parts. */
@struct
export class CalendarDate {
  year: u32
  month: u32 // 1 to 12
  day: u32 // 1 to 31
  weekday: u32 // 0 Sunday to 6
  hour: u32
  minute: u32
  second: u32
}

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

/** The date and time that is `seconds` after 1970-01-01 00:00:00. */
export function calendarDate(date: CalendarDate, seconds: u32): void {
  const days: u32 = seconds / SECONDS_PER_DAY
  const ofDay: u32 = seconds % SECONDS_PER_DAY
  const since: u32 = days + DAYS_TO_1970
  const inEra: u32 = since % DAYS_ERA
  const yearInEra: u32 = (inEra - inEra / (DAYS_4_YEARS - 1) + inEra / DAYS_CENTURY - inEra / (DAYS_ERA - 1)) / 365
  const inYear: u32 = inEra - (yearInEra * 365 + yearInEra / 4 - yearInEra / 100)
  const fromMarch: u32 = (inYear * 5 + 2) / 153
  date.day = inYear - (fromMarch * 153 + 2) / 5 + 1
  date.month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  date.year = (since / DAYS_ERA) * 400 + yearInEra + (date.month <= 2 ? 1 : 0)
  date.weekday = (days + THURSDAY) % 7
  date.hour = ofDay / 3600
  date.minute = (ofDay % 3600) / 60
  date.second = ofDay % 60
}
