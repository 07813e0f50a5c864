// Who may use a terminal: sessions, the group in the foreground, and what happens to the others. POSIX.1-2017 §11.1.2 to §11.1.4.
// A process's context.

import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { FileSignal } from '../flags.ts'
import { processGroup, processIgnores, processSelf, processSession, processSignalGroup } from '../process-hooks.ts'
import { LocalFlag } from './termios.ts'
import { Tty, ttyIs } from './tty.ts'

/** The process that runs is of the terminal's session, but not in the foreground. */
function isBackground(tty: Tty): boolean {
  const group = processGroup()
  return group != 0 && tty.session == processSession() && tty.group != 0 && tty.group != group
}

/** Before a read: InputOutput or Interrupted, with a SIGTTIN, when it is not for this process to read. */
export function ttyMayRead(tty: Tty): i32 {
  if (!isBackground(tty)) return Errno.None
  if (processIgnores(FileSignal.TerminalInput)) return Errno.InputOutput
  processSignalGroup(processGroup(), FileSignal.TerminalInput)
  return Errno.Interrupted
}

/** Before the terminal is changed, and before a write if TOSTOP says so: Interrupted, with a SIGTTOU. */
export function ttyMayChange(tty: Tty): i32 {
  if (!isBackground(tty) || processIgnores(FileSignal.TerminalOutput)) return Errno.None
  processSignalGroup(processGroup(), FileSignal.TerminalOutput)
  return Errno.Interrupted
}

export function ttyMayWrite(tty: Tty): i32 {
  return ttyIs(tty, LocalFlag.StopBackground) ? ttyMayChange(tty) : Errno.None
}

/** Whether the process that runs leads its session: its number is the session's. */
function leadsSession(): boolean {
  return processSelf() != 0 && processSession() == processSelf()
}

/** Become the controlling terminal of the session that the process leads. NotPermitted: it leads none, or another has it. */
export function ttyControl(tty: Tty): i32 {
  if (tty.session == processSession() && tty.session != 0) return Errno.None
  if (!leadsSession() || tty.session != 0) return Errno.NotPermitted
  tty.session = processSession()
  tty.group = processGroup()
  return Errno.None
}

/** A session's leader has gone, or gives its terminal up: the foreground is told. */
export function ttySessionEnd(tty: Tty, session: u32): void {
  if (session == 0 || tty.session != session) return
  processSignalGroup(tty.group, FileSignal.HangUp)
  tty.session = 0
  tty.group = 0
}

/** TIOCSPGRP. NotTerminal: it is not this session's; InvalidArgument. */
export function ttyForegroundSet(tty: Tty, group: u32): i32 {
  if (tty.session == 0 || tty.session != processSession()) return Errno.NotTerminal
  if (group == 0 || (group as number as i32) < 0) return Errno.InvalidArgument
  const refused = ttyMayChange(tty)
  if (refused == Errno.None) tty.group = group
  return refused
}
