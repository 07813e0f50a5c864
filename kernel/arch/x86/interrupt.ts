// Interrupt vectors: who has which, and what happens when one arrives.
//
//   0x00 .. 0x1f   exceptions (trap.ts)
//   0x20 .. 0x2f   the masked 8259s: only their spurious interrupts ever arrive, and are ignored
//   0x30 .. 0xdf   given out here
//   0xe0           the local APIC's timer
//   0xff           the local APIC's spurious interrupt
//
// A vector may have several handlers (PCI lines are shared): all are called. Handlers run with interrupts off,
// on whatever stack was interrupted; they set a flag and return.

import { sti } from '../../lib/intrinsics.ts'
import { nth, staticRow, struct, type u32 } from '../../lib/layout.ts'
import { ISA_IRQS } from './acpi.ts'
import { acpiInfo } from './acpi-init.ts'
import { apicInit, endOfInterrupt, localApicId } from './apic.ts'
import { ioapicInit, isaRoute, pciRoute } from './ioapic.ts'
import { picDisable } from './pic.ts'
import { interruptsSet } from './trap.ts'

export type InterruptHandler = (context: u32) => void

@struct
class Handler {
  next: Handler | null // of the same vector, or free
  handle: InterruptHandler
  context: u32
}

@struct
class Vector {
  first: Handler | null
  count: u32 // interrupts so far, modulo 2^32
}

/** Vector of each PCI line in use. */
@struct
class Line {
  vector: u32 // 0 none yet
}

const PIC_VECTOR: u32 = 0x20
const FIRST_VECTOR: u32 = 0x30
const TIMER_VECTOR: u32 = 0xe0
const SPURIOUS_VECTOR: u32 = 0xff
/** Handlers in all: a vector each, and as many again that share. */
const HANDLER_LIMIT: u32 = 256

const vectors = staticRow<Vector>(256)
const handlers = staticRow<Handler>(HANDLER_LIMIT)
const lines = staticRow<Line>(ISA_IRQS)
let nextVector: u32 = FIRST_VECTOR
let handlersUsed: u32 = 0
let freeHandlers: Handler | null = null

function arrived(number: u32): void {
  const vector = nth(vectors, number)
  vector.count += 1
  if (number == SPURIOUS_VECTOR || number < FIRST_VECTOR) return // neither expects an end of interrupt
  let each: Handler | null = vector.first
  while (each != null) {
    each.handle(each.context)
    each = each.next
  }
  endOfInterrupt()
}

function takeHandler(): Handler | null {
  const reused: Handler | null = freeHandlers
  if (reused != null) {
    freeHandlers = reused.next
    return reused
  }
  if (handlersUsed == HANDLER_LIMIT) return null
  handlersUsed += 1
  return nth(handlers, handlersUsed - 1)
}

/** Call `handler(context)` too when `vector` arrives. False when the table of handlers is full. */
function attach(vector: u32, handler: InterruptHandler, context: u32): boolean {
  const entry = takeHandler()
  if (entry == null) return false
  entry.handle = handler
  entry.context = context
  entry.next = nth(vectors, vector).first
  nth(vectors, vector).first = entry
  return true
}

function freeVector(): u32 {
  for (let vector = nextVector; vector < TIMER_VECTOR; vector++) {
    if (nth(vectors, vector).first == null) {
      nextVector = vector + 1
      return vector
    }
  }
  return 0
}

/** A vector whose arrival calls `handler(context)`; the end of interrupt is done here. 0 when none is left. */
export function interruptAllocate(handler: InterruptHandler, context: u32): u32 {
  const vector = freeVector()
  if (vector == 0 || !attach(vector, handler, context)) return 0
  return vector
}

/** Give a vector back, with all its handlers; nothing may deliver it any more. */
export function interruptFree(vector: u32): void {
  let each: Handler | null = nth(vectors, vector).first
  while (each != null) {
    const following: Handler | null = each.next
    each.next = freeHandlers
    freeHandlers = each
    each = following
  }
  nth(vectors, vector).first = null
  if (vector < nextVector) nextVector = vector
}

/** How often a vector arrived, modulo 2³². */
export function interruptCount(vector: u32): u32 {
  return nth(vectors, vector).count
}

/**
 * Call `handler(context)` when the PCI line of an interrupt-line register is raised, other devices' handlers of the
 * same line too. Level triggered: the handler must quiet its device. False when the line leads nowhere.
 */
export function interruptRouteIntx(line: u32, handler: InterruptHandler, context: u32): boolean {
  if (line >= ISA_IRQS) return false
  const known = nth(lines, line).vector
  if (known != 0) return attach(known, handler, context)
  const vector = interruptAllocate(handler, context)
  if (vector == 0) return false
  if (!pciRoute(acpiInfo(), line, vector)) {
    interruptFree(vector)
    return false
  }
  nth(lines, line).vector = vector
  return true
}

/** Call `handler(context)` on ISA interrupt `irq` (below 16). False when the line leads nowhere. */
export function interruptRouteIsa(irq: u32, handler: InterruptHandler, context: u32): boolean {
  const vector = interruptAllocate(handler, context)
  if (vector == 0) return false
  if (isaRoute(acpiInfo(), irq, vector)) return true
  interruptFree(vector)
  return false
}

/** Where a device writes to interrupt this processor (MSI and MSI-X); the data is the vector. SDM vol. 3 §11.11. */
export function messageAddress(): u32 {
  return 0xfee00000 | (localApicId() << 12)
}

function timerExpired(_context: u32): void {
  // Waking the processor is all it is for: the main loop runs the timers.
}

/** Put the controllers in order and let interrupts in. */
export function interruptInit(): void {
  picDisable(PIC_VECTOR)
  apicInit(TIMER_VECTOR, SPURIOUS_VECTOR)
  attach(TIMER_VECTOR, timerExpired, 0)
  ioapicInit(acpiInfo())
  interruptsSet(arrived)
  sti()
}
