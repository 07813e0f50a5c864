// Reading the kernel's serial log: one event a line, as docs/contract.md promises.
//
//   [    0.004213] info  net: up if=eth0 mac=52:54:00:12:34:56 ip=10.0.2.15/24
//    seconds       level subsystem: event key=value key="a value with spaces"

export type Level = 'error' | 'warn' | 'info' | 'debug'

export interface LogEvent {
  line: string
  microseconds: number
  level: Level
  subsystem: string
  event: string // the words before the first field
  fields: Record<string, string>
}

const LINE = /^\[ *(\d+)\.(\d{6})\] (error|warn|info|debug) {1,2}([a-z0-9/_.-]+): (.*)$/
const FIELD = /(?:^| )([A-Za-z_][\w.]*)=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?= |$)/g

/** One line of the log, or undefined when it is something else: firmware, a register dump. */
export function parseLine(line: string): LogEvent | undefined {
  const match = LINE.exec(line)
  if (!match) return undefined
  const [, seconds, fraction, level, subsystem, rest] = match as unknown as [string, string, string, Level, string, string]
  const fields: Record<string, string> = {}
  let event = rest
  for (const field of rest.matchAll(FIELD)) {
    if (event === rest) event = rest.slice(0, field.index).trim()
    fields[field[1]!] = field[2] === undefined ? field[3]! : field[2].replace(/\\(.)/g, '$1')
  }
  return { line, microseconds: Number(seconds) * 1_000_000 + Number(fraction), level, subsystem, event, fields }
}
