// INTx: interrupt lines, level-triggered and shared. One vector a line calls every handler of the line; each
// looks at its own device and makes it let go of the line. PCI Local Bus 3.0 §2.2.6.
//
// Lines are taken as the firmware wrote them into the interrupt line register (PCI Local Bus 3.0 §6.2.4).

import { nth, staticRow, struct, type u32 } from '../../lib/layout.ts'
import { platformRoute, platformVector, type InterruptHandler } from './platform.ts'

@struct
class IntxUser {
  line: u32
  handler: InterruptHandler
  context: u32
}

/** Functions on INTx: as many as virtio devices fit on the bus of a pc. */
const USER_LIMIT: u32 = 32

const users = staticRow<IntxUser>(USER_LIMIT)
let count: u32 = 0

/** Interrupt context. The context is the line. */
function dispatch(line: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const user = nth(users, i)
    if (user.line == line) user.handler(user.context)
  }
}

function lineInUse(line: u32): boolean {
  for (let i: u32 = 0; i < count; i++) {
    if (nth(users, i).line == line) return true
  }
  return false
}

/** Have `handler` called on every interrupt of `line`. False when the line goes nowhere, or a table is full. */
export function intxAttach(line: u32, handler: InterruptHandler, context: u32): boolean {
  if (count == USER_LIMIT) return false
  const shared: boolean = lineInUse(line)
  const user = nth(users, count)
  user.line = line
  user.handler = handler
  user.context = context
  count += 1 // before the line is let through: its first interrupt finds the handler
  if (shared) return true
  const vector: u32 = platformVector(dispatch, line)
  if (vector != 0 && platformRoute(line, vector)) return true
  count -= 1
  return false
}
