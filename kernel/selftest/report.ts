// The two lines a selftest can end in. docs/contract.md, "Serial log".

import type { cstring } from '../lib/layout.ts'
import { Level, logEnd, logQuoted, logStart, logText } from '../lib/log.ts'

/** `selftest: pass name=…`, left open for more values and logEnd(); false when the level is not let through. */
export function reportPass(name: cstring): boolean {
  if (!logStart(Level.Info, 'selftest', 'pass')) return false
  logText('name', name)
  return true
}

/** `selftest: fail name=… why="…"`, left open for more values and logEnd(); false when the level is not let through. */
export function reportFailOpen(name: cstring, why: cstring): boolean {
  if (!logStart(Level.Error, 'selftest', 'fail')) return false
  logText('name', name)
  logQuoted('why', why)
  return true
}

/** `selftest: fail name=… why="…"`. */
export function reportFail(name: cstring, why: cstring): void {
  if (reportFailOpen(name, why)) logEnd()
}
