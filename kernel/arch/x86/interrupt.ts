// Interrupt vectors: who has which, and what happens when one arrives.
//
//   0x00 .. 0x1f   exceptions (trap.ts)
//   0x20 .. 0x2f   the masked 8259s: only their spurious interrupts ever arrive, and are ignored
//   0x30 .. 0xdf   given out here
//   0xe0           the local APIC's timer
//   0xff           the local APIC's spurious interrupt
//
// Handlers run with interrupts off, on whatever stack was interrupted; they set a flag and return.

import { attentionRaise } from '../../lib/attention.ts'
import { sti } from '../../lib/intrinsics.ts'
import { nth, staticRow, struct, type u32 } from '../../lib/layout.ts'
import { acpiInfo } from './acpi-init.ts'
import { apicInit, endOfInterrupt } from './apic.ts'
import { ioapicInit, isaRoute, pciRoute } from './ioapic.ts'
import { picDisable } from './pic.ts'
import { interruptsSet } from './trap.ts'

export type InterruptHandler = (context: u32) => void

@struct
class Vector {
  handle: InterruptHandler | null
  context: u32
  count: u32 // interrupts so far, modulo 2^32
}

const PIC_VECTOR: u32 = 0x20
const FIRST_VECTOR: u32 = 0x30
const TIMER_VECTOR: u32 = 0xe0
const SPURIOUS_VECTOR: u32 = 0xff

const vectors = staticRow<Vector>(256)

/** Whatever arrives. Neither the 8259s' vectors nor the spurious one expect an end of interrupt. */
function arrived(number: u32): void {
  const vector = nth(vectors, number)
  vector.count += 1
  attentionRaise()
  if (number == SPURIOUS_VECTOR || number < FIRST_VECTOR) return
  const handle: InterruptHandler | null = vector.handle
  if (handle != null) handle(vector.context)
  endOfInterrupt()
}

function attach(number: u32, handler: InterruptHandler, context: u32): void {
  const vector = nth(vectors, number)
  vector.handle = handler
  vector.context = context
}

/** A vector whose arrival calls `handler(context)`; the end of interrupt is done here. 0 when none is left. */
export function interruptAllocate(handler: InterruptHandler, context: u32): u32 {
  for (let number: u32 = FIRST_VECTOR; number < TIMER_VECTOR; number++) {
    if (nth(vectors, number).handle == null) {
      attach(number, handler, context)
      return number
    }
  }
  return 0
}

/** Give a vector back; nothing may deliver it any more. */
export function interruptFree(vector: u32): void {
  nth(vectors, vector).handle = null
}

/** How often a vector arrived, modulo 2³². */
export function interruptCount(vector: u32): u32 {
  return nth(vectors, vector).count
}

/**
 * Deliver the PCI line of an interrupt-line register as `vector`, level triggered: see `pciRoute`. False when the line
 * leads nowhere.
 */
export function pciInterruptRoute(line: u32, vector: u32): boolean {
  return pciRoute(acpiInfo(), line, vector)
}

/** Call `handler(context)` on ISA interrupt `irq` (below 16). False when the line leads nowhere. */
export function interruptRouteIsa(irq: u32, handler: InterruptHandler, context: u32): boolean {
  const vector = interruptAllocate(handler, context)
  if (vector == 0) return false
  if (isaRoute(acpiInfo(), irq, vector)) return true
  interruptFree(vector)
  return false
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
