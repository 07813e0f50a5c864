// The Date field of an answer: RFC 9110 §6.6.1, in the form of §5.6.7, made once a second. Main-loop context only.

import { CalendarDate, calendarDate } from '../../arch/x86/calendar.ts'
import { plus, staticMemory, staticStruct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { TextWriter, writeBytes, writeChar, writeDecimal, writePadded, writeText, writerInit, writerLength } from '../../lib/print.ts'
import { WallTime, wallClockAtBoot, wallClockNow } from '../../lib/wall-clock.ts'

const DAYS: cstring = 'SunMonTueWedThuFriSat'
const MONTHS: cstring = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const NAME: u32 = 3
/** `Date: Sun, 06 Nov 1994 08:49:37 GMT` and a line end. */
const LINE: u32 = 37
const SPACE: u32 = 0x20
const COLON: u32 = 0x3a
const ZERO: u32 = 0x30

const now = staticStruct<WallTime>()
const date = staticStruct<CalendarDate>()
const line = staticMemory(LINE)
const lineWriter = staticStruct<TextWriter>()
let madeFor: u32 = 0

/** The field's line; nothing where the time of day is not known: such a server must not say one. */
export function dateWrite(writer: TextWriter): void {
  if (wallClockAtBoot() == 0) return
  wallClockNow(now)
  if (now.seconds != madeFor) make(now.seconds)
  writeBytes(writer, line, writerLength(lineWriter))
}

function make(seconds: u32): void {
  madeFor = seconds
  calendarDate(date, seconds)
  writerInit(lineWriter, line, LINE)
  writeText(lineWriter, 'Date: ')
  writeBytes(lineWriter, plus(DAYS as ptr, date.weekday * NAME), NAME)
  writeText(lineWriter, ', ')
  writePadded(lineWriter, date.day, 2, ZERO)
  writeChar(lineWriter, SPACE)
  writeBytes(lineWriter, plus(MONTHS as ptr, (date.month - 1) * NAME), NAME)
  writeChar(lineWriter, SPACE)
  writeDecimal(lineWriter, date.year)
  writeChar(lineWriter, SPACE)
  writePadded(lineWriter, date.hour, 2, ZERO)
  writeChar(lineWriter, COLON)
  writePadded(lineWriter, date.minute, 2, ZERO)
  writeChar(lineWriter, COLON)
  writePadded(lineWriter, date.second, 2, ZERO)
  writeText(lineWriter, ' GMT\r\n')
}
